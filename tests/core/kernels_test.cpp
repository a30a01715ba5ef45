// Every variant of the matrix product against the reference. Elements are small whole numbers, so that all
// orders of summation give the same bits and results are compared exactly. What lies between and behind the
// elements is NaN: a kernel that used it would show it.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/kernels/cpu.h"
#include "tests/catch.h"
#include "tests/core/kernels_wide.h"

namespace {

using heed::kernels::Loops;
using heed::kernels::MatrixView;
using heed::kernels::Table;

std::vector<const Table*> variants_under_test() {
  std::vector<const Table*> tables{&heed::kernels::kWideTable};
  for (const char* const* name = heed::kernels::table_names(); *name != nullptr; ++name)
    tables.push_back(heed::kernels::find_table(*name));
  return tables;
}

template <class T>
const Loops<T>& loops_of(const Table& table) {
  if constexpr (sizeof(T) == 4)
    return table.f32;
  else
    return table.f64;
}

/// Whole numbers from -8 to 8, the same for the same seed.
class Numbers {
 public:
  explicit Numbers(std::uint32_t seed) : state_(seed) {}
  int next() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<int>((state_ >> 16) % 17) - 8;
  }

 private:
  std::uint32_t state_;
};

enum class Layout { rows, columns, both_strided, backwards, one_row };

/// A matrix in a layout, surrounded by NaN.
template <class T>
class Matrix {
 public:
  Matrix(std::int64_t rows, std::int64_t columns, Layout layout, std::uint32_t seed) {
    std::int64_t start = 3;
    switch (layout) {
      case Layout::rows:
        row_stride_ = columns + 2;
        column_stride_ = 1;
        break;
      case Layout::columns:
        row_stride_ = 1;
        column_stride_ = rows + 3;
        break;
      case Layout::both_strided:
        row_stride_ = 2 * columns + 1;
        column_stride_ = 2;
        break;
      case Layout::backwards:
        row_stride_ = -(columns + 1);
        column_stride_ = -1;
        start = rows * (columns + 1);
        break;
      case Layout::one_row:
        row_stride_ = 0;
        column_stride_ = 1;
        break;
    }
    // The buffer ends with the last element: a sanitizer sees what is read beyond it.
    const std::int64_t last_row = rows > 0 ? (rows - 1) * row_stride_ : 0;
    const std::int64_t last_column = columns > 0 ? (columns - 1) * column_stride_ : 0;
    const std::int64_t end = start + 1 + (last_row > 0 ? last_row : 0) + (last_column > 0 ? last_column : 0);
    elements_.assign(static_cast<std::size_t>(end), std::numeric_limits<T>::quiet_NaN());
    data_ = elements_.data() + start;
    Numbers numbers(seed);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        data_[i * row_stride_ + j * column_stride_] = static_cast<T>(numbers.next());
  }
  MatrixView<const T> view() const { return {data_, row_stride_, column_stride_}; }

 private:
  std::vector<T> elements_;
  T* data_;
  std::int64_t row_stride_ = 0, column_stride_ = 0;
};

/// Rows of C with NaN behind each of them.
template <class T>
struct Result {
  Result(std::int64_t m, std::int64_t n)
      : rows(m),
        columns(n),
        stride(n + 5),
        elements(static_cast<std::size_t>(m * stride), std::numeric_limits<T>::quiet_NaN()) {
    Numbers numbers(77);
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        elements[static_cast<std::size_t>(i * stride + j)] = static_cast<T>(numbers.next());
  }
  MatrixView<T> view() { return {elements.data(), stride, 1}; }

  std::int64_t rows, columns, stride;
  std::vector<T> elements;
};

/// The number of elements that differ; NaN equals NaN only.
template <class T>
std::int64_t differences(const Result<T>& a, const Result<T>& b) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.elements.size(); ++i) {
    const T x = a.elements[i], y = b.elements[i];
    if (!(x == y || (std::isnan(x) && std::isnan(y)))) ++count;
  }
  return count;
}

/// Memory aligned to 64 bytes, as packed matrices need it.
template <class T>
class Packed {
 public:
  explicit Packed(std::int64_t n)
      : data_(static_cast<T*>(
            ::operator new (static_cast<std::size_t>(n) * sizeof(T) + 1, std::align_val_t{64}))) {}
  ~Packed() { ::operator delete (data_, std::align_val_t{64}); }
  Packed(const Packed&) = delete;
  Packed& operator=(const Packed&) = delete;
  T* data() { return data_; }

 private:
  T* data_;
};

