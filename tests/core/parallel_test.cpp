#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/matmul.h"
#include "core/reduce.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

using Piece = std::pair<std::int64_t, std::int64_t>;

std::vector<Piece> pieces_of(std::int64_t n, std::int64_t grain) {
  std::mutex mutex;
  std::vector<Piece> pieces;
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(mutex);
    pieces.emplace_back(begin, end);
  });
  std::sort(pieces.begin(), pieces.end());
  return pieces;
}

TEST_CASE("parallel_for: the pieces depend on the size only and cover it once") {
  for (const int count : {1, 2, 3, 8}) {
    const Threads now(count);
    CHECK(threads() == count);
    CHECK(pieces_of(10, 4) == std::vector<Piece>{{0, 4}, {4, 8}, {8, 10}});
    CHECK(pieces_of(8, 4) == std::vector<Piece>{{0, 4}, {4, 8}});
    CHECK(pieces_of(4, 4) == std::vector<Piece>{{0, 4}});
    CHECK(pieces_of(3, 1) == std::vector<Piece>{{0, 1}, {1, 2}, {2, 3}});
    CHECK(pieces_of(1, INT64_MAX) == std::vector<Piece>{{0, 1}});
    CHECK(pieces_of(0, 4).empty());
    CHECK(pieces_of(-5, 4).empty());
    CHECK(pieces_of(1000, 1).size() == 1000);
  }
}

TEST_CASE("parallel_for: a grain below 1 is a ConfigError, not an endless loop") {
  CHECK(thrown<ConfigError>([] { parallel_for(10, 0, [](std::int64_t, std::int64_t) {}); }) ==
        "ConfigError: parallel_for: pieces of 0\n  requires grain >= 1");
  CHECK_THROWS_AS(parallel_for(10, -1, [](std::int64_t, std::int64_t) {}), ConfigError);
}

TEST_CASE("set_threads: takes at least one, and is refused while it would wait for itself") {
  CHECK(thrown<ConfigError>([] { set_threads(0); }) ==
        "ConfigError: set_threads: 0 threads can do no work\n  requires n >= 1");
  const Threads two(2);
  CHECK(thrown<ConfigError>([] { parallel_for(4, 1, [](std::int64_t, std::int64_t) { set_threads(3); }); }) ==
        "ConfigError: set_threads: called by work that the threads share");
  CHECK(threads() == 2);
  CHECK(pieces_of(10, 4).size() == 3);
}

TEST_CASE("parallel_for: the exception of the first piece that throws comes out, at any number of threads") {
  for (const int count : {1, 2, 8}) {
    const Threads now(count);
    for (int round = 0; round < 20; ++round)
      CHECK(thrown<IndexError>([] {
              parallel_for(64, 1, [](std::int64_t begin, std::int64_t) {
                if (begin % 10 == 3) throw IndexError({.what = text("piece ", begin)});
              });
            }) == "IndexError: piece 3");
    CHECK(pieces_of(10, 4).size() == 3);  // and the threads are there for the next call
  }
}

TEST_CASE("parallel_for: nested calls cover every pair once") {
  const Threads four(4);
  std::vector<std::atomic<int>> seen(30 * 20);
  parallel_for(30, 7, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const std::thread::id outer = std::this_thread::get_id();
      parallel_for(20, 3, [&, i](std::int64_t begin, std::int64_t end) {
        // Catch's assertions are not for several threads: a wrong thread is counted as a wrong visit.
        const int visits = std::this_thread::get_id() == outer ? 1 : 100;
        for (std::int64_t j = begin; j < end; ++j) seen[static_cast<std::size_t>(i * 20 + j)] += visits;
      });
    }
  });
  CHECK(std::all_of(seen.begin(), seen.end(), [](const auto& visits) { return visits == 1; }));
}

TEST_CASE("parallel_for: an exception of a nested call passes through both") {
  const Threads three(3);
  CHECK(thrown<ShapeError>([] {
          parallel_for(8, 1, [](std::int64_t outer, std::int64_t) {
            parallel_for(8, 1, [outer](std::int64_t inner, std::int64_t) {
              if (inner == 2) throw ShapeError({.what = text(outer, " ", inner)});
            });
          });
        }) == "ShapeError: 0 2");
}

TEST_CASE("parallel_for: several threads of the user may call it at once") {
  const Threads three(3);
  std::vector<std::int64_t> totals(4, 0);
  std::vector<std::thread> users;
  for (std::size_t user = 0; user < totals.size(); ++user)
    users.emplace_back([&totals, user] {
      for (int round = 0; round < 100; ++round) {
        std::vector<std::int64_t> parts(25, 0);
        parallel_for(100, 4, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) parts[static_cast<std::size_t>(begin / 4)] += i;
        });
        for (const std::int64_t part : parts) totals[user] += part;
      }
    });
  for (std::thread& user : users) user.join();
  CHECK(totals == std::vector<std::int64_t>(4, 100 * 4950));
}

TEST_CASE("set_threads: may change while other threads work, and they lose nothing") {
  const Threads back(threads());
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread user([&] {
    while (!stop) {
      std::atomic<std::int64_t> total{0};
      parallel_for(64, 2, [&](std::int64_t begin, std::int64_t end) { total += end - begin; });
      wrong += total != 64;
    }
  });
  for (int round = 0; round < 30; ++round) set_threads(1 + round % 4);
  stop = true;
  user.join();
  CHECK(wrong == 0);
}

TEST_CASE("tensors: several threads of the user compute with shared operands at once") {
  const Threads two(2);
  const Tensor a = normal({200, 70}, 1, DType::f32), b = normal({70, 90}, 2, DType::f32);
  const Values expected = sum(matmul(a, b), 0).to_vector();
  std::vector<Values> results(4);
  std::vector<std::thread> users;
  for (Values& result : results)
    users.emplace_back([&] {
      for (int round = 0; round < 5; ++round) result = sum(matmul(a, b), 0).to_vector();
    });
  for (std::thread& user : users) user.join();
  for (const Values& result : results) CHECK(result == expected);
}

}  // namespace
}  // namespace heed::tests
