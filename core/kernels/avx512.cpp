// AVX-512 F, DQ, BW and VL; compiled with -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma.
#include "core/kernels/variants.h"

#if defined(__x86_64__)
#define HEED_VECTOR_BYTES 64
#include "core/kernels/variant.inc"

namespace heed::kernels {
constinit const Table kAvx512Table = make_table("avx512");
}  // namespace heed::kernels
#endif
