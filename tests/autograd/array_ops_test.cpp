// What operations on parts, positions, orders and sums promise beside their numbers.
#include <cmath>

#include "autograd/ops.h"
#include "core/elementwise.h"
#include "core/truth.h"
#include "tests/autograd/graph_testing.h"
#include "tests/autograd/op_rows.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

Var drawn(const Shape& shape, std::uint64_t seed) {
  Rng rng(seed);
  return Var::parameter(Tensor::normal(shape, 0, 1, rng, DType::f64));
}

double difference(const Var& a, const Var& b) { return largest_difference(a.value(), b.value()); }

// <a, b>
double inner(const Var& a, const Var& b) { return sum(a * b).item(); }

// The gradient of y with respect to x, from ones.
Numbers gradient(const Var& y, const Var& x) { return numbers(grad(sum(y), {x})[0]); }

TEST_CASE("x[{…}] of a Var: a part with its gradient, which knows the line of the call") {
  const Var x = drawn({3, 4}, 1);
  const Var row = x[1], corner = x[{slice(1, {}), slice({}, 2)}];
  CHECK(text(corner.recorded_by()) == text("tests/autograd/array_ops_test.cpp:", __LINE__ - 1));
  CHECK(text(row.recorded_by()) == text("tests/autograd/array_ops_test.cpp:", __LINE__ - 2));
  CHECK(row.value().to_vector() == x.value()[1].to_vector());
  CHECK(gradient(corner, x) == Numbers{0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0});
  CHECK(gradient(x[{ellipsis, slice({}, {}, -3)}], x) == Numbers{1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1});
  CHECK(x[{0, newaxis, 0}].shape() == Shape{1});
  const std::size_t i = 2;
  CHECK(x[{i, i}].item() == x.value().at({2, 2}));
  CHECK(first_line<IndexError>([&] {
          x[{all(), 4}];
        }) == "IndexError: index: position 4 is outside axis 1 of [3, 4]");
  static_assert(!std::is_assignable_v<Var, Var>);  // x[0] = y would be lost
}

TEST_CASE("slice: of an axis of a Var, and as an index, are told apart") {
  const Var x = drawn({3, 5}, 2);
  CHECK(difference(slice(x, 1, 1, 4), x[{all(), slice(1, 4)}]) == 0);
  CHECK(difference(slice(x, 1, 0, 5, 2), x[{all(), slice(0, 5, 2)}]) == 0);
  CHECK(difference(slice(x, 0, 0, 0, 1), x[slice(0, 0, 1)]) == 0);
  const Slice between = slice(0, 2);
  CHECK(difference(x[between], slice(x, 0, 0, 2)) == 0);
  CHECK(difference(sum(x, {0, 1}), sum(x)) < 1e-14);
  CHECK(difference(sum(x, {0}), sum(x, 0)) == 0);
  CHECK(difference(mean(x, {1}), mean(x, 1)) == 0);
}

TEST_CASE("pad, then its inside: x again; and flipped sums are sums from the end") {
  const Var x = drawn({3, 4}, 3);
  CHECK(difference(pad(x, {{2, 1}, {0, 3}}, 7.0)[{slice(2, 5), slice(0, 4)}], x) == 0);
  CHECK(difference(flip(cumulative_sum(flip(x, 1), 1), 1), cumulative_sum(x, 1, {.reverse = true})) == 0);
  CHECK(difference(cumulative_sum(x, 0, {.exclusive = true}) + x, cumulative_sum(x, 0)) < 1e-15);
  CHECK(difference(cumulative_product(x, 1)[{all(), -1}], product(x, 1)) < 1e-15);
  CHECK(difference(concat(split(x, 1, {1, 3}), 1), x) == 0);
  CHECK(difference(concat(chunk(x, 0, 2), 0), x) == 0);
  CHECK(difference(roll(x, 1, 1), concat({x[{all(), slice(3, 4)}], x[{all(), slice(0, 3)}]}, 1)) == 0);
}

TEST_CASE("scatter_add: is the adjoint of gather") {
  const Tensor at = positions({3, 0, 0, 2, 1, 1}, {3, 2});
  const Var x = drawn({3, 4}, 4), source = drawn({3, 2}, 5), zeros(Tensor::zeros({3, 4}, DType::f64));
  CHECK(std::abs(inner(gather(x, 1, at), source) - inner(x, scatter_add(zeros, 1, at, source))) < 1e-14);
  CHECK(std::abs(inner(part(x, std::vector<Index>{1, slice(0, 2)}), source[0]) -
                 inner(x, unpart(source[0], {3, 4}, std::vector<Index>{1, slice(0, 2)}))) < 1e-14);
  CHECK(std::abs(inner(diagonal(x, 1), source[{all(), 0}]) -
                 inner(x, undiagonal(source[{all(), 0}], {3, 4}, 1, -2, -1))) < 1e-14);
}

