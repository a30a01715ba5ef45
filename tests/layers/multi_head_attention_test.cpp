#include "layers/multi_head_attention.h"

#include <cmath>

#include "autograd/ops.h"
#include "core/reduce.h"
#include "layers/attention_maps.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// A layer in f64 with parameters far from 0.
struct Layer {
  Rng rng{7};
  MultiHeadAttention attention;

  explicit Layer(const MultiHeadAttentionConfig& config) : attention(config, rng) {
    take_random_parameters(attention, rng);
  }
  // What `act` gives and the gradients of all parameters from a drawn cotangent.
  template <class Act>
  std::vector<Tensor> run(Act act) {
    const Var y = act();
    Rng cotangents(3);
    y.backward({.cotangent = Var(normal(y.shape(), cotangents))});
    std::vector<Tensor> all = take_gradients(attention);
    all.push_back(y.value().clone());
    return all;
  }
};

}  // namespace

TEST_CASE("multi-head attention: values, weights and all gradients are PyTorch's, under two masks") {
  const Fixture numbers("multi_head_attention");
  Rng rng(1);
  MultiHeadAttention layer({.width = 6, .heads = 2}, rng);
  take_parameters(layer, numbers);
  const Var query = leaf(numbers, "query"), keys = leaf(numbers, "keys"), values = leaf(numbers, "values");
  const Mask mask = Mask::block(numbers["blocked"].to(DType::boolean)) &
                    Mask::padding(numbers.ids("lengths"), 5);  // [B, T, S]
  const AttentionMaps maps;
  check_against(numbers, layer, layer(query, keys, values, mask),
                {{"query", query}, {"keys", keys}, {"values", values}});
  CHECK(largest_difference(maps[""].front(), numbers["weights"]) < kTolerance);
}

TEST_CASE("multi-head attention: a mask may differ from head to head") {
  Rng rng(2);
  MultiHeadAttention layer({.width = 6, .heads = 2, .bias = false}, rng);
  take_random_parameters(layer, rng);
  CHECK(layer.parameters().size() == 4);
  const Var x(normal({3, 4, 6}, rng));
  Tensor allowed = Tensor::full({1, 2, 4, 4}, 1, DType::boolean);
  allowed.select(1, 1).select(-1, 0).fill(0);  // the second head does not see the first position
  const AttentionMaps maps;
  layer(x, x, x, Mask::attend(allowed));
  const Tensor weights = maps[""].front();
  REQUIRE(weights.shape() == Shape{3, 2, 4, 4});
  CHECK(largest(weights.select(1, 1).select(-1, 0)) == 0);
  CHECK(min(weights.select(1, 0).select(-1, 0).reshape({-1}), 0).item() > 0);
  CHECK(largest_difference(sum(weights, -1), Tensor::ones({3, 2, 4}, DType::f64)) < 1e-12);
}

TEST_CASE("multi-head attention: heads that do not divide the width are an error, as are misshapen operands") {
  Rng rng(3);
  for (const std::int64_t heads : {0, 4, -1})
    CHECK_THAT(thrown<ConfigError>([&] { MultiHeadAttention({.width = 6, .heads = heads}, rng); }),
               ContainsSubstring("heads >= 1 that divide a width"));
  const MultiHeadAttention layer({.width = 6, .heads = 2}, rng);
  const auto zeros = [](const Shape& shape) { return Var(Tensor::zeros(shape)); };
  const Var x = zeros({2, 3, 6});
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(zeros({3, 6}), x, x);
             }),
             ContainsSubstring("in: MultiHeadAttention 6, 2 heads"));
  CHECK_THAT(thrown<ShapeError>([&] {
               layer(x, zeros({2, 3, 5}), x);
             }),
             ContainsSubstring("key (Linear 6 -> 6)"));
  CHECK_THROWS_AS(layer(x, zeros({1, 3, 6}), zeros({1, 3, 6})), ShapeError);
  CHECK_THROWS_AS(layer(x, x, zeros({2, 4, 6})), ShapeError);
}

