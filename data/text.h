// Running text for language models: read, cut in two, and given out as windows whose targets are one token on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/random.h"
#include "core/tokens.h"
#include "data/pass.h"

namespace heed {

/// The text of a file, without a byte order mark and with LF for CRLF. Throws IoError: cannot be read, empty,
/// malformed UTF-8 (with the line).
std::string read_text(const std::string& path);
/// The same of bytes that are already in memory; `name` stands for the path in messages.
std::string parse_text(std::string_view bytes, std::string_view name);

/// `auto [train, validation] = cut_text(read_text("book.txt"), 0.1);`
struct TextParts {
  std::string train, validation;
};

/// The text cut in two: the last `share` of its bytes is for validation. The cut moves on to the end of the
/// line that it falls into, or, where that would leave nothing, to the next character. No window of one part
/// holds anything of the other. Throws ConfigError unless 0 < share < 1 and both parts get something, IoError
/// for malformed UTF-8.
TextParts cut_text(std::string_view text, double share);

/// Some windows of a text side by side. The target at each position is the token that follows it.
struct WindowBatch {
  Tokens input;   ///< [B, T]
  Tensor target;  ///< [B, T] (i32): input[t + 1]; -1 where the text has ended
  std::int64_t size() const { return input.batch(); }
};

/// A text as ids, which gives out windows by the position at which they begin.
class TextWindows {
 public:
  TextWindows(std::vector<std::int32_t> ids, std::int64_t length) : ids_(std::move(ids)), length_(length) {}
  std::int64_t tokens() const { return static_cast<std::int64_t>(ids_.size()); }
  WindowBatch batch(std::span<const std::int64_t> starts) const;

 private:
  std::vector<std::int32_t> ids_;
  std::int64_t length_;
};

struct TextLoaderOptions {
  std::int64_t window = 64;  ///< T, tokens a window
  std::int64_t batch = 32;   ///< windows a batch; the last one of an epoch may have fewer
  bool shuffle = true;
  bool streams = false;  ///< each batch goes on where the one before it ended
};

using TextEpoch = Pass<TextWindows>;

/// Windows side by side from the beginning to the end of a text.
///
/// With `shuffle`, to train: each epoch lets go of a random number of tokens at the beginning, less than a
/// window, so that windows begin elsewhere each time, and gives out the windows in random order. Their number
/// is the same in every epoch, and all are full; what is left at the end takes no part. Without, to evaluate:
/// every token but the first is a target exactly once, in the order of the text; the last window may be shorter
/// and is filled up.
///
/// With `streams`, for models that carry a state from batch to batch (autograd/truncate.h): the text is cut
/// into as many stretches as a batch has windows, and row b of each batch is the next window of stretch b. All
/// windows and batches are full; what is left takes no part. With `shuffle` too, an epoch still lets go of some
/// tokens at the beginning, but the order is that of the text.
class TextLoader {
 public:
  /// Throws ConfigError unless window and batch are at least 1 and there is one token more than a window has,
  /// or than all windows of a batch have for streams.
  explicit TextLoader(std::vector<std::int32_t> ids, const TextLoaderOptions& options = {});

  std::int64_t tokens() const { return windows_.tokens(); }
  /// Windows and batches an epoch.
  std::int64_t windows() const;
  std::int64_t batches() const { return (windows() + options_.batch - 1) / options_.batch; }
  /// A pass in an order drawn from the generator. The loader must outlive it.
  TextEpoch epoch(Rng& rng) const { return epoch(new_pass(rng)); }
  /// A pass taken up again.
  TextEpoch epoch(const TextEpoch::State& state) const;

 private:
  std::vector<std::int64_t> window_starts(Rng& rng) const;

  TextWindows windows_;
  TextLoaderOptions options_;
};

}  // namespace heed
