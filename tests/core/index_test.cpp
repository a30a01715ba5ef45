// Picking and joining parts of tensors, and batches of ids.
#include "core/index.h"

#include "core/error.h"
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
