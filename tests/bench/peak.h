// What one core can do at most.
#pragma once

namespace heed::bench {

/// 10^9 floating-point operations a second in f32 multiply-adds on registers alone, with the widest vectors
/// that this processor has kernels for. Takes a fifth of a second.
double peak_gflops();

}  // namespace heed::bench
