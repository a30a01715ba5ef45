#include "core/storage.h"

#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/allocator.h"
#include "core/error.h"

namespace heed {

struct Storage::Extras {
  ~Extras() {
    for (const std::function<void()>& tell : when_released) tell();
  }

  std::string label;
  std::vector<std::function<void()>> when_released;
};

Handle<Storage> Storage::create(std::size_t bytes) {
  static_assert(sizeof(Storage) <= data_offset(0));
  void* const block = pool::allocate(data_offset(bytes) + bytes);
  return Handle<Storage>::adopt(new (block) Storage(bytes));
}

void Storage::destroy() {
  const std::size_t asked_for = data_offset(bytes_) + bytes_;
  delete extras_;
  this->~Storage();
  pool::release(this, asked_for);
}

std::size_t Storage::block_bytes() const { return pool::block_bytes(data_offset(bytes_) + bytes_); }

Storage::Extras& Storage::extras() {
  if (extras_ == nullptr) extras_ = new Extras;
  return *extras_;
}

void Storage::set_label(std::string label) { extras().label = std::move(label); }

const std::string* Storage::label() const {
  return extras_ == nullptr || extras_->label.empty() ? nullptr : &extras_->label;
}

void Storage::when_released(std::function<void()> tell) { extras().when_released.push_back(std::move(tell)); }

std::string Storage::origin() const {
  if (const std::string* its_label = label()) return *its_label;
  if (operation_ != nullptr) return text("output of ", operation_);
  return "a tensor";
}

}  // namespace heed