TEST_CASE("multi-head attention: other widths of keys and values, no bias, a bias on the scores: PyTorch's") {
  const Fixture numbers("multi_head_attention_widths");
  Rng rng(1);
  MultiHeadAttention layer({.width = 6, .heads = 2, .bias = false, .key_width = 4, .value_width = 3}, rng);
  take_parameters(layer, numbers);
  CHECK(layer.parameters().size() == 4);
  const Var query = leaf(numbers, "query"), keys = leaf(numbers, "keys"), values = leaf(numbers, "values"),
            added = leaf(numbers, "added");
  const AttentionMaps maps;
  check_against(numbers, layer, layer(query, keys, values, {}, {.bias = added}),
                {{"query", query}, {"keys", keys}, {"values", values}, {"added", added}});
  CHECK(largest_difference(maps[""].front(), numbers["weights"]) < kTolerance);
}

TEST_CASE("multi-head attention: heads that share keys and values, of any width, with a scale: PyTorch's") {
  const Fixture numbers("grouped_attention");
  Rng rng(1);
  MultiHeadAttention layer(
      {.width = 6, .heads = 4, .key_value_heads = 2, .head_width = 3, .head_value_width = 2, .scale = 0.7},
      rng);
  take_parameters(layer, numbers);
  const Mask mask = Mask::padding(numbers.ids("lengths"), 5);
  for (const bool plainly : {false, true}) {  // a bias of 0 asks for the definition
    INFO("plainly " << plainly);
    layer.zero_grad();
    const Var x = leaf(numbers, "x"), memory = leaf(numbers, "memory");
    const AttentionPass pass{.bias = plainly ? Var(Tensor::zeros({3, 5}, DType::f64)) : Var()};
    const AttentionMaps maps;
    check_against(numbers, layer, layer(x, memory, memory, mask, pass), {{"x", x}, {"memory", memory}});
    CHECK(largest_difference(maps[""].front(), numbers["weights"]) < kTolerance);
  }
}

TEST_CASE(
    "multi-head attention: the fused route and the definition agree, masks of any rank, shared heads too") {
  Rng rng(4);
  const Var x(normal({2, 5, 8}, rng));
  const auto random_mask = [&](const Shape& shape) {
    return Mask::attend(less(normal(shape, rng), Tensor::scalar(0.5, DType::f64)));
  };
  for (const std::int64_t shared : {4, 2, 1}) {
    Layer layer({.width = 8, .heads = 4, .key_value_heads = shared});
    for (const Mask& mask : {Mask(), Mask::causal(5, 5), random_mask({2, 1, 5}), random_mask({2, 5, 5}),
                             random_mask({1, 4, 5, 5}), random_mask({2, 1, 5, 1}), random_mask({2, 4, 5, 5})}) {
      INFO("shared " << shared << ", mask " << (mask.defined() ? to_string(mask.attends().shape()) : "none"));
      const auto fused = layer.run([&] { return layer.attention.self(x, mask); });
      const auto plain = layer.run([&] {
        return layer.attention.self(x, mask, {.bias = Var(Tensor::zeros({5, 5}, DType::f64))});
      });
      CHECK(largest(fused.front()) > 0.1);
      CHECK(largest_difference(fused, plain) < kTolerance);
    }
  }
}

TEST_CASE("multi-head attention: heads that share keys are heads with copies of the same keys") {
  Rng rng(5);
  const Var x(normal({2, 4, 6}, rng));
  for (const std::int64_t shared : {1, 2}) {
    Layer grouped({.width = 8, .heads = 4, .key_value_heads = shared, .key_width = 6, .value_width = 6});
    Layer full({.width = 8, .heads = 4, .key_width = 6, .value_width = 6});
    NamedTensors state;
    for (const auto& [name, value] : grouped.attention.state()) {
      const bool of_keys = name.starts_with("key") || name.starts_with("value");
      if (!of_keys) {
        state.emplace_back(name, value);
        continue;
      }
      const std::int64_t rows = value.count() / (shared * 2);  // [rows, G, 1, d] -> [rows, G, H / G, d]
      const Tensor copies = value.reshape({rows, shared, 1, 2}).expand({rows, shared, 4 / shared, 2});
      state.emplace_back(name, copies.reshape(value.shape().with(-1, 8)));
    }
    full.attention.load_state(state);
    const Var query(normal({2, 3, 8}, rng));
    const Mask mask = Mask::causal(3, 4, 1);
    CHECK(largest_difference(grouped.attention(query, x, x, mask).value(),
                             full.attention(query, x, x, mask).value()) < kTolerance);
  }
}

