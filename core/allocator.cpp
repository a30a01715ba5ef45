#include "core/allocator.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <utility>

#include "core/counting.h"
#include "core/kernels/subnormals.h"

#if defined(__SANITIZE_ADDRESS__)
#define HEED_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEED_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef HEED_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace heed::pool {
namespace {

constexpr std::size_t kAlignment = 64;
// Up to here a class every 64 bytes, then four classes to each power of two.
constexpr std::size_t kSmallLimit = 2048;
constexpr std::size_t kSmallPower = 11;  // of kSmallLimit
constexpr std::size_t kSmallClasses = kSmallLimit / kAlignment;
constexpr std::size_t kClasses = kSmallClasses + 4 * 40;
// A thread keeps up to two chains of this size of each class; a third goes to the common lists.
constexpr std::size_t kThreadChainBytes = std::size_t{1} << 19;
// Bytes by which a thread's allocations may change the figures before it reports them.
constexpr std::int64_t kMostPending = 1 << 15;

struct SizeClass {
  std::size_t index, bytes;
};

std::size_t small_class(std::size_t bytes) { return (bytes - (bytes != 0)) / kAlignment; }

[[gnu::noinline]] SizeClass large_class(std::size_t bytes) {
  const int power = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes <= 2^(power + 1)
  const std::size_t step = std::size_t{1} << (power - 2);
  const std::size_t steps = (bytes - 1 - (std::size_t{1} << power)) / step;  // 0 … 3
  const std::size_t index = kSmallClasses + 4 * (static_cast<std::size_t>(power) - kSmallPower) + steps;
  if (index >= kClasses) throw std::bad_alloc();
  return {index, (std::size_t{1} << power) + (steps + 1) * step};
}

std::size_t bytes_of_class(std::size_t index) {
  if (index < kSmallClasses) return (index + 1) * kAlignment;
  const std::size_t power = kSmallPower + (index - kSmallClasses) / 4;
  return (std::size_t{1} << power) + ((index - kSmallClasses) % 4 + 1) * (std::size_t{1} << (power - 2));
}

struct FreeBlock {
  FreeBlock* next;
  FreeBlock* next_chain;  // these two in the first block of a chain in the common lists
  std::size_t chain_length;
};

// Freed memory is poisoned but for the link, so that the address sanitizer sees a use after the release.
void poison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) {
#ifdef HEED_ADDRESS_SANITIZER
  __asan_poison_memory_region(static_cast<std::byte*>(block) + sizeof(FreeBlock), bytes - sizeof(FreeBlock));
#endif
}
void unpoison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) {
#ifdef HEED_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(block, bytes);
#endif
}

// A chain of free blocks of one class. Chains travel between threads whole, so that neither side walks them.
struct Chain {
  FreeBlock* head = nullptr;
  std::size_t length = 0;

  void push(void* block) {
    auto* const free = static_cast<FreeBlock*>(block);
    free->next = head;
    head = free;
    ++length;
  }
  void* pop() {
    FreeBlock* const block = head;
    if (block != nullptr) {
      head = block->next;
      __builtin_prefetch(head, 1);  // the next to allocate writes there
      --length;
    }
    return block;
  }
};

struct Common {
  std::mutex mutex;
  std::array<FreeBlock*, kClasses> chains{};
  std::atomic<std::int64_t> in_use{0}, peak{0}, held{0}, allocations{0}, fresh{0};

  void put(std::size_t index, Chain chain) {
    if (chain.length == 0) return;
    const std::lock_guard lock(mutex);
    chain.head->chain_length = chain.length;
    chain.head->next_chain = std::exchange(chains[index], chain.head);
  }
  Chain take(std::size_t index) {
    const std::lock_guard lock(mutex);
    FreeBlock* const head = chains[index];
    if (head == nullptr) return {};
    chains[index] = head->next_chain;
    return {head, head->chain_length};
  }
};

// Never destroyed: tensors with static lifetime are released after any destructor of ours could run.
Common& common() {
  static Common& instance = *new Common;
  return instance;
}

void raise_peak(std::int64_t in_use) {
  auto& peak = common().peak;
  std::int64_t seen = peak.load(std::memory_order_relaxed);
  while (in_use > seen && !peak.compare_exchange_weak(seen, in_use, std::memory_order_relaxed)) {
  }
}

void free_to_system(void* block, std::size_t bytes) {
  unpoison(block, bytes);
  ::operator delete (block, std::align_val_t{kAlignment});
  add_and_get<std::int64_t>(common().held, -static_cast<std::int64_t>(bytes));
}

enum class Life : std::uint8_t { none, running, over };

// What one thread has of its own. Without constructor or destructor, so that it is reached without a detour.
struct ThreadCache {
  struct Class {
    Chain current, spare;  // the spare one is empty or full: it can be given away whole
  };
  std::array<Class, kClasses> classes;
  std::int64_t pending_bytes = 0, pending_allocations = 0, pending_fresh = 0;  // not yet in the common figures
  std::size_t chain_limit = 0;  // kThreadChainBytes while the thread keeps chains
  Life life = Life::none;

