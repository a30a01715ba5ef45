// Operations of your own, whose gradient is checked when they are first used.
//
//   /// x³.   dx = 3 dy x²
//   Var cube(const Var& x, SourceLocation at = {}) {
//     const auto definition = [at](const Var& in) {
//       return record({"cube", at}, in.value() * in.value() * in.value(),
//                     wrt(in, [in](const Var& dy) { return dy * 3.0 * square(in); }));
//     };
//     return custom_operation("cube", definition, x);
//   }
//
// examples/custom_operation.cpp has more.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "autograd/functional.h"
#include "autograd/var.h"

namespace heed {

/// What custom_operation() does on a thread.
struct CustomChecks {
  bool on = false;
  std::int64_t most = 64;  ///< elements of each operand compared at most, drawn at random; 0: all
};
namespace custom_operations {
/// At first on where the library was built with assertions (without NDEBUG: a debug build).
extern constinit thread_local CustomChecks checks;
}  // namespace custom_operations

/// While it lives, custom_operation() on this thread checks gradients, or does not.
class CheckCustomOperations {
 public:
  explicit CheckCustomOperations(bool on, std::int64_t most = CustomChecks{}.most)
      : before_(std::exchange(custom_operations::checks, {on, most})) {}
  ~CheckCustomOperations() { custom_operations::checks = before_; }
  CheckCustomOperations(const CheckCustomOperations&) = delete;
  CheckCustomOperations& operator=(const CheckCustomOperations&) = delete;

 private:
  CustomChecks before_;
};

/// definition(operands...), which is written with record() and wrt() (autograd/record.h) and returns a Var or
/// an array of them.
///
/// Where checks are on and an operand requires a gradient, the first use of a name with these shapes on this
/// thread runs gradcheck() on the definition, in f64 and at the values of the operands. So the definition must
/// work in f64, compute the same each time, and be smooth there. Throws GraphError, which names operation,
/// operand, element and both values, when a gradient is not the derivative; the next use is checked again then.
///
/// An operation with another gradient than the derivative on purpose, as a straight-through estimator, is
/// recorded without this.
template <class Definition, std::same_as<Var>... Operands>
auto custom_operation(const char* name, const Definition& definition, const Operands&... operands);

// ---- how it is done

inline std::vector<Var> as_outputs(const Var& output) { return {output}; }
template <class Outputs>
std::vector<Var> as_outputs(const Outputs& outputs) {
  return {outputs.begin(), outputs.end()};
}

/// Checks the definition unless that has been done. Throws GraphError.
void check_first_use(const char* name, const Differentiable& definition, std::span<const Var> operands);

template <class Definition, std::same_as<Var>... Operands>
auto custom_operation(const char* name, const Definition& definition, const Operands&... operands) {
  if (custom_operations::checks.on) [[unlikely]] {
    const auto call = [&]<std::size_t... i>(std::span<const Var> in, std::index_sequence<i...>) {
      return as_outputs(definition(in[i]...));
    };
    check_first_use(
        name, [&](std::span<const Var> in) { return call(in, std::index_sequence_for<Operands...>()); },
        std::array<Var, sizeof...(Operands)>{operands...});
  }
  return definition(operands...);
}

}  // namespace heed
