#include "layers/inspect/attention_recording.h"

#include "autograd/ops.h"
#include "core/reduce.h"
#include "layers/language_model.h"
#include "layers/masked_language_model.h"
#include "layers/ntm.h"
#include "layers/recurrent_presets.h"
#include "layers/recurrent_seq2seq.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"
#include "layers/vision_transformer.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using Ids = std::vector<std::int32_t>;

const TransformerLayerConfig kLayer{.width = 8, .heads = 2, .feed_forward = 12};

Tokens one(const Ids& ids) { return batch_of(std::span(&ids, 1), 0); }

// What goes in at each step of a pass over ids that a decoding has written.
Tokens forced(const Ids& written) {
  Ids ids{1};
  ids.insert(ids.end(), written.begin(), written.end());
  return one(ids);
}

void check_same(const std::vector<RecordedAttention>& a, const std::vector<RecordedAttention>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].path);
    CHECK(a[i].path == b[i].path);
    REQUIRE(a[i].weights.shape() == b[i].weights.shape());
    CHECK(largest_difference(a[i].weights, b[i].weights) < kTolerance);
  }
}

// Decodes one source, and passes over what was written.
template <class Model>
void check_decoding(Model& model, Rng& rng, std::size_t layers) {
  take_random_parameters(model, rng);
  model.eval();
  const Tokens source = one({3, 4, 5, 3});
  AttentionRecording recording(model);
  const Generated generated = greedy(model, source, {.max_length = 6, .min_length = 3}).front();
  const std::vector<RecordedAttention> decoded = recording.layers();
  REQUIRE(decoded.size() == layers);
  CHECK(decoded.back().weights.extent(1) == static_cast<std::int64_t>(generated.ids.size()) + 1);
  recording.clear();
  model(source, forced(generated.ids));
  check_same(decoded, recording.layers());
}

std::vector<std::string> paths_of(const std::vector<RecordedAttention>& layers) {
  std::vector<std::string> paths;
  for (const RecordedAttention& layer : layers) paths.push_back(layer.path);
  return paths;
}

}  // namespace

TEST_CASE("attention recording: a decoding and a pass over what it wrote are one, of the book's model") {
  for (const bool reverse : {false, true}) {
    Rng rng(1);
    AttentionSeq2seq model({.vocabulary = 7, .embedding = 3, .hidden = 5, .reverse_source = reverse}, rng);
    check_decoding(model, rng, 1);
  }
}

TEST_CASE("attention recording: a decoding and a pass over what it wrote are one, of recurrent models") {
  for (const auto preset : {input_feeding, attention_between, bidirectional_attention, gnmt, coverage_attention,
                            pointer_generator}) {
    Rng rng(2);
    RecurrentSeq2seq model(preset({.vocabulary = 7, .embedding = 3, .hidden = 6}), rng);
    check_decoding(model, rng, 1);
  }
}

TEST_CASE("attention recording: a decoding and a pass over what it wrote are one, of a transformer") {
  for (const bool rotary : {false, true}) {
    TransformerLayerConfig layer = kLayer;
    if (rotary) layer.positions = Rotary{};
    layer.window = rotary ? 3 : 0;
    Rng rng(3);
    Transformer model({.vocabulary = 7, .layers = 2, .layer = layer}, rng);
    check_decoding(model, rng, 6);
  }
}

TEST_CASE("attention recording: a decoding and a pass over what it wrote are one, of a language model") {
  Rng rng(4);
  LanguageModel model({.vocabulary = 7, .layers = 2, .layer = kLayer}, rng);
  take_random_parameters(model, rng);
  AttentionRecording recording(model);
  const Generated generated = greedy(model, 1, {.max_length = 5, .min_length = 4}).front();
  const std::vector<RecordedAttention> decoded = recording.layers();
  const auto steps = static_cast<std::int64_t>(generated.ids.size()) + 1;
  REQUIRE(decoded.front().weights.shape() == Shape{2, steps, steps});
  CHECK(decoded.front().sides == AttentionSides::target_to_target);
  recording.clear();
  model(forced(generated.ids));
  check_same(decoded, recording.layers());
}

