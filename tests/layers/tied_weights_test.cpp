#include <type_traits>

#include "autograd/ops.h"
#include "core/serialize.h"
#include "layers/language_model.h"
#include "layers/masked_language_model.h"
#include "layers/transformer.h"
#include "optim/adam.h"
#include "optim/sgd.h"
#include "tests/folder.h"
#include "tests/layers/model_testing.h"
#include "tests/thrown.h"

// One table for what is embedded and for the scores: one parameter, in every respect.
namespace heed::tests {
namespace {

constexpr TransformerLayerConfig kLayer{.width = 6, .heads = 2, .feed_forward = 8};

// The models that tie weights, each with the path of its table and scores for `data`.
struct TiedTransformerOutput : Transformer {
  static constexpr const char* kTable = "target_embedding.weight";
  explicit TiedTransformerOutput(Rng& rng, TiedWeights tied = TiedWeights::output)
      : Transformer({.vocabulary = kVocabulary, .layers = 1, .layer = kLayer, .tied = tied}, rng) {}
  Var scores(const Data& data) const { return (*this)(data.source, data.target); }
};
struct TiedTransformer : TiedTransformerOutput {
  static constexpr const char* kTable = "source_embedding.weight";
  explicit TiedTransformer(Rng& rng) : TiedTransformerOutput(rng, TiedWeights::all) {}
};
struct TiedLanguageModel : LanguageModel {
  static constexpr const char* kTable = "embedding.weight";
  explicit TiedLanguageModel(Rng& rng)
      : LanguageModel({.vocabulary = kVocabulary, .layers = 1, .layer = kLayer, .max_length = 8}, rng) {}
  Var scores(const Data& data) const { return (*this)(data.source); }
};
struct TiedMaskedLanguageModel : MaskedLanguageModel {
  static constexpr const char* kTable = "embedding.weight";
  explicit TiedMaskedLanguageModel(Rng& rng)
      : MaskedLanguageModel({.vocabulary = kVocabulary, .layers = 1, .layer = kLayer, .max_length = 8}, rng) {}
  Var scores(const Data& data) const { return (*this)(data.source); }
};

Var parameter(const Module& module, const std::string& name) {
  for (const Var& each : module.parameters())
    if (each.name() == name) return each;
  return Var();
}

int times(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

// Ids below 7, so that rows 7 and 8 of a table are of no use but for the scores.
struct LowIds : Data {
  LowIds() {
    for (Tensor* const ids : {&source.ids, &target.ids})
      for (std::int64_t b = 0; b < ids->extent(0); ++b)
        for (std::int64_t t = 0; t < ids->extent(1); ++t)
          if (ids->at({b, t}) > 6) ids->set({b, t}, 3);
  }
};

// Whether the table makes the scores: two ids that occur nowhere have scores of 0, or their bias, when their
// rows are 0.
template <class Model>
void check_table_makes_scores(const Model& model) {
  const LowIds data;
  Var table = parameter(model, Model::kTable);
  const Var bias = parameter(model, "bias");
  const auto unused = [](const Tensor& x) { return x.slice(-1, 7, 9); };
  const Tensor kept = table.value().clone();
  const Tensor before = model.scores(data).value();
  table.mutable_value().slice(0, 7, 9).fill(0);
  const Tensor after = model.scores(data).value();
  table.mutable_value().copy_from(kept);
  CHECK(identical(after.slice(-1, 0, 7), before.slice(-1, 0, 7)));
  const Tensor alone = bias.defined() ? unused(bias.value()) : Tensor::zeros({2}, table.dtype());
  CHECK(identical(unused(after), alone.expand(unused(after).shape())));
  CHECK(largest_difference(unused(before), unused(after)) > 1e-3);
}

// The gradients of an untied model with the same weights, by name.
struct Untied {
  NamedTensors gradients;
  Tensor of(const std::string& name) const {
    for (const auto& [each, gradient] : gradients)
      if (each == name) return gradient;
    throw ConfigError({.what = name});
  }
  explicit Untied(const Module& module) {
    for (const Var& each : module.parameters())
      gradients.emplace_back(each.name(), each.grad().value().clone());
  }
};

// Loads what the tied model has, and its table under other names too; `out` gets it transposed, without a bias.
void load_untied(Module& untied, const Module& tied, const std::string& table) {
  untied.to(DType::f64);
  NamedTensors state;
  for (const Var& each : untied.parameters()) {
    const Var same = parameter(tied, each.name());
    const Tensor weight = parameter(tied, table).value();
    if (each.name() == "out.weight")
      state.emplace_back(each.name(), weight.transpose().clone());
    else if (each.name() == "out.bias")
      state.emplace_back(each.name(), Tensor::zeros(each.shape(), DType::f64));
    else
      state.emplace_back(each.name(), same.defined() ? same.value() : weight);
  }
  untied.load_state(state);
}

}  // namespace

TEMPLATE_TEST_CASE("tied weights: are one parameter, listed, counted and saved once", "", TiedTransformerOutput,
                   TiedTransformer, TiedLanguageModel, TiedMaskedLanguageModel) {
  Rng rng(1);
  const TestType model(rng);
  int tables = 0;
  std::int64_t elements = 0;
  for (const Var& each : model.parameters()) {
    elements += each.count();
    tables += each.shape() == Shape{kVocabulary, 6} ? 1 : 0;
    CHECK_FALSE(each.name().starts_with("out"));
  }
  CHECK(tables == (std::is_same_v<TestType, TiedTransformerOutput> ? 2 : 1));
  CHECK(model.parameter_count() == elements);
  CHECK(model.state().size() == model.parameters().size());
  const std::string shared = text("\n  out f32 [9, 6], shared: ", TestType::kTable, "\n");
  CHECK(times(model.summary(), shared) == 1);
  const int uses = std::is_same_v<TestType, TiedTransformer> ? 2 : 1;
  CHECK(times(model.summary(), text("shared: ", TestType::kTable, "\n")) == uses);
}

TEMPLATE_TEST_CASE("tied weights: the table makes the scores, in f64 and when loaded from a file too", "",
                   TiedTransformerOutput, TiedTransformer, TiedLanguageModel, TiedMaskedLanguageModel) {
  const Data data;
  Rng rng(1);
  TestType model(rng);
  check_table_makes_scores(model);
  const Tensor scores = model.scores(data).value().clone();

  const Folder folder;
  write_safetensors(folder.at("model.safetensors"), {.tensors = model.state()});
  const TensorFile file = read_safetensors(folder.at("model.safetensors"));
  CHECK(file.tensors.size() == model.parameters().size());
  TestType loaded(rng);  // with weights of its own
  CHECK_FALSE(identical(loaded.scores(data).value(), scores));
  loaded.load_state(file.tensors);
  CHECK(identical(loaded.scores(data).value(), scores));
  check_table_makes_scores(loaded);

  loaded.to(DType::f64);
  CHECK(loaded.scores(data).dtype() == DType::f64);
  CHECK(largest_difference(loaded.scores(data).value(), scores.to(DType::f64)) < 1e-5);
  check_table_makes_scores(loaded);
  TestType wide(rng);
  wide.to(DType::f64);
  wide.load_state(file.tensors);
  CHECK(identical(wide.scores(data).value(), loaded.scores(data).value()));
}

TEMPLATE_TEST_CASE("tied weights: an optimiser moves the table once a step, by the gradient of all its uses",
                   "", TiedTransformerOutput, TiedTransformer, TiedLanguageModel, TiedMaskedLanguageModel) {
  const Data data;
  Rng rng(1);
  TestType model(rng);
  model.to(DType::f64);
  const Var table = parameter(model, TestType::kTable);
  SGD descent(model.parameters(), {.learning_rate = 0.25});
  CHECK(descent.parameters().size() == model.parameters().size());
  const Tensor before = table.value().clone();
  sum(square(model.scores(data))).backward();
  const Tensor gradient = table.grad().value().clone();
  CHECK(largest(gradient) > 0.1);
  descent.step();
  CHECK(largest_difference(table.value(), before - gradient * 0.25) < 1e-15 * largest(gradient));
  check_table_makes_scores(model);

  Adam adam(model.parameters());
  adam.step();
  int kept = 0;
  for (const auto& [name, value] : adam.state()) kept += name == text("adam.m.", TestType::kTable) ? 1 : 0;
  CHECK(kept == 1);
  check_table_makes_scores(model);
}

TEST_CASE("tied weights: the gradient of a language model's table is the sum of those of both uses") {
  const Data data;
  Rng rng(1);
  TiedLanguageModel tied(rng);
  take_random_parameters(tied, rng, 0.4);
  LanguageModelConfig config = tied.config();
  config.tied = false;
  LanguageModel untied(config, rng);
  load_untied(untied, tied, "embedding.weight");
  const auto loss_of = [&](const LanguageModel& model) {
    return cross_entropy(model(data.source), data.source.ids);
  };
  const Var loss = loss_of(tied), other = loss_of(untied);
  CHECK(largest_difference(loss.value(), other.value()) < kTolerance);
  loss.backward();
  other.backward();
  const Untied parts(untied);
  CHECK(largest_difference(parameter(tied, "embedding.weight").grad().value(),
                           parts.of("embedding.weight") + parts.of("out.weight").transpose()) < kTolerance);
}

TEMPLATE_TEST_CASE("tied weights: the gradient of a Transformer's table is the sum of those of all uses", "",
                   TiedTransformerOutput, TiedTransformer) {
  const Data data;
  Rng rng(1);
  TestType tied(rng);
  take_random_parameters(tied, rng, 0.4);
  TransformerConfig config = tied.config();
  config.tied = TiedWeights::none;
  Transformer untied(config, rng);
  load_untied(untied, tied, TestType::kTable);
  const auto loss_of = [&](const Transformer& model) {
    return cross_entropy(model(data.source, data.target), data.target.ids);
  };
  const Var loss = loss_of(tied), other = loss_of(untied);
  CHECK(largest_difference(loss.value(), other.value()) < kTolerance);
  loss.backward();
  other.backward();
  const Untied parts(untied);
  Tensor expected = parts.of("target_embedding.weight") + parts.of("out.weight").transpose();
  if (std::is_same_v<TestType, TiedTransformer>) expected = expected + parts.of("source_embedding.weight");
  CHECK(largest_difference(parameter(tied, TestType::kTable).grad().value(), expected) < kTolerance);
}

TEST_CASE("tied weights: an embedding that shares the table of another one is no copy of it") {
  static_assert(!std::is_copy_constructible_v<Embedding> && !std::is_copy_constructible_v<PositionedEmbedding>);
  Rng rng(1);
  const Embedding owner(5, 3, rng), user = Embedding::sharing(owner);
  CHECK(user.weight().same_as(owner.weight()));
  CHECK(owner.parameters().size() == 1);
  CHECK(user.parameters().empty());
  CHECK(user.summary() == "Embedding 5 x 3  (0 parameters)\n  weight f32 [5, 3], shared: weight\n");
  const Tensor ids = ids_of({4, 0}, {2});
  CHECK(identical(user(ids).value(), owner(ids).value()));
}

TEST_CASE("tied weights: positions are learned apart, for sources and for targets") {
  Rng rng(1);
  const Transformer model({.vocabulary = kVocabulary,
                           .layers = 1,
                           .layer = kLayer,
                           .embedded_positions = EmbeddedPositions::learned,
                           .max_length = 6,
                           .tied = TiedWeights::all},
                          rng);
  CHECK_FALSE(identical(parameter(model, "source_embedding.positions.weight").value(),
                        parameter(model, "target_embedding.positions.weight").value()));
}

TEST_CASE("tied weights: vocabularies that differ cannot share a table") {
  Rng rng(1);
  TransformerConfig config{
      .vocabulary = 9, .target_vocabulary = 7, .layers = 1, .layer = kLayer, .tied = TiedWeights::all};
  CHECK(thrown<ConfigError>([&] { const Transformer model(config, rng); }) ==
        "ConfigError: Transformer: sources have 9 ids, targets 7, and cannot share a table\n"
        "  hint: tie the output alone, or give both one vocabulary");
  config.tied = TiedWeights::output;
  const Transformer model(config, rng);
  CHECK(model({ids_of({8, 0}, {1, 2}), {}}, {ids_of({6}, {1, 1}), {}}).shape() == Shape{1, 1, 7});
}

}  // namespace heed::tests
