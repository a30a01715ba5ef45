// Checkpoints: the bits of the computation without them, and less memory.
#include "autograd/checkpoint.h"

#include <memory>
#include <stdexcept>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/hooks.h"
#include "autograd/inspect/trace.h"
#include "autograd/ops.h"
#include "core/elementwise.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

using In = std::span<const Var>;
using Outputs = std::vector<Var>;

// A network with a residual block that is used again and again, so that every gradient is a sum of many parts,
// and a way around all blocks. `block_of` runs the block, with a checkpoint or without.
struct Network {
  explicit Network(DType dtype = DType::f32) {
    Rng rng(5);
    const auto parameter = [&](const char* name, const Shape& shape) {
      return Var::parameter(Tensor::normal(shape, 0, 0.5, rng, dtype), name);
    };
    x = parameter("x", {6, 8});
    w = parameter("w", {8, 12});
    v = parameter("v", {12, 8});
  }
  Var block(const Var& in) const { return in + matmul(tanh(matmul(in, w)), v) * 0.5; }
  template <class BlockOf>
  Var loss(BlockOf block_of) const {
    Var y = x * 1.5;
    for (int i = 0; i < 4; ++i) y = block_of(y);
    return sum(square(y + x)) + sum(w * w);
  }
  std::vector<Var> leaves() const { return {x, w, v}; }

  Var x, w, v;
};

// The values and gradients of a loss, and gradients of it by grad().
std::vector<Tensor> differentiated(const Network& net, const Var& loss) {
  std::vector<Tensor> all{loss.value()};
  for (const Var& gradient : grad(std::span(&loss, 1), net.leaves(), {.retain_graph = true}))
    all.push_back(gradient.value());
  loss.backward();
  for (const Var& leaf : net.leaves()) all.push_back(leaf.grad().value());
  return all;
}

bool all_identical(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!identical(a[i], b[i])) return false;
  return true;
}

TEST_CASE(
    "checkpoint: values and gradients have the bits of the plain computation, of captured parameters too") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Network plain(dtype), kept(dtype);
    const auto expected = differentiated(plain, plain.loss([&](const Var& y) { return plain.block(y); }));
    int runs = 0;
    const auto block = [&](const Var& y) {
      ++runs;
      return kept.block(y);
    };
    const auto got = differentiated(kept, kept.loss([&](const Var& y) { return checkpoint(block, y); }));
    CHECK(all_identical(got, expected));
    CHECK(runs == 4 + 4 + 4);  // forward, grad() and backward()
  }
}

TEST_CASE("checkpoint: checkpoints in checkpoints have the same bits") {
  const Network plain, kept;
  const auto expected =
      differentiated(plain, plain.loss([&](const Var& y) { return plain.block(plain.block(plain.block(y))); }));
  const auto block = [&](const Var& y) { return kept.block(y); };
  const auto two = [&](const Var& y) { return checkpoint(block, checkpoint(block, y)); };
  const auto three = [&](const Var& y) { return kept.block(checkpoint(two, y)); };
  CHECK(all_identical(differentiated(kept, kept.loss([&](const Var& y) { return checkpoint(three, y); })),
                      expected));
}

TEST_CASE("checkpoint: gradients that add up in place inside a function are no changed values") {
  // The gradient of the middle arrives along the way around the second block, unshared, and grows.
  const Network plain, kept;
  const auto expected =
      differentiated(plain, plain.loss([&](const Var& y) { return plain.block(plain.block(y)); }));
  const auto two = [&](const Var& y) { return kept.block(kept.block(y)); };
  CHECK(all_identical(differentiated(kept, kept.loss([&](const Var& y) { return checkpoint(two, y); })),
                      expected));
}

TEST_CASE("checkpoint: grad() of some inputs runs again only what lies on the way to them") {
  const Var x = leaf({0.5, -1}), w = leaf({2, 3});
  int first_runs = 0, second_runs = 0;
  const Var a = checkpoint(
      [&](const Var& in) {
        ++first_runs;
        return tanh(in);
      },
      x);
  const Var b = checkpoint(
      [&](const Var& in) {
        ++second_runs;
        return tanh(in * w);
      },
      a);
  const Var plain = tanh(tanh(x) * w);
  CHECK(numbers(grad(sum(b), {w}, {.retain_graph = true})[0]) ==
        numbers(grad(sum(plain), {w}, {.retain_graph = true})[0]));
  CHECK(first_runs == 1);
  CHECK(second_runs == 2);
  CHECK(numbers(grad(sum(b), {x})[0]) == numbers(grad(sum(plain), {x})[0]));
  CHECK(first_runs == 2);
  const Var other = leaf({1});
  CHECK_FALSE(
      grad(sum(checkpoint([](const Var& in) { return in * in; }, x)), {other}, {.allow_unused = true})[0]
          .defined());
}

