#include "layers/attention_maps.h"

#include "autograd/checkpoint.h"

namespace heed {

AttentionMaps::AttentionMaps(std::optional<std::string> only) : only_(std::move(only)), outer_(innermost_) {
  innermost_ = this;
}

AttentionMaps::~AttentionMaps() { innermost_ = outer_; }

const std::vector<Tensor>& AttentionMaps::operator[](const std::string& path) const {
  const auto found = weights_.find(path);
  if (found != weights_.end()) return found->second;
  std::string known;
  for (const auto& [other, weights] : weights_)
    append(known, text(known.empty() ? "" : ", ", "\"", other, "\""));
  throw ConfigError(
      {.what = text("attention maps: no attention \"", path, "\" has run"),
       .expected = known.empty() ? "an attention that runs while the maps live" : text("one of ", known)});
}

std::vector<std::string> AttentionMaps::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, weights] : weights_) paths.push_back(path);
  return paths;
}

bool AttentionMaps::wanted_by_any(const Module& layer) {
  if (is_running_again()) return false;  // of a checkpoint: its weights have been kept
  for (const AttentionMaps* maps = innermost_; maps != nullptr; maps = maps->outer_)
    if (maps->wants(layer)) return true;
  return false;
}

void AttentionMaps::keep(const Module& layer, const Tensor& given) {
  Tensor weights = given;
  if (reversed_ != nullptr)  // [B, H, T, S] as [B, H T, S] and back
    weights = columns_reversed(given.reshape({given.extent(0), -1, given.extent(3)}), *reversed_)
                  .reshape(given.shape());
  for (AttentionMaps* maps = innermost_; maps != nullptr; maps = maps->outer_)
    if (maps->wants(layer)) maps->weights_[layer.path()].push_back(weights);
}

}  // namespace heed
