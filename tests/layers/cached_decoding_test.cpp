#include "autograd/ops.h"
#include "core/index.h"
#include "layers/attention_maps.h"
#include "layers/transformer.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

// Decoding with what earlier steps have left behind, against doing every step again.
namespace heed::tests {
namespace {

constexpr double kSame = 1e-12;

struct Form {
  const char* name;
  PositionScheme scheme = {};
  std::int64_t shared = 4;  // heads of keys and values
  std::int64_t window = 0;
};

std::vector<Form> forms() {
  return {{"plain"},
          {"shared heads", {}, 2},
          {"window", {}, 4, 3},
          {"rotary", Rotary{}, 2},
          {"rotary halves, window", Rotary{.layout = RotaryLayout::halves}, 4, 2},
          {"alibi", Alibi{}, 1},
          {"buckets", BucketBias{.buckets = 6, .max_distance = 4, .bidirectional = false}, 2},
          {"coefficients, window", RelativeCoefficients{.max_distance = 2}, 4, 3},
          {"vectors", RelativeVectors{.max_distance = 3}, 2}};
}

TransformerConfig model_config(const Form& form) {
  return {.vocabulary = 9,
          .target_vocabulary = 7,
          .layers = 2,
          .layer = {.width = 8,
                    .heads = 4,
                    .feed_forward = 6,
                    .norm = form.shared == 4 ? NormPlacement::after : NormPlacement::before,
                    .key_value_heads = form.shared,
                    .window = form.window,
                    .positions = form.scheme}};
}

// step(part) over parts of x [N, 7, D] of 3, 1, 1 and 2 steps, joined again.
template <class Step>
Tensor in_parts(const Tensor& x, Step step) {
  std::vector<Tensor> parts;
  std::int64_t at = 0;
  for (const std::int64_t steps : {3, 1, 1, 2}) {
    parts.push_back(step(Var(x.slice(1, at, at + steps).clone())).value());
    at += steps;
  }
  return concat(parts, 1);
}

// A model with sources of lengths 5, 2 and 4 and targets of 6 steps.
struct Decoding {
  Rng rng{11};
  Transformer model;
  Tokens source{Tensor(), ids_of({5, 2, 4}, {3})};
  Tensor target;

