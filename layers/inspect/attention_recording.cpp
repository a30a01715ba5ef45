#include "layers/inspect/attention_recording.h"

#include <algorithm>
#include <tuple>

namespace heed {
namespace {

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts{""};
  for (const char c : path) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

bool is_number(const std::string& part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Layer 10 comes after layer 2.
bool comes_before(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& part) {
    return std::tuple(!is_number(part), is_number(part) ? part.size() : 0, part);
  };
  const std::vector<std::string> of_a = parts_of(a), of_b = parts_of(b);
  return std::lexicographical_compare(
      of_a.begin(), of_a.end(), of_b.begin(), of_b.end(),
      [&](const std::string& x, const std::string& y) { return key(x) < key(y); });
}

// The calls of a layer [B, H, T_i, S_i] as one map [H, T, S] of a sequence.
Tensor assembled(const std::string& path, const std::vector<Tensor>& calls, std::int64_t sequence) {
  const Tensor& first = calls.front();
  std::int64_t rows = 0, columns = 0;
  for (const Tensor& call : calls) {
    const bool goes_on = rows == 0 || call.extent(2) == 1;
    if (call.extent(0) != first.extent(0) || call.extent(1) != first.extent(1) || call.extent(3) < columns ||
        !goes_on)
      throw ShapeError(
          {.what =
               text("attention recording: \"", path, "\" gave ", first.shape(), " and later ", call.shape()),
           .expected = "one pass, or the steps of one decoding with all its sequences",
           .hint = "clear() the recording before the next pass, and decode sequences one at a time"});
    rows += call.extent(2);
    columns = call.extent(3);
  }
  if (sequence < 0 || sequence >= first.extent(0))
    throw IndexError({.what = text("attention recording: sequence ", sequence, " of ", first.extent(0)),
                      .expected = text("0 <= sequence < ", first.extent(0))});
  if (calls.size() == 1) return first.select(0, sequence);
  Tensor whole = Tensor::zeros({first.extent(1), rows, columns}, first.dtype());
  std::int64_t at = 0;
  for (const Tensor& call : calls) {
    whole.slice(1, at, at + call.extent(2)).slice(2, 0, call.extent(3)).copy_from(call.select(0, sequence));
    at += call.extent(2);
  }
  return whole;
}

}  // namespace

AttentionSides sides_of(const std::string& path) {
  const std::vector<std::string> parts = parts_of(path);
  const auto has = [&](const char* part) { return std::find(parts.begin(), parts.end(), part) != parts.end(); };
  if (parts.back() == "self_attention")
    return has("encoder")                    ? AttentionSides::source_to_source
           : has("decoder") || has("layers") ? AttentionSides::target_to_target
                                             : AttentionSides::unknown;
  const bool crosses = parts.back() == "cross_attention" || parts.back() == "attention";
  return crosses ? AttentionSides::target_to_source : AttentionSides::unknown;
}

std::vector<RecordedAttention> AttentionRecording::layers(std::int64_t sequence) const {
  std::vector<RecordedAttention> all;
  for (const std::string& path : maps_.paths())
    if (prefix_.empty() || path == prefix_ || path.starts_with(prefix_ + "."))
      all.push_back({path, sides_of(path), assembled(path, maps_[path], sequence)});
  std::sort(all.begin(), all.end(), [](const RecordedAttention& a, const RecordedAttention& b) {
    return a.sides != b.sides ? a.sides < b.sides : comes_before(a.path, b.path);
  });
  return all;
}

}  // namespace heed
