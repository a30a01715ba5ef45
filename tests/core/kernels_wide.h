// The kernels at 64 bytes a vector, compiled for any processor: the logic of the avx512 variant, tested where
// there is no AVX-512.
#pragma once

#include "core/kernels/table.h"

namespace heed::kernels {

extern const Table kWideTable;

}  // namespace heed::kernels
