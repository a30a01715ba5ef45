#include "layers/module.h"

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "layers/dropout.h"
#include "layers/layer_norm.h"
#include "layers/linear.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// A map with a scale of its own and dropout behind it: parameters and parts in one module.
class Block : public Module {
 public:
  Block(std::int64_t width, Rng& rng) : Module("Block"), map_(width, width, rng), dropout_(0.5) {
    scale_ = register_parameter("scale", Tensor::ones({width}));
    register_module("map", map_);
    register_module("dropout", dropout_);
  }
  Var operator()(const Var& x, Rng& rng) const {
    const ErrorFrame frame = enter();
    return dropout_(map_(x) * scale_, rng);
  }

 private:
  Linear map_;
  Dropout dropout_;
  Var scale_;
};

class Tower : public Module {
 public:
  explicit Tower(Rng& rng) : Module("Tower"), first_(3, rng), second_(3, rng), out_(3, 2, rng) {
    register_module("first", first_);
    register_module("second", second_);
    register_module("out", out_);
  }
  Var operator()(const Var& x, Rng& rng) const {
    const ErrorFrame frame = enter();
    return out_(second_(first_(x, rng), rng));
  }

 private:
  Block first_, second_;
  Linear out_;
};

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> all;
  for (const Var& parameter : module.parameters()) all.push_back(parameter.name());
  return all;
}

std::vector<Tensor> copies(const Module& module) {
  std::vector<Tensor> all;
  for (const Var& parameter : module.parameters()) all.push_back(parameter.value().clone());
  return all;
}

bool all_identical(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!identical(a[i], b[i])) return false;
  return a.size() == b.size();
}

}  // namespace

TEST_CASE("module: parameters come in the order of registration, named by their path") {
  Rng rng(1);
  const Tower tower(rng);
  CHECK(names(tower) == std::vector<std::string>{"first.scale", "first.map.weight", "first.map.bias",
                                                 "second.scale", "second.map.weight", "second.map.bias",
                                                 "out.weight", "out.bias"});
  CHECK(tower.parameter_count() == 2 * (3 + 9 + 3) + 6 + 2);
  NamedTensors state = tower.state();
  REQUIRE(state.size() == 8);
  for (std::size_t i = 0; i < state.size(); ++i) CHECK(state[i].first == names(tower)[i]);
}

TEST_CASE("module: all modules come in the order of registration, with the parameters that are their own") {
  Rng rng(1);
  const Tower tower(rng);
  std::vector<std::string> found;
  for (const Module* const module : tower.modules()) {
    found.push_back(module->path() + ":");
    for (const Var& parameter : module->own_parameters()) found.back() += " " + parameter.name();
  }
  CHECK(found == std::vector<std::string>{
                     ":", "first: first.scale", "first.map: first.map.weight first.map.bias",
                     "first.dropout:", "second: second.scale", "second.map: second.map.weight second.map.bias",
                     "second.dropout:", "out: out.weight out.bias"});
}

TEST_CASE("module: what it notes, observers are told of, under the module that is running") {
  class Notes : public Module {
   public:
    Notes() : Module("Notes") {}
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      note("lengths", Tensor());  // nothing
      note("constant", Tensor::ones({2}));
      note("x", x);
      return note("output", exp(x));
    }
  };
  class Whole : public Module {
   public:
    Whole() : Module("Whole") { register_module("part", part); }
    Notes part;
  };
  struct Log : Observer {
    void noted(const Var& var, std::string_view name) override {
      lines.push_back(text(names::at_number(ErrorFrame::innermost_path()), ".", name, " ", var.operation()));
    }
    std::vector<std::string> lines;
  };
  const Whole whole;
  const Var x(Tensor::ones({2}));
  Log log;
  const Var y = whole.part(x);
  CHECK(log.lines == std::vector<std::string>{"part.constant constant", "part.x constant", "part.output exp"});
  CHECK(std::string(y.operation()) == "exp");
}

TEST_CASE("module: the summary is the tree with shapes and numbers of parameters") {
  Rng rng(1);
  Block block(3, rng);
  block.to(DType::f64);
  CHECK(block.summary() ==
        "Block  (15 parameters)\n"
        "  scale f64 [3]\n"
        "  map: Linear 3 -> 3  (12 parameters)\n"
        "    weight f64 [3, 3]\n"
        "    bias f64 [3]\n"
        "  dropout: Dropout 0.5  (0 parameters)\n");
}

