#include "autograd/inspect/value_grid.h"

#include <cmath>
#include <vector>

#include "tests/catch.h"

namespace heed::tests {
namespace {

using Numbers = std::vector<double>;

TEST_CASE("value grid: the last axis goes across, all others down") {
  const Tensor x = Tensor::arange(24, DType::f32).reshape({2, 3, 4});
  const ValueGrid grid = grid_of(x, 100, 100);
  CHECK(grid.rows == 6);
  CHECK(grid.columns == 4);
  CHECK_FALSE(grid.is_thinned());
  CHECK(grid.cells == x.to_vector());
  CHECK(grid_of(x.transpose(), 100, 100).cells == x.transpose().to_vector());
  CHECK(grid_of(Tensor::scalar(3), 5, 5).cells == Numbers{3});
  CHECK(grid_of(Tensor::zeros({7}), 5, 9).rows == 1);
  CHECK(grid_of(Tensor::zeros({0, 3}), 5, 5).cells.empty());
  CHECK(grid_of(Tensor(), 5, 5).cells.empty());
}

TEST_CASE("value grid: a cell of a thinned map shows the element farthest from 0, and NaN before all") {
  const Tensor x = Tensor::of({1, -5, 2, 0,   //
                               3, 4, NAN, 9,  //
                               0, 0, 0, -1},
                              {3, 4});
  const ValueGrid grid = grid_of(x, 2, 2);
  CHECK(grid.rows == 2);
  CHECK(grid.columns == 2);
  CHECK(grid.block_rows == 2);
  CHECK(grid.block_columns == 2);
  CHECK(grid.cells[0] == -5);
  CHECK(std::isnan(grid.cells[1]));
  CHECK(grid.cells[2] == 0);
  CHECK(grid.cells[3] == -1);
  const ValueGrid again = thinned(grid, 2, 1);
  CHECK(again.block_columns == 4);
  CHECK(again.block_rows == 2);
  CHECK(std::isnan(again.cells[0]));
  CHECK(again.cells[1] == -1);
}

}  // namespace
}  // namespace heed::tests
