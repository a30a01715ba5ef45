// Operations on shapes, parts, orders and sums against numbers of PyTorch: values and gradients.
#include <cmath>
#include <functional>

#include "autograd/ops.h"
#include "core/elementwise.h"
#include "core/sort.h"
#include "core/truth.h"
#include "tests/autograd/op_rows.h"
#include "tests/catch.h"
#include "tests/fixture.h"

namespace heed::tests {
namespace {

// Sums of at most 60 numbers of order 1, some to the third power.
constexpr double kRoundings = 1e-12;

struct Case {
  const char* name;
  std::vector<const char*> inputs;
  std::function<Var(In)> function;
};

const Fixture& numbers() {
  static const Fixture fixture("array_operations");
  return fixture;
}

void check(const Case& given) {
  const std::string name = given.name;
  std::vector<Var> inputs;
  for (const char* const input : given.inputs) inputs.push_back(Var::parameter(numbers()[input]));
  const Var y = given.function(inputs);
  REQUIRE(y.shape() == numbers()[name].shape());
  CHECK(largest_difference(y.value(), numbers()[name]) < kRoundings);
  y.backward({.cotangent = Var(numbers()["dy." + name])});
  for (std::size_t i = 0; i < inputs.size(); ++i)
    CHECK(largest_difference(inputs[i].grad().value(), numbers()["d." + name + "." + given.inputs[i]]) <
          kRoundings);
}

void check_all(const std::vector<Case>& cases) {
  for (const Case& given : cases) {
    INFO(given.name);
    check(given);
  }
}

Var plus_one(const Var& x) { return x + 1.0; }

TEST_CASE("reductions: values and gradients are PyTorch's, ties and zeros included") {
  check_all({{"sum",
              {"cube"},
              [](In in) {
                return sum(in[0], {0, 2});
              }},
             {"mean",
              {"cube"},
              [](In in) {
                return mean(in[0], {1, 2}, true);
              }},
             {"max", {"ties"}, [](In in) { return max(in[0], 1); }},
             {"min",
              {"ties"},
              [](In in) {
                return min(in[0], {0, 1});
              }},
             {"product", {"zeros"}, [](In in) { return product(in[0], 1); }},
             {"product_of_all", {"zeros"}, [](In in) { return product(plus_one(in[0])); }},
             {"variance",
              {"cube"},
              [](In in) {
                return variance(in[0], {0, 2});
              }},
             {"variance_of_all", {"cube"}, [](In in) { return variance(in[0], 1, {.correction = 0}); }},
             {"deviation",
              {"cube"},
              [](In in) {
                return standard_deviation(in[0], {1, 2});
              }},
             {"norm_1",
              {"cube"},
              [](In in) {
                return norm(in[0], 1, {0, 2});
              }},
             {"norm_2",
              {"cube"},
              [](In in) {
                return norm(in[0], 2, {0, 2});
              }},
             {"norm_3",
              {"cube"},
              [](In in) {
                return norm(in[0], 3, {0, 2});
              }},
             {"norm_inf", {"cube"}, [](In in) {
                return norm(in[0], INFINITY, {0, 2});
              }}});
}

TEST_CASE("cumulative operations and sorting: values and gradients are PyTorch's") {
  check_all(
      {{"cumulative_sum", {"cube"}, [](In in) { return cumulative_sum(in[0], 1); }},
       {"cumulative_sum_back", {"cube"}, [](In in) { return cumulative_sum(in[0], 2, {.reverse = true}); }},
       {"cumulative_product", {"zeros"}, [](In in) { return cumulative_product(in[0], 1); }},
       {"cumulative_product_back",
        {"zeros"},
        [](In in) { return cumulative_product(plus_one(in[0]), 0, {.reverse = true}); }},
       {"sort", {"ties"}, [](In in) { return sort(in[0], 1).values; }},
       {"sort_down", {"ties"}, [](In in) { return sort(in[0], 0, {.descending = true}).values; }},
       {"top_k", {"x"}, [](In in) { return top_k(in[0], 2).values; }},
       {"smallest", {"cube"}, [](In in) { return top_k(in[0], 2, 1, {.smallest = true}).values; }},
       {"median", {"x"}, [](In in) { return median(in[0], 1); }},
       {"median_odd", {"x"}, [](In in) { return median(in[0], 0); }}});
}

TEST_CASE("arrangements and parts: values and gradients are PyTorch's") {
  check_all({{"split",
              {"cube"},
              [](In in) {
                return split(in[0], 2, {1, 3})[1];
              }},
             {"chunk", {"row"}, [](In in) { return chunk(in[0], 0, 3)[2]; }},
             {"pad",
              {"x"},
              [](In in) {
                return pad(in[0], {{0, 1}, {1, 2}}, 2.5);
              }},
             {"flip",
              {"cube"},
              [](In in) {
                return flip(in[0], {0, 2});
              }},
             {"roll", {"cube"}, [](In in) { return roll(in[0], 2, 3); }},
             {"tile",
              {"x"},
              [](In in) {
                return tile(in[0], {2, 1, 2});
              }},
             {"repeat_interleave", {"cube"}, [](In in) { return repeat_interleave(in[0], 1, 2); }},
             {"flatten", {"cube"}, [](In in) { return flatten(in[0], 1); }},
             {"unflatten",
              {"x"},
              [](In in) {
                return unflatten(in[0], 1, {2, 2});
              }},
             {"move_axis", {"cube"}, [](In in) { return move_axis(in[0], 0, 2); }},
             {"meshgrid",
              {"row"},
              [](In in) {
                return meshgrid({Var(numbers()["vector"]), in[0]})[1];
              }},
             {"position",
              {"cube"},
              [](In in) {
                return in[0][{1, all(), -1}];
              }},
             {"slices",
              {"cube"},
              [](In in) {
                return in[0][{all(), slice(1, 3), slice({}, {}, 2)}];
              }},
             {"ellipsis",
              {"cube"},
              [](In in) {
                return in[0][{ellipsis, newaxis, 0}];
              }},
             {"backwards",
              {"cube"},
              [](In in) {
                return in[0][{0, slice(1, {}), slice({}, {}, -2)}];
              }},
             {"tril", {"cube"}, [](In in) { return tril(in[0], 1); }},
             {"triu", {"cube"}, [](In in) { return triu(in[0], -1); }},
             {"diagonal", {"cube"}, [](In in) { return diagonal(in[0], 1, 2, 1); }},
             {"diag_embed", {"x"}, [](In in) { return diag_embed(in[0], -1); }},
             {"trace", {"square"}, [](In in) { return trace(in[0]); }}});
}

TEST_CASE("positions and masks: values and gradients are PyTorch's") {
  const Tensor at = numbers().ids("at"), few = numbers().ids("few");
  const Tensor mask = numbers()["mask"].to(DType::boolean);
  check_all({{"gather", {"x"}, [&](In in) { return gather(in[0], 1, at); }},
             {"gather_few",
              {"x"},
              [&](In in) {
                return gather(in[0], 0, few[{newaxis, slice(0, 2)}]);
              }},
             {"scatter_add", {"x", "source"}, [&](In in) { return scatter_add(in[0], 1, at, in[1]); }},
             {"scatter",
              {"x", "source"},
              [&](In in) {
                return scatter(in[0], 1, at[0].expand({3, 2}), in[1]);
              }},
             {"index_select", {"cube"}, [&](In in) { return index_select(in[0], 1, few); }},
             {"take_along_axis", {"x"}, [&](In in) { return take_along_axis(in[0], 1, at[slice(0, 1)]); }},
             {"masked_select", {"cube"}, [&](In in) { return masked_select(in[0], mask); }},
             {"embedding", {"matrix"}, [&](In in) { return embedding(in[0], at, {.padding = 3}); }}});
}

TEST_CASE("products and einsum: values and gradients are PyTorch's") {
  check_all({{"outer", {"vector", "row"}, [](In in) { return outer(in[0], in[1]); }},
             {"dot", {"vector"}, [](In in) { return dot(in[0], square(in[0])); }},
             {"matvec", {"x", "vector"}, [](In in) { return matvec(in[0], in[1]); }},
             {"bilinear",
              {"source", "x", "weight", "row"},
              [](In in) { return bilinear(transpose(in[0]), in[1][slice(0, 2)], in[2], in[3][slice(0, 2)]); }},
             {"einsum_product", {"cube", "matrix"}, [](In in) { return einsum("bij,jk->bik", in); }},
             {"einsum_diagonal", {"square"}, [](In in) { return einsum("ii->i", in); }},
             {"einsum_trace",
              {"square"},
              [](In in) {
                return einsum("ij,ji", {in[0], in[0]});
              }},
             {"einsum_ellipsis", {"cube", "x"}, [](In in) { return einsum("...i,...i", in); }},
             {"einsum_three",
              {"cube", "matrix", "square"},
              [](In in) {
                return einsum("bij,jk,i->kb", {in[0], in[1], in[2][0]});
              }},
             {"einsum_order", {"cube"}, [](In in) { return einsum("zyx", in); }}});
}

TEST_CASE("positions and truths of tensors are PyTorch's") {
  const Tensor x = numbers()["x"], ties = numbers()["ties"], zeros = numbers()["zeros"];
  const auto same = [](const Tensor& found, const char* name) {
    INFO(name);
    CHECK(found.shape() == numbers()[name].shape());
    CHECK(found.to_vector() == numbers()[name].to_vector());
  };
  same(argmax(x, 1), "argmax");
  same(argmin(numbers()["cube"], 1), "argmin");
  same(argsort(ties, 1), "argsort");
  same(argsort(ties, 1, {.descending = true}), "argsort_down");
  same(argtop_k(x, 2), "top_k_positions");
  same(any(equal(zeros, Tensor::scalar(0, DType::f64)), 0), "any");
  same(all(zeros, 1), "all");
  same(count_nonzero(zeros, 0), "count_nonzero");
  same(nonzero(zeros), "nonzero");
  same(one_hot(numbers().ids("few"), 4), "one_hot");
}

}  // namespace
}  // namespace heed::tests
