// The pool that all tensors and graph nodes take their memory from.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heed::pool {

/// A block of at least `bytes` bytes, aligned to 64. Freed blocks of the same size class are used again first:
/// from the thread's own list without a lock, then from the common one. Throws std::bad_alloc.
void* allocate(std::size_t bytes);
/// Gives back a block of allocate(bytes), from any thread.
void release(void* block, std::size_t bytes) noexcept;
/// What a block of allocate(bytes) counts in the statistics: `bytes`, rounded up to its size class.
std::size_t block_bytes(std::size_t bytes);

struct Statistics {
  std::int64_t bytes_in_use = 0;  ///< blocks handed out, rounded up to their size classes
  std::int64_t peak_bytes = 0;    ///< the most that bytes_in_use has been since the last reset_peak()
  std::int64_t bytes_held = 0;    ///< what the system has given: in use and waiting to be used again
  std::int64_t allocations = 0;   ///< calls of allocate()
  std::int64_t recycled = 0;      ///< of these, the ones served by a block freed before
};
Statistics statistics();
/// The peak begins again: with what is in use, or with that many bytes if they are more.
void reset_peak(std::int64_t at_least = 0);
/// Returns the common list's waiting blocks, and this thread's, to the system.
void trim();

}  // namespace heed::pool
