// Which kernels run: the best variant that the processor has, or the one that the environment names.
#pragma once

#include <atomic>

#include "core/kernels/table.h"

namespace heed::kernels {

/// Chooses the table as table() does when it is first asked. Throws ConfigError, which lists the names, when
/// HEED_KERNEL names no variant that this processor can run.
const Table& choose_table();

/// The table in use; null until it is first asked for.
extern std::atomic<const Table*> table_in_use;

/// The table in use: the best that the processor has, or the one that HEED_KERNEL names. Throws as
/// choose_table() does.
inline const Table& table() {
  const Table* in_use = table_in_use.load(std::memory_order_acquire);
  return in_use != nullptr ? *in_use : choose_table();
}
/// The variant of that name; null when it is unknown or this processor cannot run it.
const Table* find_table(const char* name);
/// Names of the variants that this processor can run, the best first, "reference" last; ends with a null.
const char* const* table_names();
/// Makes the variant of that name the one in use, for tests. Throws ConfigError as table() does.
void use_table(const char* name);

/// Loops<T> of the table in use.
template <class T>
const Loops<T>& loops();
template <>
inline const Loops<float>& loops<float>() {
  return table().f32;
}
template <>
inline const Loops<double>& loops<double>() {
  return table().f64;
}

}  // namespace heed::kernels
