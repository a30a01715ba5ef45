// The table of kernels: raw pointers and extents in, no tensors, no errors, no allocation, no threads.
//
// Every variant (reference, portable, avx2, avx512) fills one Table. Extents and strides are in elements. A
// kernel computes its result in an order that depends on its arguments only, so that work cut the same way
// gives the same bits. Callers have checked everything: kernels trust their arguments.
#pragma once

#include <cstdint>

namespace heed::kernels {

enum class Unary : int {
  negate,
  absolute,
  sign,
  reciprocal,
  square,
  sqrt,
  exp,
  log,
  tanh,
  sigmoid,
  erf,
  relu,
  sin,
  cos,
  expm1,
  log1p
};
inline constexpr int kUnaryCount = 16;
enum class Binary : int {
  add,
  subtract,
  multiply,
  divide,
  minimum,
  maximum,
  power,
  tanh_gradient,     ///< a (1 - b²)
  sigmoid_gradient,  ///< a b (1 - b)
  relu_gradient      ///< a where b > 0, else 0
};
inline constexpr int kBinaryCount = 10;
enum class Compare : int { equal, not_equal, less, less_equal };
inline constexpr int kCompareCount = 4;

/// A matrix seen through strides: element (i, j) is at data[i * row_stride + j * column_stride].
template <class T>
struct MatrixView {
  T* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

/// Rows that a product is added to: row r at data + r * stride, for all rows the same one when the stride is 0;
/// null for zeros.
template <class T>
struct Start {
  const T* data = nullptr;
  std::int64_t stride = 0;
};

/// One step of an LSTM for `rows` sequences of a batch; gates in the order f, g, i, o (forget, candidate,
/// input, output), each `hidden` wide. Row r of an array starts at data + r * its stride; inside a row elements
/// are adjacent. Rows with lengths[r] <= step are padding (lengths may be null: no padding).
template <class T>
struct LstmForward {
  std::int64_t rows, hidden, step;
  const std::int32_t* lengths;
  T* gates;  ///< in: pre-activations; out: f, g, i, o after sigmoid, tanh, sigmoid, sigmoid
  std::int64_t gates_stride;
  const T* c_before;  ///< cell state before the step
  std::int64_t c_before_stride;
  T* c;  ///< out: f * c_before + g * i; on padding c_before
  T* h;  ///< out: o * tanh(c); on padding 0
  std::int64_t c_stride, h_stride;
};

/// The same step backwards. On padding the gate gradients are 0 and dc passes through unchanged.
template <class T>
struct LstmBackward {
  std::int64_t rows, hidden, step;
  const std::int32_t* lengths;
  const T* gates;  ///< activations kept by the forward step
  const T *c_before, *c;
  const T* dh;  ///< gradient of this step's h, complete
  T* dc;        ///< in: gradient of c from later steps; out: gradient of c_before
  T* dgates;    ///< out: gradient of the pre-activations
  std::int64_t gates_stride, c_before_stride, c_stride, dh_stride, dc_stride, dgates_stride;
};

/// One step of a GRU for `rows` sequences of a batch, when its products are done; rows, strides and padding as
/// for the LSTM. h = z a + (1 - z) b, where a is what the update gate z keeps and b the other of the old state
/// and the candidate.
template <class T>
struct GruForward {
  std::int64_t rows, hidden, step;
  const std::int32_t* lengths;
  bool keeps_state;               ///< z keeps the old state; else it takes the candidate
  T *update, *reset, *candidate;  ///< in: pre-activations; out: after sigmoid, sigmoid, tanh
  /// What is added to the candidate times the reset gate. Null: the candidate is complete, and `reset` is left
  /// alone.
  const T* recurrent;
  std::int64_t gates_stride;  ///< of these four
  const T* h_before;
  T* h;  ///< out; on padding 0
  std::int64_t h_before_stride, h_stride;
};

/// The same step backwards. On padding all that is written is 0.
template <class T>
struct GruBackward {
  std::int64_t rows, hidden, step;
  const std::int32_t* lengths;
  bool keeps_state;
  const T *update, *reset, *candidate, *recurrent;  ///< as the forward step leaves them
  const T* h_before;
  T* dh;  ///< in: gradient of this step's h, complete; out: what of it reaches h_before past the gates
  T *dupdate, *dcandidate;  ///< out: gradients of the pre-activations
  T *dreset, *drecurrent;   ///< out, unless `recurrent` is null
  std::int64_t gates_stride, h_before_stride, dh_stride, dgates_stride;
};

/// The reset gate of a GRU that multiplies the state before the product.
template <class T>
struct GruReset {
  std::int64_t rows, hidden;
  T* reset;  ///< in: pre-activation; out: r, after sigmoid
  T* h;      ///< in: state before the step; out: r h
  std::int64_t reset_stride, h_stride;
};

/// The same backwards.
template <class T>
struct GruResetBackward {
  std::int64_t rows, hidden;
  const T *reset, *h_before;
  T* dreset;  ///< in: gradient of r h; out: gradient of the pre-activation
  T* dh;      ///< what reaches h_before is added
  std::int64_t reset_stride, h_before_stride, dreset_stride, dh_stride;
};

/// One head of scaled dot-product attention. Row t of an array starts at data + t * its stride; inside a row
/// elements are adjacent.
template <class T>
struct AttentionHead {
  std::int64_t targets, sources;    ///< T, S; both at least 1
  std::int64_t width, value_width;  ///< of queries and keys, of values; both at least 1
  double scale;
  const T* q;
  const T* k;
  const T* v;
  std::int64_t q_stride, k_stride, v_stride;
  const std::uint8_t* attend;  ///< 0 where target t must not see source s; null when it sees all
  std::int64_t attend_row_stride, attend_column_stride;  ///< the second 1, or 0 for one byte a row
  T* scratch;                                            ///< attention_scratch() elements, aligned to 64 bytes
};

/// y = softmax(scale q kT) v over the sources attended to, and the logarithm of the softmax's denominator for
/// each target. A target with nothing to attend to gets y = 0 and log_sum = -infinity; a source that no target
/// attends to is not looked at.
template <class T>
struct AttentionForward {
  AttentionHead<T> head;
  T* y;
  std::int64_t y_stride;
  T* log_sum;  ///< [targets]
};

/// The same backwards: all of dq, dk and dv is written.
template <class T>
struct AttentionBackward {
  AttentionHead<T> head;
  const T* y;
  const T* dy;
  std::int64_t y_stride, dy_stride;
  const T* log_sum;
  T* dq;
  T* dk;
  T* dv;
  std::int64_t dq_stride, dk_stride, dv_stride;
};

/// One step of Adam or AdamW over n adjacent parameters (Kingma and Ba 2015; Loshchilov and Hutter 2019):
///   g = scale * gradient + l2 * p;   m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g²
///   p = p * shrink - step_size * m / (sqrt(v) * inverse_bias2 + epsilon)
template <class T>
struct AdamStep {
  std::int64_t n;
  T* p;
  const T* gradient;
  T* m;
  T* v;
  double scale, l2, beta1, beta2, step_size, inverse_bias2, epsilon, shrink;
};

/// The kernels of one element type.
template <class T>
struct Loops {
  // ---- element-wise; strides may be 0 (a broadcast operand) or negative; y may be x, a or b exactly
  // -------------
  using UnaryLoop = void (*)(std::int64_t n, const T* x, std::int64_t x_stride, T* y, std::int64_t y_stride);
  using BinaryLoop = void (*)(std::int64_t n, const T* a, std::int64_t a_stride, const T* b,
                              std::int64_t b_stride, T* y, std::int64_t y_stride);
  using CompareLoop = void (*)(std::int64_t n, const T* a, std::int64_t a_stride, const T* b,
                               std::int64_t b_stride, std::uint8_t* y, std::int64_t y_stride);
  UnaryLoop unary[kUnaryCount];        ///< relu(NaN) = NaN; sign(0) = 0
  BinaryLoop binary[kBinaryCount];     ///< minimum and maximum return NaN when either operand is NaN
  CompareLoop compare[kCompareCount];  ///< 1 or 0; as IEEE: comparisons with NaN are 0 but for not_equal
  /// y = a * x + y.
  void (*axpy)(std::int64_t n, T a, const T* x, std::int64_t x_stride, T* y, std::int64_t y_stride);

