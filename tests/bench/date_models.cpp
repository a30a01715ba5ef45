// Date conversion: training steps and decoding of whole models.
#include <cstdio>
#include <string>

#include "autograd/ops.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"
#include "optim/adam.h"
#include "tests/bench/dates.h"
#include "tests/bench/timing.h"
#include "tests/bench/workload.h"

namespace heed::bench {
namespace {

using programs::at_least;

constexpr std::int64_t kWarmUp = 5;

struct Training {
  std::string data{}, save{};
  std::int64_t batch = 128, steps = 40;
};

void add_training_flags(programs::Flags& flags, Training& training) {
  flags.add("data", &training.data, "file of pairs; empty: made ones");
  flags.add("save", &training.save, "file to write the pairs to, for a peer; empty: none");
  flags.add("batch", &training.batch, "examples a step", at_least(1));
  flags.add("steps", &training.steps, "steps under the clock", at_least(1));
}

Dates load(const Training& training) {
  const Pairs pairs = date_pairs(training.data);
  if (!training.save.empty()) write_pairs(training.save, pairs);
  return {pairs, training.batch};
}

struct Recipe {
  AdamOptions adam;
  double clip_norm;
};

// Prints how fast a model trains; scores(batch) is [B, T, V].
template <class Scores>
void time_training(const Module& model, Scores scores, const Dates& dates, const Training& training,
                   const Recipe& recipe) {
  Adam optimiser(model.parameters(), recipe.adam);
  double last_loss = 0;
  std::int64_t next = 0;
  const Times times = measure(kWarmUp, training.steps, [&] {
    const DateBatch batch = dates.batch(next++);
    optimiser.zero_grad();
    const Var loss = cross_entropy(scores(batch), batch.target_out);
    loss.backward();
    optimiser.step({.clip_norm = recipe.clip_norm});
    last_loss = loss.item();
  });
  std::printf("examples_per_s %.1f step_ms %.3f min_ms %.3f loss %.4f params %lld rss_mb %.0f\n",
              static_cast<double>(training.batch) / times.median, times.median * 1e3, times.least * 1e3,
              last_loss, static_cast<long long>(model.parameter_count()), peak_rss_mb());
}

// An end that no argmax gives: every decoding takes the same number of steps.
constexpr std::int32_t kNoEnd = -1;

Seq2seqConfig seq2seq_config(const Dates& dates, std::int64_t hidden) {
  return {.vocabulary = dates.vocabulary(),
          .embedding = 16,
          .hidden = hidden,
          .reverse_source = true,
          .start = Dates::kStart,
          .end = kNoEnd};
}

}  // namespace

void train_seq2seq(const Workload& self, const Call& call) {
  Training training;
  std::int64_t hidden = 256;
  programs::Flags flags = flags_of(self);
  add_training_flags(flags, training);
  flags.add("hidden", &hidden, "width of the LSTMs", at_least(1));
  if (!parse(flags, call)) return;
  const Dates dates = load(training);
  Rng rng(1);
  const AttentionSeq2seq model(seq2seq_config(dates, hidden), rng);
  const auto scores = [&](const DateBatch& batch) { return model(batch.source, batch.target_in); };
  time_training(model, scores, dates, training, {.adam = {.learning_rate = 1e-3}, .clip_norm = 5});
}

namespace {

// The transformer's sizes as flags.
void add_sizes(programs::Flags& flags, TransformerConfig& config) {
  config.layer.feed_forward = 512;
  flags.add("d", &config.layer.width, "width of the model", at_least(1));
  flags.add("heads", &config.layer.heads, "attention heads, which divide the width", at_least(1));
  flags.add("layers", &config.layers, "layers of the encoder, and of the decoder", at_least(1));
  flags.add("ff", &config.layer.feed_forward, "width between the two maps of a feed-forward part", at_least(1));
}

Transformer transformer(TransformerConfig config, const Dates& dates) {
  config.vocabulary = dates.vocabulary();
  config.start = Dates::kStart;
  config.end = kNoEnd;
  Rng rng(1);
  return Transformer(config, rng);
}

struct Decoding {
  std::string data;
  std::int64_t runs = 0;
};

void add_decoding_flags(programs::Flags& flags, Decoding& decoding) {
  flags.add("data", &decoding.data, "file of pairs; empty: made ones");
  flags.add("runs", &decoding.runs, "dates under the clock; 0: half a second of them", at_least(0));
}

// Prints how long a model takes to write one date.
template <class Model>
void time_decoding(const Model& model, const Dates& dates, std::int64_t runs) {
  std::int64_t next = 0;
  const Times times = measure(
      kWarmUp, runs, [&] { model.generate(dates.batch(next++).source, {.max_length = dates.target_time()}); });
  std::printf("decode_ms_per_example %.4f min_ms %.4f rss_mb %.0f\n", times.median * 1e3, times.least * 1e3,
              peak_rss_mb());
}

}  // namespace

void train_transformer(const Workload& self, const Call& call) {
  Training training;
  TransformerConfig config;
  programs::Flags flags = flags_of(self);
  add_training_flags(flags, training);
  add_sizes(flags, config);
  if (!parse(flags, call)) return;
  const Dates dates = load(training);
  const Transformer model = transformer(config, dates);
  const auto scores = [&](const DateBatch& batch) { return model(batch.source, batch.target_in); };
  time_training(model, scores, dates, training,
                {.adam = {.learning_rate = 1e-3, .beta2 = 0.98}, .clip_norm = 1});
}

void decode_transformer(const Workload& self, const Call& call) {
  Decoding decoding;
  TransformerConfig config;
  programs::Flags flags = flags_of(self);
  add_decoding_flags(flags, decoding);
  add_sizes(flags, config);
  if (!parse(flags, call)) return;
  const Dates dates(date_pairs(decoding.data), 1);
  time_decoding(transformer(config, dates), dates, decoding.runs);
}

void decode_seq2seq(const Workload& self, const Call& call) {
  Decoding decoding;
  std::int64_t hidden = 256;
  programs::Flags flags = flags_of(self);
  add_decoding_flags(flags, decoding);
  flags.add("hidden", &hidden, "width of the LSTMs", at_least(1));
  if (!parse(flags, call)) return;
  const Dates dates(date_pairs(decoding.data), 1);
  Rng rng(1);
  time_decoding(AttentionSeq2seq(seq2seq_config(dates, hidden), rng), dates, decoding.runs);
}

}  // namespace heed::bench
