#include "layers/gate_orders.h"

#include "core/elementwise.h"
#include "core/index.h"
#include "tests/catch.h"
#include "tests/layers/layer_testing.h"
#include "tests/thrown.h"

namespace heed::tests {
namespace {

// Two layers in both directions, as PyTorch names them.
NamedTensors pytorch_state(const Fixture& numbers) {
  NamedTensors state;
  for (const char* const suffix : {"_l0", "_l0_reverse", "_l1", "_l1_reverse"})
    for (const char* const name : {"weight_ih", "weight_hh", "bias_ih", "bias_hh"})
      state.emplace_back(text(name, suffix), numbers[text("torch.", name, suffix)]);
  return state;
}

double apart(const NamedTensors& a, const NamedTensors& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].first != b[i].first) return INFINITY;
    largest = std::max(largest, largest_difference(a[i].second, b[i].second));
  }
  return largest;
}

// The rows of a matrix, gate by gate, in the order given by positions.
Tensor rows_in_order(const Tensor& w, std::initializer_list<int> positions) {
  const std::int64_t n = w.extent(0) / static_cast<std::int64_t>(positions.size());
  std::vector<Tensor> parts;
  for (const int at : positions) parts.push_back(w.slice(0, at * n, (at + 1) * n));
  return concat(parts, 0);
}

}  // namespace

TEST_CASE("gate orders: columns move by letter, along any axis, and back") {
  const Tensor w = Tensor::of({1, 2, 3, 4, 5, 6, 7, 8}, {8});
  CHECK(reorder_gates(w, 0, "fgio", "iofg").to_vector() == std::vector<double>{5, 6, 7, 8, 1, 2, 3, 4});
  CHECK(reorder_gates(w, -1, kLstmGates, kPytorchLstmGates).to_vector() ==
        std::vector<double>{5, 6, 1, 2, 3, 4, 7, 8});
  CHECK(reorder_gates(w.reshape({4, 2}), 0, kLstmGates, kPytorchLstmGates).to_vector() ==
        std::vector<double>{5, 6, 1, 2, 3, 4, 7, 8});
  Rng rng(1);
  const Tensor v = normal({3, 12}, rng);
  for (const std::string_view other : {kPytorchLstmGates, kOnnxLstmGates, kLstmGates})
    CHECK(identical(reorder_gates(reorder_gates(v, 1, kLstmGates, other), 1, other, kLstmGates), v));
  CHECK(identical(
      reorder_gates(reorder_gates(v, 1, kGruGates, kPytorchGruGates), 1, kPytorchGruGates, kGruGates), v));
}

TEST_CASE("gate orders: PyTorch's states become heed's and the same again, up to the split of the biases") {
  const std::pair<const char*, CellKind> all[] = {
      {"stack_rnn", CellKind::rnn}, {"stack_gru", CellKind::gru}, {"stack_lstm", CellKind::lstm}};
  for (const auto& [file, kind] : all) {
    INFO(file);
    const Fixture numbers(file);
    const NamedTensors given = pytorch_state(numbers), converted = from_pytorch(given, kind);
    CHECK(converted.size() == (kind == CellKind::gru ? 16 : 12));
    for (const auto& [name, value] : converted) {
      INFO(name);
      CHECK(largest_difference(value, numbers[name]) < 1e-15);
    }
    const NamedTensors back = to_pytorch(converted, kind);
    REQUIRE(back.size() == given.size());
    for (std::size_t i = 0; i < back.size(); i += 4) {
      for (std::size_t weight : {i, i + 1}) {
        CHECK(back[weight].first == given[weight].first);
        CHECK(identical(back[weight].second, given[weight].second));
      }
      CHECK(largest_difference(back[i + 2].second + back[i + 3].second,
                               given[i + 2].second + given[i + 3].second) < 1e-15);
    }
    CHECK(apart(from_pytorch(back, kind), converted) == 0);
  }
}

TEST_CASE("gate orders: PyTorch layers without biases have biases of 0") {
  Rng rng(1);
  const NamedTensors state{{"weight_ih_l0", normal({8, 3}, rng)}, {"weight_hh_l0", normal({8, 2}, rng)}};
  const NamedTensors converted = from_pytorch(state, CellKind::lstm);
  REQUIRE(converted.size() == 3);
  CHECK(converted[2].first == "0.bias");
  CHECK(identical(converted[2].second, Tensor::zeros({8}, DType::f64)));
}

