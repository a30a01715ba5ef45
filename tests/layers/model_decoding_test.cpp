#include "autograd/ops.h"
#include "layers/beam_search.h"
#include "layers/language_model.h"
#include "layers/transformer.h"
#include "tests/layers/decoding_testing.h"
#include "tests/layers/model_testing.h"
#include "tests/thrown.h"

// Writing with the models that keep what earlier steps have made, against asking them anew at each step.
namespace heed::tests {
namespace {

constexpr std::int64_t kWords = 5;  // ids of targets: 1 starts, 2 ends
constexpr std::int32_t kEnd = 2;

// A Transformer with sources of lengths 4, 1 and 3, each in the batch and alone.
struct Translating {
  Rng rng{17};
  Transformer model;
  std::vector<Ids> sources = random_sources({4, 1, 3}, kVocabulary, rng);

  explicit Translating(const LayerForm& form)
      : model({.vocabulary = kVocabulary,
               .target_vocabulary = kWords,
               .layers = 2,
               .layer = form.layer,
               .embedded_positions = form.embedded,
               .max_length = 10,
               .tied = TiedWeights::output},
              rng) {
    take_random_parameters(model, rng, 0.6);
  }
  Tokens batch() const { return batch_of(sources, 0); }
  Tokens alone(std::size_t b) const { return one(sources[b]); }
  Tensor scores(std::size_t b, const Tokens& target_in) const { return model(alone(b), target_in).value(); }
};

// A language model that writes three sequences.
struct Telling {
  Rng rng{23};
  LanguageModel model;

  explicit Telling(const LayerForm& form)
      : model(
            {.vocabulary = kWords, .layer = form.layer, .embedded_positions = form.embedded, .max_length = 10},
            rng) {
    take_random_parameters(model, rng, 0.6);
  }
  std::int64_t batch() const { return 3; }
  std::int64_t alone(std::size_t) const { return 1; }
  Tensor scores(std::size_t, const Tokens& target_in) const { return model(target_in).value(); }
};

// Log-probabilities [T + 1, V] that the model gives, all at once, after the start and after each id.
template <class Task>
Tensor log_probabilities(const Task& task, std::size_t b, const Ids& ids) {
  Ids target_in{1};
  target_in.insert(target_in.end(), ids.begin(), ids.end());
  return log_softmax(Var(task.scores(b, one(target_in)))).value().select(0, 0);
}

// Of the ids from the `from`-th on, and of the end.
template <class Task>
double log_probability(const Task& task, std::size_t b, const Ids& ids, std::size_t from = 0) {
  const Tensor steps = log_probabilities(task, b, ids);
  double sum = 0;
  for (std::size_t t = from; t < ids.size(); ++t) sum += steps.at({static_cast<std::int64_t>(t), ids[t]});
  return sum + steps.at({static_cast<std::int64_t>(ids.size()), kEnd});
}

// The most probable id again and again, behind a prefix.
template <class Task>
Ids best_by_hand(const Task& task, std::size_t b, std::size_t max_length, Ids ids) {
  while (ids.size() < max_length) {
    const std::vector<double> last =
        log_probabilities(task, b, ids).select(0, static_cast<std::int64_t>(ids.size())).to_vector();
    const auto best = static_cast<std::int32_t>(std::max_element(last.begin(), last.end()) - last.begin());
    if (best == kEnd) break;
    ids.push_back(best);
  }
  return ids;
}

}  // namespace

TEMPLATE_TEST_CASE("decoding models: greedy takes what is most probable when everything is computed anew", "",
                   Translating, Telling) {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    const TestType task(form);
    const std::vector<Ids> prefixes{{}, {3, 0, 4}, {0}};
    for (const bool forced : {false, true}) {
      const GenerateOptions options{.max_length = 6, .prefixes = forced ? prefixes : std::vector<Ids>{}};
      const std::vector<Generated> results = greedy(task.model, task.batch(), options);
      REQUIRE(results.size() == 3);
      for (std::size_t b = 0; b < 3; ++b) {
        const Ids prefix = forced ? prefixes[b] : Ids{};
        CHECK(results[b].ids == best_by_hand(task, b, 6, prefix));
        CHECK(results[b].log_probability ==
              Approx(log_probability(task, b, results[b].ids, prefix.size())).epsilon(1e-9));
      }
    }
  }
}

TEMPLATE_TEST_CASE("decoding models: what is drawn does not depend on the rest of the batch", "", Translating,
                   Telling) {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    const TestType task(form);
    const GenerateOptions options{.max_length = 6};
    Rng together(3), apart(3);
    for (int round = 0; round < 3; ++round) {
      const std::vector<Generated> results = sample(task.model, task.batch(), together, {}, options);
      for (std::size_t b = 0; b < 3; ++b) {
        const Generated single = sample(task.model, task.alone(b), apart, {}, options).front();
        CHECK(results[b].ids == single.ids);
        CHECK(results[b].log_probability == Approx(log_probability(task, b, single.ids)).epsilon(1e-9));
      }
    }
  }
}

