// RNNs and GRUs of all kinds over whole sequences: what holds for every recurrent cell. That they compute their
// equations is held elsewhere: against their definitions, finite differences and PyTorch.
#include "core/recurrent.h"

#include <cmath>
#include <functional>

#include "core/error.h"
#include "core/gru.h"
#include "core/rnn.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

struct Given {
  Tensor x, h0, wx, wh, bias, recurrent_bias, lengths, h_factors;
};

// All that both passes give: hs, h, dx, dh0, dwx, dwh, dbias, and the gradient of the recurrent bias.
using Results = std::vector<Tensor>;
enum : std::size_t { kHs, kH, kDx, kDh0, kDwx, kDwh, kDbias, kDrecurrent };

struct Cell {
  std::string name;
  std::int64_t gates;
  bool recurrent_bias;
  std::function<Results(const Given&, const Tensor& dhs, const Tensor& dh)> run;

  Given given(std::int64_t B, std::int64_t T, std::int64_t D, std::int64_t H, DType dtype = DType::f64) const {
    Given all{normal({B, T, D}, 1, dtype),
              normal({B, H}, 2, dtype),
              normal({D, gates * H}, 3, dtype),
              normal({H, gates * H}, 4, dtype),
              normal({gates * H}, 5, dtype),
              {},
              {},
              {}};
    all.wh = all.wh * (1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, H))));  // bounded states
    if (recurrent_bias) all.recurrent_bias = normal({H}, 6, dtype);
    return all;
  }
};

Cell rnn_cell(const char* name, RnnActivation activation) {
  return {name, 1, false, [activation](const Given& g, const Tensor& dhs, const Tensor& dh) -> Results {
            const RnnInput in{g.x, g.h0, g.wx, g.wh, g.bias, g.lengths, activation, g.h_factors};
            const RnnResult y = rnn_forward(in);
            const RnnGradients d = rnn_backward(in, y, dhs, dh);
            return {y.hs, y.h, d.dx, d.dh0, d.dwx, d.dwh, d.dbias, {}};
          }};
}

Cell gru_cell(const char* name, const GruVariant& variant) {
  return {name, 3, variant.reset == ResetGate::after_product,
          [variant](const Given& g, const Tensor& dhs, const Tensor& dh) -> Results {
            const GruInput in{g.x, g.h0, g.wx, g.wh, g.bias, g.recurrent_bias, g.lengths, variant, g.h_factors};
            const GruResult y = gru_forward(in);
            const GruGradients d = gru_backward(in, y, dhs, dh);
            return {y.hs, y.h, d.dx, d.dh0, d.dwx, d.dwh, d.dbias, d.drecurrent_bias};
          }};
}

const std::vector<Cell>& cells() {
  static const std::vector<Cell> all{
      rnn_cell("rnn, tanh", RnnActivation::tanh),
      rnn_cell("rnn, relu", RnnActivation::relu),
      gru_cell("gru, after, keeps", {ResetGate::after_product, UpdateGate::keeps_state}),
      gru_cell("gru, after, takes", {ResetGate::after_product, UpdateGate::takes_candidate}),
      gru_cell("gru, before, keeps", {ResetGate::before_product, UpdateGate::keeps_state}),
      gru_cell("gru, before, takes", {ResetGate::before_product, UpdateGate::takes_candidate})};
  return all;
}

// The largest difference, relative to results of more than 1; infinite when only one of two is defined.
double apart(const Results& a, const Results& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() != b[i].defined()) return INFINITY;
    if (!a[i].defined()) continue;
    const double size = difference(a[i], Values(static_cast<std::size_t>(a[i].count()), 0.0));
    largest = std::max(largest, difference(a[i], b[i]) / std::max(1.0, size));
  }
  return largest;
}

bool all_identical(const Results& a, const Results& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].defined() != b[i].defined() || (a[i].defined() && !identical(a[i], b[i]))) return false;
  return true;
}

Tensor factors(std::int64_t B, std::int64_t H, DType dtype = DType::f64) {
  Rng rng(9);
  return dropout_factors({B, H}, 0.4, rng, dtype);
}

