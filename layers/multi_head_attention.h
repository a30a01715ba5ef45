// Multi-head attention: several attentions side by side, each in a part of the width.
#pragma once

#include <optional>
#include <vector>

#include "core/mask.h"
#include "layers/attention_positions.h"
#include "layers/dropout.h"
#include "layers/key_value_cache.h"
#include "layers/linear.h"

namespace heed {

struct MultiHeadAttentionConfig {
  std::int64_t width = 0;  ///< D, of the queries that come in and of what goes out
  std::int64_t heads = 8;  ///< H
  bool bias = true;        ///< of the four maps
  /// G, which divide the heads: H / G heads of queries share one of keys and values (Ainslie et al. 2023), all
  /// of them with 1 (Shazeer 2019). 0: each has its own.
  std::int64_t key_value_heads = 0;
  std::int64_t key_width = 0;         ///< of the keys that come in; 0: D
  std::int64_t value_width = 0;       ///< of the values that come in; 0: D
  std::int64_t head_width = 0;        ///< d, of queries and keys in a head; 0: D / H
  std::int64_t head_value_width = 0;  ///< e, of values in a head; 0: d
  std::optional<double> scale = {};   ///< of the scores; 1 / sqrt(d) when not given, 1 for none
  double dropout = 0;                 ///< of the weights, in training
  /// Queries see keys that are less than this many positions away; 0: all. With a causal mask, or in step(),
  /// the window ends at the query itself.
  std::int64_t window = 0;
  PositionScheme positions = {};  ///< how it learns of positions; not at all when not given
};

/// What goes along with one call of an attention.
struct AttentionPass {
  Var bias = {};           ///< added to the scores; its shape broadcasts as that of a mask
  std::int64_t first = 0;  ///< position of the first query; keys stand at 0 … S - 1
  Rng* rng = nullptr;      ///< for dropout
};

/// Queries look at keys and take the values (Vaswani et al. 2017):
///
///   query [B, T, D]   keys [B, S, key_width]   values [B, S, value_width]   ->   [B, T, D]
///
/// Each is mapped by a Linear of its own and cut into heads; what the heads give is joined and mapped once
/// more. Parts `query`, `key`, `value`, `out`, `dropout` and `positions` when there are such. All three may
/// be without their batch, [T, D]. Masks broadcast to [B, T, S], or to [B, H, T, S] when they have four axes.
/// Runs the fused attention; but with dropout, a bias or positions that act on scores its definition, which
/// holds all scores.
class MultiHeadAttention : public Module {
 public:
  /// Throws ConfigError unless heads divide the width (or have one of their own), key_value_heads divide heads,
  /// and sizes and dropout make sense.
  MultiHeadAttention(const MultiHeadAttentionConfig& config, Rng& rng);
  /// Throws ShapeError when batches, lengths, widths, mask or bias do not fit, ConfigError when dropout needs a
  /// generator and there is none.
  Var operator()(const Var& query, const Var& keys, const Var& values, const Mask& mask = {},
                 const AttentionPass& pass = {}) const;
  /// Self-attention: x [B, T, D] are queries, keys and values.
  Var self(const Var& x, const Mask& mask = {}, const AttentionPass& pass = {}) const;

  /// Self-attention of further steps, in decoding: x [N, T, D] stand behind the steps in the cache, which their
  /// keys and values are added to, and see all steps up to their own:  -> [N, T, D]. Equal to the last T steps
  /// of self() over all of them under a causal mask. The mask, [N, T, steps in the cache afterwards] or what
  /// broadcasts to that, blocks more. Not differentiable: runs under NoGrad. Throws as operator().
  Var step(const Var& x, KeyValueCache& cache, const Mask& mask = {}) const;
  /// What keys and values [N, S, ·] become for cross-attention, made once for any number of attend_to(). Not
  /// differentiable.
  KeyValueCache prepare(const Var& keys, const Var& values) const;
  /// operator() with keys and values that are prepared: query [N, T, D] -> [N, T, D]. Not differentiable.
  Var attend_to(const KeyValueCache& prepared, const Var& query, const Mask& mask = {},
                const AttentionPass& pass = {}) const;

  /// Switches a head off, which then adds nothing to what goes out, or on again; to see what it is good for
  /// (Michel et al. 2019). Its weights are seen by AttentionMaps all the same. Throws IndexError outside [0,
  /// H).
  void switch_head(std::int64_t head, bool on);

  const MultiHeadAttentionConfig& config() const { return config_; }

 private:
  Var heads_of(const Linear& map, const Var& x, std::int64_t heads) const;
  Var queries_of(const Var& x, std::int64_t first) const;
  Var keys_of(const Var& x, std::int64_t first) const;
  Var values_of(const Var& x) const;
  Var attend(const Var& q, const Var& k, const Var& v, const Mask& mask, const AttentionPass& pass) const;
  Var attend_fused(const Var& q, const Var& k, const Var& v, const Mask& mask) const;
  Var attend_plainly(const Var& q, const Var& k, const Var& v, const Mask& mask,
                     const AttentionPass& pass) const;
  bool shares_keys() const { return config_.key_value_heads < config_.heads; }
  Shape per_group(const Shape& shape) const;
  Var joined(const Var& y) const;
  double scale() const;

  MultiHeadAttentionConfig config_;  // with its zeros replaced
  Linear query_, key_, value_, out_;
  Dropout dropout_;
  AttentionPositions positions_;
  std::vector<double> head_factors_;  // 1, or 0 where switched off
};

}  // namespace heed
