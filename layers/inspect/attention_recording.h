// AttentionRecording: where every head of a model looked in one pass, or in all steps of a decoding, as whole
// maps.
#pragma once

#include <string>
#include <vector>

#include "layers/attention_maps.h"

namespace heed {

/// What looks at what: source means what the model is given whole, target what it writes one by one.
enum class AttentionSides { source_to_source, target_to_target, target_to_source, unknown };

/// The heads of one attention layer.
struct RecordedAttention {
  std::string path{};  ///< "decoder.1.cross_attention"
  AttentionSides sides = AttentionSides::unknown;
  Tensor weights{};  ///< [H, T, S]
};

/// Keeps the weights of all attentions of a model while it lives:
///
///   AttentionRecording recording(model);
///   model.generate({1, 2, 3});                                  // or model(source, target_in), or a training
///   step for (const RecordedAttention& layer : recording.layers()) …  // layer.weights [H, T, S]
///
/// It holds one pass or one decoding at a time: clear() it before the next. A decoding asks for weights row by
/// row; the rows are put below each other, those that saw fewer places filled up with 0. What a decoding and a
/// pass over the ids that it wrote (start first) record is the same. Sequences to be decoded must be alone:
/// those that end leave a batch, and hypotheses of a beam search change places in it; for what a search has
/// found, record a pass over it. Nothing that the model computes is changed by a bit.
class AttentionRecording {
 public:
  explicit AttentionRecording(const Module& model) : prefix_(model.path()), description_(model.description()) {}

  /// The layers that have run, of one sequence of the batch: source to source first, then target to target,
  /// target to source and others, each in the order of the model. Throws IndexError for a sequence outside the
  /// batch, ShapeError when the calls of a layer are not those of one pass or one decoding.
  std::vector<RecordedAttention> layers(std::int64_t sequence = 0) const;
  /// Forgets what was kept.
  void clear() { maps_.clear(); }
  /// Of the model: "Transformer …".
  const std::string& description() const { return description_; }

 private:
  AttentionMaps maps_;
  std::string prefix_, description_;
};

/// What the layer at a path looks at, by its name: "self_attention" in a "decoder" or in "layers" looks at what
/// was written, elsewhere at the source; "cross_attention" and "attention" look from the one to the other.
AttentionSides sides_of(const std::string& path);

}  // namespace heed
