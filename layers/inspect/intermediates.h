// Intermediates: every value and gradient of a run, by path, without editing the model.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/inspect/statistics.h"
#include "autograd/inspect/trace.h"
#include "core/table.h"
#include "layers/attention_maps.h"
#include "layers/module.h"

namespace heed {

/// A value that a model computed, or a parameter that it used.
struct Intermediate {
  std::string path{};                             ///< "decoder.attention.weights"
  const char* operation = "";                     ///< that made it, "parameter" or "constant"
  SourceLocation at = SourceLocation::unknown();  ///< the line that called the operation
  Tensor value{};
  Tensor gradient{};  ///< of what backward() started from; undefined when it has not come here
};

/// What each is called, its shape, and the statistics of value and gradient.
Table table_of(const std::vector<Intermediate>& intermediates);

/// While it lives, keeps all that a model computes on this thread, with the gradients that a backward brings:
///
///   const Intermediates seen = record_intermediates(model);
///   Var loss = cross_entropy(model(source, target_in), target_out);
///   loss.backward();
///   seen["decoder.attention.weights"].gradient
///   seen.find("encoder.**")
///   std::printf("%s", seen.table("*.hs").c_str());
///
/// A path is that of the module that was running (Module::path()) and a name within it: the one that the module
/// gave (Module::note: "output", "hs", "weights", …) or that you gave (Var::named), else that of the operation,
/// "softmax"; of operations with several outputs with its number, "lstm[1]". The second of a name is
/// "softmax#2", and so on, in the order of computation: the same model on the same shapes gives the same paths.
/// A value with several names (what the last layer of an encoder gives is what the encoder gives) is found
/// under each of them. Parameters are found under their own names. What is computed outside all modules, a loss
/// for instance, belongs to the outermost model: "cross_entropy".
///
/// The library's layers call what they give "output" (recurrent ones "hs", and "h", "c" for the last state,
/// with "lengths" if they were given any), models "scores", attention "scores", "weights" and "context",
/// FeedForward also "hidden", PositionedEmbedding also "placed", NTM at every step "weights", "memory" and
/// "reads".
///
/// Attention layers that run fused never hold their weights. They are computed beside it, as for AttentionMaps:
/// "decoder.0.cross_attention.weights" is there, as a constant without gradient.
///
/// Nothing that the model computes changes by a bit. Everything is kept until the end of the scope, so it is
/// one for a few steps, not for an epoch. Values are the tensors themselves: parameters that an optimiser
/// changes are seen changed.
class Intermediates {
 public:
  /// Of a model, or of a part of one; it must outlive this.
  explicit Intermediates(const Module& model);

  /// By any of its names. Throws ConfigError, which says what there is near it, when there is none.
  Intermediate operator[](std::string_view path) const;
  /// Those that match a pattern, in the order of computation, each once, under the last of its names that
  /// matches. `*` stands for any letters within a part of a path, `**` for any parts: "encoder.*",
  /// "**.weights", "decoder.**.softmax*".
  std::vector<Intermediate> find(std::string_view pattern = "**") const;
  /// The paths of those.
  std::vector<std::string> paths(std::string_view pattern = "**") const;
  /// Those as a table for a terminal.
  std::string table(std::string_view pattern = "**") const { return to_string(table_of(find(pattern))); }

  /// From now on nothing is added; the scope need not end for that.
  void stop() { recorder_.stop(); }
  const Module& model() const { return *model_; }
  /// Everything as it was recorded, for what paths do not answer.
  const Trace& trace() const { return recorder_; }

 private:
  // Keeps only what belongs to the model.
  class Recorder : public Trace {
   public:
    explicit Recorder(const Module& model);
    void recorded(const Recorded& operation) override;
    void noted(const Var& var, std::string_view name) override;

   private:
    bool belongs() const;
    std::set<const void*> modules_;
    bool outermost_;
  };
  struct Named {
    std::vector<std::vector<std::string>> names_of;  // by place in values(); the operation's name first
    std::map<std::string, std::size_t, std::less<>> place_of;
  };

  Named named() const;
  Intermediate at(std::size_t place, std::string path) const;

  const Module* model_;
  AttentionMaps maps_;  // so that fused attention makes its weights, and notes them
  Recorder recorder_;
};

/// Starts to record: Intermediates(model).
inline Intermediates record_intermediates(const Module& model) { return Intermediates(model); }

/// Whether a path matches a pattern of Intermediates::find().
bool path_matches(std::string_view pattern, std::string_view path);

}  // namespace heed
