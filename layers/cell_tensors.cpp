#include "layers/cell_tensors.h"

#include "layers/init.h"

namespace heed {

CellTensors CellTensors::uniform(std::int64_t in, std::int64_t hidden, std::int64_t gates, Rng& rng,
                                 bool recurrent_bias) {
  CellTensors cell;
  cell.wx = init::scaled_uniform({in, gates * hidden}, hidden, rng);
  cell.wh = init::scaled_uniform({hidden, gates * hidden}, hidden, rng);
  cell.bias = init::scaled_uniform({gates * hidden}, hidden, rng);
  if (recurrent_bias) cell.recurrent_bias = init::scaled_uniform({hidden}, hidden, rng);
  return cell;
}

CellTensors CellTensors::scaled_normal(std::int64_t in, std::int64_t hidden, std::int64_t gates, Rng& rng) {
  CellTensors cell;
  cell.wh = init::scaled_normal({hidden, gates * hidden}, hidden, rng);
  cell.wx = init::scaled_normal({in, gates * hidden}, in, rng);
  cell.bias = Tensor::zeros({gates * hidden});
  return cell;
}

NamedTensors CellTensors::named(const std::string& prefix) const {
  NamedTensors all{{prefix + "wx", wx}, {prefix + "wh", wh}, {prefix + "bias", bias}};
  if (recurrent_bias.defined()) all.emplace_back(prefix + "recurrent_bias", recurrent_bias);
  return all;
}

}  // namespace heed