TEST_CASE("checkpoint: what is captured counts once, though one captured Var comes of another") {
  const auto run = [](bool kept) {
    const Var b = leaf({0.3, 0.7}), x = leaf({2, 5});
    const Var a = tanh(b);  // a result that the function takes from outside, as it takes b
    const auto f = [a, b](const Var& in) { return in * a * b * a; };
    const Var y = kept ? checkpoint(f, x) : f(x);
    sum(y * a).backward();
    return Outputs{b.grad(), x.grad()};
  };
  const Outputs kept = run(true), plain = run(false);
  CHECK(numbers(kept[0]) == numbers(plain[0]));
  CHECK(numbers(kept[1]) == numbers(plain[1]));
}

TEST_CASE("checkpoint: a function of constants that captures a parameter is differentiated") {
  const Var w = leaf({2, 3}, "w");
  const Var y = checkpoint([&](const Var& in) { return in * w; }, constant({5, 7}));
  CHECK(std::string(y.operation()) == "checkpoint");
  sum(y).backward();
  CHECK(numbers(w.grad()) == Numbers{5, 7});
}

TEST_CASE("checkpoint: dropout draws the same again, and the generator moves on as without") {
  const auto run = [](bool kept) {
    const Network net;
    Rng rng(9);
    const auto block = [&net](const Var& in, Rng& random) { return dropout(net.block(in), 0.4, random); };
    Var loss;
    {
      Rng here = rng;  // gone when the backward comes
      loss = net.loss([&](const Var& y) { return kept ? checkpoint(block, y, here) : block(y, here); });
      rng = here;
    }
    std::vector<Tensor> all = differentiated(net, loss);
    all.push_back(Tensor::scalar(rng.uniform(), DType::f64));
    return all;
  };
  CHECK(all_identical(run(true), run(false)));
}

TEST_CASE("checkpoint: create_graph gives gradients of the same bits, and their derivatives up to rounding") {
  const auto run = [](bool kept) {
    const Network net(DType::f64);
    const Var loss = net.loss([&](const Var& y) {
      return kept ? checkpoint([&](const Var& in) { return net.block(in); }, y) : net.block(y);
    });
    const std::vector<Var> slopes = grad(loss, {net.x, net.w}, {.create_graph = true});
    (sum(square(slopes[0])) + sum(square(slopes[1]))).backward();
    std::vector<Tensor> all{slopes[0].value(), slopes[1].value()};
    for (const Var& leaf : net.leaves()) all.push_back(leaf.grad().value());
    return all;
  };
  const std::vector<Tensor> kept = run(true), plain = run(false);
  CHECK(identical(kept[0], plain[0]));
  CHECK(identical(kept[1], plain[1]));
  // Sums in another order, of values up to 5000.
  for (std::size_t i = 2; i < 5; ++i) CHECK(largest_difference(kept[i], plain[i]) < 1e-9);
}

TEST_CASE("checkpoint: first and second derivatives are difference quotients, of fused operations too") {
  const std::vector<Var> inputs{leaf({0.3, -0.8, 0.5}), leaf({1, 0.5, -2}), leaf({0.2, 0.1, 0})};
  const Differentiable f = [](In in) {
    return checkpoint(
        [b = in[2]](In all) {
          return Outputs{softmax(all[0] * all[1]), layer_norm(all[0], all[1], b, 0.1)};
        },
        in.first(2));
  };
  CHECK(gradcheck(f, inputs).checked == 9);
  CHECK(gradcheck(f, inputs));
  CHECK(gradgradcheck(f, inputs));
}

