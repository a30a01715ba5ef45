// Masks, softmax, its logarithm and cross-entropy.
#include "core/softmax.h"

#include <algorithm>
#include <cmath>

#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

Tensor truths(std::initializer_list<double> values, const Shape& shape) {
  return Tensor::of(values, shape, DType::boolean);
}

// Rows of `width` numbers, positions with allowed == 0 left out.
Values plain_softmax(const Values& x, std::size_t width, const Values& allowed) {
  Values y(x.size(), 0.0);
  for (std::size_t row = 0; row < x.size(); row += width) {
    double largest = -INFINITY, total = 0;
    for (std::size_t j = row; j < row + width; ++j)
      if (allowed[j] != 0) largest = std::max(largest, x[j]);
    for (std::size_t j = row; j < row + width; ++j)
      if (allowed[j] != 0) total += std::exp(x[j] - largest);
    for (std::size_t j = row; j < row + width; ++j)
      if (allowed[j] != 0) y[j] = std::exp(x[j] - largest) / total;
  }
  return y;
}

TEST_CASE("mask: attend, block, causal and padding say what true means") {
  const Tensor some = truths({1, 0, 1}, {3});
  CHECK_FALSE(Mask().defined());
  CHECK(Mask::attend(some).attends().to_vector() == Values{1, 0, 1});
  CHECK(Mask::block(some).attends().to_vector() == Values{0, 1, 0});
  CHECK(Mask::causal(2, 3).attends().to_vector() == Values{1, 0, 0, 1, 1, 0});
  const Tensor padding = Mask::padding(Tensor::of({0, 2, 3}, {3}, DType::i32), 3).attends();
  CHECK(padding.shape() == Shape{3, 1, 3});
  CHECK(padding.to_vector() == Values{0, 0, 0, 1, 1, 0, 1, 1, 1});
  CHECK(thrown<DTypeError>([] { Mask::attend(Tensor::ones({2})); }) ==
        "DTypeError: mask: elements are f32\n  requires boolean");
  CHECK_THROWS_AS(Mask::block(Tensor::ones({2}, DType::i32)), DTypeError);
  CHECK(thrown<ShapeError>([] {
          Mask::padding(Tensor::ones({2, 1}, DType::i32), 3);
        }) == "ShapeError: mask: lengths are i32 [2, 1]\n  requires i32 [B]");
}

TEST_CASE("mask: both together broadcast; an undefined one allows everything") {
  const Mask both = Mask::causal(2, 3) & Mask::padding(Tensor::of({1, 3}, {2}, DType::i32), 3);
  CHECK(both.attends().shape() == Shape{2, 2, 3});
  CHECK(both.attends().to_vector() == Values{1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0});
  CHECK((Mask() & Mask::causal(1, 2)).attends().to_vector() == Values{1, 0});
  CHECK((Mask::causal(1, 2) & Mask()).attends().to_vector() == Values{1, 0});
  CHECK_FALSE((Mask() & Mask()).defined());
  CHECK_THROWS_AS(Mask::causal(2, 3) & Mask::causal(2, 4), ShapeError);
}

TEST_CASE("softmax: agrees with a plain loop on widths around every vector, in f32 and f64, on any strides") {
  for (const std::int64_t width : {1, 2, 3, 7, 8, 9, 16, 17, 33, 100}) {
    const Tensor x = normal({3, width}, 1) * 4;
    const Values expected =
        plain_softmax(x.to_vector(), static_cast<std::size_t>(width), Values(x.to_vector().size(), 1));
    INFO(width);
    CHECK(difference(softmax(x), expected) <= 1e-14);
    CHECK(difference(softmax(strided(x)), expected) <= 1e-14);
    CHECK(difference(softmax(x.to(DType::f32)), expected) <= 1e-6);
    Values logs = expected;
    for (double& v : logs) v = std::log(v);
    CHECK(difference(log_softmax(x), logs) <= 1e-12);
    CHECK(difference(log_softmax(x.to(DType::f32)), logs) <= 1e-4);
  }
}

TEST_CASE("softmax: blocked positions get 0 and take no part, whatever they hold") {
  Tensor x = normal({2, 3, 5}, 2);
  const Tensor allowed = truths({1, 1, 0, 1, 0, /**/ 0, 1, 1, 1, 1}, {2, 1, 5});
  const Values expected = plain_softmax(x.to_vector(), 5, allowed.expand({2, 3, 5}).to_vector());
  CHECK(difference(softmax(x, Mask::attend(allowed)), expected) <= 1e-14);
  CHECK(difference(softmax(x, Mask::block(logical_not(allowed))), expected) <= 1e-14);
  for (const double garbage : {1e300, -1e300, double{INFINITY}, double{NAN}}) {
    x.select(0, 0).select(1, 2).fill(garbage);
    CHECK(difference(softmax(x, Mask::attend(allowed)), expected) <= 1e-14);
  }
}