TEST_CASE(
    "multi-head attention: a bias may hold for all, for a sequence or for a head, and must fit, as a mask") {
  Rng rng(6);
  const Var x(normal({2, 3, 8}, rng));
  for (const std::int64_t shared : {4, 2}) {
    Layer layer({.width = 8, .heads = 4, .key_value_heads = shared});
    const auto with = [&](const Tensor& bias) {
      return layer.attention.self(x, {}, {.bias = Var(bias)}).value();
    };
    const Tensor of_all = normal({3, 3}, rng), of_sequence = normal({2, 1, 3}, rng),
                 of_head = normal({1, 4, 3, 3}, rng);
    CHECK(largest_difference(with(of_all), with(of_all.expand({2, 3, 3}))) < 1e-12);
    CHECK(largest_difference(with(of_sequence), with(of_sequence.reshape({2, 1, 1, 3}).expand({2, 4, 3, 3}))) <
          1e-12);
    CHECK(largest_difference(with(of_head), with(of_head.expand({2, 4, 3, 3}))) < 1e-12);
    CHECK(largest_difference(with(of_head), with(of_all)) > 1e-2);
    for (const Shape& shape : {Shape{4, 3}, Shape{3, 3, 3}, Shape{2, 3, 3, 3}}) {
      const Mask wrong = Mask::attend(Tensor::ones(shape, DType::boolean));
      CHECK_THAT(thrown<ShapeError>([&] { layer.attention.self(x, wrong); }),
                 ContainsSubstring("does not broadcast to the scores [2, 4, 3, 3]"));
    }
    CHECK_THAT(thrown<ShapeError>([&] {
                 with(normal({3, 4}, rng));
               }),
               ContainsSubstring("the bias [3, 4] does not broadcast to the scores"));
  }
}

TEST_CASE("multi-head attention: an unbatched sequence gives what it gives in a batch of one") {
  Rng rng(7);
  const Layer layer({.width = 6, .heads = 2});
  const Tensor x = normal({4, 6}, rng), memory = normal({5, 6}, rng);
  const auto batch = [](const Tensor& y) { return Var(y.unsqueeze(0)); };
  const Tensor alone = layer.attention(Var(x), Var(memory), Var(memory), Mask::causal(4, 5)).value();
  REQUIRE(alone.shape() == Shape{4, 6});
  CHECK(identical(alone.unsqueeze(0),
                  layer.attention(batch(x), batch(memory), batch(memory), Mask::causal(4, 5)).value()));
  CHECK(identical(layer.attention.self(Var(x)).value().unsqueeze(0), layer.attention.self(batch(x)).value()));
}

TEST_CASE("multi-head attention: self-attention without a mask follows its input's order") {
  Rng rng(8);
  const Layer layer({.width = 6, .heads = 2});
  const Tensor x = normal({2, 5, 6}, rng);
  const auto turned = [](const Tensor& y) { return concat({y.slice(1, 2, 5), y.slice(1, 0, 2)}, 1); };
  CHECK(largest_difference(layer.attention.self(Var(turned(x))).value(),
                           turned(layer.attention.self(Var(x)).value())) < 1e-12);
}

TEST_CASE("multi-head attention: a window sees no further, and is a mask of that width") {
  Rng rng(9);
  Layer local({.width = 6, .heads = 2, .window = 2}), wide({.width = 6, .heads = 2});
  const Var x(normal({2, 6, 6}, rng));
  CHECK(identical(local.attention.self(x).value(),
                  wide.attention.self(x, Mask::window(6, 6, {.before = 1, .after = 1})).value()));
  CHECK(identical(local.attention.self(x, Mask::causal(6, 6)).value(),
                  wide.attention.self(x, Mask::window(6, 6, {.before = 1})).value()));
  const Var later(x.value().slice(1, 4, 6).clone());
  CHECK(largest_difference(local.attention(later, x, x, Mask::causal(2, 6, 4), {.first = 4}).value(),
                           local.attention.self(x, Mask::causal(6, 6)).value().slice(1, 4, 6)) < 1e-12);
}

