// Rows of other shapes, arrangements, parts, positions and diagonals.
#include "autograd/ops.h"
#include "tests/autograd/op_rows.h"

namespace heed::tests {
namespace {

void add_axes(const Rows& add) {
  add("flatten", "all axes, some, none", {{{2, 3, 4}}, {{}}}, [](In in) {
    return Outputs{square(flatten(in[0])), square(flatten(in[0], 1, -1)), square(flatten(in[1]))};
  });
  add("unflatten", "an axis left open", {{{2, 6}}}, [](In in) {
    return Outputs{square(unflatten(in[0], 1, {3, -1})), square(unflatten(in[0], 0, {2, 1}))};
  });
  add("move_axis", "to the end and to the beginning", {{{2, 3, 4}}}, [](In in) {
    return Outputs{square(move_axis(in[0], 0, -1)), square(move_axis(in[0], 2, 0)),
                   square(move_axis(in[0], 1, 1))};
  });
  add("flip", "one axis, several, all", {{{2, 3, 2}}, {{0}}}, [](In in) {
    return Outputs{square(flip(in[0], 1)), square(flip(in[0], {0, -1})), square(flip(in[0], Axes())),
                   flip(in[1], 0)};
  });
}

void add_arrangements(const Rows& add) {
  add("pad", "two axes, a value", {{{2, 3}}}, [](In in) {
    return Outputs{square(pad(in[0], {{1, 0}, {2, 3}})), square(pad(in[0], {{0, 0}, {0, 1}}, 2.0))};
  });
  add("pad", "a scalar, an empty axis", {{{}}, {{0, 2}}, {{2}}}, [](In in) {
    return Outputs{square(pad(in[0], {})), pad(in[1], {{1, 1}, {0, 0}}, 1.0) * in[2]};
  });
  add("roll", "forwards and backwards", {{{3, 4}}, {{1}}, {{0}}}, [](In in) {
    return Outputs{square(roll(in[0], 1, 6)), square(roll(in[0], 0, -1)), square(roll(in[1], 0, 5)),
                   roll(in[2], 0, 1)};
  });
  add("tile", "as many times as axes, more, fewer", {{{2, 3}}}, [](In in) {
    return Outputs{square(tile(in[0], {2, 3})), square(tile(in[0], {2, 1, 2})), square(tile(in[0], {2}))};
  });
  add("tile", "never", {{{2}}, {{1}}}, [](In in) {
    return Outputs{tile(in[0], {0}), square(tile(in[1], {1}))};
  });
  add("repeat_interleave", "two axes", {{{2, 3}}}, [](In in) {
    return Outputs{square(repeat_interleave(in[0], 0, 3)), square(repeat_interleave(in[0], -1, 2))};
  });
  add("split", "sizes, equal parts", {{{2, 6}}}, [](In in) {
    std::vector<Var> parts = split(in[0], 1, {1, 0, 5});
    for (const Var& part : split(in[0], -1, 3)) parts.push_back(square(part));
    return Outputs{square(parts[0]), parts[1], square(parts[2]), parts[3], parts[5]};
  });
  add("chunk", "the last part is shorter", {{{5, 2}}}, [](In in) {
    const std::vector<Var> parts = chunk(in[0], 0, 3);
    return Outputs{square(parts[0]), square(parts[2])};
  });
  add("meshgrid", "three vectors", {{{2}}, {{3}}, {{1}}}, [](In in) {
    const std::vector<Var> grid = meshgrid(in);
    return Outputs{grid[0] * grid[1], square(grid[2])};
  });
}

void add_parts(const Rows& add) {
  add("part", "a position, a slice, a new axis, an ellipsis", {{{3, 4, 5}}}, [](In in) {
    return Outputs{square(in[0][{1, newaxis, slice(1, 4, 2)}]), square(in[0][{ellipsis, slice({}, {}, -2)}]),
                   square(in[0][-1]), square(in[0][{0, 1, 2}])};
  });
  add("part", "everything, nothing", {{{2, 3}}}, [](In in) {
    return Outputs{square(in[0][{}]), in[0][{all(), slice(3, 3)}]};
  });
  add("unpart", "backwards, with a step", {{{2, 1, 3}}}, [](In in) {
    const std::vector<Index> where{slice({}, {}, -1), newaxis, slice(0, 6, 2), 1};
    return Outputs{square(unpart(in[0], {2, 6, 2}, where))};
  });
}

void add_positions(const Rows& add) {
  const Tensor rows = positions({2, 0, 2, 1, 1, 1}, {2, 3});
  add("gather", "along both axes, some twice", {{{3, 4}}}, [rows](In in) {
    return Outputs{square(gather(in[0], 1, rows)), square(gather(in[0], 0, rows))};
  });
  add("gather", "one element, no positions", {{{1}}}, [](In in) {
    return Outputs{square(gather(in[0], 0, positions({0}, {1}))), gather(in[0], 0, positions({}, {0}))};
  });
  add("ungather", "some twice", {{{2, 3}}}, [rows](In in) {
    return Outputs{square(ungather(in[0], {2, 4}, 1, rows)), square(ungather(in[0], {3, 3}, 0, rows))};
  });
  add("scatter_add", "some twice", {{{3, 4}}, {{2, 3}}},
      [rows](In in) { return Outputs{square(scatter_add(in[0], 1, rows, in[1]))}; });
  add("scatter", "some twice", {{{3, 4}}, {{2, 3}}}, [rows](In in) {
    return Outputs{square(scatter(in[0], 1, rows, in[1])), square(scatter(in[0], 0, rows, in[1]))};
  });
  add("index_select", "each axis, some twice", {{{3, 2, 4}}}, [](In in) {
    return Outputs{square(index_select(in[0], 0, positions({2, 0, 2}, {3}))),
                   square(index_select(in[0], 1, positions({1}, {1}))),
                   square(index_select(in[0], -1, positions({3, 3, 0}, {3}))),
                   index_select(in[0], 1, positions({}, {0}))};
  });
  add("take_along_axis", "either side broadcasts", {{{3, 4}}, {{1, 4}}}, [](In in) {
    return Outputs{square(take_along_axis(in[0], 1, positions({2, 0}, {1, 2}))),
                   square(take_along_axis(in[1], 1, positions({2, 0, 3}, {3, 1})))};
  });
  add("masked_select", "x and the mask broadcast", {{{2, 3}}, {{3}}}, [](In in) {
    return Outputs{square(masked_select(in[0], mask_of({1, 0, 1}, {3}))),
                   square(masked_select(in[1], mask_of({1, 0, 1, 1, 0, 1}, {2, 3}))),
                   masked_select(in[0], mask_of({0}, {1}))};
  });
  add("masked_unselect", "", {{{2}}}, [](In in) {
    return Outputs{square(masked_unselect(in[0], mask_of({0, 1, 1, 0}, {2, 2})))};
  });
  add("embedding", "padding gets no gradient", {{{4, 3}}}, [](In in) {
    return Outputs{embedding(in[0] * Var(Tensor::of({1, 1, 0, 1}, {4, 1}, in[0].dtype())),
                             positions({2, 0, 2, 3}, {2, 2}), {.padding = 2})};
  });
}

void add_diagonals(const Rows& add) {
  add("tril", "offsets", {{{2, 3, 4}}}, [](In in) {
    return Outputs{square(tril(in[0])), square(tril(in[0], -1)), square(tril(in[0], 2))};
  });
  add("triu", "offsets", {{{2, 3, 4}}, {{1, 1}}}, [](In in) {
    return Outputs{square(triu(in[0])), square(triu(in[0], 2)), square(triu(in[1]))};
  });
  add("diagonal", "offsets, other axes", {{{2, 3, 4}}}, [](In in) {
    return Outputs{square(diagonal(in[0])), square(diagonal(in[0], -1)), square(diagonal(in[0], 1, 2, 0)),
                   diagonal(in[0], 4)};
  });
  add("undiagonal", "of no square", {{{2, 3}}}, [](In in) {
    return Outputs{square(undiagonal(in[0], {2, 3, 5}, 1, -2, -1)),
                   square(undiagonal(in[0], {4, 2, 3}, -1, 0, 2))};
  });
  add("diag_embed", "offsets", {{{2, 3}}, {{0}}}, [](In in) {
    return Outputs{square(diag_embed(in[0])), square(diag_embed(in[0], -2)), diag_embed(in[1])};
  });
  add("trace", "matrices, an offset", {{{2, 3, 4}}, {{1, 1}}}, [](In in) {
    return Outputs{square(trace(in[0])), square(trace(in[0], 1)), square(trace(in[1]))};
  });
}

}  // namespace

void add_shapes_and_parts(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add_axes(add);
  add_arrangements(add);
  add_parts(add);
  add_positions(add);
  add_diagonals(add);
}

}  // namespace heed::tests
