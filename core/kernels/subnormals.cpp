#include "core/kernels/subnormals.h"

#include <cstdint>

namespace heed {
namespace {

#if defined(__x86_64__)
constexpr std::uint64_t kFlush = 0x8040;  // results (flush to zero) and operands (denormals are zero)
std::uint64_t read_mode() { return __builtin_ia32_stmxcsr(); }
void write_mode(std::uint64_t mode) { __builtin_ia32_ldmxcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;
std::uint64_t read_mode() {
  std::uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void write_mode(std::uint64_t mode) { asm volatile("msr fpcr, %0" ::"r"(mode)); }
#else
constexpr std::uint64_t kFlush = 0;
std::uint64_t read_mode() { return 0; }
void write_mode(std::uint64_t) {}
#endif

}  // namespace

bool flushes_subnormals() { return (read_mode() & kFlush) != 0; }

void flush_subnormals(bool on) {
  const std::uint64_t mode = read_mode();
  const std::uint64_t wanted = on ? mode | kFlush : mode & ~kFlush;
  if (wanted != mode) write_mode(wanted);
}

}  // namespace heed