  // ---- reductions of one strided row; n >= 1
  // ----------------------------------------------------------------------
  T (*sum)(std::int64_t n, const T* x, std::int64_t stride);
  T (*maximum)(std::int64_t n, const T* x, std::int64_t stride);  ///< NaN when there is one
  T (*minimum)(std::int64_t n, const T* x, std::int64_t stride);
  T (*dot)(std::int64_t n, const T* a, std::int64_t a_stride, const T* b, std::int64_t b_stride);
  double (*sum_of_squares)(std::int64_t n, const T* x);  ///< adjacent elements, accumulated in double

  // ---- matrix product: C (m x n) = A (m x k) B (k x n), or C += A B with accumulate
  // -------------------------------- Any strides of A and B. C has column_stride 1. k = 0 gives C = 0 (or
  // leaves C with accumulate).
  void (*gemm)(std::int64_t m, std::int64_t n, std::int64_t k, const MatrixView<const T>& a,
               const MatrixView<const T>& b, const MatrixView<T>& c, bool accumulate);
  /// B laid out once for many products: `packed` holds gemm_packed_size(k, n) elements, aligned to 64 bytes.
  std::int64_t (*gemm_packed_size)(std::int64_t k, std::int64_t n);
  void (*gemm_pack)(std::int64_t k, std::int64_t n, const MatrixView<const T>& b, T* packed);
  /// C = A B added to `start`, which may be C itself.
  void (*gemm_packed)(std::int64_t m, std::int64_t n, std::int64_t k, const MatrixView<const T>& a,
                      const T* packed, const MatrixView<T>& c, Start<T> start);

