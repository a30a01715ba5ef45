#include "autograd/profile/flops.h"

#include <set>
#include <string>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/autograd/op_table.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

// What is counted of all that is computed while it lives, in rules too.
struct Counter : Observer {
  void recorded(const Recorded& operation) override {
    if (operation.index > 0) return;
    const std::string name = operation.output.operation();
    const auto flops = flops_of(operation);
    if (!flops) unknown.insert(name);
    all += flops.value_or(0);
    if (name.find("matmul") != std::string::npos) products += *flops;
    of_rules += flops_of_fused_rules(operation).value_or(0);
  }
  std::set<std::string> unknown;
  std::int64_t all = 0, products = 0, of_rules = 0;
};

Var normal(const Shape& shape) {
  Rng rng(1);
  return Var::parameter(Tensor::normal(shape, 0, 1, rng));
}

template <class Run>
std::int64_t count_flops(Run run) {
  const Counter counter;
  run();
  CHECK(counter.unknown.empty());
  return counter.all;
}

TEST_CASE("flops: of every operation in the table of gradient checks, and of its rules, they are known") {
  Counter counter;
  for (const OpRow& row : op_table()) {
    const std::vector<Var> inputs = draw_inputs(row, 1);
    std::vector<Var> outputs;
    for (const Var& output : row.function(inputs))
      if (output.requires_grad()) outputs.push_back(sum(output));
    grad(outputs, inputs, {.create_graph = row.second_order, .allow_unused = true});
  }
  CHECK(counter.unknown == std::set<std::string>{});
  CHECK(counter.all > 0);
}

TEST_CASE("flops: of an operation that the table has not there are none") {
  struct Custom : Observer {
    void recorded(const Recorded& operation) override { known = flops_of(operation).has_value(); }
    bool known = true;
  } custom;
  const Var x = leaf({1, 2});
  record("twice", x.value() + x.value(), wrt(x, [](const Var& dy) { return dy + dy; }));
  CHECK_FALSE(custom.known);
}

TEST_CASE("flops: products are counted by hand") {
  CHECK(count_flops([] { matmul(normal({3, 4}), normal({4, 5})); }) == 2 * 3 * 4 * 5);
  CHECK(count_flops([] { matmul(normal({7, 1, 3, 4}), normal({2, 4, 5})); }) == 7 * 2 * 2 * 3 * 4 * 5);
  CHECK(count_flops([] { matmul_transposed(normal({3, 4}), normal({5, 4})); }) == 2 * 3 * 4 * 5);
  CHECK(count_flops([] { transposed_matmul(normal({2, 4, 3}), normal({4, 5})); }) == 2 * 2 * 3 * 4 * 5);
  CHECK(count_flops([] { linear(normal({6, 2, 4}), normal({4, 5}), Var()); }) == 12 * 2 * 4 * 5);
  CHECK(count_flops([] { linear(normal({6, 2, 4}), normal({4, 5}), normal({5})); }) == 12 * (2 * 4 * 5 + 5));
  // b, i and j of the result, k summed over.
  CHECK(count_flops([] {
          einsum("bik,bkj->bij", {normal({2, 3, 4}), normal({2, 4, 5})});
        }) == 2 * 2 * 3 * 4 * 5);
}

TEST_CASE("flops: elementwise operations count elements of the result, sums those of x, moves nothing") {
  CHECK(count_flops([] { normal({3, 1}) * normal({4}); }) == 12);
  CHECK(count_flops([] { gelu(normal({3, 4})); }) == 12);
  CHECK(count_flops([] { sum(normal({3, 4}), 0); }) == 12);
  CHECK(count_flops([] { mean(normal({3, 4}), 0); }) == 12 + 4);  // and the product with 1 / 3
  CHECK(count_flops([] { concat({transpose(normal({3, 4})), reshape(normal({12}), {4, 3})}, 0); }) == 0);
  CHECK(count_flops([] { softmax(normal({3, 4})); }) == 5 * 12);
  CHECK(count_flops([] { layer_norm(normal({3, 4}), normal({4}), normal({4}), 1e-5); }) == 7 * 12);
}

TEST_CASE("flops: attention counts its scores, their softmax and the product with the values") {
  const std::int64_t heads = 6, T = 3, S = 5, d = 4, e = 2;
  const Var q = normal({2, 3, T, d}), k = normal({2, 3, S, d}), v = normal({2, 3, S, e});
  const Counter counter;
  attention(q, k, v);
  CHECK(counter.all == heads * T * S * (2 * d + 2 * e + 6));
  const std::int64_t fused = counter.all, of_rules = counter.of_rules;
  // The definition, with the scale as an operation.
  CHECK(count_flops([&] { definition::attention(q, k, v); }) == fused);
  // Of the rules of the definition the same products, and the scores again.
  const Var y = sum(definition::attention(q, k, v));
  const Counter backward;
  y.backward();
  CHECK(of_rules == backward.products + heads * T * S * (2 * d + 6) + 2 * heads * T * e);
}

// A fused network and its definition: the products are the same, forward and backward.
template <class Fused, class Definition>
void compare_products(std::int64_t units, std::int64_t functions, std::int64_t of_rules, Fused fused,
                      Definition definition) {
  Counter counter;
  fused();
  CHECK(counter.unknown.empty());
  const std::int64_t forward = counter.all, backward = counter.of_rules;
  counter.products = 0;
  const Var loss = sum(definition());
  CHECK(forward == counter.products + units * functions);
  counter.products = 0;
  loss.backward();
  CHECK(backward == counter.products + units * of_rules);
}

TEST_CASE("flops: fused recurrent networks count the products of their definitions, forward and backward") {
  const std::int64_t B = 2, T = 4, D = 3, H = 5, units = B * T * H;
  const Var x = normal({B, T, D}), h = normal({B, H}), c = normal({B, H}), bias = normal({H});
  const auto wx = [&](std::int64_t gates) { return normal({D, gates * H}); };
  const auto wh = [&](std::int64_t gates) { return normal({H, gates * H}); };
  const LstmWeights lstm_weights{wx(4), wh(4), normal({4 * H})};
  const GruWeights gru_weights{wx(3), wh(3), normal({3 * H}), {}};
  const RnnWeights rnn_weights{wx(1), wh(1), bias};
  compare_products(
      units, 17, 26,
      [&] {
        lstm(x, {h, c}, lstm_weights);
      },
      [&] {
        return definition::lstm(x, {h, c}, lstm_weights).hs;
      });
  compare_products(
      units, 14, 21, [&] { gru(x, h, gru_weights); }, [&] { return definition::gru(x, h, gru_weights).hs; });
  compare_products(
      units, 3, 4, [&] { rnn(x, h, rnn_weights); }, [&] { return definition::rnn(x, h, rnn_weights).hs; });
}

}  // namespace
}  // namespace heed::tests
