#include "autograd/profile/flops.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace heed {
namespace {

using Count = std::int64_t;

// The shapes of an operation.
class Shapes {
 public:
  explicit Shapes(const Observer::Recorded& operation) : operation_(operation) {}
  const Shape& of(std::size_t operand) const { return operation_.operands[operand]->node()->value.shape(); }
  Count width(std::size_t operand) const { return of(operand)[-1]; }
  Count rows(std::size_t operand) const { return of(operand).without(-1).count(); }
  const Shape& result() const { return operation_.output.node()->value.shape(); }
  bool has(std::size_t operand) const {
    return operand < operation_.operands.size() && operation_.operands[operand]->defined();
  }

 private:
  const Observer::Recorded& operation_;
};

// ---- so much for each element of the result and of one operand

struct Rate {
  Count result = 0, operand = 0;
  std::size_t which = 0;
};

constexpr std::string_view kMoves =
    "checkpoint concat diag_embed diagonal embedding expand flip gather identity masked_fill masked_select "
    "masked_unselect nan_to_num pad part permute reshape reverse_sequences roll scale_gradient scatter slice "
    "straight_through "
    "transpose tril triu undiagonal unpart unslice where";
constexpr std::string_view kElementwise =
    "abs absolute_power acos acosh add asin asinh atan atan2 atanh binary_cross_entropy ceil celu clamp cos "
    "cosh cumulative_product cumulative_sum divide elu erf erfc exp exp2 expm1 floor fmod gelu gelu_tanh "
    "hard_sigmoid hard_tanh huber leaky_relu log log10 log1p log2 log_sigmoid maximum minimum mish multiply "
    "negate pow prelu reciprocal relu relu_gradient remainder round rsqrt selu sigmoid sigmoid_gradient sign "
    "signed_power silu sin sinh smooth_l1 softplus softsign sqrt square subtract tan tanh tanh_gradient trunc";

using Rates = std::unordered_map<std::string_view, Rate>;

const Rates& rates() {
  static const Rates table = [] {
    Rates all;
    const auto add = [&](std::string_view operations, const Rate& rate) {
      while (!operations.empty()) {
        const std::size_t end = std::min(operations.find(' '), operations.size());
        all.emplace(operations.substr(0, end), rate);
        operations.remove_prefix(std::min(end + 1, operations.size()));
      }
    };
    add(kMoves, {});
    add(kElementwise, {.result = 1});
    add("linear_recurrence", {.result = 2});
    add("max min product scatter_rows sum sum_to ungather", {.operand = 1});
    add("scatter_add", {.operand = 1, .which = 1});
    add("norm", {.operand = 2});       // power, sum
    add("sparsemax", {.operand = 3});  // running sum, difference, greatest
    add("variance", {.operand = 4});   // sum, difference, square, sum
    add("standard_deviation", {.result = 1, .operand = 4});
    add("logsumexp", {.result = 2, .operand = 4});  // greatest, difference, exp, sum; logarithm, sum
    add("softmax log_softmax cross_entropy", {.operand = 5});
    add("rms_norm", {.operand = 4});    // square, sum, r, gain
    add("layer_norm", {.operand = 7});  // and sum, difference, bias
    return all;
  }();
  return table;
}

const Rates& rates_of_rules() {
  static const Rates table{{"softmax", {.operand = 4}},        // y * (dy - sum(dy * y))
                           {"log_softmax", {.operand = 4}},    // dy - exp(y) * sum(dy)
                           {"cross_entropy", {.operand = 2}},  // (p - one hot) * dy
                           {"rms_norm", {.operand = 8}},       // 6 for dx, 2 for dgain
                           {"layer_norm", {.operand = 11}}};   // 8 for dx, 2 for dgain, 1 for dbias
  return table;
}

std::optional<Count> at_rate(const Rates& table, std::string_view name, const Shapes& shapes) {
  const auto found = table.find(name);
  if (found == table.end()) return {};
  const Rate& rate = found->second;
  return rate.result * shapes.result().count() +
         (rate.operand == 0 ? 0 : rate.operand * shapes.of(rate.which).count());
}

// ---- products

Count matmul(const Shapes& shapes) { return 2 * shapes.result().count() * shapes.width(0); }

Count linear(const Shapes& shapes) { return matmul(shapes) + (shapes.has(2) ? shapes.result().count() : 0); }

// keys [..., H, M], rows [..., N, M]: the product, the lengths, and the product by them.
Count cosine_similarity(const Shapes& shapes) {
  return matmul(shapes) + 2 * shapes.result().count() +
         (2 * shapes.width(0) + 3) * (shapes.rows(0) + shapes.rows(1));
}

Count cosine_similarity_rules(const Shapes& shapes) {
  return 2 * matmul(shapes) + 5 * shapes.result().count() +
         2 * (shapes.width(0) + 1) * (shapes.rows(0) + shapes.rows(1));
}

// q [..., T, d], k [..., S, d], v [..., S, e]: the scores times a number, their softmax, the product with v.
struct AttentionSizes {
  explicit AttentionSizes(const Shapes& shapes)
      : scores(shapes.rows(0) * shapes.of(1)[-2]),
        d(shapes.width(0)),
        e(shapes.width(2)),
        result(shapes.result().count()) {}
  Count scores, d, e, result;
};

Count attention(const Shapes& shapes) {
  const AttentionSizes n(shapes);
  return n.scores * (2 * n.d + 2 * n.e + 6);
}

// P again from the scores (times a number, less the logarithm of the sum, exp), dP, ds = P (dP - rowsum(dy y))
// times the number, and the three products.
Count attention_rules(const Shapes& shapes) {
  const AttentionSizes n(shapes);
  return n.scores * (6 * n.d + 4 * n.e + 6) + 2 * n.result;
}

// ---- recurrent networks: x [B, T, D] with weights [D, gates H] and [H, gates H]

// `functions` is what a unit's gates take beside the products, in one step.
Count steps_of(const Shapes& shapes, Count gates, Count functions, Count passes) {
  const Shape& x = shapes.of(0);
  const Count units = shapes.result().count();  // hs [B, T, H]
  const Count H = shapes.result()[-1];
  return units * (passes * 2 * gates * (x[-1] + H) + functions);
}

// Sums of the two products and the bias, and the gates' functions; then c and h.
constexpr Count kLstmForward = 4 * 3 + 3 + 2, kGruForward = 3 * 3 + 1 + 4, kRnnForward = 3;
// Through h and c; the derivative of each gate's function; the sums of the bias.
constexpr Count kLstmRules = 10 + 4 * 3 + 4, kGruRules = 9 + 3 * 3 + 3, kRnnRules = 3 + 1;

}  // namespace

