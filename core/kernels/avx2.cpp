// AVX2 and FMA; compiled with -mavx2 -mfma.
#include "core/kernels/variants.h"

#if defined(__x86_64__)
#define HEED_VECTOR_BYTES 32
#include "core/kernels/variant.inc"

namespace heed::kernels {
constinit const Table kAvx2Table = make_table("avx2");
}  // namespace heed::kernels
#endif
