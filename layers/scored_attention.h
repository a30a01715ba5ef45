// ScoredAttention: attention whose scores are made in one of the ways that the literature has, parameters and
// all.
//
// Sources: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate"
// (2015); Luong, Pham and Manning, "Effective approaches to attention-based neural machine translation" (2015);
// with coverage Tu et al., "Modeling coverage for neural machine translation" (2016); See, Liu and Manning,
// "Get to the point: summarization with pointer-generator networks" (2017). B sequences, S source steps, T
// target steps.
#pragma once

#include <optional>

#include "layers/attention.h"
#include "layers/linear.h"

namespace heed {

/// How a decoder state h resembles an encoder state s.
enum class ScoreKind {
  dot,         ///< h . s
  scaled_dot,  ///< h . s / sqrt(width)
  general,     ///< h . (s W)
  concat,      ///< v . tanh([h, s] W + b): one map of both side by side
  additive,    ///< v . tanh(h W + s U + b): the same as concat with W above U, computed without joining them
  projected    ///< (h Wq) . (s Wk), and the values are s Wv: queries, keys and values on recurrent states
};

struct ScoredAttentionConfig {
  ScoreKind score = ScoreKind::dot;
  std::int64_t query_width = 0;  ///< of decoder states
  std::int64_t key_width = 0;    ///< of encoder states; 0: the same
  std::int64_t inner = 0;        ///< of concat, additive and projected; 0: query_width
  /// Local attention around a predicted place (Luong's local-p): sources at most so far from it are attended
  /// to, with weights that fall off like a bell of half that deviation. 0: all sources.
  std::int64_t window = 0;
  /// What each source has been given by the steps before enters its score (coverage, Tu et al. and See et al.).
  bool coverage = false;
};

/// All decoder states look at all encoder states:
///
///   hs [B, S, key_width]   queries [B, T, query_width]   ->   context [B, T, ·], weights [B, T, S]
///
/// The context is as wide as the encoder states, or `inner` wide where these are projected. Weights sum to 1
/// (with a window to less: the bell takes some), or are 0 where there is nothing to attend to. Parameters, as
/// the kind has them: `weight` of general [key_width, query_width]; of concat and additive `weight`
/// [query_width + key_width, inner], `bias` [inner] and `v` [inner]; parts `query`, `key`, `value` of
/// projected; with a window `place_weight` [query_width, query_width] and `place_v` [query_width], which
/// predict where each target looks as a share of the source's length. `weight` has the queries' rows above the
/// keys', and with coverage one more for that below them.
class ScoredAttention : public Module {
 public:
  /// Throws ConfigError unless the widths are at least 1, equal for the kinds of dot, the window is not
  /// negative, and a score with coverage is concat or additive.
  ScoredAttention(const ScoredAttentionConfig& config, Rng& rng);
  /// The mask broadcasts to [B, T, S]; with a window, the sources that it attends to are the source's length.
  /// Throws ShapeError unless batches and widths agree.
  Attended operator()(const Var& hs, const Var& queries, const Mask& mask = {}) const {
    return (*this)(memory(hs), queries, mask);
  }

  /// What there is to be made of encoder states without a query: for a decoder that asks step by step.
  struct Memory {
    Var keys;    ///< [B, S, ·] what queries are held against
    Var values;  ///< [B, S, ·] what is weighted
  };
  Memory memory(const Var& hs) const;
  /// The same with `coverage` [B, T, S], the sum of the weights of all steps before each, 0 when undefined.
  /// Throws ConfigError for one when the score has none.
  Attended operator()(const Memory& memory, const Var& queries, const Mask& mask = {},
                      const Var& coverage = {}) const;
  /// What the weights are the softmax of, [B, T, S].
  Var scores(const Memory& memory, const Var& queries, const Var& coverage = {}) const;

  /// Of the context.
  std::int64_t context_width() const { return value_ ? config_.inner : config_.key_width; }
  const ScoredAttentionConfig& config() const { return config_; }

 private:
  Var tanh_score(const Memory& memory, const Var& queries, const Var& coverage) const;
  Var place(const Var& queries, const Mask& mask, std::int64_t sources) const;
  Var bell(const Var& place, std::int64_t sources) const;
  Mask within(const Tensor& place, std::int64_t sources) const;

  ScoredAttentionConfig config_;  // with its zeros replaced
  Var weight_, bias_, v_, place_weight_, place_v_;
  std::optional<Linear> query_, key_, value_;
};

}  // namespace heed
