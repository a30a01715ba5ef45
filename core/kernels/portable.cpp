// Vectors of 16 bytes, which every processor that heed runs on has (SSE2, NEON).
#include "core/kernels/variants.h"

#define HEED_VECTOR_BYTES 16
#include "core/kernels/variant.inc"

namespace heed::kernels {
constinit const Table kPortableTable = make_table("portable");
}  // namespace heed::kernels