/// Checks all variants on one product.
template <class T>
void check_product(std::int64_t m, std::int64_t n, std::int64_t k, Layout a_layout, Layout b_layout,
                   bool accumulate, bool packed) {
  static const std::vector<const Table*> tables = variants_under_test();
  const Matrix<T> a(m, k, a_layout, 1), b(k, n, b_layout, 2);
  Result<T> expected(m, n);
  loops_of<T>(*heed::kernels::find_table("reference"))
      .gemm(m, n, k, a.view(), b.view(), expected.view(), accumulate);
  for (const Table* table : tables) {
    const Loops<T>& loops = loops_of<T>(*table);
    Result<T> got(m, n);
    if (packed) {
      Packed<T> b_packed(loops.gemm_packed_size(k, n));
      loops.gemm_pack(k, n, b.view(), b_packed.data());
      loops.gemm_packed(m, n, k, a.view(), b_packed.data(), got.view(),
                        {accumulate ? got.view().data : nullptr, got.view().row_stride});
    } else {
      loops.gemm(m, n, k, a.view(), b.view(), got.view(), accumulate);
    }
    const std::int64_t wrong = differences(expected, got);
    CAPTURE(table->name, m, n, k, static_cast<int>(a_layout), static_cast<int>(b_layout), accumulate, packed);
    CHECK(wrong == 0);
  }
}

template <class T>
void check_products(std::initializer_list<Layout> a_layouts, std::initializer_list<Layout> b_layouts,
                    bool packed) {
  bool accumulate = false;
  for (const std::int64_t m : {1, 2, 5, 7, 13, 16, 29, 50})
    for (const std::int64_t n : {1, 3, 8, 16, 17, 29, 33, 59, 100})
      for (const std::int64_t k : {1, 2, 9, 16, 31, 67, 130})
        for (const Layout a : a_layouts)
          for (const Layout b : b_layouts) {
            check_product<T>(m, n, k, a, b, accumulate, packed);
            accumulate = !accumulate;
          }
}

}  // namespace

TEST_CASE("gemm: every variant equals the reference over transposes of A and B") {
  check_products<float>({Layout::rows, Layout::columns}, {Layout::rows, Layout::columns}, false);
  check_products<double>({Layout::rows, Layout::columns}, {Layout::rows, Layout::columns}, false);
}

TEST_CASE("gemm: every variant equals the reference with B packed once") {
  check_products<float>({Layout::rows, Layout::columns}, {Layout::rows, Layout::columns}, true);
  check_products<double>({Layout::rows, Layout::columns}, {Layout::rows, Layout::columns}, true);
}

TEST_CASE("gemm: with B packed the product starts from any rows, one row for all among them") {
  const Loops<float>& reference = heed::kernels::find_table("reference")->f32;
  for (const std::int64_t m : {1, 7, 29})
    for (const std::int64_t n : {1, 16, 33, 59})
      for (const std::int64_t k : {0, 1, 67, 800})
        for (const std::int64_t start_stride : {0, 64}) {
          const Matrix<float> a(m, k, Layout::rows, 1), b(k, n, Layout::rows, 2), start(m, 64, Layout::rows, 3);
          const float* const from = start.view().data;
          const auto product = [&](const Loops<float>& loops) {
            Packed<float> b_packed(loops.gemm_packed_size(k, n));
            loops.gemm_pack(k, n, b.view(), b_packed.data());
            Result<float> c(m, n);
            loops.gemm_packed(m, n, k, a.view(), b_packed.data(), c.view(), {from, start_stride});
            return c;
          };
          const Result<float> expected = product(reference);
          for (const Table* table : variants_under_test()) {
            CAPTURE(table->name, m, n, k, start_stride);
            CHECK(differences(expected, product(table->f32)) == 0);
          }
        }
}

TEST_CASE("gemm: operands may have any strides") {
  const auto odd = {Layout::both_strided, Layout::backwards, Layout::one_row};
  for (const bool packed : {false, true})
    for (const bool accumulate : {false, true})
      for (const Layout a : odd)
        for (const Layout b : odd)
          for (const std::int64_t m : {1, 9, 70})
            for (const std::int64_t n : {1, 21, 70})
              for (const std::int64_t k : {5, 80}) {
                check_product<float>(m, n, k, a, b, accumulate, packed);
                check_product<double>(m, n, k, a, b, accumulate, packed);
              }
}

TEST_CASE("gemm: products of more than one block in every direction equal the reference") {
  for (const Layout a : {Layout::rows, Layout::columns}) {
    check_product<float>(203, 1051, 271, a, Layout::rows, false, false);
    check_product<double>(101, 523, 271, a, Layout::columns, true, false);
    check_product<float>(65, 1051, 523, a, Layout::columns, true, true);
    check_product<double>(203, 67, 523, a, Layout::rows, false, true);
    check_product<float>(7, 6, 2100, a, Layout::columns, false, false);
    check_product<double>(7, 6, 2100, a, Layout::columns, false, false);
  }
}

