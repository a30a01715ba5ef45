#include "core/attention.h"

#include <cmath>
#include <limits>

#include "core/allocator.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"
#include "core/matmul.h"
#include "core/softmax.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

constexpr double kScale = 0.4;

struct Operands {
  Tensor q, k, v, dy;
  Mask mask = {};
};

// Heads as a model has them: views of [B, L, H * width].
Tensor heads(std::int64_t batch, std::int64_t length, std::int64_t count, std::int64_t width,
             std::uint64_t seed, DType dtype = DType::f64) {
  return normal({batch, length, count * width}, seed, dtype)
      .reshape({batch, length, count, width})
      .transpose(1, 2);  // [B, H, L, width]
}

Operands operands(std::int64_t T, std::int64_t S, std::int64_t d, std::int64_t e, DType dtype = DType::f64) {
  return {heads(2, T, 3, d, 1, dtype), heads(2, S, 3, d, 2, dtype), heads(2, S, 3, e, 3, dtype),
          heads(2, T, 3, e, 4, dtype)};
}

void check_against_definition(const Operands& in, double tolerance = 1e-11) {
  const AttentionForwardPass forward = attention_forward(in.q, in.k, in.v, in.mask, kScale);
  const AttentionGradients got = attention_backward(in.q, in.k, in.v, in.mask, kScale, forward, in.dy);
  const Tensor weights = softmax(matmul(in.q, in.k.transpose()) * kScale, in.mask);
  const Tensor dscores = softmax_backward(weights, matmul(in.dy, in.v.transpose())) * kScale;
  CHECK(largest_difference(forward.y, matmul(weights, in.v)) <= tolerance);
  CHECK(largest_difference(got.dq, matmul(dscores, in.k)) <= tolerance);
  CHECK(largest_difference(got.dk, matmul(dscores.transpose(), in.q)) <= tolerance);
  CHECK(largest_difference(got.dv, matmul(weights.transpose(), in.dy)) <= tolerance);
  CHECK(largest_difference(attention_weights(in.q, in.k, in.mask, kScale), weights) <= tolerance);
}

Tensor random_booleans(const Shape& shape, std::uint64_t seed) {
  return less(normal(shape, seed), Tensor::scalar(0.3, DType::f64));
}

bool merges_without_copy(const Tensor& x) { return x.transpose(-3, -2).contiguous(); }

TEST_CASE("attention: values and gradients are those of softmax(q kT) v, over heads that are views") {
  for (const std::int64_t T : {1, 3, 10, 29, 70})
    for (const std::int64_t S : {1, 4, 17, 140}) check_against_definition(operands(T, S, 5, 6));
  check_against_definition(operands(12, 9, 8, 8, DType::f32), 2e-5);
}

TEST_CASE("attention: any strides and any number of leading axes") {
  const Operands plain = operands(7, 5, 3, 4);
  check_against_definition({strided(plain.q), strided(plain.k), strided(plain.v), strided(plain.dy)});
  const auto first = [](const Tensor& x) { return x.select(0, 0).select(0, 0); };
  check_against_definition({first(plain.q), first(plain.k), first(plain.v), first(plain.dy)});
  const auto deeper = [](const Tensor& x) { return x.unsqueeze(1).unsqueeze(0); };
  check_against_definition({deeper(plain.q), deeper(plain.k), deeper(plain.v), deeper(plain.dy)});
  const Shape wide{4, 2, 3, 7, 3};
  check_against_definition({plain.q.expand(wide), plain.k.expand({4, 2, 3, 5, 3}),
                            plain.v.expand({4, 2, 3, 5, 4}), plain.dy.expand({4, 2, 3, 7, 4})});
}

TEST_CASE("attention: a mask of any shape that broadcasts to the scores, an expanded view too") {
  Operands in = operands(7, 9, 3, 4);
  for (const Shape& shape : {Shape{2, 3, 7, 9}, Shape{7, 9}, Shape{9}, Shape{}, Shape{2, 1, 1, 9},
                             Shape{3, 7, 1}, Shape{2, 1, 7, 1}, Shape{1, 9}}) {
    INFO(to_string(shape));
    for (const std::uint64_t seed : {5u, 6u}) {
      in.mask = Mask::attend(random_booleans(shape, seed));
      check_against_definition(in);
      in.mask = Mask::attend(in.mask.attends().expand({2, 3, 7, 9}));
      check_against_definition(in);
    }
  }
  in.mask = Mask::attend(random_booleans({9, 7}, 7).transpose());
  check_against_definition(in);
  in = operands(150, 280, 3, 4);
  in.mask = Mask::causal(150, 280);
  check_against_definition(in);
  in.mask = in.mask & Mask::padding(Tensor::of({100, 280}, {2}, DType::i32), 280);  // [2, 150, 280]
  in.mask = Mask::attend(in.mask.attends().unsqueeze(1));
  check_against_definition(in);
}