  // ---- fused rows; rows are `n` adjacent elements, row r at r * n
  // ---------------------------------------------------
  /// y = softmax(x) along each row. Where `attend` is not null, elements with attend[r * attend_stride + j] ==
  /// 0 get weight 0 and take no part; a row with no element attended to is all 0. Rows of `attend` are
  /// attend_stride apart, 0 when all rows share one.
  void (*softmax)(std::int64_t rows, std::int64_t n, const T* x, const std::uint8_t* attend,
                  std::int64_t attend_stride, T* y);
  /// dx = y * (dy - sum(dy * y)) along each row. Here and below, columns of dy have stride 1, or 0: one number
  /// for the whole row.
  void (*softmax_backward)(std::int64_t rows, std::int64_t n, const T* y, MatrixView<const T> dy, T* dx);
  /// y = x - log(sum(exp(x))) along each row.
  void (*log_softmax)(std::int64_t rows, std::int64_t n, const T* x, T* y);
  /// dx = dy - exp(y) * sum(dy) along each row.
  void (*log_softmax_backward)(std::int64_t rows, std::int64_t n, const T* y, MatrixView<const T> dy, T* dx);
  /// loss[r] = log(sum(exp(x[r]))) - x[r][target[r]], and probabilities[r] = softmax(x[r]);
  /// rows with target[r] == ignored get loss 0. The same row without a loss is left unwritten in
  /// `probabilities`.
  void (*cross_entropy)(std::int64_t rows, std::int64_t n, const T* x, const std::int32_t* target,
                        std::int32_t ignored, T* loss, T* probabilities);
  /// dx[r] = scale[r * scale_stride] * (probabilities[r] - onehot(target[r])); 0 on ignored rows.
  void (*cross_entropy_backward)(std::int64_t rows, std::int64_t n, const T* probabilities,
                                 const std::int32_t* target, std::int32_t ignored, const T* scale,
                                 std::int64_t scale_stride, T* dx);
  /// y = (x - mean) * rstd * gain + bias along each row; mean and rstd (1 / sqrt(variance + epsilon)) are kept.
  void (*layer_norm)(std::int64_t rows, std::int64_t n, const T* x, const T* gain, const T* bias,
                     double epsilon, T* y, T* mean, T* rstd);
  /// dx of each row; dgain and dbias (n each) are added to, row after row.
  void (*layer_norm_backward)(std::int64_t rows, std::int64_t n, const T* x, const T* gain, const T* mean,
                              const T* rstd, MatrixView<const T> dy, T* dx, T* dgain, T* dbias);

  void (*lstm_forward)(const LstmForward<T>& step);
  void (*lstm_backward)(const LstmBackward<T>& step);
  void (*gru_forward)(const GruForward<T>& step);
  void (*gru_backward)(const GruBackward<T>& step);
  void (*gru_reset)(const GruReset<T>& step);
  void (*gru_reset_backward)(const GruResetBackward<T>& step);
  void (*adam)(const AdamStep<T>& step);

  // ---- attention, head by head
  std::int64_t (*attention_scratch)(std::int64_t targets, std::int64_t sources, std::int64_t width,
                                    std::int64_t value_width);
  void (*attention)(const AttentionForward<T>& forward);
  void (*attention_backward)(const AttentionBackward<T>& backward);
};

/// All kernels of one variant.
struct Table {
  const char* name;
  Loops<float> f32;
  Loops<double> f64;
};

}  // namespace heed::kernels
