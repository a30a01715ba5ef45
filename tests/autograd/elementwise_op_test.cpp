// Operations that go element by element: against PyTorch, and where their functions have edges.
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "autograd/ops.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/fixture.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The largest |a - b| relative to numbers of size 1 and larger.
double relative_difference(const Tensor& a, const Tensor& b) {
  return largest_difference(a / maximum(abs(b), 1.0), b / maximum(abs(b), 1.0));
}

Var numbers(std::initializer_list<double> values) {
  return Var::parameter(Tensor::of(values, {static_cast<std::int64_t>(values.size())}, DType::f64));
}

std::vector<double> gradient(const Var& y, const Var& x) {
  sum(y).backward();
  std::vector<double> values = x.grad().value().to_vector();
  Var(x).zero_grad();
  return values;
}

using Values = std::vector<double>;

struct Case {
  const char* name;  // of the fixture's arrays
  const char* domain;
  std::function<Var(const Var&)> f;
};

std::vector<Case> at_kinks_and_ends() {
  const auto domain = "kinks";
  return {{"abs", domain, [](const Var& x) { return abs(x); }},
          {"sign", domain, [](const Var& x) { return sign(x); }},
          {"floor", domain, [](const Var& x) { return floor(x); }},
          {"ceil", domain, [](const Var& x) { return ceil(x); }},
          {"round", domain, [](const Var& x) { return round(x); }},
          {"trunc", domain, [](const Var& x) { return trunc(x); }},
          {"clamp", domain, [](const Var& x) { return clamp(x, {.min = -1, .max = 3}); }},
          {"clamp_min", domain, [](const Var& x) { return clamp(x, {.min = -1}); }},
          {"maximum_half", domain, [](const Var& x) { return maximum(x, 0.5); }},
          {"minimum_half", domain, [](const Var& x) { return minimum(x, 0.5); }},
          {"pow_0", domain, [](const Var& x) { return pow(x, 0); }},
          {"pow_1", domain, [](const Var& x) { return pow(x, 1); }},
          {"pow_2", domain, [](const Var& x) { return pow(x, 2); }},
          {"pow_3", domain, [](const Var& x) { return pow(x, 3); }},
          {"elu", domain, [](const Var& x) { return elu(x); }},
          {"celu_2", domain, [](const Var& x) { return celu(x, 2); }},
          {"selu", domain, [](const Var& x) { return selu(x); }},
          {"leaky_relu", domain, [](const Var& x) { return leaky_relu(x, 0.1); }},
          {"softsign", domain, [](const Var& x) { return softsign(x); }},
          {"hard_sigmoid", domain, [](const Var& x) { return hard_sigmoid(x); }},
          {"hard_tanh", domain, [](const Var& x) { return hard_tanh(x); }},
          {"mish", domain, [](const Var& x) { return mish(x); }},
          {"log_sigmoid", domain, [](const Var& x) { return log_sigmoid(x); }},
          {"softplus", domain, [](const Var& x) { return softplus(x); }},
          {"expm1", domain, [](const Var& x) { return expm1(clamp(x, {.max = 50})); }},
          {"masked_fill", domain, [](const Var& x) { return masked_fill(x, greater(x, 0.7), -2); }},
          {"asinh", domain, [](const Var& x) { return asinh(x); }},
          {"atan", domain, [](const Var& x) { return atan(x); }},
          {"erfc", domain, [](const Var& x) { return erfc(x); }}};
}

std::vector<Case> inside() {
  return {{"pow_minus_1", "any", [](const Var& x) { return pow(x, -1); }},
          {"pow_minus_2", "any", [](const Var& x) { return pow(x, -2); }},
          {"base_2.5", "any", [](const Var& x) { return pow(2.5, x); }},
          {"reciprocal", "any", [](const Var& x) { return reciprocal(x); }},
          {"exp2", "any", [](const Var& x) { return exp2(x); }},
          {"sin", "any", [](const Var& x) { return sin(x); }},
          {"cos", "any", [](const Var& x) { return cos(x); }},
          {"tan", "any", [](const Var& x) { return tan(x); }},
          {"sinh", "any", [](const Var& x) { return sinh(x); }},
          {"cosh", "any", [](const Var& x) { return cosh(x); }},
          {"rsqrt", "positive", [](const Var& x) { return rsqrt(x); }},
          {"log1p", "positive", [](const Var& x) { return log1p(x); }},
          {"log2", "positive", [](const Var& x) { return log2(x); }},
          {"log10", "positive", [](const Var& x) { return log10(x); }},
          {"pow_half", "positive", [](const Var& x) { return pow(x, 0.5); }},
          {"pow_1.7", "positive", [](const Var& x) { return pow(x, 1.7); }},
          {"asin", "unit", [](const Var& x) { return asin(x); }},
          {"acos", "unit", [](const Var& x) { return acos(x); }},
          {"atanh", "unit", [](const Var& x) { return atanh(x); }},
          {"acosh", "above_one", [](const Var& x) { return acosh(x); }}};
}

