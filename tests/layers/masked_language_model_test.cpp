#include "layers/masked_language_model.h"

#include "autograd/ops.h"
#include "optim/adam.h"
#include "tests/layers/model_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

MaskedLanguageModelConfig config_of(const LayerForm& form) {
  return {.vocabulary = kVocabulary,
          .layers = 2,
          .layer = form.layer,
          .embedded_positions = form.embedded,
          .max_length = 10};
}

// A model with values large enough to matter, beside sequences of lengths 6, 2 and 4.
struct Guesser : Data {
  MaskedLanguageModel model;

  explicit Guesser(const MaskedLanguageModelConfig& config) : model(config, rng) {
    take_random_parameters(model, rng, 0.4);
  }
};

}  // namespace

TEST_CASE("masked language model: scores, states, loss and all gradients are PyTorch's, padding in the batch") {
  const Fixture numbers("masked_language_model");
  Rng rng(1);
  MaskedLanguageModel model(
      {.vocabulary = 7,
       .layer = {.width = 4, .heads = 2, .feed_forward = 6, .activation = Activation::gelu},
       .max_length = 5},
      rng);
  const Tokens ids{numbers.ids("ids"), numbers.ids("lengths")};
  check_scores(model, numbers, 5e-6, [&] { return model(ids); });
  take_parameters(model, numbers);
  CHECK(largest_difference(model.encode(ids).value(), numbers["states"]) < kTolerance);
}

TEST_CASE("masked language model: padding and the rest of the batch change nothing") {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    const Guesser g(config_of(form));
    check_passed(check_padding_invariance(g.model, g.model, {g.source}));
    check_passed(check_batch_invariance(g.model, {g.source}));
  }
}

TEST_CASE("masked language model: every step sees all others, within the window") {
  for (const std::int64_t window : {0, 2}) {
    LayerForm form = layer_forms()[0];
    form.layer.window = window;
    const Guesser g(config_of(form));
    const Tensor scores = g.model({g.source.ids, {}}).value();
    for (std::int64_t changed = 0; changed < 6; ++changed) {
      Tensor ids = g.source.ids.clone();
      for (std::int64_t b = 0; b < 3; ++b)
        ids.set({b, changed},
                static_cast<double>((ids.select(0, b).select(0, changed).data<std::int32_t>()[0] + 1) %
                                    kVocabulary));
      const Tensor after = g.model({ids, {}}).value();
      for (std::int64_t t = 0; t < 6; ++t) {
        const bool sees = window == 0 || std::abs(t - changed) <= 2;  // one step either way in each of 2 layers
        CHECK((largest_difference(after.select(1, t), scores.select(1, t)) > 1e-6) == sees);
      }
    }
  }
}

TEST_CASE("masked language model: without positions the order of the steps is nothing to it") {
  const Guesser g(config_of({"none", layer_forms()[0].layer}));
  check_passed(check_permutation_equivariance(
      [&](const Tensor& ids) {
        return g.model({ids, {}});
      },
      g.source.ids));
  const Guesser placed(config_of(layer_forms()[0]));
  CHECK_FALSE(check_permutation_equivariance(
      [&](const Tensor& ids) {
        return placed.model({ids, {}});
      },
      g.source.ids));
}

TEST_CASE("masked language model: gradients are those of finite differences") {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    Guesser g(config_of(form));
    const auto loss = [&] { return cross_entropy(g.model(g.source), g.source.ids); };
    check_passed(check_gradients(g.model, loss, {.most = 4}));
  }
}

