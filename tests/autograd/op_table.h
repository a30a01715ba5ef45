// The table of gradient checks: every operation on Vars, with inputs and the domain where it is smooth.
#pragma once

#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace heed::tests {

/// Values of one input, uniform in [low, high); low > high means: of either sign, high <= |x| < low, away from
/// 0.
struct Input {
  Shape shape;
  double low = -1, high = 1;
};

/// One row: an operation with inputs that its gradients are checked at.
struct OpRow {
  const char* name;     ///< of the function, as autograd/ops/*.h or autograd/backward.h declare it
  const char* variant;  ///< what is particular about this row
  std::vector<Input> inputs;
  Differentiable function;
  bool second_order = true;  ///< whether create_graph is promised
};

/// The inputs of a row as f64 leaves, drawn from the row's domain.
std::vector<Var> draw_inputs(const OpRow& row, std::uint64_t seed);

/// Rows that stand in files of their own.
void add_elementwise(std::vector<OpRow>& rows);
void add_reductions_and_products(std::vector<OpRow>& rows);
void add_shapes_and_parts(std::vector<OpRow>& rows);
void add_extents(std::vector<OpRow>& rows);

/// Every row, in the order of autograd/ops.h.
const std::vector<OpRow>& op_table();

}  // namespace heed::tests
