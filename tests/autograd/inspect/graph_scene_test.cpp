#include "autograd/inspect/graph_scene.h"

#include <algorithm>
#include <set>
#include <string>

#include "tests/autograd/graph_testing.h"
#include "tests/autograd/inspect/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

using drawing::Arrow;
using drawing::Item;
using drawing::kNone;
using drawing::Scene;
using drawing::scene_of;
using drawing::Use;

std::vector<std::string> names_of(const Scene& scene, std::size_t group) {
  std::vector<std::string> names;
  for (const std::size_t part : scene.items[group].parts) names.push_back(scene.items[part].name);
  return names;
}

// The item with that name in a group.
std::size_t part_named(const Scene& scene, std::size_t group, const std::string& name) {
  for (const std::size_t part : scene.items[group].parts)
    if (scene.items[part].name == name) return part;
  FAIL("there is no " << name);
  return 0;
}

using Names = std::vector<std::string>;

TEST_CASE("graph scene: AttentionSeq2seq is at first a handful of boxes, and modules hold what ran in them") {
  const auto trace = traced_seq2seq();
  const Scene scene = scene_of(*trace);
  CHECK(names_of(scene, 0) == Names{"encoder", "decoder", "cross_entropy", "sum", "multiply"});
  const std::size_t decoder = part_named(scene, 0, "decoder");
  CHECK(names_of(scene, decoder) == Names{"embed", "lstm", "attention", "concat", "affine"});
  CHECK(names_of(scene, part_named(scene, decoder, "affine")) == Names{"linear", "weight", "bias"});
  CHECK(scene.items[decoder].path == "decoder");
  CHECK(scene.items[decoder].operations == 7);
}

TEST_CASE("graph scene: the layers of a transformer are named with what they are layers of") {
  const auto trace = traced_transformer();
  const Scene scene = scene_of(*trace);
  CHECK(names_of(scene, 0) == Names{"source_embedding", "encoder", "target_embedding", "decoder", "out",
                                    "cross_entropy", "sum", "multiply"});
  CHECK(names_of(scene, part_named(scene, 0, "encoder")) == Names{"encoder.0", "encoder.1", "norm"});
}

TEST_CASE("graph scene: what runs again and again is a loop of a first step and the others") {
  const auto trace = traced_loop(30);
  const Scene scene = scene_of(*trace);
  CHECK(names_of(scene, 0) == Names{"loop", "square", "sum"});
  const std::size_t loop = scene.items[0].parts[0];
  CHECK(scene.items[loop].repeats == 30);
  CHECK(names_of(scene, loop) == Names{"step 1", "steps 2–30", "constant", "wx", "wh"});
  const std::size_t rest = part_named(scene, loop, "steps 2–30");
  CHECK(scene.items[rest].repeats == 29);
  CHECK(names_of(scene, rest) == Names{"steps 2–11", "steps 12–21", "steps 22–30"});
  CHECK(names_of(scene, part_named(scene, rest, "steps 22–30")).size() == 9);
  CHECK(names_of(scene, part_named(scene, loop, "step 1")) ==
        Names{"slice", "reshape", "matmul", "matmul", "add", "tanh", "constant"});
}

TEST_CASE("graph scene: a loop in a loop is found; three times is no loop") {
  const Var x = leaf({1, 2});
  Trace trace;
  Var y = x;
  for (int i = 0; i < 5; ++i) {
    y = exp(y);
    for (int j = 0; j < 8; ++j) y = tanh(y);
  }
  for (int i = 0; i < 3; ++i) {
    y = square(y);
    y = sigmoid(y);
    y = exp(y);
  }
  const Scene scene = scene_of(trace);
  CHECK(names_of(scene, 0) ==
        Names{"loop", "square", "sigmoid", "exp", "square", "sigmoid", "exp", "square", "sigmoid", "exp"});
  const std::size_t step = part_named(scene, scene.items[0].parts[0], "step 1");
  CHECK(names_of(scene, step) == Names{"exp", "tanh", "parameter"});
  CHECK(scene.items[scene.items[step].parts[1]].repeats == 8);
}

TEST_CASE("graph scene: each call of a module is one of its own") {
  struct Cell : Module {
    Cell() : Module("Cell") {}
    Var operator()(const Var& x) const {
      const ErrorFrame frame = enter();
      return tanh(exp(x));
    }
  };
  struct Stack : Module {
    Stack() : Module("Stack") { register_module("cell", cell); }
    Cell cell;
  } stack;
  const Var x = leaf({1, 2});
  Trace twice;
  stack.cell(stack.cell(x));
  CHECK(names_of(scene_of(twice), 0) == Names{"cell", "cell"});
  twice.stop();
  Trace often;
  Var y = x;
  for (int i = 0; i < 9; ++i) y = stack.cell(y);
  const Scene scene = scene_of(often);
  CHECK(names_of(scene, 0) == Names{"cell"});
  CHECK(scene.items[scene.items[0].parts[0]].kind == Item::Kind::loop);
  CHECK(names_of(scene, scene.items[0].parts[0]) == Names{"cell 1", "steps 2–9"});
}

