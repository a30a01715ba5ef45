#include "tests/autograd/op_table.h"

#include <string>

#include "autograd/backward.h"
#include "autograd/ops.h"
#include "core/elementwise.h"
#include "tests/catch.h"

namespace heed::tests {
namespace {

std::string title(const OpRow& row) { return text(row.name, ": ", row.variant); }

TEST_CASE("op table: every gradient is the derivative") {
  for (const OpRow& row : op_table()) {
    const std::vector<Var> inputs = draw_inputs(row, 11);
    const GradcheckReport report = gradcheck(row.function, inputs);
    INFO(title(row) << "\n" << to_string(report));
    CHECK(report);
    std::int64_t elements = 0;
    for (const Var& input : inputs) elements += input.count();
    CHECK(report.checked == elements);
  }
}

TEST_CASE("op table: every promised second derivative is the derivative of the gradient") {
  for (const OpRow& row : op_table()) {
    if (!row.second_order) continue;
    const GradcheckReport report = gradgradcheck(row.function, draw_inputs(row, 12));
    INFO(title(row) << "\n" << to_string(report));
    CHECK(report);
    CHECK(report.checked > 0);
  }
}

TEST_CASE("op table: gradients under create_graph are those without it, and reach the same operands") {
  for (const OpRow& row : op_table()) {
    if (!row.second_order) continue;
    INFO(title(row));
    const std::vector<Var> inputs = draw_inputs(row, 14), outputs = row.function(inputs);
    std::vector<Var> cotangents;
    Rng rng(15);
    for (const Var& output : outputs)
      cotangents.emplace_back(Tensor::uniform(output.shape(), -1, 1, rng, DType::f64));
    const std::vector<Var> recorded = grad(outputs, inputs, {.cotangents = cotangents, .create_graph = true});
    const std::vector<Var> plain = grad(outputs, inputs, {.cotangents = cotangents});
    for (std::size_t i = 0; i < inputs.size(); ++i)
      CHECK(largest_difference(recorded[i].value(), plain[i].value()) < 1e-12);
  }
}

TEST_CASE("op table: gradients have the shape and type of their operands, in f32 and f64") {
  for (const OpRow& row : op_table()) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      std::vector<Var> inputs;
      for (const Var& input : draw_inputs(row, 13)) inputs.push_back(Var::parameter(input.value().to(dtype)));
      const std::vector<Var> outputs = row.function(inputs);
      for (const Var& output : outputs) {
        INFO(title(row));
        CHECK(output.dtype() == dtype);
        Rng rng(5);
        output.backward(
            {.cotangent = Var(Tensor::uniform(output.shape(), -1, 1, rng, dtype)), .retain_graph = true});
      }
      for (const Var& input : inputs) {
        INFO(title(row));
        REQUIRE(input.grad().defined());
        CHECK(input.grad().shape() == input.shape());
        CHECK(input.grad().dtype() == dtype);
      }
    }
  }
}

// ---- fused operations beside their definitions

struct Pair {
  const char* name;
  std::vector<Input> inputs;
  Differentiable fused, definition;
};

using In = std::span<const Var>;
using Outputs = std::vector<Var>;

Outputs all(const RecurrentOutput& out) { return {out.hs, out.state}; }
Outputs all(const LstmOutput& out) { return {out.hs, out.state.h, out.state.c}; }

