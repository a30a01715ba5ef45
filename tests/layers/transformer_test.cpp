#include "layers/transformer.h"

#include "autograd/ops.h"
#include "core/reduce.h"
#include "optim/adam.h"
#include "tests/catch.h"
#include "tests/layers/model_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr TransformerConfig kSmall{
    .vocabulary = 9, .target_vocabulary = 7, .layers = 2, .layer = {.width = 6, .heads = 2, .feed_forward = 8}};

TransformerConfig with_norms(NormPlacement placement) {
  TransformerConfig config = kSmall;
  config.layer.norm = placement;
  return config;
}

// A model with values large enough to matter, sources of lengths 7, 3, 5 and targets of 5 steps.
struct Translating {
  Rng rng{11};
  Transformer model;
  Tokens source{Tensor(), ids_of({7, 3, 5}, {3})}, target;

  explicit Translating(NormPlacement placement = NormPlacement::after) : model(with_norms(placement), rng) {
    take_random_parameters(model, rng, 0.4);
    source.ids = random_ids({3, 7}, kSmall.vocabulary);
    target.ids = random_ids({3, 5}, kSmall.target_vocabulary);
  }
  Tensor random_ids(const Shape& shape, std::int64_t vocabulary) {
    std::vector<std::int32_t> values;
    for (std::int64_t i = 0; i < shape.count(); ++i)
      values.push_back(static_cast<std::int32_t>(rng.below(vocabulary)));
    return ids_of(values, shape);
  }
};

}  // namespace

TEST_CASE("transformer: scores, loss and all gradients are PyTorch's") {
  const Fixture numbers("transformer");
  Rng rng(1);
  Transformer model(kSmall, rng);
  // Values of about 1 through 4 layers with norms between them: some hundred roundings of 6e-8.
  check_model(model, numbers, {numbers.ids("source"), numbers.ids("lengths")}, 5e-6);
}

TEST_CASE(
    "transformer: with one table for targets and scores, or for all, scores and gradients are PyTorch's") {
  for (const auto& [name, tied] :
       {std::pair{"output", TiedWeights::output}, std::pair{"all", TiedWeights::all}}) {
    INFO(name);
    const Fixture numbers(text("transformer_tied_", name));
    Rng rng(1);
    Transformer model({.vocabulary = tied == TiedWeights::all ? 7 : 9,
                       .target_vocabulary = 7,
                       .layers = 1,
                       .layer = {.width = 4, .heads = 2, .feed_forward = 6},
                       .tied = tied},
                      rng);
    check_model(model, numbers, {numbers.ids("source"), numbers.ids("lengths")}, 5e-6);
  }
}

TEST_CASE("transformer: is causal, blind to padding and to the rest of the batch, and right step by step") {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    Data data;
    Transformer model({.vocabulary = kVocabulary,
                       .layers = 2,
                       .layer = form.layer,
                       .embedded_positions = form.embedded,
                       .max_length = 10,
                       .tied = TiedWeights::all},
                      data.rng);
    take_random_parameters(model, data.rng, 0.4);
    data.target.lengths = ids_of({5, 1, 3}, {3});
    const auto scores = [&](const Tensor& ids) { return model(data.source, {ids, {}}); };
    check_passed(check_causal(scores, data.target.ids));
    check_passed(check_padding_invariance(model, model, {data.source, data.target}));
    check_passed(check_batch_invariance(model, {data.source, data.target}));
    check_passed(check_decode_parity(model, data.source, data.target));
    const auto loss = [&] { return cross_entropy(scores(data.target.ids), data.target.ids); };
    check_passed(check_gradients(model, loss, {.most = 3}));
  }
}

