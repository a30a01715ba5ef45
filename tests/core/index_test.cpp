// Picking and joining parts of tensors, and batches of ids.
#include "core/index.h"

#include "core/elementwise.h"
#include "core/error.h"
#include "core/reduce.h"
#include "core/tokens.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

Tensor ids(const std::vector<std::int32_t>& values, const Shape& shape) { return Tensor::of(values, shape); }

TEST_CASE("take_rows: the rows that the ids name, in the shape of the ids, of any type and strides") {
  for (const DType dtype : {DType::f32, DType::f64, DType::i32, DType::boolean}) {
    const Tensor table = Tensor::of({0, 0, 1, 0, 1, 1}, {3, 2}, dtype);
    const Tensor rows = take_rows(table, ids({2, 0, 2, 1}, {2, 2}));
    CHECK(rows.shape() == Shape{2, 2, 2});
    CHECK(rows.dtype() == dtype);
    CHECK(rows.to_vector() == Values{1, 1, 0, 0, 1, 1, 1, 0});
  }
  const Tensor table = counted({2, 3}).transpose();
  CHECK(take_rows(table, ids({2, 9, 1}, {3}).slice(0, 0, 3, 2)).to_vector() == Values{2, 5, 1, 4});
  CHECK(take_rows(table, ids({1}, {})).shape() == Shape{2});
  CHECK(take_rows(table, ids({}, {0})).shape() == Shape{0, 2});
  CHECK(take_rows(Tensor::empty({3, 0}), ids({1, 2}, {2})).shape() == Shape{2, 0});
}

TEST_CASE("take_rows: the first id outside the table is named with its position") {
  Tensor table = Tensor::ones({4, 2});
  table.storage().set_label("parameter \"embedding\"");
  CHECK(thrown<IndexError>([&] {
          take_rows(table, ids({1, 4, -1}, {3}));
        }) ==
        "IndexError: take_rows: id 4 at position 1 of ids [3] is outside the table [4, 2]\n"
        "  requires 0 <= id < 4\n"
        "  table: parameter \"embedding\"");
  CHECK_THROWS_AS(take_rows(table, ids({-1}, {1})), IndexError);
  CHECK(first_line(thrown<DTypeError>([&] { take_rows(table, Tensor::ones({2})); })) ==
        "DTypeError: take_rows: ids are f32");
  CHECK_THROWS_AS(take_rows(Tensor::ones({4}), ids({1}, {1})), ShapeError);
}

TEST_CASE("add_rows: rows of one id add up; outside ids change nothing") {
  Tensor table = counted({3, 2});
  add_rows(table, ids({2, 0, 2}, {3}), strided(Tensor::matrix({{1, 2}, {10, 20}, {100, 200}}, DType::f64)));
  CHECK(table.to_vector() == Values{10, 21, 2, 3, 105, 207});
  CHECK(table.storage().changed() > 0);
  CHECK_THROWS_AS(add_rows(table, ids({0, 3}, {2}), Tensor::ones({2, 2}, DType::f64)), IndexError);
  CHECK(table.to_vector() == Values{10, 21, 2, 3, 105, 207});
  CHECK_THROWS_AS(add_rows(table, ids({0}, {1}), Tensor::ones({1, 3}, DType::f64)), ShapeError);
  CHECK_THROWS_AS(add_rows(table, ids({0}, {1}), Tensor::ones({1, 2})), DTypeError);
  Tensor turned = counted({2, 3}).transpose();
  CHECK_THROWS_AS(add_rows(turned, ids({0}, {1}), Tensor::ones({1, 2}, DType::f64)), ShapeError);
}

