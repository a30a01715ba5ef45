#include "autograd/inspect/trace.h"

#include <string>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "layers/module.h"
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

TEST_CASE("trace: a graph that is there already gives what watching it gave, but for what needs no gradient") {
  const Var w = leaf({2, 3}, "w"), b = scalar_leaf(1, "b"), x = constant({4, 5});
  Trace watching;
  const Var product = w * x;
  const Var grown = exp(product + b);
  const Var loss = sum(grown * product);
  watching.stop();
  Trace afterwards;
  afterwards.add_graph(loss);
  afterwards.add_graph(loss);  // known by now
  loss.backward();

  REQUIRE(afterwards.operations().size() == watching.operations().size());
  for (std::size_t i = 0; i < watching.operations().size(); ++i) {
    const TracedOperation &seen = watching.operations()[i], &found = afterwards.operations()[i];
    CHECK(std::string(seen.name) == found.name);
    CHECK(text(seen.at) == text(found.at));
    CHECK(afterwards.values()[found.outputs[0]].value.shape() ==
          watching.values()[seen.outputs[0]].value.shape());
    CHECK(afterwards.values()[found.outputs[0]].gradient.defined());
    CHECK(found.reached == watching.operations().size() - i);
  }
  CHECK(afterwards.operations()[0].operands == std::vector<std::size_t>{0});  // x is not known
  CHECK_FALSE(afterwards.operations()[0].operands_known);
  CHECK(afterwards.values()[afterwards.place_of(w)].gradient.to_vector() == w.grad().value().to_vector());
  CHECK(afterwards.values()[afterwards.place_of(product)].value.to_vector() == Numbers{8, 15});
  CHECK_FALSE(afterwards.values()[afterwards.operations()[1].outputs[0]].value.defined());  // nobody held it
}

TEST_CASE(
    "trace: a name that a result is given is kept at once, of a result in use and of one that nothing uses") {
  const Var x = leaf({1, 2}, "x");
  Trace trace;
  const Var used = exp(x).named("used");
  Var last = sum(used);
  last.named("last");
  CHECK(trace.values()[trace.place_of(used)].name == "used");
  CHECK(trace.values()[trace.place_of(last)].name == "last");
}

TEST_CASE("trace: of an operation with several outputs the graph knows those that are used") {
  const Var x = Var::parameter(Tensor::ones({1, 3, 2}, DType::f64));
  const LstmWeights weights{Var(Tensor::ones({2, 8}, DType::f64)), Var(Tensor::ones({2, 8}, DType::f64)),
                            Var(Tensor::ones({8}, DType::f64))};
  const LstmOutput out = lstm(x, {}, weights);
  const Var loss = sum(out.state.h) + sum(out.state.c);
  Trace trace;
  trace.add_graph(loss);
  loss.backward();
  const TracedOperation& cell = trace.operations().front();
  CHECK(cell.operands.size() == 6);
  REQUIRE(cell.outputs.size() == 2);
  CHECK(trace.values()[cell.outputs[0]].output == 1);
  CHECK(trace.values()[cell.outputs[1]].output == 2);
  for (const std::size_t output : cell.outputs)
    CHECK(trace.values()[output].gradient.to_vector() == Numbers{1, 1});
}

TEST_CASE("trace: operations know the call of the module that made them, and calls the one around them") {
  struct Part : Module {
    Part() : Module("Part") {}
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      return exp(x);
    }
  };
  struct Whole : Module {
    Whole() : Module("Whole") { register_module("middle", middle); }
    struct Middle : Module {
      Middle() : Module("Middle") { register_module("part", part); }
      Var operator()(const Var& x) const {
        const ErrorFrame frame = enter();
        return part(part(x)) * x;
      }
      Part part;
    } middle;
  } whole;
  Trace trace;
  const Var x = leaf({2, 3}, "x");
  sum(whole.middle(whole.middle(x)));
  const std::vector<std::string> paths{"middle", "middle.part", "middle.part",
                                       "middle", "middle.part", "middle.part"};
  REQUIRE(trace.calls().size() == paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) CHECK(trace.calls()[i].path == paths[i]);
  constexpr std::size_t kNowhere = TracedOperation::kNowhere;
  const std::vector<std::size_t> outer{kNowhere, 0, 0, kNowhere, 3, 3},
      of_operations{1, 2, 0, 4, 5, 3, kNowhere};
  for (std::size_t i = 0; i < outer.size(); ++i) CHECK(trace.calls()[i].outer == outer[i]);
  for (std::size_t i = 0; i < of_operations.size(); ++i) CHECK(trace.operations()[i].call == of_operations[i]);
}

TEST_CASE("trace: what is forgotten is gone, and what comes counts from the beginning") {
  const Var w = leaf({1, 2}, "w");
  Trace trace;
  const Var hidden = exp(w);
  const Var loss = sum(hidden);
  const std::uint64_t id = id_of(*hidden.node());
  REQUIRE(trace.operation_of_id(id) != nullptr);
  CHECK(std::string(trace.operation_of_id(id)->name) == "exp");
  struct Within : Observer {
    explicit Within(Trace& its) : trace_(its) {}
    void reached(const Node&, std::span<const Var>) override { CHECK_THROWS_AS(trace_.forget(), GraphError); }
    Trace& trace_;
  };
  {
    Within within(trace);
    loss.backward();
  }
  trace.forget();
  CHECK(trace.operation_of_id(id) == nullptr);
  CHECK(trace.values().empty());
  CHECK_FALSE(trace.has_seen(w));
  sum(tanh(hidden)).detach();
  REQUIRE(trace.operations().size() == 2);
  CHECK(trace.values()[0].operation == 0);
  CHECK(std::string(trace.values()[0].kind) == "exp");
  CHECK(trace.operations()[0].operands == std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace heed::tests
