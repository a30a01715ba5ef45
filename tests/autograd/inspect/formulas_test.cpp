#include "autograd/inspect/formulas.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "autograd/backward.h"
#include "autograd/inspect/trace.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/autograd/inspect/formula_value.h"
#include "tests/autograd/op_table.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

// Operations without a formula. To give one a formula: a line in autograd/inspect/formulas.cpp.
const std::set<std::string> kWithoutFormula{};

// Those whose formula is in words, or in terms of what is no operand: of the others it is evaluated.
const std::set<std::string> kInWords{"absolute_power",
                                     "attention",
                                     "binary_cross_entropy",
                                     "celu",
                                     "circular_convolution",
                                     "circular_correlation",
                                     "circular_taps",
                                     "clamp",
                                     "concat",
                                     "cross_entropy",
                                     "cumulative_product",
                                     "cumulative_sum",
                                     "diag_embed",
                                     "diagonal",
                                     "elu",
                                     "embedding",
                                     "expand",
                                     "flip",
                                     "gather",
                                     "gru",
                                     "huber",
                                     "leaky_relu",
                                     "linear_recurrence",
                                     "logsumexp",
                                     "lstm",
                                     "masked_fill",
                                     "masked_select",
                                     "masked_unselect",
                                     "max",
                                     "min",
                                     "nan_to_num",
                                     "norm",
                                     "pad",
                                     "part",
                                     "permute",
                                     "product",
                                     "relu_gradient",
                                     "reshape",
                                     "reverse_sequences",
                                     "rnn",
                                     "roll",
                                     "scatter",
                                     "scatter_add",
                                     "scatter_rows",
                                     "signed_power",
                                     "slice",
                                     "smooth_l1",
                                     "sparsemax",
                                     "standard_deviation",
                                     "straight_through",
                                     "sum",
                                     "sum_to",
                                     "transpose",
                                     "tril",
                                     "triu",
                                     "undiagonal",
                                     "ungather",
                                     "unpart",
                                     "unslice",
                                     "variance",
                                     "where"};

// Variants of rows that have a mask, no rows or an epsilon of their own, which formulas do not know.
const std::vector<const char*> kOtherwise{"mask", "a bias", "one row", "rows near 0", "a large epsilon"};

// Traces a row of the table of gradient checks, with a gradient of each output and, in `of_rules`, the
// operations of its rules.
void run_row(const OpRow& row, Trace& trace, bool create_graph) {
  const std::vector<Var> inputs = draw_inputs(row, 21);
  Rng rng(22);
  std::vector<Var> roots, cotangents;
  for (const Var& output : row.function(inputs)) {
    if (!output.requires_grad()) continue;
    roots.push_back(output);
    cotangents.emplace_back(Tensor::uniform(output.shape(), -1, 1, rng, output.dtype()));
  }
  grad(roots, inputs, {.cotangents = cotangents, .create_graph = create_graph, .allow_unused = true});
  trace.stop();
}

TEST_CASE("formulas: every operation of the table of gradient checks has one, and those of its rules") {
  std::set<std::string> missing;
  for (const OpRow& row : op_table()) {
    Trace trace({.of_rules = true});
    run_row(row, trace, row.second_order);
    for (const TracedOperation& operation : trace.operations()) {
      const Formula formula = formula_of(operation.name, operation.operands.size());
      if (!formula.known) missing.insert(operation.name);
      INFO(operation.name);
      CHECK(formula.operands.size() == operation.operands.size());
      CHECK(formula.gradients.size() == operation.operands.size());
      CHECK(formula.forward.find(" = ") != std::string::npos);
      for (const std::string& gradient : formula.gradients) CHECK(gradient.empty() == !formula.known);
    }
  }
  CHECK(missing == kWithoutFormula);
}

