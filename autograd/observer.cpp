#include "autograd/observer.h"

#include <vector>

#include "autograd/record.h"

namespace heed {

void tell_recorded(const Var& output, std::span<const Var* const> operands) {
  const Observer::Recorded operation{.id = id_of(*output.node()), .output = output, .operands = operands};
  Observer::tell_all([&](Observer& observer) { observer.recorded(operation); });
}

void tell_recorded(std::span<const Var> outputs, std::span<const Var> operands) {
  std::vector<const Var*> all;
  for (const Var& operand : operands) all.push_back(&operand);
  // Outputs that nothing is recorded of share no node: the id is that of the first.
  const std::uint64_t id = id_of(*outputs[0].node());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Observer::Recorded operation{.id = id,
                                       .output = outputs[i],
                                       .operands = all,
                                       .index = static_cast<int>(i),
                                       .outputs = static_cast<int>(outputs.size())};
    Observer::tell_all([&](Observer& observer) { observer.recorded(operation); });
  }
}

}  // namespace heed