TEST_CASE("scatter: an element that another takes the place of gets no gradient") {
  const Var x = leaf({1, 2, 3}), source = leaf({10, 20, 30});
  const Var y = scatter(x, 0, positions({1, 1, 2}, {3}), source);
  CHECK(numbers(y) == Numbers{1, 20, 30});
  const std::vector<Var> gradients = grad(sum(y), {source, x});
  CHECK(numbers(gradients[0]) == Numbers{0, 1, 1});
  CHECK(numbers(gradients[1]) == Numbers{1, 0, 0});
}

TEST_CASE("gather: positions that change between forward and backward are found") {
  Tensor at = positions({0, 1}, {2});
  const Var x = leaf({1, 2, 3});
  const Var y = sum(gather(x, 0, at));
  at.set({0}, 2);
  CHECK_THROWS_AS(y.backward(), GraphError);
}

TEST_CASE("max: equal elements share the gradient; top_k gives it to the first") {
  const Var x = leaf({2, 5, 5, 1, 5});
  const double third = 1.0 / 3;
  CHECK(gradient(max(x), x) == Numbers{0, third, third, 0, third});
  CHECK(gradient(top_k(x, 1).values, x) == Numbers{0, 1, 0, 0, 0});
  CHECK(gradient(min(x), x) == Numbers{0, 0, 0, 1, 0});
  CHECK(gradient(norm(leaf({0}) + x * Var(Tensor::of({0, 1, -1, 0, 0}, {5}, DType::f64)), INFINITY), x) ==
        Numbers{0, 0.5, 0.5, 0, 0});
}

TEST_CASE("product: the gradient beside one zero is the product of the others, beside two it is 0") {
  const Var one = leaf({2, 0, 3}), two = leaf({0, 5, 0}), none = leaf({2, 4, 5});
  CHECK(gradient(product(one), one) == Numbers{0, 6, 0});
  CHECK(gradient(product(two), two) == Numbers{0, 0, 0});
  CHECK(gradient(product(none), none) == Numbers{20, 10, 8});
  // Its second derivative beside two zeros is the product of what is left.
  const Var first = grad(product(two), {two}, {.create_graph = true})[0];
  CHECK(numbers(grad(first[0], {two})[0]) == Numbers{0, 0, 5});
}

TEST_CASE("norm and standard_deviation: where they are 0 their gradient is 0, and stays finite nearby") {
  for (const double p : {1.0, 1.5, 2.0, 3.0, double{INFINITY}}) {
    const Var zeros = leaf({0, 0, 0});
    INFO(p);
    CHECK(gradient(norm(zeros, p), zeros) == Numbers{0, 0, 0});
  }
  const Var same = leaf({3, 3, 3});
  CHECK(gradient(standard_deviation(same), same) == Numbers{0, 0, 0});
  const Var tiny = Var::parameter(Tensor::of({3e-30, 4e-30}, {2}));
  const Numbers g = gradient(norm(tiny), tiny);
  CHECK(g[0] == Approx(0.6));
  CHECK(g[1] == Approx(0.8));
}

TEST_CASE("embedding: the row of the padding is read, and gets no gradient") {
  const Var table = drawn({4, 2}, 6);
  const Tensor ids = positions({1, 0, 1, 3}, {4});
  const Var rows = embedding(table, ids, {.padding = 1});
  CHECK(difference(rows, embedding(table, ids)) == 0);
  CHECK(gradient(rows, table) == Numbers{1, 1, 0, 0, 0, 0, 1, 1});
  CHECK(gradient(embedding(table, ids), table) == Numbers{1, 1, 2, 2, 0, 0, 1, 1});
  CHECK_THROWS_AS(embedding(table, positions({4}, {1}), {.padding = 1}), IndexError);
}

TEST_CASE("sort: the positions put the gradient back where it belongs") {
  const Var x = leaf({3, 1, 2}), weights = constant({10, 20, 30});
  const auto [values, at] = sort(x);
  CHECK(numbers(values) == Numbers{1, 2, 3});
  CHECK(at.to_vector() == Numbers{1, 2, 0});
  CHECK(gradient(values * weights, x) == Numbers{30, 10, 20});
  CHECK(numbers(median(leaf({4, 1, 3, 2}))) == Numbers{2.5});
  CHECK(first_line<ShapeError>([] {
          median(Var(Tensor::empty({2, 0})));
        }) == "ShapeError: median: axis -1 of [2, 0] is empty");
}

TEST_CASE("masked_select: gradients go back through a mask that broadcasts") {
  const Var x = leaf({1, 2, 3});
  const Tensor mask = mask_of({1, 0, 1, 1, 0, 0}, {2, 3});
  const Var y = masked_select(x, mask);
  CHECK(numbers(y) == Numbers{1, 3, 1});
  CHECK(gradient(y, x) == Numbers{2, 0, 1});
}

