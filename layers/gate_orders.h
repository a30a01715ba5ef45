// Weights of recurrent cells in the forms of other frameworks, and back.
#pragma once

#include <string_view>

#include "core/gru.h"
#include "layers/cell_tensors.h"

namespace heed {

/// The columns of each gate, side by side along an axis, in another order: gates are named by letters, of which
/// both orders have the same. Throws ConfigError unless they do, ShapeError unless the axis divides among them.
///
///   reorder_gates(w, -1, kPytorchLstmGates, kLstmGates)
Tensor reorder_gates(const Tensor& w, int axis, std::string_view from, std::string_view to);

/// LSTM: forget, candidate (g), input, output. GRU: update (z), reset, candidate (n). heed's orders are the
/// book's.
inline constexpr std::string_view kLstmGates = "fgio", kPytorchLstmGates = "ifgo", kOnnxLstmGates = "iofg";
inline constexpr std::string_view kGruGates = "zrn", kPytorchGruGates = "rzn", kOnnxGruGates = "zrn";

enum class CellKind { rnn, gru, lstm };
/// What the converters below convert. Other frameworks add two biases; heed has one, their sum, but for the
/// recurrent bias of a GRU that resets after the product.
struct CellForm {
  CellKind kind = CellKind::lstm;
  ResetGate reset = ResetGate::after_product;  ///< of a GRU
};

/// The weights of a stack of cells (RecurrentStack: "0.wx", "0_reverse.wh", …) from the state of a PyTorch
/// nn.RNN, nn.GRU or nn.LSTM ("weight_ih_l0", "bias_hh_l1_reverse", …), with biases or without, and back: then
/// bias_hh has what heed keeps apart, else zeros. A GRU of PyTorch resets after the product. Throws ConfigError
/// when an entry is missing or there is one of another name.
NamedTensors from_pytorch(const NamedTensors& state, CellKind kind);
NamedTensors to_pytorch(const NamedTensors& state, CellKind kind);

/// The operands of an ONNX operator RNN, GRU or LSTM: one layer, `directions` 1 or 2.
struct OnnxCells {
  Tensor w;  ///< [directions, gates H, D]
  Tensor r;  ///< [directions, gates H, H]
  Tensor b;  ///< [directions, 2 gates H]; undefined for zeros
};
/// The weights of a stack of one layer ("0.wx", "0_reverse.wx", …) from them, and back. Attribute
/// linear_before_reset is 1 for a GRU that resets after the product. Throws ConfigError when an entry is
/// missing or there is one of another name, ShapeError when the operands do not fit.
NamedTensors from_onnx(const OnnxCells& cells, const CellForm& form);
OnnxCells to_onnx(const NamedTensors& state, const CellForm& form);

}  // namespace heed