// Every sequence by itself and without its padding; gradients of weights summed. Its dropout is in the weights:
// to multiply the units of h is to multiply the rows of Wh.
Results one_by_one(const Cell& cell, const Given& g, const Tensor& dhs, const Tensor& dh) {
  Results all;
  const std::int64_t T = g.x.extent(1);
  for (std::int64_t b = 0; b < g.x.extent(0); ++b) {
    const std::int64_t length = g.lengths.defined() ? g.lengths.data<std::int32_t>()[b] : T;
    const auto row = [&](const Tensor& x) { return x.slice(0, b, b + 1); };
    const auto steps = [&](const Tensor& x) { return row(x).slice(1, 0, length); };
    const Tensor of_rows =
        g.h_factors.defined() ? row(g.h_factors).transpose() : Tensor::ones({1, 1}, g.x.dtype());
    const Given alone{steps(g.x), row(g.h0), g.wx, g.wh * of_rows, g.bias, g.recurrent_bias, {}, {}};
    Results one = cell.run(alone, steps(dhs), row(dh));
    one[kDwh] = one[kDwh] * of_rows;
    if (all.empty()) {
      for (std::size_t i = 0; i < one.size(); ++i)
        all.push_back(one[i].defined() ? Tensor::zeros(one[i].shape(), g.x.dtype()) : Tensor());
      all[kHs] = Tensor::zeros(dhs.shape(), g.x.dtype());
      all[kDx] = Tensor::zeros(g.x.shape(), g.x.dtype());
      all[kH] = all[kDh0] = Tensor();
      all[kH] = Tensor::zeros(dh.shape(), g.x.dtype());
      all[kDh0] = Tensor::zeros(dh.shape(), g.x.dtype());
    }
    for (const std::size_t i : {kHs, kDx}) all[i].slice(0, b, b + 1).slice(1, 0, length).copy_from(one[i]);
    for (const std::size_t i : {kH, kDh0}) all[i].slice(0, b, b + 1).copy_from(one[i]);
    for (const std::size_t i : {kDwx, kDwh, kDbias, kDrecurrent})
      if (one[i].defined()) add_scaled(all[i], 1, one[i]);
  }
  return all;
}

const Tensor kLengths = Tensor::of({4, 0, 1, 3, 4, 2}, {6}, DType::i32);

TEST_CASE(
    "recurrent: a batch gives what its sequences give one by one, padded or not, in values and gradients") {
  for (const Cell& cell : cells()) {
    INFO(cell.name);
    for (const std::int64_t H : {1, 3, 8, 17}) {
      Given g = cell.given(6, 4, 3, H);
      const Tensor dhs = normal({6, 4, H}, 7), dh = normal({6, H}, 8);
      CHECK(apart(cell.run(g, dhs, dh), one_by_one(cell, g, dhs, dh)) <= 1e-12);
      g.lengths = kLengths;
      CHECK(apart(cell.run(g, dhs, dh), one_by_one(cell, g, dhs, dh)) <= 1e-12);
    }
  }
}

TEST_CASE(
    "recurrent: dropout of the state is one of the rows of Wh, another for each sequence, padded or not") {
  for (const Cell& cell : cells())
    for (const std::int64_t B : {3, 6})  // few and more
      for (const std::int64_t H : {1, 3, 8, 17}) {
        INFO(cell.name << ", " << B << " sequences, " << H << " units");
        Given g = cell.given(B, 4, 3, H);
        g.h_factors = factors(B, H);
        const Tensor dhs = normal({B, 4, H}, 7), dh = normal({B, H}, 8);
        CHECK(apart(cell.run(g, dhs, dh), one_by_one(cell, g, dhs, dh)) <= 1e-12);
        g.lengths = kLengths.slice(0, 0, B);
        CHECK(apart(cell.run(g, dhs, dh), one_by_one(cell, g, dhs, dh)) <= 1e-12);
        g.h0 = Tensor::zeros({B, H}, DType::f64);
        Results of_zeros = cell.run(g, dhs, dh);
        of_zeros[kDh0] = g.h0 = Tensor();
        CHECK(apart(cell.run(g, dhs, dh), of_zeros) <= 1e-13);
      }
}

