#include "core/matmul.h"

#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

// Three loops over each matrix of the batch.
Values plain_product(const Tensor& a, const Tensor& b, const Shape& batch) {
  const std::int64_t m = a.extent(-2), k = a.extent(-1), n = b.extent(-1);
  const Values va = a.expand(batch.inserted(batch.rank(), m).inserted(batch.rank() + 1, k)).to_vector();
  const Values vb = b.expand(batch.inserted(batch.rank(), k).inserted(batch.rank() + 1, n)).to_vector();
  Values y;
  for (std::int64_t i = 0; i < batch.count(); ++i)
    for (std::int64_t r = 0; r < m; ++r)
      for (std::int64_t c = 0; c < n; ++c) {
        double total = 0;
        for (std::int64_t j = 0; j < k; ++j)
          total += va[static_cast<std::size_t>((i * m + r) * k + j)] *
                   vb[static_cast<std::size_t>((i * k + j) * n + c)];
        y.push_back(total);
      }
  return y;
}

void check_product(const Tensor& a, const Tensor& b, const Shape& batch) {
  INFO(to_string(a.shape()) << " times " << to_string(b.shape()));
  const Tensor y = matmul(a, b);
  REQUIRE(y.shape() == batch.inserted(batch.rank(), a.extent(-2)).inserted(batch.rank() + 1, b.extent(-1)));
  const double tolerance = a.dtype() == DType::f64 ? 1e-12 : 1e-4;
  REQUIRE(difference(y, plain_product(a, b, batch)) <= tolerance);
}

TEST_CASE("matmul: agrees with three loops on extents around every tile, in f32 and f64") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const std::int64_t m : {1, 2, 7, 17})
      for (const std::int64_t n : {1, 3, 16, 33})
        for (const std::int64_t k : {1, 5, 40})
          check_product(normal({m, k}, 1, dtype), normal({k, n}, 2, dtype), {});
}

TEST_CASE("matmul: takes any strides") {
  const Tensor a = normal({6, 9}, 1), b = normal({9, 5}, 2);
  for (const Tensor& left : {a, a.transpose().clone().transpose(), strided(a)})
    for (const Tensor& right : {b, b.transpose().clone().transpose(), strided(b)})
      check_product(left, right, {});
  const Tensor wide = normal({12, 9}, 3);
  check_product(wide.slice(0, 1, 12, 3), b, {});
  check_product(normal({1, 9}, 4).expand({4, 9}), b, {});
}

TEST_CASE("matmul: leading axes broadcast") {
  check_product(normal({4, 3, 5}, 1), normal({5, 2}, 2), {4});
  check_product(normal({3, 5}, 1), normal({4, 5, 2}, 2), {4});
  check_product(normal({2, 1, 3, 5}, 1), normal({4, 5, 2}, 2), {2, 4});
  check_product(normal({2, 4, 3, 5}, 1), normal({1, 1, 5, 2}, 2), {2, 4});
  check_product(normal({1, 3, 5}, 1), normal({1, 5, 2}, 2), {1});
  check_product(normal({2, 1, 2, 1, 2, 1, 2, 3}, 1), normal({3, 2}, 2), {2, 1, 2, 1, 2, 1});
  check_product(normal({3, 4, 2, 5}, 1).transpose(0, 1), normal({5, 2}, 2), {4, 3});
  check_product(normal({4, 2, 3, 5}, 1).transpose(1, 2), normal({4, 3, 5, 2}, 2), {4, 3});
}

TEST_CASE("matmul: a batch of single rows, whatever the stride of the axis of extent 1") {
  const Tensor rows = normal({6, 5}, 1), b = normal({5, 7}, 2);
  const Tensor expected = matmul(rows, b);
  CHECK(identical(matmul(rows.unsqueeze(1), b).reshape({6, 7}), expected));
  CHECK(identical(matmul(rows.unsqueeze(0).transpose(0, 1), b).reshape({6, 7}), expected));
  check_product(normal({6, 3, 5}, 3).select(1, 2).unsqueeze(1), b, {6});
  check_product(normal({2, 3, 4, 5}, 3).slice(2, 3, 4), b, {2, 3});
  check_product(normal({2, 1, 1, 5}, 3).expand({2, 3, 1, 5}), b, {2, 3});
}