TEST_CASE("element-wise operations: values and gradients are PyTorch's, at kinks and far away too") {
  const Fixture given("elementwise");
  for (const std::vector<Case>& cases : {at_kinks_and_ends(), inside()})
    for (const auto& [name, domain, f] : cases) {
      const Var x = Var::parameter(given[text("x.", domain)]);
      const Var y = f(x);
      y.backward({.cotangent = Var(given[text("dy.", domain)])});
      INFO(name);
      CHECK(relative_difference(y.value(), given[name]) <= 1e-13);
      CHECK(relative_difference(x.grad().value(), given[text("d.", name)]) <= 1e-13);
    }
}

TEST_CASE("element-wise operations of two: values and gradients are PyTorch's, at ties and at 0 too") {
  const Fixture given("elementwise");
  const auto check = [&](const char* name, const Tensor& left, const Tensor& right, const Tensor& dy,
                         const std::function<Var(const Var&, const Var&)>& f) {
    const Var a = Var::parameter(left), b = Var::parameter(right), y = f(a, b);
    y.backward({.cotangent = Var(dy)});
    INFO(name);
    CHECK(relative_difference(y.value(), given[name]) <= 1e-13);
    CHECK(relative_difference(a.grad().value(), given[text("da.", name)]) <= 1e-13);
    CHECK(relative_difference(b.grad().value(), given[text("db.", name)]) <= 1e-13);
  };
  const Tensor a = given["a"], b = given["b"], dy = given["dy.pairs"];
  check("maximum", a, b, dy, [](const Var& v, const Var& w) { return maximum(v, w); });
  check("minimum", a, b, dy, [](const Var& v, const Var& w) { return minimum(v, w); });
  check("pow", abs(a), b, dy, [](const Var& v, const Var& w) { return pow(v, w); });
  const auto some = [](const Tensor& x) { return x.slice(0, 1, 10).clone(); };
  check("fmod", some(a), some(b), some(dy), [](const Var& v, const Var& w) { return fmod(v, w); });
  check("remainder", some(a), some(b), some(dy), [](const Var& v, const Var& w) { return remainder(v, w); });
  const Var y = Var::parameter(some(b)), x = Var::parameter(some(a)), angle = atan2(y, x);
  angle.backward({.cotangent = Var(some(dy))});
  CHECK(relative_difference(angle.value(), given["atan2"]) <= 1e-13);
  CHECK(relative_difference(x.grad().value(), given["da.atan2"]) <= 1e-13);
  CHECK(relative_difference(y.grad().value(), given["db.atan2"]) <= 1e-13);
}

TEST_CASE("pow: gradients at 0 and for negative bases are those of the polynomial") {
  const Var x = numbers({-2, -0.0, 0, 3});
  CHECK(gradient(pow(x, 3), x) == Values{12, 0, 0, 27});
  CHECK(gradient(pow(x, 1), x) == Values{1, 1, 1, 1});
  CHECK(gradient(pow(x, 0), x) == Values{0, 0, 0, 0});
  const Var n = numbers({2, 0, 1, 0.5}), base = numbers({-3, 0, 0, 0});
  CHECK(pow(base, n).value().to_vector() == Values{9, 1, 0, 0});
  CHECK(gradient(pow(base, Var(n.value())), base) == Values{-6, 0, 1, kInfinity});
  const Values dn = gradient(pow(Var(base.value()), n), n);
  CHECK(std::isnan(dn[0]));
  CHECK(Values(dn.begin() + 1, dn.end()) == Values{0, 0, 0});
  CHECK(gradient(pow(0.0, n), n) == Values{0, 0, 0, 0});
}

TEST_CASE("pow: third derivatives of x^3 are 6 everywhere, 0 included") {
  const Var x = numbers({-1, 0, 2});
  Var y = pow(x, 3);
  for (int order = 0; order < 3; ++order) y = grad(sum(y), {x}, {.create_graph = order < 2})[0];
  CHECK(y.value().to_vector() == Values{6, 6, 6});
}

