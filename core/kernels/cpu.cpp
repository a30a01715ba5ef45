#include "core/kernels/cpu.h"

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/kernels/variants.h"

namespace heed::kernels {
namespace {

struct Variants {
  static constexpr int kMost = 4;
  const Table* tables[kMost + 1] = {};  // the best first; a null ends them
  const char* names[kMost + 1] = {};
  int count = 0;

  void add(const Table& table) {
    tables[count] = &table;
    names[count] = table.name;
    ++count;
  }

  Variants() {
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
      add(kAvx512Table);
    if (avx2) add(kAvx2Table);
#endif
    add(kPortableTable);
    add(kReferenceTable);
  }
};

const Variants& variants() {
  static const Variants found;
  return found;
}

/// The variant that was asked for by `where`. Throws ConfigError when there is none.
const Table& require_table(const char* where, const char* name) {
  if (const Table* found = find_table(name)) return *found;
  std::string names;
  for (int i = 0; i < variants().count; ++i) {
    if (i > 0) names += i + 1 < variants().count ? ", " : " or ";
    names += variants().names[i];
  }
  const std::string_view asked(name);
  const bool known = asked == "avx512" || asked == "avx2";
  throw ConfigError(
      {.what = text(where, ": ", known ? "this processor cannot run the kernels \"" : "there are no kernels \"",
                    asked, "\""),
       .expected = text("one of ", names)});
}

}  // namespace

constinit std::atomic<const Table*> table_in_use{nullptr};

const Table& choose_table() {
  const char* name = std::getenv("HEED_KERNEL");
  const Table* chosen =
      name == nullptr || *name == '\0' ? variants().tables[0] : &require_table("HEED_KERNEL", name);
  // Another thread may have chosen meanwhile, or a test: that choice stands.
  const Table* in_use = nullptr;
  return table_in_use.compare_exchange_strong(in_use, chosen, std::memory_order_acq_rel) ? *chosen : *in_use;
}

const Table* find_table(const char* name) {
  for (int i = 0; i < variants().count; ++i)
    if (std::string_view(name) == variants().names[i]) return variants().tables[i];
  return nullptr;
}

const char* const* table_names() { return variants().names; }

void use_table(const char* name) {
  table_in_use.store(&require_table("use_table", name), std::memory_order_release);
}

}  // namespace heed::kernels
