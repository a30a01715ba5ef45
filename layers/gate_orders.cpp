#include "layers/gate_orders.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/index.h"

namespace heed {
namespace {

struct Orders {
  std::string_view heed, other;
};

Orders pytorch_orders(CellKind kind) {
  if (kind == CellKind::rnn) return {"h", "h"};
  return kind == CellKind::gru ? Orders{kGruGates, kPytorchGruGates} : Orders{kLstmGates, kPytorchLstmGates};
}
Orders onnx_orders(CellKind kind) {
  if (kind == CellKind::rnn) return {"h", "h"};
  return kind == CellKind::gru ? Orders{kGruGates, kOnnxGruGates} : Orders{kLstmGates, kOnnxLstmGates};
}

// A cell as others have it: rows where heed has columns, and two biases.
struct RowCell {
  Tensor weight_ih;         // [gates H, D]
  Tensor weight_hh;         // [gates H, H]
  Tensor bias_ih, bias_hh;  // [gates H]; undefined for zeros
};

bool has_recurrent_bias(const CellForm& form) {
  return form.kind == CellKind::gru && form.reset == ResetGate::after_product;
}

CellTensors from_rows(const RowCell& rows, const CellForm& form, const Orders& orders) {
  const auto in_order = [&](const Tensor& w) { return reorder_gates(w, -1, orders.other, orders.heed); };
  const auto bias_or_zeros = [&](const Tensor& bias) {
    return bias.defined() ? in_order(bias) : Tensor::zeros({rows.weight_ih.extent(0)}, rows.weight_ih.dtype());
  };
  CellTensors cell{in_order(rows.weight_ih.transpose()), in_order(rows.weight_hh.transpose()), {}, {}};
  Tensor of_x = bias_or_zeros(rows.bias_ih), of_h = bias_or_zeros(rows.bias_hh);
  if (has_recurrent_bias(form)) {
    Tensor candidate = of_h.slice(0, of_h.extent(0) / 3 * 2, of_h.extent(0));
    cell.recurrent_bias = candidate.clone();
    candidate.fill(0);
  }
  cell.bias = of_x + of_h;
  return cell;
}

RowCell to_rows(const CellTensors& cell, const CellForm& form, const Orders& orders) {
  const auto in_order = [&](const Tensor& w) { return reorder_gates(w, -1, orders.heed, orders.other); };
  Tensor of_h = Tensor::zeros(cell.bias.shape(), cell.bias.dtype());
  if (has_recurrent_bias(form))
    of_h.slice(0, of_h.extent(0) / 3 * 2, of_h.extent(0)).copy_from(cell.recurrent_bias);
  return {in_order(cell.wx).transpose().clone(), in_order(cell.wh).transpose().clone(), in_order(cell.bias),
          in_order(of_h)};
}

// Entries by name, each to be asked for once.
class Entries {
 public:
  explicit Entries(const NamedTensors& state) : state_(state), taken_(state.size(), false) {}

  /// Undefined when there is none.
  Tensor take_if_there(const std::string& name) {
    for (std::size_t i = 0; i < state_.size(); ++i)
      if (state_[i].first == name) {
        taken_[i] = true;
        return state_[i].second;
      }
    return {};
  }
  Tensor take(const std::string& name) {
    const Tensor entry = take_if_there(name);
    if (!entry.defined()) throw ConfigError({.what = text("recurrent weights: there is no ", name)});
    return entry;
  }
  bool has(const std::string& name) const {
    return std::any_of(state_.begin(), state_.end(), [&](const auto& entry) { return entry.first == name; });
  }
  void require_all_taken() const {
    for (std::size_t i = 0; i < state_.size(); ++i)
      if (!taken_[i]) throw ConfigError({.what = text("recurrent weights: unexpected ", state_[i].first)});
  }