  explicit Decoding(const TransformerConfig& config) : model(config, rng) {
    take_random_parameters(model, rng, 0.4);
    source.ids = random_ids({3, 5}, 9);
    target = random_ids({3, 6}, 7);
  }
  Tensor random_ids(const Shape& shape, std::int64_t vocabulary) {
    std::vector<std::int32_t> values;
    for (std::int64_t i = 0; i < shape.count(); ++i)
      values.push_back(static_cast<std::int32_t>(rng.below(vocabulary)));
    return ids_of(values, shape);
  }
  Tensor ids(std::int64_t step) const { return target.select(1, step).clone(); }
};

}  // namespace

TEST_CASE("cached decoding: self-attention part by part is self-attention over all steps under a causal mask") {
  Rng rng(1);
  const Tensor x = normal({2, 7, 8}, rng);
  for (const Form& form : forms()) {
    INFO(form.name);
    MultiHeadAttention layer({.width = 8,
                              .heads = 4,
                              .key_value_heads = form.shared,
                              .window = form.window,
                              .positions = form.scheme},
                             rng);
    take_random_parameters(layer, rng);
    KeyValueCache cache;
    const Tensor parts = in_parts(x, [&](const Var& part) { return layer.step(part, cache); });
    CHECK(largest_difference(parts, layer.self(Var(x), Mask::causal(7, 7)).value()) < kSame);
    CHECK(cache.keys().shape() == Shape{2, form.shared, 7, 2});
    KeyValueCache alone;  // without a batch
    const Tensor one = layer.step(Var(x.select(0, 1).clone()), alone).value();
    CHECK(largest_difference(one, parts.select(0, 1)) < kSame);
  }
}

TEST_CASE("cached decoding: a mask blocks more than what is later") {
  Rng rng(2);
  const Tensor x = normal({2, 7, 8}, rng);
  MultiHeadAttention layer({.width = 8, .heads = 4}, rng);
  take_random_parameters(layer, rng);
  const Tensor lengths = ids_of({7, 4}, {2});
  KeyValueCache cache;
  const Tensor parts = in_parts(x, [&](const Var& part) {
    return layer.step(part, cache, Mask::padding(lengths, cache.length() + part.extent(1)));
  });
  CHECK(largest_difference(parts, layer.self(Var(x), Mask::causal(7, 7) & Mask::padding(lengths, 7)).value()) <
        kSame);
}

TEST_CASE("cached decoding: attention to prepared keys and values is attention to what they were made of") {
  Rng rng(3);
  const Var query(normal({3, 4, 8}, rng)), keys(normal({3, 5, 6}, rng)), values(normal({3, 5, 7}, rng));
  const Mask mask = Mask::padding(ids_of({5, 0, 3}, {3}), 5);
  for (const Form& form : forms()) {
    INFO(form.name);
    MultiHeadAttention layer({.width = 8,
                              .heads = 4,
                              .key_value_heads = form.shared,
                              .key_width = 6,
                              .value_width = 7,
                              .window = form.window,
                              .positions = form.scheme},
                             rng);
    take_random_parameters(layer, rng);
    const KeyValueCache prepared = layer.prepare(keys, values);
    CHECK(largest_difference(layer.attend_to(prepared, query, mask, {.first = 2}).value(),
                             layer(query, keys, values, mask, {.first = 2}).value()) < kSame);
    CHECK_THAT(thrown<ShapeError>([&] { layer.attend_to(prepared, Var(query.value().slice(0, 0, 1))); }),
               ContainsSubstring("one batch for all"));
  }
}

TEST_CASE("cached decoding: stacks of encoder and of decoder layers part by part are the whole stacks") {
  Rng rng(4);
  const Tensor x = normal({3, 7, 8}, rng), memory = normal({3, 5, 8}, rng);
  const Mask source = Mask::padding(ids_of({5, 2, 4}, {3}), 5);
  for (const Form& form : forms()) {
    INFO(form.name);
    TransformerEncoder encoder(2, model_config(form).layer, rng);
    take_random_parameters(encoder, rng);
    EncoderCache of_encoder;
    CHECK(largest_difference(in_parts(x, [&](const Var& part) { return encoder.step(part, of_encoder); }),
                             encoder(Var(x), Mask::causal(7, 7)).value()) < kSame);
    TransformerDecoder decoder(2, model_config(form).layer, rng);
    take_random_parameters(decoder, rng);
    DecoderCache of_decoder = decoder.prepare(Var(memory));
    CHECK(
        largest_difference(in_parts(x, [&](const Var& part) { return decoder.step(part, of_decoder, source); }),
                           decoder(Var(x), Var(memory), Mask::causal(7, 7), source).value()) < kSame);
  }
  TransformerDecoder decoder(2, model_config({"plain"}).layer, rng);
  DecoderCache other;
  CHECK_THAT(thrown<ConfigError>([&] { decoder.step(Var(x), other); }),
             ContainsSubstring("the cache has 0 layers, the decoder 2"));
}

TEST_CASE("cached decoding: a Transformer step by step gives its scores and weights, sources of any length") {
  for (const Form& form : forms()) {
    INFO(form.name);
    const Decoding d(model_config(form));
    const Transformer::Forward whole = d.model.with_attention(d.source, {d.target, {}});
    Transformer::State state = d.model.start(d.source);
    CHECK(state.rows() == 3);
    for (std::int64_t t = 0; t < 6; ++t) {
      CHECK(state.length() == t);
      const Step step = d.model.step(d.ids(t), state);
      REQUIRE(step.scores.shape() == Shape{3, 7});
      REQUIRE(step.weights.shape() == Shape{3, 5});
      CHECK_FALSE(step.scores.requires_grad());
      CHECK(largest_difference(step.scores.value(), whole.scores.value().select(1, t)) < kSame);
      const Tensor weights = mean(Var(whole.cross.back()), 1).value().select(1, t);
      CHECK(largest_difference(step.weights.value(), weights) < kSame);
    }
  }
}

TEST_CASE("cached decoding: positions that are embedded go on where they were, learned ones to their maximum") {
  for (const EmbeddedPositions kind : {EmbeddedPositions::none, EmbeddedPositions::learned}) {
    TransformerConfig config = model_config({"plain"});
    config.embedded_positions = kind;
    config.max_length = 5;
    const Decoding d(config);
    const Tensor whole = d.model(d.source, {d.target.slice(1, 0, 5).clone(), {}}).value();
    Transformer::State state = d.model.start(d.source);
    for (std::int64_t t = 0; t < 5; ++t)
      CHECK(largest_difference(d.model.step(d.ids(t), state).scores.value(), whole.select(1, t)) < kSame);
    if (kind == EmbeddedPositions::learned) {
      CHECK_THAT(thrown<IndexError>([&] { d.model.step(d.ids(5), state); }),
                 ContainsSubstring("in: Transformer / target_embedding / positions (LearnedPositions 5 x 8)"));
    }
  }
  Rng rng(5);
  const PositionedEmbedding embedding(3, 4, rng);
  const Tensor ids = Tensor::full({1, 300}, 1, DType::i32);
  for (const std::int64_t first : {1, 250, 290})  // within the kept waves, across their end, beyond
    CHECK(largest_difference(embedding(ids.slice(1, 0, 8), first).value(),
                             embedding(ids).value().slice(1, first, first + 8)) < 1e-6);
}

TEST_CASE("cached decoding: selected sequences go on as they would have, repeated and dropped ones too") {
  for (const Form& form : forms()) {
    INFO(form.name);
    const Decoding d(model_config(form));
    const Tensor whole = d.model(d.source, {d.target, {}}).value();
    Transformer::State state = d.model.start(d.source);
    for (std::int64_t t = 0; t < 3; ++t) d.model.step(d.ids(t), state);
    const Tensor rows = ids_of({2, 0, 2, 1}, {4});
    state.select(rows);
    CHECK(state.rows() == 4);
    const auto chosen = [&](const Tensor& x) { return selected_rows(x, rows); };
    Step step = d.model.step(chosen(d.ids(3)), state);
    CHECK(largest_difference(step.scores.value(), chosen(whole.select(1, 3).clone())) < kSame);
    state.select(ids_of({1}, {1}));  // the first source
    step = d.model.step(d.ids(4).slice(0, 0, 1).clone(), state);
    CHECK(largest_difference(step.scores.value(), whole.select(1, 4).slice(0, 0, 1).clone()) < kSame);
  }
}

TEST_CASE("cached decoding: a copy of a state goes on by itself") {
  const Decoding d(model_config({"plain"}));
  Transformer::State state = d.model.start(d.source);
  for (std::int64_t t = 0; t < 3; ++t) d.model.step(d.ids(t), state);
  Transformer::State copy = state;
  d.model.step(d.ids(5), copy);  // another id than the one that comes next
  const Tensor scores = d.model.step(d.ids(3), state).scores.value();
  CHECK(largest_difference(scores, d.model(d.source, {d.target, {}}).value().select(1, 3)) < kSame);
}

TEST_CASE("cached decoding: every layer's weights are to be had at each step") {
  const Decoding d(model_config({"plain"}));
  Transformer::State state = d.model.start(d.source);
  const AttentionMaps maps;
  for (std::int64_t t = 0; t < 3; ++t) d.model.step(d.ids(t), state);
  for (const char* path : {"decoder.0.self_attention", "decoder.1.self_attention", "decoder.0.cross_attention",
                           "decoder.1.cross_attention"})
    REQUIRE(maps[path].size() == 3);
  CHECK(maps["decoder.0.self_attention"][2].shape() == Shape{3, 4, 1, 3});
  CHECK(maps["decoder.1.cross_attention"][2].shape() == Shape{3, 4, 1, 5});
}

TEST_CASE("cached decoding: ids that do not fit, and training with dropout, are errors") {
  TransformerConfig config = model_config({"plain"});
  config.layer.dropout = 0.1;
  Decoding d(config);
  CHECK_THAT(thrown<ConfigError>([&] { d.model.start(d.source); }), ContainsSubstring("or call eval()"));
  d.model.eval();
  Transformer::State state = d.model.start(d.source);
  CHECK(thrown<ShapeError>([&] {
          d.model.step(ids_of({1, 2}, {2}), state);
        }) ==
        "ShapeError: transformer step: ids are [2], sequences 3\n"
        "  requires an id a sequence, [N]\n"
        "  in: Transformer");
  CHECK_THROWS_AS(d.model.step(ids_of({1, 2, 7}, {3}), state), IndexError);
  CHECK_THROWS_AS(state.select(ids_of({3}, {1})), IndexError);
}

}  // namespace heed::tests
