#include "core/value_text.h"

#include "tests/catch.h"

namespace heed::tests {
namespace {

TEST_CASE("value text: numbers stand in brackets, of a large tensor the first in row-major order") {
  const Tensor x = Tensor::of({1, -2.5, 3, 4, 5, 1.0 / 3}, {2, 3}, DType::f64);
  CHECK(written_numbers(x, 6) == "[[1, −2.5, 3], [4, 5, 0.3333]]");
  CHECK(written_numbers(x.transpose(), 6) == "[[1, 4], [−2.5, 5], [3, 0.3333]]");
  CHECK(written_numbers(x.transpose(), 5) == "[1, 4, −2.5, 5, 3, …]");
  CHECK(written_numbers(x.transpose(), 1) == "[1, …]");
  CHECK(written_numbers(x.transpose(), 5, 4, 2) == "[1, 4, …]");
  CHECK(written_numbers(Tensor::scalar(0.125, DType::f64), 1) == "0.125");
  CHECK(written_numbers(Tensor::arange(1000, DType::i32).reshape({10, 10, 10}), 3) == "[0, 1, 2, …]");
  CHECK(written_numbers(Tensor::zeros({0, 3}), 3) == "[]");
  CHECK(written_numbers(Tensor(), 3) == "∅");
}

TEST_CASE("value text: the rows of a small matrix have their numbers below each other") {
  const Tensor x = Tensor::of({1, -2.5, 10, 0.25}, {2, 2}, DType::f64);
  CHECK(written_rows(x, 4) == std::vector<std::string>{" 1  −2.5", "10  0.25"});
  CHECK(written_rows(x, 3) == std::vector<std::string>{"[1, −2.5, 10, …]"});
  CHECK(written_rows(x.select(0, 0), 4) == std::vector<std::string>{"[1, −2.5]"});
}

TEST_CASE("value text: times and sizes have units, counts their plural") {
  CHECK(written_time(std::chrono::nanoseconds(830)) == "830 ns");
  CHECK(written_time(std::chrono::nanoseconds(12'340)) == "12.3 µs");
  CHECK(written_time(std::chrono::nanoseconds(4'560'000)) == "4.56 ms");
  CHECK(written_time(std::chrono::nanoseconds(1'200'000'000)) == "1.2 s");
  CHECK(written_bytes(1) == "1 byte");
  CHECK(written_bytes(24) == "24 bytes");
  CHECK(written_bytes(1'230) == "1.23 kB");
  CHECK(bytes_of(Tensor::zeros({3, 4}, DType::f64)) == 96);
  CHECK(written_count(1, "operation") == "1 operation");
  CHECK(written_count(1204, "operation") == "1,204 operations");
}

TEST_CASE("value text: what is shown is on one line, in UTF-8, and ends") {
  CHECK(one_line("a\nb\tc") == "a␊b␉c");
  CHECK(one_line("\xFF") == "�");
  CHECK(one_line("abcdef", 4) == "abc…");
}

}  // namespace
}  // namespace heed::tests