TEST_CASE("attention: a row with nothing to attend to gives 0 and gradient 0") {
  Operands in = operands(4, 6, 3, 5);
  Tensor allowed = Tensor::full({2, 1, 4, 6}, 1, DType::boolean);
  allowed.select(0, 0).select(1, 2).fill(0);  // batch 0, target 2
  allowed.select(0, 1).fill(0);               // all of batch 1
  in.mask = Mask::attend(allowed);
  const AttentionForwardPass forward = attention_forward(in.q, in.k, in.v, in.mask, kScale);
  const AttentionGradients d = attention_backward(in.q, in.k, in.v, in.mask, kScale, forward, in.dy);
  const auto is_zero = [](const Tensor& x) {
    return difference(x, Values(static_cast<std::size_t>(x.count()))) == 0;
  };
  CHECK(is_zero(forward.y.select(0, 0).select(1, 2)));
  CHECK(is_zero(d.dq.select(0, 0).select(1, 2)));
  for (const Tensor& x : {forward.y, d.dq, d.dk, d.dv}) {
    CHECK(is_zero(x.select(0, 1)));
    CHECK_FALSE(is_zero(x.select(0, 0)));
  }
  check_against_definition(in);
}

TEST_CASE("attention: NaN in a source that nobody attends to does no harm") {
  Operands in = operands(5, 40, 3, 4);
  const Tensor nan = Tensor::scalar(std::numeric_limits<double>::quiet_NaN(), DType::f64);
  Tensor allowed = Tensor::full({5, 40}, 1, DType::boolean);
  for (const std::int64_t source : {3, 38, 39}) allowed.select(1, source).fill(0);
  in.mask = Mask::attend(allowed);
  const AttentionForwardPass clean = attention_forward(in.q, in.k, in.v, in.mask, kScale);
  const AttentionGradients d = attention_backward(in.q, in.k, in.v, in.mask, kScale, clean, in.dy);
  for (const std::int64_t source : {3, 38, 39}) {
    in.k.select(2, source).copy_from(nan);
    in.v.select(2, source).copy_from(nan);
  }
  const AttentionForwardPass dirty = attention_forward(in.q, in.k, in.v, in.mask, kScale);
  const AttentionGradients dd = attention_backward(in.q, in.k, in.v, in.mask, kScale, dirty, in.dy);
  CHECK(identical(dirty.y, clean.y));
  CHECK(identical(dd.dq, d.dq));
  CHECK(identical(dd.dk, d.dk));
  CHECK(identical(dd.dv, d.dv));
}

TEST_CASE("attention: the order of the sources does not matter") {
  const Operands in = operands(6, 20, 4, 4);
  const auto turned = [](const Tensor& x) { return concat({x.slice(2, 7, 20), x.slice(2, 0, 7)}, 2); };
  const Tensor allowed = random_booleans({6, 20}, 9);
  const Mask mask = Mask::attend(allowed),
             turned_mask = Mask::attend(concat({allowed.slice(1, 7, 20), allowed.slice(1, 0, 7)}, 1));
  const AttentionForwardPass a = attention_forward(in.q, in.k, in.v, mask, kScale),
                             b = attention_forward(in.q, turned(in.k), turned(in.v), turned_mask, kScale);
  CHECK(largest_difference(a.y, b.y) < 1e-12);
  CHECK(largest_difference(a.log_sum, b.log_sum) < 1e-12);
}

TEST_CASE("attention: heads and their gradients merge again without a copy") {
  const Operands in = operands(6, 9, 4, 5);
  const AttentionForwardPass forward = attention_forward(in.q, in.k, in.v, {}, kScale);
  const AttentionGradients d = attention_backward(in.q, in.k, in.v, {}, kScale, forward, in.dy);
  for (const Tensor& x : {forward.y, d.dq, d.dk, d.dv}) CHECK(merges_without_copy(x));
  const auto own = [](const Tensor& x) { return x.clone(); };
  const AttentionGradients of_copies =
      attention_backward(own(in.q), own(in.k), own(in.v), {}, kScale, forward, in.dy);
  for (const Tensor& x : {of_copies.dq, of_copies.dk, of_copies.dv}) CHECK(x.contiguous());
}

