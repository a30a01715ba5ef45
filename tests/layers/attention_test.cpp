#include "layers/attention.h"

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// The book's layers with their backward passes as it derives them by hand, in loops: what autograd must come
// to.
namespace by_hand {

using Values = std::vector<double>;

struct Extents {
  std::size_t batch, source, width;
};

/// c [B, H] = sum over s of a [B, S] times hs [B, S, H].
struct WeightSum {
  Extents n;
  Values hs, a;

  Values forward() const {
    Values c(n.batch * n.width);
    for (std::size_t b = 0; b < n.batch; ++b)
      for (std::size_t s = 0; s < n.source; ++s)
        for (std::size_t i = 0; i < n.width; ++i)
          c[b * n.width + i] += hs[(b * n.source + s) * n.width + i] * a[b * n.source + s];
    return c;
  }
  /// dhs = dc a, da = sum over the width of dc hs.
  void backward(const Values& dc, Values& dhs, Values& da) const {
    dhs.assign(hs.size(), 0);
    da.assign(a.size(), 0);
    for (std::size_t b = 0; b < n.batch; ++b)
      for (std::size_t s = 0; s < n.source; ++s)
        for (std::size_t i = 0; i < n.width; ++i) {
          const std::size_t at = (b * n.source + s) * n.width + i;
          dhs[at] = dc[b * n.width + i] * a[b * n.source + s];
          da[b * n.source + s] += dc[b * n.width + i] * hs[at];
        }
  }
};

/// a [B, S] = softmax over s of the inner product of hs_s and h [B, H].
struct AttentionWeight {
  Extents n;
  Values hs, h, a;

  Values forward() {
    a.assign(n.batch * n.source, 0);
    for (std::size_t b = 0; b < n.batch; ++b) {
      double total = 0;
      for (std::size_t s = 0; s < n.source; ++s) {
        double score = 0;
        for (std::size_t i = 0; i < n.width; ++i)
          score += hs[(b * n.source + s) * n.width + i] * h[b * n.width + i];
        total += a[b * n.source + s] = std::exp(score);
      }
      for (std::size_t s = 0; s < n.source; ++s) a[b * n.source + s] /= total;
    }
    return a;
  }
  /// ds = a (da - sum of a da), then dhs = ds h, dh = sum over s of ds hs.
  void backward(const Values& da, Values& dhs, Values& dh) const {
    dhs.assign(hs.size(), 0);
    dh.assign(h.size(), 0);
    for (std::size_t b = 0; b < n.batch; ++b) {
      double common = 0;
      for (std::size_t s = 0; s < n.source; ++s) common += a[b * n.source + s] * da[b * n.source + s];
      for (std::size_t s = 0; s < n.source; ++s) {
        const double ds = a[b * n.source + s] * (da[b * n.source + s] - common);
        for (std::size_t i = 0; i < n.width; ++i) {
          dhs[(b * n.source + s) * n.width + i] = ds * h[b * n.width + i];
          dh[b * n.width + i] += ds * hs[(b * n.source + s) * n.width + i];
        }
      }
    }
  }
};

struct Attention {
  AttentionWeight weight;
  WeightSum sum;

  Attention(const Extents& n, const Values& hs, const Values& h) : weight{n, hs, h, {}}, sum{n, hs, {}} {}
  Values forward() {
    sum.a = weight.forward();
    return sum.forward();
  }
  /// The encoder states are used twice, so their gradients add up.
  void backward(const Values& dc, Values& dhs, Values& dh) const {
    Values da, dhs_of_weight;
    sum.backward(dc, dhs, da);
    weight.backward(da, dhs_of_weight, dh);
    for (std::size_t i = 0; i < dhs.size(); ++i) dhs[i] += dhs_of_weight[i];
  }
};

/// Step t of [B, T, H].
Values step(const Tensor& x, std::int64_t t) { return x.select(1, t).to_vector(); }

/// An Attention at each step; what the encoder states are owed adds up over the steps.
struct TimeAttention {
  Tensor context, dhs_enc, dhs_dec;

  TimeAttention(const Tensor& hs_enc, const Tensor& hs_dec, const Tensor& dy)
      : context(Tensor::zeros(hs_dec.shape(), DType::f64)),
        dhs_enc(Tensor::zeros(hs_enc.shape(), DType::f64)),
        dhs_dec(Tensor::zeros(hs_dec.shape(), DType::f64)) {
    const Extents n{static_cast<std::size_t>(hs_enc.extent(0)), static_cast<std::size_t>(hs_enc.extent(1)),
                    static_cast<std::size_t>(hs_enc.extent(2))};
    for (std::int64_t t = 0; t < hs_dec.extent(1); ++t) {
      Attention layer(n, hs_enc.to_vector(), step(hs_dec, t));
      const auto put = [&](Tensor& whole, const Values& values) {
        Tensor part = whole.select(1, t);
        part.copy_from(Tensor::of(values, part.shape(), DType::f64));
      };
      put(context, layer.forward());
      Values dhs, dh;
      layer.backward(step(dy, t), dhs, dh);
      put(dhs_dec, dh);
      dhs_enc = dhs_enc + Tensor::of(dhs, dhs_enc.shape(), DType::f64);
    }
  }
};

}  // namespace by_hand

