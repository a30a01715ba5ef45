// A tensor as a map of few cells, to be drawn.
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace heed {

/// Rows are all axes but the last, one after the other; of a vector there is one. A large tensor is thinned
/// out: a cell stands for a block of elements and has the one farthest from 0, NaN before all.
struct ValueGrid {
  std::int64_t rows = 0, columns = 0;
  std::int64_t block_rows = 1, block_columns = 1;  ///< elements a cell
  std::vector<double> cells{};                     ///< row by row

  bool is_thinned() const { return block_rows > 1 || block_columns > 1; }
};

/// With at most so many rows and columns (each at least 1); without cells for a tensor without elements.
ValueGrid grid_of(const Tensor& x, std::int64_t most_rows, std::int64_t most_columns);
/// The same grid with fewer cells.
ValueGrid thinned(const ValueGrid& grid, std::int64_t most_rows, std::int64_t most_columns);

}  // namespace heed