TEMPLATE_TEST_CASE("decoding models: with beams for all, beam search finds the best sequences that there are",
                   "", Translating, Telling) {
  for (const LayerForm& form : layer_forms()) {
    INFO(form.name);
    const TestType task(form);
    const auto results = beam_search(task.model, task.batch(), {.beams = 32, .best = 4}, {.max_length = 2});
    REQUIRE(results.size() == 3);
    for (std::size_t b = 0; b < 3; ++b) {
      std::vector<std::pair<double, Ids>> all{{-log_probability(task, b, {}), {}}};
      for (const std::int32_t first : {0, 1, 3, 4}) {
        all.push_back({-log_probability(task, b, {first}), {first}});
        for (const std::int32_t second : {0, 1, 3, 4})
          all.push_back({-log_probability(task, b, {first, second}), {first, second}});
      }
      std::sort(all.begin(), all.end());
      REQUIRE(results[b].size() == 4);
      for (std::size_t i = 0; i < 4; ++i) {
        CHECK(results[b][i].ids == all[i].second);
        CHECK(results[b][i].log_probability == Approx(-all[i].first).epsilon(1e-9));
      }
    }
  }
}

TEST_CASE("decoding models: the weights of a translation are those of the last layer, over the real source") {
  const Translating task(layer_forms()[0]);
  const std::vector<Generated> results = task.model.generate(task.batch(), {.max_length = 6});
  for (std::size_t b = 0; b < 3; ++b) {
    Ids target_in{1};
    target_in.insert(target_in.end(), results[b].ids.begin(), results[b].ids.end());
    const Transformer::Forward whole = task.model.with_attention(task.alone(b), one(target_in));
    const Tensor mean_of_heads = mean(Var(whole.cross.back()), 1).value().select(0, 0);
    REQUIRE(results[b].weights.shape() == mean_of_heads.shape());
    CHECK(largest_difference(results[b].weights, mean_of_heads) < kTolerance);
  }
  const Telling alone(layer_forms()[0]);
  CHECK_FALSE(greedy(alone.model, 1, {.max_length = 2})[0].weights.defined());
}

TEST_CASE("decoding models: no sequence can be left, of any model") {
  const Translating task(layer_forms()[0]);
  Transformer::State state = task.model.start(task.batch());
  const Tensor none = Tensor::empty({0}, DType::i32);
  state.select(none);
  CHECK(state.rows() == 0);
  const Step step = task.model.step(none, state);
  CHECK(step.scores.shape() == Shape{0, kWords});
  CHECK(step.weights.shape() == Shape{0, 4});
}

TEST_CASE("decoding models: more ids than there are learned positions are an error that says where") {
  const Translating task(layer_forms()[1]);
  const GenerateOptions endless{.max_length = 20, .ends = Ids{}};
  const auto expected = [](const char* embedding, const char* model) {
    return text(
        "IndexError: learned positions: 1 from 10 on, but there are 10\n  requires positions in [0, 10)\n"
        "  positions: parameter \"",
        embedding, ".positions.weight\"\n  in: ", model, " / ", embedding,
        " / positions (LearnedPositions 10 x 8)");
  };
  CHECK(thrown<IndexError>([&] { greedy(task.model, task.batch(), endless); }) ==
        expected("target_embedding", "Transformer"));
  const Telling alone(layer_forms()[1]);
  CHECK(thrown<IndexError>([&] { greedy(alone.model, 2, endless); }) == expected("embedding", "LanguageModel"));
  CHECK(greedy(alone.model, 2, {.max_length = 10, .ends = Ids{}})[1].ids.size() == 10);
}

TEST_CASE("decoding models: dropout in training is an error of start() and generate(), evaluation is exact") {
  LayerForm form{"dropping", dropping_layer(0.3, 0.2)};
  Translating task(form);
  const std::string expected = without_generator("Transformer");
  CHECK(thrown<ConfigError>([&] { task.model.start(task.batch()); }) == expected);
  CHECK(thrown<ConfigError>([&] { task.model.generate(task.batch()); }) == expected);
  const Tokens target{ids_of({1, 3, 0, 4, 2, 1, 4, 4, 0}, {3, 3}), {}};
  task.model.eval();
  Transformer::State state = task.model.start(task.batch());
  check_passed(check_decode_parity(task.model, task.batch(), target));
  task.model.train();
  CHECK(thrown<ConfigError>([&] { task.model.step(ids_of({1, 1, 1}, {3}), state); }) == expected);

  Telling alone(form);
  CHECK(thrown<ConfigError>([&] { greedy(alone.model, 1, {.max_length = 2}); }) ==
        without_generator("LanguageModel"));
}

}  // namespace heed::tests
