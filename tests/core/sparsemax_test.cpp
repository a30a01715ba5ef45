// Sparsemax and logsumexp on plain tensors, and what ids are as distributions.
#include <cmath>

#include "core/error.h"
#include "core/functions.h"
#include "core/reduce.h"
#include "core/softmax.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

TEST_CASE("sparsemax: rows >= 0 with sum 1, and no other such row is nearer") {
  for (const std::int64_t width : {1, 2, 3, 10, 100}) {
    const Tensor x = normal({20, width}, 1), y = sparsemax(x);
    CHECK(difference(sum(y, -1), Values(20, 1.0)) <= 1e-14);
    CHECK(min(min(y, -1), 0).item() >= 0);
    // The projection p of x on a convex set: (x - p) . (q - p) <= 0 for every q of the set, and so for corners.
    const Tensor towards = sum((x - y) * y, -1, true);
    CHECK(max(max(x - y - towards, -1), 0).item() <= 1e-12);
  }
}

TEST_CASE("sparsemax: exact zeros; adding a number to a row changes nothing; large scores give one class") {
  const Tensor x = Tensor::matrix({{0.5, 0.3, -1}, {2, 1.5, 1.5}, {1000, 0, -1000}}, DType::f64);
  const Tensor expected = Tensor::matrix({{0.6, 0.4, 0}, {2.0 / 3, 1.0 / 6, 1.0 / 6}, {1, 0, 0}}, DType::f64);
  CHECK(difference(sparsemax(x), expected) <= 1e-15);
  CHECK(difference(sparsemax(x + 100), expected) <= 1e-13);
  CHECK(difference(sparsemax(strided(x.to(DType::f32))), expected) <= 1e-6);
  CHECK(sparsemax(x).at({0, 2}) == 0);
}

TEST_CASE("sparsemax: a row of -infinity is 0, one with NaN or infinity NaN; other rows do not mind") {
  const Tensor x = Tensor::matrix(
      {{-INFINITY, -INFINITY}, {NAN, 1}, {1, NAN}, {INFINITY, 0}, {-INFINITY, 3}, {0, 0}}, DType::f64);
  const Tensor y = sparsemax(x);
  CHECK(isnan(y).to_vector() == Values{0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0});
  CHECK(nan_to_num(y).to_vector() == Values{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0.5, 0.5});
  CHECK(sparsemax(Tensor::empty({0, 3})).shape() == Shape{0, 3});
  CHECK(sparsemax(Tensor::empty({3, 0})).shape() == Shape{3, 0});
  CHECK(thrown<ShapeError>([] { sparsemax(Tensor::scalar(1)); }) ==
        "ShapeError: sparsemax: a scalar has no last axis");
}

TEST_CASE("logsumexp: the logarithm of the sum along any axis") {
  const Tensor x = normal({2, 3, 4}, 2);
  for (const int axis : {0, 1, -1}) {
    CHECK(difference(logsumexp(x, axis), log(sum(exp(x), axis))) <= 1e-14);
    CHECK(logsumexp(x, axis, true).shape() == x.shape().with(axis, 1));
  }
  CHECK(difference(logsumexp(x + 1e4, 1), logsumexp(x, 1) + 1e4) <= 1e-11);
}

TEST_CASE(
    "smoothed_targets: a row sums to 1, or with weights to what cross_entropy multiplies; 0 where ignored") {
  const Tensor ids = Tensor::of({2, -1, 0}, {3}, DType::i32), scores = Tensor::empty({3, 4}, DType::f64);
  CHECK(smoothed_targets(ids, scores, -1, 0, {}, "f").to_vector() ==
        Values{0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0});
  CHECK(difference(smoothed_targets(ids, scores, -1, 0.4, {}, "f"),
                   Values{0.1, 0.1, 0.7, 0.1, 0, 0, 0, 0, 0.7, 0.1, 0.1, 0.1}) <= 1e-16);
  const Tensor weights = Tensor::of({1, 2, 3, 4}, {4}, DType::f64);
  CHECK(difference(smoothed_targets(ids, scores, -1, 0.4, weights, "f"),
                   Values{0.1, 0.2, 2.1, 0.4, 0, 0, 0, 0, 0.7, 0.2, 0.3, 0.4}) <= 1e-15);
  CHECK(weights_of_ids(ids, -1, weights, DType::f64).to_vector() == Values{3, 0, 1});
  CHECK(weights_of_ids(strided(ids), 2, {}, DType::f32).to_vector() == Values{0, 1, 1});
  CHECK(first_line(thrown<IndexError>([&] { smoothed_targets(ids, scores, 0, 0, {}, "f"); })) ==
        "IndexError: f: id -1 at position 1 of ids [3] is not a class");
}

TEST_CASE("sparsemax and smoothed_targets: the same bits at any number of threads") {
  const Tensor x = normal({900, 97}, 3, DType::f32), ids = Tensor::full({900}, 5, DType::i32);
  CHECK(all_same(on_any_threads([&] { return sparsemax(x); })));
  CHECK(all_same(on_any_threads([&] { return smoothed_targets(ids, x, -1, 0.1, {}, "f"); })));
}

}  // namespace
}  // namespace heed::tests