TEST_CASE("maximum and minimum: two equals share the gradient; NaN stays NaN") {
  Var a = numbers({1, 2, 3});
  const Var b = numbers({1, 3, 2});
  sum(maximum(a, b)).backward();
  CHECK(a.grad().value().to_vector() == Values{0.5, 0, 1});
  CHECK(b.grad().value().to_vector() == Values{0.5, 1, 0});
  a.zero_grad();
  CHECK(gradient(minimum(a, 2.0), a) == Values{1, 0.5, 0});
  CHECK(gradient(maximum(2.0, a), a) == Values{0, 0.5, 1});
  CHECK(std::isnan(maximum(Var(Tensor::scalar(NAN)), 1.0).item()));
  CHECK(std::isnan(minimum(Var(Tensor::scalar(1)), Var(Tensor::scalar(NAN))).item()));
}

TEST_CASE("clamp: either end may be missing; NaN passes with gradient 0; min above max is an error") {
  const Var x = numbers({-2, 0, 1, 5, NAN});
  const Var y = clamp(x, {.min = 0, .max = 1});
  CHECK(std::isnan(y.value().at({4})));
  CHECK(gradient(y, x) == Values{0, 1, 1, 0, 0});
  CHECK(clamp(x, {.max = 1}).value().slice(0, 0, 4).to_vector() == Values{-2, 0, 1, 1});
  CHECK(clamp(Var(Tensor::of({-5, 5}, {2}, DType::i32)), {.min = 0}).value().to_vector() == Values{0, 5});
  CHECK(thrown<ConfigError>([&] { clamp(x, {.min = 2, .max = 1}); }) ==
        "ConfigError: clamp: min is 2, max is 1\n  requires min <= max");
}

TEST_CASE("atan2: no angle and no gradient at the origin, and every quarter") {
  const Var y = numbers({0, 1, 1, -1, -1}), x = numbers({0, 1, -1, -1, 1});
  const double quarter = std::numbers::pi / 4;
  CHECK(largest_difference(atan2(y, x).value(), Tensor::of({0, quarter, 3 * quarter, -3 * quarter, -quarter},
                                                           {5}, DType::f64)) <= 1e-15);
  sum(atan2(y, x)).backward();
  CHECK(y.grad().value().to_vector() == Values{0, 0.5, -0.5, -0.5, 0.5});
  CHECK(x.grad().value().to_vector() == Values{0, -0.5, -0.5, 0.5, 0.5});
}

TEST_CASE("sqrt, rsqrt, asin, acosh: a gradient that is infinite is infinite, not NaN") {
  const Var zero = numbers({0}), one = numbers({1});
  CHECK(gradient(sqrt(zero), zero) == Values{kInfinity});
  CHECK(gradient(asin(one), one) == Values{kInfinity});
  CHECK(gradient(acosh(one), one) == Values{kInfinity});
  CHECK(gradient(acos(one), one) == Values{-kInfinity});
}

