// Storage and the pool behind it.
#include "core/storage.h"

#include <atomic>
#include <cstring>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/allocator.h"
#include "core/tensor.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

bool aligned(const void* block) { return reinterpret_cast<std::uintptr_t>(block) % 64 == 0; }

TEST_CASE("pool: blocks of every size are aligned, apart, and as large as asked for") {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  std::vector<std::size_t> sizes{0, 1, 63, 64, 65, 1023, 1024, 1025, 1280, 1281, 2047, 2048, 2049, 5 << 20};
  for (std::size_t bytes = 7; bytes < 200000; bytes = bytes * 5 / 4 + 1) sizes.push_back(bytes);
  for (const std::size_t bytes : sizes) {
    auto* const block = static_cast<unsigned char*>(pool::allocate(bytes));
    REQUIRE(aligned(block));
    std::memset(block, static_cast<int>(blocks.size() % 251), bytes);
    blocks.emplace_back(block, bytes);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto [block, bytes] = blocks[i];
    bool intact = true;
    for (std::size_t k = 0; k < bytes; ++k) intact = intact && block[k] == i % 251;
    REQUIRE(intact);
    pool::release(block, bytes);
  }
}

TEST_CASE("pool: a freed block serves the next request of its size class") {
  void* const block = pool::allocate(5000);
  pool::release(block, 5000);
  const std::int64_t recycled = pool::statistics().recycled;
  void* const again = pool::allocate(5001);
  CHECK(again == block);
  CHECK(pool::statistics().recycled == recycled + 1);
  pool::release(again, 5001);
}

TEST_CASE("pool: statistics follow what is handed out, the peak until it is reset") {
  pool::trim();
  const pool::Statistics before = pool::statistics();
  pool::reset_peak();
  void *const small = pool::allocate(100), *const large = pool::allocate(3 << 20);
  const pool::Statistics during = pool::statistics();
  CHECK(during.allocations == before.allocations + 2);
  CHECK(during.bytes_in_use >= before.bytes_in_use + 100 + (3 << 20));
  // No class wastes more than a quarter.
  CHECK(during.bytes_in_use <= before.bytes_in_use + 128 + (3 << 20) * 5 / 4);
  CHECK(during.peak_bytes == during.bytes_in_use);
  pool::release(large, 3 << 20);
  CHECK(pool::statistics().peak_bytes == during.peak_bytes);
  pool::reset_peak();
  CHECK(pool::statistics().peak_bytes == pool::statistics().bytes_in_use);
  pool::release(small, 100);
  CHECK(pool::statistics().bytes_in_use == before.bytes_in_use);
}

TEST_CASE("pool: trim returns what waits, from this thread's lists and from the common one") {
  std::vector<void*> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(pool::allocate(100000));
  for (void* const block : blocks) pool::release(block, 100000);
  const pool::Statistics full = pool::statistics();
  CHECK(full.bytes_held >= full.bytes_in_use + 40 * 100000);
  pool::trim();
  const pool::Statistics trimmed = pool::statistics();
  CHECK(trimmed.bytes_held <= full.bytes_held - 40 * 100000);
  CHECK(trimmed.bytes_in_use == full.bytes_in_use);
  CHECK(trimmed.bytes_held >= trimmed.bytes_in_use);
}

TEST_CASE("pool: blocks may be released by another thread, and are used again here when it has ended") {
  pool::trim();
  std::vector<void*> blocks;
  for (int i = 0; i < 20; ++i) blocks.push_back(pool::allocate(7000));
  const std::int64_t in_use = pool::statistics().bytes_in_use;
  std::thread([&] {
    for (void* const block : blocks) pool::release(block, 7000);
  }).join();
  CHECK(pool::statistics().bytes_in_use <= in_use - 20 * 7000);
  const std::set<void*> released(blocks.begin(), blocks.end());
  std::set<void*> again;
  for (int i = 0; i < 20; ++i) again.insert(pool::allocate(7000));
  CHECK(again == released);
  for (void* const block : again) pool::release(block, 7000);
}