// Recurrent cells of all kinds, with states; with lengths or without, with dropout of the state or without.
void add_recurrent(std::vector<Pair>& pairs, std::int64_t batch, const Tensor& lengths, bool drops) {
  const auto factors = [=](In in) {
    Rng rng(25);
    return drops ? dropout_factors({batch, 4}, 0.4, rng, in[0].dtype()) : Tensor();
  };
  pairs.push_back(
      {"lstm",
       {{{batch, 6, 5}}, {{batch, 4}}, {{batch, 4}}, {{5, 16}}, {{4, 16}}, {{16}}},
       [=](In in) {
         return all(lstm(in[0], {in[1], in[2]}, {in[3], in[4], in[5]}, lengths, factors(in)));
       },
       [=](In in) {
         return all(definition::lstm(in[0], {in[1], in[2]}, {in[3], in[4], in[5]}, lengths, factors(in)));
       }});
  for (const RnnActivation f : {RnnActivation::tanh, RnnActivation::relu})
    pairs.push_back(
        {"rnn",
         {{{batch, 6, 5}}, {{batch, 4}}, {{5, 4}}, {{4, 4}}, {{4}}},
         [=](In in) {
           return all(rnn(in[0], in[1], {in[2], in[3], in[4]}, f, lengths, factors(in)));
         },
         [=](In in) {
           return all(definition::rnn(in[0], in[1], {in[2], in[3], in[4]}, f, lengths, factors(in)));
         }});
  for (const ResetGate reset : {ResetGate::after_product, ResetGate::before_product})
    for (const UpdateGate update : {UpdateGate::keeps_state, UpdateGate::takes_candidate}) {
      const GruVariant variant{reset, update};
      std::vector<Input> inputs{{{batch, 6, 5}}, {{batch, 4}}, {{5, 12}}, {{4, 12}}, {{12}}};
      if (reset == ResetGate::after_product) inputs.push_back({{4}});
      const auto weights = [](In in) { return GruWeights{in[2], in[3], in[4], in.size() > 5 ? in[5] : Var()}; };
      pairs.push_back(
          {"gru", std::move(inputs),
           [=](In in) { return all(gru(in[0], in[1], weights(in), variant, lengths, factors(in))); },
           [=](In in) {
             return all(definition::gru(in[0], in[1], weights(in), variant, lengths, factors(in)));
           }});
    }
}

// Operations on rows [rows, n], where there are none or they are of nothing.
void add_rows(std::vector<Pair>& pairs, const Shape& nothing) {
  const Tensor ignored = Tensor::full(nothing.without(-1), -1, DType::i32);
  pairs.insert(pairs.end(),
               {{"softmax of nothing",
                 {{nothing}},
                 [](In in) { return Outputs{softmax(in[0])}; },
                 [](In in) { return Outputs{definition::softmax(in[0])}; }},
                {"log_softmax of nothing",
                 {{nothing}},
                 [](In in) { return Outputs{log_softmax(in[0])}; },
                 [](In in) { return Outputs{definition::log_softmax(in[0])}; }},
                {"cross_entropy of nothing",
                 {{nothing}},
                 [=](In in) { return Outputs{cross_entropy(in[0], ignored, {.reduction = Reduction::none})}; },
                 [=](In in) { return Outputs{definition::cross_entropy(in[0], ignored, -1)}; }}});
}

