// Memory that a kernel packs its operands into.
#pragma once

#include <cstddef>

namespace heed::kernels {

inline constexpr std::size_t kWorkspaceBytes = std::size_t{2} << 20;

/// kWorkspaceBytes bytes, aligned to 4096, of the calling thread; what they hold is anyone's guess. They are
/// taken from the heap when a thread first asks and returned when it ends: a thread_local array would eat up
/// the stacks of all threads, which the static storage of threads is a part of.
void* workspace();

}  // namespace heed::kernels