TEST_CASE("multi-head attention: dropout leaves the mean, takes the given generator, and needs one") {
  Rng rng(10);
  Layer layer({.width = 6, .heads = 2, .dropout = 0.3});
  const Var x(normal({2, 4, 6}, rng));
  const auto run = [&](std::uint64_t seed) {
    Rng generator(seed);
    return layer.attention.self(x, Mask::causal(4, 4), {.rng = &generator}).value();
  };
  CHECK(identical(run(1), run(1)));
  CHECK_FALSE(identical(run(1), run(2)));
  constexpr int kRuns = 1000;
  Tensor total = Tensor::zeros({2, 4, 6}, DType::f64), squares = total.clone();
  for (int seed = 0; seed < kRuns; ++seed) {
    const Tensor y = run(static_cast<std::uint64_t>(seed));
    add_scaled(total, 1, y);
    add_scaled(squares, 1, y * y);
  }
  CHECK_THAT(thrown<ConfigError>([&] { layer.attention.self(x); }),
             ContainsSubstring("dropout in training needs a generator"));
  const AttentionMaps maps;
  run(1);
  layer.attention.eval();
  const Tensor whole = layer.attention.self(x, Mask::causal(4, 4)).value();
  const Tensor mean = total / kRuns, variance = squares / kRuns - mean * mean, off = mean - whole;
  CHECK(max((off * off / (variance / kRuns)).reshape({-1}), 0).item() <
        4.5 * 4.5);                                             // in deviations of the mean
  CHECK(largest_difference(maps[""][0], maps[""][1]) < 1e-14);  // the weights before dropout
}

TEST_CASE("multi-head attention: a head that is off adds nothing, and only that head") {
  Rng rng(11);
  const Var x(normal({2, 4, 8}, rng));
  for (const std::int64_t shared : {4, 2}) {
    Layer layer({.width = 8, .heads = 4, .key_value_heads = shared});
    const Tensor whole = layer.attention.self(x).value();
    const Tensor bias = layer.attention.parameters().back().value();
    Tensor parts = bias.expand(whole.shape()).clone();  // what the heads add one by one, and the bias once
    for (std::int64_t only = 0; only < 4; ++only) {
      for (std::int64_t head = 0; head < 4; ++head) layer.attention.switch_head(head, head == only);
      add_scaled(parts, 1, layer.attention.self(x).value() - bias);
    }
    CHECK(largest_difference(parts, whole) < kTolerance);
    for (std::int64_t head = 0; head < 4; ++head) layer.attention.switch_head(head, false);
    CHECK(largest_difference(layer.attention.self(x).value(), bias.expand(whole.shape()).clone()) == 0);
    for (std::int64_t head = 0; head < 4; ++head) layer.attention.switch_head(head, true);
    CHECK(identical(layer.attention.self(x).value(), whole));
    CHECK_THAT(thrown<IndexError>([&] { layer.attention.switch_head(4, false); }),
               ContainsSubstring("requires 0 <= head < 4"));
    CHECK_THROWS_AS(layer.attention.switch_head(-1, false), IndexError);
  }
}

TEST_CASE("multi-head attention: sizes that make no sense are errors that name them") {
  Rng rng(12);
  const auto message = [&](const MultiHeadAttentionConfig& config) {
    return thrown<ConfigError>([&] { MultiHeadAttention(config, rng); });
  };
  CHECK(message({.width = 8, .heads = 4, .key_value_heads = 3}) ==
        "ConfigError: MultiHeadAttention: heads 4, key_value_heads 3\n"
        "  requires key_value_heads >= 1 that divide the heads");
  CHECK_THAT(message({.width = 8, .heads = 4, .key_value_heads = -1}), ContainsSubstring("key_value_heads -1"));
  CHECK_THAT(message({.width = 8, .heads = 4, .key_width = -2}), ContainsSubstring("key_width -2"));
  CHECK_THAT(message({.width = 8, .heads = 4, .window = -1}), ContainsSubstring("window -1"));
  CHECK_THAT(message({.width = 8, .heads = 4, .dropout = 1}), ContainsSubstring("probability 1"));
  const MultiHeadAttention odd({.width = 7, .heads = 4, .head_width = 2}, rng);
  CHECK(odd.self(Var(Tensor::zeros({1, 3, 7}))).shape() == Shape{1, 3, 7});
}

}  // namespace heed::tests
