#include "autograd/inspect/trace.h"

#include <string>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

TEST_CASE("trace: keeps operations with their operands, places, values and gradients") {
  const Var w = leaf({2, 3}, "w");
  const Var x = constant({4, 5});
  Trace trace;
  const Var loss = sum(w * x);
  const int line = __LINE__ - 1;
  loss.backward();
  trace.stop();
  exp(x);

  REQUIRE(trace.operations().size() == 2);
  const TracedOperation& product = trace.operations()[0];
  CHECK(std::string(product.name) == "multiply");
  CHECK(text(product.at) == text("tests/autograd/inspect/trace_test.cpp:", line));
  CHECK(product.is_forward());
  CHECK(product.reached == 2);
  REQUIRE(product.operands.size() == 2);
  const TracedValue &weights = trace.values()[product.operands[0]],
                    &input = trace.values()[product.operands[1]], &output = trace.values()[product.outputs[0]];
  CHECK(weights.name == "w");
  CHECK(std::string(weights.kind) == "parameter");
  CHECK(trace.operation_of(weights) == nullptr);
  CHECK(weights.gradient.to_vector() == Numbers{4, 5});
  CHECK(std::string(input.kind) == "constant");
  CHECK_FALSE(input.gradient.defined());
  CHECK(trace.operation_of(output) == &product);
  CHECK(output.value.to_vector() == Numbers{8, 15});
  CHECK(output.gradient.to_vector() == Numbers{1, 1});
  CHECK(product.operand_gradients[0].to_vector() == Numbers{4, 5});
  CHECK_FALSE(product.operand_gradients[1].defined());
  CHECK(trace.place_of(w) == product.operands[0]);
  CHECK_THROWS_AS(trace.place_of(leaf({1})), IndexError);
}

TEST_CASE("trace: an operation with several outputs is one, with operands that were left out") {
  const std::int64_t H = 2;
  const Var x = Var::parameter(Tensor::ones({1, 3, 2}, DType::f64));
  const LstmWeights weights{Var::parameter(Tensor::ones({2, 4 * H}, DType::f64)),
                            Var::parameter(Tensor::ones({H, 4 * H}, DType::f64)),
                            Var::parameter(Tensor::ones({4 * H}, DType::f64))};
  Trace trace;
  const LstmOutput out = lstm(x, {}, weights);
  sum(out.state.h + out.state.c).backward();
  const TracedOperation& cell = trace.operations().front();
  CHECK(std::string(cell.name) == "lstm");
  CHECK(cell.outputs.size() == 3);
  REQUIRE(cell.operands.size() == 6);
  CHECK(cell.operands[1] == TracedOperation::kNowhere);
  CHECK(cell.reached == 3);
  CHECK_FALSE(trace.values()[cell.outputs[0]].gradient.defined());
  CHECK(trace.values()[cell.outputs[1]].gradient.defined());
  CHECK(trace.values()[trace.place_of(x)].gradient.defined());
}

TEST_CASE("trace: keeps the names by which readers know values") {
  Trace trace;
  Var y = exp(leaf({1, 2}));
  y.named("y");
  Var unseen = constant({3});
  unseen.named("three");
  REQUIRE(trace.notes().size() == 2);
  CHECK(trace.notes()[0].name == "y");
  CHECK(trace.notes()[0].module.empty());
  CHECK(trace.notes()[0].value == trace.place_of(y));
  CHECK(trace.values()[trace.notes()[1].value].value.to_vector() == Numbers{3});
  CHECK(trace.has_seen(y));
  CHECK_FALSE(trace.has_seen(constant({3})));
  CHECK_FALSE(trace.has_seen(Var()));
}

TEST_CASE("trace: a backward that another observer stops does not keep it from seeing what comes next") {
  struct Refuses : Observer {
    void reached(const Node&, std::span<const Var>) override { throw ConfigError({.what = "no"}); }
  };
  const Refuses refuses;
  const Trace trace;  // told before it
  const Var x = leaf({1, 2});
  CHECK_THROWS_AS(sum(square(x)).backward(), ConfigError);
  CHECK(trace.operations().size() == 2);
  exp(x);
  CHECK(trace.operations().size() == 3);
}

TEST_CASE("trace: operations of gradient rules are kept when asked for, with the operation that they serve") {
  const Var x = leaf({2, 3});
  Trace trace({.of_rules = true});
  sum(square(x)).backward();
  std::size_t of_square = 0;
  for (const TracedOperation& operation : trace.operations())
    if (!operation.is_forward() && std::string(trace.operations()[operation.rule_of].name) == "square")
      ++of_square;
  CHECK(of_square == 2);  // 2 dy x
  CHECK(trace.operations()[0].is_forward());
}

}  // namespace
}  // namespace heed::tests