TEST_CASE("recurrent: factors of 1 are no dropout") {
  for (const Cell& cell : cells()) {
    INFO(cell.name);
    Given g = cell.given(6, 4, 3, 5);
    const Tensor dhs = normal({6, 4, 5}, 7), dh = normal({6, 5}, 8);
    const Results without = cell.run(g, dhs, dh);
    g.h_factors = Tensor::ones({6, 5}, DType::f64);
    CHECK(apart(cell.run(g, dhs, dh), without) <= 1e-13);
  }
}

TEST_CASE("recurrent: so does a batch cut into pieces, its time into several products") {
  std::vector<std::int32_t> lengths(70);
  for (std::size_t b = 0; b < lengths.size(); ++b) lengths[b] = static_cast<std::int32_t>(b * 5 % 14);
  for (const Cell& cell : cells()) {
    INFO(cell.name);
    Given g = cell.given(70, 13, 5, 48);
    g.lengths = Tensor::of(lengths, {70});
    const Tensor dhs = normal({70, 13, 48}, 7), dh = normal({70, 48}, 8);
    CHECK(apart(cell.run(g, dhs, dh), one_by_one(cell, g, dhs, dh)) <= 1e-11);
    g.h_factors = factors(70, 48);
    CHECK(apart(cell.run(g, dhs, dh), one_by_one(cell, g, dhs, dh)) <= 1e-11);
  }
}

TEST_CASE("recurrent: what stands in the padding changes no bit of any value or gradient") {
  for (const Cell& cell : cells())
    for (const DType dtype : {DType::f32, DType::f64}) {
      INFO(cell.name);
      Given g = cell.given(6, 4, 3, 9, dtype);
      g.lengths = kLengths;
      if (dtype == DType::f32) g.h_factors = factors(6, 9, dtype);
      Tensor dhs = normal({6, 4, 9}, 7, dtype);
      const Tensor dh = normal({6, 9}, 8, dtype);
      const Results clean = cell.run(g, dhs, dh);
      for (std::int64_t b = 0; b < 6; ++b) {
        const std::int64_t length = kLengths.data<std::int32_t>()[b];
        g.x.select(0, b).slice(0, length, 4).fill(NAN);
        dhs.select(0, b).slice(0, length, 4).fill(1e6);
        const auto padding_of = [&](std::size_t i) {
          return clean[i].select(0, b).slice(0, length, 4).to_vector();
        };
        CHECK(padding_of(kHs) == Values(static_cast<std::size_t>((4 - length) * 9), 0.0));
        CHECK(padding_of(kDx) == Values(static_cast<std::size_t>((4 - length) * 3), 0.0));
      }
      CHECK(all_identical(cell.run(g, dhs, dh), clean));
    }
}

TEST_CASE("recurrent: a sequence without steps ends in its initial state, whose gradient is the final one's") {
  for (const Cell& cell : cells()) {
    INFO(cell.name);
    Given g = cell.given(6, 4, 3, 5);
    g.lengths = kLengths;
    const Tensor dh = normal({6, 5}, 8);
    const Results got = cell.run(g, normal({6, 4, 5}, 7), dh);
    CHECK(identical(got[kH].select(0, 1), g.h0.select(0, 1)));
    CHECK(identical(got[kDh0].select(0, 1), dh.select(0, 1)));
    CHECK(identical(got[kH].select(0, 3), got[kHs].select(0, 3).select(0, 2)));
  }
}

TEST_CASE("recurrent: undefined states, biases and gradients are zeros") {
  for (const Cell& cell : cells())
    for (const std::int64_t B : {3, 6}) {
      INFO(cell.name);
      Given g = cell.given(B, 4, 3, 6);
      const Tensor dhs = normal({B, 4, 6}, 7), dh = normal({B, 6}, 8), none = Tensor::zeros({B, 6}, DType::f64);
      g.h0 = none;
      CHECK(apart(cell.run(g, dhs, {}), cell.run(g, dhs, none)) <= 1e-13);
      CHECK(apart(cell.run(g, {}, dh), cell.run(g, dhs * 0.0, dh)) <= 1e-13);
      if (cell.recurrent_bias) g.recurrent_bias = Tensor::zeros({6}, DType::f64);
      Results zeros = cell.run(g, dhs, dh);
      g.h0 = g.recurrent_bias = Tensor();
      zeros[kDh0] = zeros[kDrecurrent] = Tensor();
      CHECK(apart(cell.run(g, dhs, dh), zeros) <= 1e-13);
    }
}

