// The memory behind tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "core/counting.h"
#include "core/source_location.h"

namespace heed {

/// Bytes from the pool, shared by a tensor and its views, with what errors and the graph need to know of them.
class Storage {
 public:
  /// Uninitialised bytes, aligned to 64; up to 16 of them lie beside the header, aligned to 16.
  static Handle<Storage> create(std::size_t bytes);

  std::byte* data() { return reinterpret_cast<std::byte*>(this) + data_offset(bytes_); }
  std::size_t bytes() const { return bytes_; }
  /// What it takes of the pool, its header included.
  std::size_t block_bytes() const;

  void retain() { count_.retain(); }
  void release() {
    if (count_.release()) destroy();
  }
  bool unique() const { return count_.unique(); }

  /// Moments (core/counting.h) of the creation and of the last change in place.
  std::uint64_t created() const { return created_; }
  std::uint64_t changed() const { return changed_; }
  void mark_changed(const SourceLocation& at) {
    changed_ = moment::next();
    set_changed_at(at);
  }
  void set_changed_at(const SourceLocation& at) { changed_at_ = source_locations::number_of(at); }
  /// The line of the last change in place.
  SourceLocation changed_at() const { return source_locations::at_number(changed_at_); }

  /// Where the values come from, for error messages: the operation that made them (a static text; the first one
  /// stays), and the name that somebody gave them.
  void set_operation(const char* operation) {
    if (operation_ == nullptr) operation_ = operation;
  }
  void set_label(std::string label);
  const std::string* label() const;
  /// `parameter "out.weight"`, `output of concat` or `a tensor`.
  std::string origin() const;

  /// Calls `tell` when the last handle goes, on its thread and before the pool has the bytes back. It must not
  /// throw. Several are called in the order in which they were given.
  void when_released(std::function<void()> tell);

 private:
  struct Extras;  // what few storages have
  // A scalar shares the cache line of its header.
  static constexpr std::size_t data_offset(std::size_t bytes) { return bytes <= 16 ? 48 : 64; }
  explicit Storage(std::size_t bytes) : bytes_(bytes), created_(moment::now()) {}
  ~Storage() = default;
  void destroy();
  Extras& extras();

  RefCount count_;
  std::uint32_t changed_at_ = 0;
  std::size_t bytes_;
  std::uint64_t created_;
  std::uint64_t changed_ = 0;
  const char* operation_ = nullptr;
  Extras* extras_ = nullptr;
};

}  // namespace heed
