#include "autograd/inspect/value_grid.h"

#include <cmath>
#include <utility>

namespace heed {
namespace {

bool is_farther(double value, double than) {
  return !std::isnan(than) && (std::isnan(value) || std::abs(value) > std::abs(than));
}

}  // namespace

ValueGrid thinned(const ValueGrid& grid, std::int64_t most_rows, std::int64_t most_columns) {
  if (grid.rows <= most_rows && grid.columns <= most_columns) return grid;
  const std::int64_t high = (grid.rows + most_rows - 1) / most_rows,
                     wide = (grid.columns + most_columns - 1) / most_columns;
  ValueGrid out{.rows = (grid.rows + high - 1) / high,
                .columns = (grid.columns + wide - 1) / wide,
                .block_rows = grid.block_rows * high,
                .block_columns = grid.block_columns * wide};
  out.cells.resize(static_cast<std::size_t>(out.rows * out.columns));
  for (std::int64_t i = 0; i < grid.rows; ++i)
    for (std::int64_t j = 0; j < grid.columns; ++j) {
      double& cell = out.cells[static_cast<std::size_t>(i / high * out.columns + j / wide)];
      const double value = grid.cells[static_cast<std::size_t>(i * grid.columns + j)];
      if (is_farther(value, cell)) cell = value;
    }
  return out;
}

ValueGrid grid_of(const Tensor& x, std::int64_t most_rows, std::int64_t most_columns) {
  if (!x.defined() || x.count() == 0) return {};
  const std::int64_t columns = x.rank() == 0 ? 1 : x.extent(-1);
  return thinned({.rows = x.count() / columns, .columns = columns, .cells = x.to_vector()}, most_rows,
                 most_columns);
}

}  // namespace heed
