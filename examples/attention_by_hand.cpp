// Self-attention by hand: three inputs attend to each other, in the eight steps of a well-known walk-through.
//
// Learnt: what keys, queries and values are, that attention is a softmax and two products, and that a gradient
// goes through all of it.
//
//   cmake --build build --target attention_by_hand && build/bin/attention_by_hand
//
// Prints each step's matrix and the outputs twice, with the weights as the walk-through rounds them and true:
//
//   outputs, rounded weights
//   [[2.0000, 7.0000, 1.5000],
//    [2.0000, 8.0000, 0.0000],
//    [2.0000, 7.8000, 0.3000]]  f64 [3, 3]
//
//   outputs
//   [[1.93662, 6.68311, 1.59507],
//    [1.99999, 7.96399, 0.05398],
//    [1.99970, 7.75989, 0.35839]]  f64 [3, 3]
//
// then a gradient and its check, "gradcheck passed: 12 elements compared". Takes a few milliseconds.
#include <cstdio>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "core/print.h"

using namespace heed;

namespace {

void show(const char* title, const Tensor& x, int digits = 4) {
  std::printf("%s\n%s\n\n", title, to_string(x, {.precision = digits}).c_str());
}

}  // namespace

int main() {
  // 1. Inputs: three of four numbers each. In f64, so that the gradient can be checked at the end.
  const Var x(Tensor::matrix({{1, 0, 1, 0}, {0, 2, 0, 2}, {1, 1, 1, 1}}, DType::f64));

  // 2. Parameters: three maps from 4 to 3. Usually random at first and then learnt.
  const Var w_key(Tensor::matrix({{0, 0, 1}, {1, 1, 0}, {0, 1, 0}, {1, 1, 0}}, DType::f64));
  const Var w_value(Tensor::matrix({{0, 2, 0}, {0, 3, 0}, {1, 0, 3}, {1, 1, 0}}, DType::f64));
  const Var w_query =
      Var::parameter(Tensor::matrix({{1, 0, 1}, {1, 0, 0}, {0, 0, 1}, {0, 1, 1}}, DType::f64), "w_query");

  // 3. What each input offers to be found by, what it looks for, and what it has to say.
  const Var keys = matmul(x, w_key), queries = matmul(x, w_query), values = matmul(x, w_value);  // [3, 3] each
  show("keys, a row an input", keys.value());
  show("queries", queries.value());
  show("values", values.value());

  // 4. Scores: how well each query (row) fits each key (column).
  const Var scores = matmul(queries, transpose(keys));
  show("scores", scores.value());

  // 5. Weights: each row made positive and to sum to 1.
  const Var weights = softmax(scores);
  show("weights, the softmax of each row of scores", weights.value());
  const Var rounded(Tensor::matrix({{0, 0.5, 0.5}, {0, 1, 0}, {0, 0.9, 0.1}}, DType::f64));
  show("the same as the walk-through rounds them", rounded.value());

  // 6. Weighted values [input, output, 3]: what each input says to each output.
  const auto weighted_values = [&](const Var& w) { return unsqueeze(values, 1) * unsqueeze(transpose(w), 2); };
  show("weighted values for output 1, rounded weights", weighted_values(rounded).value().select(1, 0));

  // 7. and 8. Their sums over the inputs: output 1, and in the same way 2 and 3.
  show("outputs, rounded weights", sum(weighted_values(rounded), 0).value());
  const Var outputs = sum(weighted_values(weights), 0);
  show("outputs", outputs.value(), 5);
  std::printf(
      "The two differ because the walk-through writes the weights with one digit or none, 0.4683 as 0.5 and "
      "0.0634\n"
      "as 0: what input 1 says to output 1 is lost. Nothing here divides the scores by the square root of the\n"
      "width, as a transformer does: large scores make softmax all but pick one input, as for output 2.\n\n");

  // Steps 6 to 8 are one product; so all of attention is:
  const auto attention = [&](const Var& w) {
    return matmul(softmax(matmul(matmul(x, w), transpose(keys))), values);
  };
  std::printf("as two products and a softmax, at most %g away\n\n",
              largest_difference(attention(w_query).value(), outputs.value()));

  // How the second number of output 1, 6.6831, changes with each element of w_query. Rows 2 and 4 are 0: there
  // input 1 has zeros, so those elements take no part in its query.
  const Var number = select(select(outputs, 0, 0), 0, 1);
  show("gradient of output 1's second number for w_query", grad(number, {w_query})[0].value());

  // No need to believe it: change each element a little and look.
  const GradcheckReport report =
      gradcheck([&](std::span<const Var> in) { return std::vector<Var>{attention(in[0])}; }, {&w_query, 1});
  std::printf("%s\n", to_string(report).c_str());
  return report ? 0 : 1;
}
