#include "data/bpe_tokenizer.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/utf8.h"

namespace heed {
namespace {

constexpr std::size_t kBytes = 256;

std::uint64_t key_of(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

enum class ByteKind { space, digit, letter, mark };

ByteKind kind_of(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  if (byte == ' ' || (byte >= '\t' && byte <= '\r')) return ByteKind::space;
  if (byte >= '0' && byte <= '9') return ByteKind::digit;
  if (value >= 0x80 || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z')) return ByteKind::letter;
  return ByteKind::mark;
}

// Calls visit(piece) for the runs of the text, within which tokens keep.
template <class Visit>
void for_each_piece(std::string_view text, Visit visit) {
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    const ByteKind first = kind_of(text[begin]);
    while (end < text.size() && kind_of(text[end]) == first) ++end;
    if (first == ByteKind::space && text[end - 1] == ' ' && end < text.size()) {
      if (end - begin > 1) visit(text.substr(begin, end - 1 - begin));
      begin = end - 1;  // the last space belongs to the run behind it
      const ByteKind kind = kind_of(text[end]);
      while (end < text.size() && kind_of(text[end]) == kind) ++end;
    }
    visit(text.substr(begin, end - begin));
    begin = end;
  }
}

void require_utf8(std::string_view content) {
  const std::size_t bad = find_invalid_utf8(content);
  if (bad != std::string_view::npos)
    throw IoError({.what = text("BpeTokenizer: malformed UTF-8 at byte ", bad, " of ", in_quotes(content))});
}

void count_pieces(std::string_view text, std::unordered_map<std::string, std::int64_t>& counts) {
  require_utf8(text);
  for_each_piece(text, [&](std::string_view piece) { ++counts[std::string(piece)]; });
}

std::vector<std::int32_t> bytes_of(std::string_view piece) {
  std::vector<std::int32_t> tokens;
  for (const char byte : piece) tokens.push_back(static_cast<unsigned char>(byte));
  return tokens;
}

// Replaces each occurrence of the pair, from the left.
void merge(std::vector<std::int32_t>& tokens, std::int32_t left, std::int32_t right, std::int32_t merged) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool found = tokens[i] == left && i + 1 < tokens.size() && tokens[i + 1] == right;
    tokens[kept++] = found ? merged : tokens[i];
    i += found ? 1 : 0;
  }
  tokens.resize(kept);
}

// Calls visit(character bytes, whether they are UTF-8) for each character or stray byte.
template <class Visit>
void for_each_character(std::string_view bytes, Visit visit) {
  while (!bytes.empty()) {
    const std::size_t length = first_character_bytes(bytes);
    visit(bytes.substr(0, std::max<std::size_t>(length, 1)), length > 0);
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

std::string escaped(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for_each_character(bytes, [&](std::string_view character, bool valid) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (valid && first > ' ' && first != 0x7F && first != '\\') {
      out += character;
    } else {
      out.append("\\x").append(1, kDigits[first >> 4]).append(1, kDigits[first & 15]);
    }
  });
  return out;
}

// The merges while they are learnt: the pieces as tokens, and where and how often each pair occurs.
class Learner {
 public:
  explicit Learner(const std::unordered_map<std::string, std::int64_t>& pieces) {
    for (const auto& [piece, count] : pieces) {
      pieces_.push_back({bytes_of(piece), count});
      count_pairs(pieces_.size() - 1, 1);
    }
  }

  // The most frequent pair and its count.
  std::pair<std::uint64_t, std::int64_t> best() const {
    std::pair<std::uint64_t, std::int64_t> best{0, 0};
    for (const auto& [key, pair] : pairs_)
      if (pair.count > best.second || (pair.count == best.second && key < best.first)) best = {key, pair.count};
    return best;
  }

  void join(std::uint64_t key, std::int32_t merged) {
    const auto left = static_cast<std::int32_t>(key >> 32), right = static_cast<std::int32_t>(key & 0xFFFFFFFF);
    const std::set<std::size_t> touched = std::move(pairs_.at(key).pieces);
    for (const std::size_t i : touched) {
      count_pairs(i, -1);
      merge(pieces_[i].tokens, left, right, merged);
      count_pairs(i, 1);
    }
    pairs_.erase(key);
  }

 private:
  struct Piece {
    std::vector<std::int32_t> tokens;
    std::int64_t count;
  };
  struct Occurrences {
    std::int64_t count = 0;
    std::set<std::size_t> pieces{};  // those that hold the pair, and some that did
  };

  void count_pairs(std::size_t piece, std::int64_t sign) {
    const auto& [tokens, count] = pieces_[piece];
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      Occurrences& pair = pairs_[key_of(tokens[i - 1], tokens[i])];
      pair.count += sign * count;
      if (sign > 0) pair.pieces.insert(piece);
    }
  }

  std::vector<Piece> pieces_;
  std::unordered_map<std::uint64_t, Occurrences> pairs_;
};

}  // namespace

BpeTokenizer::BpeTokenizer(const TokenizerOptions& options) : Tokenizer(options) {
  for (std::size_t byte = 0; byte < kBytes; ++byte) bytes_.emplace_back(1, static_cast<char>(byte));
}