TEST_CASE("checkpoint: a function may differentiate something itself") {
  // The slope of tanh(w x) with respect to x, as in a gradient penalty.
  const auto slope = [](const Var& w) {
    return [w](const Var& x) {
      return vjp([&](const Var& at) { return tanh(w * at); }, x, Var(Tensor::ones(x.shape(), DType::f64)),
                 {.create_graph = true})
          .second;
    };
  };
  const Var w = leaf({0.5, 2}), x = leaf({0.3, -0.4});
  const std::vector<Var> plain = grad(sum(slope(w)(x)), {w, x});
  const std::vector<Var> kept = grad(sum(checkpoint(slope(w), x)), {w, x});
  CHECK(numbers(kept[0]) == numbers(plain[0]));
  CHECK(numbers(kept[1]) == numbers(plain[1]));
}

// ---- memory

// Large enough that nodes count for nothing beside a value; with the header of its storage it fills a block.
constexpr std::int64_t kElements = (1 << 16) - 8, kValueBytes = (1 << 16) * 8;

std::int64_t values_since(std::int64_t before) {
  return (bytes_in_use() - before + kValueBytes / 2) / kValueBytes;
}

TEST_CASE("checkpoint: keeps its inputs, and in the backward what one function keeps") {
  const Var x = Var::parameter(Tensor::full({kElements}, 0.5, DType::f64));
  const auto eight = [](const Var& in) {
    Var y = in;
    for (int i = 0; i < 8; ++i) y = tanh(y);
    return y;
  };
  const std::int64_t before = bytes_in_use();
  {
    Var y = x;
    for (int i = 0; i < 8; ++i) y = eight(y);
    CHECK(values_since(before) == 64);
  }
  Var y = x;
  pool::reset_peak();
  for (int i = 0; i < 8; ++i) y = checkpoint(eight, y);
  CHECK(values_since(before) == 8);
  CHECK(pool::statistics().peak_bytes - before < 11 * kValueBytes);
  y = sum(y);
  CHECK(values_since(before) == 7);  // the last one is no input
  pool::reset_peak();
  y.backward();
  CHECK(pool::statistics().peak_bytes - before < (7 + 8 + 5) * kValueBytes);
  CHECK(values_since(before) == 1);  // the gradient
}

TEST_CASE("checkpoint: after everything has gone, every byte is given back") {
  const std::int64_t before = bytes_in_use();
  {
    const Network net;
    const auto block = [&](const Var& in) { return net.block(in); };
    const auto of_two = [&](const Var& in) { return checkpoint(block, checkpoint(block, in)); };
    const Var loss = net.loss([&](const Var& y) { return checkpoint(of_two, y); });
    grad(loss, {net.x}, {.create_graph = true});
    loss.backward();
    net.loss([&](const Var& y) { return checkpoint(of_two, y); });  // never differentiated
  }
  CHECK(bytes_in_use() == before);
}

TEST_CASE("checkpoint: a chain of many is differentiated and dies without recursion") {
  const std::int64_t before = bytes_in_use();
  {
    const Var x = scalar_leaf(1);
    Var y = x;
    for (int i = 0; i < 20'000; ++i) y = checkpoint([](const Var& in) { return in + 1.0; }, y);
    y.backward({.retain_graph = true});
    CHECK(x.grad().item() == 1);
  }
  CHECK(bytes_in_use() == before);
}

// ---- a sequence in chunks of time

struct Sequence {
  Sequence() {
    Rng rng(8);
    const auto parameter = [&](const Shape& shape) {
      return Var::parameter(Tensor::normal(shape, 0, 0.3, rng, DType::f64));
    };
    x = parameter({4, 64, 8});
    weights = {parameter({8, 64}), parameter({16, 64}), parameter({64})};
  }
  // All h, `chunk` steps at a time.
  Var run(std::int64_t chunk, bool kept) const {
    std::vector<Var> hs;
    Var h(Tensor::zeros({4, 16}, DType::f64)), c = h;
    const auto step = [this](In in) {
      const LstmOutput out = lstm(in[0], {in[1], in[2]}, weights);
      return Outputs{out.hs, out.state.h, out.state.c};
    };
    for (std::int64_t t = 0; t < x.extent(1); t += chunk) {
      const std::array in{slice(x, 1, t, t + chunk), h, c};
      const Outputs out = kept ? checkpoint(step, in) : step(in);
      hs.push_back(out[0]);
      h = out[1];
      c = out[2];
    }
    return concat(hs, 1);
  }
  std::vector<Var> leaves() const { return {x, weights.wx, weights.wh, weights.bias}; }

  Var x;
  LstmWeights weights;
};

TEST_CASE(
    "checkpoint: an LSTM in chunks has the bits of the chunks, the gradient of the whole, and keeps less") {
  const Sequence sequence;
  std::vector<std::int64_t> kept;
  std::vector<std::vector<Var>> gradients;
  const auto differentiate = [&](std::int64_t chunk, bool checkpoints) {
    const std::int64_t before = bytes_in_use();
    const Var loss = sum(square(sequence.run(chunk, checkpoints)));
    kept.push_back(bytes_in_use() - before);
    gradients.push_back(grad(std::span(&loss, 1), sequence.leaves()));
  };
  differentiate(64, false);
  differentiate(8, false);
  differentiate(8, true);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(identical(gradients[2][i].value(), gradients[1][i].value()));
    CHECK(largest_difference(gradients[2][i].value(), gradients[0][i].value()) < 1e-12);
  }
  CHECK(2 * kept[2] < kept[0]);
}

