#include "layers/positions.h"

#include <cmath>

#include "autograd/ops.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

constexpr RotaryLayout kLayouts[] = {RotaryLayout::interleaved, RotaryLayout::halves};

}  // namespace

TEST_CASE("positions: sines and cosines of geometrically growing length, odd widths too") {
  for (const std::int64_t width : {6, 5, 1}) {
    const Tensor table = sinusoidal_positions(40, width);
    REQUIRE(table.shape() == Shape{40, width});
    for (std::int64_t p = 0; p < 40; ++p)
      for (std::int64_t i = 0; i < width; ++i) {
        const double exponent = static_cast<double>(i - i % 2) / static_cast<double>(width);
        const double angle = static_cast<double>(p) / std::pow(10000.0, exponent);
        CHECK(std::abs(table.at({p, i}) - (i % 2 == 0 ? std::sin(angle) : std::cos(angle))) < 1e-12);
      }
  }
  CHECK(sinusoidal_positions(0, 4).shape() == Shape{0, 4});
}

TEST_CASE("positions: sines and cosines that start later are the later rows") {
  for (const std::int64_t width : {6, 5})
    CHECK(largest_difference(sinusoidal_positions(7, width, 33),
                             sinusoidal_positions(40, width).slice(0, 33, 40)) < 1e-15);
}

TEST_CASE("positions: learnt vectors are rows of the parameter, and only they get a gradient") {
  Rng rng(1);
  LearnedPositions positions(6, 3, rng);
  take_random_parameters(positions, rng);
  const Var weight = positions.parameters().front();
  CHECK(identical(positions(6).value(), weight.value()));
  CHECK(identical(positions(2, 3).value().clone(), weight.value().slice(0, 3, 5).clone()));
  sum(positions(2, 3)).backward();
  CHECK(largest_difference(weight.grad().value().slice(0, 3, 5), Tensor::ones({2, 3}, DType::f64)) == 0);
  CHECK(sum(weight.grad().value()).item() == 6);
}

TEST_CASE("positions: a learnt position beyond the maximum is an error that names it") {
  Rng rng(1);
  const LearnedPositions positions(6, 3, rng);
  CHECK(thrown<IndexError>([&] { positions(4, 3); }) ==
        "IndexError: learned positions: 4 from 3 on, but there are 6\n"
        "  requires positions in [0, 6)\n"
        "  positions: parameter \"weight\"\n"
        "  in: LearnedPositions 6 x 3");
  CHECK_THROWS_AS(positions(7), IndexError);
  CHECK_THROWS_AS(positions(1, -1), IndexError);
  CHECK_THROWS_AS(LearnedPositions(0, 3, rng), ConfigError);
}

TEST_CASE("rotary positions: values and gradients are those of PyTorch's complex products and of rotate_half") {
  const Fixture numbers("positions");
  const Var x = leaf(numbers, "x");
  const Var interleaved = rotate(x, {}, 7), halves = rotate(x, {RotaryLayout::halves, 500}, 7);
  CHECK(largest_difference(interleaved.value(), numbers["interleaved"]) < kTolerance);
  CHECK(largest_difference(halves.value(), numbers["halves"]) < kTolerance);
  const std::vector<Var> outputs{interleaved, halves};
  const std::vector<Var> gradients = grad(
      outputs, std::span(&x, 1), {.cotangents = {Var(numbers["dy.interleaved"]), Var(numbers["dy.halves"])}});
  CHECK(largest_difference(gradients[0].value(), numbers["d.x"]) < kTolerance);
}

TEST_CASE("rotary positions: norms stay, position 0 changes nothing, products depend on the distance only") {
  Rng rng(2);
  const Var q(normal({2, 5, 6}, rng)), k(normal({2, 7, 6}, rng));
  for (const RotaryLayout layout : kLayouts) {
    const Rotary rotary{.layout = layout, .base = 100};
    const auto norms = [](const Var& x) { return sum(square(x), -1).value(); };
    CHECK(largest_difference(norms(rotate(q, rotary, 3)), norms(q)) < 1e-12);
    CHECK(largest_difference(rotate(q, rotary).value().slice(1, 0, 1), q.value().slice(1, 0, 1)) == 0);
    const auto products = [&](std::int64_t of_q, std::int64_t of_k) {
      return matmul(rotate(q, rotary, of_q), transpose(rotate(k, rotary, of_k))).value();
    };
    CHECK(largest_difference(products(2, 0), products(1002, 1000)) < 1e-11);
    CHECK(largest_difference(products(2, 0), products(3, 0)) > 0.1);
    CHECK(largest_difference(rotate(k, rotary).value().slice(1, 4, 7),
                             rotate(Var(k.value().slice(1, 4, 7)), rotary, 4).value()) < 1e-15);
  }
}