BpeTokenizer::BpeTokenizer(std::span<const std::string> texts, const BpeOptions& options)
    : BpeTokenizer(TokenizerOptions{.mask = options.mask}) {
  Counts pieces;
  for (const std::string& text : texts) count_pieces(text, pieces);
  learn(pieces, options.merges);
}

BpeTokenizer::BpeTokenizer(const Pairs& pairs, const BpeOptions& options)
    : BpeTokenizer(TokenizerOptions{.mask = options.mask}) {
  Counts pieces;
  for (const Pair& pair : pairs) count_pieces(pair.source, pieces), count_pieces(pair.target, pieces);
  learn(pieces, options.merges);
}

void BpeTokenizer::learn(const Counts& pieces, std::int64_t merges) {
  if (merges < 0)
    throw ConfigError({.what = text("BpeTokenizer: ", merges, " merges"), .expected = "merges >= 0"});
  Learner learner(pieces);
  while (this->merges() < merges) {
    const auto [key, count] = learner.best();
    if (count < 2) break;
    learner.join(key, static_cast<std::int32_t>(tokens()));
    add_merge(static_cast<std::int32_t>(key >> 32), static_cast<std::int32_t>(key & 0xFFFFFFFF));
  }
}

void BpeTokenizer::add_merge(std::int32_t left, std::int32_t right) {
  merged_.emplace(key_of(left, right), static_cast<std::int32_t>(bytes_.size()));
  pairs_.emplace_back(left, right);
  bytes_.push_back(bytes_[static_cast<std::size_t>(left)] + bytes_[static_cast<std::size_t>(right)]);
}

std::vector<std::int32_t> BpeTokenizer::encode_piece(std::string_view piece) const {
  std::vector<std::int32_t> tokens = bytes_of(piece);
  for (;;) {
    // The merge that was learnt first has the smallest token.
    std::int32_t first = static_cast<std::int32_t>(bytes_.size());
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      const auto found = merged_.find(key_of(tokens[i - 1], tokens[i]));
      if (found != merged_.end()) first = std::min(first, found->second);
    }
    if (first == static_cast<std::int32_t>(bytes_.size())) break;
    const auto [left, right] = pairs_[static_cast<std::size_t>(first) - kBytes];
    merge(tokens, left, right, first);
  }
  for (std::int32_t& token : tokens) token += kFirstToken;
  return tokens;
}

std::vector<std::int32_t> BpeTokenizer::encode(std::string_view text) const {
  require_utf8(text);
  std::vector<std::int32_t> ids;
  std::unordered_map<std::string_view, std::vector<std::int32_t>> known;  // words come again and again
  for_each_piece(text, [&](std::string_view piece) {
    const auto [at, is_new] = known.try_emplace(piece);
    if (is_new) at->second = encode_piece(piece);
    ids.insert(ids.end(), at->second.begin(), at->second.end());
  });
  return ids;
}

std::string BpeTokenizer::join(std::span<const std::int32_t> ids) const {
  std::string bytes;
  for (const std::int32_t id : ids)
    bytes += is_token(id) ? bytes_[static_cast<std::size_t>(id - kFirstToken)] : std::string(kHidden);
  // A model can write half a character.
  std::string joined;
  for_each_character(bytes,
                     [&](std::string_view character, bool valid) { joined += valid ? character : kHidden; });
  return joined;
}

std::string BpeTokenizer::token_label(std::int32_t id) const {
  const std::string& bytes = bytes_[static_cast<std::size_t>(id - kFirstToken)];
  return find_invalid_utf8(bytes) == std::string::npos ? bytes : escaped(bytes);
}

std::string BpeTokenizer::body() const {
  std::string lines;
  for (const auto& [left, right] : pairs_)
    lines += text(escaped(bytes_[static_cast<std::size_t>(left)]), " ",
                  escaped(bytes_[static_cast<std::size_t>(right)]), "\n");
  return lines;
}

BpeTokenizer::BpeTokenizer(const TokenizerOptions& options, std::string_view merges) : BpeTokenizer(options) {
  std::map<std::string, std::int32_t, std::less<>> written;  // the tokens as they are written
  for (std::size_t byte = 0; byte < kBytes; ++byte)
    written.emplace(escaped(bytes_[byte]), static_cast<std::int32_t>(byte));
  for (std::int64_t number = 1; !merges.empty(); ++number) {
    const std::string_view line = merges.substr(0, merges.find('\n'));
    const std::size_t space = std::min(line.find(' '), line.size());
    const auto left = written.find(line.substr(0, space));
    const auto right = written.find(line.substr(std::min(space + 1, line.size())));
    bool is_new = line.size() < merges.size() && left != written.end() && right != written.end();
    if (is_new) {
      add_merge(left->second, right->second);
      is_new = written.emplace(escaped(bytes_.back()), static_cast<std::int32_t>(tokens() - 1)).second;
    }
    if (!is_new)
      throw IoError({.what = text("read_tokenizer: merge ", number, " is ", in_quotes(line)),
                     .expected = "two tokens that stand before it, with a space between, and make a new one"});
    merges.remove_prefix(line.size() + 1);
  }
}

}  // namespace heed
