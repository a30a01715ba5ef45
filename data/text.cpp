#include "data/text.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/utf8.h"
#include "data/tokenizer.h"

namespace heed {

std::string read_text(const std::string& path) { return parse_text(read_file(path), path); }

std::string parse_text(std::string_view bytes, std::string_view name) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  if (bytes.empty()) throw IoError({.what = text(name, ": the text is empty")});
  const std::size_t bad = find_invalid_utf8(bytes);
  if (bad != std::string_view::npos) {
    const auto line = 1 + std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    const std::size_t begin = bytes.substr(0, bad).rfind('\n') + 1;  // npos + 1 is 0
    throw IoError({.what = text(name, ":", line, ": malformed UTF-8 at byte ", bad - begin, " of the line: ",
                                in_quotes(bytes.substr(begin, bytes.find('\n', bad) - begin)))});
  }
  std::string content;
  content.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != '\r' || !bytes.substr(i + 1).starts_with('\n')) content.push_back(bytes[i]);
  return content;
}

TextParts cut_text(std::string_view text, double share) {
  if (!(share > 0 && share < 1))
    throw ConfigError({.what = heed::text("cut_text: the share for validation is ", share),
                       .expected = heed::text("0 < share < 1, got ", share)});
  const std::size_t bad = find_invalid_utf8(text);
  if (bad != std::string_view::npos)
    throw IoError({.what = heed::text("cut_text: malformed UTF-8 at byte ", bad, " of ", in_quotes(text))});
  const auto wanted = static_cast<std::size_t>(std::llround((1 - share) * static_cast<double>(text.size())));
  std::size_t cut = std::max<std::size_t>(wanted, 1);
  const std::size_t line_end = text.find('\n', cut - 1);
  if (line_end != std::string_view::npos && line_end + 1 < text.size()) {
    cut = line_end + 1;
  } else {
    while (cut < text.size() && first_character_bytes(text.substr(cut)) == 0) ++cut;
  }
  if (cut >= text.size())
    throw ConfigError({.what = heed::text("cut_text: a share of ", share, " of ", text.size(),
                                          " bytes leaves one part without any")});
  return {std::string(text.substr(0, cut)), std::string(text.substr(cut))};
}

WindowBatch TextWindows::batch(std::span<const std::int64_t> starts) const {
  std::vector<std::vector<std::int32_t>> inputs, targets;
  inputs.reserve(starts.size());
  targets.reserve(starts.size());
  for (const std::int64_t start : starts) {
    const auto begin = ids_.begin() + start;
    const std::int64_t size = std::min(length_, tokens() - 1 - start);
    inputs.emplace_back(begin, begin + size);
    targets.emplace_back(begin + 1, begin + 1 + size);
  }
  return {batch_of(inputs, Tokenizer::kPad), batch_of(targets, -1).ids};
}

TextLoader::TextLoader(std::vector<std::int32_t> ids, const TextLoaderOptions& options)
    : windows_(std::move(ids), options.window), options_(options) {
  if (options.window < 1 || options.batch < 1)
    throw ConfigError({.what = text("TextLoader: window ", options.window, ", batch ", options.batch),
                       .expected = "window >= 1 and batch >= 1"});
  const std::int64_t least = options.streams ? options.window * options.batch : options.window;
  if (tokens() <= least)
    throw ConfigError({.what = text("TextLoader: a text of ", tokens(), " tokens is too short for ",
                                    options.streams ? text(options.batch, " windows") : "a window", " of ",
                                    options.window, " and the token behind ", options.streams ? "them" : "it"),
                       .expected = text("tokens >= ", least + 1, ", got ", tokens())});
}

std::int64_t TextLoader::windows() const {
  const std::int64_t targets = tokens() - 1, window = options_.window;
  const std::int64_t spare = options_.shuffle ? window - 1 : 0;  // to begin elsewhere
  if (options_.streams)
    return options_.batch * std::max<std::int64_t>(1, (targets - spare) / (window * options_.batch));
  if (!options_.shuffle) return (targets + window - 1) / window;
  return std::max<std::int64_t>(1, (targets - spare) / window);
}

std::vector<std::int64_t> TextLoader::window_starts(Rng& rng) const {
  const std::int64_t spare = tokens() - 1 - windows() * options_.window;  // negative when the last is not full
  const std::int64_t offset = options_.shuffle ? rng.below(std::min(options_.window, spare + 1)) : 0;
  std::vector<std::int64_t> starts = numbers_to(windows(), options_.shuffle && !options_.streams, rng);
  for (std::int64_t& start : starts) {
    // Window i of streams is the next one, number i / batch, of stretch i % batch.
    if (options_.streams) start = start % options_.batch * batches() + start / options_.batch;
    start = offset + start * options_.window;
  }
  return starts;
}

TextEpoch TextLoader::epoch(const TextEpoch::State& state) const {
  Rng source(state.rng);
  Rng rng = source.split();
  return TextEpoch(windows_, state, window_starts(rng), batch_ends(windows(), options_.batch));
}

}  // namespace heed