TEST_CASE("attention: empty extents") {
  const auto zeros = [](const Shape& shape) { return Tensor::zeros(shape, DType::f64); };
  const auto check = [](const Tensor& q, const Tensor& k, const Tensor& v) {
    const AttentionForwardPass forward = attention_forward(q, k, v, {}, kScale);
    const Shape shape = q.shape().with(-1, v.extent(-1));
    CHECK(forward.y.shape() == shape);
    const AttentionGradients d =
        attention_backward(q, k, v, {}, kScale, forward, Tensor::ones(shape, DType::f64));
    CHECK(d.dq.shape() == q.shape());
    CHECK(d.dk.shape() == k.shape());
    CHECK(d.dv.shape() == v.shape());
    return std::pair(forward.y, d.dv);
  };
  CHECK(difference(check(zeros({3, 2}), zeros({0, 2}), zeros({0, 4})).first, Values(12)) == 0);  // no sources
  CHECK(difference(check(zeros({0, 2}), zeros({3, 2}), normal({3, 4}, 1)).second, Values(12)) ==
        0);  // no targets
  check(zeros({3, 2}), zeros({5, 2}), zeros({5, 0}));
  check(zeros({0, 4, 3, 2}), zeros({0, 4, 5, 2}), zeros({0, 4, 5, 3}));
  // Without width every source scores 0: the mean of the values.
  const auto [y, dv] = check(zeros({2, 0}), zeros({4, 0}), Tensor::of({1, 2, 3, 6}, {4, 1}, DType::f64));
  CHECK(difference(y, Values{3, 3}) < 1e-15);
  CHECK(difference(dv, Values(4, 0.5)) < 1e-15);
}

TEST_CASE("attention: the same bits at any number of threads") {
  for (const auto& [T, S] : {std::pair(29, 29), std::pair(70, 200)}) {
    const Operands in{heads(32, T, 4, 16, 1, DType::f32), heads(32, S, 4, 16, 2, DType::f32),
                      heads(32, S, 4, 16, 3, DType::f32), heads(32, T, 4, 16, 4, DType::f32)};
    CHECK(all_same(on_any_threads([&] {
      const AttentionForwardPass forward = attention_forward(in.q, in.k, in.v, {}, kScale);
      const AttentionGradients d = attention_backward(in.q, in.k, in.v, {}, kScale, forward, in.dy);
      const auto flat = [](const Tensor& x) { return x.reshape({-1}); };
      return concat({flat(forward.y), flat(d.dq), flat(d.dk), flat(d.dv)}, 0);
    })));
  }
}

TEST_CASE("attention: memory grows with the length, not with its square") {
  const auto peak = [](std::int64_t length) {
    const Threads one(1);
    const Tensor q = normal({1, 1, length, 4}, 1), k = normal({1, 1, length, 4}, 2),
                 v = normal({1, 1, length, 4}, 3);
    const Mask mask = Mask::padding(Tensor::of({static_cast<double>(length - 1)}, {1}, DType::i32), length);
    pool::reset_peak();
    const std::int64_t before = pool::statistics().bytes_in_use;
    const AttentionForwardPass forward = attention_forward(q, k, v, mask, kScale);
    attention_backward(q, k, v, mask, kScale, forward, q);
    return pool::statistics().peak_bytes - before;
  };
  const std::int64_t at_1000 = peak(1000), at_4000 = peak(4000);
  CHECK(at_4000 < 5 * at_1000);
  CHECK(at_4000 < 4000 * 4000);  // not even a byte for each score
}

TEST_CASE("attention: operands that do not fit are errors that say how") {
  const Tensor q = normal({2, 3, 4}, 1), k = normal({2, 5, 4}, 2), v = normal({2, 5, 6}, 3);
  const auto forward = [](const Tensor& a, const Tensor& b, const Tensor& c, const Mask& mask = {}) {
    return thrown<ShapeError>([&] { attention_forward(a, b, c, mask, 1); });
  };
  CHECK(first_line(forward(q, normal({2, 5, 3}, 2), v)) ==
        "ShapeError: attention: q is [2, 3, 4], k is [2, 5, 3], v is [2, 5, 6]");
  CHECK_THAT(forward(q, k, normal({2, 4, 6}, 2)), ContainsSubstring("with equal leading axes"));
  CHECK_THAT(forward(q, normal({1, 5, 4}, 2), v), ContainsSubstring("with equal leading axes"));
  CHECK_THAT(forward(q.select(0, 0), k, v), ContainsSubstring("with equal leading axes"));
  CHECK_THAT(forward(normal({4}, 1), normal({4}, 1), normal({4}, 1)),
             ContainsSubstring("with equal leading axes"));
  CHECK(first_line(forward(q, k, v, Mask::causal(5, 3))) ==
        "ShapeError: attention: the mask [5, 3] does not broadcast to the scores [2, 3, 5]");
  CHECK_THROWS_AS(attention_forward(q, k.to(DType::f32), v, {}, 1), DTypeError);
  CHECK_THROWS_AS(attention_forward(q, k, v.to(DType::f32), {}, 1), DTypeError);
  const AttentionForwardPass pass = attention_forward(q, k, v, {}, 1);
  CHECK_THROWS_AS(attention_backward(q, k, v, {}, 1, pass, q), ShapeError);
}

}  // namespace
}  // namespace heed::tests