TEST_CASE("matmul_transposed, transposed_matmul: matmul of transposed views, bit by bit") {
  Rng rng(3);
  const auto normal = [&](const Shape& shape) { return Tensor::normal(shape, 0, 1, rng); };
  for (const auto& [m, n, k] : {std::array{16, 16, 16}, std::array{3, 50, 7}, std::array{1, 9, 40}}) {
    const Tensor a = normal({m, k}), b = normal({n, k}), c = normal({k, m}), d = normal({k, n});
    CHECK(identical(matmul_transposed(a, b), matmul(a, b.transpose())));
    CHECK(identical(transposed_matmul(c, d), matmul(c.transpose(), d)));
    CHECK(identical(matmul_transposed(c.transpose(), d.transpose()), matmul(c.transpose(), d)));
    CHECK(identical(transposed_matmul(a.transpose(), b.transpose()), matmul(a, b.transpose())));
  }
  const Tensor a = normal({2, 1, 4, 3}), b = normal({5, 6, 3}), c = normal({2, 1, 3, 4}), d = normal({5, 3, 6});
  CHECK(identical(matmul_transposed(a, b), matmul(a, b.transpose())));
  CHECK(identical(transposed_matmul(c, d), matmul(c.transpose(), d)));
  CHECK(first_line(thrown<ShapeError>([&] {
          matmul_transposed(b, normal({4, 2, 3}));
        })) == "ShapeError: matmul_transposed: leading axes do not broadcast: a is [5, 6, 3], b is [4, 2, 3]");
}

TEST_CASE("matmul: empty extents give empty or zero results") {
  CHECK(matmul(Tensor::ones({0, 3}), Tensor::ones({3, 2})).shape() == Shape{0, 2});
  CHECK(matmul(Tensor::ones({2, 3}), Tensor::ones({3, 0})).shape() == Shape{2, 0});
  CHECK(matmul(Tensor::ones({0, 2, 3}), Tensor::ones({1, 3, 2})).shape() == Shape{0, 2, 2});
  CHECK(matmul(Tensor::ones({2, 0}), Tensor::ones({0, 2})).to_vector() == Values{0, 0, 0, 0});
  CHECK(matmul(Tensor::ones({2, 1, 0}), Tensor::ones({2, 0, 2})).to_vector() == Values{0, 0, 0, 0});
}

TEST_CASE("matmul: what does not fit is told in the form of the error grammar") {
  Tensor a = Tensor::ones({32, 9, 256}), b = Tensor::ones({128, 64});
  a.storage().set_operation("concat");
  b.storage().set_label("parameter \"decoder.out.weight\"");
  CHECK(thrown<ShapeError>([&] { matmul(a, b); }) ==
        "ShapeError: matmul: inner extents differ: a is [32, 9, 256], b is [128, 64]\n"
        "  requires a.shape[-1] == b.shape[-2], got 256 and 128\n"
        "  a: output of concat    b: parameter \"decoder.out.weight\"");
  CHECK(thrown<ShapeError>([&] { matmul(Tensor::ones({3}), b); }) ==
        "ShapeError: matmul: operands must be matrices: a is [3], b is [128, 64]\n"
        "  requires rank >= 2, got 1 and 2\n"
        "  a: a tensor    b: parameter \"decoder.out.weight\"");
  CHECK(first_line(thrown<ShapeError>([&] {
          matmul(Tensor::ones({2, 3, 4}), Tensor::ones({3, 4, 5}));
        })) == "ShapeError: matmul: leading axes do not broadcast: a is [2, 3, 4], b is [3, 4, 5]");
  CHECK(first_line(thrown<DTypeError>([&] {
          matmul(Tensor::ones({2, 2}), Tensor::ones({2, 2}, DType::f64));
        })) == "DTypeError: matmul: element types differ: a is f32, b is f64");
  CHECK_THROWS_AS(matmul(Tensor::ones({2, 2}, DType::i32), Tensor::ones({2, 2}, DType::i32)), DTypeError);
}