// Attention at each step, stacked: the definition of TimeAttention.
Attended step_by_step(const Var& hs_enc, const Var& hs_dec, const Mask& mask_of_step = {}) {
  const Attention attention;
  std::vector<Var> contexts, weights;
  for (std::int64_t t = 0; t < hs_dec.extent(1); ++t) {
    const Attended attended = attention(hs_enc, select(hs_dec, 1, t), mask_of_step);
    contexts.push_back(attended.context);
    weights.push_back(attended.weights);
  }
  return {stack(contexts, 1), stack(weights, 1)};
}

}  // namespace

TEST_CASE("attention: context, weights and gradients over all steps are PyTorch's") {
  const Fixture numbers("attention");
  const Var hs_enc = Var::parameter(numbers["hs_enc"]), hs_dec = Var::parameter(numbers["hs_dec"]);
  const Attended attended = TimeAttention()(hs_enc, hs_dec);
  CHECK(largest_difference(attended.context.value(), numbers["context"]) < kTolerance);
  CHECK(largest_difference(attended.weights.value(), numbers["weights"]) < kTolerance);
  const std::vector<Var> outputs{attended.context, attended.weights}, inputs{hs_enc, hs_dec};
  const std::vector<Var> gradients =
      grad(outputs, inputs, {.cotangents = {Var(numbers["dy.context"]), Var(numbers["dy.weights"])}});
  CHECK(largest_difference(gradients[0].value(), numbers["d.hs_enc"]) < kTolerance);
  CHECK(largest_difference(gradients[1].value(), numbers["d.hs_dec"]) < kTolerance);
}

TEST_CASE("attention: TimeAttention is Attention at each step, in values and gradients") {
  Rng rng(1);
  const Var hs_enc = normal_leaf({3, 5, 4}, rng), hs_dec = normal_leaf({3, 6, 4}, rng);
  const Tensor lengths = ids_of({5, 2, 3}, {3});
  const Mask all_steps = Mask::padding(lengths, 5),                          // [3, 1, 5]
      one_step = Mask::attend(all_steps.attends().reshape({3, 5}).clone());  // [3, 5]
  const std::vector<Var> cotangents{Var(normal({3, 6, 4}, rng)), Var(normal({3, 6, 5}, rng))};
  for (const bool masked : {false, true}) {
    const Attended at_once = TimeAttention()(hs_enc, hs_dec, masked ? all_steps : Mask());
    const Attended stepwise = step_by_step(hs_enc, hs_dec, masked ? one_step : Mask());
    CHECK(largest_difference(at_once.context.value(), stepwise.context.value()) < kTolerance);
    CHECK(largest_difference(at_once.weights.value(), stepwise.weights.value()) < kTolerance);
    const auto gradients = [&](const Attended& attended) {
      const std::vector<Var> outputs{attended.context, attended.weights}, inputs{hs_enc, hs_dec};
      return grad(outputs, inputs, {.cotangents = cotangents});
    };
    const std::vector<Var> of_at_once = gradients(at_once);
    CHECK(largest(of_at_once[0].value()) > 0.1);
    CHECK(largest_difference(of_at_once, gradients(stepwise)) < kTolerance);
  }
}

TEST_CASE("attention: autograd comes to the backward pass that the book derives by hand") {
  Rng rng(2);
  const Var hs_enc = normal_leaf({3, 5, 4}, rng), hs_dec = normal_leaf({3, 2, 4}, rng);
  const Tensor dy = normal({3, 2, 4}, rng);
  const by_hand::TimeAttention expected(hs_enc.value(), hs_dec.value(), dy);
  for (const Var& context : {TimeAttention()(hs_enc, hs_dec).context, step_by_step(hs_enc, hs_dec).context}) {
    CHECK(largest_difference(context.value(), expected.context) < kTolerance);
    const std::vector<Var> gradients = grad(context, {hs_enc, hs_dec}, {.cotangents = {Var(dy)}});
    CHECK(largest_difference(gradients[0].value(), expected.dhs_enc) < kTolerance);
    CHECK(largest_difference(gradients[1].value(), expected.dhs_dec) < kTolerance);
  }
}