TEST_CASE("module: train and eval reach all parts") {
  Rng rng(1), draws(2);
  Tower tower(rng);
  const Var x(normal({4, 3}, rng, DType::f32));
  CHECK(tower.training());
  const Tensor first = tower(x, draws).value();
  CHECK_FALSE(identical(tower(x, draws).value(), first));  // other draws of dropout

  tower.eval();
  CHECK_FALSE(tower.training());
  const Rng::State before = draws.state();
  const Tensor evaluated = tower(x, draws).value();
  CHECK(identical(tower(x, draws).value(), evaluated));
  CHECK(draws.state() == before);

  tower.train();
  CHECK_FALSE(identical(tower(x, draws).value(), evaluated));
}

TEST_CASE("module: to() converts values, drops gradients, and keeps the parameters what they are") {
  Rng rng(1);
  Linear layer(3, 2, rng);
  const std::vector<Var> held = layer.parameters();
  const std::vector<Tensor> before = copies(layer);
  sum(layer(Var(normal({2, 3}, rng, DType::f32)))).backward();
  layer.to(DType::f64);
  const std::vector<Var> after = layer.parameters();
  for (std::size_t i = 0; i < held.size(); ++i) {
    CHECK(held[i].same_as(after[i]));
    CHECK(after[i].requires_grad());
    CHECK(after[i].name() == (i == 0 ? "weight" : "bias"));
    CHECK_FALSE(after[i].grad().defined());
    CHECK(identical(after[i].value(), before[i].to(DType::f64)));
  }
  CHECK(layer(Var(normal({2, 3}, rng))).dtype() == DType::f64);
  layer.to(DType::f32);
  CHECK(all_identical(copies(layer), before));
  CHECK_THROWS_AS(layer.to(DType::i32), DTypeError);
}

TEST_CASE("module: zero_grad drops the gradients of all parts") {
  Rng rng(1), draws(2);
  Tower tower(rng);
  tower.eval();
  sum(tower(Var(normal({4, 3}, rng, DType::f32)), draws)).backward();
  for (const Var& parameter : tower.parameters()) CHECK(parameter.grad().defined());
  tower.zero_grad();
  for (const Var& parameter : tower.parameters()) CHECK_FALSE(parameter.grad().defined());
}

TEST_CASE("module: the state of one model makes another the same") {
  Rng rng(1);
  const Tower from(rng);
  Tower into(rng);
  CHECK_FALSE(all_identical(copies(from), copies(into)));
  NamedTensors state = from.state();
  std::swap(state.front(), state.back());  // the order plays no part
  into.load_state(state);
  CHECK(all_identical(copies(from), copies(into)));
  // Values are taken over, not shared.
  into.parameters()[0].mutable_value().fill(7);
  CHECK(largest(from.parameters()[0].value()) == 1);
}

TEST_CASE("module: load_state converts to the type of the parameters") {
  Rng rng(1);
  const Tower from(rng);
  Tower into(rng);
  into.to(DType::f64);
  into.load_state(from.state());
  for (std::size_t i = 0; i < copies(from).size(); ++i)
    CHECK(identical(copies(into)[i], copies(from)[i].to(DType::f64)));
}

TEST_CASE("module: a state that does not fit is reported like a diff, and nothing is changed") {
  Rng rng(1);
  Block block(3, rng);
  const std::vector<Tensor> before = copies(block);
  const std::string message = thrown<ConfigError>([&] {
    block.load_state({{"scale", Tensor::full({3}, 9)},
                      {"map.weight", Tensor::full({3, 4}, 9)},
                      {"map.bas", Tensor::full({3}, 9)},
                      {"out.weight", Tensor::scalar(9)}});
  });
  CHECK(message ==
        "ConfigError: load_state: the state does not fit Block: 1 missing, 2 unexpected, 1 misshapen\n"
        "  ! map.weight [3, 3]: the state has [3, 4]\n"
        "  - map.bias [3]: missing\n"
        "  + map.bas [3]: unexpected\n"
        "  + out.weight []: unexpected");
  CHECK(all_identical(copies(block), before));
}

TEST_CASE("module: one entry too many is enough for a state not to fit") {
  Rng rng(1);
  Linear layer(2, 2, rng);
  const std::vector<Tensor> before = copies(layer);
  CHECK(thrown<ConfigError>([&] {
          layer.load_state(
              {{"weight", Tensor::zeros({2, 2})}, {"bias", Tensor::ones({2})}, {"gain", Tensor::ones({2})}});
        }) ==
        "ConfigError: load_state: the state does not fit Linear 2 -> 2: 0 missing, 1 unexpected, 0 misshapen\n"
        "  + gain [2]: unexpected");
  CHECK(all_identical(copies(layer), before));
}

