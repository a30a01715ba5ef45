#include "layers/attention_maps.h"

#include <thread>

#include "autograd/ops.h"
#include "core/reduce.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

const Tokens kSource{ids_of({1, 2, 3, 4, 5, 0}, {2, 3}), ids_of({3, 2}, {2})};
const Tokens kTarget{ids_of({1, 2, 3, 4}, {2, 2}), {}};

struct Model {
  Rng rng{1};
  Transformer transformer{{.vocabulary = 7, .layers = 2, .layer = {.width = 4, .heads = 2, .feed_forward = 8}},
                          rng};
};

// A model that has another as a part.
class Wrapped : public Module {
 public:
  explicit Wrapped(Module& part) : Module("Wrapped") { register_module("inner", part); }
};

std::vector<Shape> shapes(const std::vector<Tensor>& tensors) {
  std::vector<Shape> all;
  for (const Tensor& tensor : tensors) all.push_back(tensor.shape());
  return all;
}

}  // namespace

TEST_CASE("attention maps: every attention of a model, by the path that its parameters have") {
  const Model model;
  const AttentionMaps maps;
  model.transformer(kSource, kTarget);
  CHECK(maps.paths() == std::vector<std::string>{"decoder.0.cross_attention", "decoder.0.self_attention",
                                                 "decoder.1.cross_attention", "decoder.1.self_attention",
                                                 "encoder.0.self_attention", "encoder.1.self_attention"});
  CHECK(shapes(maps["encoder.1.self_attention"]) == std::vector<Shape>{{2, 2, 3, 3}});
  CHECK(shapes(maps["decoder.0.self_attention"]) == std::vector<Shape>{{2, 2, 2, 2}});
  CHECK(shapes(maps["decoder.1.cross_attention"]) == std::vector<Shape>{{2, 2, 2, 3}});
  CHECK(largest_difference(sum(maps["decoder.1.cross_attention"][0], -1), Tensor::ones({2, 2, 2})) < 1e-6);
  CHECK(largest(maps["decoder.1.cross_attention"][0].select(0, 1).slice(-1, 2, 3)) == 0);  // padding
}

TEST_CASE("attention maps: paths begin at the outermost module") {
  Model model;
  const Wrapped whole(model.transformer);
  CHECK(model.transformer.path() == "inner");
  CHECK(whole.path().empty());
  const AttentionMaps maps;
  model.transformer(kSource, kTarget);
  CHECK(maps["inner.decoder.1.cross_attention"].size() == 1);
  CHECK(model.transformer.with_attention(kSource, kTarget).cross.size() == 2);
  for (const Var& parameter : whole.parameters()) CHECK(parameter.name().starts_with("inner."));
}

TEST_CASE("attention maps: nothing that a model computes changes by a bit, values and gradients") {
  Model model;
  const auto run = [&] {
    const Var scores = model.transformer(kSource, kTarget);
    sum(square(scores)).backward();
    std::vector<Tensor> all = take_gradients(model.transformer);
    all.push_back(scores.value());
    return all;
  };
  const std::vector<Tensor> without = run();
  const AttentionMaps maps;
  const std::vector<Tensor> with = run();
  for (std::size_t i = 0; i < with.size(); ++i) CHECK(identical(with[i], without[i]));
}

TEST_CASE("attention maps: the book's layers, in training and in generation, a tensor a call") {
  Rng rng(2);
  const AttentionSeq2seq model({.vocabulary = 7, .embedding = 3, .hidden = 4, .reverse_source = false}, rng);
  AttentionMaps maps;
  const auto forward = model.with_attention(kSource, kTarget);
  REQUIRE(shapes(maps["decoder.attention"]) == std::vector<Shape>{{2, 1, 2, 3}});
  CHECK(identical(maps["decoder.attention"][0].select(1, 0).clone(), forward.weights.clone()));
  maps.clear();
  CHECK(maps.paths().empty());
  const Generated generated = model.generate({1, 2, 3}, {.max_length = 2});
  const std::vector<Tensor>& steps = maps["decoder.attention"];
  REQUIRE(static_cast<std::int64_t>(steps.size()) == generated.weights.extent(0));
  for (std::size_t t = 0; t < steps.size(); ++t)
    CHECK(identical(steps[t].reshape({3}), generated.weights.select(0, static_cast<std::int64_t>(t)).clone()));

  const Var hs(normal({2, 3, 4}, rng)), h(normal({2, 4}, rng));
  const Attended attended = Attention()(hs, h);  // no part of a model: its path is empty
  CHECK(identical(maps[""][0].reshape({2, 3}), attended.weights.value()));
}

TEST_CASE("attention maps: columns are in the order of the source for a model that reads it from the end") {
  Rng rng(4);
  const AttentionSeq2seq model({.vocabulary = 7, .embedding = 3, .hidden = 4, .reverse_source = true}, rng);
  AttentionMaps maps;
  const auto forward = model.with_attention(kSource, kTarget);
  model(kSource, kTarget);
  REQUIRE(maps["decoder.attention"].size() == 2);
  for (const Tensor& weights : maps["decoder.attention"])
    CHECK(identical(weights.select(1, 0).clone(), forward.weights.clone()));
  CHECK(largest(forward.weights.select(0, 1).slice(-1, 2, 3)) == 0);  // padding stays at the end
  maps.clear();
  Attention()(Var(normal({2, 3, 4}, rng)), Var(normal({2, 4}, rng)));  // the order is the model's alone
  CHECK(largest(maps[""][0].select(0, 1).slice(-1, 2, 3)) > 0);
}

TEST_CASE("attention maps: scopes nest, end, and may be for one layer") {
  const Model model;
  const AttentionMaps outer;
  {
    const AttentionMaps inner("decoder.1.self_attention");
    model.transformer(kSource, kTarget);
    CHECK(inner.paths() == std::vector<std::string>{"decoder.1.self_attention"});
  }
  model.transformer(kSource, kTarget);
  CHECK(outer["decoder.1.self_attention"].size() == 2);
  CHECK(outer["encoder.0.self_attention"].size() == 2);
}

TEST_CASE("attention maps: what another thread runs is not kept") {
  const Model model;
  const AttentionMaps maps;
  std::thread([&] { model.transformer(kSource, kTarget); }).join();
  CHECK(maps.paths().empty());
}

TEST_CASE("attention maps: a path that has not run is an error that names those that have") {
  const AttentionMaps maps;
  CHECK(thrown<ConfigError>([&] { maps["decoder.attention"]; }) ==
        "ConfigError: attention maps: no attention \"decoder.attention\" has run\n"
        "  requires an attention that runs while the maps live");
  Rng rng(3);
  const TransformerDecoderLayer layer({.width = 4, .heads = 1, .feed_forward = 4}, rng);
  const Var x(normal({1, 2, 4}, rng, DType::f32));
  layer(x, x);
  CHECK_THAT(thrown<ConfigError>([&] { maps["x"]; }),
             ContainsSubstring("requires one of \"cross_attention\", \"self_attention\""));
}

}  // namespace heed::tests