TEST_CASE("gather: elements by their positions along any axis, of any type and strides") {
  const Tensor x = strided(counted({3, 4}));
  CHECK(gather(x, 1, ids({3, 0, 0, 1, 2, 2}, {3, 2})).to_vector() == Values{3, 0, 4, 5, 10, 10});
  CHECK(gather(x, 0, ids({2, 0, 1, 1}, {1, 4})).to_vector() == Values{8, 1, 6, 7});
  CHECK(gather(x, 1, ids({3}, {1, 1})).to_vector() == Values{3});  // fewer rows than x has
  CHECK(gather(x, -1, ids({}, {3, 0})).shape() == Shape{3, 0});
  CHECK(gather(x, 1, strided(ids({1, 2, 3}, {3, 1}))).to_vector() == Values{1, 6, 11});
  CHECK(gather(x.transpose(), 1, ids({2}, {1, 1}).expand({4, 2})).to_vector() ==
        Values{8, 8, 9, 9, 10, 10, 11, 11});
  for (const DType dtype : {DType::f32, DType::i32, DType::boolean}) {
    const Tensor y = gather(Tensor::of({0, 1, 1}, {3}, dtype), 0, ids({1, 0}, {2}));
    CHECK(y.dtype() == dtype);
    CHECK(y.to_vector() == Values{1, 0});
  }
  const Tensor cube = normal({3, 4, 5}, 1), where = ids({0, 2, 1, 1, 0, 2, 2, 2, 1, 0, 0, 1}, {3, 4, 1});
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 4; ++j)
      CHECK(gather(cube, 2, where).at({i, j, 0}) ==
            cube.at({i, j, static_cast<std::int64_t>(where.at({i, j, 0}))}));
}

TEST_CASE("gather: a position outside the axis is named with its place; extents and types must fit") {
  Tensor x = counted({3, 4});
  CHECK(thrown<IndexError>([&] {
          gather(x, 1, ids({0, 1, 4, -1}, {2, 2}));
        }) ==
        "IndexError: gather: position 4 at [1, 0] of positions [2, 2] is outside axis 1 of [3, 4]\n"
        "  requires 0 <= position < 4");
  CHECK_THROWS_AS(gather(x, 0, ids({-1}, {1, 1})), IndexError);
  CHECK_THROWS_AS(gather(Tensor::empty({0, 2}), 0, ids({0}, {1, 1})), IndexError);
  x.storage().set_label("parameter \"w\"");
  CHECK(thrown<ShapeError>([&] {
          gather(x, 1, ids({0, 0, 0, 0}, {4, 1}));
        }) ==
        "ShapeError: gather: positions are [4, 1] along axis 1 of [3, 4]\n"
        "  requires positions of the same rank, no larger off the axis\n"
        "  x: parameter \"w\"    positions: a tensor");
  CHECK_THROWS_AS(gather(x, 1, ids({0}, {1})), ShapeError);
  CHECK(thrown<DTypeError>([&] {
          gather(x, 1, counted({3, 1}));
        }) == "DTypeError: gather: positions are f64\n  requires i32");
}

TEST_CASE("scatter: writes where gather reads, the last stays, and x is left as it was") {
  const Tensor x = counted({2, 3});
  const Tensor y = scatter(x, 1, ids({2, 0, 1, 1}, {2, 2}), Tensor::of({10, 20, 30, 40}, {2, 2}, DType::f64));
  CHECK(y.to_vector() == Values{20, 1, 10, 3, 40, 5});
  CHECK(x.to_vector() == Values{0, 1, 2, 3, 4, 5});
  CHECK(scatter_stays({2, 3}, 1, ids({2, 0, 1, 1}, {2, 2})).to_vector() == Values{1, 1, 0, 1});
  const Tensor back = scatter(Tensor::zeros({4}, DType::f64), 0, ids({2, 0, 3, 1}, {4}), counted({4}));
  CHECK(gather(back, 0, ids({2, 0, 3, 1}, {4})).to_vector() == counted({4}).to_vector());
  CHECK(first_line(thrown<ShapeError>([&] {
          scatter(x, 1, ids({0, 0}, {2, 1}), counted({2, 2}));
        })) == "ShapeError: scatter: the source is [2, 2], positions are [2, 1]");
  CHECK_THROWS_AS(scatter(x, 1, ids({0, 0}, {2, 1}), Tensor::ones({2, 1})), DTypeError);
  CHECK_THROWS_AS(scatter(x, 1, ids({0, 3}, {2, 1}), counted({2, 1})), IndexError);
}