TEST_CASE("gate orders: ONNX's operands become heed's weights and the same again") {
  // From PyTorch's numbers in ONNX's order, put together by position.
  const Fixture numbers("stack_lstm");
  const auto in_onnx_order = [&](const std::string& name) {
    return rows_in_order(numbers["torch." + name], {0, 3, 1, 2}).unsqueeze(0);  // i, f, g, o -> i, o, f, g
  };
  const auto both = [&](const std::string& name) {
    return concat({in_onnx_order(name + "_l0"), in_onnx_order(name + "_l0_reverse")}, 0);
  };
  const OnnxCells lstm{both("weight_ih"), both("weight_hh"), concat({both("bias_ih"), both("bias_hh")}, 1)};
  const NamedTensors converted = from_onnx(lstm, {CellKind::lstm});
  CHECK(converted.size() == 6);
  for (const auto& [name, value] : converted) {
    INFO(name);
    CHECK(largest_difference(value, numbers[name]) < 1e-15);
  }
  const OnnxCells back = to_onnx(converted, {CellKind::lstm});
  CHECK(identical(back.w, lstm.w));
  CHECK(identical(back.r, lstm.r));
  CHECK(back.b.shape() == lstm.b.shape());
  CHECK(apart(from_onnx(back, {CellKind::lstm}), converted) == 0);
}

TEST_CASE("gate orders: ONNX's GRU has a recurrent bias only where it resets after the product") {
  Rng rng(1);
  const OnnxCells cells{normal({1, 6, 3}, rng), normal({1, 6, 2}, rng), normal({1, 12}, rng)};
  const Tensor of_x = cells.b.select(0, 0).slice(0, 0, 6), of_h = cells.b.select(0, 0).slice(0, 6, 12);
  const NamedTensors before = from_onnx(cells, {CellKind::gru, ResetGate::before_product});
  REQUIRE(before.size() == 3);
  CHECK(identical(before[0].second, cells.w.select(0, 0).transpose()));  // the order is heed's
  CHECK(identical(before[2].second, of_x + of_h));
  const NamedTensors after = from_onnx(cells, {CellKind::gru});
  REQUIRE(after.size() == 4);
  CHECK(identical(after[3].second, of_h.slice(0, 4, 6)));
  CHECK(identical(after[2].second.slice(0, 4, 6), of_x.slice(0, 4, 6)));
  CHECK(identical(after[2].second.slice(0, 0, 4), (of_x + of_h).slice(0, 0, 4)));
  for (const CellForm& form : {CellForm{CellKind::gru, ResetGate::before_product}, CellForm{CellKind::gru}}) {
    const NamedTensors given = from_onnx(cells, form);
    CHECK(apart(from_onnx(to_onnx(given, form), form), given) == 0);
  }
  const OnnxCells no_bias{cells.w, cells.r, {}};
  CHECK(identical(from_onnx(no_bias, {CellKind::gru})[2].second, Tensor::zeros({6}, DType::f64)));
}

TEST_CASE("gate orders: what does not fit is refused by name") {
  const Tensor w = Tensor::ones({8, 3});
  CHECK(thrown<ConfigError>([&] { reorder_gates(w, 0, "fgio", "fgi"); }) ==
        "ConfigError: reorder_gates: from \"fgio\" to \"fgi\"\n  requires the same letters in both");
  CHECK_THROWS_AS(reorder_gates(w, 0, "fgio", "fgix"), ConfigError);
  CHECK(thrown<ShapeError>([&] { reorder_gates(w, 1, "fgio", "iofg"); }) ==
        "ShapeError: reorder_gates: axis 1 of [8, 3] in 4 gates\n  requires an extent that 4 divides");
  CHECK(thrown<ConfigError>([&] {
          from_pytorch({{"weight_ih_l0", w}}, CellKind::lstm);
        }) == "ConfigError: recurrent weights: there is no weight_hh_l0");
  CHECK(thrown<ConfigError>([&] {
          from_pytorch({{"weight_ih_l0", w}, {"weight_hh_l0", Tensor::ones({8, 2})}, {"weight_hr_l0", w}},
                       CellKind::lstm);
        }) == "ConfigError: recurrent weights: unexpected weight_hr_l0");
  CHECK(thrown<ConfigError>([&] {
          to_pytorch({{"0.wx", w}}, CellKind::gru);
        }) == "ConfigError: recurrent weights: there is no 0.wh");
  CHECK(thrown<ConfigError>([&] { to_onnx({}, {CellKind::rnn}); }) ==
        "ConfigError: recurrent weights: there is no 0.wx");
  CHECK(thrown<ShapeError>([&] {
          from_onnx({w, w, {}}, {CellKind::gru});
        }) ==
        "ShapeError: from_onnx: W is [8, 3], R is [8, 3], B is undefined\n"
        "  requires W [directions, 3H, D], R [directions, 3H, H], B [directions, 6H]");
}

}  // namespace heed::tests
