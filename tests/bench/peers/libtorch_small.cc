// libtorch on the small workloads of heed_bench: chains, a tiny network, single layers. Debian: libtorch-dev.
// Compile with -I/usr/include/torch/csrc/api/include, link with -ltorch -ltorch_cpu -lc10.
#include <malloc.h>
#include <torch/torch.h>

#include <cstdio>
#include <initializer_list>
#include <string>

#include "tests/bench/timing.h"

using heed::bench::measure;
using heed::bench::Times;
using torch::Tensor;

namespace {

constexpr int kWarmUp = 3, kRuns = 0;  // by time, as heed_bench does

void forget_gradients(std::initializer_list<Tensor> leaves) {
  for (const Tensor& leaf : leaves) leaf.mutable_grad().reset();
}

Tensor parameter(torch::IntArrayRef shape, double deviation = 1) {
  return (torch::randn(shape) * deviation).requires_grad_();
}

void print_us(const std::string& name, const Times& times) {
  std::printf("%s us %.2f min_us %.2f\n", name.c_str(), times.median * 1e6, times.least * 1e6);
}

void print_per_node(const char* name, int nodes, const Times& times) {
  std::printf("%s nodes %d us_per_node %.4f min_us_per_node %.4f\n", name, nodes, times.median * 1e6 / nodes,
              times.least * 1e6 / nodes);
}

void scalar_chain() {
  constexpr int kLinks = 10000;
  const Tensor w = torch::tensor(0.999f).requires_grad_(), b = torch::tensor(0.001f).requires_grad_();
  print_per_node("scalar_chain", 2 * kLinks, measure(kWarmUp, kRuns, [&] {
                   Tensor y = w;
                   for (int i = 0; i < kLinks; ++i) y = y * w + b;
                   y.backward();
                   forget_gradients({w, b});
                 }));
}

void matmul_chain() {
  constexpr int kLinks = 1000;
  Tensor w = torch::empty({16, 16}), x = torch::empty({16, 16});
  for (int i = 0; i < 256; ++i) {  // a Hadamard matrix over 4, which is orthogonal
    w.data_ptr<float>()[i] = __builtin_parity(static_cast<unsigned>((i / 16) & (i % 16))) ? -0.25f : 0.25f;
    x.data_ptr<float>()[i] = static_cast<float>(i * 53 % 97 - 48) / 64;
  }
  w.requires_grad_();
  print_per_node("matmul16_tanh_chain", 2 * kLinks, measure(kWarmUp, kRuns, [&] {
                   Tensor y = x;
                   for (int i = 0; i < kLinks; ++i) y = torch::tanh(torch::matmul(y, w));
                   y.sum().backward();
                   forget_gradients({w});
                 }));
}

void mlp_step() {
  torch::nn::Sequential network(torch::nn::Linear(2, 16), torch::nn::Tanh(), torch::nn::Linear(16, 16),
                                torch::nn::Tanh(), torch::nn::Linear(16, 1));
  torch::optim::Adam optimiser(network->parameters(), 1e-3);
  const Tensor x = torch::randn({32, 2}), target = torch::randn({32, 1});
  print_us("mlp_2_16_16_1_batch32_adam_step", measure(kWarmUp, kRuns, [&] {
             optimiser.zero_grad();
             torch::mse_loss(network->forward(x), target).backward();
             optimiser.step();
           }));
}

void softmax() {
  for (const int width : {64, 256, 1024}) {
    const Tensor x = parameter({128, width});
    print_us("softmax_128x" + std::to_string(width) + "_fwd_bwd", measure(kWarmUp, kRuns, [&] {
               torch::softmax(x, -1).sum().backward();
               forget_gradients({x});
             }));
  }
}

void layer_norm() {
  const Tensor x = parameter({3712, 128});
  const Tensor gain = torch::ones({128}).requires_grad_(), bias = torch::zeros({128}).requires_grad_();
  print_us("layer_norm_3712x128_fwd_bwd", measure(kWarmUp, kRuns, [&] {
             torch::layer_norm(x, {128}, gain, bias).sum().backward();
             forget_gradients({x, gain, bias});
           }));
}

void attention() {
  const Tensor encoded = parameter({128, 29, 256}, 0.1), decoded = parameter({128, 10, 256}, 0.1);
  print_us("attention_128x10x29x256_fwd_bwd", measure(kWarmUp, kRuns, [&] {
             const Tensor weights = torch::softmax(torch::matmul(decoded, encoded.transpose(1, 2)), -1);
             torch::matmul(weights, encoded).sum().backward();
             forget_gradients({encoded, decoded});
           }));
}

}  // namespace

// With names of cases as arguments, only those.
int main(int argc, char** argv) {
  torch::set_num_threads(1);
  // Freed memory stays with the process, as in one that has run for a while: single cases were up to twice as
  // slow where every run asked the system for its memory again.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 1 << 25);
  const struct {
    const char* name;
    void (*run)();
  } cases[] = {{"scalar-chain", scalar_chain}, {"matmul-chain", matmul_chain}, {"mlp-step", mlp_step},
               {"softmax", softmax},           {"layer-norm", layer_norm},     {"attention", attention}};
  for (const auto& each : cases) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || std::string(argv[i]) == each.name;
    if (wanted) each.run();
  }
}