TEST_CASE("transformer: parameters have names that say where they are") {
  Rng rng(1);
  const Transformer model(kSmall, rng);
  std::vector<std::string> names;
  for (const Var& parameter : model.parameters()) names.push_back(parameter.name());
  for (const char* name :
       {"source_embedding.weight", "encoder.0.self_attention.query.weight", "encoder.1.self_norm.gain",
        "encoder.norm.bias", "decoder.1.cross_attention.out.bias", "decoder.0.feed_forward.inner.weight",
        "decoder.1.feed_forward_norm.gain", "out.weight"}) {
    INFO(name);
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
}

TEST_CASE("transformer: the configuration reaches all layers, embeddings and norms") {
  TransformerConfig config = kSmall;
  config.layer.norm_kind = NormKind::rms;
  config.layer.gated = true;
  config.layer.bias = false;
  config.layer.key_value_heads = 1;
  config.layer.positions = BucketBias{.buckets = 8, .max_distance = 20};
  config.embedded_positions = EmbeddedPositions::learned;
  config.max_length = 50;
  Rng rng(1);
  const std::string summary = Transformer(config, rng).summary();
  const auto times = [&](const std::string& part) {
    int count = 0;
    for (std::size_t at = 0; (at = summary.find(part, at)) != std::string::npos; at += part.size()) ++count;
    return count;
  };
  CHECK(times("RMSNorm 6") == 2 * 2 + 2 * 3 + 2);
  CHECK(times("FeedForward 6 -> 8 -> 6, gated") == 4);
  CHECK(times("MultiHeadAttention 6, 2 heads on 1") == 6);
  CHECK(times("BucketBias 8, bidirectional") == 2);  // in the encoder
  CHECK(times("BucketBias 8, causal") == 2);         // in the decoder, which sees nothing later
  CHECK(times("LearnedPositions 50 x 6") == 2);
  CHECK(times("\n  out: Linear 6 -> 7") == 1);
  CHECK(times("bias f32") == 4 + 1);  // of the buckets, and of the last map
}

TEST_CASE("transformer: changing a target id moves no score before it, and moves the ones from it on") {
  for (const NormPlacement placement : {NormPlacement::after, NormPlacement::before}) {
    const Translating s(placement);
    const Tensor scores = s.model(s.source, s.target).value();
    for (std::int64_t step = 0; step < 5; ++step) {
      Tokens changed{s.target.ids.clone(), {}};
      for (std::int64_t b = 0; b < 3; ++b)
        changed.ids.set({b, step},
                        static_cast<double>((changed.ids.data<std::int32_t>()[b * 5 + step] + 1) % 7));
      const Tensor after = s.model(s.source, changed).value();
      CHECK(identical(after.slice(1, 0, step).clone(), scores.slice(1, 0, step).clone()));
      for (std::int64_t t = step; t < 5; ++t)
        CHECK(largest_difference(after.select(1, t), scores.select(1, t)) > 1e-6);
    }
  }
}

TEST_CASE("transformer: what stands in padding changes nothing, in values and gradients") {
  Translating s;
  const Var clean = s.model(s.source, s.target);
  sum(square(clean)).backward();
  const std::vector<Tensor> gradients = take_gradients(s.model);
  Tokens dirty{s.source.ids.clone(), s.source.lengths};
  dirty.ids.slice(1, 3, 7).select(0, 1).fill(8);
  dirty.ids.slice(1, 5, 7).select(0, 2).fill(0);
  const Var scores = s.model(dirty, s.target);
  CHECK(identical(scores.value(), clean.value()));
  sum(square(scores)).backward();
  CHECK(largest_difference(take_gradients(s.model), gradients) < 1e-12);
}

TEST_CASE("transformer: a sequence in a padded batch gives what it gives alone, and no lengths are full ones") {
  const Translating s;
  const Tensor together = s.model(s.source, s.target).value();
  for (std::int64_t b = 0; b < 3; ++b) {
    const std::vector<std::int32_t> ids = s.source.sequence(b);
    const Tokens alone = batch_of(std::span(&ids, 1), 0);
    CHECK_FALSE(alone.lengths.defined());
    CHECK(largest_difference(s.model(alone, {s.target.ids.slice(0, b, b + 1), {}}).value().select(0, 0),
                             together.select(0, b)) < kTolerance);
  }
}

TEST_CASE("transformer: full lengths make no mask, lengths beyond the source are an error") {
  Translating s;
  CHECK(s.model.encode(s.source).mask.defined());
  s.source.lengths = ids_of({7, 7, 7}, {3});
  CHECK_FALSE(s.model.encode(s.source).mask.defined());
  s.source.lengths = ids_of({7, 8, 7}, {3});
  CHECK_THROWS_AS(s.model.encode(s.source), IndexError);
  s.source.lengths = ids_of({7, 7}, {2});
  CHECK_THROWS_AS(s.model.encode(s.source), ShapeError);
}

TEST_CASE("transformer: encoding and decoding apart, a step more each time, gives what the whole gives") {
  const Translating s;
  const Tensor scores = s.model(s.source, s.target).value();
  const TransformerMemory memory = s.model.encode(s.source);
  CHECK(memory.states.shape() == Shape{3, 7, 6});
  for (std::int64_t steps = 1; steps <= 5; ++steps)
    CHECK(largest_difference(s.model.decode(s.target.ids.slice(1, 0, steps), memory).value(),
                             scores.slice(1, 0, steps)) < kTolerance);
}

TEST_CASE("transformer: the weights of every layer and head are to be had, and are 0 where nothing is seen") {
  const Translating s;
  const Transformer::Forward forward = s.model.with_attention(s.source, s.target);
  CHECK(identical(forward.scores.value(), s.model(s.source, s.target).value()));
  REQUIRE(forward.encoder.size() == 2);
  REQUIRE(forward.decoder.size() == 2);
  REQUIRE(forward.cross.size() == 2);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    CHECK(forward.encoder[layer].shape() == Shape{3, 2, 7, 7});
    CHECK(forward.decoder[layer].shape() == Shape{3, 2, 5, 5});
    CHECK(forward.cross[layer].shape() == Shape{3, 2, 5, 7});
    CHECK(largest(forward.cross[layer].select(0, 1).slice(-1, 3, 7)) == 0);
    CHECK(largest_difference(sum(forward.cross[layer], -1), Tensor::ones({3, 2, 5}, DType::f64)) < 1e-12);
    for (std::int64_t t = 0; t < 5; ++t)
      CHECK(largest(forward.decoder[layer].select(-2, t).slice(-1, t + 1, 5)) == 0);
  }
}

