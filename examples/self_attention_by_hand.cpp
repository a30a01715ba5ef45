// Self-attention by hand: three inputs attend to each other, step by step, every number shown.
//
// Learnt: that attention is a softmax and two products; what keys, queries and values are for; what a rounded
// weight does to the outputs; why a transformer divides the scores by the square root of the width; and that a
// gradient goes through all of it.
//
//   cmake --build --preset release --target self_attention_by_hand && build/release/bin/self_attention_by_hand
//
// Prints four parts, each step's matrix under its name: (a) self-attention without parameters, (b) with keys,
// queries and values, in the eight steps of a well-known walk-through with the walk-through's numbers, (c) why
// it gets [2, 7, 1.5] where the true output is [1.93662, 6.6831, 1.59507]
//
//   output 1, rounded weights less true ones
//   [ 0.06338,  0.31689, -0.09507]  f64 [3]
//
// and (d) the same with scaled scores; then a gradient and its check, "gradcheck passed: 12 elements compared".
// Takes a few milliseconds.
#include <cmath>
#include <cstdio>

#include "autograd/backward.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "core/print.h"

using namespace heed;

namespace {

void show(const char* title, const Var& x, int digits = 4) {
  std::printf("%s\n%s\n\n", title, to_string(x.value(), {.precision = digits}).c_str());
}

Var matrix(std::initializer_list<std::initializer_list<double>> rows) {
  return Var(Tensor::matrix(rows, DType::f64));  // f64, so that the gradient can be checked at the end
}

// Three inputs of four numbers each.
Var inputs() { return matrix({{1, 0, 1, 0}, {0, 2, 0, 2}, {1, 1, 1, 1}}); }

// What comes out of the eight steps.
struct Attended {
  Var queries, keys, values;  // [3, 3] each, a row an input
  Var weights, outputs;       // [3, 3]
};

// (a) The weight of input j in output i comes from the inputs alone; nothing is learnt.
void without_parameters() {
  std::printf("---- (a) without parameters\n\n");
  const Var x = inputs();
  show("inputs x, one a row", x);
  const Var scores = matmul(x, transpose(x));
  show("scores: the inner product of each input with each, any number at all", scores);
  const Var weights = softmax(scores);
  show("weights: the softmax of each row, positive and with the sum 1", weights);
  show("outputs y_i = sum over j of w_ij x_j", matmul(weights, x));
  std::printf(
      "An input scores with itself by its squared length, here 2, 8 and 4, and the scores of i with j and of\n"
      "j with i are one number. So what an input looks for cannot differ from what it is found by: that takes\n"
      "two maps, and what it has to say takes a third.\n\n");
}

// (b) The eight steps, with a map each for what an input looks for, is found by, and says.
Attended eight_steps(const Var& w_query) {
  std::printf("---- (b) keys, queries and values in eight steps\n\n");
  // 1. Inputs.
  const Var x = inputs();
  // 2. Parameters: three maps from 4 to 3. Usually random at first and then learnt.
  const Var w_key = matrix({{0, 0, 1}, {1, 1, 0}, {0, 1, 0}, {1, 1, 0}});
  const Var w_value = matrix({{0, 2, 0}, {0, 3, 0}, {1, 0, 3}, {1, 1, 0}});

  // 3. What each input offers to be found by, what it looks for, and what it has to say.
  const Var keys = matmul(x, w_key), queries = matmul(x, w_query), values = matmul(x, w_value);  // [3, 3] each
  show("3. keys, a row an input", keys);
  show("   queries", queries);
  show("   values", values);

  // 4. Scores: how well each query (row) fits each key (column).
  const Var scores = matmul(queries, transpose(keys));
  show("4. scores; row 1 is input 1's", scores);

  // 5. Weights: each row made positive and to sum to 1.
  const Var weights = softmax(scores);
  show("5. weights", weights);

  // 6. Weighted values [input, output, 3]: what each input says to each output.
  const Var weighted_values = unsqueeze(values, 1) * unsqueeze(transpose(weights), 2);
  show("6. weighted values for output 1", select(weighted_values, 1, 0));

  // 7. and 8. Their sums over the inputs: output 1, and in the same way 2 and 3.
  const Var outputs = sum(weighted_values, 0);
  show("7. output 1", select(outputs, 0, 0), 5);
  show("8. all outputs", outputs, 5);
  std::printf("Steps 6 to 8 are one product, weights times values, at most %g away.\n\n",
              largest_difference(matmul(weights, values).value(), outputs.value()));
  return {queries, keys, values, weights, outputs};
}

// (c) The walk-through writes its weights with one digit or none before it goes on.
void rounding(const Attended& attended) {
  std::printf("---- (c) what rounding does\n\n");
  const Var rounded = matrix({{0, 0.5, 0.5}, {0, 1, 0}, {0, 0.9, 0.1}});
  show("weights as the walk-through rounds them", rounded);
  const Var outputs = matmul(rounded, attended.values);
  show("outputs with those: the walk-through's [2, 7, 1.5]", outputs);
  show("output 1, rounded weights less true ones", select(outputs - attended.outputs, 0, 0), 5);
  std::printf(
      "Row 1 of the weights is 0.0634, 0.4683, 0.4683. To one digit that is 0.1, 0.5, 0.5, which sums to 1.1;\n"
      "the walk-through drops the 0.0634 instead. What input 1 says, [1, 2, 3], is lost, and inputs 2 and 3\n"
      "share its weight: 0.0317 each of [2, 8, 0] and [2, 6, 3] more, 0.0634 of [1, 2, 3] less, is\n"
      "[0.0634, 0.3169, -0.0951]. Output 1 is truly [1.93662, 6.6831, 1.59507]. In rows 2 and 3 no weight "
      "changes\n"
      "by more than 0.02, and no output by more than 0.06.\n\n");
}

// (d) A transformer divides the scores by the square root of the width of the keys.
void scaling(const Attended& attended) {
  std::printf("---- (d) scores divided by the square root of 3\n\n");
  const double width = static_cast<double>(attended.keys.extent(1));
  const Var weights = softmax(matmul(attended.queries, transpose(attended.keys)) * (1 / std::sqrt(width)));
  show("weights", weights);
  show("outputs", matmul(weights, attended.values), 5);
  // The derivative of a weight p by the score that softmax is given for it.
  const auto slope = [](const Var& w) { return w * (1 - w); };
  show("p (1 - p): how each weight changes with its score", slope(weights));
  show("the same without the scale", slope(attended.weights));
  std::printf(
      "The order of the weights stays, but they are nearer to each other. A score is a sum of as many "
      "products\n"
      "as the keys are wide, so it grows with the square root of the width when these are like random "
      "numbers.\n"
      "Unscaled, softmax all but picks one input, as for output 2, and its slope, 0.0177 there, is next to\n"
      "nothing: little gradient gets through. Scaled, the slope is 0.0828.\n\n");
  // The operation that does all this at once takes that scale unless told another.
  const Var at_once = attention(attended.queries, attended.keys, attended.values);
  std::printf("as the operation attention(): at most %g away\n\n",
              largest_difference(at_once.value(), matmul(weights, attended.values).value()));
}

}  // namespace

int main() {
  without_parameters();
  const Var w_query =
      Var::parameter(Tensor::matrix({{1, 0, 1}, {1, 0, 0}, {0, 0, 1}, {0, 1, 1}}, DType::f64), "w_query");
  const Attended attended = eight_steps(w_query);
  rounding(attended);
  scaling(attended);

  // How the second number of output 1, 6.6831, changes with each element of w_query. Rows 2 and 4 are 0: there
  // input 1 has zeros, so those elements take no part in its query.
  std::printf("---- the gradient\n\n");
  const Var number = select(select(attended.outputs, 0, 0), 0, 1);
  show("of output 1's second number for w_query", grad(number, {w_query})[0]);

  // No need to believe it: change each element a little and look.
  const auto outputs = [&](std::span<const Var> w) {
    return std::vector<Var>{attention(matmul(inputs(), w[0]), attended.keys, attended.values, {.scale = 1})};
  };
  const GradcheckReport report = gradcheck(outputs, {&w_query, 1});
  std::printf("%s\n", to_string(report).c_str());
  return report ? 0 : 1;
}
