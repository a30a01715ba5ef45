// The tables of this build, each defined in the file of its variant. Only cpu.cpp needs them.
#pragma once

#include "core/kernels/table.h"

namespace heed::kernels {

extern const Table kReferenceTable;
extern const Table kPortableTable;
#if defined(__x86_64__)
extern const Table kAvx2Table;
extern const Table kAvx512Table;
#endif

}  // namespace heed::kernels
