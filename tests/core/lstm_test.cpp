#include "core/lstm.h"

#include <cmath>

#include "core/elementwise.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/core/core_testing.h"

namespace heed::tests {
namespace {

// Every number of one LSTM and of its derivative, computed step by step from the equations. Index helpers keep
// the loops readable: all arrays are row-major.
struct Plain {
  std::size_t B, T, D, H;
  Values hs, cs, h, c, dx, dh0, dc0, dwx, dwh, dbias;
};

double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

Plain plain_lstm(const LstmInput& in, const Tensor& dhs_, const Tensor& dh_, const Tensor& dc_) {
  const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
  Plain r{size(in.x.extent(0)),
          size(in.x.extent(1)),
          size(in.x.extent(2)),
          size(in.wh.extent(0)),
          {},
          {},
          {},
          {},
          {},
          {},
          {},
          {},
          {},
          {}};
  const auto [B, T, D, H] = std::array{r.B, r.T, r.D, r.H};
  const auto or_zeros = [](const Tensor& x, std::size_t n) {
    return x.defined() ? x.to_vector() : Values(n, 0.0);
  };
  const Values factors = in.h_factors.defined() ? in.h_factors.to_vector() : Values(B * H, 1.0);
  const Values x = in.x.to_vector(), wx = in.wx.to_vector(), wh = in.wh.to_vector(), bias = in.bias.to_vector();
  const Values dhs = or_zeros(dhs_, B * T * H), dh_last = or_zeros(dh_, B * H), dc_last = or_zeros(dc_, B * H);
  r.h = or_zeros(in.h0, B * H);
  r.c = or_zeros(in.c0, B * H);
  r.hs = r.cs = Values(B * T * H, 0.0);
  r.dx = Values(B * T * D, 0.0);
  r.dh0 = r.dc0 = Values(B * H, 0.0);
  r.dwx = Values(D * 4 * H, 0.0);
  r.dwh = Values(H * 4 * H, 0.0);
  r.dbias = Values(4 * H, 0.0);
  for (std::size_t b = 0; b < B; ++b) {
    const std::size_t steps = in.lengths.defined() ? size(in.lengths.data<std::int32_t>()[b]) : T;
    std::vector<Values> gates(steps, Values(4 * H)), h(steps + 1, Values(H)), c(steps + 1, Values(H));
    for (std::size_t j = 0; j < H; ++j) h[0][j] = r.h[b * H + j], c[0][j] = r.c[b * H + j];
    for (std::size_t t = 0; t < steps; ++t) {
      for (std::size_t g = 0; g < 4 * H; ++g) {
        double z = bias[g];
        for (std::size_t d = 0; d < D; ++d) z += x[(b * T + t) * D + d] * wx[d * 4 * H + g];
        for (std::size_t j = 0; j < H; ++j) z += factors[b * H + j] * h[t][j] * wh[j * 4 * H + g];
        gates[t][g] = g / H == 1 ? std::tanh(z) : sigmoid(z);
      }
      for (std::size_t j = 0; j < H; ++j) {
        c[t + 1][j] = gates[t][j] * c[t][j] + gates[t][H + j] * gates[t][2 * H + j];
        h[t + 1][j] = gates[t][3 * H + j] * std::tanh(c[t + 1][j]);
        r.hs[(b * T + t) * H + j] = h[t + 1][j];
      }
    }
    Values dh(H), dc(H);
    for (std::size_t j = 0; j < H; ++j) {
      r.h[b * H + j] = h[steps][j];
      r.c[b * H + j] = c[steps][j];
      dh[j] = dh_last[b * H + j];
      dc[j] = dc_last[b * H + j];
    }
    for (std::size_t t = steps; t-- > 0;) {
      Values dz(4 * H);
      for (std::size_t j = 0; j < H; ++j) {
        const double f = gates[t][j], g = gates[t][H + j], i = gates[t][2 * H + j], o = gates[t][3 * H + j];
        const double tanh_c = std::tanh(c[t + 1][j]), d = dh[j] + dhs[(b * T + t) * H + j];
        dc[j] += d * o * (1 - tanh_c * tanh_c);
        dz[j] = dc[j] * c[t][j] * f * (1 - f);
        dz[H + j] = dc[j] * i * (1 - g * g);
        dz[2 * H + j] = dc[j] * g * i * (1 - i);
        dz[3 * H + j] = d * tanh_c * o * (1 - o);
        dc[j] *= f;
      }
      dh.assign(H, 0.0);
      for (std::size_t g = 0; g < 4 * H; ++g) {
        r.dbias[g] += dz[g];
        for (std::size_t d = 0; d < D; ++d) {
          r.dx[(b * T + t) * D + d] += dz[g] * wx[d * 4 * H + g];
          r.dwx[d * 4 * H + g] += dz[g] * x[(b * T + t) * D + d];
        }
        for (std::size_t j = 0; j < H; ++j) {
          dh[j] += factors[b * H + j] * dz[g] * wh[j * 4 * H + g];
          r.dwh[j * 4 * H + g] += dz[g] * factors[b * H + j] * h[t][j];
        }
      }
    }
    for (std::size_t j = 0; j < H; ++j) r.dh0[b * H + j] = dh[j], r.dc0[b * H + j] = dc[j];
  }
  return r;
}

LstmInput random_input(std::int64_t B, std::int64_t T, std::int64_t D, std::int64_t H,
                       DType dtype = DType::f64) {
  return {.x = normal({B, T, D}, 1, dtype),
          .h0 = normal({B, H}, 2, dtype),
          .c0 = normal({B, H}, 3, dtype),
          .wx = normal({D, 4 * H}, 4, dtype),
          .wh = normal({H, 4 * H}, 5, dtype),
          .bias = normal({4 * H}, 6, dtype),
          .lengths = {}};
}

void check_against_plain(const LstmInput& in, const Tensor& dhs, const Tensor& dh, const Tensor& dc,
                         double tolerance) {
  const LstmResult result = lstm_forward(in);
  const LstmGradients got = lstm_backward(in, result, dhs, dh, dc);
  const Plain expected = plain_lstm(in, dhs, dh, dc);
  CHECK(difference(result.hs, expected.hs) <= tolerance);
  CHECK(difference(result.h, expected.h) <= tolerance);
  CHECK(difference(result.c, expected.c) <= tolerance);
  CHECK(difference(got.dx, expected.dx) <= tolerance);
  if (in.h0.defined()) CHECK(difference(got.dh0, expected.dh0) <= tolerance);
  CHECK(difference(got.dc0, expected.dc0) <= tolerance);
  CHECK(difference(got.dwx, expected.dwx) <= tolerance);
  CHECK(difference(got.dwh, expected.dwh) <= tolerance);
  CHECK(difference(got.dbias, expected.dbias) <= tolerance);
}

const Tensor kLengths = Tensor::of({4, 0, 1, 3, 4}, {5}, DType::i32);

TEST_CASE("lstm: forward and backward agree with the equations step by step") {
  for (const std::int64_t H : {1, 3, 8, 17}) {
    INFO(H);
    const LstmInput in = random_input(5, 4, 3, H);
    check_against_plain(in, normal({5, 4, H}, 7), normal({5, H}, 8), normal({5, H}, 9), 1e-10);
  }
  check_against_plain(random_input(1, 1, 1, 1), normal({1, 1, 1}, 7), normal({1, 1}, 8), normal({1, 1}, 9),
                      1e-12);
  check_against_plain(random_input(3, 4, 2, 8, DType::f32), normal({3, 4, 8}, 7, DType::f32),
                      normal({3, 8}, 8, DType::f32), normal({3, 8}, 9, DType::f32), 2e-4);
}

TEST_CASE("lstm: a batch cut into pieces, and time into several products, agrees with the equations") {
  LstmInput in = random_input(70, 13, 5, 48);
  in.wh = in.wh.clone();
  scale(in.wh, 0.1);  // keeps the states from saturating
  std::vector<std::int32_t> lengths(70);
  for (std::size_t b = 0; b < lengths.size(); ++b) lengths[b] = static_cast<std::int32_t>(b * 5 % 14);
  const Tensor dhs = normal({70, 13, 48}, 7), dh = normal({70, 48}, 8), dc = normal({70, 48}, 9);
  check_against_plain(in, dhs, dh, dc, 1e-9);
  in.lengths = Tensor::of(lengths, {70});
  check_against_plain(in, dhs, dh, dc, 1e-9);
}

TEST_CASE("lstm: dropout of the state agrees with the equations, for few sequences, more, and in pieces") {
  const auto check = [](LstmInput in, double tolerance) {
    const std::int64_t B = in.x.extent(0), H = in.wh.extent(0);
    Rng rng(10);
    in.h_factors = dropout_factors({B, H}, 0.4, rng, DType::f64);
    in.wh = in.wh * 0.3;  // keeps the states from saturating
    std::vector<std::int32_t> lengths(static_cast<std::size_t>(B));
    for (std::size_t b = 0; b < lengths.size(); ++b)
      lengths[b] = static_cast<std::int32_t>(b * 5 % static_cast<std::size_t>(in.x.extent(1) + 1));
    const Tensor dhs = normal({B, in.x.extent(1), H}, 7), dh = normal({B, H}, 8), dc = normal({B, H}, 9);
    check_against_plain(in, dhs, dh, dc, tolerance);
    in.lengths = Tensor::of(lengths, {B});
    check_against_plain(in, dhs, dh, dc, tolerance);
    in.h0 = in.c0 = Tensor();
    in.h_factors = strided(in.h_factors);
    check_against_plain(in, dhs, dh, dc, tolerance);
  };
  for (const std::int64_t H : {1, 3, 8, 17}) {
    INFO(H);
    check(random_input(3, 4, 3, H), 1e-10);
    check(random_input(9, 4, 3, H), 1e-10);
  }
  check(random_input(70, 13, 5, 48), 1e-9);
}

TEST_CASE("lstm: gradients that are undefined count as zero") {
  const LstmInput in = random_input(5, 4, 3, 6);
  check_against_plain(in, normal({5, 4, 6}, 7), {}, {}, 1e-11);
  check_against_plain(in, {}, normal({5, 6}, 8), {}, 1e-11);
  check_against_plain(in, {}, {}, normal({5, 6}, 9), 1e-11);
}

TEST_CASE("lstm: sequences end at their lengths, 0 included") {
  LstmInput in = random_input(5, 4, 3, 6);
  in.lengths = kLengths;
  check_against_plain(in, normal({5, 4, 6}, 7), normal({5, 6}, 8), normal({5, 6}, 9), 1e-11);
  const LstmResult result = lstm_forward(in);
  CHECK(result.hs.select(0, 1).to_vector() == Values(24, 0.0));
  CHECK(identical(result.h.select(0, 1), in.h0.select(0, 1)));
  CHECK(identical(result.c.select(0, 1), in.c0.select(0, 1)));
  CHECK(identical(result.h.select(0, 3), result.hs.select(0, 3).select(0, 2)));
  LstmInput same = in;
  same.lengths = strided(in.lengths);
  CHECK(identical(lstm_forward(same).hs, result.hs));
}

TEST_CASE("lstm: what stands in the padding changes no bit of any value or gradient") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    LstmInput in = random_input(5, 4, 3, 9, dtype);
    in.lengths = kLengths;
    Tensor dhs = normal({5, 4, 9}, 7, dtype);
    const auto run = [&] {
      return lstm_backward(in, lstm_forward(in), dhs, normal({5, 9}, 8, dtype), normal({5, 9}, 9, dtype));
    };
    const LstmResult clean = lstm_forward(in);
    const LstmGradients before = run();
    for (std::int64_t b = 0; b < 5; ++b) {
      const std::int64_t length = kLengths.data<std::int32_t>()[b];
      in.x.select(0, b).slice(0, length, 4).fill(NAN);
      dhs.select(0, b).slice(0, length, 4).fill(1e6);
      CHECK(before.dx.select(0, b).slice(0, length, 4).to_vector() ==
            Values(static_cast<std::size_t>((4 - length) * 3), 0.0));
    }
    const LstmResult dirty = lstm_forward(in);
    const LstmGradients after = run();
    CHECK(identical(clean.hs, dirty.hs));
    CHECK(identical(clean.h, dirty.h));
    CHECK(identical(clean.c, dirty.c));
    CHECK(identical(before.dx, after.dx));
    CHECK(identical(before.dh0, after.dh0));
    CHECK(identical(before.dc0, after.dc0));
    CHECK(identical(before.dwx, after.dwx));
    CHECK(identical(before.dwh, after.dwh));
    CHECK(identical(before.dbias, after.dbias));
  }
}

