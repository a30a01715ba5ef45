// What the page of a replay is made of, before it is HTML.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/inspect/debugger.h"
#include "autograd/inspect/value_grid.h"

namespace heed::replaying {

/// A tensor as it was at a time.
struct Value {
  Shape shape{};
  std::string type{}, summary{};
  std::string numbers{};  ///< all of them, of a small one
  ValueGrid grid{};
};

enum class Role { operand, output, arrived, sent };

/// A value as a step sees it.
struct Use {
  Role role{};
  std::string name{};         ///< in the formula: "w", "dw"
  std::string origin{};       ///< where the value comes from, or the gradient goes: "#11 tanh"
  std::size_t operation = 0;  ///< the number of that operation; 0 for none
  std::size_t value = 0;      ///< place in the values
};

struct Step {
  DebugStep at{};  ///< without tensors
  std::vector<std::string> formulas{};
  std::string definitions{}, note{};
  std::vector<std::string> held{};  ///< breakpoints: "1: nan"
  std::vector<Use> uses{};
};

/// The same values, their maps coarser if they would take more than so many bytes.
std::vector<Value> fitting(std::vector<Value> values, std::size_t most_bytes);

/// What the script needs of them, as JavaScript without <, > and &.
std::string script_data(const std::vector<Step>& steps, const std::vector<Value>& values);

/// The script, which finds that in STEPS and VALUES.
std::string_view script();

/// All steps as a table.
std::string table_of(const std::vector<Step>& steps, const std::vector<Value>& values);

}  // namespace heed::replaying
