#include "core/functions.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

struct Function {
  const char* name;
  Tensor (*f)(const Tensor&);
  double (*plain)(double);
  double low = -3, high = 3;
};

const Function kFunctions[] = {
    {"square", square, [](double v) { return v * v; }},
    {"sqrt", sqrt, [](double v) { return std::sqrt(v); }, 0.1, 5},
    {"rsqrt", rsqrt, [](double v) { return 1 / std::sqrt(v); }, 0.1, 5},
    {"reciprocal", reciprocal, [](double v) { return 1 / v; }, 0.1, 5},
    {"exp", exp, [](double v) { return std::exp(v); }},
    {"exp2", exp2, [](double v) { return std::exp2(v); }},
    {"expm1", expm1, [](double v) { return std::expm1(v); }},
    {"log", log, [](double v) { return std::log(v); }, 0.1, 5},
    {"log2", log2, [](double v) { return std::log2(v); }, 0.1, 5},
    {"log10", log10, [](double v) { return std::log10(v); }, 0.1, 5},
    {"log1p", log1p, [](double v) { return std::log1p(v); }, -0.9, 5},
    {"abs", abs, [](double v) { return std::abs(v); }},
    {"sign", sign, [](double v) { return v > 0 ? 1.0 : -1.0; }},
    {"floor", floor, [](double v) { return std::floor(v); }},
    {"ceil", ceil, [](double v) { return std::ceil(v); }},
    {"round", round, [](double v) { return std::nearbyint(v); }},
    {"trunc", trunc, [](double v) { return std::trunc(v); }},
    {"sin", sin, [](double v) { return std::sin(v); }},
    {"cos", cos, [](double v) { return std::cos(v); }},
    {"tan", tan, [](double v) { return std::tan(v); }, -1, 1},
    {"asin", asin, [](double v) { return std::asin(v); }, -1, 1},
    {"acos", acos, [](double v) { return std::acos(v); }, -1, 1},
    {"atan", atan, [](double v) { return std::atan(v); }},
    {"sinh", sinh, [](double v) { return std::sinh(v); }},
    {"cosh", cosh, [](double v) { return std::cosh(v); }},
    {"tanh", tanh, [](double v) { return std::tanh(v); }},
    {"asinh", asinh, [](double v) { return std::asinh(v); }},
    {"acosh", acosh, [](double v) { return std::acosh(v); }, 1.1, 5},
    {"atanh", atanh, [](double v) { return std::atanh(v); }, -0.9, 0.9},
    {"erf", erf, [](double v) { return std::erf(v); }},
    {"erfc", erfc, [](double v) { return std::erfc(v); }},
    {"sigmoid", sigmoid, [](double v) { return 1 / (1 + std::exp(-v)); }},
    {"relu", relu, [](double v) { return v > 0 ? v : 0; }},
    {"softplus", softplus, [](double v) { return std::log1p(std::exp(v)); }},
};

TEST_CASE("functions of each element agree with the C library on any strides, in f64 and f32") {
  Rng rng(1);
  for (const auto& [name, f, plain, low, high] : kFunctions) {
    const Tensor x = Tensor::uniform({3, 37}, low, high, rng).to(DType::f64);  // the same numbers in f32
    for (const Tensor& input :
         {x, x.transpose(), x.slice(1, 1, 37, 3), x.slice(1, 0, 0), x.select(0, 1).select(0, 2)}) {
      INFO(name << " of " << to_string(input.shape()));
      Values values = input.to_vector();
      for (double& v : values) v = plain(v);
      CHECK(difference(f(input), values) <= 4e-14);
      CHECK(difference(f(input.to(DType::f32)), values) <= 1e-5);
      CHECK(f(input).shape() == input.shape());
      CHECK(f(input.to(DType::f32)).dtype() == DType::f32);
    }
    const std::string message = thrown<DTypeError>([f = f] { f(Tensor::ones({2}, DType::i32)); });
    CHECK(message == std::string("DTypeError: ") + name + ": elements are i32\n  requires f32 or f64");
  }
}