// ---- around it

TEST_CASE("checkpoint: hooks on what it captures, takes and gives run once, with the complete gradient") {
  const auto run = [](bool kept) {
    std::vector<Numbers> seen;
    const auto watch = [&](const Var& var) {
      add_hook(var, [&](const Var& dy) {
        seen.push_back(numbers(dy));
        return dy * 2.0;
      });
    };
    const Var x = leaf({0.5, 2}), w = leaf({3, 4});
    const Var in = x * 1.0;
    const auto f = [&](const Var& a) { return tanh(a * w) * w + a; };
    const Var y = kept ? checkpoint(f, in) : f(in);
    watch(w);
    watch(in);
    watch(y);
    sum(y * w + in).backward();
    seen.push_back(numbers(x.grad()));
    seen.push_back(numbers(w.grad()));
    return seen;
  };
  CHECK(run(true).size() == 5);
  CHECK(run(true) == run(false));
}

TEST_CASE("checkpoint: the gradient of a named output is kept, and retain_graph allows another backward") {
  const Var x = leaf({2, 3});
  int runs = 0;
  Var y = checkpoint(
      [&](const Var& in) {
        ++runs;
        return in * in;
      },
      x);
  y.named("squares");
  const Var loss = sum(y * y);
  loss.backward({.retain_graph = true});
  CHECK(numbers(y.grad()) == Numbers{8, 18});
  loss.backward();
  CHECK(numbers(x.grad()) == Numbers{64, 216});
  CHECK(runs == 3);
  CHECK(first_line<GraphError>([&] { loss.backward(); }) ==
        "GraphError: backward: the graph behind sum was freed by an earlier backward");
  CHECK(first_line<GraphError>([&] { sum(y).backward(); }) ==
        "GraphError: backward: the graph behind checkpoint was freed by an earlier backward");
}

TEST_CASE("checkpoint: of several outputs any may be used, and one may be what came in, or a constant") {
  const Var x = leaf({2, 3}), w = leaf({5, 7});
  const auto f = [&](In in) { return Outputs{in[0] * in[0], in[0], w, constant({1, 2}), in[0] * w}; };
  const auto outputs = [&] { return checkpoint(f, std::span(&x, 1)); };
  CHECK(numbers(grad(sum(outputs()[0]), {x})[0]) == Numbers{4, 6});
  CHECK(numbers(grad(sum(outputs()[1]), {x})[0]) == Numbers{1, 1});
  CHECK(numbers(grad(sum(outputs()[2]), {w})[0]) == Numbers{1, 1});
  CHECK(numbers(grad(sum(outputs()[4]), {w})[0]) == Numbers{2, 3});
  const Outputs all = outputs();
  CHECK(numbers(all[3]) == Numbers{1, 2});
  backward({sum(all[0]), sum(all[1]), sum(all[2]), sum(all[3]), sum(all[4])});
  CHECK(numbers(x.grad()) == Numbers{4 + 1 + 5, 6 + 1 + 7});
  CHECK(numbers(w.grad()) == Numbers{1 + 2, 1 + 3});
}

TEST_CASE("checkpoint: where nothing is recorded it runs the function and keeps nothing") {
  const auto token = std::make_shared<int>();
  const auto f = [token](const Var& in) { return tanh(in); };
  const Var x = leaf({2});
  const Var of_constant = checkpoint(f, constant({2}));
  CHECK_FALSE(of_constant.requires_grad());
  {
    const NoGrad no_grad;
    CHECK_FALSE(checkpoint(f, x).requires_grad());
  }
  CHECK(token.use_count() == 2);
  const Var y = checkpoint(f, x);
  CHECK(token.use_count() > 2);
  sum(y).backward();
  CHECK(token.use_count() == 2);
}