TEST_CASE("outer, dot, matvec and bilinear: by other routes, and what does not fit is told") {
  const Var a = drawn({2, 3}, 7), v = drawn({3}, 8), w = drawn({4, 3, 3}, 9);
  CHECK(difference(outer(v, v), matmul(unsqueeze(v, 1), unsqueeze(v, 0))) == 0);
  CHECK(difference(dot(a, v), sum(a * v, -1)) < 1e-14);
  CHECK(difference(matvec(a, v), dot(a, v)) < 1e-14);
  const Var y = bilinear(a, a, w, Var());
  for (int k = 0; k < 4; ++k) CHECK(difference(y[{all(), k}], dot(matmul(a, w[k]), a)) < 1e-13);
  CHECK(thrown<ShapeError>([&] {
          dot(drawn({2, 3}, 1).named("a"), drawn({2}, 1));
        }) ==
        "ShapeError: dot: inner extents differ: a is [2, 3], b is [2]\n"
        "  requires a.shape[-1] == b.shape[-1], got 3 and 2\n"
        "  a: parameter \"a\"    b: a tensor");
  CHECK(first_line<ShapeError>([&] { outer(v, scalar_leaf(1)); }) ==
        "ShapeError: outer: operands must be vectors: a is [3], b is []");
  CHECK(first_line<ShapeError>([&] { matvec(a, drawn({2}, 1)); }) ==
        "ShapeError: matvec: a is [2, 3], v is [2]");
  CHECK(first_line<ShapeError>([&] { bilinear(a, a, w, v); }) ==
        "ShapeError: bilinear: a is [2, 3], b is [2, 3], w is [4, 3, 3], the bias is [3]");
}

// Of both outputs, and of both gradients at dy.
void check_same_product(const Var& y, const Var& of_views, const Var& dy, const std::vector<Var>& inputs) {
  CHECK(difference(y, of_views) == 0);
  const std::vector<Var> d = grad(std::vector{y}, inputs, {.cotangents = {dy}}),
                         of_views_d = grad(std::vector{of_views}, inputs, {.cotangents = {dy}});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CHECK(difference(d[i], of_views_d[i]) < 1e-14);
    CHECK(d[i].value().contiguous());
  }
}

TEST_CASE("matmul_transposed, transposed_matmul: matmul with a transpose; gradients lie as the operands do") {
  const Var a = drawn({2, 4, 3}, 1), b = drawn({2, 5, 3}, 2), c = drawn({2, 4, 5}, 3);
  check_same_product(matmul_transposed(a, b), matmul(a, transpose(b)), drawn({2, 4, 5}, 4), {a, b});
  check_same_product(transposed_matmul(a, c), matmul(transpose(a), c), drawn({2, 3, 5}, 4), {a, c});
  CHECK(thrown<ShapeError>([&] {
          matmul_transposed(drawn({4, 3}, 1).named("a"), drawn({3, 5}, 1).named("b"));
        }) ==
        "ShapeError: matmul_transposed: inner extents differ: a is [4, 3], b is [3, 5]\n"
        "  requires a.shape[-1] == b.shape[-1], got 3 and 5\n"
        "  a: parameter \"a\"    b: parameter \"b\"");
  CHECK(first_line<ShapeError>([&] { matmul_transposed(a, drawn({3}, 1)); }) ==
        "ShapeError: matmul_transposed: operands must be matrices: a is [2, 4, 3], b is [3]");
  CHECK(thrown<ShapeError>([&] {
          transposed_matmul(drawn({4, 3}, 1), drawn({3, 5}, 1));
        }) ==
        "ShapeError: transposed_matmul: inner extents differ: a is [4, 3], b is [3, 5]\n"
        "  requires a.shape[-2] == b.shape[-2], got 4 and 3\n"
        "  a: a tensor    b: a tensor");
}

TEST_CASE("meshgrid, tile and move_axis: what they say, and of what rank") {
  const Var x = leaf({1, 2}), y = leaf({10, 20, 30});
  const std::vector<Var> grid = meshgrid({x, y});
  CHECK(numbers(grid[0] + grid[1]) == Numbers{11, 21, 31, 12, 22, 32});
  CHECK(first_line<ShapeError>([&] { meshgrid({x, grid[0]}); }) == "ShapeError: meshgrid: vector 1 is [2, 3]");
  CHECK(numbers(tile(x, {2, 2})) == Numbers{1, 2, 1, 2, 1, 2, 1, 2});
  CHECK(move_axis(drawn({2, 3, 4}, 1), -1, 0).shape() == Shape{4, 2, 3});
  CHECK(move_axis(drawn({2, 3, 4}, 1), 0, 1).shape() == Shape{3, 2, 4});
  CHECK_THROWS_AS(move_axis(x, 1, 0), IndexError);
}

}  // namespace
}  // namespace heed::tests
