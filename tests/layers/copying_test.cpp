#include "layers/copying.h"

#include <cmath>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr std::int64_t kBatch = 2, kSteps = 3, kSources = 4, kWords = 5;

struct Setting {
  Rng rng{3};
  Var scores = normal_leaf({kBatch, kSteps, kWords}, rng), gate = normal_leaf({kBatch, kSteps, 1}, rng);
  Var weights = Var::parameter(softmax(Var(normal({kBatch, kSteps, kSources}, rng))).value());
  Tensor ids = ids_of({3, 1, 3, 0, 2, 2, 2, 4}, {kBatch, kSources});  // 3 twice, 2 three times

  // The mixture, number by number.
  double probability(std::int64_t b, std::int64_t t, std::int64_t v) const {
    double all = 0, copied = 0;
    for (std::int64_t other = 0; other < kWords; ++other) all += std::exp(scores.value().at({b, t, other}));
    for (std::int64_t s = 0; s < kSources; ++s)
      if (ids.at({b, s}) == static_cast<double>(v)) copied += weights.value().at({b, t, s});
    const double g = 1 / (1 + std::exp(-gate.value().at({b, t, 0})));
    return g * std::exp(scores.value().at({b, t, v})) / all + (1 - g) * copied;
  }
};

}  // namespace

TEST_CASE("copying: scores are the logarithms of the mixture, number by number, and sum to 1") {
  const Setting s;
  const Tensor logs = copying_scores(s.scores, s.gate, s.weights, s.ids).value();
  for (std::int64_t b = 0; b < kBatch; ++b)
    for (std::int64_t t = 0; t < kSteps; ++t) {
      double total = 0;
      for (std::int64_t v = 0; v < kWords; ++v) {
        CHECK(std::abs(logs.at({b, t, v}) - std::log(s.probability(b, t, v))) < kTolerance);
        total += std::exp(logs.at({b, t, v}));
      }
      CHECK(std::abs(total - 1) < kTolerance);
    }
}

TEST_CASE("copying: gradients are those of finite differences, to second order") {
  const Setting s;
  const std::vector<Var> inputs{s.scores, s.gate, s.weights};
  const Differentiable f = [&](std::span<const Var> in) {
    return std::vector<Var>{copying_scores(in[0], in[1], in[2], s.ids)};
  };
  CHECK(gradcheck(f, inputs));
  CHECK(gradgradcheck(f, inputs));
}

TEST_CASE("copying: values and gradients are finite however improbable an id, a source or a way is") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double sure : {-2000.0, 0.0, 2000.0}) {
      const Var scores = Var::parameter(Tensor::of({3000.0, 0.0, -3000.0}, {1, 1, 3}, dtype));
      const Var gate = Var::parameter(Tensor::of({sure}, {1, 1, 1}, dtype));
      const Var weights = Var::parameter(Tensor::of({1.0, 1e-37, 0.0}, {1, 1, 3}, dtype));
      for (const std::int32_t target : {0, 1, 2}) {
        const Var logs = copying_scores(scores, gate, weights, ids_of({1, 0, 2}, {1, 3}));
        cross_entropy(logs, ids_of({target}, {1, 1})).backward();
        for (const Var& of : {logs, scores.grad(), gate.grad(), weights.grad()})
          for (const double v : of.value().to_vector()) CHECK(std::isfinite(v));
        for (Var leaf : {scores, gate, weights}) leaf.zero_grad();
      }
    }
}

TEST_CASE("copying: an id that the vocabulary rules out is copied from where the attention looks") {
  const Var scores(Tensor::of({0.0, 0.0, -1000.0, 0.0}, {1, 1, 4}, DType::f64));
  const Var gate(Tensor::of({std::log(0.25)}, {1, 1, 1}, DType::f64));  // 0.2 are chosen, 0.8 copied
  const Var weights(Tensor::of({0.25, 0.75}, {1, 1, 2}, DType::f64));
  const Tensor p = exp(copying_scores(scores, gate, weights, ids_of({1, 2}, {1, 2}))).value();
  CHECK(p.at({0, 0, 2}) == Approx(0.8 * 0.75));
  CHECK(p.at({0, 0, 1}) == Approx(0.2 / 3 + 0.8 * 0.25));
  CHECK(p.at({0, 0, 0}) == Approx(0.2 / 3));
}

TEST_CASE("copying: the attention by id adds up the sources with that id, whatever their layout") {
  const Setting s;
  const Tensor by_id = attention_by_id(s.weights, s.ids, kWords).value();
  const Tensor turned = ids_of({3, 2, 1, 2, 3, 2, 0, 4}, {kSources, kBatch}).transpose();
  CHECK(identical(attention_by_id(s.weights, turned, kWords).value(), by_id));
  for (std::int64_t t = 0; t < kSteps; ++t) {
    CHECK(by_id.at({0, t, 3}) == s.weights.value().at({0, t, 0}) + s.weights.value().at({0, t, 2}));
    CHECK(by_id.at({0, t, 2}) == 0);
  }
}

TEST_CASE("copying: what does not fit is refused and named") {
  const Setting s;
  CHECK(thrown<IndexError>([&] { attention_by_id(s.weights, s.ids, 4); }) ==
        "IndexError: attention_by_id: id 4 at [1, 3] of ids [2, 4] is outside a vocabulary of 4\n"
        "  requires 0 <= id < 4");
  CHECK_THAT(thrown<ShapeError>([&] { attention_by_id(s.weights, s.ids.slice(1, 0, 3), kWords); }),
             ContainsSubstring("weights are [2, 3, 4], ids are [2, 3]") &&
                 ContainsSubstring("requires weights [B, T, S] and ids [B, S]"));
  CHECK_THROWS_AS(copying_scores(s.scores, s.gate, s.weights, s.ids.slice(0, 0, 1)), ShapeError);
}

}  // namespace heed::tests
