// Rows of operations that go element by element, of softmax and its kin, and of losses.
#include <cmath>
#include <functional>

#include "autograd/ops.h"
#include "tests/autograd/op_rows.h"

namespace heed::tests {
namespace {

void add_powers(std::vector<OpRow>& rows) {
  add_binary(rows, "pow", {{}, 0.3, 2}, {{}, -2, 2}, [](const Var& x, const Var& n) { return pow(x, n); });
  add_unary(
      rows, "pow", 2, 0.4, [](const Var& x) { return pow(x, 3) + pow(x, -1) + pow(x, 2) + pow(x, 1); },
      "whole powers");
  add_unary(
      rows, "pow", 0.4, 2, [](const Var& x) { return pow(x, 0.5) + pow(x, -1.7) + pow(x, 0) * x; }, "powers");
  add_unary(
      rows, "pow", -2, 2, [](const Var& n) { return pow(2.5, n); }, "of a number");
  add_unary(
      rows, "pow", 2, 0.4,
      [](const Var& x) {
        return pow(x, Var(Tensor::of({-3, 0, 2}, {3}, x.dtype())));
      },
      "whole powers in a Var, bases of either sign");
  add_unary(rows, "reciprocal", 2, 0.5, [](const Var& x) { return reciprocal(x); });
  add_unary(rows, "rsqrt", 0.3, 3, [](const Var& x) { return rsqrt(x); });
  add_unary(rows, "exp2", -2, 2, [](const Var& x) { return exp2(x); });
  add_unary(rows, "expm1", -2, 2, [](const Var& x) { return expm1(x); });
  add_unary(rows, "log1p", -0.6, 2, [](const Var& x) { return log1p(x); });
  add_unary(rows, "log2", 0.3, 3, [](const Var& x) { return log2(x); });
  add_unary(rows, "log10", 0.3, 3, [](const Var& x) { return log10(x); });
  add_unary(rows, "erfc", -2, 2, [](const Var& x) { return erfc(x); });
}

// Times x, so that there is a second derivative to compare.
void add_rounding(std::vector<OpRow>& rows) {
  add_unary(rows, "abs", 2, 0.1, [](const Var& x) { return abs(x); });
  add_unary(rows, "sign", 2, 0.1, [](const Var& x) { return sign(x) * x; });
  add_unary(rows, "floor", -1.9, -1.1, [](const Var& x) { return floor(x) * x; });
  add_unary(rows, "ceil", 1.1, 1.9, [](const Var& x) { return ceil(x) * x; });
  add_unary(rows, "round", 1.6, 2.4, [](const Var& x) { return round(x) * x; });
  add_unary(rows, "trunc", -2.9, -2.1, [](const Var& x) { return trunc(x) * x; });
  add_binary(rows, "fmod", {{}, -2.8, -2.2}, {{}, 0.95, 1.05},
             [](const Var& a, const Var& b) { return fmod(a, b); });
  add_binary(rows, "remainder", {{}, -2.8, -2.2}, {{}, 0.95, 1.05},
             [](const Var& a, const Var& b) { return remainder(a, b); });
  add_unary(rows, "straight_through", -2, 2,
            [](const Var& x) { return straight_through(x.value().clone(), x) * x; });
}

void add_trigonometry(std::vector<OpRow>& rows) {
  add_unary(rows, "sin", -4, 4, [](const Var& x) { return sin(x); });
  add_unary(rows, "cos", -4, 4, [](const Var& x) { return cos(x); });
  add_unary(rows, "tan", -1, 1, [](const Var& x) { return tan(x); });
  add_unary(rows, "asin", -0.8, 0.8, [](const Var& x) { return asin(x); });
  add_unary(rows, "acos", -0.8, 0.8, [](const Var& x) { return acos(x); });
  add_unary(rows, "atan", -3, 3, [](const Var& x) { return atan(x); });
  add_binary(rows, "atan2", {{}, 2, 0.4}, {{}, 2, 0.4}, [](const Var& y, const Var& x) { return atan2(y, x); });
  add_unary(rows, "sinh", -2, 2, [](const Var& x) { return sinh(x); });
  add_unary(rows, "cosh", -2, 2, [](const Var& x) { return cosh(x); });
  add_unary(rows, "asinh", -2, 2, [](const Var& x) { return asinh(x); });
  add_unary(rows, "acosh", 1.3, 3, [](const Var& x) { return acosh(x); });
  add_unary(rows, "atanh", -0.8, 0.8, [](const Var& x) { return atanh(x); });
}

void add_comparison(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add_binary(rows, "maximum", {{}}, {{}}, [](const Var& a, const Var& b) { return maximum(a, b) * a; });
  add_binary(rows, "minimum", {{}}, {{}}, [](const Var& a, const Var& b) { return minimum(a, b) * b; });
  add_unary(
      rows, "maximum", -1, 1, [](const Var& x) { return maximum(x, 0.3) + maximum(-0.2, square(x)); },
      "with a number");
  add_unary(
      rows, "minimum", -1, 1, [](const Var& x) { return minimum(x, 0.3) + minimum(0.4, square(x)); },
      "with a number");
  add_unary(rows, "clamp", -2, 2, [](const Var& x) {
    return clamp(x, {.min = -1, .max = 0.5}) * x + clamp(x, {.min = 0.1}) + clamp(x, {.max = 0.2});
  });
  add("masked_fill", "the mask broadcasts", {{{2, 3}}}, [](In in) {
    return Outputs{square(masked_fill(in[0], mask_of({1, 0}, {2, 1}), 5)) * in[0]};
  });
  add("masked_fill", "no elements, one", {{{0, 3}}, {{1}}}, [](In in) {
    return Outputs{masked_fill(in[0], mask_of({1, 0, 0}, {3}), 5), masked_fill(in[1], mask_of({0}, {1}), 5)};
  });
  add_unary(rows, "nan_to_num", 2, 0.5,
            [](const Var& x) { return nan_to_num(where(greater(x, 0.0), x, NAN)) * x; });
  add("where", "a number on either side", {{{2, 3}}, {{3}}}, [](In in) {
    const Tensor condition = mask_of({1, 0}, {2, 1});
    return Outputs{where(condition, square(in[0]), 2.0), where(condition, 3.0, square(in[1]))};
  });
}

void add_activations(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add_unary(rows, "mish", -3, 3, [](const Var& x) { return mish(x); });
  add_unary(rows, "leaky_relu", 2, 0.1, [](const Var& x) { return leaky_relu(x, 0.2) * x; });
  add_unary(rows, "elu", 2, 0.1, [](const Var& x) { return elu(x) + elu(x, 0.4); });
  add_unary(rows, "celu", 2, 0.1, [](const Var& x) { return celu(x) + celu(x, 0.4); });
  add_unary(rows, "selu", 2, 0.1, [](const Var& x) { return selu(x); });
  add_unary(rows, "softsign", 2, 0.1, [](const Var& x) { return softsign(x); });
  add_unary(rows, "hard_sigmoid", -2.9, 2.9, [](const Var& x) { return hard_sigmoid(x) * x; });
  add_unary(
      rows, "hard_sigmoid", 5, 3.1, [](const Var& x) { return hard_sigmoid(x) * x; }, "where it is flat");
  add_unary(rows, "hard_tanh", 2, 0.1, [](const Var& x) { return hard_tanh(x) * x; });
  add_unary(rows, "log_sigmoid", -4, 4, [](const Var& x) { return log_sigmoid(x); });
  add("prelu", "a slope for each position", {apart_from_zero({2, 3}, 0.1, 2), {{3}}},
      [](In in) { return Outputs{prelu(in[0], in[1])}; });
  add("prelu", "one slope; no elements", {apart_from_zero({1}, 0.1, 2), {{0, 3}}, {{}}}, [](In in) {
    return Outputs{prelu(in[0], in[2]), prelu(in[1], in[2])};
  });
  add("glu", "the last axis and another; no rows, an empty axis", {{{2, 4}}, {{0, 2}}, {{2, 0}}}, [](In in) {
    return Outputs{glu(in[0]), glu(in[0], 0), glu(in[1]), glu(in[2])};
  });
}

void add_softmax_kin(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add("softmax", "along the first axis", {{{3, 2}, -2, 2}}, [](In in) { return Outputs{softmax(in[0], 0)}; });
  add("softmax_along", "a middle axis", {{{2, 3, 2}, -2, 2}},
      [](In in) { return Outputs{softmax_along(in[0], -2, {})}; });
  add("log_softmax", "along the first axis", {{{3, 2}, -2, 2}},
      [](In in) { return Outputs{log_softmax(in[0], 0)}; });
  add("softmin", "either axis", {{{3, 2}, -2, 2}}, [](In in) {
    return Outputs{softmin(in[0]), softmin(in[0], 0)};
  });
  add("logsumexp", "all elements; an axis, which stays or goes", {{{2, 3, 2}, -2, 2}}, [](In in) {
    return Outputs{logsumexp(in[0]), logsumexp(in[0], 1), logsumexp(in[0], -1, true)};
  });
  add("logsumexp", "one element, no rows", {{{1}}, {{0, 2}}}, [](In in) {
    return Outputs{logsumexp(in[0]) * logsumexp(in[0], 0), logsumexp(in[1], -1)};
  });
  add("sparsemax", "a batch", {{{2, 3, 5}, -1, 1}}, [](In in) { return Outputs{sparsemax(in[0]) * in[0]}; });
  add("sparsemax", "masked, one row with nothing to attend to", {{{3, 4}}}, [](In in) {
    const Mask mask = Mask::attend(mask_of({1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0}, {3, 4}));
    return Outputs{sparsemax(in[0], mask) * in[0]};
  });
  add("sparsemax", "one position, no rows", {{{1}}, {{0, 3}}}, [](In in) {
    return Outputs{sparsemax(in[0]) * in[0], sparsemax(in[1])};
  });
  add("gumbel_softmax", "the same noise each time", {{{2, 3}}}, [](In in) {
    Rng rng(7);
    return Outputs{gumbel_softmax(in[0], {.temperature = 0.7}, rng),
                   gumbel_softmax(in[0], {.temperature = 2, .axis = 0}, rng)};
  });
}

void add_class_losses(std::vector<OpRow>& rows) {
  const Rows add{rows};
  const Tensor targets = positions({1, -1, 0, 3, 3, -1}, {2, 3});
  const auto weights = [](In in) { return Tensor::of({0.5, 2, 1, 0.7}, {4}, in[0].dtype()); };
  add("cross_entropy", "smoothed; smoothed and weighted", {{{2, 3, 4}, -2, 2}}, [=](In in) {
    return Outputs{cross_entropy(in[0], targets, {.label_smoothing = 0.1}),
                   cross_entropy(in[0], targets, {.label_smoothing = 0.3, .class_weights = weights(in)})};
  });
  add("cross_entropy", "weighted, each reduction", {{{2, 3, 4}, -2, 2}}, [=](In in) {
    Outputs losses;
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
      losses.push_back(cross_entropy(in[0], targets, {.reduction = reduction, .class_weights = weights(in)}));
    return losses;
  });
  add("nll", "weighted and smoothed; no positions", {{{2, 3, 4}, -2, 2}, {{0, 4}}}, [=](In in) {
    return Outputs{nll(square(in[0]), targets, {.label_smoothing = 0.1, .class_weights = weights(in)}),
                   nll(square(in[0]), targets, {.reduction = Reduction::none}), nll(in[1], positions({}, {0}))};
  });
  add("binary_cross_entropy", "weighted, each reduction", {{{2, 3}, -4, 4}}, [](In in) {
    const Tensor labels = Tensor::of({0, 1, 0.3, 1, 0, 0.8}, {2, 3}, in[0].dtype());
    Outputs losses;
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
      losses.push_back(binary_cross_entropy(
          in[0], labels,
          {.positive_weight = Tensor::of({2, 0.5, 1}, {3}, in[0].dtype()), .reduction = reduction}));
    return losses;
  });
  add("kl_divergence", "of two Vars", {{{2, 3}}, {{2, 3}, 0.1, 0.9}},
      [](In in) { return Outputs{kl_divergence(in[0], in[1])}; });
  add("kl_divergence", "of a Tensor with a 0; no rows", {{{2, 3}}, {{0, 3}}}, [](In in) {
    return Outputs{kl_divergence(square(in[0]), Tensor::of({0, 0.4, 0.6, 1, 0, 0}, {2, 3}, in[0].dtype())),
                   kl_divergence(in[1], in[1], Reduction::none)};
  });
  add("multi_class_margin", "its square, some ignored", {{{2, 3, 4}, -2, 2}}, [=](In in) {
    return Outputs{multi_class_margin(in[0], targets) * sum(in[0]),
                   multi_class_margin(in[0], targets, {.squared = true, .reduction = Reduction::none})};
  });
}

void add_number_losses(std::vector<OpRow>& rows) {
  const Rows add{rows};
  const auto regression = [&](const char* name,
                              const std::function<Var(const Var&, const Target&, Reduction)>& f) {
    add(name, "each reduction; no elements, one", {{{2, 3}, -2, 2}, {{2, 3}, -2, 2}, {{0, 3}}, {{1}}},
        [=](In in) {
          const Tensor zero = Tensor::full({1}, 5, in[0].dtype());
          return Outputs{f(in[0], in[1], Reduction::mean) * sum(in[0]),
                         f(in[0], in[1], Reduction::sum) * sum(in[1]), f(in[0], in[1], Reduction::none),
                         f(in[2], in[2], Reduction::mean), f(in[3], zero, Reduction::mean) * in[3]};
        });
  };
  regression("mse", [](const Var& y, const Target& t, Reduction r) { return mse(y, t, r); });
  regression("l1", [](const Var& y, const Target& t, Reduction r) { return l1(y, t, r); });
  regression("huber", [](const Var& y, const Target& t, Reduction r) {
    return huber(y, t, {.delta = 0.7, .reduction = r});
  });
  regression("smooth_l1", [](const Var& y, const Target& t, Reduction r) {
    return smooth_l1(y, t, {.delta = 0.7, .reduction = r});
  });
  const auto labels = [](In in) { return Tensor::of({1, -1, -1, 1}, {4}, in[0].dtype()); };
  add("hinge", "labels of either sign", {{{4}, -2, 2}},
      [=](In in) { return Outputs{hinge(in[0], labels(in)) * sum(in[0])}; });
  add("margin_ranking", "labels of either sign", {{{4}}, {{4}}},
      [=](In in) { return Outputs{margin_ranking(in[0], in[1], labels(in), {.margin = 0.3}) * sum(in[0])}; });
  add("paired_cosine", "rows, no rows", {{{2, 3}}, {{2, 3}}, {{0, 3}}}, [](In in) {
    return Outputs{paired_cosine(in[0], in[1]), paired_cosine(in[2], in[2], 0.1)};
  });
  add("cosine_embedding", "labels of either sign", {{{4, 3}}, {{4, 3}}},
      [=](In in) { return Outputs{cosine_embedding(in[0], in[1], labels(in), {.margin = 0.1})}; });
  add("triplet", "rows", {{{4, 3}}, {{4, 3}}, {{4, 3}}},
      [](In in) { return Outputs{triplet(in[0], in[1], in[2], {.reduction = Reduction::none})}; });
}

}  // namespace

void add_elementwise(std::vector<OpRow>& rows) {
  add_powers(rows);
  add_rounding(rows);
  add_trigonometry(rows);
  add_comparison(rows);
  add_activations(rows);
  add_softmax_kin(rows);
  add_class_losses(rows);
  add_number_losses(rows);
}

}  // namespace heed::tests