TEST_CASE("transformer: learns a batch by heart, norms after or before") {
  for (const NormPlacement placement : {NormPlacement::after, NormPlacement::before}) {
    Rng rng(3);
    Transformer model({.vocabulary = 9,
                       .layers = 1,
                       .layer = {.width = 16, .heads = 2, .feed_forward = 32, .norm = placement}},
                      rng);
    Adam optimiser(model.parameters(), {.learning_rate = 1e-2});
    Translating s;
    const Tensor target_out = s.random_ids({3, 5}, 7);
    double first = 0, last = 0;
    for (int step = 0; step < 80; ++step) {
      const Var loss = cross_entropy(model(s.source, s.target), target_out);
      loss.backward();
      optimiser.step({.clip_norm = 1.0});
      optimiser.zero_grad();
      last = loss.item();
      if (step == 0) first = last;
    }
    CHECK(first > 1.5);
    CHECK(last < 0.02);
  }
}

TEST_CASE("transformer: dropout needs a generator or evaluation") {
  for (const auto& [layer, where] :
       {std::pair{dropping_layer(0.3, 0), "Transformer"},
        std::pair{dropping_layer(0, 0.3),
                  "Transformer / encoder / 0 / self_attention (MultiHeadAttention 8, 2 heads)"}}) {
    Data data;
    Transformer model({.vocabulary = kVocabulary, .layers = 1, .layer = layer}, data.rng);
    const auto scores = [&](Rng* rng) { return model(data.source, data.target, rng).value(); };
    CHECK(thrown<ConfigError>([&] { scores(nullptr); }) == without_generator(where));
    Rng draws(1), again(1), once_more(1);
    const Tensor dropped = scores(&draws);
    CHECK(identical(scores(&again), dropped));
    CHECK_FALSE(identical(scores(&again), dropped));
    CHECK(identical(model.with_attention(data.source, data.target, &once_more).scores.value(), dropped));
    // Encoder and decoder both draw.
    Rng of_encoder(1), of_decoder(2);
    const TransformerMemory memory = model.encode(data.source, {.rng = &of_encoder});
    model.eval();
    CHECK_FALSE(identical(memory.states.value(), model.encode(data.source).states.value()));
    const Tensor evaluated = model.decode(data.target.ids, memory).value();
    model.train();
    CHECK_FALSE(identical(model.decode(data.target.ids, memory, {.rng = &of_decoder}).value(), evaluated));
    model.eval();
    CHECK_FALSE(identical(scores(nullptr), dropped));
    CHECK(identical(scores(&draws), scores(nullptr)));
  }
}