std::vector<Pair> fused_operations() {
  const Tensor ids = Tensor::of(std::vector<std::int32_t>{1, -1, 0, 30, 3, 17}, {2, 3});
  const Tensor lengths = Tensor::of(std::vector<std::int32_t>{4, 0, 6}, {3});
  const Mask mask =
      Mask::attend(Tensor::of({1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, {3, 5}, DType::boolean));
  std::vector<Pair> pairs{
      {"softmax",
       {{{2, 7, 33}, -4, 4}},
       [](In in) { return Outputs{softmax(in[0])}; },
       [](In in) { return Outputs{definition::softmax(in[0])}; }},
      {"softmax, masked",
       {{{2, 3, 5}, -4, 4}},
       [mask](In in) { return Outputs{softmax(in[0], mask)}; },
       [mask](In in) { return Outputs{definition::softmax(in[0], mask)}; }},
      {"log_softmax",
       {{{2, 7, 33}, -4, 4}},
       [](In in) { return Outputs{log_softmax(in[0])}; },
       [](In in) { return Outputs{definition::log_softmax(in[0])}; }},
      {"cross_entropy",
       {{{2, 3, 31}, -4, 4}},
       [ids](In in) { return Outputs{cross_entropy(in[0], ids, {.reduction = Reduction::none})}; },
       [ids](In in) { return Outputs{definition::cross_entropy(in[0], ids, -1)}; }},
      {"layer_norm",
       {{{2, 3, 37}}, {{37}}, {{37}}},
       [](In in) { return Outputs{layer_norm(in[0], in[1], in[2])}; },
       [](In in) { return Outputs{definition::layer_norm(in[0], in[1], in[2])}; }},
      {"rms_norm",
       {{{2, 3, 37}}, {{37}}},
       [](In in) { return Outputs{rms_norm(in[0], in[1])}; },
       [](In in) { return Outputs{definition::rms_norm(in[0], in[1])}; }},
      {"cosine_similarity",
       {{{2, 3, 17}}, {{2, 33, 17}}},
       [](In in) { return Outputs{cosine_similarity(in[0], in[1])}; },
       [](In in) { return Outputs{definition::cosine_similarity(in[0], in[1])}; }},
      {"attention",
       {{{2, 3, 9, 5}}, {{2, 3, 17, 5}}, {{2, 3, 17, 6}}},
       [](In in) { return Outputs{attention(in[0], in[1], in[2])}; },
       [](In in) { return Outputs{definition::attention(in[0], in[1], in[2])}; }},
      {"attention, masked",
       {{{2, 3, 4}}, {{2, 5, 4}}, {{2, 5, 4}}},
       [mask](In in) { return Outputs{attention(in[0], in[1], in[2], {.mask = mask, .scale = 2.0})}; },
       [mask](In in) {
         return Outputs{definition::attention(in[0], in[1], in[2], {.mask = mask, .scale = 2.0})};
       }},
      {"attention, heads of keys shared",
       {{{2, 3, 2, 9, 5}}, {{2, 3, 1, 7, 5}}, {{2, 3, 1, 7, 4}}},
       [](In in) { return Outputs{attention(in[0], in[1], in[2])}; },
       [](In in) { return Outputs{definition::attention(in[0], in[1], in[2])}; }},
  };
  for (const Shape& nothing : {Shape{0, 3}, Shape{2, 0}}) add_rows(pairs, nothing);
  for (const bool drops : {false, true}) {
    add_recurrent(pairs, 0, Tensor(), drops);
    add_recurrent(pairs, 9, Tensor(), drops);
    add_recurrent(pairs, 3, lengths, drops);
  }
  return pairs;
}

// The largest difference of the two in outputs and in the gradients of all inputs.
double difference(const Pair& pair, DType dtype) {
  const OpRow row{pair.name, "", pair.inputs, pair.fused};
  std::vector<Var> inputs;
  for (const Var& input : draw_inputs(row, 21)) inputs.push_back(Var::parameter(input.value().to(dtype)));
  const Outputs fused = pair.fused(inputs), plain = pair.definition(inputs);
  Rng rng(22);
  std::vector<Var> cotangents;
  for (const Var& output : fused) cotangents.emplace_back(Tensor::uniform(output.shape(), -1, 1, rng, dtype));
  const std::vector<Var> of_fused = grad(fused, inputs, {.cotangents = cotangents});
  const std::vector<Var> of_plain = grad(plain, inputs, {.cotangents = cotangents});
  double largest = 0;
  for (std::size_t i = 0; i < fused.size(); ++i)
    largest = std::max(largest, largest_difference(fused[i].value(), plain[i].value()));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    largest = std::max(largest, largest_difference(of_fused[i].value(), of_plain[i].value()));
  return largest;
}

TEST_CASE("fused operations equal their definitions in values and in all gradients, in f64") {
  for (const Pair& pair : fused_operations()) {
    INFO(pair.name);
    CHECK(difference(pair, DType::f64) < 1e-13);
  }
}

TEST_CASE("fused operations equal their definitions in f32 as far as 24 bits go") {
  // Values are of order 1 and sums have up to a few hundred terms: some tens of roundings of 6e-8, of which a tanh
  // may take six.
  for (const Pair& pair : fused_operations()) {
    INFO(pair.name);
    CHECK(difference(pair, DType::f32) < 5e-6);
  }
}

TEST_CASE("fused operations: gradients under create_graph are the fused ones") {
  for (const Pair& pair : fused_operations()) {
    const std::vector<Var> inputs = draw_inputs({pair.name, "", pair.inputs, pair.fused}, 23);
    const Outputs outputs = pair.fused(inputs);
    std::vector<Var> cotangents;
    Rng rng(24);
    for (const Var& output : outputs)
      cotangents.push_back(Var::parameter(Tensor::uniform(output.shape(), -1, 1, rng, DType::f64)));
    const std::vector<Var> recorded = grad(outputs, inputs, {.cotangents = cotangents, .create_graph = true});
    const std::vector<Var> fused = grad(outputs, inputs, {.cotangents = cotangents});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      INFO(pair.name << ", input " << i);
      CHECK(recorded[i].requires_grad());
      CHECK_FALSE(fused[i].requires_grad());
      CHECK(largest_difference(recorded[i].value(), fused[i].value()) < 1e-13);
    }
  }
}

}  // namespace
}  // namespace heed::tests