 private:
  const NamedTensors& state_;
  std::vector<bool> taken_;
};

CellTensors take_cell(Entries& entries, const std::string& part, const CellForm& form) {
  return {entries.take(part + ".wx"), entries.take(part + ".wh"), entries.take(part + ".bias"),
          has_recurrent_bias(form) ? entries.take(part + ".recurrent_bias") : Tensor()};
}

void append(NamedTensors& to, const NamedTensors& more) { to.insert(to.end(), more.begin(), more.end()); }

constexpr const char* kDirections[] = {"", "_reverse"};

}  // namespace

Tensor reorder_gates(const Tensor& w, int axis, std::string_view from, std::string_view to) {
  if (from.empty() || from.size() != to.size() || !std::is_permutation(from.begin(), from.end(), to.begin()))
    throw ConfigError({.what = text("reorder_gates: from \"", from, "\" to \"", to, "\""),
                       .expected = "the same letters in both"});
  const auto gates = static_cast<std::int64_t>(from.size());
  if (w.extent(axis) % gates != 0)
    throw ShapeError({.what = text("reorder_gates: axis ", axis, " of ", w.shape(), " in ", gates, " gates"),
                      .expected = text("an extent that ", gates, " divides")});
  const std::int64_t hidden = w.extent(axis) / gates;
  std::vector<Tensor> parts;
  for (const char gate : to) {
    const auto at = static_cast<std::int64_t>(from.find(gate));
    parts.push_back(w.slice(axis, at * hidden, (at + 1) * hidden));
  }
  return concat(parts, axis);
}

NamedTensors from_pytorch(const NamedTensors& state, CellKind kind) {
  Entries entries(state);
  NamedTensors converted;
  for (int layer = 0; layer == 0 || entries.has(text("weight_ih_l", layer)); ++layer)
    for (const char* const direction : kDirections) {
      const std::string suffix = text("_l", layer, direction);
      if (*direction != '\0' && !entries.has("weight_ih" + suffix)) continue;
      const RowCell rows{entries.take("weight_ih" + suffix), entries.take("weight_hh" + suffix),
                         entries.take_if_there("bias_ih" + suffix), entries.take_if_there("bias_hh" + suffix)};
      append(converted, from_rows(rows, {kind}, pytorch_orders(kind)).named(text(layer, direction, ".")));
    }
  entries.require_all_taken();
  return converted;
}

NamedTensors to_pytorch(const NamedTensors& state, CellKind kind) {
  Entries entries(state);
  NamedTensors converted;
  for (int layer = 0; layer == 0 || entries.has(text(layer, ".wx")); ++layer)
    for (const char* const direction : kDirections) {
      const std::string part = text(layer, direction), suffix = text("_l", layer, direction);
      if (*direction != '\0' && !entries.has(part + ".wx")) continue;
      const RowCell rows = to_rows(take_cell(entries, part, {kind}), {kind}, pytorch_orders(kind));
      append(converted, {{"weight_ih" + suffix, rows.weight_ih},
                         {"weight_hh" + suffix, rows.weight_hh},
                         {"bias_ih" + suffix, rows.bias_ih},
                         {"bias_hh" + suffix, rows.bias_hh}});
    }
  entries.require_all_taken();
  return converted;
}

NamedTensors from_onnx(const OnnxCells& cells, const CellForm& form) {
  const Orders orders = onnx_orders(form.kind);
  const auto gates = static_cast<std::int64_t>(orders.heed.size());
  const std::int64_t directions = cells.w.rank() == 3 ? cells.w.extent(0) : 0,
                     hidden = cells.r.rank() == 3 ? cells.r.extent(2) : 0;
  if (directions < 1 || directions > 2 || cells.w.extent(1) != gates * hidden ||
      cells.r.shape() != Shape{directions, gates * hidden, hidden} ||
      (cells.b.defined() && cells.b.shape() != Shape{directions, 2 * gates * hidden}))
    throw ShapeError({.what = text("from_onnx: W is ", cells.w.shape(), ", R is ", cells.r.shape(), ", B is ",
                                   cells.b.defined() ? text(cells.b.shape()) : std::string("undefined")),
                      .expected = text("W [directions, ", gates, "H, D], R [directions, ", gates,
                                       "H, H], B [directions, ", 2 * gates, "H]")});
  NamedTensors converted;
  for (std::int64_t direction = 0; direction < directions; ++direction) {
    RowCell rows{cells.w.select(0, direction), cells.r.select(0, direction), {}, {}};
    if (cells.b.defined()) {
      const Tensor both = cells.b.select(0, direction);
      rows.bias_ih = both.slice(0, 0, gates * hidden);
      rows.bias_hh = both.slice(0, gates * hidden, 2 * gates * hidden);
    }
    append(converted, from_rows(rows, form, orders).named(text(0, kDirections[direction], ".")));
  }
  return converted;
}

OnnxCells to_onnx(const NamedTensors& state, const CellForm& form) {
  Entries entries(state);
  std::vector<Tensor> w, r, b;
  for (const char* const direction : kDirections) {
    const std::string part = text(0, direction);
    if (*direction != '\0' && !entries.has(part + ".wx")) continue;
    const RowCell rows = to_rows(take_cell(entries, part, form), form, onnx_orders(form.kind));
    w.push_back(rows.weight_ih.unsqueeze(0));
    r.push_back(rows.weight_hh.unsqueeze(0));
    b.push_back(concat({rows.bias_ih, rows.bias_hh}, 0).unsqueeze(0));
  }
  entries.require_all_taken();
  return {concat(w, 0), concat(r, 0), concat(b, 0)};
}

}  // namespace heed