  void count(std::int64_t bytes) {
    pending_bytes += bytes;
    if (pending_bytes > kMostPending || pending_bytes < -kMostPending) settle();
  }
  void settle() {
    Common& shared = common();
    add_and_get(shared.allocations, std::exchange(pending_allocations, 0));
    add_and_get(shared.fresh, std::exchange(pending_fresh, 0));
    raise_peak(add_and_get(shared.in_use, std::exchange(pending_bytes, 0)));
  }
  void give_back_all() {
    for (std::size_t index = 0; index < kClasses; ++index) {
      common().put(index, std::exchange(classes[index].current, {}));
      common().put(index, std::exchange(classes[index].spare, {}));
    }
    settle();
  }
};

constinit thread_local ThreadCache cache;

// Begins with the first allocation of a thread; gives the lists back when the thread ends. What is released
// later goes through the common lists.
struct AtThreadEnd {
  void arm() {
    flush_subnormals(true);  // this thread is going to compute
    cache.life = Life::running;
    cache.chain_limit = kThreadChainBytes;
  }
  ~AtThreadEnd() {
    cache.give_back_all();
    cache.life = Life::over;
    cache.chain_limit = 0;
  }
};
thread_local AtThreadEnd at_thread_end;

[[gnu::noinline]] void* allocate_slowly(std::size_t index, std::size_t bytes) {
  if (cache.life == Life::none) at_thread_end.arm();
  ThreadCache::Class& mine = cache.classes[index];
  mine.current = mine.spare.length > 0 ? std::exchange(mine.spare, {}) : common().take(index);
  void* block = mine.current.pop();
  if (cache.life == Life::over) common().put(index, std::exchange(mine.current, {}));
  if (block != nullptr) {
    unpoison(block, bytes);
    return block;
  }
  block = ::operator new (bytes, std::align_val_t{kAlignment});
  add_and_get<std::int64_t>(common().held, static_cast<std::int64_t>(bytes));
  ++cache.pending_fresh;
  return block;
}

[[gnu::noinline]] void release_slowly(std::size_t index, std::size_t bytes) {
  if (cache.life == Life::none) at_thread_end.arm();
  Chain& mine = cache.classes[index].current;
  if (cache.life == Life::over)
    common().put(index, std::exchange(mine, {}));
  else if (mine.length * bytes > kThreadChainBytes)
    common().put(index, std::exchange(cache.classes[index].spare, std::exchange(mine, {})));
}

[[gnu::always_inline]] inline void* allocate_of_class(std::size_t index, std::size_t bytes) {
  ++cache.pending_allocations;
  cache.count(static_cast<std::int64_t>(bytes));
  void* const block = cache.classes[index].current.pop();
  if (block == nullptr) [[unlikely]]
    return allocate_slowly(index, bytes);
  unpoison(block, bytes);
  return block;
}

[[gnu::always_inline]] inline void release_of_class(void* block, std::size_t index, std::size_t bytes) {
  poison(block, bytes);
  cache.count(-static_cast<std::int64_t>(bytes));
  Chain& mine = cache.classes[index].current;
  mine.push(block);
  if (mine.length * bytes > cache.chain_limit) [[unlikely]]
    release_slowly(index, bytes);
}

}  // namespace

std::size_t block_bytes(std::size_t bytes) {
  return bytes <= kSmallLimit ? bytes_of_class(small_class(bytes)) : large_class(bytes).bytes;
}

void* allocate(std::size_t bytes) {
  if (bytes <= kSmallLimit) [[likely]] {
    const std::size_t index = small_class(bytes);
    return allocate_of_class(index, (index + 1) * kAlignment);
  }
  const SizeClass size = large_class(bytes);
  return allocate_of_class(size.index, size.bytes);
}

void release(void* block, std::size_t bytes) noexcept {
  if (bytes <= kSmallLimit) [[likely]] {
    const std::size_t index = small_class(bytes);
    return release_of_class(block, index, (index + 1) * kAlignment);
  }
  const SizeClass size = large_class(bytes);
  release_of_class(block, size.index, size.bytes);
}

Statistics statistics() {
  cache.settle();
  const Common& shared = common();
  const std::int64_t allocations = shared.allocations.load();
  return {shared.in_use.load(), shared.peak.load(), shared.held.load(), allocations,
          allocations - shared.fresh.load()};
}

void reset_peak(std::int64_t at_least) {
  cache.settle();
  common().peak.store(std::max(common().in_use.load(), at_least));
}

void trim() {
  cache.give_back_all();
  for (std::size_t index = 0; index < kClasses; ++index)
    for (Chain chain = common().take(index); chain.length > 0; chain = common().take(index))
      while (void* const block = chain.pop()) free_to_system(block, bytes_of_class(index));
}

}  // namespace heed::pool