TEST_CASE("softmax: a row with nothing to attend to is 0 and passes no gradient") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = Tensor::full({2, 9}, 1e4, dtype);
    const Tensor allowed = Mask::padding(Tensor::of({0, 9}, {2}, DType::i32), 9).attends();  // [2, 1, 9]
    const Tensor y = softmax(x, Mask::attend(allowed.reshape({2, 9})));
    CHECK(y.select(0, 0).to_vector() == Values(9, 0.0));
    CHECK(difference(y.select(0, 1), Values(9, 1.0 / 9)) <= 1e-7);
    const Tensor dx = softmax_backward(y, normal({2, 9}, 3, dtype));
    CHECK(dx.select(0, 0).to_vector() == Values(9, 0.0));
  }
}

TEST_CASE("softmax: large scores do not overflow") {
  CHECK(softmax(Tensor::of({1e4, 1e4, -1e4}, {3})).to_vector() == Values{0.5, 0.5, 0});
  CHECK(log_softmax(Tensor::of({0, 1e4}, {2}, DType::f64)).to_vector() == Values{-1e4, 0});
}

TEST_CASE("softmax and its logarithm backwards: the derivative by its formula") {
  const Tensor x = normal({4, 11}, 4), dy = normal({4, 11}, 5);
  const Values p = softmax(x).to_vector(), d = dy.to_vector();
  Values dx(p.size()), dlog(p.size());
  for (std::size_t row = 0; row < 4; ++row) {
    double dot = 0, total = 0;
    for (std::size_t j = row * 11; j < row * 11 + 11; ++j) dot += p[j] * d[j], total += d[j];
    for (std::size_t j = row * 11; j < row * 11 + 11; ++j)
      dx[j] = p[j] * (d[j] - dot), dlog[j] = d[j] - p[j] * total;
  }
  CHECK(difference(softmax_backward(softmax(x), strided(dy)), dx) <= 1e-14);
  CHECK(difference(log_softmax_backward(strided(log_softmax(x)), dy), dlog) <= 1e-13);
}

TEST_CASE("softmax: empty rows, no rows, and what is not allowed") {
  CHECK(softmax(Tensor::empty({3, 0})).shape() == Shape{3, 0});
  CHECK(log_softmax(Tensor::empty({0, 3})).shape() == Shape{0, 3});
  CHECK(softmax_backward(Tensor::empty({0, 3}), Tensor::empty({0, 3})).shape() == Shape{0, 3});
  CHECK(thrown<ShapeError>([] { softmax(Tensor::scalar(1)); }) ==
        "ShapeError: softmax: a scalar has no last axis");
  CHECK(thrown<ShapeError>([] {
          softmax(Tensor::ones({2, 3}), Mask::causal(2, 4));
        }) == "ShapeError: softmax: the mask [2, 4] does not broadcast to the scores [2, 3]");
  CHECK_THROWS_AS(softmax(Tensor::ones({3}), Mask::causal(2, 3)), ShapeError);
  CHECK_THROWS_AS(softmax(Tensor::ones({3}, DType::i32)), DTypeError);
  CHECK_THROWS_AS(softmax_backward(Tensor::ones({2, 3}), Tensor::ones({3})), ShapeError);
  CHECK_THROWS_AS(log_softmax_backward(Tensor::ones({2, 3}), Tensor::ones({2, 2})), ShapeError);
}

TEST_CASE("cross_entropy: the negative logarithm of the probability of the id, and its gradient") {
  const Tensor scores = normal({2, 3, 5}, 6) * 3;
  const std::vector<std::int32_t> target{0, 4, 2, -1, 1, 3};
  const Tensor ids = Tensor::of(target, {2, 3}), dloss = normal({2, 3}, 7);
  const Values p = softmax(scores).to_vector(), d = dloss.to_vector();
  Values loss(6, 0.0), dscores(30, 0.0);
  for (std::size_t row = 0; row < 6; ++row) {
    if (target[row] == -1) continue;
    loss[row] = -std::log(p[row * 5 + static_cast<std::size_t>(target[row])]);
    for (std::size_t j = 0; j < 5; ++j)
      dscores[row * 5 + j] = d[row] * (p[row * 5 + j] - (static_cast<std::int32_t>(j) == target[row] ? 1 : 0));
  }
  const CrossEntropy result = cross_entropy(strided(scores), strided(ids), -1);
  CHECK(difference(result.loss, loss) <= 1e-13);
  CHECK(result.loss.shape() == Shape{2, 3});
  CHECK(difference(cross_entropy_backward(result.probabilities, ids, -1, dloss), dscores) <= 1e-14);
  const Values ones =
      cross_entropy_backward(result.probabilities, ids, -1, Tensor::ones({2, 3}, DType::f64)).to_vector();
  CHECK(cross_entropy_backward(result.probabilities, ids, -1, Tensor::scalar(1, DType::f64)).to_vector() ==
        ones);
}