TEST_CASE("attention recording: of models that write nothing, each sequence of the batch") {
  Rng rng(5);
  const MaskedLanguageModel masked({.vocabulary = 7, .layers = 1, .layer = kLayer}, rng);
  const AttentionRecording of_masked(masked);
  const std::vector<Ids> sequences{{3, 4, 5}, {6, 3}};
  masked(batch_of(sequences, 0));
  const std::vector<RecordedAttention> second = of_masked.layers(1);
  REQUIRE(second.front().weights.shape() == Shape{2, 3, 3});
  CHECK(second.front().sides == AttentionSides::source_to_source);
  CHECK(largest(second.front().weights.slice(2, 2, 3)) == 0);  // padding
  CHECK(largest(of_masked.layers(0).front().weights.slice(2, 2, 3)) > 0);

  const VisionTransformer vision(
      {.height = 8, .width = 8, .patch = 4, .classes = 3, .layers = 2, .layer = kLayer}, rng);
  const AttentionRecording of_vision(vision);
  vision(Var(normal({1, 1, 8, 8}, rng, DType::f32)));
  CHECK(of_vision.layers().size() == 2);
  CHECK(of_vision.layers().front().weights.shape() == Shape{2, 5, 5});

  const NTM machine({.in = 3, .out = 2, .rows = 6, .width = 4, .hidden = 5}, rng);
  AttentionRecording of_machine(machine);
  const Var x(normal({1, 4, 3}, rng, DType::f32));
  machine(x);
  const std::vector<RecordedAttention> at_once = of_machine.layers();
  REQUIRE(at_once.size() == 1);
  CHECK(at_once.front().weights.shape() == Shape{2, 4, 6});
  CHECK(at_once.front().sides == AttentionSides::unknown);
  of_machine.clear();
  NtmState state;
  for (std::int64_t t = 0; t < 4; ++t) state = machine(slice(x, 1, t, t + 1), state).state;
  CHECK(largest_difference(at_once.front().weights, of_machine.layers().front().weights) < 1e-6);
}

TEST_CASE("attention recording: nothing that a model computes changes by a bit, in training and in decoding") {
  Rng rng(6);
  Transformer model({.vocabulary = 7, .layers = 2, .layer = kLayer}, rng);
  const Tokens source = one({3, 4, 5}), target = one({1, 4, 3});
  const auto run = [&] {
    const Var scores = model(source, target);
    sum(square(scores)).backward();
    std::vector<Tensor> all = take_gradients(model);
    all.push_back(scores.value());
    const Generated generated = model.generate(source, {.max_length = 5}).front();
    all.push_back(Tensor::scalar(generated.log_probability, DType::f64));
    all.push_back(generated.weights);
    return all;
  };
  const std::vector<Tensor> without = run();
  const AttentionRecording recording(model);
  const std::vector<Tensor> with = run();
  for (std::size_t i = 0; i < with.size(); ++i) CHECK(identical(with[i], without[i]));
}

TEST_CASE("attention recording: layers are in the order of the model, by what looks at what") {
  Rng rng(7);
  const Transformer model({.vocabulary = 7, .layers = 11, .layer = {.width = 2, .heads = 1, .feed_forward = 2}},
                          rng);
  const AttentionRecording recording(model);
  model(one({3, 4}), one({1, 3}));
  const std::vector<std::string> paths = paths_of(recording.layers());
  REQUIRE(paths.size() == 33);
  CHECK(paths[2] == "encoder.2.self_attention");
  CHECK(paths[10] == "encoder.10.self_attention");
  CHECK(paths[11] == "decoder.0.self_attention");
  CHECK(paths[32] == "decoder.10.cross_attention");
}

TEST_CASE("attention recording: another model's attentions are left out") {
  Rng rng(8);
  class Pair : public Module {
   public:
    explicit Pair(Rng& r) : Module("Pair"), a({.width = 2, .heads = 1}, r), b({.width = 2, .heads = 1}, r) {
      register_module("a", a);
      register_module("b", b);
    }
    MultiHeadAttention a, b;
  } pair(rng);
  const AttentionRecording recording(pair.b);
  const Var x(normal({1, 3, 2}, rng, DType::f32));
  pair.a.self(x);
  pair.b.self(x);
  CHECK(paths_of(recording.layers()) == std::vector<std::string>{"b"});
}

TEST_CASE(
    "attention recording: two passes, or sequences that leave a batch, are an error that says what to do") {
  Rng rng(9);
  const Transformer model({.vocabulary = 7, .layers = 1, .layer = kLayer}, rng);
  AttentionRecording recording(model);
  model(one({3, 4}), one({1, 3}));
  CHECK_THAT(thrown<IndexError>([&] { recording.layers(1); }), ContainsSubstring("sequence 1 of 1"));
  model(one({3, 4}), one({1, 3}));
  CHECK_THAT(thrown<ShapeError>([&] { recording.layers(); }),
             ContainsSubstring("gave [1, 2, 2, 2] and later [1, 2, 2, 2]") && ContainsSubstring("clear()"));
  recording.clear();
  CHECK(recording.layers().empty());
  const auto stops = [](std::int64_t sequence, std::int32_t, double) { return sequence != 0; };
  const std::vector<Ids> sources{{3, 4}, {4, 5}};
  greedy(model, batch_of(sources, 0), {.max_length = 4, .min_length = 3, .on_id = stops});
  CHECK_THAT(thrown<ShapeError>([&] { recording.layers(); }), ContainsSubstring("one at a time"));
}

}  // namespace heed::tests
