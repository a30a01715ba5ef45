// Small pieces of work: what a node of the graph costs, and single layers.
#include <bit>
#include <cstdio>

#include "autograd/ops.h"
#include "layers/attention.h"
#include "layers/linear.h"
#include "optim/adam.h"
#include "tests/bench/timing.h"
#include "tests/bench/workload.h"

namespace heed::bench {
namespace {

using programs::at_least;

constexpr std::int64_t kWarmUp = 3;

// Reads --runs and the common flags.
bool parse_runs(const Workload& self, const Call& call, std::int64_t& runs) {
  programs::Flags flags = flags_of(self);
  flags.add("runs", &runs, "runs under the clock; 0: half a second of them", at_least(0));
  return parse(flags, call);
}

void print_us(const char* name, const Times& times) {
  std::printf("%s us %.2f min_us %.2f\n", name, times.median * 1e6, times.least * 1e6);
}

void print_per_node(const char* name, std::int64_t nodes, const Times& times) {
  const double scale = 1e6 / static_cast<double>(nodes);
  std::printf("%s nodes %lld us_per_node %.4f min_us_per_node %.4f\n", name, static_cast<long long>(nodes),
              times.median * scale, times.least * scale);
}

}  // namespace

void run_scalar_chain(const Workload& self, const Call& call) {
  constexpr std::int64_t kLinks = 10'000;
  std::int64_t runs = 0;
  if (!parse_runs(self, call, runs)) return;
  Var w = Var::parameter(Tensor::scalar(0.999)), b = Var::parameter(Tensor::scalar(0.001));
  print_per_node("scalar_chain", 2 * kLinks, measure(kWarmUp, runs, [&] {
                   Var y = w;
                   for (std::int64_t i = 0; i < kLinks; ++i) y = y * w + b;
                   y.backward();
                   w.zero_grad();
                   b.zero_grad();
                 }));
}

void run_matmul_chain(const Workload& self, const Call& call) {
  constexpr std::int64_t kLinks = 1'000;
  std::int64_t runs = 0;
  if (!parse_runs(self, call, runs)) return;
  // A Hadamard matrix over 4 is orthogonal: the gradients neither fade to subnormal numbers nor grow.
  Tensor weights = Tensor::empty({16, 16}), inputs = Tensor::empty({16, 16});
  for (unsigned i = 0; i < 256; ++i) {
    weights.fresh_data<float>()[i] = std::popcount((i / 16) & (i % 16)) % 2 == 1 ? -0.25f : 0.25f;
    inputs.fresh_data<float>()[i] = static_cast<float>(static_cast<int>(i * 53 % 97) - 48) / 64;
  }
  Var w = Var::parameter(weights);
  const Var x(inputs);
  print_per_node("matmul16_tanh_chain", 2 * kLinks, measure(kWarmUp, runs, [&] {
                   Var y = x;
                   for (std::int64_t i = 0; i < kLinks; ++i) y = tanh(matmul(y, w));
                   sum(y).backward();
                   w.zero_grad();
                 }));
}

void run_mlp_step(const Workload& self, const Call& call) {
  std::int64_t runs = 0;
  if (!parse_runs(self, call, runs)) return;
  Rng rng(1);
  const Linear first(2, 16, rng), second(16, 16, rng), third(16, 1, rng);
  std::vector<Var> parameters;
  for (const Linear* const layer : {&first, &second, &third})
    for (const Var& parameter : layer->parameters()) parameters.push_back(parameter);
  Adam optimiser(parameters, {.learning_rate = 1e-3});
  const Var x(Tensor::normal({32, 2}, 0, 1, rng)), target(Tensor::normal({32, 1}, 0, 1, rng));
  print_us("mlp_2_16_16_1_batch32_adam_step", measure(kWarmUp, runs, [&] {
             optimiser.zero_grad();
             const Var y = third(tanh(second(tanh(first(x)))));  // [32, 1]
             mean(square(y - target)).backward();
             optimiser.step();
           }));
}

void run_softmax(const Workload& self, const Call& call) {
  std::int64_t runs = 0;
  if (!parse_runs(self, call, runs)) return;
  for (const std::int64_t width : {64, 256, 1024}) {
    Rng rng(1);
    Var x = Var::parameter(Tensor::normal({128, width}, 0, 1, rng));
    print_us(text("softmax_128x", width, "_fwd_bwd").c_str(), measure(kWarmUp, runs, [&] {
               sum(softmax(x)).backward();
               x.zero_grad();
             }));
  }
}

void run_layer_norm(const Workload& self, const Call& call) {
  std::int64_t runs = 0;
  if (!parse_runs(self, call, runs)) return;
  Rng rng(1);
  Var x = Var::parameter(Tensor::normal({3712, 128}, 0, 1, rng));
  Var gain = Var::parameter(Tensor::ones({128})), bias = Var::parameter(Tensor::zeros({128}));
  print_us("layer_norm_3712x128_fwd_bwd", measure(kWarmUp, runs, [&] {
             sum(layer_norm(x, gain, bias)).backward();
             for (Var* const leaf : {&x, &gain, &bias}) leaf->zero_grad();
           }));
}

void run_attention(const Workload& self, const Call& call) {
  std::int64_t runs = 0;
  if (!parse_runs(self, call, runs)) return;
  Rng rng(1);
  Var hs_enc = Var::parameter(Tensor::normal({128, 29, 256}, 0, 0.1, rng));
  Var hs_dec = Var::parameter(Tensor::normal({128, 10, 256}, 0, 0.1, rng));
  const TimeAttention attention;
  print_us("attention_128x10x29x256_fwd_bwd", measure(kWarmUp, runs, [&] {
             sum(attention(hs_enc, hs_dec).context).backward();
             hs_enc.zero_grad();
             hs_dec.zero_grad();
           }));
  const auto heads = [&] { return Var::parameter(Tensor::normal({128, 8, 29, 16}, 0, 1, rng)); };
  Var q = heads(), k = heads(), v = heads();
  print_us("attention_fused_128x8x29x16_fwd_bwd", measure(kWarmUp, runs, [&] {
             sum(heed::attention(q, k, v)).backward();
             for (Var* const operand : {&q, &k, &v}) operand->zero_grad();
           }));
}

}  // namespace heed::bench
