#include "core/elementwise.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

using kernels::Binary;
using kernels::Compare;
using kernels::Unary;

struct NamedUnary {
  Unary f;
  const char* name;
  double (*plain)(double);
};

const NamedUnary kUnary[] = {
    {Unary::negate, "negate", [](double v) { return -v; }},
    {Unary::absolute, "absolute", [](double v) { return std::abs(v); }},
    {Unary::sign, "sign", [](double v) { return v > 0   ? 1.0
                                                : v < 0 ? -1.0
                                                        : 0.0; }},
    {Unary::reciprocal, "reciprocal", [](double v) { return 1 / v; }},
    {Unary::square, "square", [](double v) { return v * v; }},
    {Unary::sqrt, "sqrt", [](double v) { return std::sqrt(v); }},
    {Unary::exp, "exp", [](double v) { return std::exp(v); }},
    {Unary::log, "log", [](double v) { return std::log(v); }},
    {Unary::tanh, "tanh", [](double v) { return std::tanh(v); }},
    {Unary::sigmoid, "sigmoid", [](double v) { return 1 / (1 + std::exp(-v)); }},
    {Unary::erf, "erf", [](double v) { return std::erf(v); }},
    {Unary::relu, "relu", [](double v) { return v > 0 ? v : 0; }},
    {Unary::sin, "sin", [](double v) { return std::sin(v); }},
    {Unary::cos, "cos", [](double v) { return std::cos(v); }},
    {Unary::expm1, "expm1", [](double v) { return std::expm1(v); }},
    {Unary::log1p, "log1p", [](double v) { return std::log1p(v); }},
};

double plain(Binary f, double a, double b) {
  switch (f) {
    case Binary::add:
      return a + b;
    case Binary::subtract:
      return a - b;
    case Binary::multiply:
      return a * b;
    case Binary::divide:
      return a / b;
    case Binary::minimum:
      return std::min(a, b);
    case Binary::maximum:
      return std::max(a, b);
    case Binary::power:
      return std::pow(a, b);
    case Binary::tanh_gradient:
      return a * (1 - b * b);
    case Binary::sigmoid_gradient:
      return a * b * (1 - b);
    case Binary::relu_gradient:
      return b > 0 ? a : 0;
  }
  return NAN;
}

const Binary kBinary[] = {
    Binary::add,     Binary::subtract, Binary::multiply,      Binary::divide,           Binary::minimum,
    Binary::maximum, Binary::power,    Binary::tanh_gradient, Binary::sigmoid_gradient, Binary::relu_gradient};

TEST_CASE("element-wise functions agree with the C library on any strides") {
  CHECK(std::size(kUnary) == kernels::kUnaryCount);
  Rng rng(1);
  const Tensor x = Tensor::uniform({3, 37}, 0.1, 4, rng, DType::f64);
  for (const auto& [f, name, expected] : kUnary)
    for (const Tensor& input :
         {x, x.transpose(), x.slice(1, 1, 37, 3), x.slice(1, 0, 0), x.select(0, 1).select(0, 2)}) {
      INFO(name << " of " << to_string(input.shape()));
      Values values = input.to_vector();
      for (double& v : values) v = expected(v);
      CHECK(difference(apply(f, input, name), values) <= 1e-13 * 60);
      CHECK(difference(apply(f, input.to(DType::f32), name), values) <= 2e-5);
      CHECK(apply(f, input, name).shape() == input.shape());
      CHECK(apply(f, input, name).contiguous());
    }
  CHECK(thrown<DTypeError>([] { apply(Unary::exp, Tensor::ones({2}, DType::i32), "exp"); }) ==
        "DTypeError: exp: elements are i32\n  requires f32 or f64");
}

TEST_CASE("binary operations agree with a plain loop over every kind of broadcast and stride") {
  Rng rng(2);
  const Tensor base = Tensor::uniform({3, 4, 5}, 0.2, 3, rng, DType::f64);
  const std::vector<Tensor> operands{base,
                                     base.slice(1, 0, 1),
                                     base.slice(2, 3, 4),
                                     base.select(0, 1),
                                     base.select(0, 0).select(0, 0),
                                     base.transpose(0, 2).clone().transpose(0, 2),
                                     Tensor::scalar(1.5, DType::f64)};
  for (const Tensor& a : operands)
    for (const Tensor& b : operands) {
      INFO(to_string(a.shape()) << " with " << to_string(b.shape()));
      const Shape shape = *common_shape(a.shape(), b.shape());
      const Values va = a.expand(shape).to_vector(), vb = b.expand(shape).to_vector();
      for (const Binary f : kBinary) {
        Values expected(va.size());
        for (std::size_t i = 0; i < va.size(); ++i) expected[i] = plain(f, va[i], vb[i]);
        const Tensor y = apply(f, a, b, "f");
        REQUIRE(y.shape() == shape);
        REQUIRE(difference(y, expected) <= 1e-12);
        REQUIRE(difference(apply(f, a.to(DType::f32), b.to(DType::f32), "f"), expected) <= 1e-4);
      }
    }
}

