#include "layers/inspect/attention_statistics.h"

#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/softmax.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

Tensor random_weights(const Shape& shape, Rng& rng, double spread = 1) {
  return softmax(Var(normal(shape, rng)) * spread).value();
}

// [H, T, T]: every head looks at its own place.
Tensor looking_at_itself(std::int64_t heads, std::int64_t steps) {
  Tensor weights = Tensor::zeros({heads, steps, steps}, DType::f64);
  for (std::int64_t h = 0; h < heads; ++h)
    for (std::int64_t t = 0; t < steps; ++t) weights.set({h, t, t}, 1);
  return weights;
}

double off_one(const Tensor& rows) {
  return largest_difference(sum(rows, -1), Tensor::ones({rows.extent(0)}, DType::f64));
}

}  // namespace

TEST_CASE("attention entropy: values by hand, in nats and bits") {
  const Tensor weights = Tensor::matrix(
      {{1, 0, 0, 0}, {0.5, 0.5, 0, 0}, {0.25, 0.25, 0.25, 0.25}, {0.5, 0.25, 0.125, 0.125}}, DType::f64);
  CHECK(largest_difference(attention_entropy(weights, EntropyUnit::bits),
                           Tensor::of({0, 1, 2, 1.75}, {4}, DType::f64)) < 1e-15);
  CHECK(largest_difference(attention_entropy(weights),
                           Tensor::of({0, 1, 2, 1.75}, {4}, DType::f64) * std::log(2.0)) < 1e-15);
  CHECK(largest_difference(effective_places(weights), Tensor::of({1, 2, 4, std::exp2(1.75)}, {4}, DType::f64)) <
        1e-14);
}

TEST_CASE("attention entropy: lies between 0 and log S, whatever the weights") {
  Rng rng(1);
  for (const double spread : {0.0, 0.1, 1.0, 10.0, 1000.0}) {
    const Tensor weights = random_weights({3, 2, 5, 7}, rng, spread);
    const Tensor entropy = attention_entropy(weights);
    REQUIRE(entropy.shape() == Shape{3, 2, 5});
    for (const double value : entropy.to_vector()) {
      CHECK(value >= 0);
      CHECK(value <= std::log(7.0) + 1e-12);
    }
  }
  CHECK(attention_entropy(Tensor::full({1, 9}, 1.0 / 9, DType::f64)).item() == Approx(std::log(9.0)));
}

TEST_CASE("attention entropy: a row that looks nowhere has none; a row with a sum below 1 counts as whole") {
  const Tensor entropy =
      attention_entropy(Tensor::matrix({{0, 0, 0}, {0.2, 0.2, 0}, {0, 0.3, 0}}), EntropyUnit::bits);
  CHECK(std::isnan(entropy.at({0})));
  CHECK(entropy.at({1}) == Approx(1));
  CHECK(entropy.at({2}) == 0);
  CHECK(std::isnan(effective_places(Tensor::zeros({1, 3})).item()));
}

TEST_CASE("attention entropy: errors say what is expected") {
  CHECK(thrown<ShapeError>([] { attention_entropy(Tensor::scalar(1)); }) ==
        "ShapeError: attention_entropy: the weights are a scalar\n  requires weights [..., S]");
  CHECK_THAT(thrown<DTypeError>([] { attention_entropy(Tensor::arange(3, DType::i32)); }),
             ContainsSubstring("attention_entropy"));
  CHECK(thrown<ShapeError>([] {
          head_statistics(Tensor::zeros({3, 3}));
        }) == "ShapeError: head_statistics: weights are [3, 3]\n  requires weights [H, T, S]");
}