TEST_CASE("softplus, log_sigmoid, expm1 and log1p keep the digits of small values") {
  const Var x = numbers({-50, 50, 0, -800, 800});
  const Tensor soft = softplus(x).value(), log_of = log_sigmoid(x).value();
  CHECK(soft.at({0}) == Approx(std::exp(-50.0)).epsilon(1e-14));
  CHECK(log_of.at({1}) == Approx(-std::exp(-50.0)).epsilon(1e-14));
  CHECK(soft.at({2}) == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(Values{soft.at({3}), soft.at({4}), log_of.at({3}), log_of.at({4})} == Values{0, 800, -800, 0});
  CHECK(gradient(log_sigmoid(x), x)[3] == 1);
  const Var tiny = numbers({1e-20});
  CHECK(expm1(tiny).item() == 1e-20);
  CHECK(log1p(tiny).item() == 1e-20);
}

TEST_CASE("elu, celu, selu, mish, softsign: finite values and gradients for any finite number") {
  const Tensor far = Tensor::of({-1e30, -1000, -1e-30, 0, 1e-30, 1000, 1e30}, {7});
  for (const auto f :
       {+[](const Var& x) { return elu(x); }, +[](const Var& x) { return celu(x, 0.5); },
        +[](const Var& x) { return selu(x); }, +[](const Var& x) { return mish(x); },
        +[](const Var& x) { return softsign(x); }, +[](const Var& x) { return leaky_relu(x); }}) {
    const Var x = Var::parameter(far);
    const Var y = f(x);
    sum(y).backward();
    CHECK(identical(isfinite(y), Tensor::ones({7}, DType::boolean)));
    CHECK(identical(isfinite(x.grad()), Tensor::ones({7}, DType::boolean)));
  }
}

TEST_CASE("selu: standard normal numbers keep mean 0 and variance 1") {
  Rng rng(5);
  const Var y = selu(Var(Tensor::normal({200'000}, 0, 1, rng, DType::f64)));
  CHECK(std::abs(mean(y).item()) < 0.01);
  CHECK(std::abs(mean(square(y)).item() - 1) < 0.01);
}

TEST_CASE("elu, celu, prelu, glu: what cannot be is an error") {
  const Var x = Var(Tensor::zeros({2, 3}));
  CHECK(thrown<ConfigError>([&] { elu(x, 0); }) == "ConfigError: elu: alpha 0\n  requires alpha > 0");
  CHECK_THROWS_AS(celu(x, -1), ConfigError);
  CHECK(thrown<ShapeError>([&] { prelu(x, Var(Tensor::zeros({2}))); }) ==
        "ShapeError: prelu: the slope [2] does not broadcast to x, [2, 3]\n"
        "  x: a tensor    slope: a tensor");
  CHECK_THROWS_AS(prelu(Var(Tensor::zeros({3})), x), ShapeError);
  CHECK_THAT(thrown<ShapeError>([&] { glu(x); }),
             ContainsSubstring("glu: axis -1 of [2, 3] has no halves\n  requires x.shape[-1] even, got 3"));
}

TEST_CASE("comparisons of Vars are booleans that conditions take") {
  const Var a = numbers({1, 2, NAN}), b = numbers({1, 1, 1});
  CHECK(equal(a, b).to_vector() == Values{1, 0, 0});
  CHECK(not_equal(a, b).to_vector() == Values{0, 1, 1});
  CHECK(less(b, a).to_vector() == Values{0, 1, 0});
  CHECK(less_equal(a, b).to_vector() == Values{1, 0, 0});
  CHECK(greater(a, b).to_vector() == Values{0, 1, 0});
  CHECK(greater_equal(a, b).to_vector() == Values{1, 1, 0});
  CHECK(equal(a, 2).to_vector() == Values{0, 1, 0});
  CHECK(not_equal(a, 2).to_vector() == Values{1, 0, 1});
  CHECK(less(a, 2).to_vector() == Values{1, 0, 0});
  CHECK(less_equal(a, 2).to_vector() == Values{1, 1, 0});
  CHECK(greater(a, 1).to_vector() == Values{0, 1, 0});
  CHECK(greater_equal(a, 1).to_vector() == Values{1, 1, 0});
  CHECK(isnan(a).to_vector() == Values{0, 0, 1});
  CHECK(isinf(a / 0.0).to_vector() == Values{1, 1, 0});
  CHECK(where(isnan(a), 0.0, a).value().to_vector() == Values{1, 2, 0});
}

TEST_CASE("masked_fill and nan_to_num: what is replaced gets no gradient, not even NaN") {
  const Var x = numbers({1, NAN, kInfinity, -kInfinity});
  CHECK(nan_to_num(x).value().to_vector() ==
        Values{1, 0, std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()});
  CHECK(nan_to_num(x, {.nan = 7, .positive_infinity = 8, .negative_infinity = 9}).value().to_vector() ==
        Values{1, 7, 8, 9});
  CHECK(gradient(square(nan_to_num(x, {.positive_infinity = 8, .negative_infinity = 9})), x) ==
        Values{2, 0, 0, 0});
  CHECK(gradient(masked_fill(x, logical_not(isfinite(x)), -1), x) == Values{1, 0, 0, 0});
  CHECK(thrown<ShapeError>([&] {
          masked_fill(x, Tensor::zeros({2, 4}, DType::boolean), 0);
        }) ==
        "ShapeError: masked_fill: the mask [2, 4] does not broadcast to x, [4]\n"
        "  x: a tensor    mask: a tensor");
}

TEST_CASE("a mask that is changed after masked_fill has saved it is noticed") {
  const Var x = numbers({1, 2});
  Tensor mask = Tensor::zeros({2}, DType::boolean);
  const Var y = masked_fill(x, mask, 0);
  mask.fill(1);
  CHECK_THROWS_AS(sum(y).backward(), GraphError);
}

TEST_CASE("straight_through: the value of one, the gradient of the other") {
  const Var x = numbers({0.2, 1.7});
  const Var y = straight_through(round(x).value(), x);
  CHECK(y.value().to_vector() == Values{0, 2});
  CHECK(gradient(square(y), x) == Values{0, 4});
  CHECK_THAT(thrown<ShapeError>([&] { straight_through(Tensor::zeros({3}, DType::f64), x); }),
             ContainsSubstring("straight_through: the value is [3], x is [2]"));
  CHECK_THROWS_AS(straight_through(Tensor::zeros({2}), x), DTypeError);
}

}  // namespace
}  // namespace heed::tests