TEST_CASE("operations with a number have it on the side where it is written") {
  const Tensor x = Tensor::of({1, 2, 4}, {3}, DType::f64);
  CHECK((x + 1).to_vector() == Values{2, 3, 5});
  CHECK((x - 1).to_vector() == Values{0, 1, 3});
  CHECK((x * 3).to_vector() == Values{3, 6, 12});
  CHECK((x / 2).to_vector() == Values{0.5, 1, 2});
  CHECK(apply(Binary::divide, 4, x, "divide").to_vector() == Values{4, 2, 1});
  CHECK(apply(Binary::subtract, 4, strided(x), "subtract").to_vector() == Values{3, 2, 0});
}

TEST_CASE("operators with a number, negation, maximum, minimum, clamp and pow of plain tensors") {
  const Tensor x = Tensor::of({1, -2, 4}, {3}, DType::f64), i = Tensor::of({1, -2, 4}, {3}, DType::i32);
  CHECK((3 + x).to_vector() == Values{4, 1, 7});
  CHECK((3 - x).to_vector() == Values{2, 5, -1});
  CHECK((3 * x).to_vector() == Values{3, -6, 12});
  CHECK((4 / x).to_vector() == Values{4, -2, 1});
  CHECK((-x).to_vector() == Values{-1, 2, -4});
  CHECK((-i).to_vector() == Values{-1, 2, -4});
  CHECK(std::signbit((-Tensor::scalar(0)).item()));
  CHECK(maximum(x, 1).to_vector() == Values{1, 1, 4});
  CHECK(minimum(1, i).to_vector() == Values{1, -2, 1});
  CHECK(maximum(x, -x).to_vector() == Values{1, 2, 4});
  CHECK(clamp(x, {.min = -1, .max = 3}).to_vector() == Values{1, -1, 3});
  CHECK(clamp(i, {.max = 0}).to_vector() == Values{0, -2, 0});
  CHECK(identical(clamp(x, {}), x));
  CHECK(thrown<ConfigError>([&] { clamp(x, {.min = 1, .max = NAN}); }) ==
        "ConfigError: clamp: min is 1, max is nan\n  requires min <= max");
  CHECK_THROWS_AS(clamp(i, {.min = 0.5}), DTypeError);
  CHECK(pow(x, 2).to_vector() == Values{1, 4, 16});
  CHECK(pow(x, -1).to_vector() == Values{1, -0.5, 0.25});
  CHECK(pow(x, 3).to_vector() == Values{1, -8, 64});
  CHECK(pow(2, x).to_vector() == Values{2, 0.25, 16});
  CHECK(pow(x, Tensor::of({0, 2, 0.5}, {3}, DType::f64)).to_vector() == Values{1, 4, 2});
  CHECK(thrown<DTypeError>([&] { -Tensor::ones({1}, DType::boolean); }) ==
        "DTypeError: negate: elements are boolean\n  requires f32 or f64");
}

TEST_CASE("i32 operations are exact and wrap around; division goes towards zero") {
  const std::int32_t least = std::numeric_limits<std::int32_t>::min(),
                     most = std::numeric_limits<std::int32_t>::max();
  const std::vector<std::int32_t> va{7, -7, most, least}, vb{2, 2, 1, -1};
  const Tensor a = Tensor::of(va, {4}), b = Tensor::of(vb, {4});
  CHECK((a + b).to_vector() == Values{9, -5, double(least), double(most)});
  CHECK((a - b).to_vector() == Values{5, -9, double(most - 1), double(least + 1)});
  CHECK((a * b).to_vector() == Values{14, -14, double(most), double(least)});
  CHECK((a / b).to_vector() == Values{3, -3, double(most), double(least)});
  CHECK(apply(Binary::maximum, a, b, "maximum").to_vector() == Values{7, 2, double(most), -1});
  CHECK((a.slice(0, 0, 2) * 2).to_vector() == Values{14, -14});
  CHECK(apply(Binary::subtract, 1, a.slice(0, 0, 2), "subtract").to_vector() == Values{-6, 8});
  CHECK(thrown<IndexError>([&] { a / 0; }) == "IndexError: divide: division of an integer by zero");
  CHECK_THROWS_AS(a / Tensor::zeros({4}, DType::i32), IndexError);
  CHECK_THROWS_AS(apply(Binary::power, a, b, "power"), DTypeError);
}

