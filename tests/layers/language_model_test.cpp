#include "layers/language_model.h"

#include "autograd/ops.h"
#include "optim/adam.h"
#include "tests/layers/model_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

LanguageModelConfig config_of(const LayerForm& form) {
  return {.vocabulary = kVocabulary,
          .layers = 2,
          .layer = form.layer,
          .embedded_positions = form.embedded,
          .max_length = 10};
}

// A model with values large enough to matter, beside sequences of lengths 6, 2 and 4.
struct Writer : Data {
  LanguageModel model;

  explicit Writer(const LanguageModelConfig& config) : model(config, rng) {
    take_random_parameters(model, rng, 0.4);
  }
  Var scores(const Tensor& ids) const { return model({ids, {}}); }
  Tensor ids(std::int64_t step) const { return source.ids.select(1, step).clone(); }
  // A state behind that many steps.
  LanguageModel::State written(std::int64_t steps) const {
    LanguageModel::State state = model.start(3);
    for (std::int64_t t = 0; t < steps; ++t) model.step(ids(t), state);
    return state;
  }
};

}  // namespace

TEST_CASE("language model: scores, loss and all gradients are PyTorch's") {
  for (const auto& [name, activation] :
       {std::pair{"gelu_tanh", Activation::gelu_tanh}, std::pair{"relu", Activation::relu}}) {
    INFO(name);
    const Fixture numbers(text("language_model_", name));
    Rng rng(1);
    LanguageModel model({.vocabulary = 7,
                         .layer = {.width = 4,
                                   .heads = 2,
                                   .feed_forward = 6,
                                   .norm = NormPlacement::before,
                                   .activation = activation},
                         .max_length = 5},
                        rng);
    check_scores(model, numbers, 5e-6, [&] { return model({numbers.ids("ids"), {}}); });
  }
}

TEST_CASE("language model: a step sees none that is later, no padding and no other sequence") {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    const Writer w(config_of(form));
    check_passed(check_causal([&](const Tensor& ids) { return w.scores(ids); }, w.source.ids));
    check_passed(check_padding_invariance(w.model, w.model, {w.source}));
    check_passed(check_batch_invariance(w.model, {w.source}));
  }
}

TEST_CASE("language model: written id by id it says what it says of all at once") {
  for (const LayerForm& form : layer_forms()) {
    for (const bool tied : {true, false}) {
      INFO(form.name);
      LanguageModelConfig config = config_of(form);
      config.tied = tied;
      const Writer w(config);
      check_passed(check_decode_parity(w.model, w.source));
      check_passed(check_decode_parity(w.model, {w.source.ids.slice(1, 0, 1), {}}));
    }
  }
}

TEST_CASE("language model: gradients are those of finite differences") {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    Writer w(config_of(form));
    const auto loss = [&] { return cross_entropy(w.scores(w.source.ids), w.source.ids); };
    check_passed(check_gradients(w.model, loss, {.most = 4}));
  }
}

TEST_CASE("language model: learns a batch by heart, all of its parameters") {
  for (const bool tied : {true, false}) {
    Data data;
    for (std::int64_t b = 0; b < 3; ++b) data.source.ids.set({b, 0}, static_cast<double>(b));  // to be told by
    LanguageModel model(
        {.vocabulary = kVocabulary,
         .layers = 1,
         .layer = {.width = 16, .heads = 2, .norm = NormPlacement::before, .activation = Activation::gelu_tanh},
         .max_length = 5,
         .tied = tied},
        data.rng);
    Adam optimiser(model.parameters(), {.learning_rate = 1e-2});
    const auto train = [&](const LanguageModel& trained, const Tensor& ids) {
      const Var loss = cross_entropy(trained({ids.slice(1, 0, 5), {}}), ids.slice(1, 1, 6));
      loss.backward();
      optimiser.step({.clip_norm = 1.0});
      optimiser.zero_grad();
      return loss.item();
    };
    check_passed(check_overfits_one_batch(model, data.source.ids, train));
  }
}

TEST_CASE("language model: buckets of distance are kept for earlier steps only") {
  LanguageModelConfig config = config_of({"buckets", {.width = 8, .heads = 2}});
  config.layer.positions = BucketBias{.buckets = 8, .max_distance = 6};
  Rng rng(1);
  const std::string summary = LanguageModel(config, rng).summary();
  CHECK_THAT(summary, ContainsSubstring("BucketBias 8, causal"));
  CHECK_THAT(summary, !ContainsSubstring("bidirectional"));
}

TEST_CASE("language model: sequences can be chosen before the first step, and none can be left") {
  const Writer w(config_of(layer_forms()[0]));
  LanguageModel::State state = w.model.start(2);
  state.select(ids_of({1, 0, 1}, {3}));
  CHECK(state.rows() == 3);
  CHECK(state.length() == 0);
  CHECK(identical(w.model.step(w.ids(0), state).scores.value(), [&] {
    LanguageModel::State fresh = w.model.start(3);
    return w.model.step(w.ids(0), fresh).scores.value();
  }()));
  CHECK(state.length() == 1);
  for (const std::int64_t steps : {0, 2}) {
    state = w.written(steps);
    CHECK_THROWS_AS(state.select(ids_of({3}, {1})), IndexError);
    CHECK_THROWS_AS(state.select(ids_of({0, -1}, {2})), IndexError);
    CHECK_THROWS_AS(state.select(ids_of({0}, {1, 1})), ShapeError);
    CHECK(state.rows() == 3);
    state.select(Tensor::empty({0}, DType::i32));
    CHECK(state.rows() == 0);
    CHECK(w.model.step(Tensor::empty({0}, DType::i32), state).scores.shape() == Shape{0, kVocabulary});
  }
}