TEST_CASE("graph scene: of a graph that was there before the trace the modules are known by their paths") {
  Rng rng(1);
  const AttentionSeq2seq model({.vocabulary = 12, .embedding = 4, .hidden = 8}, rng);
  const Tensor ids = drawn_ids({2, 5}, 12, rng);
  const Var loss = cross_entropy(model({ids, {}}, {ids, {}}), ids);
  Trace trace;
  trace.add_graph(loss);
  const Scene scene = scene_of(trace);
  CHECK(names_of(scene, 0) == Names{"encoder", "decoder", "cross_entropy", "sum", "multiply"});
  CHECK(names_of(scene, part_named(scene, 0, "encoder")) == Names{"embed", "lstm"});
}

TEST_CASE("graph scene: a leaf is in the innermost group around all that use it") {
  const auto trace = traced_loop(30);
  const Scene scene = scene_of(*trace);
  const std::size_t loop = scene.items[0].parts[0];
  for (std::size_t i = 0; i < scene.items.size(); ++i)
    if (scene.items[i].kind == Item::Kind::leaf && scene.items[i].name == "wh")
      CHECK(scene.items[i].around == loop);
}

// The item that a use ends at, following its arrows from what made the value; kNone when they are broken.
std::size_t followed(const Scene& scene, std::size_t source, const std::vector<std::size_t>& arrows) {
  std::set<std::size_t> left(arrows.begin(), arrows.end());
  std::size_t at = source;
  while (!left.empty()) {
    const auto next = std::find_if(left.begin(), left.end(), [&](std::size_t number) {
      const Arrow& arrow = scene.arrows[number];
      return arrow.from == at || arrow.out_of == at;
    });
    if (next == left.end()) return kNone;
    const Arrow& arrow = scene.arrows[*next];
    // Into a group by its gate; at the border of one out of it, where the next arrow names the gate.
    at = arrow.into != kNone ? arrow.into : arrow.to;
    left.erase(next);
  }
  return at;
}

TEST_CASE("graph scene: the arrows of every use lead from what made the value to what uses it") {
  for (const auto& trace : {traced_seq2seq(), traced_transformer(), traced_loop(30)}) {
    const Scene scene = scene_of(*trace);
    std::vector<std::vector<std::vector<std::size_t>>> arrows_of(trace->operations().size());
    for (std::size_t i = 0; i < arrows_of.size(); ++i)
      arrows_of[i].resize(trace->operations()[i].operands.size());
    for (std::size_t number = 0; number < scene.arrows.size(); ++number)
      for (const Use& use : scene.arrows[number].uses) arrows_of[use.operation][use.operand].push_back(number);
    for (std::size_t i = 0; i < arrows_of.size(); ++i)
      for (std::size_t k = 0; k < arrows_of[i].size(); ++k) {
        const std::size_t place = trace->operations()[i].operands[k];
        if (place == kNone) continue;
        const TracedValue& value = trace->values()[place];
        const std::size_t source =
            value.operation == 0 ? scene.of_value[place] : scene.of_operation[value.operation - 1];
        CHECK(followed(scene, source, arrows_of[i][k]) == scene.of_operation[i]);
      }
    for (const Arrow& arrow : scene.arrows) {
      CHECK(scene.items[arrow.from].around == arrow.group);
      CHECK((arrow.out_of != kNone) == scene.items[arrow.from].is_group());
      CHECK((arrow.into != kNone) == scene.items[arrow.to].is_group());
    }
  }
}

TEST_CASE(
    "graph scene: no group has too many parts, every operation is in it once, parts are in order of time") {
  const Var x = leaf({1, 2});
  Trace trace;
  Var y = x;
  // Ten thousand operations in which nothing repeats for long.
  Rng rng(7);
  for (int i = 0; i < 10'000; ++i) {
    const double choice = rng.uniform();
    y = choice < 0.25 ? tanh(y) : choice < 0.5 ? sigmoid(y) : choice < 0.75 ? square(y) : y + x;
  }
  const Scene scene = scene_of(trace);
  std::size_t operations = 0, last = 0;
  for (const Item& item : scene.items) {
    CHECK(item.parts.size() <= 61);  // and a leaf
    if (item.kind != Item::Kind::operation) continue;
    CHECK((operations == 0 || item.place == last + 1));
    last = item.place;
    ++operations;
  }
  CHECK(operations == 10'000);
}

TEST_CASE("graph scene: operations of gradient rules are not in it") {
  const Var x = leaf({1, 2});
  Trace trace({.of_rules = true});
  sum(square(x)).backward();
  CHECK(trace.operations().size() > 2);
  CHECK(scene_of(trace).items[0].operations == 2);
}

}  // namespace
}  // namespace heed::tests