namespace {

// Two maps, the second with the weight of the first, inside of which a third has the scale of its own.
class Sharing : public Module {
 public:
  explicit Sharing(Rng& rng) : Module("Sharing"), first_(2, rng), second_(first_, rng) {
    register_module("first", first_);
    register_module("second", second_);
  }
  Var operator()(const Var& x) const { return second_(first_(x)); }
  const Var& scale() const { return first_.scale_; }

 private:
  struct Scale : Module {
    Scale(std::int64_t width, Rng& rng) : Module("Scale") {
      scale_ = register_parameter("scale", normal({width}, rng, DType::f32));
    }
    Scale(const Scale& other, Rng& rng) : Module("Scale") {
      scale_ = share_parameter("scale", other.scale_);
      shift_ = register_parameter("shift", normal(other.scale_.shape(), rng, DType::f32));
    }
    Var operator()(const Var& x) const { return shift_.defined() ? x * scale_ + shift_ : x * scale_; }
    Var scale_, shift_;
  };
  Scale first_, second_;
};

}  // namespace

TEST_CASE("module: a shared parameter is its owner's, listed, counted, saved and converted once") {
  Rng rng(1);
  Sharing module(rng);
  CHECK(names(module) == std::vector<std::string>{"first.scale", "second.shift"});
  CHECK(module.parameter_count() == 4);
  CHECK(module.summary() ==
        "Sharing  (4 parameters)\n"
        "  first: Scale  (2 parameters)\n"
        "    scale f32 [2]\n"
        "  second: Scale  (2 parameters)\n"
        "    shift f32 [2]\n"
        "    scale f32 [2], shared: first.scale\n");
  NamedTensors state;
  for (const auto& [name, value] : module.state()) state.emplace_back(name, value.clone());
  CHECK(state.size() == 2);
  const Var x(normal({3, 2}, rng, DType::f32));
  const Tensor before = module(x).value();

  module.to(DType::f64);
  module.parameters()[0].mutable_value().fill(2);
  module.parameters()[1].mutable_value().fill(0);
  CHECK(identical(module(Var(x.value().to(DType::f64))).value(), x.value().to(DType::f64) * 4.0));
  module.to(DType::f32);
  module.load_state(state);
  CHECK(identical(module(x).value(), before));
}

TEST_CASE("module: the gradient of a shared parameter is the sum over its uses") {
  Rng rng(1);
  Sharing module(rng);
  module.to(DType::f64);
  const Tensor x = normal({3, 2}, rng);
  sum(module(Var(x))).backward();
  // The derivative of x scale scale.
  CHECK(largest_difference(module.scale().grad().value(), sum(x, 0) * module.scale().value() * 2.0) <
        kTolerance);
  module.zero_grad();
  CHECK_FALSE(module.scale().grad().defined());
}

TEST_CASE("module: a name is taken once, by a parameter, a shared one or a part") {
  struct Twice : Module {
    Twice(const std::string& first, const std::string& second, Rng& rng) : Module("Twice"), part(2, 2, rng) {
      add(first, rng);
      add(second, rng);
    }
    void add(const std::string& kind_and_name, Rng& rng) {
      const std::string name = kind_and_name.substr(1);
      if (kind_and_name[0] == 'p') register_parameter(name, normal({2}, rng));
      if (kind_and_name[0] == 's') share_parameter(name, part.parameters()[0]);
      if (kind_and_name[0] == 'm') register_module(name, part);
    }
    Linear part;
  };
  Rng rng(1);
  for (const char* first : {"pa", "sa", "ma"})
    for (const char* second : {"pa", "sa", "ma"}) {
      INFO(first << " " << second);
      CHECK(thrown<ConfigError>([&] { const Twice module(first, second, rng); }) ==
            "ConfigError: Twice: \"a\" cannot be the name of another parameter or part\n"
            "  requires a name of its own, not empty and without a dot");
    }
  for (const char* bad : {"s", "p", "m", "sa.b"}) CHECK_THROWS_AS(Twice("pa", bad, rng), ConfigError);
}

TEST_CASE("module: an error names the path of the module and the parameter") {
  Rng rng(1), draws(2);
  Tower tower(rng);
  const Var x(Tensor::zeros({4, 5}));
  CHECK(thrown<ShapeError>([&] { tower(x, draws); }) ==
        "ShapeError: linear: inner extents differ: x is [4, 5], w is [3, 3]\n"
        "  requires x.shape[-1] == w.shape[0], got 5 and 3\n"
        "  x: a tensor    w: parameter \"first.map.weight\"\n"
        "  in: Tower / first / map (Linear 3 -> 3)");
  // The path is that of the call, so what fails later outside the model names none.
  CHECK_THAT(thrown<ShapeError>([&] { matmul(x, x); }), !ContainsSubstring("in:"));
}

}  // namespace heed::tests