TEST_CASE("recurrent: takes views of any strides") {
  for (const Cell& cell : cells())
    for (const std::int64_t B : {3, 6}) {
      INFO(cell.name);
      Given g = cell.given(B, 3, 2, 5);
      g.h_factors = factors(B, 5);
      Given views = g;
      views.lengths = Tensor::full({B}, 3, DType::i32);
      for (Tensor* const part : {&views.x, &views.h0, &views.wx, &views.wh, &views.bias, &views.recurrent_bias,
                                 &views.lengths, &views.h_factors})
        if (part->defined()) *part = strided(*part);
      const Tensor dhs = normal({B, 3, 5}, 7), dh = normal({B, 5}, 8);
      CHECK(apart(cell.run(g, dhs, dh), cell.run(views, strided(dhs), strided(dh))) <= 1e-13);
    }
}

TEST_CASE("recurrent: no sequences, no steps, no inputs and no units") {
  for (const Cell& cell : cells()) {
    INFO(cell.name);
    const auto shapes = [&](std::int64_t B, std::int64_t T, std::int64_t D, std::int64_t H) {
      Given g = cell.given(B, T, D, H);
      g.h_factors = factors(B, H);
      const Results got = cell.run(g, normal({B, T, H}, 7), normal({B, H}, 8));
      CHECK(got[kHs].shape() == Shape{B, T, H});
      CHECK(got[kDx].shape() == g.x.shape());
      CHECK(got[kDwx].shape() == g.wx.shape());
      CHECK(got[kDwh].shape() == g.wh.shape());
      CHECK(got[kDbias].shape() == g.bias.shape());
      return got;
    };
    CHECK(difference(shapes(0, 4, 3, 6)[kDwh], Values(static_cast<std::size_t>(36 * cell.gates), 0.0)) == 0);
    CHECK(identical(shapes(6, 0, 3, 5)[kDh0], normal({6, 5}, 8)));
    shapes(6, 3, 0, 5);
    shapes(3, 3, 0, 5);
    shapes(6, 3, 4, 0);
  }
}

TEST_CASE("recurrent: the same bits at any number of threads, for batches that are cut") {
  for (const Cell& cell : cells()) {
    INFO(cell.name);
    Given g = cell.given(100, 6, 5, 40, DType::f32);
    const Tensor dhs = normal({100, 6, 40}, 7, DType::f32);
    for (const Tensor& dropped : {Tensor(), factors(100, 40, DType::f32)}) {
      g.h_factors = dropped;
      for (const std::size_t i : {kHs, kDx, kDh0, kDwx, kDwh, kDbias})
        CHECK(all_same(on_any_threads([&] { return cell.run(g, dhs, {})[i]; })));
    }
  }
}

