// oneDNN on `heed_bench lstm T B D H`: one LSTM over a whole batch of sequences, the forward pass of training
// and the backward pass with all gradients. Debian: libdnnl-dev (2.x). Link with -ldnnl.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <unordered_map>

#include "tests/bench/timing.h"

namespace {

using dnnl::lstm_backward;
using dnnl::lstm_forward;
using dnnl::memory;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

dnnl::engine& engine() {
  static dnnl::engine the_engine(dnnl::engine::kind::cpu, 0);
  return the_engine;
}

memory::desc layout(const memory::dims& extents, Tag tag) { return {extents, memory::data_type::f32, tag}; }

// Memory of that layout with small numbers, or zeros.
memory filled(const memory::desc& description, float scale) {
  memory made(description, engine());
  float* const values = static_cast<float*>(made.get_data_handle());
  for (std::size_t i = 0; i < description.get_size() / sizeof(float); ++i)
    values[i] = scale * (static_cast<float>(i * 37 % 101) / 50 - 1);
  return made;
}

void clear(const memory& made) { std::memset(made.get_data_handle(), 0, made.get_desc().get_size()); }

struct Extents {
  long time, batch, input, hidden;
};

void run(const Extents& e) {
  dnnl::stream stream(engine());
  const memory::desc x = layout({e.time, e.batch, e.input}, Tag::tnc),
                     hs = layout({e.time, e.batch, e.hidden}, Tag::tnc);
  const memory::desc state = layout({1, 1, e.batch, e.hidden}, Tag::ldnc),
                     bias = layout({1, 1, 4, e.hidden}, Tag::ldgo);
  const memory::dims wx_extents{1, 1, e.input, 4, e.hidden}, wh_extents{1, 1, e.hidden, 4, e.hidden};
  const memory::desc wx = layout(wx_extents, Tag::any), wh = layout(wh_extents, Tag::any);
  const auto direction = dnnl::rnn_direction::unidirectional_left2right;
  const lstm_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direction, x, state, state, wx, wh, bias, hs, state, state},
      engine());
  const lstm_backward::primitive_desc backward({dnnl::prop_kind::backward,
                                                direction,
                                                x,
                                                state,
                                                state,
                                                wx,
                                                wh,
                                                bias,
                                                hs,
                                                state,
                                                state,
                                                x,
                                                state,
                                                state,
                                                wx,
                                                wh,
                                                bias,
                                                hs,
                                                state,
                                                state},
                                               engine(), forward);

  // The weights as a user has them, to be brought into oneDNN's own layouts at every step, since training
  // changes them.
  memory plain_wx = filled(layout(wx_extents, Tag::ldigo), 0.05f),
         plain_wh = filled(layout(wh_extents, Tag::ldigo), 0.05f);
  memory forward_wx(forward.weights_layer_desc(), engine()), forward_wh(forward.weights_iter_desc(), engine());
  memory backward_wx(backward.weights_layer_desc(), engine()),
      backward_wh(backward.weights_iter_desc(), engine());
  const dnnl::reorder to_forward_wx(plain_wx, forward_wx), to_forward_wh(plain_wh, forward_wh);
  const dnnl::reorder to_backward_wx(plain_wx, backward_wx), to_backward_wh(plain_wh, backward_wh);

  Arguments arguments{
      {DNNL_ARG_SRC_LAYER, filled(x, 0.05f)},  {DNNL_ARG_SRC_ITER, filled(state, 0)},
      {DNNL_ARG_SRC_ITER_C, filled(state, 0)}, {DNNL_ARG_BIAS, filled(bias, 0.05f)},
      {DNNL_ARG_DST_LAYER, filled(hs, 0)},     {DNNL_ARG_DST_ITER, filled(state, 0)},
      {DNNL_ARG_DST_ITER_C, filled(state, 0)}, {DNNL_ARG_WORKSPACE, memory(forward.workspace_desc(), engine())},
      {DNNL_ARG_WEIGHTS_LAYER, forward_wx},    {DNNL_ARG_WEIGHTS_ITER, forward_wh}};
  const lstm_forward forward_pass(forward);
  const auto run_forward = [&] {
    to_forward_wx.execute(stream, plain_wx, forward_wx);
    to_forward_wh.execute(stream, plain_wh, forward_wh);
    forward_pass.execute(stream, arguments);
    stream.wait();
  };
  const heed::bench::Times forward_times = heed::bench::measure(3, 25, run_forward);

  const memory dwx(backward.diff_weights_layer_desc(), engine()),
      dwh(backward.diff_weights_iter_desc(), engine());
  const memory dbias = filled(bias, 0);
  Arguments all = arguments;
  all[DNNL_ARG_WEIGHTS_LAYER] = backward_wx;
  all[DNNL_ARG_WEIGHTS_ITER] = backward_wh;
  all.insert({{DNNL_ARG_DIFF_SRC_LAYER, filled(x, 0)},
              {DNNL_ARG_DIFF_SRC_ITER, filled(state, 0)},
              {DNNL_ARG_DIFF_SRC_ITER_C, filled(state, 0)},
              {DNNL_ARG_DIFF_WEIGHTS_LAYER, dwx},
              {DNNL_ARG_DIFF_WEIGHTS_ITER, dwh},
              {DNNL_ARG_DIFF_BIAS, dbias},
              {DNNL_ARG_DIFF_DST_LAYER, filled(hs, 0.05f)},
              {DNNL_ARG_DIFF_DST_ITER, filled(state, 0.05f)},
              {DNNL_ARG_DIFF_DST_ITER_C, filled(state, 0.05f)}});
  const lstm_backward backward_pass(backward);
  const heed::bench::Times backward_times = heed::bench::measure(3, 25, [&] {
    for (const memory& gradient : {dwx, dwh, dbias}) clear(gradient);  // it adds to them
    to_backward_wx.execute(stream, plain_wx, backward_wx);
    to_backward_wh.execute(stream, plain_wh, backward_wh);
    backward_pass.execute(stream, all);
    stream.wait();
  });

  const double flops = 2.0 * static_cast<double>(e.time * e.batch * (e.input + e.hidden) * 4 * e.hidden);
  std::printf(
      "lstm T %ld B %ld D %ld H %ld fwd_ms %.3f fwd_gflops %.1f bwd_ms %.3f bwd_gflops %.1f min_fwd_ms %.3f "
      "min_bwd_ms %.3f\n",
      e.time, e.batch, e.input, e.hidden, forward_times.median * 1e3, flops / forward_times.median / 1e9,
      backward_times.median * 1e3, 2 * flops / backward_times.median / 1e9, forward_times.least * 1e3,
      backward_times.least * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const auto extent = [&](int i, long fallback) { return argc > i ? std::atol(argv[i]) : fallback; };
  run({extent(1, 29), extent(2, 128), extent(3, 16), extent(4, 256)});
}
