// What the tests of the checks share: models, data, and what a report must say.
#pragma once

#include <string>
#include <vector>

#include "layers/checks.h"
#include "layers/embedding.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"

namespace heed::tests {

inline constexpr std::int64_t kVocabulary = 9;

// Sources of lengths 6, 2, 4 and targets of 5 steps; a model of each kind, in f64 or as it is made.
struct Data {
  Rng rng{3};
  Tokens source{random_ids({3, 6}), ids_of({6, 2, 4}, {3})}, target{random_ids({3, 5}), {}};

  Tensor random_ids(const Shape& shape) {
    std::vector<std::int32_t> values;
    for (std::int64_t i = 0; i < shape.count(); ++i)
      values.push_back(static_cast<std::int32_t>(rng.below(kVocabulary)));
    return ids_of(values, shape);
  }
};

template <class Model>
struct Config {
  Seq2seqConfig value{.vocabulary = kVocabulary, .embedding = 4, .hidden = 6};
};
template <>
struct Config<Transformer> {
  TransformerConfig value{
      .vocabulary = kVocabulary, .layers = 2, .layer = {.width = 6, .heads = 2, .feed_forward = 8}};
};

template <class Model>
struct Setting : Data {
  Model model{Config<Model>{}.value, rng};

  explicit Setting(DType dtype = DType::f64) {
    if (dtype == DType::f64) take_random_parameters(model, rng);
  }
};

// What a failure says.
inline void check_failed(const CheckReport& report, const std::string& what, const std::string& cause) {
  INFO(to_string(report));
  CHECK_FALSE(report);
  CHECK_THAT(report.what, ContainsSubstring(what));
  CHECK_THAT(report.cause, ContainsSubstring(cause));
}
inline void check_passed(const CheckReport& report) {
  INFO(to_string(report));
  CHECK(report);
  CHECK(report.compared > 0);
}

// Vectors of the ids, to do something wrong with.
struct Vectors : Data {
  Embedding embed{kVocabulary, 4, rng};
  Var of(const Tensor& ids) const { return embed(ids); }
};

}  // namespace heed::tests