TEST_CASE("fmod has the sign of what is divided, remainder that of what divides, as Python's %") {
  const Tensor a = Tensor::of({7, -7, 7, -7, 6, -6, 0.5}, {7}, DType::f64);
  const Tensor b = Tensor::of({3, 3, -3, -3, 3, 3, 0}, {7}, DType::f64);
  CHECK(fmod(a, b).slice(0, 0, 6).to_vector() == Values{1, -1, 1, -1, 0, 0});
  CHECK(remainder(a, b).slice(0, 0, 6).to_vector() == Values{1, 2, -2, -1, 0, 0});
  CHECK(std::isnan(remainder(a, b).at({6})));
  const Tensor column = Tensor::of({2, 5}, {2, 1}, DType::f64);
  CHECK(remainder(strided(a.slice(0, 0, 2)), column).to_vector() == Values{1, 1, 2, 3});
  CHECK_THAT(thrown<ShapeError>([&] { fmod(a, Tensor::ones({2}, DType::f64)); }),
             ContainsSubstring("fmod: shapes do not broadcast"));
  CHECK_THAT(thrown<DTypeError>([&] { remainder(a, Tensor::ones({7})); }),
             ContainsSubstring("remainder: element types differ"));
}

TEST_CASE("atan2: every quarter of the circle") {
  const Tensor y = Tensor::of({1, 1, -1, -1}, {4}, DType::f64), x = Tensor::of({2, -2, -2, 2}, {4}, DType::f64);
  const double angle = std::atan(0.5), pi = std::acos(-1.0);
  CHECK(difference(atan2(y, x), Values{angle, pi - angle, angle - pi, -angle}) <= 1e-15);
  CHECK(atan2(y.slice(0, 0, 0), x.slice(0, 0, 1)).shape() == Shape{0});
}

TEST_CASE("round takes the even one of two equally near; floor and ceil go down and up below 0 too") {
  const Tensor x = Tensor::of({-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}, {6});
  CHECK(round(x).to_vector() == Values{-2, -2, 0, 0, 2, 2});
  CHECK(floor(x).to_vector() == Values{-3, -2, -1, 0, 1, 2});
  CHECK(ceil(x).to_vector() == Values{-2, -1, 0, 1, 2, 3});
  CHECK(trunc(x).to_vector() == Values{-2, -1, 0, 0, 1, 2});
}

TEST_CASE("numbers that are none are told apart and replaced") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = Tensor::of({1, NAN, INFINITY, -INFINITY}, {2, 2}, dtype);
    CHECK(isnan(x).to_vector() == Values{0, 1, 0, 0});
    CHECK(isinf(x).to_vector() == Values{0, 0, 1, 1});
    CHECK(isfinite(strided(x)).to_vector() == Values{1, 0, 0, 0});
    CHECK(isnan(x).dtype() == DType::boolean);
    CHECK(identical(isfinite(nan_to_num(x)), Tensor::ones({2, 2}, DType::boolean)));
    CHECK(nan_to_num(x, {.nan = 5, .positive_infinity = 6, .negative_infinity = 7}).to_vector() ==
          Values{1, 5, 6, 7});
  }
  CHECK(nan_to_num(Tensor::scalar(INFINITY)).item() == double{std::numeric_limits<float>::max()});
}

TEST_CASE("softplus keeps its digits far below 0 and does not overflow far above") {
  const Tensor y = softplus(Tensor::of({-600, -40, 0, 40, 1e300}, {5}, DType::f64));
  CHECK(y.at({0}) == Approx(std::exp(-600.0)).epsilon(1e-14));
  CHECK(y.at({1}) == Approx(std::exp(-40.0)).epsilon(1e-14));
  CHECK(y.at({2}) == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(y.at({3}) == 40);
  CHECK(y.at({4}) == 1e300);
}

TEST_CASE("functions without a kernel have the same bits at any number of threads") {
  const Tensor a = normal({3, 70001}, 5, DType::f32), b = normal({70001}, 6, DType::f32);
  CHECK(all_same(on_any_threads([&] { return tan(a); })));
  CHECK(all_same(on_any_threads([&] { return floor(a.transpose()); })));
  CHECK(all_same(on_any_threads([&] { return remainder(a, b); })));
}

}  // namespace
}  // namespace heed::tests