TEST_CASE("attention: gradients are the finite differences, with a mask and where nothing is attended to") {
  Rng rng(3);
  const std::vector<Var> inputs{normal_leaf({2, 4, 3}, rng), normal_leaf({2, 3, 3}, rng)};
  const Mask mask = Mask::padding(ids_of({2, 0}, {2}), 4);
  const GradcheckReport report = gradcheck(
      [&](std::span<const Var> in) {
        const Attended attended = TimeAttention()(in[0], in[1], mask);
        return std::vector<Var>{attended.context, attended.weights};
      },
      inputs);
  INFO(to_string(report));
  CHECK(report);
}

TEST_CASE("attention: weights sum to 1 over real positions and are 0 on padding, whatever stands there") {
  Rng rng(4);
  const Tensor lengths = ids_of({5, 2, 1}, {3});
  const Mask mask = Mask::padding(lengths, 5);
  const Tensor hs_dec = normal({3, 6, 4}, rng);
  Tensor hs_enc = normal({3, 5, 4}, rng);
  const Attended clean = TimeAttention()(Var(hs_enc.clone()), Var(hs_dec), mask);
  for (std::int64_t b = 0; b < 3; ++b)
    for (std::int64_t t = 0; t < 6; ++t) {
      double total = 0;
      for (std::int64_t s = 0; s < 5; ++s) {
        const double weight = clean.weights.value().at({b, t, s});
        CHECK((weight > 0) == (static_cast<double>(s) < lengths.at({b})));
        CHECK(weight >= 0);
        total += weight;
      }
      CHECK(total == Approx(1).epsilon(1e-12));
    }
  hs_enc.slice(1, 1, 5).select(0, 2).fill(1e3);
  hs_enc.slice(1, 2, 5).select(0, 1).fill(-1e3);
  const Attended dirty = TimeAttention()(Var(hs_enc), Var(hs_dec), mask);
  CHECK(identical(dirty.weights.value(), clean.weights.value()));
  CHECK(identical(dirty.context.value(), clean.context.value()));
}

TEST_CASE("attention: a source with nothing to attend to gives context 0 and gradient 0") {
  Rng rng(5);
  const Var hs_enc = normal_leaf({2, 3, 4}, rng), hs_dec = normal_leaf({2, 2, 4}, rng);
  const Attended attended = TimeAttention()(hs_enc, hs_dec, Mask::padding(ids_of({3, 0}, {2}), 3));
  CHECK(largest(attended.context.value().select(0, 1)) == 0);
  CHECK(largest(attended.weights.value().select(0, 1)) == 0);
  sum(square(attended.context)).backward();
  CHECK(largest(hs_enc.grad().value().select(0, 1)) == 0);
  CHECK(largest(hs_dec.grad().value().select(0, 1)) == 0);
  CHECK(largest(hs_enc.grad().value().select(0, 0)) > 0);
}

TEST_CASE("attention: a state equal to one encoder state attends to it, the more the longer it is") {
  const Tensor hs_enc = Tensor::of({1, 0, 0, 0, 1, 0, 0, 0, 1}, {1, 3, 3}, DType::f64);
  const auto weight = [&](double length) {
    const Tensor h = hs_enc.select(1, 1) * length;
    return Attention()(Var(hs_enc), Var(h)).weights.value().at({0, 1});
  };
  const double e = std::exp(1.0);
  CHECK(weight(1) == Approx(e / (e + 2)));
  CHECK(weight(20) > 1 - 1e-8);
}

TEST_CASE("attention: states of different batch or width are an error that names both and the layer") {
  const auto message = [](const Shape& enc, const Shape& dec) {
    const Var hs_dec = Var::parameter(Tensor::zeros(dec), "hs_dec");
    return thrown<ShapeError>([&] { TimeAttention()(Var(Tensor::zeros(enc)), hs_dec); });
  };
  CHECK(message({2, 5, 4}, {2, 3, 6}) ==
        "ShapeError: attention: hs_enc is [2, 5, 4], hs_dec is [2, 3, 6]\n"
        "  requires hs_enc [B, S, H] and hs_dec [B, T, H]\n"
        "  hs_enc: a tensor    hs_dec: parameter \"hs_dec\"\n"
        "  in: TimeAttention");
  CHECK_THAT(message({2, 5, 4}, {3, 3, 4}), ContainsSubstring("in: TimeAttention"));
  CHECK_THAT(message({1, 5, 4}, {3, 3, 4}), ContainsSubstring("in: TimeAttention"));  // nothing is repeated
  CHECK_THAT(message({2, 5, 4}, {2, 4}), ContainsSubstring("in: TimeAttention"));
}

}  // namespace heed::tests
