#include "core/storage.h"

#include <memory>
#include <new>
#include <utility>

#include "core/allocator.h"
#include "core/error.h"

namespace heed {

Handle<Storage> Storage::create(std::size_t bytes) {
  static_assert(sizeof(Storage) <= data_offset(0));
  void* const block = pool::allocate(data_offset(bytes) + bytes);
  return Handle<Storage>::adopt(new (block) Storage(bytes));
}

void Storage::destroy() {
  const std::size_t block_bytes = data_offset(bytes_) + bytes_;
  delete label_;
  this->~Storage();
  pool::release(this, block_bytes);
}

void Storage::set_label(std::string label) {
  delete std::exchange(label_, nullptr);
  label_ = new std::string(std::move(label));
}

std::string Storage::origin() const {
  if (label_ != nullptr) return *label_;
  if (operation_ != nullptr) return text("output of ", operation_);
  return "a tensor";
}

}  // namespace heed
