// Rows of extents 0 and 1, of the operations that do not go element by element: no rows, nothing in a row, no
// batch, nothing to add up, one element.
#include <algorithm>
#include <array>
#include <functional>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/autograd/op_rows.h"

namespace heed::tests {
namespace {

using Calls = std::vector<std::vector<Shape>>;

// One operand: no rows, nothing in a row, one element.
const Calls& matrices() {
  static const Calls calls{{{0, 3}}, {{2, 0}}, {{1, 1}}};
  return calls;
}

// Positions 0, in that shape.
Tensor first(const Shape& shape) { return Tensor::zeros(shape, DType::i32); }

void add_shape_extents(const Rows& add) {
  const auto of_matrices = [&](const char* name, const std::function<Var(const Var&)>& f) {
    add.calls(name, "no rows, nothing in a row, one element", matrices(),
              [f](In in) { return Outputs{square(f(in[0]))}; });
  };
  of_matrices("identity", [](const Var& x) { return identity(x); });
  of_matrices("reshape", [](const Var& x) { return reshape(x, {x.extent(1), 1, x.extent(0)}); });
  of_matrices("flatten", [](const Var& x) { return flatten(x); });
  of_matrices("unflatten", [](const Var& x) { return unflatten(x, 0, {1, x.extent(0), 1}); });
  of_matrices("transpose", [](const Var& x) { return transpose(x); });
  of_matrices("permute", [](const Var& x) { return permute(x, {1, 0}); });
  of_matrices("move_axis", [](const Var& x) { return move_axis(x, 0, -1); });
  of_matrices("flip", [](const Var& x) { return flip(x, 1); });
  of_matrices("slice", [](const Var& x) { return slice(x, 1, 0, x.extent(1), 2); });
  of_matrices("unslice", [](const Var& x) { return unslice(x, {x.extent(0), 6}, 1, 1, 2); });
  of_matrices("unsqueeze", [](const Var& x) { return unsqueeze(x, 1); });
  add.calls("squeeze", "no elements, one", {{{0, 1}}, {{1, 1}}},
            [](In in) { return Outputs{square(squeeze(in[0], 1))}; });
  add("select", "of no rows, of one element", {{{0, 3}}, {{3, 0}}, {{1}}}, [](In in) {
    return Outputs{select(in[0], 1, 2), select(in[1], 0, -1), square(select(in[2], 0, 0))};
  });
  add.calls("concat", "nothing and nothing, one element and one", {{{0, 2}, {0, 3}}, {{1, 1}, {1, 1}}},
            [](In in) {
              return Outputs{square(concat({in[0], in[1]}, -1))};
            });
  add.calls("stack", "of nothing, of one element, of scalars", {{{0}, {0}}, {{1}, {1}}, {{}, {}}}, [](In in) {
    return Outputs{square(stack(std::array{in[0], in[1]}, 0)), square(stack(std::array{in[0]}, -1))};
  });
  add("sum_to", "no rows, rows of nothing, a scalar", {{{0, 3}}, {{2, 0}}, {{1}}}, [](In in) {
    return Outputs{square(sum_to(in[0], {1, 3})), square(sum_to(in[0], {3})), square(sum_to(in[1], {2, 1})),
                   square(sum_to(in[2], {}))};
  });
  add("expand", "to no rows, of nothing, of one element", {{{1, 3}}, {{0}}, {{1}}}, [](In in) {
    return Outputs{expand(in[0], {0, 3}), expand(in[1], {2, 0}), square(expand(in[2], {2, 3}))};
  });
}

void add_arrangement_extents(const Rows& add) {
  add.calls("tile", "no rows, nothing in a row, one element", matrices(), [](In in) {
    return Outputs{square(tile(in[0], {2, 3})), tile(in[0], {2, 0})};
  });
  add.calls("repeat_interleave", "no rows, nothing in a row, one element", matrices(), [](In in) {
    return Outputs{square(repeat_interleave(in[0], 0, 2)), square(repeat_interleave(in[0], 1, 3)),
                   repeat_interleave(in[0], 0, 0)};
  });
  add.calls("split", "of nothing, of one element", {{{0, 3}}, {{1, 1}}}, [](In in) {
    const std::int64_t n = in[0].extent(0);
    std::vector<Var> parts = split(in[0], 0, {0, n, 0});
    for (const Var& part : split(in[0], 0, 1)) parts.push_back(square(part));
    return Outputs{parts[0], square(parts[1]), parts[2], parts[3]};
  });
  add.calls("chunk", "of no rows, of nothing, of one element", matrices(), [](In in) {
    Outputs parts = chunk(in[0], 1, 2);
    for (Var& part : parts) part = square(part);
    return parts;
  });
  add.calls("meshgrid", "one vector is empty, all have one element", {{{0}, {3}}, {{1}, {1}}}, [](In in) {
    const std::vector<Var> grid = meshgrid(in);
    return Outputs{square(grid[0]), square(grid[1])};
  });
  add("reverse_sequences", "no sequences, no steps, nothing in a step, one element",
      {{{0, 3, 2}}, {{2, 0, 2}}, {{2, 3, 0}}, {{1, 1}}}, [](In in) {
        return Outputs{reverse_sequences(in[0], first({0})), reverse_sequences(in[1], first({2})),
                       reverse_sequences(in[2], positions({3, 1}, {2})), reverse_sequences(in[2], Tensor()),
                       square(reverse_sequences(in[3], positions({1}, {1})))};
      });
}

void add_position_extents(const Rows& add) {
  add("part", "of no rows, of one element", {{{0, 3}}, {{1}}}, [](In in) {
    return Outputs{in[0][{all(), 1}], in[0][{slice({}, {}, -1), newaxis}], square(in[1][0])};
  });
  add("unpart", "no rows, one element", {{{0, 2}}, {{}}}, [](In in) {
    const std::vector<Index> columns{all(), slice(0, 4, 2)}, second{1};
    return Outputs{unpart(in[0], {0, 4}, columns), square(unpart(in[1], {3}, second))};
  });
  add("gather", "no rows, nothing in a row, one element", {{{0, 3}}, {{2, 0}}, {{1, 1}}}, [](In in) {
    return Outputs{gather(in[0], 1, first({0, 2})), gather(in[1], 1, first({2, 0})),
                   gather(in[1], 0, first({4, 0})), square(gather(in[2], 1, first({1, 2})))};
  });
  add("ungather", "no rows, no positions, one element", {{{0, 2}}, {{0}}, {{1}}}, [](In in) {
    return Outputs{ungather(in[0], {0, 3}, 1, first({0, 2})), ungather(in[1], {3}, 0, first({0})),
                   square(ungather(in[2], {2}, 0, positions({1}, {1})))};
  });
  const auto scatters = [&](const char* name,
                            Var (*f)(const Var&, int, const Tensor&, const Var&, SourceLocation)) {
    add.calls(name, "no rows, no positions, nothing at all, one element",
              {{{0, 3}, {0, 2}}, {{2, 3}, {2, 0}}, {{2, 0}, {2, 0}}, {{1, 1}, {1, 1}}},
              [f](In in) { return Outputs{square(f(in[0], 1, first(in[1].shape()), in[1], {}))}; });
  };
  scatters("scatter_add", scatter_add);
  scatters("scatter", scatter);
  add("index_select", "no rows, no positions, one element", {{{0, 3}}, {{2, 0}}, {{1}}}, [](In in) {
    return Outputs{index_select(in[0], 1, first({2})), index_select(in[1], 1, first({0})),
                   index_select(in[1], 0, first({3})), square(index_select(in[2], 0, first({2})))};
  });
  add("take_along_axis", "no rows, no positions, one element", {{{0, 3}}, {{2, 0}}, {{1}}}, [](In in) {
    return Outputs{take_along_axis(in[0], 1, first({1, 2})), take_along_axis(in[1], 1, first({1, 0})),
                   square(take_along_axis(in[2], 0, first({1})))};
  });
  add("masked_select", "no rows, a mask of no rows, one element", {{{0, 3}}, {{1, 3}}, {{1}}}, [](In in) {
    return Outputs{masked_select(in[0], mask_of({1, 0, 1}, {3})), masked_select(in[1], mask_of({}, {0, 3})),
                   square(masked_select(in[2], mask_of({1}, {})))};
  });
  add("masked_unselect", "nothing, one element", {{{0}}, {{1}}}, [](In in) {
    return Outputs{masked_unselect(in[0], mask_of({}, {0, 3})), masked_unselect(in[0], mask_of({0, 0}, {2})),
                   square(masked_unselect(in[1], mask_of({0, 1}, {2})))};
  });
  add("embedding", "no ids, a table of no rows, rows of nothing, one element", {{{0, 3}}, {{2, 0}}, {{1, 1}}},
      [](In in) {
        return Outputs{embedding(in[0], first({2, 0})), embedding(in[0], first({0}), {.padding = 0}),
                       embedding(in[1], first({3})), embedding(in[2], first({0})),
                       square(embedding(in[2], first({})))};
      });
  add("select_rows", "no ids, no rows, rows of nothing, one element", {{{0, 2}}, {{2, 0}}, {{1}}}, [](In in) {
    return Outputs{select_rows(in[0], first({0})), select_rows(in[1], first({3})),
                   select_rows(in[2], first({0})), square(select_rows(in[2], first({1})))};
  });
  add("scatter_rows", "no ids, rows of nothing, one element", {{{0, 3}}, {{2, 0}}, {{1, 1}}}, [](In in) {
    return Outputs{scatter_rows(in[0], first({0}), 2), scatter_rows(in[0], first({0}), 0),
                   scatter_rows(in[1], first({2}), 4), square(scatter_rows(in[2], first({1}), 2))};
  });
}

void add_diagonal_extents(const Rows& add) {
  const auto triangles = [&](const char* name, Var (*f)(const Var&, std::int64_t, SourceLocation)) {
    add.calls(name, "no rows, nothing in a row, no matrices, one element",
              {{{0, 3}}, {{2, 0}}, {{0, 2, 3}}, {{1, 1}}}, [f](In in) {
                return Outputs{square(f(in[0], 0, {})), square(f(in[0], -1, {})), square(f(in[0], 1, {}))};
              });
  };
  triangles("tril", tril);
  triangles("triu", triu);
  add.calls("diagonal", "no rows, nothing in a row, no matrices, one element",
            {{{0, 3}}, {{2, 0}}, {{0, 2, 3}}, {{1, 1}}},
            [](In in) { return Outputs{square(diagonal(in[0]))}; });
  add("undiagonal", "nothing, one element", {{{0}}, {{0, 2}}, {{1}}}, [](In in) {
    return Outputs{undiagonal(in[0], {0, 3}, 0, 0, 1), undiagonal(in[0], {2, 2}, 2, 0, 1),
                   undiagonal(in[1], {0, 2, 3}, 0, -2, -1), square(undiagonal(in[2], {1, 1}, 0, 0, 1))};
  });
  add.calls("diag_embed", "nothing, no rows, one element", {{{0}}, {{0, 2}}, {{1}}}, [](In in) {
    return Outputs{square(diag_embed(in[0])), square(diag_embed(in[0], 1))};
  });
  add.calls("trace", "no rows, nothing in a row, no matrices, one element",
            {{{0, 3}}, {{2, 0}}, {{0, 2, 3}}, {{1, 1}}}, [](In in) { return Outputs{square(trace(in[0]))}; });
}

void add_reduction_extents(const Rows& add) {
  const auto reductions = [&](const char* name, const std::function<Var(const Var&, const Axes&)>& f) {
    add.calls(name, "no rows, nothing in a row, one element", matrices(), [f](In in) {
      return Outputs{square(f(in[0], 1)), square(f(in[0], 0)), square(f(in[0], {}))};
    });
  };
  reductions("sum", [](const Var& x, const Axes& axes) { return sum(x, axes); });
  reductions("mean", [](const Var& x, const Axes& axes) { return mean(x, axes); });
  reductions("product", [](const Var& x, const Axes& axes) { return product(x, axes); });
  reductions("norm", [](const Var& x, const Axes& axes) { return norm(x, 2, axes); });
  // Of no elements these throw; but there may be none of them.
  const auto of_some = [&](const char* name, const std::function<Var(const Var&)>& f) {
    add.calls(name, "none, of one element", {{{0, 3}}, {{1, 1}}},
              [f](In in) { return Outputs{square(f(in[0]))}; });
  };
  of_some("max", [](const Var& x) { return max(x, 1); });
  of_some("min", [](const Var& x) { return min(x, 1); });
  of_some("variance", [](const Var& x) { return variance(x, 1, {.correction = 0}); });
  of_some("standard_deviation", [](const Var& x) { return standard_deviation(x, 1, {.correction = 0}); });
  of_some("median", [](const Var& x) { return median(x); });
  of_some("logsumexp", [](const Var& x) { return logsumexp(x, 1); });
  add.calls("top_k", "of no rows, of nothing, of one element", matrices(), [](In in) {
    return Outputs{square(top_k(in[0], std::min<std::int64_t>(1, in[0].extent(1))).values)};
  });
}

void add_product_extents(const Rows& add) {
  add.calls("matmul", "no rows, no columns, no batch, a batch that broadcasts to none, one element",
            {{{0, 2}, {2, 3}},
             {{2, 3}, {3, 0}},
             {{0, 2, 3}, {3, 2}},
             {{1, 2, 3}, {0, 3, 2}},
             {{0, 2, 0}, {0, 3}},
             {{1, 1}, {1, 1}}},
            [](In in) { return Outputs{matmul(in[0], in[1])}; });
  add.calls("matmul_transposed", "no rows, no columns, no batch, a batch that broadcasts to none, one element",
            {{{0, 2}, {3, 2}},
             {{2, 3}, {0, 3}},
             {{0, 2, 3}, {2, 3}},
             {{1, 2, 3}, {0, 2, 3}},
             {{0, 2, 0}, {3, 0}},
             {{1, 1}, {1, 1}}},
            [](In in) { return Outputs{matmul_transposed(in[0], in[1])}; });
  add.calls("transposed_matmul", "no rows, no columns, no batch, a batch that broadcasts to none, one element",
            {{{2, 0}, {2, 3}},
             {{3, 2}, {3, 0}},
             {{0, 3, 2}, {3, 2}},
             {{1, 3, 2}, {0, 3, 2}},
             {{0, 0, 2}, {0, 3}},
             {{1, 1}, {1, 1}}},
            [](In in) { return Outputs{transposed_matmul(in[0], in[1])}; });
  add.calls("factor_gradient", "no rows, no batch, one element",
            {{{2, 0, 3}, {2, 0, 2}}, {{0, 2, 3}, {0, 2, 2}}, {{1, 1, 1}, {1, 1, 1}}},
            [](In in) { return Outputs{factor_gradient(2, in[0], in[1])}; });
  add.calls("as_rows", "no rows, nothing in a row, one element", {{{0, 2, 3}}, {{2, 0, 3}}, {{2, 0}}, {{1}}},
            [](In in) { return Outputs{square(as_rows(in[0]))}; });
  add.calls("linear", "nothing comes in, nothing goes out, no rows, one element",
            {{{2, 0}, {0, 3}, {3}}, {{2, 3}, {3, 0}, {0}}, {{2, 0, 3}, {3, 2}, {2}}, {{1, 1}, {1, 1}, {1}}},
            [](In in) {
              return Outputs{linear(in[0], in[1], in[2]), linear(in[0], in[1], Var())};
            });
  add.calls("outer", "nothing on either side, no batch, one element",
            {{{0}, {3}}, {{2}, {0}}, {{0, 2}, {3}}, {{1}, {1}}},
            [](In in) { return Outputs{outer(in[0], in[1])}; });
  add.calls("dot", "of nothing, no batch, one element", {{{2, 0}, {0}}, {{0, 3}, {3}}, {{1}, {1}}},
            [](In in) { return Outputs{dot(in[0], in[1])}; });
  add.calls("matvec", "no rows, no columns, no batch, one element",
            {{{0, 3}, {3}}, {{2, 0}, {0}}, {{0, 2, 3}, {3}}, {{1, 1}, {1}}},
            [](In in) { return Outputs{matvec(in[0], in[1])}; });
  add.calls("bilinear", "no rows, nothing on one side, no ways, one element",
            {{{0, 3}, {0, 4}, {2, 3, 4}, {2}},
             {{2, 0}, {2, 4}, {3, 0, 4}, {3}},
             {{2, 3}, {2, 0}, {2, 3, 0}, {2}},
             {{2, 3}, {2, 4}, {0, 3, 4}, {0}},
             {{1}, {1}, {1, 1, 1}, {1}}},
            [](In in) { return Outputs{bilinear(in[0], in[1], in[2], in[3])}; });
  add.calls("einsum", "...ij,jk->...ik, no rows, nothing inside, no batch, one element",
            {{{0, 3}, {3, 2}}, {{2, 0}, {0, 3}}, {{0, 2, 3}, {3, 2}}, {{1, 1}, {1, 1}}}, [](In in) {
              return Outputs{einsum("...ij,jk->...ik", in), einsum("...ij,jk->...", in)};
            });
}

void add_row_extents(const Rows& add) {
  const auto along = [&](const char* name, const std::function<Var(const Var&, int)>& f) {
    add.calls(name, "no rows, nothing in a row, one element", matrices(), [f](In in) {
      return Outputs{f(in[0], -1) * in[0], f(in[0], 0) * in[0]};
    });
  };
  along("softmax", [](const Var& x, int axis) { return softmax(x, axis); });
  along("softmax_along", [](const Var& x, int axis) { return softmax_along(x, axis, {}); });
  along("log_softmax", [](const Var& x, int axis) { return log_softmax(x, axis); });
  along("softmin", [](const Var& x, int axis) { return softmin(x, axis); });
  along("gumbel_softmax", [](const Var& x, int axis) {
    Rng rng(7);
    return gumbel_softmax(x, {.axis = axis}, rng);
  });
  const auto masked = [&](const char* name, Var (*f)(const Var&, const Mask&, SourceLocation)) {
    add.calls(name, "a mask of no rows, of rows of nothing, of one element", matrices(), [f](In in) {
      const Mask every = Mask::attend(Tensor::ones(in[0].shape(), DType::boolean));
      const Mask one = Mask::attend(mask_of({1}, {1})), none = Mask::attend(mask_of({0}, {1, 1}));
      return Outputs{f(in[0], every, {}) * in[0], f(in[0], one, {}) * in[0], f(in[0], none, {})};
    });
  };
  masked("softmax", softmax);
  masked("sparsemax", sparsemax);
  add("sparsemax", "the mask broadcasts", {{{2, 2, 4}}}, [](In in) {
    const Mask mask = Mask::attend(mask_of({1, 0, 1, 1, 0, 0, 0, 0}, {2, 4}));
    return Outputs{sparsemax(in[0], mask) * in[0]};
  });
  add.calls("layer_norm", "no rows, nothing in a row, one element, a large epsilon",
            {{{0, 3}, {3}, {3}}, {{2, 0}, {0}, {0}}, {{1}, {1}, {1}}},
            [](In in) { return Outputs{layer_norm(in[0], in[1], in[2], 0.1)}; });
  add.calls("rms_norm", "no rows, nothing in a row, one element, a large epsilon",
            {{{0, 3}, {3}}, {{2, 0}, {0}}, {{1}, {1}}},
            [](In in) { return Outputs{rms_norm(in[0], in[1], 0.1)}; });
  add.calls("dropout", "no rows, nothing in a row, one element", matrices(), [](In in) {
    Rng rng(3);
    return Outputs{dropout(in[0], 0.4, rng) * in[0]};
  });
  add.calls("variational_dropout", "no sequences, no steps, nothing in a step, one element",
            {{{0, 3, 2}}, {{2, 0, 2}}, {{2, 3, 0}}, {{1, 1, 1}}}, [](In in) {
              Rng rng(4);
              return Outputs{variational_dropout(in[0], 0.4, rng) * in[0]};
            });
}

void add_attention_extents(const Rows& add) {
  const Calls nothing{{{0, 2}, {4, 2}, {4, 3}},
                      {{2, 3, 2}, {2, 0, 2}, {2, 0, 3}},
                      {{0, 3, 2}, {0, 4, 2}, {0, 4, 3}},
                      {{0, 3, 2}, {1, 4, 2}, {4, 3}},
                      {{1, 1}, {1, 1}, {1, 1}}};
  add.calls("attention", "no queries, no sources, no batch, one element", nothing,
            [](In in) { return Outputs{attention(in[0], in[1], in[2])}; });
  add.calls("attention", "masked: no queries, no sources, no batch, one element", nothing, [](In in) {
    const Mask mask = Mask::causal(in[0].extent(-2), in[1].extent(-2), 1);
    return Outputs{attention(in[0], in[1], in[2], {.mask = mask})};
  });
  add.calls("attention", "keys or values of no width", {{{3, 0}, {4, 0}, {4, 2}}, {{3, 2}, {4, 2}, {4, 0}}},
            [](In in) { return Outputs{attention(in[0], in[1], in[2])}; });
  add.calls("attention", "a bias of nothing, of one element",
            {{{0, 2}, {4, 2}, {4, 3}, {0, 4}}, {{3, 2}, {0, 2}, {0, 1}, {0}}, {{1, 1}, {1, 1}, {1, 1}, {}}},
            [](In in) { return Outputs{attention(in[0], in[1], in[2], {.bias = in[3]})}; });
}

void add_addressing_extents(const Rows& add) {
  add.calls("cosine_similarity", "no keys, no rows, nothing in a row, no batch, one element, a large epsilon",
            {{{0, 3}, {2, 3}}, {{2, 3}, {0, 3}}, {{2, 0}, {3, 0}}, {{0, 2, 3}, {0, 2, 3}}, {{1, 1}, {1, 1}}},
            [](In in) { return Outputs{cosine_similarity(in[0], in[1], 0.1)}; });
  const auto circular = [&](const char* name, const std::function<Var(const Var&, const Var&)>& f) {
    add.calls(name, "no rows, a ring of nothing, one element",
              {{{0, 5}, {0, 3}}, {{2, 0}, {2, 3}}, {{1}, {3}}, {{1}, {1}}},
              [f](In in) { return Outputs{f(in[0], in[1])}; });
  };
  circular("circular_convolution", [](const Var& x, const Var& s) { return circular_convolution(x, s); });
  circular("circular_correlation", [](const Var& x, const Var& s) { return circular_correlation(x, s); });
  add.calls("circular_taps", "no rows, a ring of nothing, one element",
            {{{0, 5}, {0, 5}}, {{2, 0}, {2, 0}}, {{1}, {1}}}, [](In in) {
              return Outputs{circular_taps(in[0], in[1], 1), circular_taps(in[0], in[1], 0)};
            });
  add.calls(
      "sharpen", "gammas for all heads, heads for all gammas, no rows, rows of nothing, one element",
      {{{2, 3, 4}, {3, 1}}, {{4}, {2, 1}}, {{0, 4}, {0, 1}}, {{2, 0}, {2, 1}}, {{1}, {1}}},
      [](In in) { return Outputs{sharpen(in[0], in[1]) * in[0]}; }, 0.3, 2);
}

void add_class_loss_extents(const Rows& add) {
  // No positions, one of one class, one of one class without an axis.
  const Calls calls{{{0, 4}}, {{2, 0, 3}}, {{1, 1}}, {{1}}};
  const auto losses = [&](const char* name, const std::function<Var(const Var&, const Tensor&, Reduction)>& f) {
    add.calls(name, "no positions, one, each reduction", calls, [f](In in) {
      const Tensor ids = first(in[0].shape().without(-1));
      Outputs outputs;
      for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
        outputs.push_back(f(in[0], ids, reduction) * sum(in[0]));
      return outputs;
    });
  };
  const auto weights = [](const Var& scores) { return Tensor::full({scores.extent(-1)}, 0.5, scores.dtype()); };
  losses("cross_entropy",
         [](const Var& x, const Tensor& ids, Reduction r) { return cross_entropy(x, ids, {.reduction = r}); });
  losses("cross_entropy", [=](const Var& x, const Tensor& ids, Reduction r) {
    return cross_entropy(x, ids, {.reduction = r, .label_smoothing = 0.1, .class_weights = weights(x)});
  });
  losses("nll", [=](const Var& x, const Tensor& ids, Reduction r) {
    return nll(square(x), ids, {.reduction = r, .label_smoothing = 0.1, .class_weights = weights(x)});
  });
  losses("multi_class_margin", [](const Var& x, const Tensor& ids, Reduction r) {
    return multi_class_margin(x, ids, {.squared = true, .reduction = r});
  });
  losses("binary_cross_entropy", [](const Var& x, const Tensor&, Reduction r) {
    const Tensor targets = Tensor::full(x.shape(), 0.3, x.dtype());
    return binary_cross_entropy(x, targets, {.reduction = r}) +
           binary_cross_entropy(x, targets,
                                {.positive_weight = Tensor::full({1}, 2, x.dtype()), .reduction = r});
  });
  add.calls(
      "kl_divergence", "no rows, rows of nothing, one element",
      {{{0, 3}, {0, 3}}, {{2, 0}, {2, 0}}, {{1, 1}, {1, 1}}},
      [](In in) {
        return Outputs{kl_divergence(in[0], in[1]), kl_divergence(in[0], in[1], Reduction::none)};
      },
      0.1, 0.9);
}

void add_margin_extents(const Rows& add) {
  const Calls none_and_one{{{0, 3}}, {{1}}}, pairs{{{0, 3}, {0, 3}}, {{2, 0}, {2, 0}}, {{1}, {1}}};
  const auto labels = [](const Shape& shape, const Var& like) { return Tensor::full(shape, -1, like.dtype()); };
  add.calls("hinge", "none, one, each reduction", none_and_one, [=](In in) {
    Outputs outputs;
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
      outputs.push_back(hinge(in[0], labels(in[0].shape(), in[0]), {.reduction = reduction}) * sum(in[0]));
    return outputs;
  });
  add.calls("margin_ranking", "none, one", pairs, [=](In in) {
    return Outputs{margin_ranking(in[0], in[1], labels(in[0].shape(), in[0]), {.margin = 0.3}) * sum(in[0])};
  });
  add.calls("paired_cosine", "no rows, rows of nothing, one element", pairs,
            [](In in) { return Outputs{paired_cosine(in[0], in[1], 0.1)}; });
  add.calls("cosine_embedding", "no rows, rows of nothing, one element", pairs, [=](In in) {
    const Tensor apart = labels(in[0].shape().without(-1), in[0]);
    return Outputs{cosine_embedding(in[0], in[1], apart), cosine_embedding(in[0], in[1], -apart)};
  });
  add.calls("triplet", "no rows, rows of nothing, one element",
            {{{0, 3}, {0, 3}, {0, 3}}, {{2, 0}, {2, 0}, {2, 0}}, {{1}, {1}, {1}}}, [](In in) {
              return Outputs{triplet(in[0], in[1], in[2]),
                             triplet(in[0], in[1], in[2], {.reduction = Reduction::none})};
            });
}

}  // namespace

void add_extents(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add_shape_extents(add);
  add_arrangement_extents(add);
  add_position_extents(add);
  add_diagonal_extents(add);
  add_reduction_extents(add);
  add_product_extents(add);
  add_row_extents(add);
  add_attention_extents(add);
  add_addressing_extents(add);
  add_class_loss_extents(add);
  add_margin_extents(add);
}

}  // namespace heed::tests
