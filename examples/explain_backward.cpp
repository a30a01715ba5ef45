// Explains the backward pass of a small network, operation by operation, every number shown; then of one step
// of attention, or of a whole model.
//
// Learnt: that backpropagation is one rule after the other, each of which turns what arrived at an operation's
// output into what its operands get; that a value used several times gets a sum; that what was repeated by
// broadcasting is summed over the repetitions; and where the numbers in .grad come from.
//
//   cmake --build --preset release --target explain_backward && build/release/bin/explain_backward
//   build/release/bin/explain_backward --model=seq2seq      # or transformer
//
// Prints the explanation of the network as Markdown, among it
//
//   ## Step 6: add
//
//   | `db` | `db = dy`<br>`db [2, 3] = dy [2, 3]` | `[3]` | … |
//
//   - b \[3\] was repeated 2 times to \[2, 3\], so its gradient \[2, 3\] is summed over the repetitions to
//   \[3\]; …
//
// and writes to heed-out/ explain.md, explain.html and graph.html, for attention attention.md, …  Takes a few
// milliseconds.
#include <cmath>
#include <cstdio>
#include <string>

#include "autograd/inspect/explain.h"
#include "autograd/inspect/graph_drawing.h"
#include "autograd/ops.h"
#include "core/file.h"
#include "examples/common/flags.h"
#include "examples/common/training.h"
#include "layers/seq2seq.h"
#include "layers/transformer.h"

using namespace heed;
using namespace heed::programs;

namespace {

using Rows = std::initializer_list<std::initializer_list<double>>;
// f64, so that finite differences can check the gradients.
Var parameter(Rows rows, const char* name) { return Var::parameter(Tensor::matrix(rows, DType::f64), name); }
Var constant(Rows rows, const char* name) { return Var(Tensor::matrix(rows, DType::f64)).named(name); }

// Writes what a trace has seen, under these names; returns the explanation as Markdown.
std::string write(const Trace& trace, const ExplainOptions& options, const std::string& folder,
                  const std::string& explain_name, const std::string& graph_name) {
  const Explanation explanation = explain(trace, options);
  const std::string markdown = to_markdown(explanation);
  write_file(folder + "/" + explain_name + ".md", markdown);
  write_file(folder + "/" + explain_name + ".html", to_page(explanation));
  write_file(folder + "/" + graph_name + ".html", graph_page(trace, {.title = options.title}));
  return markdown;
}

// Two layers, on two examples of two numbers each.
std::string network(const std::string& folder) {
  const Var x = constant({{1, -2}, {0.5, 1}}, "x"), target = constant({{1}, {-1}}, "target");
  const Var w1 = parameter({{0.5, -0.4, 0.3}, {0.2, 0.1, -0.6}}, "w1");
  const Var b1 = Var::parameter(Tensor::of({0.1, 0, -0.1}, {3}, DType::f64), "b1");
  const Var w2 = parameter({{0.7}, {-1}, {0.4}}, "w2");
  const auto loss_of = [&] {
    const Var hidden = tanh(matmul(x, w1) + b1);  // [2, 3]
    const Var y = matmul(hidden, w2);             // [2, 1]
    return mean(square(y - target));
  };

  Trace trace;
  loss_of().backward();
  trace.stop();
  return write(trace, {.title = "Two layers, backwards", .loss = loss_of, .leaves = {w1, b1, w2}}, folder,
               "explain", "graph");
}

// Three words of two numbers each look at each other. Each is used three times: it asks, it is asked, it
// answers.
void attention_step(const std::string& folder) {
  const Var x = parameter({{1, 0}, {0, 1}, {1, 1}}, "x");
  const Var w_query = parameter({{1, 0.5}, {0, 1}}, "w_query"),
            w_key = parameter({{0.5, 0}, {-0.5, 1}}, "w_key"),
            w_value = parameter({{1, -1}, {2, 0}}, "w_value");
  const Var target = constant({{1, 0}, {1, -0.5}, {2, -1}}, "target");
  const auto loss_of = [&] {
    const Var queries = matmul(x, w_query), keys = matmul(x, w_key),
              values = matmul(x, w_value);                                           // [3, 2] each
    const Var weights = softmax(matmul(queries, transpose(keys)) / std::sqrt(2.0));  // [3, 3]
    return mean(square(matmul(weights, values) - target));
  };

  Trace trace;
  loss_of().backward();
  trace.stop();
  write(trace,
        {.title = "One step of attention, backwards", .loss = loss_of, .leaves = {x, w_query, w_key, w_value}},
        folder, "attention", "attention_graph");
}

// A model as it is trained, on ids that mean nothing.
template <class Model>
void whole_model(const Model& model, const char* title, const std::string& folder) {
  const Tensor source = Tensor::of(std::vector<std::int32_t>{5, 9, 3, 7, 4, 8, 6, 10}, {2, 4});
  const Tensor target_in = Tensor::of(std::vector<std::int32_t>{1, 4, 6, 1, 7, 5}, {2, 3});
  const Tensor target_out = Tensor::of(std::vector<std::int32_t>{4, 6, 2, 7, 5, 2}, {2, 3});
  Trace trace;
  cross_entropy(model({source, {}}, {target_in, {}}), target_out).backward();
  trace.stop();
  write(trace, {.title = title}, folder, "explain", "graph");
}

int run(int argc, char** argv) {
  std::string model = "small", folder = "heed-out";
  Flags flags("explain_backward", "Explains a backward pass, operation by operation.");
  flags.choice("model", &model, {"small", "seq2seq", "transformer"},
               "a network and attention in small, or a whole model");
  flags.add("out", &folder, "folder for the explanations and the drawn graphs");
  if (!flags.parse(argc, argv)) return 0;
  make_folder(folder);

  Rng rng(1);
  if (model == "small") {
    std::printf("%s", network(folder).c_str());
    attention_step(folder);
    std::printf(
        "Written: explain.md, explain.html, graph.html, attention.md, attention.html, attention_graph.html\n");
    return 0;
  }
  if (model == "seq2seq")
    whole_model(AttentionSeq2seq({.vocabulary = 12, .embedding = 4, .hidden = 8}, rng), "AttentionSeq2seq",
                folder);
  else
    whole_model(
        Transformer({.vocabulary = 12, .layers = 2, .layer = {.width = 16, .heads = 4, .feed_forward = 32}},
                    rng),
        "Transformer", folder);
  std::printf("Written to %s: explain.md, explain.html, graph.html\n", folder.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
