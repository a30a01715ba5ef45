// Whether a gradient gets through: through the layers of a model, and through time.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/plot.h"
#include "core/table.h"
#include "layers/inspect/intermediates.h"

namespace heed {

/// How much of a gradient arrives, compared with where it comes from.
enum class GradientFlow {
  fine,
  vanishing,   ///< less than kVanishing of it
  exploding,   ///< more than kExploding times it
  none,        ///< nothing at all: not reached by the backward, or 0 throughout
  not_finite,  ///< NaN or infinite
};

/// What gets a thousandth of the gradient moves a thousand times more slowly at the same learning rate: within
/// the steps that a training has, it is not trained. What gets a thousand times more decides the step that all
/// others can take, which is the same seen from the other end. Adam, which divides by the size of each
/// gradient, evens out layers, but not steps of time, whose gradients are added up before it sees them.
inline constexpr double kVanishing = 1e-3, kExploding = 1e3;

const char* to_string(GradientFlow flow);

/// The gradient of the loss with respect to the state of a recurrent layer, step by step.
struct TimeGradients {
  std::string path{};  ///< of the layer
  /// [B, H] each: dloss/dh_t, through the output and all later steps; 0 on padding.
  std::vector<Tensor> hidden{};
  /// [B, H] each: dloss/dc_t of a layer with a cell, through all later steps; else empty.
  std::vector<Tensor> cell{};
  std::vector<double> norms{};  ///< of the state, h and c together, one a step
  /// Of the norm from a step to the one before it, the geometric mean from the last step with a gradient to the
  /// first step.
  double factor = 1;
  /// `vanishing` when the first step gets less than kVanishing of the strongest, `exploding` when the strongest
  /// gets more than kExploding times the last that has any.
  GradientFlow flow = GradientFlow::none;
};

/// Of a layer that ran, and was reached by a backward, while `seen` was recorded: an LSTM, GRU or RNN, whose
/// fused operation gives away only what comes from its output, is computed again a step at a time, which gives
/// the whole, exactly; any other layer shows its states itself, with note("h", …) and, if there is a cell,
/// note("c", …) at every step, whose gradients are taken as they are (LayerNormLSTM does; its c has a part in
/// the h of the same step). Calls of a layer one after the other count as one long sequence. To be asked before
/// an optimiser changes the weights: GraphError when they are no longer those that were used; ConfigError when
/// no such layer ran there.
TimeGradients gradient_through_time(const Intermediates& seen, std::string_view path);

/// The norms as columns on a logarithmic scale, for a terminal, and the verdict in words.
std::string to_string(const TimeGradients& gradients);
/// The norms of one or several layers against the step.
std::string svg_gradients_through_time(std::span<const TimeGradients> layers, LineChartOptions options = {});

}  // namespace heed