// Compares what the formula of an operation gives with what it computed; false where it cannot be evaluated.
bool agrees(const Trace& trace, const TracedOperation& operation) {
  const Formula formula = formula_of(operation.name, operation.operands.size());
  // What these operations are called with in the table.
  std::map<std::string, Tensor> names{{"epsilon", Tensor::scalar(1e-5, DType::f64)}};
  if (std::string(operation.name) == "cosine_similarity") names["epsilon"] = Tensor::scalar(1e-6, DType::f64);
  for (std::size_t k = 0; k < operation.operands.size(); ++k)
    names[formula.operands[k]] = operation.operands[k] == TracedOperation::kNowhere
                                     ? Tensor::scalar(0, DType::f64)
                                     : trace.values()[operation.operands[k]].value;
  const TracedValue& output = trace.values()[operation.outputs.front()];
  const Tensor y =
      formula_value(formula.forward.substr(formula.forward.find(" = ") + 3), names, formula.definitions);
  CHECK(largest_difference(y, output.value) < 1e-12);
  names["y"] = output.value;
  names["dy"] = output.gradient;
  for (std::size_t k = 0; k < operation.operands.size(); ++k) {
    if (!operation.operand_gradients[k].defined()) continue;
    const Shape& shape = trace.values()[operation.operands[k]].value.shape();
    const Tensor d = formula_value(formula.gradients[k], names, formula.definitions);
    INFO(formula.gradients[k]);
    CHECK(largest_difference(sum_to(d.expand(*common_shape(d.shape(), shape)), shape),
                             sum_to(operation.operand_gradients[k], shape)) < 1e-12);
  }
  return true;
}

TEST_CASE("formulas: evaluated, they give the values and the gradients of the operations") {
  std::set<std::string> evaluated, in_words;
  for (const OpRow& row : op_table()) {
    const std::string variant = row.variant;
    if (std::any_of(kOtherwise.begin(), kOtherwise.end(),
                    [&](const char* part) { return variant.find(part) != variant.npos; }))
      continue;
    Trace trace;
    run_row(row, trace, false);
    for (const TracedOperation& operation : trace.operations()) {
      INFO(row.name << ": " << variant << ": " << operation.name);
      if (operation.reached == 0 || operation.operands.empty()) continue;
      try {
        evaluated.insert(agrees(trace, operation) ? operation.name : "");
      } catch (const NotAFormula&) {
        in_words.insert(operation.name);
      }
    }
  }
  for (const std::string& name : in_words)
    if (!evaluated.contains(name)) {
      INFO(name);
      CHECK(kInWords.contains(name));
    }
  for (const std::string& name : kInWords) {
    INFO(name);
    CHECK_FALSE(evaluated.contains(name));
  }
  CHECK(evaluated.size() >= 20);
}

TEST_CASE("formulas: with the number of the call, the condition or the targets given, those agree too") {
  const Var x = leaf({0.5, -1.5, 2}), z = leaf({1, 2, 3});
  const Tensor s = Tensor::scalar(2.5, DType::f64), c = less(z.value(), Tensor::scalar(1.5, DType::f64));
  const Tensor t = Tensor::of({0, 1, 0.3}, {3}, DType::f64);
  const std::vector<std::pair<Var, std::map<std::string, Tensor>>> cases{
      {x + 2.5, {{"s", s}}},
      {x * 2.5, {{"s", s}}},
      {2.5 - x, {{"s", s}}},
      {2.5 / x, {{"s", s}}},
      {pow(z, 2.5), {{"s", s}}},
      {scale_gradient(x, 2.5), {{"s", s}}},
      {leaky_relu(x, 2.5), {{"s", s}}},
      {elu(x, 2.5), {{"s", s}}},
      {celu(x, 2.5), {{"s", s}}},
      {huber(x, z, {.delta = 2.5, .reduction = Reduction::none}), {{"s", s}}},
      {smooth_l1(x, z, {.delta = 2.5, .reduction = Reduction::none}), {{"s", s}}},
      {where(c, x, z), {{"c", c}}},
      {masked_fill(x, c, 2.5), {{"m", c}, {"s", s}}},
      {binary_cross_entropy(x, t, {.reduction = Reduction::none}), {{"t", t}}}};
  for (const auto& [y, given] : cases) {
    Trace trace;
    trace.add_graph(y);
    y.backward({.cotangent = z});
    const TracedOperation& operation = trace.operations().back();
    const Formula formula = formula_of(operation.name, operation.operands.size());
    INFO(operation.name << ": " << formula.forward);
    std::map<std::string, Tensor> names = given;
    names["y"] = y.value();
    names["dy"] = z.value();
    for (std::size_t k = 0; k < operation.operands.size(); ++k)
      names[formula.operands[k]] = trace.values()[operation.operands[k]].value;
    CHECK(largest_difference(formula_value(formula.forward.substr(4), names), y.value()) < 1e-12);
    for (std::size_t k = 0; k < operation.operands.size(); ++k)
      CHECK(largest_difference(formula_value(formula.gradients[k], names).expand({3}),
                               operation.operand_gradients[k]) < 1e-12);
  }
}

