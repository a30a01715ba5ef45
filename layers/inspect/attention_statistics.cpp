#include "layers/inspect/attention_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "core/elementwise.h"
#include "core/error.h"
#include "core/matmul.h"
#include "core/reduce.h"

namespace heed {
namespace {

using Row = std::span<const double>;

double total(Row row) { return std::accumulate(row.begin(), row.end(), 0.0); }

// In nats; NaN for a row of nothing.
double entropy_of(Row row) {
  const double sum = total(row);
  if (!(sum > 0)) return NAN;
  double entropy = 0;
  for (const double weight : row)
    if (weight > 0) entropy -= weight / sum * std::log(weight / sum);
  return std::max(entropy, 0.0);
}

std::vector<double> elements(const Tensor& weights, const char* operation) {
  return for_floating(weights.dtype(), operation, [&](auto) { return weights.to_vector(); });
}

Tensor per_row(const Tensor& weights, const char* operation, double (*measure)(Row)) {
  if (weights.rank() == 0)
    throw ShapeError({.what = text(operation, ": the weights are a scalar"), .expected = "weights [..., S]"});
  const std::vector<double> all = elements(weights, operation);
  const auto columns = static_cast<std::size_t>(weights.extent(-1));
  const auto rows = static_cast<std::size_t>(weights.count() / std::max<std::int64_t>(1, weights.extent(-1)));
  std::vector<double> measured;
  for (std::size_t i = 0; i < rows; ++i) measured.push_back(measure(Row(all).subspan(i * columns, columns)));
  Shape shape;
  for (int axis = 0; axis + 1 < weights.rank(); ++axis) shape = shape.inserted(axis, weights.extent(axis));
  return Tensor::of(measured, shape, DType::f64);
}

// The rows of weights [H, T, S].
class Heads {
 public:
  Heads(const Tensor& weights, const char* operation) {
    if (weights.rank() != 3)
      throw ShapeError(
          {.what = text(operation, ": weights are ", weights.shape()), .expected = "weights [H, T, S]"});
    all_ = elements(weights, operation);
    heads = static_cast<std::size_t>(weights.extent(0));
    rows = static_cast<std::size_t>(weights.extent(1));
    columns = static_cast<std::size_t>(weights.extent(2));
  }
  Row row(std::size_t head, std::size_t t) const {
    return Row(all_).subspan((head * rows + t) * columns, columns);
  }

  std::size_t heads, rows, columns;

 private:
  std::vector<double> all_;
};

// Correlation of points that come one by one.
class Correlation {
 public:
  void add(double x, double y) { ++n_, x_ += x, y_ += y, xx_ += x * x, yy_ += y * y, xy_ += x * y; }
  double value() const {
    const double of_x = n_ * xx_ - x_ * x_, of_y = n_ * yy_ - y_ * y_;
    if (of_x <= 1e-9 * n_ * xx_ || of_y <= 1e-9 * n_ * yy_) return 0;
    return (n_ * xy_ - x_ * y_) / std::sqrt(of_x * of_y);
  }