TEST_CASE("pool: several threads allocate, write and release at once, and nothing overlaps") {
  const std::int64_t before = pool::statistics().bytes_in_use;
  std::atomic<int> broken{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&broken, t] {
      std::vector<std::pair<unsigned*, std::size_t>> mine;
      for (unsigned i = 0; i < 2000; ++i) {
        const std::size_t bytes = 64 + (i * 2654435761u + t * 97) % 5000;
        auto* const block = static_cast<unsigned*>(pool::allocate(bytes));
        block[0] = block[15] = t << 20 | i;
        mine.emplace_back(block, bytes);
        if (mine.size() < 30) continue;
        const auto [old, size] = mine[i % 30];
        if (old[0] != old[15] || old[0] >> 20 != t) ++broken;
        pool::release(old, size);
        mine.erase(mine.begin() + i % 30);
      }
      for (const auto& [block, size] : mine) pool::release(block, size);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(broken == 0);
  CHECK(pool::statistics().bytes_in_use == before);
}

TEST_CASE("pool: a request that no class can hold is std::bad_alloc and changes nothing") {
  const std::int64_t in_use = pool::statistics().bytes_in_use;
  CHECK_THROWS_AS(pool::allocate(std::size_t{1} << 60), std::bad_alloc);
  CHECK_THROWS_AS(pool::allocate(~std::size_t{0}), std::bad_alloc);
  CHECK(pool::statistics().bytes_in_use == in_use);
}

TEST_CASE("storage: goes back to the pool with its last handle, on whichever thread that dies") {
  const std::int64_t before = pool::statistics().bytes_in_use;
  {
    Tensor x = Tensor::ones({1000});
    CHECK(aligned(x.bytes()));
    CHECK(x.storage().bytes() == 4000);
    CHECK(x.storage().unique());
    Tensor view = x.slice(0, 10, 20);
    CHECK_FALSE(x.storage().unique());
    x = Tensor();
    CHECK(view.at({0}) == 1);
    CHECK(pool::statistics().bytes_in_use >= before + 4000);
    std::thread([taken = std::move(view)] {}).join();
  }
  CHECK(pool::statistics().bytes_in_use == before);
}

TEST_CASE("storage: handles copied and dropped by several threads at once free the elements once") {
  const std::int64_t before = pool::statistics().bytes_in_use;
  {
    const Tensor shared = Tensor::ones({64});
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&shared, &wrong] {
        for (int i = 0; i < 2000; ++i) {
          const Tensor copy = shared, view = copy.slice(0, i % 60, i % 60 + 4);
          wrong += view.data<float>()[3] != 1;
        }
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(shared.storage().unique());
  }
  CHECK(pool::statistics().bytes_in_use == before);
}

TEST_CASE("storage: the origin is the label, else the first operation, else nothing particular") {
  const Tensor x = Tensor::ones({1});
  CHECK(x.origin() == "a tensor");
  x.storage().set_operation("concat");
  x.storage().set_operation("identity");
  CHECK(x.origin() == "output of concat");
  CHECK(x.select(0, 0).origin() == "output of concat");
  x.storage().set_label("parameter \"a\"");
  x.storage().set_label("parameter \"b\"");
  CHECK(x.origin() == "parameter \"b\"");
  CHECK(*x.storage().label() == "parameter \"b\"");
}

TEST_CASE("storage: says when its last handle goes, before the pool has the bytes back, to all who asked") {
  std::vector<std::string> told;
  std::int64_t in_use_then = 0;
  const std::int64_t before = pool::statistics().bytes_in_use;
  Tensor x = Tensor::ones({1000});
  const auto bytes = static_cast<std::int64_t>(x.storage().block_bytes());
  CHECK(pool::statistics().bytes_in_use == before + bytes);
  x.storage().set_label("parameter \"w\"");
  x.storage().when_released([&] { told.push_back("first"); });
  x.storage().when_released([&] {
    told.push_back("second");
    in_use_then = pool::statistics().bytes_in_use;
  });
  CHECK(x.origin() == "parameter \"w\"");
  Tensor view = x.slice(0, 10, 20);
  x = Tensor();
  CHECK(told.empty());
  view = Tensor();
  CHECK(told == std::vector<std::string>{"first", "second"});
  CHECK(in_use_then == before + bytes);
  CHECK(pool::statistics().bytes_in_use == before);
}

TEST_CASE("pool: a block counts as its size class, and the peak begins again at what is said") {
  const auto is_what_counts = [](std::size_t bytes) {
    const std::int64_t before = pool::statistics().bytes_in_use;
    void* const block = pool::allocate(bytes);
    const std::int64_t counted = pool::statistics().bytes_in_use - before;
    pool::release(block, bytes);
    return counted == static_cast<std::int64_t>(pool::block_bytes(bytes));
  };
  for (const std::size_t bytes : {0, 1, 64, 65, 2048, 2049, 5000, 1 << 20, (1 << 20) + 1})
    CHECK(is_what_counts(bytes));
  const std::int64_t in_use = pool::statistics().bytes_in_use;
  pool::reset_peak(in_use + 12345);
  CHECK(pool::statistics().peak_bytes == in_use + 12345);
  pool::reset_peak(in_use - 1);
  CHECK(pool::statistics().peak_bytes == in_use);
}

TEST_CASE("moments: a storage is created now and every change is later than all before it") {
  const std::uint64_t start = moment::next();
  Tensor a = Tensor::ones({1}), b = Tensor::ones({1});
  CHECK(a.storage().created() >= start);
  a.fill(1);
  b.fill(1);
  CHECK(b.storage().changed() > a.storage().changed());
  CHECK(moment::now() == b.storage().changed());
}

}  // namespace
}  // namespace heed::tests