TEST_CASE("lstm: initial states that are undefined are zeros") {
  LstmInput in = random_input(5, 4, 3, 6);
  in.h0 = Tensor::zeros({5, 6}, DType::f64);
  in.c0 = Tensor::zeros({5, 6}, DType::f64);
  const Tensor dhs = normal({5, 4, 6}, 7);
  const LstmResult zeros = lstm_forward(in);
  const LstmGradients expected = lstm_backward(in, zeros, dhs, {}, {});
  in.h0 = in.c0 = Tensor();
  const LstmResult undefined = lstm_forward(in);
  CHECK(largest_difference(zeros.hs, undefined.hs) <= 1e-14);  // the bias is added in another order
  CHECK(largest_difference(zeros.c, undefined.c) <= 1e-14);
  const LstmGradients got = lstm_backward(in, undefined, dhs, {}, {});
  CHECK_FALSE(got.dh0.defined());
  CHECK(largest_difference(expected.dx, got.dx) <= 1e-12);
  CHECK(largest_difference(expected.dwh, got.dwh) <= 1e-12);
  check_against_plain(in, dhs, {}, {}, 1e-11);
}

TEST_CASE("lstm: takes views of any strides") {
  const LstmInput in = random_input(4, 3, 2, 5);
  LstmInput views = in;
  for (Tensor* const part : {&views.x, &views.h0, &views.c0, &views.wx, &views.wh, &views.bias})
    *part = strided(*part);
  const Tensor dhs = normal({4, 3, 5}, 7), dh = normal({4, 5}, 8);
  const LstmResult a = lstm_forward(in), b = lstm_forward(views);
  CHECK(largest_difference(a.hs, b.hs) <= 1e-14);
  const LstmGradients da = lstm_backward(in, a, dhs, dh, dh),
                      db = lstm_backward(views, b, strided(dhs), strided(dh), strided(dh));
  CHECK(largest_difference(da.dx, db.dx) <= 1e-13);
  CHECK(largest_difference(da.dwx, db.dwx) <= 1e-13);
  CHECK(largest_difference(da.dc0, db.dc0) <= 1e-13);
}