TEST_CASE("head statistics: shares, distances and alignment of looks that are known") {
  Tensor weights = Tensor::zeros({5, 4, 4}, DType::f64);
  for (std::int64_t t = 0; t < 4; ++t) {
    weights.set({0, t, t}, 1);
    weights.set({1, t, std::max<std::int64_t>(0, t - 1)}, 1);
    weights.set({2, t, 3 - t}, 1);
    for (std::int64_t s = 0; s < 4; ++s) weights.set({3, t, s}, 0.25);
  }
  const std::vector<HeadStatistics> heads = head_statistics(weights);
  REQUIRE(heads.size() == 5);
  CHECK(heads[0].same == 1);
  CHECK(heads[0].distance == 0);
  CHECK(heads[0].alignment == Approx(1));
  CHECK(heads[0].entropy == 0);
  CHECK(heads[1].previous == 0.75);
  CHECK(heads[1].first == 0.5);
  CHECK(heads[1].distance == 0.75);
  CHECK(heads[2].alignment == Approx(-1));
  CHECK(heads[2].last == 0.25);
  CHECK(heads[2].distance == 2);
  CHECK(heads[3].places == Approx(4));
  CHECK(heads[3].evenness == Approx(1));
  CHECK(heads[0].evenness == 0);
  CHECK(heads[3].largest == 0.25);
  CHECK(heads[3].next == 0.1875);
  CHECK(heads[3].alignment == 0);
  CHECK(heads[4].rows == 0);
  CHECK(heads[4].entropy == 0);
  std::vector<std::string> words;
  for (const HeadStatistics& head : heads) words.push_back(where_it_looks(head));
  CHECK(words == std::vector<std::string>{"the same place", "the place before", "backward, step by step",
                                          "evenly", "nowhere"});
}

TEST_CASE("head statistics: rows that look nowhere change no mean") {
  Rng rng(2);
  const Tensor weights = random_weights({2, 3, 5}, rng);
  Tensor longer = Tensor::zeros({2, 4, 5}, DType::f64);
  longer.slice(1, 0, 3).copy_from(weights);
  const HeadStatistics a = head_statistics(weights)[1], b = head_statistics(longer)[1];
  CHECK(a.rows == b.rows);
  CHECK(a.entropy == b.entropy);
  CHECK(a.distance == b.distance);
  CHECK(a.alignment == b.alignment);
}

TEST_CASE("head agreement: 1 with itself, 0 without a common place, symmetric, by hand in between") {
  Tensor weights = Tensor::zeros({4, 2, 2}, DType::f64);
  for (std::int64_t t = 0; t < 2; ++t) {
    weights.set({0, t, 0}, 1);
    weights.set({1, t, 1}, 1);
    weights.set({2, t, 0}, 0.5);
    weights.set({2, t, 1}, 0.5);
  }
  const Tensor agreement = head_agreement(weights);
  for (std::int64_t h = 0; h < 3; ++h) CHECK(agreement.at({h, h}) == 1);
  CHECK(agreement.at({0, 1}) == 0);
  // Of (1, 0) and (1/2, 1/2), whose middle is (3/4, 1/4).
  const double divergence = (std::log2(4.0 / 3) + 0.5 * std::log2(2.0 / 3) + 0.5 * std::log2(2.0)) / 2;
  CHECK(agreement.at({0, 2}) == Approx(1 - divergence));
  CHECK(agreement.at({2, 0}) == agreement.at({0, 2}));
  CHECK(std::isnan(agreement.at({3, 0})));
}

TEST_CASE("rollout: attention to oneself passes everything straight on") {
  const std::vector<Tensor> layers(3, looking_at_itself(2, 4));
  for (const Tensor& reached : attention_rollout(layers))
    CHECK(largest_difference(reached, looking_at_itself(1, 4).select(0, 0)) < 1e-15);
  // Looking nowhere, too: a position keeps what it has.
  const std::vector<Tensor> nowhere(2, Tensor::zeros({2, 4, 4}));
  CHECK(largest_difference(attention_rollout(nowhere).back(), looking_at_itself(1, 4).select(0, 0)) == 0);
}

