// Stacks of Transformer layers with checkpoints: the bits of those without, and less memory.
#include "autograd/ops/losses.h"
#include "core/allocator.h"
#include "layers/attention_maps.h"
#include "layers/language_model.h"
#include "layers/transformer.h"
#include "tests/catch.h"
#include "tests/layers/model_testing.h"

namespace heed::tests {
namespace {

TransformerLayerConfig with_checkpoint(TransformerLayerConfig layer, bool checkpoint) {
  layer.checkpoint = checkpoint;
  return layer;
}

// Scores, loss and all gradients of one pass, and what the generator gives next.
std::vector<Tensor> pass(const TransformerConfig& config) {
  Data data;
  Transformer model(config, data.rng);
  const Var scores = model(data.source, data.target, &data.rng);
  const Var loss = cross_entropy(scores, data.target.ids);
  loss.backward();
  std::vector<Tensor> all{scores.value(), loss.value(), Tensor::uniform({1}, 0, 1, data.rng)};
  for (const Tensor& gradient : take_gradients(model)) all.push_back(gradient);
  return all;
}

TEST_CASE(
    "transformer with checkpoints: scores and gradients have the same bits, whatever the layers are like") {
  for (const LayerForm& form : layer_forms())
    for (const double dropout : {0.0, 0.3}) {
      INFO(form.name << ", dropout " << dropout);
      TransformerConfig config{.vocabulary = kVocabulary,
                               .layers = 2,
                               .layer = form.layer,
                               .embedded_positions = form.embedded,
                               .max_length = 10,
                               .tied = TiedWeights::all};
      config.layer.dropout = dropout;
      config.layer.attention_dropout = dropout;
      const std::vector<Tensor> plain = pass(config);
      config.layer.checkpoint = true;
      const std::vector<Tensor> kept = pass(config);
      REQUIRE(kept.size() == plain.size());
      for (std::size_t i = 0; i < kept.size(); ++i) CHECK(identical(kept[i], plain[i]));
    }
}

TEST_CASE("transformer with checkpoints: a forward pass keeps what goes into each layer") {
  Tensor ids = Tensor::zeros({8, 32}, DType::i32);
  const auto kept_bytes = [&](bool checkpoint) {
    Rng rng(2);
    const LanguageModel model(
        {.vocabulary = 10, .layers = 12, .layer = with_checkpoint({.width = 32, .heads = 4}, checkpoint)}, rng);
    const std::int64_t before = pool::statistics().bytes_in_use;
    const Var loss = cross_entropy(model({ids, {}}), ids);
    const std::int64_t kept = pool::statistics().bytes_in_use - before;
    pool::reset_peak();
    loss.backward();
    return std::pair{kept, pool::statistics().peak_bytes - before};
  };
  const auto [plain, plain_peak] = kept_bytes(false);
  const auto [kept, peak] = kept_bytes(true);
  // A layer keeps about 17 values of the width of its input.
  CHECK(6 * kept < plain);
  CHECK(3 * peak < plain_peak);
}

TEST_CASE(
    "transformer with checkpoints: attention maps are kept once, also where they live through a backward") {
  const auto maps_of = [](bool checkpoint) {
    Rng rng(3);
    const LanguageModel model(
        {.vocabulary = 6, .layers = 2, .layer = with_checkpoint(dropping_layer(0.2, 0.2), checkpoint)}, rng);
    const Tensor ids = ids_of({1, 2, 3, 4, 5, 1}, {2, 3});
    const AttentionMaps maps;
    cross_entropy(model({ids, {}}, &rng), ids).backward();
    std::vector<Tensor> all;
    for (const std::string& path : maps.paths()) {
      CHECK(maps[path].size() == 1);
      all.push_back(maps[path][0]);
    }
    return all;
  };
  const std::vector<Tensor> plain = maps_of(false), kept = maps_of(true);
  REQUIRE(plain.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(identical(kept[i], plain[i]));
}

TEST_CASE("transformer with checkpoints: nothing is kept without recording, and decoding takes no notice") {
  Data data;
  const LanguageModel model(
      {.vocabulary = kVocabulary, .layers = 2, .layer = with_checkpoint({.width = 8, .heads = 2}, true)},
      data.rng);
  check_passed(check_causal([&](const Tensor& ids) { return model({ids, {}}); }, data.target.ids));
  const NoGrad no_grad;
  CHECK_FALSE(model(data.target).requires_grad());
}

}  // namespace
}  // namespace heed::tests
