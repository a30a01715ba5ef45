// Attention of the book: which encoder states a decoder state resembles, and their weighted sum.
//
// Source: "Deep Learning from Scratch 2", chapter 8. B sequences, S source steps, T target steps, H wide.
#pragma once

#include "core/mask.h"
#include "layers/module.h"

namespace heed {

/// What attention gives: the sum and the weights that it was made with.
struct Attended {
  Var context;  ///< [B, H] for one step, [B, T, H] for all
  Var weights;  ///< [B, S] or [B, T, S]: each row sums to 1, or is 0 when there is nothing to attend to
};

/// Weighted sum of encoder states:  hs [B, S, H], a [B, S] -> context [B, H] = sum over s of a_s hs_s.
class WeightSum : public Module {
 public:
  WeightSum() : Module("WeightSum") {}
  Var operator()(const Var& hs, const Var& a) const;
};

/// Weights by inner product:  hs [B, S, H], h [B, H] -> a [B, S] = softmax over s of hs_s . h.
class AttentionWeight : public Module {
 public:
  AttentionWeight() : Module("AttentionWeight") {}
  /// The mask broadcasts to [B, S].
  Var operator()(const Var& hs, const Var& h, const Mask& mask = {}) const;
};

/// AttentionWeight, then WeightSum, for one decoder state:  hs [B, S, H], h [B, H] -> context [B, H], weights
/// [B, S].
class Attention : public Module {
 public:
  Attention();
  Attended operator()(const Var& hs, const Var& h, const Mask& mask = {}) const;

 private:
  AttentionWeight attention_weight_;
  WeightSum weight_sum_;
};

/// Attention for all decoder states at once:
///   hs_enc [B, S, H], hs_dec [B, T, H] -> context [B, T, H], weights [B, T, S]
/// Equal to Attention at each step, as two batched products. The mask broadcasts to [B, T, S].
class TimeAttention : public Module {
 public:
  TimeAttention() : Module("TimeAttention") {}
  /// Throws ShapeError unless batch and width of both agree.
  Attended operator()(const Var& hs_enc, const Var& hs_dec, const Mask& mask = {}) const;
};

}  // namespace heed