TEST_CASE("a number that is no i32 does not silently become one") {
  const Tensor x = Tensor::ones({2}, DType::i32);
  CHECK(first_line(thrown<DTypeError>([&] { x * 0.5; })) ==
        "DTypeError: multiply: 0.5 is no i32, which the tensor's elements are");
  CHECK_THROWS_AS(x + 3e9, DTypeError);
  CHECK_THROWS_AS(x + NAN, DTypeError);
}

TEST_CASE(
    "binary operations: types must agree, shapes must broadcast, and the error says where they come from") {
  Tensor a = Tensor::ones({2, 3}), b = Tensor::ones({2, 3}, DType::f64);
  a.storage().set_operation("concat");
  CHECK(thrown<DTypeError>([&] { a + b; }) ==
        "DTypeError: add: element types differ: a is f32, b is f64\n  a: output of concat    b: a tensor");
  CHECK(first_line(thrown<ShapeError>([&] {
          a - Tensor::ones({2, 2});
        })) == "ShapeError: subtract: shapes do not broadcast: a is [2, 3], b is [2, 2]");
  CHECK((Tensor::ones({0, 3}) + Tensor::ones({1, 3})).shape() == Shape{0, 3});
  CHECK_THROWS_AS(Tensor::ones({0}) + Tensor::ones({2}), ShapeError);
}

TEST_CASE("binary operations: eight axes with strides that do not merge") {
  const Tensor x = counted({2, 2, 2, 2, 2, 2, 2, 2});
  const std::vector<int> order{1, 0, 3, 2, 5, 4, 7, 6};
  const Tensor y = x.permute(order);
  const Values vx = x.to_vector(), vy = y.to_vector(), sum = (x + y).to_vector();
  CHECK(vx != vy);
  for (std::size_t i = 0; i < sum.size(); ++i) CHECK(sum[i] == vx[i] + vy[i]);
}

TEST_CASE("comparisons follow IEEE and take any type") {
  const Tensor a = Tensor::of({1, 2, NAN, 3}, {4}, DType::f64), b = Tensor::of({1, 3, NAN, 2}, {4}, DType::f64);
  CHECK(equal(a, b).to_vector() == Values{1, 0, 0, 0});
  CHECK(apply(Compare::not_equal, a, b, "not_equal").to_vector() == Values{0, 1, 1, 1});
  CHECK(less(a, b).to_vector() == Values{0, 1, 0, 0});
  CHECK(less_equal(a, b).to_vector() == Values{1, 1, 0, 0});
  CHECK(greater(a, b).to_vector() == Values{0, 0, 0, 1});
  CHECK(equal(a, b).dtype() == DType::boolean);
  const Tensor i = Tensor::arange(3, DType::i32);
  CHECK(less(i, i.unsqueeze(1)).to_vector() == Values{0, 0, 0, 1, 0, 0, 1, 1, 0});
  const Tensor t = Tensor::of({0, 1}, {2}, DType::boolean);
  CHECK(equal(t, t.unsqueeze(1)).to_vector() == Values{1, 0, 0, 1});
  CHECK_THROWS_AS(equal(i, a), DTypeError);
}

TEST_CASE("comparisons with a number: it must be one that the tensor could hold") {
  const Tensor x = Tensor::of({1, 2, NAN}, {3}), i = Tensor::arange(3, DType::i32);
  const Tensor t = Tensor::of({0, 1}, {2}, DType::boolean);
  CHECK(equal(x, 2).to_vector() == Values{0, 1, 0});
  CHECK(not_equal(x, 2).to_vector() == Values{1, 0, 1});
  CHECK(less(x, 2).to_vector() == Values{1, 0, 0});
  CHECK(less_equal(i, 1).to_vector() == Values{1, 1, 0});
  CHECK(greater(i, 1).to_vector() == Values{0, 0, 1});
  CHECK(greater_equal(i, 1).to_vector() == Values{0, 1, 1});
  CHECK(greater_equal(x, x.unsqueeze(1)).to_vector() == Values{1, 1, 0, 0, 1, 0, 0, 0, 0});
  CHECK(not_equal(t, 0).to_vector() == Values{0, 1});
  CHECK(first_line(thrown<DTypeError>([&] { less(i, 0.5); })) ==
        "DTypeError: less: 0.5 is no i32, which the tensor's elements are");
  CHECK(first_line(thrown<DTypeError>([&] { equal(t, 2); })) ==
        "DTypeError: equal: 2 is no boolean, which the tensor's elements are");
}