TEST_CASE("language model: an id that does not exist leaves the state as it was") {
  for (const std::size_t form : {0U, 1U}) {  // waves and learned positions, which depend on the step
    const Writer w(config_of(layer_forms()[form]));
    LanguageModel::State state = w.written(2);
    CHECK_THROWS_AS(w.model.step(ids_of({0, 9, 1}, {3}), state), IndexError);
    CHECK(state.length() == 2);
    CHECK(largest_difference(w.model.step(w.ids(2), state).scores.value(),
                             w.scores(w.source.ids).value().select(1, 2)) < kTolerance);
  }
}

TEST_CASE("language model: steps are not recorded") {
  const Writer w(config_of(layer_forms()[0]));
  LanguageModel::State state = w.model.start(3);
  const Step step = w.model.step(w.ids(0), state);
  CHECK_FALSE(step.scores.requires_grad());
  CHECK_FALSE(step.weights.defined());
}

TEST_CASE("language model: dropout needs a generator or evaluation, whose steps are exact") {
  for (const auto& [layer, where] :
       {std::pair{dropping_layer(0.3, 0), "LanguageModel"},
        std::pair{dropping_layer(0, 0.3),
                  "LanguageModel / layers / 0 / self_attention (MultiHeadAttention 8, 2 heads)"}}) {
    Writer w(config_of({"", layer, EmbeddedPositions::learned}));
    LanguageModel::State state = w.model.start(3);
    const std::string expected = without_generator(where);
    CHECK(thrown<ConfigError>([&] { w.model(w.source); }) == expected);
    CHECK(thrown<ConfigError>([&] { w.model.step(w.ids(0), state); }) == expected);

    Rng draws(1), again(1);
    const Tensor dropped = w.model(w.source, &draws).value();
    CHECK(identical(w.model(w.source, &again).value(), dropped));
    CHECK_FALSE(identical(w.model(w.source, &again).value(), dropped));
    w.model.eval();
    CHECK_FALSE(identical(w.model(w.source).value(), dropped));
    CHECK(identical(w.model(w.source, &draws).value(), w.model(w.source).value()));
    check_passed(check_decode_parity(w.model, w.source));
  }
}

TEST_CASE("language model: sizes that make no sense are errors") {
  Rng rng(1);
  const auto error_of = [&](auto change) {
    LanguageModelConfig config = config_of(layer_forms()[1]);
    change(config);
    return thrown<ConfigError>([&] { const LanguageModel model(config, rng); });
  };
  CHECK(error_of([](auto& config) { config.vocabulary = 0; }) ==
        "ConfigError: LanguageModel: vocabulary 0, layers 2\n  requires each at least 1");
  CHECK(error_of([](auto& config) { config.layers = -1; }) ==
        "ConfigError: LanguageModel: vocabulary 9, layers -1\n  requires each at least 1");
  CHECK(error_of([](auto& config) { config.max_length = 0; }) ==
        "ConfigError: LearnedPositions: maximum 0, width 8\n  requires both at least 1");
  CHECK(error_of([](auto& config) { config.layer.width = -8; }) ==
        "ConfigError: PositionedEmbedding: rows 9, width -8\n  requires both at least 1");
  CHECK(error_of([](auto& config) { config.layer.heads = 3; }) ==
        "ConfigError: MultiHeadAttention: width 8, heads 3\n"
        "  requires heads >= 1 that divide a width >= 1, or a head_width");
  CHECK(error_of([](auto& config) { config.layer.feed_forward = -1; }) ==
        "ConfigError: transformer layer: feed_forward -1\n  requires at least 1, or 0 for 4 width");
  CHECK(error_of([](auto& config) { config.layer.dropout = 1; }) ==
        "ConfigError: Dropout: probability 1\n  requires 0 <= probability < 1");
}

TEST_CASE("language model: ids and sequences that do not fit are errors that say where") {
  const Writer w(config_of(layer_forms()[1]));
  CHECK(thrown<ConfigError>([&] { w.model.start(0); }) ==
        "ConfigError: LanguageModel: 0 sequences to write\n  requires at least 1\n  in: LanguageModel");
  LanguageModel::State state = w.model.start(3);
  CHECK(thrown<ShapeError>([&] {
          w.model.step(ids_of({1, 2}, {2}), state);
        }) ==
        "ShapeError: language model step: ids are [2], sequences 3\n"
        "  requires an id a sequence, [N]\n"
        "  in: LanguageModel");
  CHECK(thrown<IndexError>([&] {
          w.scores(ids_of({0, 1, 9, 1}, {2, 2}));
        }) ==
        "IndexError: take_rows: id 9 at position 2 of ids [2, 2] is outside the table [9, 8]\n"
        "  requires 0 <= id < 9\n"
        "  table: parameter \"embedding.weight\"\n"
        "  in: LanguageModel / embedding (PositionedEmbedding 9 x 8)");
  CHECK(thrown<IndexError>([&] {
          w.scores(Tensor::zeros({1, 11}, DType::i32));
        }) ==
        "IndexError: learned positions: 11 from 0 on, but there are 10\n"
        "  requires positions in [0, 10)\n"
        "  positions: parameter \"embedding.positions.weight\"\n"
        "  in: LanguageModel / embedding / positions (LearnedPositions 10 x 8)");
  CHECK(thrown<ConfigError>([&] {
          LanguageModelConfig deeper = config_of(layer_forms()[1]);
          deeper.layers = 3;
          const Writer other(deeper);
          LanguageModel::State of_other = other.written(1);
          w.model.step(w.ids(0), of_other);
        }) ==
        "ConfigError: the cache has 3 layers, the encoder 2\n"
        "  in: LanguageModel / layers (TransformerEncoder, 2 layers)\n"
        "  hint: make the cache with the same encoder");
}

}  // namespace heed::tests
