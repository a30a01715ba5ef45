#include "tests/autograd/op_table.h"

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "tests/autograd/op_rows.h"

namespace heed::tests {
namespace {

// ---- recurrent cells: operands x, wx, wh, bias, then the states that a row has

std::vector<Input> recurrent_inputs(std::int64_t batch, std::int64_t time, std::int64_t width,
                                    std::int64_t hidden, std::int64_t gates, int states) {
  std::vector<Input> inputs{
      {{batch, time, width}}, {{width, gates * hidden}}, {{hidden, gates * hidden}}, {{gates * hidden}}};
  for (int i = 0; i < states; ++i) inputs.push_back({{batch, hidden}});
  return inputs;
}

Var or_none(In in, std::size_t i) { return i < in.size() ? in[i] : Var(); }

// Factors of dropout for two units of three sequences, in the type of the row's inputs.
Tensor factors(In in) { return Tensor::of({2, 0, 0.5, 1, 0, 3}, {3, 2}, in[0].dtype()); }

Outputs run_lstm(In in, const Tensor& lengths, const Tensor& h_factors = {}) {
  const LstmOutput out =
      lstm(in[0], {or_none(in, 4), or_none(in, 5)}, {in[1], in[2], in[3]}, lengths, h_factors);
  return {out.hs, out.state.h, out.state.c};
}

Outputs run_rnn(In in, RnnActivation activation, const Tensor& lengths, const Tensor& h_factors = {}) {
  const RecurrentOutput out = rnn(in[0], or_none(in, 4), {in[1], in[2], in[3]}, activation, lengths, h_factors);
  return {out.hs, out.state};
}

// With a recurrent bias behind the state.
Outputs run_gru(In in, const GruVariant& variant, const Tensor& lengths, const Tensor& h_factors = {}) {
  const GruWeights weights{in[1], in[2], in[3], or_none(in, 5)};
  const RecurrentOutput out = gru(in[0], or_none(in, 4), weights, variant, lengths, h_factors);
  return {out.hs, out.state};
}

// add(variant, inputs, lengths) for each extent that may be 0: without lengths, and with whole ones.
template <class Add>
void for_each_empty(std::int64_t gates, int states, Add add) {
  for (const bool padded : {false, true}) {
    const auto lengths = [&](std::int64_t batch, double time) {
      return padded ? Tensor::full({batch}, time, DType::i32) : Tensor();
    };
    add("no sequences", recurrent_inputs(0, 3, 2, 2, gates, states), lengths(0, 3));
    add("no steps", recurrent_inputs(2, 0, 2, 2, gates, states), lengths(2, 0));
    add("nothing in a step", recurrent_inputs(2, 3, 0, 2, gates, states), lengths(2, 3));
    add("no units", recurrent_inputs(2, 3, 2, 0, gates, states), lengths(2, 3));
  }
}

void add_arithmetic(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add("operator+", "same shapes", {{{2, 3}}, {{2, 3}}}, [](In in) { return Outputs{in[0] + in[1]}; });
  add("operator+", "broadcast both ways", {{{2, 1, 3}}, {{4, 1}}},
      [](In in) { return Outputs{in[0] + in[1]}; });
  add("operator+", "a scalar operand", {{{2, 3}}, {{}}}, [](In in) { return Outputs{in[0] + in[1]}; });
  add("operator+", "empty", {{{0, 3}}, {{3}}}, [](In in) { return Outputs{in[0] + in[1]}; });
  add("operator+", "one Var twice", {{{3}}}, [](In in) { return Outputs{in[0] + in[0]}; });
  add("operator+", "with a number", {{{3}}}, [](In in) { return Outputs{in[0] + 2.0, 3.0 + in[0]}; });
  add_unary(
      rows, "operator-", -1, 1, [](const Var& x) { return -x; }, "negated");
  add_binary(rows, "operator-", {{}}, {{}}, [](const Var& a, const Var& b) { return a - b; });
  add("operator-", "with a number", {{{3}}}, [](In in) { return Outputs{in[0] - 2.0, 3.0 - in[0]}; });
  add_binary(rows, "operator*", {{}}, {{}}, [](const Var& a, const Var& b) { return a * b; });
  add("operator*", "one Var twice", {{{3}}}, [](In in) { return Outputs{in[0] * in[0]}; });
  add("operator*", "with a number", {{{3}}}, [](In in) { return Outputs{in[0] * 2.0, 3.0 * in[0]}; });
  add("operator*", "over a transposed view", {{{2, 3}}, {{3, 2}}},
      [](In in) { return Outputs{transpose(in[0]) * in[1]}; });
  add_binary(rows, "operator/", {{}}, {{}, 2, 0.5}, [](const Var& a, const Var& b) { return a / b; });
  add("operator/", "with a number", {apart_from_zero({4}, 0.5, 2)}, [](In in) {
    return Outputs{in[0] / 4.0, 3.0 / in[0]};
  });
  add_unary(rows, "exp", -2, 2, [](const Var& x) { return exp(x); });
  add_unary(rows, "log", 0.3, 3, [](const Var& x) { return log(x); });
  add_unary(rows, "sqrt", 0.3, 3, [](const Var& x) { return sqrt(x); });
  add_unary(rows, "square", -2, 2, [](const Var& x) { return square(x); });
  add_unary(rows, "tanh", -2, 2, [](const Var& x) { return tanh(x); });
  add_unary(rows, "sigmoid", -3, 3, [](const Var& x) { return sigmoid(x); });
  add_binary(rows, "tanh_gradient", {{}}, {{}},
             [](const Var& dy, const Var& y) { return tanh_gradient(dy, y); });
  add_binary(rows, "sigmoid_gradient", {{}}, {{}},
             [](const Var& dy, const Var& y) { return sigmoid_gradient(dy, y); });
  add_unary(
      rows, "relu_gradient", -1, 1,
      [](const Var& dy) {
        return relu_gradient(square(dy), Var(Tensor::of({2, -1, 0, 1, 3, -2}, {2, 1, 3}, dy.dtype())));
      },
      "y broadcasts and needs no gradient");
  add_unary(rows, "erf", -2, 2, [](const Var& x) { return erf(x); });
  add_unary(rows, "gelu", -3, 3, [](const Var& x) { return gelu(x); });
  add_unary(rows, "gelu_tanh", -3, 3, [](const Var& x) { return gelu_tanh(x); });
  add_unary(rows, "silu", -3, 3, [](const Var& x) { return silu(x); });
  add_unary(rows, "softplus", -4, 4, [](const Var& x) { return softplus(x); });
  add("binary_cross_entropy", "targets 0, 1 and between", {{{2, 3}, -4, 4}}, [](In in) {
    return Outputs{binary_cross_entropy(in[0], Tensor::of({0, 1, 0.3, 1, 0, 0.8}, {2, 3}, in[0].dtype()))};
  });
  add_unary(rows, "relu", 2, 0.1, [](const Var& x) { return relu(x) * x; });
  add_binary(rows, "where", {{}}, {{}}, [](const Var& x, const Var& y) {
    return where(mask_of({1, 0, 0, 1, 1, 0}, {2, 1, 3}), x, square(y));
  });
  add("dropout", "the same factors each time", {{{4, 5}}}, [](In in) {
    Rng rng(3);
    return Outputs{dropout(in[0], 0.4, rng)};
  });
  add("variational_dropout", "the same factors at each step", {{{2, 3, 5}}}, [](In in) {
    Rng rng(4);
    return Outputs{variational_dropout(in[0], 0.4, rng)};
  });
  add("dropout", "probability 0", {{{4}}}, [](In in) {
    Rng rng(3);
    return Outputs{dropout(in[0], 0, rng) * in[0]};
  });
}

void add_rows_and_products(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add("embedding", "an id twice, an id never", {{{4, 3}}}, [](In in) {
    return Outputs{embedding(square(in[0]), positions({2, 0, 2, 3}, {2, 2}))};
  });
  add("embedding", "no ids", {{{4, 3}}}, [](In in) { return Outputs{embedding(in[0], positions({}, {0}))}; });
  add("select_rows", "an id twice, an id never", {{{4, 2, 3}}}, [](In in) {
    return Outputs{select_rows(square(in[0]), positions({2, 0, 2}, {3}))};
  });
  add("scatter_rows", "an id twice, an id never", {{{2, 2, 3}}}, [](In in) {
    return Outputs{scatter_rows(square(in[0]), positions({2, 0, 2, 3}, {2, 2}), 5)};
  });
  add("layer_norm", "a batch", {{{2, 3, 5}}, {{5}}, {{5}}},
      [](In in) { return Outputs{layer_norm(in[0], in[1], in[2])}; });
  add("layer_norm", "one row", {{{4}}, {{4}}, {{4}}},
      [](In in) { return Outputs{layer_norm(in[0], in[1], in[2], 1e-2)}; });
  add("layer_norm", "only the gain is trained", {{{4}}}, [](In in) {
    return Outputs{layer_norm(Var(Tensor::arange(8, in[0].dtype()).reshape({2, 4})), in[0],
                              Var(Tensor::ones({4}, in[0].dtype())))};
  });
  add("rms_norm", "a batch", {{{2, 3, 5}}, {{5}}}, [](In in) { return Outputs{rms_norm(in[0], in[1])}; });
  add("rms_norm", "one row, one width", {{{1}}, {{1}}},
      [](In in) { return Outputs{rms_norm(in[0], in[1], 1e-1)}; });
  add("rms_norm", "no rows", {{{0, 3}}, {{3}}}, [](In in) { return Outputs{rms_norm(in[0], in[1])}; });
  add("matmul", "two matrices", {{{2, 3}}, {{3, 4}}}, [](In in) { return Outputs{matmul(in[0], in[1])}; });
  add("matmul", "leading axes broadcast", {{{2, 1, 2, 3}}, {{4, 3, 2}}},
      [](In in) { return Outputs{matmul(in[0], in[1])}; });
  add("matmul", "a batch times one matrix", {{{3, 2, 3}}, {{3, 2}}},
      [](In in) { return Outputs{matmul(in[0], in[1])}; });
  add("matmul", "transposed views", {{{3, 2}}, {{4, 3}}},
      [](In in) { return Outputs{matmul(transpose(in[0]), transpose(in[1]))}; });
  add("matmul", "one Var twice", {{{3, 3}}}, [](In in) { return Outputs{matmul(in[0], in[0])}; });
  add("matmul", "inner extent 0", {{{2, 0}}, {{0, 3}}, {{3}}},
      [](In in) { return Outputs{matmul(in[0], in[1]) * in[2]}; });
  add("matmul_transposed", "two matrices", {{{2, 3}}, {{4, 3}}},
      [](In in) { return Outputs{matmul_transposed(in[0], in[1])}; });
  add("matmul_transposed", "leading axes broadcast", {{{2, 1, 2, 3}}, {{4, 2, 3}}},
      [](In in) { return Outputs{matmul_transposed(in[0], in[1])}; });
  add("matmul_transposed", "a batch times one matrix", {{{3, 2, 3}}, {{2, 3}}},
      [](In in) { return Outputs{matmul_transposed(in[0], in[1])}; });
  add("matmul_transposed", "transposed views, one Var twice", {{{3, 2}}, {{3, 4}}}, [](In in) {
    return Outputs{matmul_transposed(transpose(in[0]), transpose(in[1])), matmul_transposed(in[0], in[0])};
  });
  add("matmul_transposed", "inner extent 0", {{{2, 0}}, {{3, 0}}, {{3}}},
      [](In in) { return Outputs{matmul_transposed(in[0], in[1]) * in[2]}; });
  add("transposed_matmul", "two matrices", {{{3, 2}}, {{3, 4}}},
      [](In in) { return Outputs{transposed_matmul(in[0], in[1])}; });
  add("transposed_matmul", "leading axes broadcast", {{{2, 1, 3, 2}}, {{4, 3, 2}}},
      [](In in) { return Outputs{transposed_matmul(in[0], in[1])}; });
  add("transposed_matmul", "transposed views, one Var twice", {{{2, 3}}, {{4, 3}}}, [](In in) {
    return Outputs{transposed_matmul(transpose(in[0]), transpose(in[1])), transposed_matmul(in[0], in[0])};
  });
  add("transposed_matmul", "inner extent 0", {{{0, 2}}, {{0, 3}}, {{3}}},
      [](In in) { return Outputs{transposed_matmul(in[0], in[1]) * in[2]}; });
  add("as_rows", "", {{{2, 3, 4}}}, [](In in) { return Outputs{square(as_rows(in[0]))}; });
  add("factor_gradient", "of one matrix for a batch, and of one each", {{{2, 4, 3}}, {{2, 4, 2}}}, [](In in) {
    return Outputs{factor_gradient(2, in[0], in[1]), factor_gradient(3, in[0], in[1])};
  });
  add("linear", "a batch of sequences", {{{2, 3, 4}}, {{4, 5}}, {{5}}},
      [](In in) { return Outputs{linear(in[0], in[1], in[2])}; });
  add("linear", "one row, no bias", {{{4}}, {{4, 2}}},
      [](In in) { return Outputs{linear(in[0], in[1], Var())}; });
  add("linear", "no rows", {{{0, 4}}, {{4, 2}}, {{2}}},
      [](In in) { return Outputs{linear(in[0], in[1], in[2])}; });
}

void add_lstm(std::vector<OpRow>& rows) {
  rows.push_back({"lstm", "zero initial state", recurrent_inputs(2, 3, 2, 2, 4, 0),
                  [](In in) { return run_lstm(in, Tensor()); }});
  rows.push_back({"lstm", "initial state and padding", recurrent_inputs(3, 3, 2, 2, 4, 2), [](In in) {
                    return run_lstm(in, positions({2, 3, 0}, {3}));
                  }});
  rows.push_back({"lstm", "dropout of the state, and padding", recurrent_inputs(3, 3, 2, 2, 4, 2), [](In in) {
                    return run_lstm(in, positions({2, 3, 0}, {3}), factors(in));
                  }});
  rows.push_back({"lstm", "one step, one row", recurrent_inputs(1, 1, 1, 1, 4, 2),
                  [](In in) { return run_lstm(in, Tensor()); }});
  rows.push_back({"lstm", "only the last state is used", recurrent_inputs(2, 2, 1, 2, 4, 0), [](In in) {
                    return Outputs{run_lstm(in, positions({1, 2}, {2}))[1]};
                  }});
  for_each_empty(4, 2, [&](const char* variant, std::vector<Input> inputs, const Tensor& lengths) {
    rows.push_back({"lstm", variant, std::move(inputs), [=](In in) { return run_lstm(in, lengths); }});
  });
}

void add_rnn(std::vector<OpRow>& rows) {
  rows.push_back({"rnn", "zero initial state", recurrent_inputs(2, 3, 2, 2, 1, 0),
                  [](In in) { return run_rnn(in, RnnActivation::tanh, Tensor()); }});
  rows.push_back({"rnn", "initial state and padding", recurrent_inputs(3, 3, 2, 2, 1, 1), [](In in) {
                    return run_rnn(in, RnnActivation::tanh, positions({2, 3, 0}, {3}));
                  }});
  rows.push_back({"rnn", "dropout of the state, and padding", recurrent_inputs(3, 3, 2, 2, 1, 1), [](In in) {
                    return run_rnn(in, RnnActivation::tanh, positions({2, 3, 0}, {3}), factors(in));
                  }});
  // Sums of at least 0.1 in size: positive in the first unit, negative in the second.
  std::vector<Input> away = recurrent_inputs(3, 2, 1, 2, 1, 1);
  for (Input& input : away) input.low = 0.05, input.high = 0.3;
  rows.push_back({"rnn", "max(0, .), a unit that is off", std::move(away), [](In in) {
                    const Var signs(Tensor::of({1, -2}, {2}, in[3].dtype()));
                    return run_rnn(std::array{in[0], in[1], in[2], in[3] + signs, in[4]}, RnnActivation::relu,
                                   positions({2, 1, 0}, {3}));
                  }});
  rows.push_back({"rnn", "one step, one row", recurrent_inputs(1, 1, 1, 1, 1, 1),
                  [](In in) { return run_rnn(in, RnnActivation::tanh, Tensor()); }});
  for_each_empty(1, 1, [&](const char* variant, std::vector<Input> inputs, const Tensor& lengths) {
    rows.push_back(
        {"rnn", variant, std::move(inputs), [=](In in) { return run_rnn(in, RnnActivation::tanh, lengths); }});
  });
}

void add_gru(std::vector<OpRow>& rows) {
  for (const bool after : {true, false})
    for (const bool keeps : {true, false}) {
      const GruVariant variant{after ? ResetGate::after_product : ResetGate::before_product,
                               keeps ? UpdateGate::keeps_state : UpdateGate::takes_candidate};
      const auto add = [&](const char* name, const std::vector<Input>& inputs, const Tensor& lengths,
                           bool drops = false) {
        rows.push_back({"gru", name, inputs,
                        [=](In in) { return run_gru(in, variant, lengths, drops ? factors(in) : Tensor()); }});
      };
      add(after ? "reset after the product, no state" : "reset before the product, no state",
          recurrent_inputs(2, 3, 2, 2, 3, 0), Tensor());
      std::vector<Input> inputs = recurrent_inputs(3, 3, 2, 2, 3, 1);
      if (after) inputs.push_back({{2}});
      add(after ? "reset after the product, state and padding" : "reset before the product, state and padding",
          inputs, positions({2, 3, 0}, {3}));
      add(after ? "reset after the product, dropout" : "reset before the product, dropout", inputs,
          positions({2, 3, 0}, {3}), true);
      add("one step, one row", recurrent_inputs(1, 1, 1, 1, 3, 1), Tensor());
      for_each_empty(3, 1, add);
    }
}

void add_reductions_and_shapes(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add("sum", "all elements", {{{2, 3}}}, [](In in) { return Outputs{square(sum(in[0]))}; });
  add("sum", "an axis that disappears", {{{2, 3, 2}}}, [](In in) { return Outputs{square(sum(in[0], -2))}; });
  add("sum", "an axis that stays", {{{2, 3}}}, [](In in) { return Outputs{sum(square(in[0]), 1, true)}; });
  add("sum", "an empty axis", {{{2, 0}}, {{2}}}, [](In in) { return Outputs{sum(in[0], 1) * in[1]}; });
  add("mean", "all elements", {{{2, 3}}}, [](In in) { return Outputs{mean(square(in[0]))}; });
  add("mean", "an axis", {{{2, 3}}}, [](In in) {
    return Outputs{mean(square(in[0]), 0), mean(in[0], 1, true)};
  });
  add("reshape", "", {{{2, 6}}}, [](In in) { return Outputs{square(reshape(in[0], {3, -1}))}; });
  add("reshape", "of a transposed view", {{{2, 3}}},
      [](In in) { return Outputs{square(reshape(transpose(in[0]), {6}))}; });
  add("transpose", "other axes than the last two", {{{2, 3, 2}}},
      [](In in) { return Outputs{square(transpose(in[0], 0, -1))}; });
  add("permute", "a rotation", {{{2, 3, 4}}}, [](In in) {
    return Outputs{square(permute(in[0], {1, -1, 0}))};
  });
  add("slice", "with a step", {{{2, 7}}}, [](In in) { return Outputs{square(slice(in[0], 1, 1, 7, 3))}; });
  add("slice", "counted from the end", {{{5, 2}}},
      [](In in) { return Outputs{square(slice(in[0], 0, -3, -1))}; });
  add("slice", "empty", {{{3}}}, [](In in) { return Outputs{slice(in[0], 0, 3, 3)}; });
  add("unslice", "with a step", {{{2, 3}}}, [](In in) {
    return Outputs{square(unslice(in[0], {2, 8}, 1, 1, 3))};
  });
  add("unsqueeze", "at the end", {{{3}}}, [](In in) { return Outputs{square(unsqueeze(in[0], -1))}; });
  add("squeeze", "in the middle", {{{2, 1, 3}}}, [](In in) { return Outputs{square(squeeze(in[0], 1))}; });
  add("select", "from the end", {{{2, 3}}}, [](In in) { return Outputs{square(select(in[0], -1, -2))}; });
  add("concat", "unequal parts", {{{2, 1}}, {{2, 3}}}, [](In in) {
    return Outputs{square(concat({in[0], in[1]}, -1))};
  });
  add("concat", "an empty part, one Var twice", {{{0, 2}}, {{1, 2}}}, [](In in) {
    return Outputs{square(concat({in[1], in[0], in[1]}, 0))};
  });
  add("stack", "a new last axis", {{{3}}, {{3}}}, [](In in) {
    return Outputs{square(stack(std::array{in[0], in[1]}, -1))};
  });
  add("reverse_sequences", "some padded, one empty", {{{3, 4, 2}}}, [](In in) {
    return Outputs{square(reverse_sequences(in[0], positions({3, 4, 0}, {3})))};
  });
  add("reverse_sequences", "whole", {{{2, 3}}},
      [](In in) { return Outputs{square(reverse_sequences(in[0], Tensor()))}; });
  add("identity", "", {{{3}}}, [](In in) { return Outputs{square(identity(in[0]))}; });
  add("sum_to", "leading and inner axes", {{{2, 3, 2}}}, [](In in) {
    return Outputs{square(sum_to(in[0], {3, 1}))};
  });
  add("expand", "leading and inner axes", {{{3, 1}}}, [](In in) {
    return Outputs{square(expand(in[0], {2, 3, 2}))};
  });
}

void add_softmax(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add("softmax", "a batch", {{{2, 3, 4}, -2, 2}}, [](In in) { return Outputs{softmax(in[0])}; });
  add("softmax", "masked, one row with nothing to attend to", {{{2, 3, 4}, -2, 2}}, [](In in) {
    const Mask mask = Mask::attend(mask_of({1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0}, {3, 4}));
    return Outputs{softmax(in[0], mask)};
  });
  add("softmax", "one element", {{{2, 1}}, {{2, 1}}}, [](In in) { return Outputs{softmax(in[0]) * in[1]}; });
  add("log_softmax", "a batch", {{{2, 3, 4}, -2, 2}}, [](In in) { return Outputs{log_softmax(in[0])}; });
  const Tensor targets = positions({1, -1, 0, 3, 3, -1}, {2, 3});
  add("cross_entropy", "mean, some ignored", {{{2, 3, 4}, -2, 2}},
      [targets](In in) { return Outputs{cross_entropy(in[0], targets)}; });
  add("cross_entropy", "sum, another ignored id", {{{3, 4}, -2, 2}}, [](In in) {
    return Outputs{
        cross_entropy(in[0], positions({1, 2, 0}, {3}), {.ignored = 2, .reduction = Reduction::sum})};
  });
  add("cross_entropy", "one loss a position", {{{2, 3, 4}, -2, 2}},
      [targets](In in) { return Outputs{cross_entropy(in[0], targets, {.reduction = Reduction::none})}; });
  add("cross_entropy", "all ignored", {{{2, 4}, -2, 2}}, [](In in) {
    return Outputs{cross_entropy(in[0], positions({-1, -1}, {2}))};
  });
}

void add_attention(std::vector<OpRow>& rows) {
  const auto add = [&](const char* variant, std::vector<Input> inputs, const AttentionOptions& options) {
    rows.push_back({"attention", variant, std::move(inputs),
                    [options](In in) { return Outputs{attention(in[0], in[1], in[2], options)}; }});
  };
  add("heads, values of another width", {{{2, 2, 3, 2}}, {{2, 2, 4, 2}}, {{2, 2, 4, 3}}}, {});
  add("two matrices, a scale", {{{3, 2}}, {{4, 2}}, {{4, 1}}}, {.scale = -0.7});
  add("masked, one row with nothing to attend to", {{{2, 3, 2}}, {{2, 4, 2}}, {{2, 4, 2}}},
      {.mask = Mask::attend(mask_of({1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0}, {3, 4}))});
  add("an expanded mask", {{{2, 3, 2}}, {{2, 4, 2}}, {{2, 4, 2}}},
      {.mask = Mask::attend(mask_of({1, 0, 1, 1}, {4}).expand({2, 3, 4}))});
  rows.push_back(
      {"attention", "one Var as queries, keys and values, split into heads", {{{2, 3, 4}}}, [](In in) {
         const Var x = transpose(reshape(in[0], {2, 3, 2, 2}), 1, 2);  // [B, H, T, d]
         return Outputs{attention(x, x, x, {.mask = Mask::causal(3, 3)})};
       }});
  add("no sources", {{{3, 2}}, {{0, 2}}, {{0, 2}}}, {});
  add("a head of keys for two heads of queries", {{{2, 2, 2, 3, 2}}, {{2, 2, 1, 4, 2}}, {{2, 1, 4, 3}}},
      {.mask = Mask::causal(3, 4, 1)});
  rows.push_back(
      {"attention", "a bias", {{{2, 2, 3, 2}}, {{2, 2, 4, 2}}, {{2, 2, 4, 3}}, {{2, 1, 4}}}, [](In in) {
         return Outputs{attention(in[0], in[1], in[2], {.mask = Mask::causal(3, 4, 1), .bias = in[3]})};
       }});
}

}  // namespace

void add_addressing(std::vector<OpRow>& rows) {
  const Rows add{rows};
  add("cosine_similarity", "heads over the rows of each memory", {{{2, 2, 3}}, {{2, 4, 3}}},
      [](In in) { return Outputs{cosine_similarity(in[0], in[1])}; });
  add("cosine_similarity", "one Var as keys and rows, a large epsilon", {{{3, 2}}},
      [](In in) { return Outputs{cosine_similarity(in[0], in[0], 0.1)}; });
  add("cosine_similarity", "rows near 0", {{{2, 3}}, {{4, 3}, -1e-2, 1e-2}},
      [](In in) { return Outputs{cosine_similarity(in[0], in[1], 1e-3)}; });
  add("circular_convolution", "by -2 to 2 around a ring of 7", {{{2, 2, 7}}, {{2, 2, 5}}},
      [](In in) { return Outputs{circular_convolution(in[0], in[1])}; });
  add("circular_convolution", "more shifts than positions", {{{2}}, {{7}}},
      [](In in) { return Outputs{circular_convolution(in[0], in[1])}; });
  add("circular_correlation", "by -1 to 1", {{{2, 5}}, {{2, 3}}},
      [](In in) { return Outputs{circular_correlation(in[0], in[1])}; });
  add("circular_taps", "of a transposed view", {{{5, 2}}, {{2, 5}}},
      [](In in) { return Outputs{circular_taps(transpose(in[0]), in[1], 2)}; });
  add("sharpen", "heads with a gamma each", {{{2, 3, 4}, 0.1, 1}, {{2, 3, 1}, 1, 3}},
      [](In in) { return Outputs{sharpen(in[0], in[1])}; });
  add("sharpen", "one position", {{{2, 1}, 0.1, 1}, {{2, 1}, 1, 3}, {{2, 1}}},
      [](In in) { return Outputs{sharpen(in[0], in[1]) * in[2]}; });
}

std::vector<Var> draw_inputs(const OpRow& row, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Var> inputs;
  for (const Input& input : row.inputs) {
    std::vector<double> values(static_cast<std::size_t>(input.shape.count()));
    for (double& value : values)
      value = input.low <= input.high ? rng.uniform(input.low, input.high)
                                      : rng.uniform(input.high, input.low) * (rng.chance(0.5) ? 1 : -1);
    inputs.push_back(Var::parameter(Tensor::of(values, input.shape, DType::f64)));
  }
  return inputs;
}

const std::vector<OpRow>& op_table() {
  static const std::vector<OpRow> rows = [] {
    std::vector<OpRow> all;
    add_arithmetic(all);
    add_rows_and_products(all);
    add_gru(all);
    add_lstm(all);
    add_rnn(all);
    add_reductions_and_shapes(all);
    add_softmax(all);
    add_attention(all);
    add_addressing(all);
    add_elementwise(all);
    add_reductions_and_products(all);
    add_shapes_and_parts(all);
    add_extents(all);
    return all;
  }();
  return rows;
}

}  // namespace heed::tests
