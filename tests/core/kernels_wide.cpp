#include "tests/core/kernels_wide.h"

// Vectors wider than the processor's are passed between inlined functions only, so that no convention matters.
#pragma GCC diagnostic ignored "-Wpsabi"
#define HEED_VECTOR_BYTES 64
#include "core/kernels/variant.inc"

namespace heed::kernels {
constinit const Table kWideTable = make_table("wide");
}  // namespace heed::kernels
