// Which kernels run: the best variant that the processor has, or the one that the environment names.
#pragma once

#include "core/kernels/table.h"

namespace heed::kernels {

/// The table in use: the best that the processor has, or the one that HEED_KERNEL names. Throws ConfigError, which
/// lists the names, when HEED_KERNEL names none that this processor can run.
const Table& table();
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
inline const Loops<float>& loops<float>() { return table().f32; }
template <>
inline const Loops<double>& loops<double>() { return table().f64; }

}  // namespace heed::kernels
