#include "core/allocator.h"

#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>

#include "core/counting.h"

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
constexpr std::size_t kSmallLimit =
    1024;  // below: a class every 64 bytes; above: four classes to each power of two
constexpr std::size_t kSmallClasses = kSmallLimit / kAlignment;
constexpr std::size_t kClasses = kSmallClasses + 4 * 40;
// What one thread keeps of one class before it gives half to the common list.
constexpr std::size_t kThreadCacheBytes = std::size_t{1} << 20;

struct SizeClass {
  std::size_t index, bytes;
};

SizeClass class_of(std::size_t bytes) {
  if (bytes <= kSmallLimit) {
    const std::size_t steps = bytes == 0 ? 1 : (bytes + kAlignment - 1) / kAlignment;
    return {steps - 1, steps * kAlignment};
  }
  const int power = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes <= 2^(power + 1)
  const std::size_t step = std::size_t{1} << (power - 2);
  const std::size_t steps = (bytes - 1 - (std::size_t{1} << power)) / step;  // 0 … 3
  const std::size_t index = kSmallClasses + 4 * static_cast<std::size_t>(power - 10) + steps;
  if (index >= kClasses) throw std::bad_alloc();
  return {index, (std::size_t{1} << power) + (steps + 1) * step};
}

struct FreeBlock {
  FreeBlock* next;
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

struct FreeList {
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
      --length;
    }
    return block;
  }
};

struct Common {
  std::mutex mutex;
  std::array<FreeList, kClasses> lists;
  std::atomic<std::int64_t> in_use{0}, peak{0}, held{0}, allocations{0}, recycled{0};
};

// Never destroyed: tensors with static lifetime are released after any destructor of ours could run.
Common& common() {
  static Common& instance = *new Common;
  return instance;
}

void free_to_system(void* block, SizeClass size) {
  unpoison(block, size.bytes);
  ::operator delete (block, std::align_val_t{kAlignment});
  add_and_get<std::int64_t>(common().held, -static_cast<std::int64_t>(size.bytes));
}

std::size_t bytes_of_class(std::size_t index) {
  if (index < kSmallClasses) return (index + 1) * kAlignment;
  const std::size_t power = 10 + (index - kSmallClasses) / 4;
  return (std::size_t{1} << power) + ((index - kSmallClasses) % 4 + 1) * (std::size_t{1} << (power - 2));
}

struct ThreadCache {
  std::array<FreeList, kClasses> lists;

  void give_back(std::size_t index, std::size_t keep) {
    const std::lock_guard lock(common().mutex);
    while (lists[index].length > keep) common().lists[index].push(lists[index].pop());
  }
  ~ThreadCache();
};

enum class Life : std::uint8_t { none, running, over };
constinit thread_local Life cache_life = Life::none;
thread_local ThreadCache cache;

ThreadCache::~ThreadCache() {
  cache_life = Life::over;
  for (std::size_t index = 0; index < kClasses; ++index)
    if (lists[index].length > 0) give_back(index, 0);
}

// The lists of this thread; null once the thread is ending and they have been given back.
ThreadCache* thread_cache() {
  if (cache_life == Life::running) [[likely]]
    return &cache;
  if (cache_life == Life::over) return nullptr;
  cache_life = Life::running;
  return &cache;
}

void raise_peak(std::int64_t in_use) {
  auto& peak = common().peak;
  std::int64_t seen = peak.load(std::memory_order_relaxed);
  while (in_use > seen && !peak.compare_exchange_weak(seen, in_use, std::memory_order_relaxed)) {
  }
}

}  // namespace

void* allocate(std::size_t bytes) {
  const SizeClass size = class_of(bytes);
  Common& shared = common();
  void* block = nullptr;
  if (ThreadCache* const mine = thread_cache()) block = mine->lists[size.index].pop();
  if (block == nullptr) {
    const std::lock_guard lock(shared.mutex);
    block = shared.lists[size.index].pop();
  }
  if (block != nullptr) {
    unpoison(block, size.bytes);
    add_and_get<std::int64_t>(shared.recycled, 1);
  } else {
    block = ::operator new (size.bytes, std::align_val_t{kAlignment});
    add_and_get<std::int64_t>(shared.held, static_cast<std::int64_t>(size.bytes));
  }
  add_and_get<std::int64_t>(shared.allocations, 1);
  const std::int64_t in_use = add_and_get<std::int64_t>(shared.in_use, static_cast<std::int64_t>(size.bytes));
  if (in_use > shared.peak.load(std::memory_order_relaxed)) raise_peak(in_use);
  return block;
}

void release(void* block, std::size_t bytes) noexcept {
  const SizeClass size = class_of(bytes);
  poison(block, size.bytes);
  add_and_get<std::int64_t>(common().in_use, -static_cast<std::int64_t>(size.bytes));
  if (ThreadCache* const mine = thread_cache()) {
    FreeList& list = mine->lists[size.index];
    list.push(block);
    if (list.length * size.bytes > kThreadCacheBytes) mine->give_back(size.index, list.length / 2);
  } else {
    const std::lock_guard lock(common().mutex);
    common().lists[size.index].push(block);
  }
}

Statistics statistics() {
  const Common& shared = common();
  return {shared.in_use.load(), shared.peak.load(), shared.held.load(), shared.allocations.load(),
          shared.recycled.load()};
}

void reset_peak() { common().peak.store(common().in_use.load()); }

void trim() {
  if (ThreadCache* const mine = thread_cache())
    for (std::size_t index = 0; index < kClasses; ++index)
      if (mine->lists[index].length > 0) mine->give_back(index, 0);
  const std::lock_guard lock(common().mutex);
  for (std::size_t index = 0; index < kClasses; ++index)
    while (void* const block = common().lists[index].pop())
      free_to_system(block, {index, bytes_of_class(index)});
}

}  // namespace heed::pool