TEST_CASE("recurrent: operands that do not fit are told with what was required") {
  const auto complaint = [](std::size_t which, auto change) {
    const Cell& cell = cells()[which];
    Given g = cell.given(2, 3, 4, 5);
    change(g);
    return thrown<Error>([&] { cell.run(g, {}, {}); });
  };
  CHECK(complaint(0, [](Given& g) { g.wx = g.wh; }) ==
        "ShapeError: rnn: x is [2, 3, 4], Wx is [5, 5], Wh is [5, 5], bias is [5]\n"
        "  requires Wx [D, H] with D == x.shape[-1]\n"
        "  x: a tensor    Wx: a tensor    Wh: a tensor");
  CHECK_THAT(complaint(0, [](Given& g) { g.wh = g.wx; }), ContainsSubstring("requires Wh [H, H]"));
  CHECK_THAT(complaint(2, [](Given& g) { g.wh = g.wx; }), ContainsSubstring("requires Wh [H, 3H]"));
  CHECK_THAT(complaint(4, [](Given& g) { g.bias = g.bias.slice(0, 0, 5); }),
             ContainsSubstring("requires bias [3H]"));
  CHECK(complaint(2, [](Given& g) { g.h0 = g.wx; }) ==
        "ShapeError: gru: an initial state is [4, 15]\n  requires [2, 5]");
  CHECK(complaint(0, [](Given& g) { g.h_factors = g.h0.slice(0, 0, 1); }) ==
        "ShapeError: rnn: h_factors is [1, 5]\n  requires [2, 5]");
  CHECK(first_line(complaint(2, [](Given& g) { g.h_factors = g.h0.to(DType::f32); })) ==
        "DTypeError: gru: element types differ: a is f64, b is f32");
  CHECK(complaint(2, [](Given& g) { g.recurrent_bias = g.bias; }) ==
        "ShapeError: gru: recurrent_bias is [15]\n  requires [5]\n  recurrent_bias: a tensor");
  CHECK(first_line(complaint(2, [](Given& g) { g.recurrent_bias = g.recurrent_bias.to(DType::f32); })) ==
        "DTypeError: gru: element types differ: a is f64, b is f32");
  CHECK(complaint(4, [](Given& g) { g.recurrent_bias = normal({5}, 6); }) ==
        "ConfigError: gru: a recurrent bias, but the gate resets before the product\n"
        "  hint: add it to the candidate's part of bias");
  CHECK(complaint(0, [](Given& g) {
          g.lengths = Tensor::of({1, 4}, {2}, DType::i32);
        }) == "IndexError: rnn: length 4 of sequence 1 is outside the 3 steps");
  const auto of_cotangents = [](std::size_t which, const Tensor& dhs, const Tensor& dh) {
    return thrown<ShapeError>([&] { cells()[which].run(cells()[which].given(2, 3, 4, 5), dhs, dh); });
  };
  const Tensor wrong = Tensor::ones({5}, DType::f64);
  CHECK(of_cotangents(0, wrong, {}) == "ShapeError: rnn_backward: dhs is [5]\n  requires [2, 3, 5]");
  CHECK(of_cotangents(2, {}, wrong) == "ShapeError: gru_backward: dh is [5]\n  requires [2, 5]");
}

TEST_CASE("reverse_sequences: each sequence from its own end, padding where it was") {
  const Tensor x = counted({3, 4});
  CHECK(reverse_sequences(x, Tensor()).to_vector() == Values{3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8});
  const Tensor lengths = Tensor::of({3, 0, 4}, {3}, DType::i32);
  const Values expected{2, 1, 0, 3, 4, 5, 6, 7, 11, 10, 9, 8};
  CHECK(reverse_sequences(x, lengths).to_vector() == expected);
  CHECK(reverse_sequences(strided(x), strided(lengths)).to_vector() == expected);
  const Tensor wide = counted({2, 3, 2}, DType::i32);
  CHECK(reverse_sequences(wide, Tensor::of({2, 3}, {2}, DType::i32)).to_vector() ==
        Values{2, 3, 0, 1, 4, 5, 10, 11, 8, 9, 6, 7});
  CHECK(reverse_sequences(Tensor::ones({2, 0, 3}), Tensor()).shape() == Shape{2, 0, 3});
}

TEST_CASE("reverse_sequences: what is no batch of sequences, and lengths that do not fit, are refused") {
  CHECK(thrown<ShapeError>([] { reverse_sequences(Tensor::ones({3}), {}); }) ==
        "ShapeError: reverse_sequences: x is [3]\n  requires x [B, T, ...]\n  x: a tensor");
  const Tensor x = counted({2, 3});
  CHECK(thrown<IndexError>([&] {
          reverse_sequences(x, Tensor::of({1, 4}, {2}, DType::i32));
        }) == "IndexError: reverse_sequences: length 4 of sequence 1 is outside the 3 steps");
  CHECK(thrown<ShapeError>([&] { reverse_sequences(x, Tensor::ones({3}, DType::i32)); }) ==
        "ShapeError: reverse_sequences: lengths are i32 [3]\n  requires i32 [2]");
}

}  // namespace
}  // namespace heed::tests