TEST_CASE("matmul: the same bits at any number of threads, for sizes that are cut") {
  const Tensor tall = normal({700, 60}, 1, DType::f32), square = normal({60, 90}, 2, DType::f32);
  CHECK(all_same(on_any_threads([&] { return matmul(tall, square); })));
  CHECK(all_same(on_any_threads([&] { return matmul(square.transpose(), tall.transpose()); })));
  // One thread takes the columns of these in one piece.
  const Tensor wide = normal({600, 2403}, 6, DType::f32);
  for (const std::int64_t rows : {1, 2, 7, 70}) {
    const Tensor few = normal({rows, 600}, 7, DType::f32);
    CHECK(all_same(on_any_threads([&] { return matmul(few, wide); })));
    CHECK(all_same(on_any_threads([&] {
      return matmul(few, normal({2403, 600}, 8, DType::f32).transpose());
    })));
  }
  const Tensor many = normal({160, 30, 31}, 3, DType::f32);
  CHECK(all_same(on_any_threads([&] { return matmul(many, many.transpose()); })));
  check_product(tall, square, {});
  check_product(square.transpose(), tall.transpose(), {});
  const Tensor long_rows = normal({40, 2500}, 4, DType::f32), long_columns = normal({2500, 30}, 5, DType::f32);
  CHECK(all_same(on_any_threads([&] { return matmul(long_rows, long_columns); })));
  check_product(long_rows.to(DType::f64), long_columns.to(DType::f64), {});
}

TEST_CASE("affine: a bias in every row, however the product is cut") {
  const auto check = [](std::int64_t m, std::int64_t n, std::int64_t k) {
    INFO(m << " x " << n << " x " << k);
    const Tensor x = normal({m, k}, 1), w = normal({k, n}, 2), bias = strided(normal({n}, 3));
    Values expected = plain_product(x, w, {});
    const Values row = bias.to_vector();
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += row[i % row.size()];
    CHECK(difference(affine(x, w, bias), expected) <= 1e-11);
    Tensor y = bias.expand({m, n}).clone();
    add_matmul(y, x, w);
    CHECK(difference(y, expected) <= 1e-11);
  };
  check(3, 5, 4);
  check(1, 5, 4);
  check(5, 1, 4);
  check(700, 40, 60);  // by rows
  check(700, 1, 1600);
  check(60, 700, 40);   // by columns
  check(40, 30, 1500);  // by terms
  check(400, 20, 300);  // more than one block of k
  check(7, 3, 0);
}

TEST_CASE("affine: what does not fit is told") {
  CHECK(thrown<ShapeError>([] {
          affine(Tensor::ones({2, 3}), Tensor::ones({3, 4}), Tensor::ones({3}));
        })
            .starts_with("ShapeError: affine: x is [2, 3], w is [3, 4], the bias is f32 [3]\n"
                         "  requires x [m, k], w [k, n], a bias [n] of their type"));
  CHECK_THROWS_AS(affine(Tensor::ones({2, 3}), Tensor::ones({4, 4}), Tensor::ones({4})), ShapeError);
}

TEST_CASE("add_matmul: adds to y in place, in rows apart too, and counts as a change") {
  const Tensor a = normal({5, 4}, 1), b = normal({4, 3}, 2);
  Tensor wide = Tensor::ones({5, 6}, DType::f64);
  Tensor y = wide.slice(1, 2, 5);
  add_matmul(y, a, b);
  Values expected = plain_product(a, b, {});
  for (double& v : expected) v += 1;
  CHECK(difference(y, expected) <= 1e-13);
  CHECK(wide.slice(1, 0, 2).to_vector() == Values(10, 1.0));
  CHECK(wide.slice(1, 5, 6).to_vector() == Values(5, 1.0));
  CHECK(wide.storage().changed() > 0);
  Tensor kept = Tensor::ones({2, 2});
  add_matmul(kept, Tensor::ones({2, 0}), Tensor::ones({0, 2}));
  CHECK(kept.to_vector() == Values{1, 1, 1, 1});
}

TEST_CASE("add_matmul: y of another shape, with columns apart, or of another type is an error") {
  const Tensor a = Tensor::ones({5, 4}), b = Tensor::ones({4, 3});
  Tensor y = Tensor::ones({3, 5}), turned = Tensor::ones({3, 5}).transpose(),
         wide = Tensor::ones({5, 3}, DType::f64);
  CHECK(thrown<ShapeError>([&] { add_matmul(y, a, b); }) ==
        "ShapeError: add_matmul: y is [3, 5], a is [5, 4], b is [4, 3]\n"
        "  requires y [m, n] with adjacent columns, a [m, k], b [k, n]");
  CHECK_THROWS_AS(add_matmul(turned, a, b), ShapeError);
  CHECK_THROWS_AS(add_matmul(wide, a, b), DTypeError);
  Tensor batch = Tensor::ones({1, 5, 3});
  CHECK_THROWS_AS(add_matmul(batch, a.unsqueeze(0), b), ShapeError);
}

}  // namespace
}  // namespace heed::tests