TEST_CASE("cross_entropy: when every id is ignored, loss and gradient are 0, also where ids are classes") {
  for (const std::int32_t ignored : {-100, 0, 2}) {
    const Tensor ids = Tensor::full({4}, ignored, DType::i32), scores = normal({4, 3}, 8, DType::f32);
    const CrossEntropy result = cross_entropy(scores, ids, ignored);
    CHECK(result.loss.to_vector() == Values(4, 0.0));
    CHECK(cross_entropy_backward(result.probabilities, ids, ignored, Tensor::ones({4})).to_vector() ==
          Values(12, 0.0));
  }
  CHECK(cross_entropy(Tensor::empty({3, 0}), Tensor::full({3}, -1, DType::i32), -1).loss.to_vector() ==
        Values(3, 0.0));
  CHECK(cross_entropy(Tensor::empty({0, 3}), Tensor::empty({0}, DType::i32), -1).loss.shape() == Shape{0});
}

TEST_CASE("cross_entropy: ids of another shape or type or outside the classes are errors") {
  const Tensor scores = Tensor::ones({2, 3});
  CHECK(thrown<IndexError>([&] {
          cross_entropy(scores, Tensor::of({0, 3}, {2}, DType::i32), -1);
        }) ==
        "IndexError: cross_entropy: id 3 at position 1 of ids [2] is not a class\n"
        "  requires 0 <= id < 3, or -1 to be ignored");
  CHECK_THROWS_AS(cross_entropy(scores, Tensor::of({0, -2}, {2}, DType::i32), -1), IndexError);
  CHECK(thrown<ShapeError>([&] { cross_entropy(scores, Tensor::zeros({3}, DType::i32), -1); }) ==
        "ShapeError: cross_entropy: scores are [2, 3], ids are [3]\n"
        "  requires ids.shape == scores.shape without its last axis, [2]\n"
        "  scores: a tensor    ids: a tensor");
  CHECK(first_line(thrown<DTypeError>([&] { cross_entropy(scores, Tensor::zeros({2}), -1); })) ==
        "DTypeError: cross_entropy: ids are f32");
  const Tensor few = Tensor::zeros({1}, DType::i32);
  CHECK_THROWS_AS(cross_entropy_backward(scores, few, -1, Tensor::ones({})), ShapeError);
  CHECK_THROWS_AS(cross_entropy_backward(scores, Tensor::zeros({2}, DType::i32), -1, Tensor::ones({3})),
                  ShapeError);
}

TEST_CASE("softmax and cross_entropy: the same bits at any number of threads") {
  const Tensor x = normal({700, 97}, 9, DType::f32);
  const Mask mask = Mask::causal(700, 97);
  const Tensor ids = Tensor::full({700}, 5, DType::i32);
  CHECK(all_same(on_any_threads([&] { return softmax(x, mask); })));
  CHECK(all_same(on_any_threads([&] { return softmax_backward(softmax(x), x); })));
  CHECK(all_same(on_any_threads([&] { return log_softmax(x); })));
  CHECK(all_same(on_any_threads([&] { return cross_entropy(x, ids, -1).loss; })));
}

TEST_CASE("softmax: a gradient that is one expanded number gives the bits of its copy") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const std::int64_t width : {1, 7, 33, 3000}) {
      const Tensor x = normal({3, 5, width}, 10, dtype), y = softmax(x), logs = log_softmax(x);
      const Tensor one = Tensor::scalar(0.7, dtype), per_row = normal({3, 5, 1}, 11, dtype),
                   per_column = normal({5, width}, 12, dtype), per_group = normal({3, 1, 1}, 13, dtype);
      for (const Tensor& given : {one, per_row, per_column, per_group}) {
        const Tensor dy = given.expand(x.shape());
        CHECK(identical(softmax_backward(y, dy), softmax_backward(y, dy.clone())));
        CHECK(identical(log_softmax_backward(logs, dy), log_softmax_backward(logs, dy.clone())));
      }
    }
}

TEST_CASE("softmax: a mask that broadcasts gives the bits of its copy") {
  const Tensor x = normal({2, 3, 40, 9}, 14, DType::f32);
  const Tensor key = Mask::padding(Tensor::of({4, 9}, {2}, DType::i32), 9).attends();  // [2, 1, 9]
  for (const Tensor& mask : {key.unsqueeze(1), Mask::causal(40, 9).attends(), truths({1}, {1}),
                             truths({1, 0, 1}, {3, 1, 1}), strided(key).unsqueeze(1)})
    CHECK(identical(softmax(x, Mask::attend(mask)), softmax(x, Mask::attend(mask.expand(x.shape()).clone()))));
}

}  // namespace
}  // namespace heed::tests
