#!/usr/bin/python3
"""PyTorch on date conversion: the models, shapes and steps of heed_bench's date-seq2seq and date-transformer.

usage: torch_dates.py seq2seq|transformer FILE [--hidden=256 --batch=128 --steps=40 ...] [--decode=N]

Prints what heed_bench prints. FILE has a pair a line, source and target joined by a tab or "_". Debian: python3-torch.
"""
import argparse
import math
import resource
import statistics
import time

import torch
from torch import nn

WARM_UP = 5


class Seq2seq(nn.Module):
    """Embedding and LSTM on both sides, dot-product attention, one affine map over [context, state]."""

    def __init__(self, vocabulary, options):
        super().__init__()
        width = options.hidden
        self.embed_source, self.embed_target = nn.Embedding(vocabulary, 16), nn.Embedding(vocabulary, 16)
        self.encoder = nn.LSTM(16, width, batch_first=True)
        self.decoder = nn.LSTM(16, width, batch_first=True)
        self.affine = nn.Linear(2 * width, vocabulary)

    def encode(self, source):
        states, (last, _) = self.encoder(self.embed_source(source.flip(1)))
        return states, (last, torch.zeros_like(last))

    def decode(self, target, states, memory):
        hs, memory = self.decoder(self.embed_target(target), memory)  # [B, T, H]
        weights = torch.softmax(hs @ states.transpose(1, 2), -1)  # [B, T, S]
        return self.affine(torch.cat([weights @ states, hs], -1)), memory

    def forward(self, source, target):
        return self.decode(target, *self.encode(source))[0]

    def greedy(self, source, steps):
        states, memory = self.encode(source)
        ids = torch.zeros(len(source), 1, dtype=torch.long)
        for _ in range(steps):
            scores, memory = self.decode(ids, states, memory)
            ids = scores.argmax(-1)


class Transformer(nn.Module):
    """nn.Transformer as it comes (norm after each part, ReLU), no dropout, sines for positions."""

    def __init__(self, vocabulary, options):
        super().__init__()
        self.width = options.d
        self.embed_source, self.embed_target = nn.Embedding(vocabulary, options.d), nn.Embedding(vocabulary, options.d)
        for embedding in (self.embed_source, self.embed_target):  # as heed has them: sqrt(d) times this is of size 1
            nn.init.normal_(embedding.weight, std=options.d ** -0.5)
        angles = torch.arange(256).unsqueeze(1) * torch.exp(torch.arange(0, options.d, 2) * (-math.log(1e4) / options.d))
        self.register_buffer('positions', torch.stack([angles.sin(), angles.cos()], -1).flatten(1))
        self.parts = nn.Transformer(options.d, options.heads, options.layers, options.layers, options.ff, 0.0,
                                    batch_first=True)
        self.affine = nn.Linear(options.d, vocabulary)

    def embedded(self, embed, ids):
        return embed(ids) * math.sqrt(self.width) + self.positions[:ids.shape[1]]

    def decode(self, target, memory):
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        return self.affine(self.parts.decoder(self.embedded(self.embed_target, target), memory, tgt_mask=mask))

    def forward(self, source, target):
        return self.decode(target, self.parts.encoder(self.embedded(self.embed_source, source)))

    def greedy(self, source, steps):
        memory = self.parts.encoder(self.embedded(self.embed_source, source))
        ids = torch.zeros(len(source), 1, dtype=torch.long)
        for _ in range(steps):
            ids = torch.cat([ids, self.decode(ids, memory)[:, -1:].argmax(-1)], 1)


def read_ids(path):
    """Sources [N, S] and targets behind a start [N, 1 + T], in random order; id 0 is the start."""
    with open(path, encoding='utf-8') as file:
        pairs = [line.rstrip('\n').split('\t' if '\t' in line else '_') for line in file]
    characters = sorted({character for pair in pairs for text in pair for character in text} | {' '})
    ids = {character: i for i, character in enumerate(characters, 1)}

    def rows(side):
        width = max(len(pair[side]) for pair in pairs)
        return torch.tensor([[ids[character] for character in pair[side].ljust(width)] for pair in pairs])

    order = torch.randperm(len(pairs))
    targets = nn.functional.pad(rows(1), (1, 0))
    return rows(0)[order], targets[order], len(ids) + 1


def median_seconds(runs, work):
    seconds = []
    for i in range(WARM_UP + runs):
        start = time.perf_counter()
        work(i)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[WARM_UP:]), min(seconds[WARM_UP:])


def time_training(model, sources, targets, vocabulary, options):
    seq2seq = options.model == 'seq2seq'
    optimiser = torch.optim.Adam(model.parameters(), 1e-3, (0.9, 0.999 if seq2seq else 0.98))
    batches, last_loss = len(sources) // options.batch, [0.0]

    def step(i):
        begin = i % batches * options.batch
        source, target = sources[begin:begin + options.batch], targets[begin:begin + options.batch]
        optimiser.zero_grad()
        scores = model(source, target[:, :-1])
        loss = nn.functional.cross_entropy(scores.reshape(-1, vocabulary), target[:, 1:].reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0 if seq2seq else 1.0)
        optimiser.step()
        last_loss[0] = loss.item()

    median, least = median_seconds(options.steps, step)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'examples_per_s {options.batch / median:.1f} step_ms {median * 1e3:.3f} min_ms {least * 1e3:.3f} '
          f'loss {last_loss[0]:.4f} params {sum(p.numel() for p in model.parameters())} rss_mb {peak:.0f}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', choices=['seq2seq', 'transformer'])
    parser.add_argument('data')
    for name, value in dict(hidden=256, d=128, heads=8, layers=2, ff=512, batch=128, steps=40, threads=1, seed=1,
                            decode=0).items():
        parser.add_argument('--' + name, type=int, default=value)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    sources, targets, vocabulary = read_ids(options.data)
    model = (Seq2seq if options.model == 'seq2seq' else Transformer)(vocabulary, options)
    if not options.decode:
        time_training(model, sources, targets, vocabulary, options)
        return
    model.eval()
    with torch.no_grad():
        median, least = median_seconds(
            options.decode, lambda i: model.greedy(sources[i % len(sources)].unsqueeze(0), targets.shape[1] - 1))
    print(f'decode_ms_per_example {median * 1e3:.4f} min_ms {least * 1e3:.4f}')


main()