TEST_CASE("checkpoint: is_running_again() tells the second run from the first") {
  std::vector<bool> told;
  const Var y = checkpoint(
      [&](const Var& in) {
        told.push_back(is_running_again());
        return in * in;
      },
      leaf({2}));
  sum(y).backward();
  CHECK(told == std::vector<bool>{false, true});
  CHECK_FALSE(is_running_again());
}

TEST_CASE("checkpoint: a trace sees it as an operation, with the gradient of its output") {
  for (const bool of_rules : {false, true}) {
    Trace trace({.of_rules = of_rules});
    const Var x = leaf({2, 3}, "x");
    const Var y = checkpoint([](const Var& in) { return tanh(in) * in; }, x);
    sum(y * 3.0).backward();
    const TracedValue& traced = trace.values()[trace.place_of(y)];
    CHECK(std::string(trace.operation_of(traced)->name) == "checkpoint");
    CHECK(traced.gradient.to_vector() == Numbers{3, 3});
    CHECK(identical(trace.values()[trace.place_of(x)].gradient, x.grad().value()));
  }
}

// ---- faults

TEST_CASE("checkpoint: a function that computes something else when it runs again is found") {
  const Var x = Var::parameter(Tensor::ones({40}, DType::f64));
  const std::string requirement =
      "\n  requires a function that computes the same when it runs again; random numbers come from the "
      "generator "
      "that it is given\n  called at tests/autograd/checkpoint_test.cpp:";
  int calls = 0;
  const auto message = [&](const Differentiable& f) {
    calls = 0;
    const int line = __LINE__ + 1;
    const Outputs y = checkpoint(f, std::span(&x, 1));
    const std::string got = thrown<GraphError>([&] { sum(y[0]).backward(); });
    const std::size_t first = got.find('\n');
    CHECK(got.substr(first) == requirement + std::to_string(line));
    return got.substr(0, first);
  };
  CHECK(message([&](In in) { return Outputs{slice(in[0], 0, calls++, 40)}; }) ==
        "GraphError: checkpoint: output 0 is f64 [39] when computed again, and was f64 [40]");
  CHECK(message([&](In in) { return Outputs(static_cast<std::size_t>(++calls), in[0] * 2.0); }) ==
        "GraphError: checkpoint: the function returned 2 outputs when run again, and 1 before");
  Rng rng(1);
  CHECK(message([&](In in) { return Outputs{dropout(in[0], 0.5, rng)}; }) ==
        "GraphError: checkpoint: output 0 [40] has other values when computed again");
  CHECK(thrown<GraphError>([&] { checkpoint([](const Var&) { return Var(); }, x); }) ==
        "GraphError: checkpoint: output 0 of the function is undefined");
}

TEST_CASE("checkpoint: what was changed in place since is found, inputs and captured Vars") {
  Var x = leaf({1, 2}, "x"), w = leaf({3, 4}, "w");
  const auto y = [&] { return sum(checkpoint([&](const Var& in) { return in * w; }, x)); };
  const auto changed = [](const char* name) {
    return text("GraphError: backward: parameter \"", name,
                "\" [2] was changed in place after checkpoint had saved it");
  };
  const Var one = y();
  x.mutable_value().fill(5);
  CHECK(first_line<GraphError>([&] { one.backward(); }) == changed("x"));
  const Var other = y();
  w.mutable_value().fill(5);
  CHECK(first_line<GraphError>([&] { other.backward(); }) == changed("w"));
}

TEST_CASE("checkpoint: one that throws when it runs again leaves graph and engine usable") {
  const Var x = leaf({2});
  bool fail = true;
  const Var y = checkpoint(
      [&](const Var& in) {
        if (is_running_again() && fail) throw std::runtime_error("no");
        return in * in;
      },
      x);
  const Var loss = sum(y * y);
  CHECK_THROWS_AS(loss.backward({.retain_graph = true}), std::runtime_error);
  CHECK_FALSE(is_running_again());
  CHECK(is_recording());
  fail = false;
  loss.backward();
  CHECK(numbers(x.grad()) == Numbers{32});
}

}  // namespace
}  // namespace heed::tests
