#include "autograd/inspect/explain.h"

#include <cmath>
#include <string>
#include <vector>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "core/elementwise.h"
#include "core/error.h"
#include "tests/autograd/graph_testing.h"
#include "tests/autograd/inspect/graph_testing.h"
#include "tests/catch.h"
#include "tests/markup.h"

namespace heed::tests {
namespace {

// Two layers on two examples. What is added to a value that is computed, `probes`, is 0: the derivative for it
// is the gradient that arrives there.
struct Network {
  Var x = Var(Tensor::matrix({{1, -2}, {0.5, 1}}, DType::f64)).named("x");
  Var target = Var(Tensor::matrix({{1}, {-1}}, DType::f64));
  Var w1 = Var::parameter(Tensor::matrix({{0.5, -0.4, 0.3}, {0.2, 0.1, -0.6}}, DType::f64), "w1");
  Var b1 = Var::parameter(Tensor::of({0.1, 0, -0.1}, {3}, DType::f64), "b1");
  Var w2 = Var::parameter(Tensor::matrix({{0.7}, {-1}, {0.4}}, DType::f64), "w2");

  static constexpr std::size_t kComputed = 7;
  Var loss(std::span<const Var> probes = {}) const {
    const auto probed = [&](const Var& y, std::size_t i) { return probes.empty() ? y : y + probes[i]; };
    const Var product = probed(matmul(x, w1), 0), sum1 = probed(product + b1, 1),
              hidden = probed(tanh(sum1), 2);
    const Var y = probed(matmul(hidden, w2), 3), error = probed(y - target, 4),
              squares = probed(square(error), 5);
    return probed(sum(squares), 6) * 0.5;
  }
};

// The numbers in a text between two others, those of matrices in row-major order.
std::vector<double> numbers_in(std::string text) {
  for (std::size_t at; (at = text.find("−")) != std::string::npos;)
    text.replace(at, std::string("−").size(), "-");
  std::vector<double> numbers;
  for (std::size_t at = 0; at < text.size();) {
    if (std::isdigit(static_cast<unsigned char>(text[at])) == 0 && text[at] != '-') {
      ++at;
      continue;
    }
    std::size_t used = 0;
    numbers.push_back(std::stod(text.substr(at), &used));
    at += used;
  }
  return numbers;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  return lines;
}

// The cells of the row of a table that begins with this name, in the section of a step.
std::vector<std::string> row_of(const std::string& markdown, const std::string& section,
                                const std::string& name) {
  const std::size_t begin = markdown.find("## " + section), end = markdown.find("\n## ", begin + 1);
  REQUIRE(begin != std::string::npos);
  for (const std::string& line : lines_of(markdown.substr(begin, end - begin))) {
    if (!line.starts_with("| `" + name + "` |")) continue;
    std::vector<std::string> cells;
    for (std::size_t at = 1; at < line.size(); at = line.find(" |", at) + 2)
      cells.push_back(line.substr(at, line.find(" |", at) - at));
    return cells;
  }
  FAIL(section << " has no " << name);
  return {};
}

// The numbers of a cell, without the norm below them.
std::vector<double> cell_numbers(const std::string& cell) {
  return numbers_in(cell.substr(0, cell.find("norm")));
}

void check_near(const std::vector<double>& found, const Tensor& expected) {
  const std::vector<double> values = expected.to_vector();
  REQUIRE(found.size() == values.size());
  // Four digits are shown.
  for (std::size_t i = 0; i < values.size(); ++i)
    CHECK(found[i] == Approx(values[i]).epsilon(6e-4).margin(1e-9));
}

// Central differences of f for each element of a value.
Tensor differences(const Var& value, const std::function<double()>& f) {
  constexpr double kStep = 1e-6;
  Tensor out = Tensor::zeros(value.shape(), DType::f64), elements = Var(value).mutable_value();
  double* const at = elements.mutable_data<double>();
  for (std::int64_t i = 0; i < value.count(); ++i) {
    const double before = at[i];
    at[i] = before + kStep;
    const double above = f();
    at[i] = before - kStep;
    out.mutable_data<double>()[i] = (above - f()) / (2 * kStep);
    at[i] = before;
  }
  return out;
}

TEST_CASE(
    "explain: every gradient in the text is what finite differences give, for leaves and what is computed") {
  const Network network;
  Trace trace;
  network.loss().backward();
  trace.stop();
  const std::string markdown = to_markdown(explain(trace));

  std::vector<Var> probes;
  for (const Shape& shape :
       {Shape{2, 3}, Shape{2, 3}, Shape{2, 3}, Shape{2, 1}, Shape{2, 1}, Shape{2, 1}, Shape{}})
    probes.emplace_back(Tensor::zeros(shape, DType::f64));
  const auto loss = [&] { return network.loss(probes).item(); };
  // Steps go backwards: step 1 is the product with 0.5, whose operand is the value of step 2, and so on.
  const std::vector<std::string> steps{"Step 1: multiply", "Step 2: sum",  "Step 3: square", "Step 4: subtract",
                                       "Step 5: matmul",   "Step 6: tanh", "Step 7: add",    "Step 8: matmul"};
  const std::vector<std::string> operands{"da", "dx", "dx", "da", "da", "dx", "da"};
  for (std::size_t i = 0; i < Network::kComputed; ++i) {
    const Tensor expected = differences(probes[Network::kComputed - 1 - i], loss);
    INFO(steps[i + 1]);
    check_near(cell_numbers(row_of(markdown, steps[i + 1], "dy")[3]), expected);
    check_near(cell_numbers(row_of(markdown, steps[i], operands[i])[3]), expected);
  }
  for (const Var& leaf : {network.w1, network.b1, network.w2})
    check_near(cell_numbers(row_of(markdown, "The leaves", leaf.name())[3]), differences(leaf, loss));
}

TEST_CASE("explain: the values in the text are those that were computed") {
  const Network network;
  Trace trace;
  const Var hidden = tanh(matmul(network.x, network.w1) + network.b1);
  sum(hidden).backward();
  trace.stop();
  const std::string markdown = to_markdown(explain(trace));
  check_near(cell_numbers(row_of(markdown, "Step 2: tanh", "y")[3]), hidden.value());
  check_near(cell_numbers(row_of(markdown, "Step 4: matmul", "a")[3]), network.x.value());
  check_near(cell_numbers(row_of(markdown, "Step 4: matmul", "b")[3]), network.w1.value());
}

TEST_CASE("explain: formulas have shapes put in, or numbers where all are single ones") {
  const Var a = scalar_leaf(2, "a"), b = scalar_leaf(-3, "b"), w = leaf({1, 2}, "w");
  Trace trace;
  (sum(tanh(w)) * (a * b)).backward();
  trace.stop();
  const Explanation explanation = explain(trace, {.digits = 3});
  for (const ExplainedStep& step : explanation.steps) {
    if (step.operation == "tanh") {
      CHECK(step.formula == "y = tanh(x)");
      CHECK(step.with_shapes == "y [2] = tanh(x [2])");
      CHECK(step.operands[0].formula == "dx = dy * (1 - y^2)");
      CHECK(step.operands[0].with_shapes == "dx [2] = dy [2] * (1 - (y [2])^2)");
    } else if (step.operation == "multiply" && step.operands[0].value.source == "\"a\"") {
      CHECK(step.with_shapes == "y = 2 * (−3) = −6");
      CHECK(step.operands[0].with_shapes == "da = 1.73 * (−3) = −5.18");
      CHECK(step.operands[1].with_shapes == "db = 1.73 * 2 = 3.45");
    }
  }
}

TEST_CASE("explain: a gradient summed over what broadcasting repeated says why") {
  const Var b = leaf({1, 2, 3, 4}, "b");
  const Var x = Var::parameter(Tensor::ones({32, 4}, DType::f64), "x");
  Trace trace;
  sum(x + b).backward();
  const Explanation explanation = explain(trace);
  const ExplainedOperand& operand = explanation.steps[1].operands[1];
  CHECK(
      operand.broadcast ==
      "b [4] was repeated 32 times to [32, 4], so its gradient [32, 4] is summed over the repetitions to [4]");
  CHECK(operand.sent.shape() == Shape{32, 4});
  CHECK(operand.value.gradient.to_vector() == Numbers{32, 32, 32, 32});
  CHECK(explanation.steps[1].operands[0].broadcast.empty());
  const std::string markdown = to_markdown(explanation);
  CHECK(markdown.find("- b \\[4\\] was repeated 32 times") != std::string::npos);
}

TEST_CASE("explain: an operand that only got an axis of one is brought back, not summed") {
  const Var b = leaf({1, 2}, "b"), x = Var::parameter(Tensor::ones({1, 2}, DType::f64));
  Trace trace;
  sum(x * b).backward();
  CHECK(explain(trace).steps[1].operands[1].broadcast ==
        "b [2] was used as [1, 2], so its gradient [1, 2] is brought back to [2]");
}

TEST_CASE(
    "explain: of a value used several times the parts of the sum are told, in the order in which they came") {
  const Var x = leaf({0.5, -1}, "x");
  Trace trace;
  const Var y = exp(x);
  sum(y * x + y).backward();
  const Explanation explanation = explain(trace);
  REQUIRE(explanation.leaves.size() == 1);
  const ExplainedValue& leaf = explanation.leaves[0];
  REQUIRE(leaf.contributions.size() == 2);
  Numbers total(2);
  for (const Contribution& part : leaf.contributions)
    for (std::size_t i = 0; i < 2; ++i) total[i] += part.gradient.to_vector()[i];
  CHECK(total == leaf.gradient.to_vector());
  CHECK(explanation.steps[leaf.contributions[0].step - 1].operation == "multiply");
  CHECK(leaf.contributions[0].operand == "b");
  CHECK(explanation.steps[leaf.contributions[1].step - 1].operation == "exp");
  const std::string markdown = to_markdown(explanation);
  CHECK(markdown.find(
            "- The gradient of `x` is a sum, as `x` was used 2 times: `[1.649, 0.3679]` from [step 3]") !=
        std::string::npos);
  CHECK(markdown.find("- `dy` is a sum, as `y` was used 2 times") != std::string::npos);
}

TEST_CASE("explain: x + x is two uses in one step") {
  const Var x = leaf({1, 2}, "x");
  Trace trace;
  sum(x + x).backward();
  const Explanation explanation = explain(trace);
  REQUIRE(explanation.leaves[0].contributions.size() == 2);
  CHECK(explanation.leaves[0].contributions[0].operand == "a");
  CHECK(explanation.leaves[0].contributions[1].operand == "b");
}

TEST_CASE("explain: leaves are checked by finite differences when asked for") {
  const Network network;
  Trace trace;
  network.loss().backward();
  trace.stop();
  const ExplainOptions options{.loss = [&] { return network.loss(); },
                               .leaves = {network.w1, network.b1, network.w2}};
  const Explanation right = explain(trace, options);
  for (const ExplainedValue& leaf : right.leaves)
    CHECK(leaf.check == text("✓ ", leaf.value.count(), " elements as by finite differences"));
  CHECK(to_markdown(right).find("| Checked |") != std::string::npos);
  CHECK(to_markdown(explain(trace)).find("| Checked |") == std::string::npos);
}

TEST_CASE("explain: a check that fails says so, with what is likely the cause") {
  const Var w = leaf({1, 2}, "w");
  const auto wrong = [&] {
    return sum(record("twice", w.value() * 2.0, wrt(w, [](const Var& dy) { return -2.0 * dy; })));
  };
  Trace trace;
  wrong().backward();
  trace.stop();
  const Explanation explanation = explain(trace, {.loss = wrong, .leaves = {w}});
  CHECK(explanation.leaves[0].check == "✗ 2 elements compared with finite differences: the sign is wrong");
  CHECK(explanation.steps[1].formula == "y = twice(x)");  // an operation without a formula
  CHECK(explanation.steps[1].operands[0].formula == "dx = …");
}

TEST_CASE("explain: a trace that still watches cannot be checked, one without a backward not explained") {
  const Var w = leaf({1, 2}, "w");
  Trace trace;
  const Var loss = sum(w);
  CHECK(first_line<GraphError>([&] { explain(trace); }) ==
        "GraphError: explain: no backward pass has reached an operation of the trace");
  loss.backward();
  CHECK(first_line<GraphError>([&] { explain(trace, {.loss = [&] { return sum(w); }, .leaves = {w}}); }) ==
        "GraphError: explain: the trace would see the check of the leaves");
  CHECK(explain(trace).steps.size() == 1);
}

TEST_CASE("explain: from a loss alone the gradients are those of a trace, and nothing is changed") {
  const Network network;
  Trace trace;
  const Var loss = network.loss();
  trace.stop();
  const Explanation explanation = explain(loss, {.loss = [&] { return network.loss(); }});
  CHECK(explanation.steps.size() == 8);
  for (const ExplainedValue& leaf : explanation.leaves) CHECK(leaf.check.starts_with("✓"));
  for (const Var& leaf : {network.w1, network.b1, network.w2}) CHECK_FALSE(leaf.grad().defined());
  const Var again = network.loss();
  const Explanation before = explain(again);
  again.backward();  // its graph is still there
  REQUIRE(before.leaves.size() == 3);
  CHECK(before.leaves[0].gradient.to_vector() == network.w1.grad().value().to_vector());
  CHECK(before.leaves[1].gradient.to_vector() == network.b1.grad().value().to_vector());
  const std::string markdown = to_markdown(before);
  CHECK(row_of(markdown, "Step 4: subtract", "b")[1] == " needs no gradient, not kept");
  CHECK(row_of(markdown, "Step 7: add", "y")[3] == " not held");
  CHECK(row_of(markdown, "Step 7: add", "y")[2] == " `[2, 3]`");
  CHECK(first_line<GraphError>([&] {
          explain(Var(Tensor::ones({2, 2})));
        }).find("nothing that this value depends on") != std::string::npos);
}

TEST_CASE("explain: several outputs, operands that were left out, and modules") {
  const auto trace = traced_seq2seq();
  const Explanation explanation = explain(*trace, {.numbers = 4});
  std::size_t lstms = 0;
  for (const ExplainedStep& step : explanation.steps) {
    if (step.operation != "lstm") continue;
    ++lstms;
    CHECK(step.outputs.size() == 3);
    CHECK(step.outputs[0].name == "hs");
    CHECK(step.operands.size() == 6);
    CHECK_FALSE(step.operands[2].given);  // c0
    CHECK(step.module.ends_with(".lstm"));
  }
  CHECK(lstms == 2);
  CHECK(explanation.leaves.size() == 10);
  const std::string markdown = to_markdown(explanation);
  CHECK(markdown.find("| `c0` | left out, counts as 0 |") != std::string::npos);
  CHECK(markdown.find("`decoder.attention`") != std::string::npos);
  CHECK(markdown.find(", …]`") != std::string::npos);
}

TEST_CASE("explain: of many operations the nearest to the loss are explained, the others counted") {
  const auto trace = traced_loop(50);
  const Explanation explanation = explain(*trace, {.most = 10});
  CHECK(explanation.steps.size() == 10);
  CHECK(explanation.left_out == trace->operations().size() - 10 - explanation.no_part);
  CHECK(explanation.no_part == 2 * 50);  // x, which is taken apart, needs no gradient
  const std::string markdown = to_markdown(explanation);
  CHECK(markdown.find("further from the loss are left out") != std::string::npos);
  CHECK(markdown.find("an operation that is left out here") != std::string::npos);
}

TEST_CASE("explain: a gradient that is 0 all over is pointed out") {
  const Var x = leaf({-1, -2}, "x");
  Trace trace;
  sum(exp(x) * relu(x)).backward();
  CHECK(to_markdown(explain(trace)).find("`dy` is 0 all over") != std::string::npos);
}

// The links of a Markdown text that lead nowhere in it.
std::vector<std::string> broken_links(std::string markdown) {
  std::erase(markdown, '\\');  // headings are linked to as they are read
  std::vector<std::string> broken;
  for (std::size_t at = markdown.find("](#"); at != std::string::npos; at = markdown.find("](#", at + 1)) {
    std::string target = markdown.substr(at + 3, markdown.find(')', at) - at - 3), heading = target;
    heading.replace(0, 5, "Step ");  // "step-3-tanh" is what becomes of "Step 3: tanh"
    heading.replace(heading.find('-'), 1, ": ");
    if (markdown.find("## " + heading + "\n") == std::string::npos) broken.push_back(target);
  }
  return broken;
}

TEST_CASE("explain: links of both texts lead somewhere, and the page is well-formed") {
  for (const auto& trace : {traced_seq2seq(), traced_transformer(), traced_loop(20)}) {
    const Explanation explanation = explain(*trace, {.most = 400});
    CHECK(broken_links(to_markdown(explanation)).empty());
    const std::string page = to_page(explanation);
    CHECK(markup_fault(page) == "");
    for (std::size_t at = page.find("href=\"#"); at != std::string::npos; at = page.find("href=\"#", at + 1)) {
      const std::string target = page.substr(at + 7, page.find('"', at + 7) - at - 7);
      CHECK(page.find("id=\"" + target + "\"") != std::string::npos);
    }
    CHECK(page.find("<script") == std::string::npos);
  }
}

TEST_CASE("explain: names that look like markup are text in both") {
  const Var odd = leaf({1, 2}, "a|b`c*_<i>&");
  Trace trace;
  sum(odd * odd).backward();
  const Explanation explanation = explain(trace, {.title = "<b> | & `x`"});
  CHECK(markup_fault(to_page(explanation)) == "");
  const std::string markdown = to_markdown(explanation);
  CHECK(markdown.starts_with("# \\<b\\> \\| \\& \\`x\\`\n"));
  CHECK(markdown.find("| `a∣b'c*_<i>&` |") != std::string::npos);
  CHECK(markdown.find("\"a\\|b\\`c\\*\\_\\<i\\>\\&\"") != std::string::npos);
  // Every row of a table has as many cells as its head.
  std::size_t bars = 0;
  for (const std::string& line : lines_of(markdown)) {
    const std::size_t count = count_of(line, " |");
    if (line.starts_with("|") && bars != 0) CHECK(count == bars);
    bars = line.starts_with("|") ? count : 0;
  }
}

}  // namespace
}  // namespace heed::tests