 private:
  double n_ = 0, x_ = 0, y_ = 0, xx_ = 0, yy_ = 0, xy_ = 0;
};

// Adds what row t does; returns where it looks on average.
double add_row(HeadStatistics& head, Row row, std::size_t t) {
  const double sum = total(row), entropy = entropy_of(row);
  const auto share = [&](std::size_t s) { return s < row.size() ? row[s] / sum : 0.0; };
  head.rows += 1;
  head.entropy += entropy;
  head.places += std::exp(entropy);
  head.largest += *std::max_element(row.begin(), row.end()) / sum;
  head.same += share(t);
  head.previous += t > 0 ? share(t - 1) : 0.0;
  head.next += share(t + 1);
  head.first += share(0);
  head.last += share(row.size() - 1);
  double mean_place = 0;
  for (std::size_t s = 0; s < row.size(); ++s) {
    const double place = static_cast<double>(s);
    mean_place += share(s) * place;
    head.distance += share(s) * std::fabs(place - static_cast<double>(t));
  }
  return mean_place;
}

// The entropy of a row as a share of the greatest that it could have over its places with any weight; NaN when
// there is but one.
double evenness_of(Row row) {
  const auto open = std::count_if(row.begin(), row.end(), [](double weight) { return weight > 0; });
  return open > 1 ? std::min(1.0, entropy_of(row) / std::log(static_cast<double>(open))) : NAN;
}

double divergence_in_bits(Row a, Row b) {
  const double of_a = total(a), of_b = total(b);
  double sum = 0;
  for (std::size_t s = 0; s < a.size(); ++s) {
    const double p = a[s] / of_a, q = b[s] / of_b, middle = (p + q) / 2;
    if (p > 0) sum += p * std::log2(p / middle) / 2;
    if (q > 0) sum += q * std::log2(q / middle) / 2;
  }
  return std::clamp(sum, 0.0, 1.0);
}

// ---- rollout
// ----------------------------------------------------------------------------------------------------------

void require_residual(const RolloutOptions& options) {
  if (!(options.residual >= 0 && options.residual < 1))
    throw ConfigError(
        {.what = text("rollout: residual is ", options.residual), .expected = "0 <= residual < 1"});
}

Tensor identity(std::int64_t n) {
  Tensor one = Tensor::zeros({n, n}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i) one.fresh_data<double>()[i * (n + 1)] = 1;
  return one;
}

// The mean over the heads with rows that sum to 1, or to 0; times the share that is not kept.
struct Mixed {
  Tensor weights;            // [T, S]
  std::vector<double> kept;  // [T]: share of its own content that a position keeps
};
Mixed mixed(const Tensor& weights, std::int64_t rows, std::int64_t columns, const RolloutOptions& options) {
  if (weights.rank() != 3 || weights.extent(0) < 1 || weights.extent(1) != rows || weights.extent(2) != columns)
    throw ShapeError({.what = text("rollout: the weights of a layer are ", weights.shape()),
                      .expected = text("[H, ", rows, ", ", columns, "] as of the layers before")});
  Mixed mix{sum(weights.to(DType::f64), 0).clone(), {}};
  auto* const all = mix.weights.fresh_data<double>();
  for (std::int64_t t = 0; t < rows; ++t) {
    const std::span<double> row(all + t * columns, static_cast<std::size_t>(columns));
    const double whole = total(row);
    const bool looks = whole > 0;
    mix.kept.push_back(looks ? options.residual : 1);
    for (double& weight : row) weight = looks ? weight / whole * (1 - options.residual) : 0;
  }
  return mix;
}

// kept x + weights from
Tensor passed_on(const Mixed& mix, const Tensor& x, const Tensor& from) {
  const Tensor kept = Tensor::of(mix.kept, {x.extent(0), 1}, DType::f64);
  return kept * x + matmul(mix.weights, from);
}

}  // namespace

Tensor attention_entropy(const Tensor& weights, EntropyUnit unit) {
  const Tensor nats = per_row(weights, "attention_entropy", entropy_of);
  return unit == EntropyUnit::nats ? nats : nats * (1 / std::log(2.0));
}

Tensor effective_places(const Tensor& weights) {
  return per_row(weights, "effective_places", [](Row row) { return std::exp(entropy_of(row)); });
}

std::vector<HeadStatistics> head_statistics(const Tensor& weights) {
  const Heads all(weights, "head_statistics");
  std::vector<HeadStatistics> heads(all.heads);
  for (std::size_t h = 0; h < all.heads; ++h) {
    HeadStatistics& head = heads[h];
    Correlation alignment;
    double rows_with_choice = 0;
    for (std::size_t t = 0; t < all.rows; ++t) {
      const Row row = all.row(h, t);
      if (!(total(row) > 0)) continue;
      alignment.add(static_cast<double>(t), add_row(head, row, t));
      if (const double evenness = evenness_of(row); !std::isnan(evenness)) {
        head.evenness += evenness;
        rows_with_choice += 1;
      }
    }
    if (head.rows == 0) continue;
    for (double* const sum : {&head.entropy, &head.places, &head.largest, &head.distance, &head.same,
                              &head.previous, &head.next, &head.first, &head.last})
      *sum /= static_cast<double>(head.rows);
    head.evenness /= std::max(1.0, rows_with_choice);
    head.alignment = alignment.value();
  }
  return heads;
}

std::string where_it_looks(const HeadStatistics& head) {
  if (head.rows == 0) return "nowhere";
  const std::pair<double, const char*> shares[] = {{head.same, "the same place"},
                                                   {head.previous, "the place before"},
                                                   {head.next, "the place after"},
                                                   {head.first, "the first place"},
                                                   {head.last, "the last place"}};
  const auto& [share, words] = *std::max_element(
      std::begin(shares), std::end(shares), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (share >= 0.5) return words;
  if (head.evenness >= 0.85) return "evenly";
  // An even look back moves forward too; only a pointed one is said to follow.
  if (head.largest >= 0.5 && head.alignment >= 0.8) return "forward, step by step";
  if (head.largest >= 0.5 && head.alignment <= -0.8) return "backward, step by step";
  if (head.largest >= 0.7) return "one place, now here, now there";
  return text("about ", std::lround(head.places), " places");
}

Tensor head_agreement(const Tensor& weights) {
  const Heads all(weights, "head_agreement");
  std::vector<double> agreement;
  for (std::size_t a = 0; a < all.heads; ++a)
    for (std::size_t b = 0; b < all.heads; ++b) {
      double sum = 0, rows = 0;
      for (std::size_t t = 0; t < all.rows; ++t) {
        const Row one = all.row(a, t), other = all.row(b, t);
        if (!(total(one) > 0 && total(other) > 0)) continue;
        sum += 1 - divergence_in_bits(one, other);
        rows += 1;
      }
      agreement.push_back(sum / rows);
    }
  const auto H = static_cast<std::int64_t>(all.heads);
  return Tensor::of(agreement, {H, H}, DType::f64);
}

std::vector<Tensor> attention_rollout(const std::vector<Tensor>& layers, const RolloutOptions& options) {
  require_residual(options);
  std::vector<Tensor> reached;
  for (const Tensor& weights : layers) {
    const std::int64_t T = weights.rank() == 3 ? layers.front().extent(1) : 0;
    const Tensor before = reached.empty() ? identity(T) : reached.back();
    reached.push_back(passed_on(mixed(weights, T, T, options), before, before));
  }
  return reached;
}

DecoderRollout decoder_rollout(const std::vector<Tensor>& self, const std::vector<Tensor>& cross,
                               const Tensor& encoder, const RolloutOptions& options) {
  require_residual(options);
  if (self.size() != cross.size() || self.empty() || self.front().rank() != 3 || cross.front().rank() != 3)
    throw ShapeError(
        {.what = text("decoder_rollout: ", self.size(), " self-attentions, ", cross.size(), " to the source"),
         .expected = "one of each a layer, [H, T, T] and [H, T, S], and at least one layer"});
  const std::int64_t T = self.front().extent(1), S = cross.front().extent(2);
  const Tensor states = encoder.defined() ? encoder : identity(S);
  if (states.shape() != Shape{S, S})
    throw ShapeError({.what = text("decoder_rollout: encoder is ", states.shape()),
                      .expected = text("[S, S], S being ", S)});
  DecoderRollout rollout;
  Tensor target = identity(T), source = Tensor::zeros({T, S}, DType::f64);
  for (std::size_t i = 0; i < self.size(); ++i) {
    const Mixed own = mixed(self[i], T, T, options);
    target = passed_on(own, target, target);
    source = passed_on(own, source, source);
    const Mixed looked = mixed(cross[i], T, S, options);
    target = Tensor::of(looked.kept, {T, 1}, DType::f64) * target;
    source = passed_on(looked, source, states);
    rollout.target.push_back(target);
    rollout.source.push_back(source);
  }
  return rollout;
}

}  // namespace heed
