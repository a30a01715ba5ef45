// Reference counts and the clock that orders what happens to values.
#pragma once

#include <atomic>
#include <cstdint>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace heed {

/// Whether the process has had one thread only so far, so that counters need no atomic read-modify-write.
inline bool single_threaded() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

/// Adds to a counter that other threads may change, as cheaply as the number of threads allows.
template <class T>
T add_and_get(std::atomic<T>& counter, T amount, std::memory_order order = std::memory_order_relaxed) {
  if (!single_threaded()) [[unlikely]]
    return static_cast<T>(counter.fetch_add(amount, order) + amount);
  const T result = static_cast<T>(counter.load(std::memory_order_relaxed) + amount);
  counter.store(result, std::memory_order_relaxed);
  return result;
}

/// The number of handles on an object. Starts at one.
class RefCount {
 public:
  void retain() { add_and_get(count_, 1); }
  /// True when that was the last handle.
  bool release() { return add_and_get(count_, -1, std::memory_order_acq_rel) == 0; }
  /// Whether there are none; retain() makes it one again.
  bool none() const { return count_.load(std::memory_order_relaxed) == 0; }
  /// Whether there is one handle, the caller's.
  bool unique() const { return count_.load(std::memory_order_acquire) == 1; }

 private:
  std::atomic<std::int32_t> count_{1};
};

/// A handle on an object that has `void retain()` and `void release()` (which destroys it at the last handle).
template <class T>
class Handle {
 public:
  Handle() = default;
  /// Takes over one count that the caller holds.
  static Handle adopt(T* object) {
    Handle handle;
    handle.object_ = object;
    return handle;
  }
  /// Adds a count of its own.
  static Handle share(T* object) {
    if (object != nullptr) object->retain();
    return adopt(object);
  }
  Handle(const Handle& other) : object_(other.object_) {
    if (object_ != nullptr) object_->retain();
  }
  Handle(Handle&& other) noexcept : object_(other.object_) { other.object_ = nullptr; }
  Handle& operator=(Handle other) noexcept {
    T* const mine = object_;
    object_ = other.object_;
    other.object_ = mine;
    return *this;
  }
  ~Handle() {
    if (object_ != nullptr) object_->release();
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Handle& other) const { return object_ == other.object_; }

 private:
  T* object_ = nullptr;
};

/// Moments in the life of values and graphs: every recorded operation, every change in place and every backward
/// sweep takes the next number, so that "was this changed after that operation saved it?" is a comparison.
namespace moment {
inline std::atomic<std::uint64_t> latest{1};
inline std::uint64_t now() { return latest.load(std::memory_order_relaxed); }
inline std::uint64_t next() { return add_and_get<std::uint64_t>(latest, 1); }
}  // namespace moment

}  // namespace heed
