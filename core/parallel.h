// The only threads in heed. Work is cut by the size of the problem, never by the number of threads, so that
// results have the same bits at any number of them.
#pragma once

#include <cstdint>
#include <type_traits>

namespace heed {

/// How many threads share the work of one operation; at first the number of processors. Throws ConfigError
/// unless n >= 1, and inside a body of parallel_for. Threads start when an operation is first large enough to
/// need them.
void set_threads(int n);
int threads();

/// The length of equal pieces of [0, n), as many as there can be of at least `least` each: about 20
/// microseconds of work, or waking another thread costs more than it gives.
inline std::int64_t even_pieces(std::int64_t n, std::int64_t least) {
  const std::int64_t pieces = n / (least < 1 ? 1 : least);
  return pieces <= 1 ? (n < 1 ? 1 : n) : (n + pieces - 1) / pieces;
}

namespace parallel {
using Body = void (*)(void* context, std::int64_t begin, std::int64_t end);
void run(std::int64_t n, std::int64_t grain, Body body, void* context);
}  // namespace parallel

/// Calls body(begin, end) for the pieces [0, grain), [grain, 2 grain), … of [0, n), on several threads when
/// there is more than one piece. Pieces must not touch each other's results. The exception of the first piece
/// that throws is thrown again here. Inside one of several pieces, parallel_for runs on the thread that it is
/// called on. Throws ConfigError unless grain >= 1.
template <class F>
void parallel_for(std::int64_t n, std::int64_t grain, F&& body) {
  parallel::run(
      n, grain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<std::remove_reference_t<F>*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace heed
