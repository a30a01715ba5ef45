// Values, times and sizes as short texts, for tables and pages.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace heed {

/// The elements in nested brackets, "[[1, 2], [3, 4]]", those of a scalar without; of a tensor with more than
/// `most` only the first `head` (or `most`, if that is fewer), "[1, 2, 3, …]", in row-major order. "∅" for an
/// undefined tensor.
std::string written_numbers(const Tensor& x, std::int64_t most, int digits = 4, std::int64_t head = 8);

/// Of a matrix with 2 to 8 rows and at most `most` elements its rows, the numbers below each other; of any
/// other tensor the one line of written_numbers().
std::vector<std::string> written_rows(const Tensor& x, std::int64_t most, int digits = 4,
                                      std::int64_t head = 8);

/// "830 ns", "12.3 µs", "4.56 ms", "1.2 s".
std::string written_time(std::chrono::nanoseconds time);
/// "24 bytes", "1.2 kB", "3.4 MB".
std::string written_bytes(std::int64_t bytes);
/// Bytes of the elements of a tensor of that shape and type.
std::int64_t bytes_of(const Tensor& x);
/// A number of at least 0 with the thing counted: "1 operation", "1,204 operations".
std::string written_count(std::size_t number, std::string_view thing);

/// A text on one line and in valid UTF-8, control characters as their pictures, cut behind `longest`
/// characters.
std::string one_line(std::string_view text, std::size_t longest = 200);

}  // namespace heed
