#include "data/tokenizer.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/utf8.h"
#include "data/bpe_tokenizer.h"
#include "data/vocabulary.h"
#include "data/word_tokenizer.h"

namespace heed {
namespace {

constexpr std::string_view kMapUnknownWord = " map_unknown", kMaskWord = " mask";

bool drop_suffix(std::string_view& line, std::string_view suffix) {
  if (!line.ends_with(suffix)) return false;
  line.remove_suffix(suffix.size());
  return true;
}

}  // namespace

std::int32_t Tokenizer::mask() const {
  if (!options_.mask)
    throw ConfigError({.what = text("mask: this tokenizer of ", size(), " ids was made without a mask"),
                       .hint = "make it with the option .mask = true"});
  return static_cast<std::int32_t>(size() - 1);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::vector<std::int32_t> shown;
  shown.reserve(ids.size());
  bool ended = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int32_t id = ids[i];
    if (id < 0 || id >= size())
      throw IndexError({.what = text("decode: id ", id, " at position ", i, " is outside the vocabulary of ",
                                     size(), " ids"),
                        .expected = text("0 <= id < ", size(), ", got ", id)});
    ended = ended || id == kEnd;
    if (!ended && id != kPad && id != kStart) shown.push_back(id);
  }
  return join(shown);
}

std::string Tokenizer::label(std::int32_t id) const {
  static constexpr std::array<const char*, 4> kSpecials = {"<pad>", "<start>", "<end>", "<unknown>"};
  if (id < 0 || id >= size())
    throw IndexError({.what = text("label: id ", id, " is outside the vocabulary of ", size(), " ids"),
                      .expected = text("0 <= id < ", size(), ", got ", id)});
  if (id < kFirstToken) return kSpecials[static_cast<std::size_t>(id)];
  return is_token(id) ? token_label(id) : "<mask>";
}

std::string Tokenizer::state() const {
  return text(kind(), options_.map_unknown ? kMapUnknownWord : "", options_.mask ? kMaskWord : "", "\n",
              body());
}

std::unique_ptr<Tokenizer> read_tokenizer(std::string_view state) {
  const std::size_t end = std::min(state.find('\n'), state.size());
  std::string_view kind = state.substr(0, end), body = state.substr(std::min(end + 1, state.size()));
  TokenizerOptions options;
  options.mask = drop_suffix(kind, kMaskWord);
  options.map_unknown = drop_suffix(kind, kMapUnknownWord);
  std::unique_ptr<Tokenizer> made;
  if (kind == Vocabulary::kKind && !body.empty()) made = std::make_unique<Vocabulary>(body, options);
  if (kind == WordTokenizer::kKind && !body.empty())
    made = std::make_unique<WordTokenizer>(WordTokenizer(options, split_words(body)));
  if (kind == BpeTokenizer::kKind)
    made = std::make_unique<BpeTokenizer>(BpeTokenizer({.mask = options.mask}, body));
  if (!made || made->state() != state)
    throw IoError({.what = text("read_tokenizer: ", in_quotes(state), " is not the state of a tokenizer"),
                   .expected = "what Tokenizer::state() gives: a line with the kind and options, then tokens"});
  return made;
}

}  // namespace heed