TEST_CASE("gemm: products with a vector equal the reference beyond one part of it") {
  for (const Layout layout : {Layout::rows, Layout::columns, Layout::both_strided})
    for (const bool accumulate : {false, true}) {
      check_product<float>(1, 2100, 35, Layout::both_strided, layout, accumulate, false);
      check_product<float>(1, 35, 2100, Layout::both_strided, layout, accumulate, false);
      check_product<float>(2100, 1, 35, layout, Layout::both_strided, accumulate, false);
      check_product<float>(35, 1, 2100, layout, Layout::rows, accumulate, false);
      check_product<double>(35, 1, 2100, layout, Layout::rows, accumulate, false);
    }
}

TEST_CASE("gemm: an empty sum is zero, and leaves C alone when it accumulates") {
  for (const bool packed : {false, true})
    for (const bool accumulate : {false, true})
      for (const std::int64_t m : {1, 4, 9})
        for (const std::int64_t n : {1, 4, 37}) {
          check_product<float>(m, n, 0, Layout::rows, Layout::rows, accumulate, packed);
          check_product<double>(m, n, 0, Layout::rows, Layout::rows, accumulate, packed);
        }
  Result<float> zero(3, 4);
  for (const Table* table : variants_under_test())
    table->f32.gemm(3, 4, 0, {nullptr, 1, 1}, {nullptr, 1, 1}, zero.view(), false);
  CHECK(zero.elements[0] == 0.0f);
  CHECK(zero.elements[static_cast<std::size_t>(2 * zero.stride + 3)] == 0.0f);
}

TEST_CASE("gemm: NaN in an operand reaches the rows and columns that it belongs to, and no others") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Table* table : variants_under_test())
    for (const std::int64_t n : {5, 24, 64}) {
      const std::int64_t m = 9, k = 19;
      std::vector<float> a(static_cast<std::size_t>(m * k), 1.0f), b(static_cast<std::size_t>(k * n), 1.0f);
      a[static_cast<std::size_t>(4 * k + 7)] = nan;
      b[static_cast<std::size_t>(3 * n + 2)] = nan;
      Result<float> c(m, n);
      table->f32.gemm(m, n, k, {a.data(), k, 1}, {b.data(), n, 1}, c.view(), false);
      std::int64_t wrong = 0;
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          const float value = c.elements[static_cast<std::size_t>(i * c.stride + j)];
          if (i == 4 || j == 2 ? !std::isnan(value) : value != 19.0f) ++wrong;
        }
      CAPTURE(table->name, n);
      CHECK(wrong == 0);
    }
}

TEST_CASE("gemm: the same product has the same bits each time") {
  for (const Table* table : variants_under_test()) {
    const std::int64_t m = 33, n = 70, k = 300;
    std::vector<float> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n));
    Numbers numbers(5);
    for (float& x : a) x = static_cast<float>(numbers.next()) / 7.0f;
    for (float& x : b) x = static_cast<float>(numbers.next()) / 3.0f;
    Result<float> first(m, n), again(m, n);
    table->f32.gemm(m, n, k, {a.data(), k, 1}, {b.data(), n, 1}, first.view(), false);
    // Another product in between leaves other things in the workspace.
    Result<float> other(m, n);
    table->f32.gemm(m, n, k, {b.data(), k, 1}, {b.data(), n, 1}, other.view(), false);
    table->f32.gemm(m, n, k, {a.data(), k, 1}, {b.data(), n, 1}, again.view(), false);
    CAPTURE(table->name);
    CHECK(std::memcmp(first.elements.data(), again.elements.data(), first.elements.size() * sizeof(float)) ==
          0);
  }
}

TEST_CASE("kernels: names end with the portable and the reference variant, and each can be found") {
  std::vector<std::string> names;
  for (const char* const* name = heed::kernels::table_names(); *name != nullptr; ++name)
    names.emplace_back(*name);
  REQUIRE(names.size() >= 2);
  CHECK(names[names.size() - 1] == "reference");
  CHECK(names[names.size() - 2] == "portable");
  for (const std::string& name : names) {
    const Table* table = heed::kernels::find_table(name.c_str());
    REQUIRE(table != nullptr);
    CHECK(table->name == name);
  }
  CHECK(heed::kernels::find_table("no such variant") == nullptr);
}

TEST_CASE("kernels: an unknown variant is an error that lists the names") {
  const Table& before = heed::kernels::table();
  std::string message;
  try {
    heed::kernels::use_table("sse9");
  } catch (const heed::ConfigError& error) {
    message = error.what();
  }
  CHECK(message.find("sse9") != std::string::npos);
  for (const char* const* name = heed::kernels::table_names(); *name != nullptr; ++name)
    CHECK(message.find(*name) != std::string::npos);
  CHECK(&heed::kernels::table() == &before);
}

TEST_CASE("kernels: a chosen variant is the one in use") {
  const std::string before = heed::kernels::table().name;
  heed::kernels::use_table("reference");
  CHECK(std::string(heed::kernels::table().name) == "reference");
  CHECK(&heed::kernels::loops<float>() == &heed::kernels::table().f32);
  heed::kernels::use_table(before.c_str());
  CHECK(heed::kernels::table().name == before);
}