TEST_CASE("add_at: is the adjoint of gather, and what falls into one place adds up") {
  const Tensor x = normal({4, 3, 5}, 1), dy = normal({4, 6, 5}, 2);
  Rng rng(3);
  const Tensor at = Tensor::uniform({4, 6, 5}, 0, 3, rng).to(DType::i32);
  Tensor dx = Tensor::zeros(x.shape(), DType::f64);
  add_at(dx, 1, at, strided(dy));
  // <gather(x), dy> = <x, gather's adjoint of dy>
  CHECK(std::abs(sum(gather(x, 1, at) * dy).item() - sum(x * dx).item()) < 1e-12);
  Tensor y = counted({2, 3});
  add_at(y, 1, ids({1}, {1}).expand({2, 4}), Tensor::ones({2, 4}, DType::f64));
  CHECK(y.to_vector() == Values{0, 5, 2, 3, 8, 5});
  add_at(y, 0, ids({1, 1, 0}, {3, 1}).expand({3, 2}), counted({3, 2}));  // rows at once, the last column stays
  CHECK(y.to_vector() == Values{4, 10, 2, 5, 12, 5});
  CHECK(y.storage().changed() > 0);
  add_at(y, 1, ids({1, 2, 0, 1, 2, 0}, {2, 3}), y);
  CHECK(y.to_vector() == Values{6, 14, 12, 10, 17, 17});
  Tensor turned = y.transpose().flip(0);  // a view: what it holds, y holds
  add_at(turned, 0, ids({2, 0}, {1, 2}), Tensor::of({100, 200}, {1, 2}, DType::f64));
  CHECK(y.to_vector() == Values{106, 14, 12, 10, 17, 217});
  CHECK(gather(turned, 0, ids({0, 2}, {1, 2})).to_vector() == Values{12, 10});
}

TEST_CASE("add_at: nothing changes when a position is outside; a repeated element is not added to") {
  Tensor y = counted({3});
  CHECK_THROWS_AS(add_at(y, 0, ids({0, 3}, {2}), counted({2})), IndexError);
  CHECK(y.to_vector() == Values{0, 1, 2});
  Tensor repeated = Tensor::zeros({1, 2}, DType::f64).expand({3, 2});
  CHECK_THROWS_AS(add_at(repeated, 1, ids({0, 0, 0}, {3, 1}), counted({3, 1})), ShapeError);
  Tensor whole = counted({3}, DType::i32);
  CHECK_THROWS_AS(add_at(whole, 0, ids({0}, {1}), counted({1}, DType::i32)), DTypeError);
}

TEST_CASE("index_select: parts along any axis, rows as take_rows gives them") {
  const Tensor x = strided(counted({2, 3, 4}));
  CHECK(index_select(x, 1, ids({2, 0, 2}, {3})).shape() == Shape{2, 3, 4});
  CHECK(index_select(x, -1, ids({3, 1}, {2})).to_vector() == Values{3, 1, 7, 5, 11, 9, 15, 13, 19, 17, 23, 21});
  const Tensor table = normal({5, 3}, 1), some = ids({4, 0, 4}, {3});
  CHECK(index_select(table, 0, some).to_vector() == take_rows(table, some).to_vector());
  CHECK(index_select(x, 0, ids({}, {0})).shape() == Shape{0, 3, 4});
  CHECK(thrown<IndexError>([&] {
          index_select(x, 1, ids({0, 3}, {2}));
        }) ==
        "IndexError: index_select: position 3 at [1] of positions [2] is outside axis 1 of [2, 3, 4]\n"
        "  requires 0 <= position < 3");
  CHECK_THROWS_AS(index_select(x, 1, ids({0, 1}, {2, 1})), ShapeError);
  CHECK_THROWS_AS(index_select(x, 1, counted({2})), DTypeError);
}

