#include "autograd/ops/attention.h"

#include "autograd/ops.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

Var drawn(const Shape& shape, std::uint64_t seed, const char* name = "") {
  Rng rng(seed);
  return Var::parameter(Tensor::normal(shape, 0, 1, rng, DType::f64), name);
}

struct Operands {
  Var q = drawn({2, 2, 3, 4}, 1), k = drawn({2, 2, 5, 4}, 2), v = drawn({2, 2, 5, 6}, 3);
};

TEST_CASE("attention: a bias of 0, or of one number for all sources, changes nothing") {
  const auto [q, k, v] = Operands();
  const Tensor plain = attention(q, k, v).value();
  for (const Shape& shape : {Shape{}, Shape{3, 1}, Shape{2, 1, 1}}) {
    CHECK(largest_difference(attention(q, k, v, {.bias = drawn(shape, 4)}).value(), plain) < 1e-14);
    CHECK(largest_difference(attention(q, k, v, {.bias = drawn({3, 5}, 4)}).value(), plain) > 1e-2);
  }
}

TEST_CASE("attention: a large negative bias is what a mask is") {
  const auto [q, k, v] = Operands();
  const Mask mask = Mask::causal(3, 5);
  const Tensor bias = where(mask.attends(), Tensor::scalar(0, DType::f64), Tensor::scalar(-1e9, DType::f64));
  CHECK(largest_difference(attention(q, k, v, {.bias = Var(bias)}).value(),
                           attention(q, k, v, {.mask = mask}).value()) < 1e-14);
}

TEST_CASE("attention: a shared head of keys gives what a copy for each head of queries gives, gradients too") {
  const Var q = drawn({2, 6, 3, 4}, 1), k = drawn({2, 1, 5, 4}, 2), v = drawn({2, 1, 5, 6}, 3);
  const auto gradients = [&](const Var& y) {
    return grad(y, {q, k, v}, {.cotangents = {drawn({2, 6, 3, 6}, 4)}});
  };
  const auto copied = [](const Var& x) { return concat({x, x, x, x, x, x}, 1); };
  const std::vector<Var> shared = gradients(attention(q, k, v)),
                         apart = gradients(attention(q, copied(k), copied(v)));
  for (std::size_t i = 0; i < 3; ++i) CHECK(largest_difference(shared[i].value(), apart[i].value()) < 1e-13);
}

TEST_CASE("attention: a bias beyond the scores, and leading axes that do not broadcast, are errors") {
  const Operands in;
  CHECK(thrown<ShapeError>([&] {
          attention(in.q, in.k, in.v, {.bias = drawn({3, 4}, 1, "bias")});
        }) ==
        "ShapeError: attention: the bias [3, 4] does not broadcast to the scores [2, 2, 3, 5]\n"
        "  bias: parameter \"bias\"");
  CHECK_THROWS_AS(attention(in.q, in.k, in.v, {.bias = drawn({2, 2, 2, 3, 5}, 1)}), ShapeError);
  CHECK_THAT(thrown<ShapeError>([&] {
               attention(in.q, drawn({3, 5, 4}, 1), in.v);
             }),
             ContainsSubstring("equal leading axes"));
}

}  // namespace
}  // namespace heed::tests
