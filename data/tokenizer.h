// Text as ids and ids as text: what the loader and the programs ask of any way of cutting a text.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed {

struct TokenizerOptions {
  bool map_unknown = false;  ///< a token outside the vocabulary becomes kUnknown instead of an error
  bool mask = false;         ///< one id more, behind all others, for masked language models
};

/// A set of tokens, the pieces that a text is cut into, and the ids by which a model knows them.
///
///   id   0 pad   1 start   2 end   3 unknown   4 ... the tokens; then, when asked for, the mask
///
/// `Vocabulary` has characters for tokens, `WordTokenizer` words, `BpeTokenizer` frequent runs of bytes.
class Tokenizer {
 public:
  static constexpr std::int32_t kPad = 0, kStart = 1, kEnd = 2, kUnknown = 3, kFirstToken = 4;

  virtual ~Tokenizer() = default;

  /// Number of ids, the special ones included.
  std::int64_t size() const { return kFirstToken + tokens() + (options_.mask ? 1 : 0); }
  /// How many tokens there are; their ids are kFirstToken ... kFirstToken + tokens() - 1.
  virtual std::int64_t tokens() const = 0;
  bool is_token(std::int32_t id) const { return id >= kFirstToken && id < kFirstToken + tokens(); }
  /// The id that hides a token, the last one. Throws ConfigError when the tokenizer was made without.
  std::int32_t mask() const;

  /// The ids of a text; neither start nor end is added. Throws IndexError for a token outside the vocabulary,
  /// unless `map_unknown`, and IoError for malformed UTF-8.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;

  /// The text of ids up to the first end, or all of them, always UTF-8. Pad and start are skipped, unknown and
  /// mask become U+FFFD. Throws IndexError for an id outside [0, size()), also behind the end.
  std::string decode(std::span<const std::int32_t> ids) const;

  /// The name of one id for a table or a drawing: the token, or "<pad>", "<start>", "<end>", "<unknown>",
  /// "<mask>". Throws IndexError for an id outside [0, size()).
  std::string label(std::int32_t id) const;

  /// The whole tokenizer as a text, for a checkpoint; `read_tokenizer` makes it again. The first line says
  /// what kind it is and its options, the rest is its tokens.
  std::string state() const;

  /// Whether both cut and number every text alike.
  bool operator==(const Tokenizer& other) const { return state() == other.state(); }

 protected:
  explicit Tokenizer(const TokenizerOptions& options) : options_(options) {}
  const TokenizerOptions& options() const { return options_; }
  /// The bytes that stand for unknown and mask in a text.
  static constexpr std::string_view kHidden = "\uFFFD";

 private:
  virtual std::string_view kind() const = 0;
  virtual std::string body() const = 0;
  /// The text of ids that are tokens, unknown or mask.
  virtual std::string join(std::span<const std::int32_t> ids) const = 0;
  virtual std::string token_label(std::int32_t id) const = 0;

  TokenizerOptions options_;
};

/// The tokenizers of sources and of targets; one alone serves both. Refers to them.
struct Tokenizers {
  Tokenizers(const Tokenizer& both) : source(both), target(both) {}
  Tokenizers(const Tokenizer& of_sources, const Tokenizer& of_targets)
      : source(of_sources), target(of_targets) {}
  const Tokenizer& source;
  const Tokenizer& target;
};

/// The tokenizer that gave this `state()`. Throws IoError when no tokenizer gives such a text.
std::unique_ptr<Tokenizer> read_tokenizer(std::string_view state);

}  // namespace heed
