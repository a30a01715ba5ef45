#include "data/masking.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "data/vocabulary.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

using Ids = std::vector<std::int32_t>;

// Ids 4 ... 29 are letters, 30 is the mask.
const Vocabulary kLetters("abcdefghijklmnopqrstuvwxyz", {.mask = true});

Tokens filled(std::int64_t batch, std::int64_t time, std::int32_t id) {
  return {Tensor::full({batch, time}, id, DType::i32), {}};
}

std::vector<std::int32_t> ids_of(const Tensor& ids) {
  std::vector<std::int32_t> all;
  for (const double id : ids.to_vector()) all.push_back(static_cast<std::int32_t>(id));
  return all;
}

}  // namespace

TEST_CASE("masking: 15 % are chosen; of these 80 % masked, 10 % random and 10 % kept") {
  constexpr double kCount = 200'000;
  constexpr std::int32_t kId = 9;
  Rng rng(1);
  const MaskedBatch batch = mask_tokens(filled(1000, 200, kId), kLetters, rng);
  const Ids input = ids_of(batch.input.ids), target = ids_of(batch.target);
  std::vector<double> became(31);  // chosen tokens, by what stands in their place
  double chosen = 0;
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (target[i] == -1) {
      CHECK(input[i] == kId);
      continue;
    }
    REQUIRE(target[i] == kId);
    ++chosen;
    ++became[static_cast<std::size_t>(input[i])];
  }
  // Within four standard deviations of a binomial.
  const auto close = [](double got, double of, double share) {
    return std::abs(got - of * share) < 4 * std::sqrt(of * share * (1 - share));
  };
  CHECK(close(chosen, kCount, 0.15));
  CHECK(close(became[30], chosen, 0.8));
  CHECK(close(became[kId], chosen, 0.1 + 0.1 / 26));
  for (std::int32_t id = 0; id < 30; ++id) {
    INFO(id);
    if (id < 4) CHECK(became[static_cast<std::size_t>(id)] == 0);
    if (id >= 4 && id != kId) CHECK(close(became[static_cast<std::size_t>(id)], chosen, 0.1 / 26));
  }
}

TEST_CASE("masking: special ids and padding are never chosen, whatever the share") {
  const std::vector<Ids> sequences{{1, 4, 3, 5, 2}, {30, 6}};
  const Tokens tokens = batch_of(sequences, 7);  // filled up with what looks like a token
  Rng rng(2);
  const MaskedBatch batch = mask_tokens(tokens, kLetters, rng, {.share = 1, .masked = 1, .random = 0});
  CHECK(ids_of(batch.input.ids) == Ids{1, 30, 3, 30, 2, 30, 30, 7, 7, 7});
  CHECK(ids_of(batch.target) == Ids{-1, 4, -1, 5, -1, -1, 6, -1, -1, -1});
  CHECK(ids_of(batch.input.lengths) == Ids{5, 2});
  CHECK(ids_of(tokens.ids) == Ids{1, 4, 3, 5, 2, 30, 6, 7, 7, 7});
}

TEST_CASE("masking: what was not masked stays in reach of the target") {
  Rng rng(3);
  const MaskedBatch all = mask_tokens(filled(4, 50, 8), kLetters, rng, {.share = 1, .masked = 0, .random = 0});
  CHECK(ids_of(all.input.ids) == Ids(200, 8));
  CHECK(ids_of(all.target) == Ids(200, 8));
  const MaskedBatch none = mask_tokens(filled(4, 50, 8), kLetters, rng, {.share = 0});
  CHECK(ids_of(none.input.ids) == Ids(200, 8));
  CHECK(ids_of(none.target) == Ids(200, -1));
}

TEST_CASE("masking: the same generator hides the same tokens") {
  Rng one(4), two(4);
  const MaskedBatch a = mask_tokens(filled(5, 40, 8), kLetters, one),
                    b = mask_tokens(filled(5, 40, 8), kLetters, two);
  CHECK(ids_of(a.input.ids) == ids_of(b.input.ids));
  CHECK_FALSE(ids_of(a.input.ids) == ids_of(mask_tokens(filled(5, 40, 8), kLetters, one).input.ids));
}

TEST_CASE("masking: a tokenizer without mask, senseless shares and ids outside are errors") {
  Rng rng(5);
  CHECK_THROWS_AS(mask_tokens(filled(1, 2, 4), Vocabulary("ab"), rng), ConfigError);
  CHECK(thrown<ConfigError>(
            [&] { mask_tokens(filled(1, 2, 4), kLetters, rng, {.masked = 0.8, .random = 0.3}); }) ==
        "ConfigError: mask_tokens: share 0.15, masked 0.8, random 0.3\n"
        "  requires 0 <= share <= 1, masked >= 0, random >= 0 and masked + random <= 1");
  CHECK_THROWS_AS(mask_tokens(filled(1, 2, 4), kLetters, rng, {.share = std::nan("")}), ConfigError);
  CHECK(thrown<IndexError>([&] { mask_tokens(filled(1, 2, 31), kLetters, rng); }) ==
        "IndexError: mask_tokens: id 31 at [0, 0] is outside the vocabulary of 31 ids");
}

}  // namespace heed::tests