TEST_CASE("formulas: attention's is that of the operation, with its scale") {
  Rng rng(3);
  const auto draw = [&](const Shape& shape) {
    return Var::parameter(Tensor::uniform(shape, -1, 1, rng, DType::f64));
  };
  const Var q = draw({2, 3, 4}), k = draw({2, 5, 4}), v = draw({2, 5, 2}), dy = draw({2, 3, 2});
  Trace trace;
  const Var y = attention(q, k, v);
  y.backward({.cotangent = dy});
  const Formula formula = formula_of("attention", 3);
  const std::map<std::string, Tensor> names{{"q", q.value()},
                                            {"k", k.value()},
                                            {"v", v.value()},
                                            {"dy", dy.value()},
                                            {"scale", Tensor::scalar(0.5, DType::f64)}};
  CHECK(largest_difference(formula_value(formula.forward.substr(4), names, formula.definitions), y.value()) <
        1e-12);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(largest_difference(formula_value(formula.gradients[i], names, formula.definitions),
                             trace.operations()[0].operand_gradients[i]) < 1e-12);
}

TEST_CASE("formulas: an operation that the table has not gives its name") {
  const Formula one = formula_of("fold", 1), two = formula_of("fold", 2);
  CHECK_FALSE(one.known);
  CHECK(one.forward == "y = fold(x)");
  CHECK(two.forward == "y = fold(x1, x2)");
  CHECK(two.operands == std::vector<std::string>{"x1", "x2"});
  CHECK(two.gradients == std::vector<std::string>{"", ""});
}

TEST_CASE("formulas: the number of operands chooses the form; when it is not known, that with the most") {
  CHECK(formula_of("multiply", 1).forward == "y = a * s");
  CHECK(formula_of("multiply", 2).forward == "y = a * b");
  CHECK(formula_of("multiply", 1, false).forward == "y = a * b");
  CHECK(formula_of("concat", 3).operands == std::vector<std::string>{"part1", "part2", "part3"});
  CHECK(formula_of("lstm", 6).outputs == std::vector<std::string>{"hs", "h", "c"});
}

TEST_CASE("formulas: names are replaced whole, not those of functions, and what has a space goes in brackets") {
  const auto shapes = [](std::string_view name, bool transposed) -> std::string {
    if (name == "x") return transposed ? "xT [2, 3]" : "x [3, 2]";
    if (name == "dy") return "dy [4]";
    if (name == "exp") return "no name";
    return "";
  };
  CHECK(replace_names("y = exp(x) + xᵀ @ dy - x_t", shapes) == "y = exp(x [3, 2]) + xT [2, 3] @ dy [4] - x_t");
  CHECK(replace_names("x^2 + 2 * x", shapes) == "(x [3, 2])^2 + 2 * x [3, 2]");
  CHECK(replace_names("", shapes).empty());
}

TEST_CASE("formulas: operands and outputs have names, those beyond the formula numbers") {
  const Formula formula = formula_of("lstm", 6);
  CHECK(operand_name(formula, 3) == "Wx");
  CHECK(operand_name(formula, 6) == "x7");
  CHECK(output_name(formula, 1) == "h");
  CHECK(output_name(formula, 3) == "y4");
}

}  // namespace
}  // namespace heed::tests