std::optional<std::int64_t> flops_of(const Observer::Recorded& operation) {
  const std::string_view name = operation.output.operation();
  const Shapes shapes(operation);
  if (name == "matmul" || name == "matmul_transposed") return matmul(shapes);
  if (name == "transposed_matmul") return 2 * shapes.result().count() * shapes.of(0)[-2];
  if (name == "linear") return linear(shapes);
  if (name == "attention") return attention(shapes);
  if (name == "lstm") return steps_of(shapes, 4, kLstmForward, 1);
  if (name == "gru") return steps_of(shapes, 3, kGruForward, 1);
  if (name == "rnn") return steps_of(shapes, 1, kRnnForward, 1);
  if (name == "cosine_similarity") return cosine_similarity(shapes);
  if (name == "circular_convolution" || name == "circular_correlation")
    return 2 * shapes.result().count() * shapes.width(1);
  if (name == "circular_taps") return 2 * shapes.result().count() * shapes.width(0);
  return at_rate(rates(), name, shapes);
}

std::optional<std::int64_t> flops_of_fused_rules(const Observer::Recorded& operation) {
  const std::string_view name = operation.output.operation();
  const Shapes shapes(operation);
  if (name == "attention") return attention_rules(shapes);
  if (name == "lstm") return steps_of(shapes, 4, kLstmRules, 2);
  if (name == "gru") return steps_of(shapes, 3, kGruRules, 2);
  if (name == "rnn") return steps_of(shapes, 1, kRnnRules, 2);
  if (name == "cosine_similarity") return cosine_similarity_rules(shapes);
  return at_rate(rates_of_rules(), name, shapes);
}

}  // namespace heed
