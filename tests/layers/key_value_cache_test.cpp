#include "layers/key_value_cache.h"

#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Keys and values of `steps` steps in two sequences and three heads.
struct Steps {
  Tensor keys, values;
  Steps(std::int64_t steps, Rng& rng)
      : keys(normal({2, 3, steps, 4}, rng)), values(normal({2, 3, steps, 5}, rng)) {}
};

}  // namespace

TEST_CASE("key-value cache: holds what has been appended, in order, over any growth") {
  Rng rng(1);
  KeyValueCache cache;
  CHECK(cache.rows() == 0);
  CHECK(cache.length() == 0);
  std::vector<Tensor> keys, values;
  for (const std::int64_t steps : {1, 1, 3, 0, 1, 7, 1, 1}) {
    const Steps more(steps, rng);
    cache.append(more.keys, more.values);
    keys.push_back(more.keys);
    values.push_back(more.values);
    CHECK(cache.rows() == 2);
    CHECK(identical(cache.keys().clone(), concat(keys, 2)));
    CHECK(identical(cache.values().clone(), concat(values, 2)));
  }
  CHECK(cache.length() == 15);
}

TEST_CASE("key-value cache: steps before are moved only when the room doubles") {
  Rng rng(2);
  KeyValueCache cache;
  int moves = 0;
  const double* at = nullptr;
  for (int i = 0; i < 100; ++i) {
    const Steps more(1, rng);
    cache.append(more.keys, more.values);
    if (const double* const now = cache.keys().data<double>(); now != at) {
      ++moves;
      at = now;
    }
  }
  CHECK(moves == 8);  // room for 1, 2, 4, … 128
}

TEST_CASE("key-value cache: appending does not touch the tensors that are given") {
  Rng rng(3);
  const Steps first(2, rng), more(1, rng);
  const Tensor keys = first.keys.clone();
  KeyValueCache cache;
  cache.append(first.keys, first.values);
  cache.append(more.keys, more.values);
  cache.select(ids_of({1}, {1}));
  CHECK(identical(first.keys, keys));
}

TEST_CASE("key-value cache: selected sequences are kept in the order asked for, repeated or dropped") {
  Rng rng(4);
  KeyValueCache cache;
  const Steps first(3, rng), second(1, rng);
  cache.append(first.keys, first.values);
  cache.append(second.keys, second.values);
  const Tensor keys = cache.keys().clone(), values = cache.values().clone();
  cache.select(ids_of({0, 1}, {2}));  // all as they are
  CHECK(identical(cache.keys().clone(), keys));
  cache.select(ids_of({1, 1, 0}, {3}));
  CHECK(cache.rows() == 3);
  CHECK(cache.length() == 4);
  for (const auto& [now, before] : {std::pair(0, 1), std::pair(1, 1), std::pair(2, 0)}) {
    CHECK(identical(cache.keys().select(0, now).clone(), keys.select(0, before).clone()));
    CHECK(identical(cache.values().select(0, now).clone(), values.select(0, before).clone()));
  }
  cache.select(ids_of({}, {0}));
  CHECK(cache.rows() == 0);
}

TEST_CASE("key-value cache: a copy goes on independently") {
  Rng rng(5);
  KeyValueCache cache;
  for (const std::int64_t steps : {2, 1}) {  // room for one more
    const Steps some(steps, rng);
    cache.append(some.keys, some.values);
  }
  KeyValueCache copy = cache;
  const Steps here(1, rng), there(1, rng);
  cache.append(here.keys, here.values);
  copy.append(there.keys, there.values);
  CHECK(identical(cache.keys().slice(2, 3, 4).clone(), here.keys));
  CHECK(identical(copy.keys().slice(2, 3, 4).clone(), there.keys));
  copy = cache;
  CHECK(identical(copy.values().clone(), cache.values().clone()));
}

TEST_CASE("key-value cache: steps that do not fit and rows that do not exist are errors") {
  Rng rng(6);
  KeyValueCache cache;
  const Steps first(2, rng);
  CHECK_THROWS_AS(cache.append(first.keys, first.values.slice(2, 0, 1)), ShapeError);
  CHECK_THROWS_AS(cache.append(first.keys.select(0, 0), first.values.select(0, 0)), ShapeError);
  CHECK_THROWS_AS(cache.append(first.keys, first.values.to(DType::f32)), DTypeError);
  cache.append(first.keys, first.values);
  CHECK(
      thrown<ShapeError>([&] {
        cache.append(normal({3, 3, 1, 4}, rng), normal({3, 3, 1, 5}, rng));
      }) ==
      "ShapeError: key-value cache: keys are [3, 3, 1, 4], values are [3, 3, 1, 5], so far keys [2, 3, 2, 4], "
      "values [2, 3, 2, 5]\n"
      "  requires keys [N, G, T, d], values [N, G, T, e], all but T as before");
  CHECK_THROWS_AS(cache.append(first.keys.to(DType::f32), first.values.to(DType::f32)), DTypeError);
  CHECK_THROWS_AS(cache.select(ids_of({0, 2}, {2})), IndexError);
  CHECK_THROWS_AS(cache.select(ids_of({0, 1}, {1, 2})), ShapeError);
  CHECK_THROWS_AS(cache.select(Tensor::of({1, 0}, {2})), DTypeError);
}

}  // namespace heed::tests
