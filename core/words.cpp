#include "core/words.h"

#include <algorithm>
#include <numeric>

#include "core/utf8.h"

namespace heed {

std::int64_t edit_distance(std::u32string_view a, std::u32string_view b) {
  // costs[j]: from the part of `a` read so far to the first j characters of `b`.
  std::vector<std::int64_t> costs(b.size() + 1);
  std::iota(costs.begin(), costs.end(), std::int64_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t diagonal = costs[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::int64_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = costs[j + 1];
      costs[j + 1] = std::min({replaced, diagonal + 1, costs[j] + 1});
    }
  }
  return costs.back();
}

std::int64_t edit_distance(std::string_view a, std::string_view b) {
  return edit_distance(decode_utf8(a), decode_utf8(b));
}

std::string nearest_word(std::string_view written, const std::vector<std::string>& words) {
  std::string best;
  if (find_invalid_utf8(written) != std::string_view::npos) return best;
  auto least = static_cast<std::int64_t>(std::max<std::size_t>(2, written.size() / 3) + 1);
  for (const std::string& word : words) {
    const std::int64_t distance = edit_distance(written, word);
    const bool begins = written.size() >= 2 && word.starts_with(written);  // --learn for --learning-rate
    if (const std::int64_t rank = begins ? 1 : distance; rank < least && rank < std::ssize(word)) {
      least = rank;
      best = word;
    }
  }
  return best;
}

}  // namespace heed
