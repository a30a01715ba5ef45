#include "core/mask.h"

#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

Tensor lengths_of(std::initializer_list<double> lengths) {
  return Tensor::of(lengths, {static_cast<std::int64_t>(lengths.size())}, DType::i32);
}

// The booleans [T, S] of a rule.
template <class Sees>
Tensor table(std::int64_t targets, std::int64_t sources, Sees sees) {
  Tensor allowed = Tensor::zeros({targets, sources}, DType::boolean);
  for (std::int64_t t = 0; t < targets; ++t)
    for (std::int64_t s = 0; s < sources; ++s) allowed.set({t, s}, sees(t, s) ? 1 : 0);
  return allowed;
}

TEST_CASE("mask: attend keeps what is true, block its opposite, and an undefined mask is neither") {
  const Tensor some = Tensor::of({1, 0, 0, 1, 1, 0}, {2, 3}, DType::boolean);
  CHECK(identical(Mask::attend(some).attends(), some));
  CHECK(identical(Mask::block(some).attends(), logical_not(some)));
  CHECK_FALSE(Mask().defined());
}

TEST_CASE("mask: causal targets see the sources up to their own position, wherever the first one stands") {
  for (const std::int64_t first : {0, 1, 4, 9})
    for (const std::int64_t sources : {0, 1, 5, 8})
      CHECK(identical(Mask::causal(3, sources, first).attends(),
                      table(3, sources, [&](auto t, auto s) { return s <= first + t; })));
  CHECK(identical(Mask::causal(2, 6, 4).attends(), Mask::causal(6, 6).attends().slice(0, 4, 6).clone()));
}

TEST_CASE("mask: a window is as wide as it says, before and after, wherever the first target stands") {
  for (const std::int64_t before : {std::int64_t{0}, std::int64_t{2}, std::int64_t{1} << 40})
    for (const std::int64_t after : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1} << 40})
      for (const std::int64_t first : {0, 3, 30})
        CHECK(identical(
            Mask::window(4, 9, {.before = before, .after = after, .first = first}).attends(),
            table(4, 9, [&](auto t, auto s) { return first + t - before <= s && s <= first + t + after; })));
  CHECK(identical((Mask::window(6, 6, {.before = 2, .after = 2}) & Mask::causal(6, 6)).attends(),
                  Mask::window(6, 6, {.before = 2}).attends()));
  CHECK(first_line(thrown<ConfigError>([] { Mask::window(2, 2, {.before = -1}); })) ==
        "ConfigError: mask: a window of -1 before and 0 after");
}

TEST_CASE("mask: padding sees as many sources as each sequence has") {
  const Mask mask = Mask::padding(lengths_of({2, 0, 3}), 3);
  REQUIRE(mask.attends().shape() == Shape{3, 1, 3});
  CHECK(mask.attends().to_vector() == Values{1, 1, 0, 0, 0, 0, 1, 1, 1});
}

TEST_CASE("mask: the intersection sees what both see, shapes broadcast, an undefined one changes nothing") {
  const Mask causal = Mask::causal(2, 3), padding = Mask::padding(lengths_of({3, 1}), 3);
  const Mask both = causal & padding;
  REQUIRE(both.attends().shape() == Shape{2, 2, 3});
  CHECK(both.attends().to_vector() == Values{1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0});
  CHECK(identical((padding & causal).attends(), both.attends()));
  CHECK(identical((causal & Mask()).attends(), causal.attends()));
  CHECK(identical((Mask() & causal).attends(), causal.attends()));
  CHECK_FALSE((Mask() & Mask()).defined());
  CHECK_THROWS_AS(causal & Mask::causal(3, 3), ShapeError);
}

TEST_CASE("mask: elements that are not boolean and lengths that are not i32 [B] are errors") {
  CHECK(first_line(thrown<DTypeError>([] { Mask::attend(Tensor::ones({2})); })) ==
        "DTypeError: mask: elements are f32");
  CHECK_THROWS_AS(Mask::block(Tensor::ones({2}, DType::i32)), DTypeError);
  CHECK(first_line(thrown<ShapeError>([] { Mask::padding(Tensor::ones({2}), 3); })) ==
        "ShapeError: mask: lengths are f32 [2]");
  CHECK_THROWS_AS(Mask::padding(lengths_of({1, 2}).unsqueeze(0), 3), ShapeError);
}

}  // namespace
}  // namespace heed::tests