TEST_CASE("lstm: no sequences, no steps, no inputs and no units") {
  LstmInput in = random_input(0, 4, 3, 6);
  CHECK(lstm_forward(in).hs.shape() == Shape{0, 4, 6});
  CHECK(lstm_backward(in, lstm_forward(in), {}, {}, {}).dwx.to_vector() == Values(72, 0.0));
  in = random_input(2, 0, 3, 6);
  const LstmResult none = lstm_forward(in);
  CHECK(identical(none.h, in.h0));
  const Tensor dh = normal({2, 6}, 8), dc = normal({2, 6}, 9);
  const LstmGradients through = lstm_backward(in, none, {}, dh, dc);
  CHECK(identical(through.dh0, dh));
  CHECK(identical(through.dc0, dc));
  CHECK(through.dbias.to_vector() == Values(24, 0.0));
  check_against_plain(random_input(2, 3, 0, 6), normal({2, 3, 6}, 7), {}, {}, 1e-12);
  in = random_input(2, 3, 4, 0);
  CHECK(lstm_backward(in, lstm_forward(in), {}, {}, {}).dx.to_vector() == Values(24, 0.0));
}

TEST_CASE("lstm: operands that do not fit are told with what was required") {
  const auto complaint = [](auto change) {
    LstmInput in = random_input(2, 3, 4, 5);
    change(in);
    return thrown<Error>([&] { lstm_forward(in); });
  };
  CHECK(complaint([](LstmInput& in) {
          in.wx = Tensor::ones({3, 20}, DType::f64);
        }) ==
        "ShapeError: lstm: x is [2, 3, 4], Wx is [3, 20], Wh is [5, 20], bias is [20]\n"
        "  requires Wx [D, 4H] with D == x.shape[-1]\n"
        "  x: a tensor    Wx: a tensor    Wh: a tensor");
  CHECK_THAT(complaint([](LstmInput& in) { in.x = in.x.select(0, 0); }),
             ContainsSubstring("requires x [B, T, D]"));
  CHECK_THAT(complaint([](LstmInput& in) { in.wh = in.wx; }), ContainsSubstring("requires Wh [H, 4H]"));
  CHECK_THAT(complaint([](LstmInput& in) { in.bias = in.bias.slice(0, 0, 5); }),
             ContainsSubstring("requires bias [4H]"));
  CHECK(complaint([](LstmInput& in) { in.h_factors = in.h0.select(0, 0); }) ==
        "ShapeError: lstm: h_factors is [5]\n  requires [2, 5]");
  CHECK(complaint([](LstmInput& in) { in.c0 = in.wx; }) ==
        "ShapeError: lstm: an initial state is [4, 20]\n  requires [2, 5]");
  CHECK(first_line(complaint([](LstmInput& in) { in.h0 = in.h0.to(DType::f32); })) ==
        "DTypeError: lstm: element types differ: a is f64, b is f32");
  CHECK(complaint([](LstmInput& in) {
          in.lengths = Tensor::of({1, 4}, {2}, DType::i32);
        }) == "IndexError: lstm: length 4 of sequence 1 is outside the 3 steps");
  CHECK_THAT(complaint([](LstmInput& in) {
               in.lengths = Tensor::of({-1, 2}, {2}, DType::i32);
             }),
             ContainsSubstring("length -1 of sequence 0"));
  CHECK(complaint([](LstmInput& in) { in.lengths = Tensor::ones({3}, DType::i32); }) ==
        "ShapeError: lstm: lengths are i32 [3]\n  requires i32 [2]");
  const LstmInput in = random_input(2, 3, 4, 5);
  CHECK(thrown<ShapeError>([&] {
          lstm_backward(in, lstm_forward(in), {}, Tensor::ones({5}, DType::f64), {});
        }) == "ShapeError: lstm_backward: dh is [5]\n  requires [2, 5]");
}

TEST_CASE("lstm: the same bits at any number of threads, for batches that are cut") {
  LstmInput in = random_input(100, 6, 5, 40, DType::f32);
  const Tensor dhs = normal({100, 6, 40}, 7, DType::f32);
  const auto backward = [&] { return lstm_backward(in, lstm_forward(in), dhs, {}, {}); };
  CHECK(all_same(on_any_threads([&] { return lstm_forward(in).hs; })));
  CHECK(all_same(on_any_threads([&] { return backward().dx; })));
  CHECK(all_same(on_any_threads([&] { return backward().dwh; })));
  CHECK(all_same(on_any_threads([&] { return backward().dh0; })));
}

}  // namespace
}  // namespace heed::tests