TEST_CASE("take_along_axis: positions and x broadcast off the axis") {
  const Tensor x = counted({2, 3});
  CHECK(take_along_axis(x, 1, ids({2, 0}, {1, 2})).to_vector() == Values{2, 0, 5, 3});
  CHECK(take_along_axis(x.slice(0, 1, 2), 1, ids({2, 0}, {2, 1})).to_vector() == Values{5, 3});
  CHECK(first_line(thrown<ShapeError>([&] {
          take_along_axis(x, 1, ids({0, 0, 0}, {3, 1}));
        })) == "ShapeError: take_along_axis: positions are [3, 1] along axis 1 of [2, 3]");
  CHECK_THROWS_AS(take_along_axis(x, 1, ids({0}, {1})), ShapeError);
}

TEST_CASE("one_hot: a 1 where the id is; the first id outside is named") {
  const Tensor y = one_hot(ids({2, 0}, {2}), 3);
  CHECK(y.to_vector() == Values{0, 0, 1, 1, 0, 0});
  CHECK(y.dtype() == DType::f32);
  CHECK(one_hot(ids({1}, {}), 2, DType::boolean).to_vector() == Values{0, 1});
  CHECK(one_hot(ids({}, {0}), 4).shape() == Shape{0, 4});
  CHECK(first_line(thrown<IndexError>([] {
          one_hot(ids({0, 3}, {2}), 3);
        })) == "IndexError: one_hot: id 3 at position 1 of ids [2] is none of 3 classes");
  CHECK_THROWS_AS(one_hot(counted({2}), 3), DTypeError);
}

TEST_CASE("concat: side by side along any axis, views and empty parts too") {
  const Tensor a = counted({2, 2}), b = Tensor::of({10, 11}, {2, 1}, DType::f64);
  CHECK(concat({a, b}, 1).to_vector() == Values{0, 1, 10, 2, 3, 11});
  CHECK(concat({a.transpose(), a}, 0).to_vector() == Values{0, 2, 1, 3, 0, 1, 2, 3});
  CHECK(concat({a, a}, -1).shape() == Shape{2, 4});
  CHECK(concat({Tensor::empty({2, 0}, DType::f64), a}, 1).to_vector() == a.to_vector());
  CHECK(concat({a}, 0).to_vector() == a.to_vector());
  CHECK(&concat({a}, 0).storage() != &a.storage());
  const Tensor cube = counted({2, 3, 2}, DType::i32);
  const Tensor halves = concat({cube.slice(1, 0, 1), cube.slice(1, 1, 3)}, 1);
  CHECK(halves.to_vector() == cube.to_vector());
  CHECK(halves.dtype() == DType::i32);
}

TEST_CASE("concat: parts that do not fit are told apart") {
  const Tensor a = Tensor::ones({2, 3});
  CHECK(thrown<ShapeError>([&] {
          concat({a, Tensor::ones({3, 3})}, 1);
        }) == "ShapeError: concat: shapes differ off axis 1: [2, 3] and [3, 3]\n  a tensor    a tensor");
  CHECK_THROWS_AS(concat({a, Tensor::ones({2})}, 0), ShapeError);
  CHECK_THROWS_AS(concat({a, Tensor::ones({2, 3}, DType::f64)}, 0), DTypeError);
  CHECK_THROWS_AS(concat({a}, 2), IndexError);
  CHECK(thrown<ShapeError>([] { concat(std::span<const Tensor>(), 0); }) ==
        "ShapeError: concat: there is nothing to join");
}

const std::vector<std::vector<std::int32_t>> kSequences{{1, 2, 3}, {4}, {}, {5, 6}};