TEST_CASE("transformer: steps beyond those whose positions are kept are positioned alike") {
  Rng rng(4);
  const PositionedEmbedding embedding(3, 4, rng);
  const Tensor ids = Tensor::full({1, 300}, 1, DType::i32);
  const Tensor far = embedding(ids).value(), near = embedding(ids.slice(1, 0, 256)).value();
  CHECK(identical(far.slice(1, 0, 256).clone(), near));
  CHECK(largest_difference(far.select(1, 299), far.select(1, 298)) > 0.01);
}

TEST_CASE("transformer: errors name the path of the module") {
  const Translating s;
  Tokens wrong{s.target.ids.clone(), {}};
  wrong.ids.set({1, 2}, 7);
  CHECK_THAT(thrown<IndexError>([&] { s.model(s.source, wrong); }),
             ContainsSubstring("in: Transformer / target_embedding (PositionedEmbedding 7 x 6)"));
  CHECK_THAT(thrown<ShapeError>([&] {
               s.model(s.source, {s.target.ids.slice(0, 0, 2), {}});
             }),
             ContainsSubstring("in: Transformer / decoder / 0 / cross_attention"));
  Rng rng(1);
  for (const std::int64_t size : {0, -1}) {
    TransformerConfig config = kSmall;
    config.layers = size;
    CHECK_THAT(thrown<ConfigError>([&] { const Transformer model(config, rng); }),
               ContainsSubstring("each at least 1"));
  }
}

TEST_CASE("transformer: sizes and ids that make no sense are errors that are complete in their first line") {
  Rng rng(1);
  const auto error_of = [&](auto change) {
    TransformerConfig config = kSmall;
    change(config);
    return thrown<ConfigError>([&] { const Transformer model(config, rng); });
  };
  CHECK(error_of([](auto& config) { config.target_vocabulary = -1; }) ==
        "ConfigError: Transformer: vocabulary 9, target_vocabulary -1, layers 2\n  requires each at least 1");
  CHECK(error_of([](auto& config) { config.layer.width = 0; }) ==
        "ConfigError: PositionedEmbedding: rows 9, width 0\n  requires both at least 1");
  CHECK(error_of([](auto& config) { config.layer.heads = 4; }) ==
        "ConfigError: MultiHeadAttention: width 6, heads 4\n"
        "  requires heads >= 1 that divide a width >= 1, or a head_width");
  CHECK(error_of([](auto& config) { config.layer.positions = Rotary{}; }) ==
        "ConfigError: AttentionPositions: Rotary in heads of width 3\n  requires an even width");
  const Translating s;
  Tokens wrong = s.source;
  wrong.ids = s.source.ids.clone();
  wrong.ids.set({0, 1}, 9);
  CHECK(thrown<IndexError>([&] { s.model(wrong, s.target); }) ==
        "IndexError: take_rows: id 9 at position 1 of ids [3, 7] is outside the table [9, 6]\n"
        "  requires 0 <= id < 9\n"
        "  table: parameter \"source_embedding.weight\"\n"
        "  in: Transformer / source_embedding (PositionedEmbedding 9 x 6)");
}

}  // namespace heed::tests
