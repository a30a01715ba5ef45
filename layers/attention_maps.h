// AttentionMaps: where the attention layers of a model look, while it runs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/tokens.h"
#include "layers/module.h"

namespace heed {

/// While it lives, keeps the weights of every attention layer that runs on this thread, by Module::path():
///
///   AttentionMaps maps;
///   model(source, target_in);
///   maps["decoder.1.cross_attention"]   // one tensor [B, H, T, S] a call; the book's layers have H = 1
///
/// In training and in decoding, with gradients and without; what a model computes is not changed by a bit. The
/// weights are those before dropout, each row summing to 1, or 0 where there is nothing to attend to, with
/// columns in the order of the source. Scopes nest: an inner one takes nothing from an outer one. A layer
/// without maps pays for one look at a pointer.
class AttentionMaps {
 public:
  /// Keeps those of all layers, or only those of the layer with that path.
  AttentionMaps() : AttentionMaps(std::nullopt) {}
  explicit AttentionMaps(std::optional<std::string> only);
  ~AttentionMaps();
  AttentionMaps(const AttentionMaps&) = delete;
  AttentionMaps& operator=(const AttentionMaps&) = delete;

  /// The weights [B, H, T, S] of one layer, a tensor a call, in the order of the calls. Throws ConfigError with
  /// the paths that there are when it has not run.
  const std::vector<Tensor>& operator[](const std::string& path) const;
  /// The paths of the layers that have run, in alphabetical order.
  std::vector<std::string> paths() const;
  /// Forgets what has been kept.
  void clear() { weights_.clear(); }

  /// Whether any scope of this thread wants the weights of the layer; for layers, so that they make them only
  /// then.
  static bool wanted(const Module& layer) { return innermost_ != nullptr && wanted_by_any(layer); }
  /// Gives all scopes of this thread that want them the weights of a layer, [B, H, T, S].
  static void keep(const Module& layer, const Tensor& weights);

  /// For a model that reads its sources from the end: while it lives, weights over their states are kept in the
  /// order of the sources themselves.
  class ReadReversed {
   public:
    /// nullptr: the order is as it is.
    explicit ReadReversed(const Tokens* sources) : outer_(reversed_) { reversed_ = sources; }
    ~ReadReversed() { reversed_ = outer_; }
    ReadReversed(const ReadReversed&) = delete;
    ReadReversed& operator=(const ReadReversed&) = delete;

   private:
    const Tokens* outer_;
  };

 private:
  static bool wanted_by_any(const Module& layer);
  bool wants(const Module& layer) const { return !only_ || *only_ == layer.path(); }

  std::optional<std::string> only_;
  std::map<std::string, std::vector<Tensor>> weights_;
  AttentionMaps* outer_;
  static inline constinit thread_local AttentionMaps* innermost_ = nullptr;
  static inline constinit thread_local const Tokens* reversed_ = nullptr;
};

}  // namespace heed
