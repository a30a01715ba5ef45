// The attention viewer: a page on which a reader looks through the heads of a model, step by step.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "layers/inspect/attention_recording.h"

namespace heed {

/// What a model might have written at a step.
struct Candidate {
  std::string token{};
  double probability = 0;
};
/// The `most` most probable ids of each step, the first one first: scores [T, V], as [1, T, V] too, before
/// softmax. `name` says how an id is written. Throws ShapeError for other scores.
std::vector<std::vector<Candidate>> candidates_of(const Tensor& scores,
                                                  const std::function<std::string(std::int32_t)>& name,
                                                  std::int64_t most = 5);

/// How the places of a source lie in an image: `before` places that are no patches (a class token), then
/// patches in reading order.
struct PatchGrid {
  std::int64_t rows = 0, columns = 0;  ///< 0: it is no image
  std::int64_t before = 1;
};

/// One example: what a recording holds, with names for what stands along its maps. Tokens fewer than the places
/// are those that are real; the others, padding, are left out. Without tokens places have numbers.
struct AttentionExample {
  std::string title{};                       ///< in the choice of examples
  std::vector<std::string> source_tokens{};  ///< of what the model was given whole
  /// What was written at each step, the end too. A language model has these alone.
  std::vector<std::string> target_tokens{};
  std::string start = "<start>";                     ///< what stood before the first step
  std::vector<std::vector<Candidate>> candidates{};  ///< of each step; none: they are not shown
  PatchGrid patches{};
  std::vector<RecordedAttention> layers{};  ///< AttentionRecording::layers()
};

struct AttentionPageOptions {
  std::string title = "Attention";
  std::string lead{};  ///< a sentence or two, as text
};

/// A page for a browser that needs nothing else (core/page.h): small maps of all layers and heads with the
/// entropy of each; one head enlarged, the places that a row looks at as links and bars; a slider over the
/// steps, which the arrow keys move, with what was written so far, what else might have been, and where every
/// head looked; the rollout of stacks of self-attention; entropy by step; the heads in numbers. Small maps,
/// curves and numbers are there without scripts. Weights are rounded to three digits.
///
///   AttentionRecording recording(model);
///   const Generated written = model.generate(source).front();
///   write_file("attention.html", attention_page({{.source_tokens = …, .target_tokens = …,
///                                                 .layers = recording.layers()}}));
///
/// Throws ShapeError when an example has more tokens than places, or candidates of another number of steps.
std::string attention_page(const std::vector<AttentionExample>& examples,
                           const AttentionPageOptions& options = {});

}  // namespace heed