TEST_CASE("rotary positions: a map converted to the other layout gives the same products") {
  Rng rng(3);
  const std::int64_t heads = 3, d = 4;
  const Var x(normal({2, 5, 6}, rng));
  const Tensor query = normal({6, heads * d}, rng), key = normal({6, heads * d}, rng),
               bias = normal({heads * d}, rng);
  const auto scores = [&](const Tensor& q, const Tensor& k, const Tensor& b, RotaryLayout layout) {
    const auto heads_of = [&](const Tensor& weight) {
      const Var y = linear(x, Var(weight), Var(b));
      return rotate(transpose(reshape(y, {2, 5, heads, d}), 1, 2), {.layout = layout}, 9);
    };
    return matmul(heads_of(q), transpose(heads_of(k))).value();
  };
  const Tensor as_given = scores(query, key, bias, RotaryLayout::interleaved);
  const auto halves = [&](const Tensor& map) { return with_rotary_layout(map, heads, RotaryLayout::halves); };
  CHECK(largest_difference(scores(halves(query), halves(key), halves(bias), RotaryLayout::halves), as_given) <
        1e-12);
  CHECK(largest_difference(scores(query, key, bias, RotaryLayout::halves), as_given) > 0.1);
  CHECK(identical(with_rotary_layout(halves(query), heads, RotaryLayout::interleaved), query));
}

TEST_CASE("rotary positions: an odd width is an error") {
  CHECK(thrown<ShapeError>([] {
          rotate(Var(Tensor::zeros({2, 5})), {});
        }) == "ShapeError: rotate: x is [2, 5]\n  requires x [..., T, d] with an even d\n  x: a tensor");
  CHECK_THROWS_AS(rotate(Var(Tensor::zeros({4})), {}), ShapeError);
  CHECK_THAT(thrown<ShapeError>([] {
               with_rotary_layout(Tensor::zeros({2, 6}), 2, RotaryLayout::halves);
             }),
             ContainsSubstring("heads times an even width"));
}

TEST_CASE("ALiBi: slopes are those of the paper's code, for any number of heads") {
  const Fixture numbers("positions");
  for (const std::int64_t heads : {1, 2, 3, 5, 6, 8, 12, 16, 20}) {
    INFO(heads << " heads");
    CHECK(largest_difference(alibi_slopes(heads), numbers[text("slopes_", heads)]) < 1e-15);
  }
  CHECK(alibi_slopes(8).at({0}) == 0.5);
  CHECK_THROWS_AS(alibi_slopes(0), ConfigError);
}

TEST_CASE("relative positions: buckets are those of T5's formula, either way and causal") {
  const Fixture numbers("positions");
  for (const BucketBias& how : {BucketBias{}, BucketBias{.bidirectional = false}, BucketBias{8, 20, true},
                                BucketBias{10, 100, false}}) {
    const std::string name =
        text("buckets_", how.buckets, "_", how.max_distance, "_", how.bidirectional ? 1 : 0);
    INFO(name);
    const Tensor expected = numbers.ids(name);  // of distances -300 … 300
    const Tensor from_middle = relative_buckets(1, 601, how, 300);
    CHECK(identical(from_middle.reshape({601}), expected));
    CHECK(max(from_middle.to(DType::f64).reshape({-1}), 0).item() < static_cast<double>(how.buckets));
  }
}

TEST_CASE("relative positions: shifting targets and sources together changes no bucket and no distance") {
  const auto shifts = [](auto of) {
    const Tensor here = of(4, 9, 2), later = of(4, 12, 5);
    CHECK(identical(later.slice(1, 3, 12).clone(), here));
    CHECK(identical(of(6, 9, 0).slice(0, 2, 6).clone(), here));
  };
  shifts([](auto t, auto s, auto first) {
    return relative_buckets(t, s, {.buckets = 8, .max_distance = 6}, first);
  });
  shifts([](auto t, auto s, auto first) { return clipped_distances(t, s, 3, first); });
  CHECK(clipped_distances(2, 5, 2, 1).to_vector() == std::vector<double>{1, 2, 3, 4, 4, 0, 1, 2, 3, 4});
}

TEST_CASE("relative positions: buckets and distances that make no sense are errors") {
  CHECK(thrown<ConfigError>([] { relative_buckets(1, 1, {.buckets = 3}); }) ==
        "ConfigError: relative_buckets: buckets 3, max_distance 128, bidirectional\n"
        "  requires two buckets a direction and max_distance above half of these");
  CHECK_THROWS_AS(relative_buckets(1, 1, {.buckets = 32, .max_distance = 8}), ConfigError);
  CHECK_THROWS_AS(relative_buckets(1, 1, {.buckets = 1, .bidirectional = false}), ConfigError);
  CHECK_THROWS_AS(clipped_distances(1, 1, -1), ConfigError);
}

}  // namespace heed::tests
