#include "autograd/inspect/formulas.h"

#include <algorithm>
#include <array>

#include "core/error.h"

namespace heed {
namespace {

// A line of the table. To add an operation: its recorded name, its operands in their order, one gradient each.
// tests/autograd/inspect/formulas_test.cpp evaluates what is written in terms of its operands.
struct Row {
  std::string_view operation;
  std::string_view operands;  // "..." behind the last: there are any number of it
  std::string_view forward;
  std::array<std::string_view, 6> gradients;
  std::string_view definitions = "", note = "";
  std::string_view outputs = "y";
};

constexpr std::string_view kNumber = "s is a number of the call",
                           kThroughTime =
                               "backpropagation through time, from the last step to the first: da_t "
                               "is the gradient of what the gates' functions got at step t";

constexpr Row kTable[] = {
    // ---- arithmetic
    {"add", "a b", "y = a + b", {"dy", "dy"}},
    {"add", "a", "y = a + s", {"dy"}, "", kNumber},
    {"negate", "a", "y = -a", {"-dy"}},
    {"subtract", "a b", "y = a - b", {"dy", "-dy"}},
    {"subtract", "a", "y = s - a", {"-dy"}, "", kNumber},
    {"multiply", "a b", "y = a * b", {"dy * b", "dy * a"}},
    {"multiply", "a", "y = a * s", {"dy * s"}, "", kNumber},
    {"divide", "a b", "y = a / b", {"dy / b", "-dy * y / b"}},
    {"divide", "a", "y = s / a", {"-dy * y / a"}, "", kNumber},
    {"exp", "x", "y = exp(x)", {"dy * y"}},
    {"log", "x", "y = log(x)", {"dy / x"}},
    {"sqrt", "x", "y = sqrt(x)", {"dy / (2 * y)"}},
    {"square", "x", "y = x^2", {"2 * dy * x"}},
    {"erf", "x", "y = erf(x)", {"dy * 2 / sqrt(pi) * exp(-x^2)"}},
    {"where", "a b", "y = a if c else b", {"dy if c else 0", "0 if c else dy"}, "", "c is the condition"},
    // ---- activations
    {"tanh", "x", "y = tanh(x)", {"dy * (1 - y^2)"}},
    {"sigmoid", "x", "y = sigmoid(x)", {"dy * y * (1 - y)"}, "", "sigmoid(x) is 1 / (1 + exp(-x))"},
    {"relu", "x", "y = max(x, 0)", {"dy if x > 0 else 0"}},
    {"gelu",
     "x",
     "y = x * p",
     {"dy * (p + x * exp(-x^2 / 2) / sqrt(2 * pi))"},
     "p = (1 + erf(x / sqrt(2))) / 2"},
    {"gelu_tanh",
     "x",
     "y = x * s",
     {"dy * s * (1 + x * (1 - s) * 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * x^2))"},
     "s = sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x^3))"},
    {"silu", "x", "y = x * s", {"dy * s * (1 + x * (1 - s))"}, "s = sigmoid(x)"},
    {"softplus", "x", "y = log(1 + exp(x))", {"dy * sigmoid(x)"}},
    {"tanh_gradient",
     "g t",
     "y = g * (1 - t^2)",
     {"dy * (1 - t^2)", "-2 * dy * g * t"},
     "",
     "the gradient of tanh where its value is t and g has arrived"},
    {"sigmoid_gradient",
     "g t",
     "y = g * t * (1 - t)",
     {"dy * t * (1 - t)", "dy * g * (1 - 2 * t)"},
     "",
     "the gradient of sigmoid where its value is t and g has arrived"},
    {"relu_gradient", "g", "y = g if t > 0 else 0", {"dy if t > 0 else 0"}, "", "t is the value of relu"},
    // ---- matrix products
    {"matmul", "a b", "y = a @ b", {"dy @ bᵀ", "aᵀ @ dy"}},
    {"linear", "x w b", "y = x @ w + b", {"dy @ wᵀ", "xᵀ @ dy", "dy"}, "", "leading axes count as rows"},
    // ---- sums
    {"sum", "x", "y = sum(x)", {"dy, repeated over what was summed"}},
    {"sum_to", "x", "y = sum(x) to the shape before broadcasting", {"dy, repeated over what was summed"}},
    {"expand", "x", "y = x, repeated", {"dy"}},
    {"identity", "x", "y = x", {"dy"}},
    // ---- softmax, losses
    {"softmax",
     "x",
     "y = exp(x) / rowsum(exp(x))",
     {"y * (dy - rowsum(dy * y))"},
     "",
     "where there is a mask, blocked positions count for nothing"},
    {"log_softmax", "x", "y = x - log(rowsum(exp(x)))", {"dy - exp(y) * rowsum(dy)"}},
    {"cross_entropy",
     "scores",
     "y = -log(p[id])",
     {"dy * (p - onehot(id))"},
     "p = softmax(scores)",
     "id is the class that is right; 0 where it is to be ignored"},
    {"binary_cross_entropy",
     "x",
     "y = log(1 + exp(x)) - x * t",
     {"dy * (sigmoid(x) - t)"},
     "",
     "t are the targets"},
    // ---- normalisation
    {"layer_norm",
     "x gain bias",
     "y = z * gain + bias",
     {"r * (g - rowmean(g) - z * rowmean(g * z))", "dy * z", "dy"},
     "z = (x - rowmean(x)) * r; r = 1 / sqrt(rowmean((x - rowmean(x))^2) + epsilon); g = dy * gain"},
    {"rms_norm",
     "x gain",
     "y = z * gain",
     {"r * (g - z * rowmean(g * z))", "dy * z"},
     "z = x * r; r = 1 / sqrt(rowmean(x^2) + epsilon); g = dy * gain"},
    // ---- attention and addressing
    {"attention",
     "q k v",
     "y = p @ v",
     {"scale * ds @ k", "scale * dsᵀ @ q", "pᵀ @ dy"},
     "p = softmax(scale * q @ kᵀ); dp = dy @ vᵀ; ds = p * (dp - rowsum(dp * p))",
     "blocked positions have p = 0"},
    {"cosine_similarity",
     "keys rows",
     "y = keys @ rowsᵀ * u * vᵀ",
     {"g @ rows - keys * u^2 * rowsum(dy * y)", "gᵀ @ keys - rows * v^2 * rowsum((dy * y)ᵀ)"},
     "u = 1 / sqrt(rowsum(keys^2) + epsilon); v = 1 / sqrt(rowsum(rows^2) + epsilon); g = dy * u * vᵀ"},
    {"circular_convolution",
     "x s",
     "y_i = sum over j of x_(i-j) * s_j",
     {"sum over j of dy_(i+j) * s_j", "sum over i of dy_i * x_(i-j)"},
     "",
     "positions go round a ring"},
    {"circular_correlation",
     "x s",
     "y_i = sum over j of x_(i+j) * s_j",
     {"sum over j of dy_(i-j) * s_j", "sum over i of x_i * dy_(i-j)"},
     "",
     "positions go round a ring"},
    {"circular_taps",
     "a b",
     "y_j = sum over i of a_i * b_(i-j)",
     {"sum over j of b_(i-j) * dy_j", "sum over j of a_(i+j) * dy_j"},
     "",
     "positions go round a ring"},
    // ---- rows
    {"embedding", "table", "y = table[ids]", {"the rows of dy added up by id"}},
    {"scatter_rows", "rows", "y = rows added up by id", {"dy[ids]"}},
    // ---- shapes
    {"reshape", "x", "y = reshape(x)", {"reshape(dy)"}},
    {"transpose", "x", "y = transpose(x)", {"transpose(dy)"}, "", "two axes exchanged"},
    {"permute", "x", "y = permute(x)", {"dy with its axes in the old order"}, "", "axes in a new order"},
    {"slice", "x", "y = part of x", {"dy where the part was taken, 0 elsewhere"}},
    {"unslice", "x", "y = x in its place, 0 elsewhere", {"the part of dy in that place"}},
    {"concat", "part...", "y = parts side by side", {"the part of dy that it fills"}},
    {"reverse_sequences",
     "x",
     "y = x with the steps of each sequence reversed",
     {"dy with the steps of each sequence reversed"}},
    // ---- whole sequences
    {"rnn",
     "x h0 Wx Wh b",
     "h_t = f(a_t)",
     {"da_t @ Wxᵀ at each step", "da_1 @ Whᵀ", "sum over t of x_tᵀ @ da_t", "sum over t of h_(t-1)ᵀ @ da_t",
      "sum over t of da_t"},
     "a_t = x_t @ Wx + h_(t-1) @ Wh + b",
     kThroughTime,
     "hs h"},
    {"lstm",
     "x h0 c0 Wx Wh b",
     "h_t = o * tanh(c_t)",
     {"da_t @ Wxᵀ at each step", "da_1 @ Whᵀ", "dc_1 * f_1", "sum over t of x_tᵀ @ da_t",
      "sum over t of h_(t-1)ᵀ @ da_t", "sum over t of da_t"},
     "c_t = f * c_(t-1) + g * i; f, g, i, o = sigmoid, tanh, sigmoid, sigmoid of the parts of a_t; "
     "a_t = x_t @ Wx + h_(t-1) @ Wh + b",
     kThroughTime,
     "hs h c"},
    {"gru",
     "x h0 Wx Wh b bh",
     "h_t = (1 - z) * n + z * h_(t-1)",
     {"da_t @ Wxᵀ at each step", "dh_1 * z_1 and what comes through z_1, r_1 and n_1",
      "sum over t of x_tᵀ @ da_t", "sum over t of h_(t-1)ᵀ @ du_t", "sum over t of da_t",
      "sum over t of du_t for n"},
     "z, r, n = sigmoid, sigmoid, tanh of the parts of x_t @ Wx + b and of u_t = h_(t-1) @ Wh, of which r "
     "resets "
     "that of n",
     kThroughTime,
     "hs h"},
};

std::vector<std::string> words(std::string_view names) {
  std::vector<std::string> out;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    out.emplace_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return out;
}

bool any_number(const Row& row) { return row.operands.ends_with("..."); }

std::size_t count_of(const Row& row) {
  return 1 + static_cast<std::size_t>(std::count(row.operands.begin(), row.operands.end(), ' '));
}

const Row* find(std::string_view operation, std::size_t operands, bool operands_known) {
  const Row* found = nullptr;
  for (const Row& row : kTable) {
    if (row.operation != operation) continue;
    if (any_number(row) || (operands_known && count_of(row) == operands)) return &row;
    if (!operands_known && count_of(row) >= operands && (found == nullptr || count_of(row) > count_of(*found)))
      found = &row;
  }
  return found;
}

Formula nameless(std::string_view operation, std::size_t operands) {
  Formula formula{.outputs = {"y"}, .forward = text("y = ", operation, "("), .known = false};
  for (std::size_t i = 1; i <= operands; ++i) {
    formula.operands.push_back(operands == 1 ? "x" : text("x", i));
    formula.forward += text(i == 1 ? "" : ", ", formula.operands.back());
  }
  formula.forward += ")";
  formula.gradients.resize(operands);
  return formula;
}

constexpr std::string_view kTransposed = "ᵀ";

bool in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

Formula formula_of(std::string_view operation, std::size_t operands, bool operands_known) {
  const Row* const row = find(operation, operands, operands_known);
  if (row == nullptr) return nameless(operation, operands);
  Formula formula{.operands = words(row->operands),
                  .outputs = words(row->outputs),
                  .forward = std::string(row->forward),
                  .definitions = std::string(row->definitions),
                  .note = std::string(row->note)};
  if (any_number(*row)) {
    const std::string name = formula.operands.back().substr(0, formula.operands.back().size() - 3);
    formula.operands.clear();
    for (std::size_t i = 1; i <= operands; ++i) formula.operands.push_back(text(name, i));
  }
  for (std::size_t i = 0; i < formula.operands.size(); ++i)
    formula.gradients.emplace_back(row->gradients[any_number(*row) ? 0 : i]);
  return formula;
}

std::string replace_names(std::string_view text,
                          const std::function<std::string(std::string_view name, bool transposed)>& replace) {
  std::string out;
  while (!text.empty()) {
    const auto count = [&](bool wanted) {
      const auto end = std::find_if(text.begin(), text.end(), [&](char c) { return in_name(c) != wanted; });
      return static_cast<std::size_t>(end - text.begin());
    };
    out += text.substr(0, count(false));
    text.remove_prefix(count(false));
    const std::string_view name = text.substr(0, count(true));
    text.remove_prefix(name.size());
    const bool transposed = text.starts_with(kTransposed);
    const std::string replaced =
        name.empty() || text.starts_with('(') ? std::string() : replace(name, transposed);
    const bool to_bracket = text.starts_with('^') && replaced.find(' ') != std::string::npos;
    out += replaced.empty() ? std::string(name) : to_bracket ? "(" + replaced + ")" : replaced;
    if (!replaced.empty() && transposed) text.remove_prefix(kTransposed.size());
  }
  return out;
}

}  // namespace heed