TEST_CASE("where and the logical operations broadcast and keep the type") {
  const Tensor c = Tensor::of({1, 0}, {2, 1}, DType::boolean), x = counted({3}, DType::i32);
  CHECK(where(c, x, Tensor::scalar(-1, DType::i32)).to_vector() == Values{0, 1, 2, -1, -1, -1});
  CHECK(where(c, strided(x), x * 10).to_vector() == Values{0, 1, 2, 0, 10, 20});
  const Tensor a = Tensor::of({0, 0, 1, 1}, {4}, DType::boolean),
               b = Tensor::of({0, 1, 0, 1}, {4}, DType::boolean);
  CHECK(logical_and(a, b).to_vector() == Values{0, 0, 0, 1});
  CHECK(logical_or(a, b).to_vector() == Values{0, 1, 1, 1});
  CHECK(logical_not(a).to_vector() == Values{1, 1, 0, 0});
  CHECK(logical_xor(a, b).to_vector() == Values{0, 1, 1, 0});
  CHECK(where(c, x, -1).to_vector() == Values{0, 1, 2, -1, -1, -1});
  CHECK(where(c, -1, x).to_vector() == Values{-1, -1, -1, 0, 1, 2});
  CHECK(masked_fill(x.expand({2, 3}), c, 9).to_vector() == Values{9, 9, 9, 0, 1, 2});
  CHECK_THROWS_AS(where(c, x, 0.5), DTypeError);
  CHECK_THROWS_AS(masked_fill(x, c, 9), ShapeError);
  CHECK(thrown<DTypeError>([&] { where(x, x, x); }) ==
        "DTypeError: where: the condition is i32\n  requires boolean");
  CHECK_THAT(thrown<DTypeError>([&] { logical_or(x, a); }), ContainsSubstring("logical_or"));
  CHECK_THAT(thrown<ShapeError>([&] { logical_and(a, Tensor::ones({3}, DType::boolean)); }),
             ContainsSubstring("logical_and: shapes do not broadcast: a is [4], b is [3]"));
}

TEST_CASE("add_scaled and scale change y in place, through views and with shared elements") {
  Tensor y = counted({2, 3});
  add_scaled(y, 2, Tensor::of({1, 10, 100}, {3}, DType::f64));
  CHECK(y.to_vector() == Values{2, 21, 202, 5, 24, 205});
  Tensor column = y.select(1, 0);
  scale(column, -1);
  CHECK(y.to_vector() == Values{-2, 21, 202, -5, 24, 205});
  CHECK(y.storage().changed() > 0);
  Tensor z = counted({2, 2});
  add_scaled(z, 1, z.select(0, 1));  // the row as it was before
  CHECK(z.to_vector() == Values{2, 4, 4, 6});
  add_scaled(z, 1, z.transpose());
  CHECK(z.to_vector() == Values{4, 8, 8, 12});
  add_scaled(z, -1, z);
  CHECK(z.to_vector() == Values{0, 0, 0, 0});
  CHECK(first_line(thrown<ShapeError>([&] { add_scaled(z, 1, Tensor::ones({3}, DType::f64)); })) ==
        "ShapeError: add_scaled: [3] does not broadcast to [2, 2]");
  Tensor wide = Tensor::ones({1}).expand({4});
  CHECK_THROWS_AS(scale(wide, 2), ShapeError);
  CHECK_THROWS_AS(add_scaled(wide, 2, Tensor::ones({4})), ShapeError);
}

TEST_CASE("identical and largest_difference see every element, NaN included") {
  const Tensor x = counted({2, 3}), y = x.clone();
  CHECK(identical(x, y));
  CHECK(identical(x.transpose(), strided(x.transpose())));
  CHECK_FALSE(identical(x, x.reshape({3, 2})));
  CHECK_FALSE(identical(x, x.to(DType::f32)));
  CHECK_FALSE(identical(Tensor::scalar(NAN), Tensor::scalar(NAN)));
  CHECK(identical(Tensor::ones({2}, DType::boolean), Tensor::ones({2}, DType::boolean)));
  Tensor z = x + 0.25;
  CHECK(largest_difference(x, z) == 0.25);
  z.set({0, 0}, NAN);
  CHECK(std::isnan(largest_difference(x, z)));
  CHECK_THROWS_AS(largest_difference(x, x.transpose()), ShapeError);
}

TEST_CASE("element-wise results have the same bits at any number of threads") {
  const Tensor a = normal({3, 70001}, 5, DType::f32), b = normal({70001}, 6, DType::f32);
  CHECK(all_same(on_any_threads([&] { return a * b; })));
  CHECK(all_same(on_any_threads([&] { return apply(Unary::tanh, a, "tanh"); })));
  CHECK(all_same(on_any_threads([&] { return apply(Unary::exp, b, "exp"); })));
  CHECK(all_same(on_any_threads([&] { return less(a, b); })));
  CHECK(all_same(on_any_threads([&] { return where(less(a, b), a, b); })));
}

}  // namespace
}  // namespace heed::tests