TEST_CASE("rollout: two layers by hand") {
  const Tensor first = Tensor::of({1, 0, 1, 0}, {1, 2, 2}, DType::f64),
               second = Tensor::of({0, 1, 0, 1}, {1, 2, 2}, DType::f64);
  const std::vector<Tensor> reached = attention_rollout({first, second});
  CHECK(largest_difference(reached[0], Tensor::matrix({{1, 0}, {0.5, 0.5}}, DType::f64)) == 0);
  CHECK(largest_difference(reached[1], Tensor::matrix({{0.75, 0.25}, {0.5, 0.5}}, DType::f64)) == 0);
  const std::vector<Tensor> without = attention_rollout({first, second}, {.residual = 0});
  CHECK(largest_difference(without[1], Tensor::matrix({{1, 0}, {1, 0}}, DType::f64)) == 0);
}

TEST_CASE("rollout: rows sum to 1 after every layer, and what was masked stays unseen") {
  Rng rng(3);
  std::vector<Tensor> layers, cross;
  for (int i = 0; i < 4; ++i) {
    layers.push_back(softmax(Var(normal({3, 5, 5}, rng)), Mask::causal(5, 5)).value());
    cross.push_back(random_weights({2, 5, 6}, rng) * 0.5);  // as with a window, rows need not sum to 1
  }
  for (const Tensor& reached : attention_rollout(layers)) {
    CHECK(off_one(reached) < 1e-14);
    for (std::int64_t t = 0; t < 5; ++t)
      for (std::int64_t later = t + 1; later < 5; ++later) CHECK(reached.at({t, later}) == 0);
  }
  const DecoderRollout decoder = decoder_rollout(layers, cross);
  REQUIRE(decoder.source.size() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(largest_difference(sum(decoder.target[i], -1) + sum(decoder.source[i], -1),
                             Tensor::ones({5}, DType::f64)) < 1e-14);
}

TEST_CASE("rollout of a decoder: a quarter of each layer's content is its own and the encoder's is handed on") {
  const Tensor self = looking_at_itself(1, 2), cross = Tensor::of({1, 0, 0, 0, 1, 0}, {1, 2, 3}, DType::f64);
  const Tensor encoder = Tensor::matrix({{0.5, 0.5, 0}, {0, 0.5, 0.5}, {0, 0, 1}}, DType::f64);
  const DecoderRollout rollout = decoder_rollout({self, self}, {cross, cross}, encoder);
  CHECK(largest_difference(rollout.target.back(), looking_at_itself(1, 2).select(0, 0) * 0.25) == 0);
  CHECK(largest_difference(rollout.source.back(),
                           Tensor::matrix({{0.375, 0.375, 0}, {0, 0.375, 0.375}}, DType::f64)) == 0);
}

TEST_CASE("rollout: what does not fit is an error") {
  CHECK(thrown<ShapeError>([] {
          attention_rollout({Tensor::zeros({2, 3, 3}), Tensor::zeros({2, 4, 4})});
        }) ==
        "ShapeError: rollout: the weights of a layer are [2, 4, 4]\n  requires [H, 3, 3] as of the layers "
        "before");
  CHECK(thrown<ConfigError>([] { attention_rollout({}, {.residual = 1}); }) ==
        "ConfigError: rollout: residual is 1\n  requires 0 <= residual < 1");
  CHECK_THAT(thrown<ShapeError>([] {
               decoder_rollout({Tensor::zeros({1, 2, 2})}, {});
             }),
             ContainsSubstring("decoder_rollout: 1 self-attentions, 0 to the source"));
  CHECK_THAT(thrown<ShapeError>([] {
               decoder_rollout({Tensor::zeros({1, 2, 2})}, {Tensor::zeros({1, 2, 3})}, Tensor::zeros({2, 2}));
             }),
             ContainsSubstring("encoder is [2, 2]"));
}

}  // namespace heed::tests
