// Rows of reductions, cumulative operations, sorting and linear algebra.
#include <cmath>

#include "autograd/ops.h"
#include "tests/autograd/op_rows.h"

namespace heed::tests {
namespace {

void add_sums_and_extremes(const Rows& add) {
  add("sum", "several axes", {{{2, 3, 4}}}, [](In in) {
    return Outputs{square(sum(in[0], {0, -1})), square(sum(in[0], {1, 2}, true))};
  });
  add("sum", "no axes", {{{2, 3}}},
      [](In in) { return Outputs{square(sum(in[0], Axes(std::vector<int>{})))}; });
  add("mean", "several axes", {{{2, 3, 4}}}, [](In in) {
    return Outputs{mean(square(in[0]), {2, 0}), square(mean(in[0], {0, 1}, true))};
  });
  add("max", "all elements", {{{2, 3}}}, [](In in) { return Outputs{square(max(in[0]))}; });
  add("max", "along axes, kept and not", {{{2, 3, 4}}}, [](In in) {
    return Outputs{square(max(in[0], 1)), square(max(in[0], {0, -1}, true))};
  });
  add("max", "one element, no rows", {{{1}}, {{0, 2}}}, [](In in) {
    return Outputs{square(max(in[0])), max(in[1], 1)};
  });
  add("min", "along axes", {{{2, 3, 4}}}, [](In in) {
    return Outputs{square(min(in[0], -1)), square(min(in[0], {0, 1})), square(min(in[0]))};
  });
  add("product", "along one axis", {{{3, 4}}}, [](In in) {
    return Outputs{product(in[0], 0), product(in[0], -1, true)};
  });
  add("product", "along several axes", {{{2, 3, 2}}}, [](In in) {
    return Outputs{product(in[0], {0, 2}), product(in[0]), product(in[0], {0, 1}, true)};
  });
  // Zeros that no step makes anything else: the others vary around them.
  add("product", "with one zero in a row, and two", {{{3, 4}}}, [](In in) {
    const Var some(Tensor::of({1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1}, {3, 4}, in[0].dtype()));
    return Outputs{product(in[0] * some, 1)};
  });
  add("product", "an empty axis", {{{2, 0}}, {{2}}}, [](In in) { return Outputs{product(in[0], 1) * in[1]}; });
  add("product", "one element", {{{1, 1}}}, [](In in) { return Outputs{square(product(in[0]))}; });
}

void add_spread(const Rows& add) {
  add("variance", "along axes, from a sample", {{{2, 3, 4}}}, [](In in) {
    return Outputs{variance(in[0]), variance(in[0], 1), variance(in[0], {0, 2}, {.keep_axes = true})};
  });
  add("variance", "of all there is", {{{3, 1}}}, [](In in) {
    return Outputs{variance(in[0], 0, {.correction = 0}), variance(in[0], 1, {.correction = 0})};
  });
  add("standard_deviation", "along axes", {{{2, 3, 4}}}, [](In in) {
    return Outputs{standard_deviation(in[0]), standard_deviation(in[0], {0, 2}),
                   standard_deviation(in[0], -1, {.correction = 0, .keep_axes = true})};
  });
  add("norm", "2, along axes", {{{2, 3, 4}}}, [](In in) {
    return Outputs{norm(in[0]), norm(in[0], 2, -1), norm(in[0], 2, {0, 1}, true)};
  });
  add("norm", "1", {apart_from_zero({2, 3}, 0.1, 2)}, [](In in) { return Outputs{square(norm(in[0], 1, 0))}; });
  add("norm", "infinity", {apart_from_zero({2, 3}, 0.1, 2)}, [](In in) {
    return Outputs{square(norm(in[0], INFINITY, 1)), square(norm(in[0], INFINITY))};
  });
  add("norm", "3 and 1.5", {apart_from_zero({2, 3}, 0.1, 2)}, [](In in) {
    return Outputs{norm(in[0], 3, 1), norm(in[0], 1.5, 0)};
  });
  add("norm", "of one element, of none", {apart_from_zero({1}, 0.1, 2), {{2, 0}}}, [](In in) {
    return Outputs{square(norm(in[0])), norm(in[1], 2, 1)};
  });
}

void add_cumulative(const Rows& add) {
  for (const bool reverse : {false, true})
    for (const bool exclusive : {false, true}) {
      const CumulativeOptions options{exclusive, reverse};
      const char* const variant = exclusive ? reverse ? "without itself, from the end" : "without itself"
                                  : reverse ? "from the end"
                                            : "up to each element";
      add("cumulative_sum", variant, {{{3, 4, 2}}}, [options](In in) {
        return Outputs{square(cumulative_sum(in[0], 1, options)), square(cumulative_sum(in[0], -1, options))};
      });
      add("cumulative_product", variant, {{{3, 4}}}, [options](In in) {
        return Outputs{cumulative_product(in[0], 1, options), cumulative_product(in[0], 0, options)};
      });
      add("cumulative_product", "with zeros", {{{4}}}, [options](In in) {
        const Var some(Tensor::of({1, 0, 1, 0}, {4}, in[0].dtype()));
        return Outputs{cumulative_product(in[0] * some, 0, options)};
      });
    }
  add("cumulative_sum", "an empty axis, one element", {{{2, 0}}, {{1}}}, [](In in) {
    return Outputs{cumulative_sum(in[0], 1), square(cumulative_sum(in[1], 0))};
  });
  add("cumulative_product", "an empty axis, one element", {{{2, 0}}, {{1}}}, [](In in) {
    return Outputs{cumulative_product(in[0], 1), square(cumulative_product(in[1], 0))};
  });
  add("linear_recurrence", "from the beginning and from the end", {{{2, 4, 3}}, {{2, 4, 3}}}, [](In in) {
    return Outputs{linear_recurrence(in[0], in[1], 1), linear_recurrence(in[0], in[1], -1, true)};
  });
  add("linear_recurrence", "an empty axis, one element", {{{0}}, {{1}}}, [](In in) {
    return Outputs{linear_recurrence(in[0], in[0], 0), linear_recurrence(in[1], square(in[1]), 0)};
  });
}

void add_sorting(const Rows& add) {
  add("sort", "along two axes", {{{3, 4}}}, [](In in) {
    return Outputs{square(sort(in[0]).values), square(sort(in[0], 0, {.descending = true}).values)};
  });
  add("sort", "an empty axis, one element", {{{2, 0}}, {{1}}}, [](In in) {
    return Outputs{sort(in[0]).values, square(sort(in[1]).values)};
  });
  add("top_k", "largest and smallest", {{{3, 5}}}, [](In in) {
    return Outputs{square(top_k(in[0], 2).values), square(top_k(in[0], 2, 0, {.smallest = true}).values)};
  });
  add("top_k", "none, all of one", {{{1}}}, [](In in) {
    return Outputs{top_k(in[0], 0).values, square(top_k(in[0], 1).values)};
  });
  add("median", "of an odd number, of an even one", {{{3, 4}}}, [](In in) {
    return Outputs{square(median(in[0])), square(median(in[0], 0, true))};
  });
}

void add_products(const Rows& add) {
  add("outer", "vectors, leading axes broadcast", {{{2, 3}}, {{4}}, {{3, 1, 2}}}, [](In in) {
    return Outputs{outer(in[0], in[1]), outer(in[0], in[2])};
  });
  add("dot", "vectors, leading axes broadcast", {{{3}}, {{2, 1, 3}}, {{4, 3}}}, [](In in) {
    return Outputs{dot(in[0], in[0]), dot(in[1], in[2]), dot(in[0], in[2])};
  });
  add("dot", "of nothing", {{{0}}, {{1}}}, [](In in) { return Outputs{dot(in[0], in[0]) * in[1]}; });
  add("matvec", "one matrix, a batch of them", {{{2, 3}}, {{3}}, {{4, 2, 3}}, {{4, 3}}}, [](In in) {
    return Outputs{matvec(in[0], in[1]), matvec(in[2], in[3]), matvec(in[0], in[3])};
  });
  add("bilinear", "a batch, with a bias", {{{2, 3}}, {{2, 4}}, {{5, 3, 4}}, {{5}}},
      [](In in) { return Outputs{bilinear(in[0], in[1], in[2], in[3])}; });
  add("bilinear", "vectors, leading axes broadcast, no bias", {{{3}}, {{4}}, {{2, 3, 4}}, {{2, 1, 3}}},
      [](In in) {
        return Outputs{bilinear(in[0], in[1], in[2], Var()), bilinear(in[3], in[1], in[2], Var())};
      });
}

void add_einsum(const Rows& add) {
  const auto add_formula = [&](const char* formula, std::vector<Input> inputs) {
    add("einsum", formula, std::move(inputs),
        [formula](In in) { return Outputs{square(einsum(formula, in))}; });
  };
  add_formula("ij,jk->ik", {{{2, 3}}, {{3, 4}}});
  add_formula("bhtd,bhsd->bhts", {{{2, 2, 3, 2}}, {{2, 2, 4, 2}}});
  add_formula("bij,kj", {{{2, 3, 4}}, {{2, 4}}});
  add_formula("ii->i", {{{3, 3}}});
  add_formula("iji->j", {{{2, 3, 2}}});
  add_formula("ijk->ki", {{{2, 3, 4}}});
  add_formula("...i,...i->...", {{{2, 1, 3}}, {{4, 3}}});
  add_formula("i...,...j->...ij", {{{2, 3, 1}}, {{3, 4, 2}}});
  add_formula("i,j,k->kij", {{{2}}, {{3}}, {{2}}});
  add_formula("ab,bc,cd,da->", {{{2, 3}}, {{3, 2}}, {{2, 4}}, {{4, 2}}});
  add_formula("ij,ij->ij", {{{2, 3}}, {{2, 3}}});
  add_formula("iij,jk->ik", {{{2, 2, 3}}, {{3, 1}}});
  add_formula("ij,jk->ik", {{{2, 0}}, {{0, 3}}});
  add("einsum", "one Var twice", {{{3, 3}}}, [](In in) {
    return Outputs{einsum("ij,kj->ik", {in[0], in[0]}), einsum("ij,ji->", {in[0], in[0]})};
  });
}

}  // namespace

void add_reductions_and_products(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add_sums_and_extremes(add);
  add_spread(add);
  add_cumulative(add);
  add_sorting(add);
  add_products(add);
  add_einsum(add);
}

}  // namespace heed::tests