TEST_CASE("masked language model: learns by heart what is hidden, all of its parameters") {
  Data data;
  MaskedLanguageModel model(
      {.vocabulary = kVocabulary, .layers = 1, .layer = {.width = 16, .heads = 2}, .max_length = 6}, data.rng);
  Adam optimiser(model.parameters(), {.learning_rate = 1e-2});
  Tensor hidden = data.source.ids.clone(), asked = Tensor::full({3, 6}, -1, DType::i32);
  for (const auto& [b, t] : {std::pair{0, 0}, std::pair{0, 4}, std::pair{1, 1}, std::pair{2, 2}}) {
    asked.set({b, t}, data.source.ids.select(0, b).select(0, t).item());
    hidden.set({b, t}, 8);
  }
  const auto train = [&](const MaskedLanguageModel& trained, const Tokens& ids) {
    const Var loss = cross_entropy(trained(ids), asked);
    loss.backward();
    optimiser.step({.clip_norm = 1.0});
    optimiser.zero_grad();
    return loss.item();
  };
  check_passed(check_overfits_one_batch(model, Tokens{hidden, data.source.lengths}, train));
}

TEST_CASE("masked language model: dropout needs a generator or evaluation") {
  for (const auto& [layer, where] :
       {std::pair{dropping_layer(0.3, 0), "MaskedLanguageModel"},
        std::pair{dropping_layer(0, 0.3),
                  "MaskedLanguageModel / encoder / 0 / self_attention (MultiHeadAttention 8, 2 heads)"}}) {
    Guesser g(config_of({"", layer, EmbeddedPositions::learned}));
    CHECK(thrown<ConfigError>([&] { g.model(g.source); }) == without_generator(where));
    Rng draws(1), again(1);
    const Tensor dropped = g.model(g.source, &draws).value();
    CHECK(identical(g.model(g.source, &again).value(), dropped));
    g.model.eval();
    CHECK_FALSE(identical(g.model(g.source).value(), dropped));
    CHECK(identical(g.model(g.source, &draws).value(), g.model(g.source).value()));
  }
}

TEST_CASE("masked language model: errors say what does not fit, and where") {
  Rng rng(1);
  const auto error_of = [&](auto change) {
    MaskedLanguageModelConfig config = config_of(layer_forms()[1]);
    change(config);
    return thrown<ConfigError>([&] { const MaskedLanguageModel model(config, rng); });
  };
  CHECK(error_of([](auto& config) { config.vocabulary = -2; }) ==
        "ConfigError: MaskedLanguageModel: vocabulary -2, layers 2\n  requires each at least 1");
  CHECK(error_of([](auto& config) { config.layers = 0; }) ==
        "ConfigError: MaskedLanguageModel: vocabulary 9, layers 0\n  requires each at least 1");
  CHECK(error_of([](auto& config) { config.layer.width = 0; }) ==
        "ConfigError: PositionedEmbedding: rows 9, width 0\n  requires both at least 1");
  CHECK(error_of([](auto& config) { config.layer.key_value_heads = 3; }) ==
        "ConfigError: MultiHeadAttention: heads 4, key_value_heads 3\n"
        "  requires key_value_heads >= 1 that divide the heads");

  const Guesser g(config_of(layer_forms()[1]));
  CHECK(thrown<IndexError>([&] {
          g.model({ids_of({0, -1}, {1, 2}), {}});
        }) ==
        "IndexError: take_rows: id -1 at position 1 of ids [1, 2] is outside the table [9, 8]\n"
        "  requires 0 <= id < 9\n"
        "  table: parameter \"embedding.weight\"\n"
        "  in: MaskedLanguageModel / embedding (PositionedEmbedding 9 x 8)");
  CHECK(thrown<IndexError>([&] {
          g.model({Tensor::zeros({1, 12}, DType::i32), {}});
        }) ==
        "IndexError: learned positions: 12 from 0 on, but there are 10\n"
        "  requires positions in [0, 10)\n"
        "  positions: parameter \"embedding.positions.weight\"\n"
        "  in: MaskedLanguageModel / embedding / positions (LearnedPositions 10 x 8)");
  CHECK_THAT(thrown<IndexError>([&] {
               g.model({g.source.ids, ids_of({6, 2, 7}, {3})});
             }),
             ContainsSubstring("in: MaskedLanguageModel"));
}

}  // namespace heed::tests
