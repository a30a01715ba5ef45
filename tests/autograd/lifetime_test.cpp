// How long values, rules and nodes live, and that no length of a graph is too much.
#include <memory>

#include "autograd/backward.h"
#include "autograd/hooks.h"
#include "autograd/ops.h"
#include "tests/autograd/graph_testing.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

// Large enough that nodes count for nothing beside a value; with the header of its storage it fills a block.
constexpr std::int64_t kElements = (1 << 16) - 8, kValueBytes = (1 << 16) * 8;

Var large_leaf() { return Var::parameter(Tensor::full({kElements}, 0.5, DType::f64)); }

// How many large values have been added since, to the nearest.
std::int64_t values_since(std::int64_t before) {
  return (bytes_in_use() - before + kValueBytes / 2) / kValueBytes;
}

TEST_CASE("lifetime: a chain of additions keeps no intermediate value") {
  const Var x = large_leaf();
  const std::int64_t before = bytes_in_use();
  Var y = x + x;
  for (int i = 0; i < 20; ++i) y = y + x;
  CHECK(values_since(before) == 1);
}

TEST_CASE("lifetime: tanh keeps its output and not its input") {
  const Var x = large_leaf();
  const std::int64_t before = bytes_in_use();
  Var y = x;
  for (int i = 0; i < 5; ++i) y = tanh(y + x);
  CHECK(values_since(before) == 5);
}

TEST_CASE("lifetime: a product keeps an operand only where the other needs a gradient") {
  const Var x = large_leaf(), c(Tensor::ones({kElements}, DType::f64));
  const std::int64_t before = bytes_in_use();
  Var y = x;
  for (int i = 0; i < 5; ++i) y = (y + x) * c;
  CHECK(values_since(before) == 1);  // y; the sums would be needed for dc only
  Var z = (x + x) * (x + c);
  CHECK(values_since(before) == 4);
}

TEST_CASE("lifetime: views hold one block of elements") {
  const Var x = large_leaf();
  const std::int64_t before = bytes_in_use();
  const Var y = reshape(slice(x, 0, 0, kElements), {2, -1}), z = transpose(y);
  CHECK(values_since(before) == 0);
}

TEST_CASE("lifetime: nothing is kept without recording") {
  const Var x = large_leaf();
  const std::int64_t before = bytes_in_use();
  const NoGrad no_grad;
  Var y = x;
  for (int i = 0; i < 5; ++i) y = tanh(y) * y;
  CHECK(values_since(before) == 1);
}

TEST_CASE("lifetime: backward frees saved values as it goes") {
  const Var x = large_leaf();
  const std::int64_t before = bytes_in_use();
  Var y = x;
  for (int i = 0; i < 40; ++i) y = tanh(y);
  y = sum(y);
  CHECK(values_since(before) == 40);
  pool::reset_peak();
  const std::int64_t at_start = bytes_in_use();
  y.backward();
  CHECK(pool::statistics().peak_bytes - at_start < 6 * kValueBytes);
  CHECK(values_since(before) == 1);  // the gradient
}

TEST_CASE("lifetime: cotangents are freed as they are consumed, also where the graph is retained") {
  const Var x = large_leaf();
  Var y = x;
  for (int i = 0; i < 40; ++i) y = tanh(y);
  y = sum(y);
  pool::reset_peak();
  const std::int64_t at_start = bytes_in_use();
  y.backward({.retain_graph = true});
  CHECK(pool::statistics().peak_bytes - at_start < 6 * kValueBytes);
  CHECK(values_since(at_start) == 1);
}

TEST_CASE("lifetime: the gradient of a matrix by which a whole batch is multiplied is never made for each") {
  constexpr std::int64_t kBatch = 64, kWidth = 128;
  const Var x = Var(Tensor::full({kBatch, 2, kWidth}, 0.5, DType::f64));
  const Var w = Var::parameter(Tensor::full({kWidth, kWidth}, 0.25, DType::f64));
  const std::int64_t matrix = kWidth * kWidth * 8;
  for (const bool transposed : {false, true}) {
    const Var y = sum(transposed ? matmul_transposed(x, w) : matmul(x, w));
    pool::reset_peak();
    const std::int64_t at_start = bytes_in_use();
    y.backward();
    CHECK(pool::statistics().peak_bytes - at_start < 8 * matrix);
    CHECK(w.grad().value().at({3, 5}) == (transposed ? 2 : 1) * kBatch * 2 * 0.5);  // added up over both
  }
}

TEST_CASE("lifetime: an output kept for its rule goes with the rule, though later nodes know its node") {
  const Var x = large_leaf();
  const std::int64_t before = bytes_in_use();
  Var later, loss;
  {
    const Var y = tanh(x);
    later = y + x;
    loss = sum(y);
  }
  CHECK(values_since(before) == 2);  // y and later
  loss.backward();
  CHECK(values_since(before) == 2);  // later and the gradient
}

TEST_CASE("lifetime: after everything has gone, every byte is given back") {
  const std::int64_t before = bytes_in_use();
  {
    const Var x = leaf({1, 2}, "x"), w = leaf({3, 4});
    const Var y = softmax(concat({tanh(x * w), x / w}, 0));
    add_hook(y, [](const Var& dy) { return dy * 2.0; });
    grad(sum(y * y), {x, w}, {.create_graph = true});
    sum(square(y)).backward();
  }
  CHECK(bytes_in_use() == before);
}

TEST_CASE("lifetime: after a throw in the middle of a backward every byte is given back too") {
  const std::int64_t before = bytes_in_use();
  {
    const Var x = leaf({1, 2}), y = x * x;
    add_hook(y, [](const Var&) -> Var { throw 1; });
    CHECK_THROWS_AS(sum(y * y).backward(), int);
  }
  CHECK(bytes_in_use() == before);
}

TEST_CASE("lifetime: a chain of a million nodes is differentiated and dies") {
  const std::int64_t before = bytes_in_use();
  {
    const Var x = scalar_leaf(1);
    Var y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y + 1.0;
    y.backward();
    CHECK(y.item() == 1'000'001);
    CHECK(x.grad().item() == 1);
  }
  CHECK(bytes_in_use() == before);
}

TEST_CASE("lifetime: a chain of a million nodes dies without a backward") {
  const std::int64_t before = bytes_in_use();
  {
    Var y = scalar_leaf(1);
    for (int i = 0; i < 1'000'000; ++i) y = -y;
  }
  CHECK(bytes_in_use() == before);
}

TEST_CASE("lifetime: grad() walks a long chain, recorded and not, and so does what it recorded") {
  const std::int64_t before = bytes_in_use();
  {
    const Var x = scalar_leaf(1);
    Var y = x;
    for (int i = 0; i < 50'000; ++i) y = y * x;
    const Var dx = grad(y, {x}, {.create_graph = true})[0];
    CHECK(dx.item() == 50'001);
    CHECK(grad(dx, {x})[0].item() == 50'001.0 * 50'000.0);
  }
  CHECK(bytes_in_use() == before);
}

TEST_CASE("lifetime: handles on the middle of a chain keep what is behind and only that") {
  const std::shared_ptr<int> token = std::make_shared<int>();
  const Var x = leaf({3});
  Var middle;
  {
    middle = x * x;
    const Var end = record("end", middle.value(), wrt(middle, [token](const Var& dy) { return dy; }));
    CHECK(token.use_count() == 2);
  }
  CHECK(token.use_count() == 1);
  sum(middle).backward();
  CHECK(numbers(x.grad()) == Numbers{6});
}

}  // namespace
}  // namespace heed::tests
