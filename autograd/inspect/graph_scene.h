// What a drawing of a trace shows: operations in modules and loops, and what leads from one to the other.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "autograd/inspect/trace.h"

namespace heed::drawing {

inline constexpr std::size_t kNone = TracedOperation::kNowhere;

/// An operation, a leaf, a group of such, or a gate: the place on the border of a group where an arrow goes in
/// or out.
struct Item {
  enum class Kind {
    operation,
    leaf,
    module,  ///< one call of a module
    loop,    ///< the same operations again and again
    step,    ///< one time round a loop
    steps,   ///< several times round a loop
    part,    ///< some operations of a group that has very many
    entry,
    exit
  };
  Kind kind = Kind::module;
  std::string name{};          ///< as it is drawn
  std::string path{};          ///< of a module: Module::path()
  std::size_t around = kNone;  ///< the group that it is in; that of a gate is the group on whose border it is
  std::size_t depth = 0;       ///< number of groups around
  /// Of an operation or leaf its place in the trace; of a gate the item outside to which the arrow goes on.
  std::size_t place = kNone;
  std::size_t operations = 0;                   ///< in a group
  std::size_t repeats = 0;                      ///< of a loop or steps: how often round
  std::vector<std::size_t> parts{};             ///< of a group: what is in it, in order of time, then leaves
  std::vector<std::size_t> entries{}, exits{};  ///< of a group: its gates
  std::vector<std::size_t> arrows{};            ///< of a group: between its parts and gates

  bool is_group() const { return kind >= Kind::module && kind <= Kind::part; }
  bool is_gate() const { return kind >= Kind::entry; }
};

/// Operand number `operand` of an operation.
struct Use {
  std::size_t operation, operand;
};

/// Between two items of one group, or its gates: all values that go that way.
struct Arrow {
  std::size_t group, from, to;
  std::size_t out_of = kNone, into = kNone;  ///< the gate of `from`, of `to`, where that is a group
  std::vector<Use> uses{};
};

struct Scene {
  std::vector<Item> items{};  ///< the first is the group around all
  std::vector<Arrow> arrows{};
  std::vector<std::size_t> of_operation{},
      of_value{};  ///< items by place in the trace; kNone where there is none
};

/// The scene of the forward operations of a trace. Groups of consecutive operations only, so that between the
/// parts of a group there is no circle. Repetitions (at least four times the same lines) become loops of a
/// first step and the rest; groups of more than 60 parts are cut into parts.
Scene scene_of(const Trace& trace);

}  // namespace heed::drawing
