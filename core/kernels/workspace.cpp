#include "core/kernels/workspace.h"

#include <memory>
#include <new>

namespace heed::kernels {
namespace {

constexpr std::align_val_t kAlignment{4096};

struct Return {
  void operator()(void* memory) const { ::operator delete(memory, kAlignment); }
};

}  // namespace

void* workspace() {
  static thread_local const std::unique_ptr<void, Return> memory(::operator new(kWorkspaceBytes, kAlignment));
  return memory.get();
}

}  // namespace heed::kernels