TEST_CASE("tokens: a batch is filled up to the longest and gives its sequences back") {
  const Tokens tokens = batch_of(kSequences, 9);
  CHECK(tokens.ids.shape() == Shape{4, 3});
  CHECK(tokens.batch() == 4);
  CHECK(tokens.time() == 3);
  CHECK(tokens.ids.to_vector() == Values{1, 2, 3, 4, 9, 9, 9, 9, 9, 5, 6, 9});
  CHECK(tokens.lengths.to_vector() == Values{3, 1, 0, 2});
  for (std::int64_t b = 0; b < 4; ++b) CHECK(tokens.sequence(b) == kSequences[static_cast<std::size_t>(b)]);
  const std::vector<std::vector<std::int32_t>> even{{1, 2}, {3, 4}}, none;
  CHECK_FALSE(batch_of(even, 0).lengths.defined());
  CHECK(batch_of(even, 0).sequence(1) == even[1]);
  CHECK(batch_of(none, 0).ids.shape() == Shape{0, 0});
}

TEST_CASE("tokens: targets are counted without the ignored ones, of any shape and any strides") {
  const Tensor targets = Tensor::of(std::vector<std::int32_t>{3, -1, 0, -1, -1, 7}, {2, 3});
  CHECK(count_targets(targets) == 3);
  CHECK(count_targets(targets.slice(1, 0, 1)) == 1);
  CHECK(count_targets(targets, 7) == 5);
  CHECK(count_targets(Tensor::zeros({0, 4}, DType::i32)) == 0);
  CHECK_THROWS_AS(count_targets(Tensor::zeros({2})), DTypeError);
}

TEST_CASE("tokens: reversed turns the real ids round, twice is the batch again") {
  const Tokens tokens = batch_of(kSequences, 9), turned = reversed(tokens);
  CHECK(turned.ids.to_vector() == Values{3, 2, 1, 4, 9, 9, 9, 9, 9, 6, 5, 9});
  CHECK(reversed(turned).ids.to_vector() == tokens.ids.to_vector());
  CHECK(tokens.ids.at({0, 0}) == 1);
}

TEST_CASE("tokens: columns of weights over reversed sources go back to their ids") {
  const Tokens tokens = batch_of(kSequences, 9);
  const Tensor weights = counted({4, 2, 3});
  const Tensor back = columns_reversed(weights.transpose(1, 2).clone().transpose(1, 2), tokens);
  CHECK(back.to_vector() ==
        Values{2, 1, 0, 5, 4, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 18, 20, 22, 21, 23});
  CHECK(first_line(thrown<ShapeError>([&] {
          columns_reversed(counted({4, 3, 2}), tokens);
        })) == "ShapeError: columns_reversed: weights are [4, 3, 2], sources are [4, 3]");
}

TEST_CASE("tokens: lengths may be strided; lengths and sequences outside the ids are errors") {
  Tokens tokens = batch_of(kSequences, 9);
  tokens.lengths = strided(tokens.lengths);
  CHECK(tokens.sequence(3) == kSequences[3]);
  CHECK(reversed(tokens).ids.at({0, 0}) == 3);
  CHECK(thrown<IndexError>([&] { tokens.sequence(-1); }) ==
        "IndexError: tokens: sequence -1 is outside the ids [4, 3]");
  CHECK_THROWS_AS(tokens.sequence(4), IndexError);
  tokens.lengths = ids({3, 4, 0, 0}, {4});
  CHECK(thrown<IndexError>([&] { reversed(tokens); }) ==
        "IndexError: tokens: length 4 of sequence 1 is outside the ids [4, 3]");
  tokens.lengths = ids({3, 3}, {2});
  CHECK_THROWS_AS(reversed(tokens), ShapeError);
  tokens.lengths = Tensor();
  tokens.ids = Tensor::ones({4, 3}, DType::f64);
  CHECK_THROWS_AS(reversed(tokens), ShapeError);
}

}  // namespace
}  // namespace heed::tests
