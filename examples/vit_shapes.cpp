// Trains a vision transformer to tell drawn digits or shapes apart.
//
// You learn: that an image cut into patches is a sequence like any other; what a class token is for; where the
// model looks to decide, patch by patch.
//
//   build/release/bin/vit_shapes                          # digits, which it draws
//   build/release/bin/vit_shapes --images=shapes --patch=7
//
// Prints some images, after each epoch the share of unseen images that are recognised, at the end which classes
// are mistaken for which and where the class token of the last layer looks; ends with `result exact=… unseen=…
// epochs=… seconds=… examples_per_s=… loss=…`; writes checkpoint.safetensors and report.html to heed-out/.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <span>

#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "core/plot.h"
#include "core/reduce.h"
#include "data/images.h"
#include "data/tasks/shapes.h"
#include "examples/common/epochs.h"
#include "examples/common/transformer_flags.h"
#include "layers/attention_maps.h"
#include "layers/vision_transformer.h"
#include "optim/adam.h"

using namespace heed;
using namespace heed::programs;

namespace {

constexpr double kClipNorm = 1.0;
constexpr std::int64_t kUnseen = 2'000;

struct Config : TrainingConfig {
  std::string images = "digits";
  std::int64_t count = 20'000, patch = 4;
  double noise = 0.1;
  TransformerSizes transformer{.activation = "gelu"};
};

// Which class the model takes each image for.
std::vector<std::int32_t> recognised(VisionTransformer& model, const Images& images) {
  const NoGrad no_grad;
  model.eval();
  std::vector<std::int32_t> classes;
  const ImageLoader loader(images, {.batch = 250, .shuffle = false});
  for (const ImageBatch& batch : ImageEpoch(loader.epoch(PassState{}))) {
    const Tensor best = argmax(model(Var(batch.pixels)).value(), -1);
    classes.insert(classes.end(), best.data<std::int32_t>(), best.data<std::int32_t>() + best.count());
  }
  model.train();
  return classes;
}

// "8 for 3: 4 times", the most frequent mistakes first.
std::vector<std::string> mistakes(const Images& images, const std::vector<std::int32_t>& classes) {
  std::map<std::pair<std::int32_t, std::int32_t>, int> counts;
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (const std::int32_t truth = images.labels.data<std::int32_t>()[i]; truth != classes[i])
      ++counts[{classes[i], truth}];
  std::vector<std::pair<int, std::pair<std::int32_t, std::int32_t>>> sorted;
  for (const auto& [pair, count] : counts) sorted.push_back({-count, pair});
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min<std::size_t>(5, sorted.size()); ++i)
    lines.push_back(text(images.classes[static_cast<std::size_t>(sorted[i].second.first)], " for ",
                         images.classes[static_cast<std::size_t>(sorted[i].second.second)], ": ",
                         -sorted[i].first));
  return lines;
}

// Where the class token of the last layer looks in an image: the mean over the heads, a cell a patch.
HeatMap looks(VisionTransformer& model, const Images& images, std::int64_t i) {
  const VisionTransformerConfig& config = model.config();
  const NoGrad no_grad;
  model.eval();
  const AttentionMaps maps;
  const ImageBatch image = images.batch(std::span(&i, 1));
  const Tensor best = argmax(model(Var(image.pixels)).value(), -1);
  model.train();
  // [1, H, 1 + P, 1 + P]
  const Tensor weights = maps[text("encoder.", config.layers - 1, ".self_attention")].front();
  const Tensor of_class = mean(Var(weights.select(0, 0).select(1, 0)), 0).value();  // [1 + P]
  const auto name = [&](const Tensor& id) { return images.classes[static_cast<std::size_t>(id.item())]; };
  HeatMap map{
      .title = text("Where the class token looks in a ", name(image.labels), ", taken for ", name(best)),
      .values = of_class.slice(0, 1, of_class.extent(0)).to_vector()};
  for (std::int64_t r = 0; r < config.height / config.patch; ++r) map.row_labels.push_back(std::to_string(r));
  for (std::int64_t c = 0; c < config.width / config.patch; ++c) map.column_labels.push_back(std::to_string(c));
  const double most = *std::max_element(map.values.begin(), map.values.end());
  for (double& value : map.values) value /= most;
  return map;
}

int train(const Config& config, const Flags& flags, const std::optional<TensorFile>& saved) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(config.out);  // what cannot be saved need not be trained

  Rng rng(config.seed);
  const auto draw = [&](std::int64_t count) {
    const tasks::ImageOptions options{.noise = config.noise};
    return config.images == "digits" ? tasks::digits(count, rng, options) : tasks::shapes(count, rng, options);
  };
  const Images train = draw(config.count), unseen = draw(kUnseen);
  const ImageLoader loader(train, {.batch = config.batch});
  std::printf("%s", preview(train.pixels.select(0, 0)).c_str());

  VisionTransformer model({.patch = config.patch,
                           .classes = static_cast<std::int64_t>(train.classes.size()),
                           .layers = config.transformer.layers,
                           .layer = config.transformer.layer()},
                          rng);
  Adam optimiser(model.parameters(), {.learning_rate = config.learning_rate});
  std::printf("%s", model.overview().c_str());

  Run run{.config = config, .flags = flags, .vocabulary = config.images, .rng = rng};
  start_epoch(run);
  if (saved) load_run(*saved, run, model, optimiser);

  const auto step = [&](const ImageBatch& batch) -> StepResult {
    const Var scores = model(Var(batch.pixels), &run.rng);  // [B, classes]
    const Var loss = cross_entropy(scores, batch.labels);
    loss.backward();
    const double norm = optimiser.step({.clip_norm = kClipNorm});
    optimiser.zero_grad();
    return {loss.item(), norm, batch.size()};
  };
  std::vector<std::int32_t> classes;
  const auto judge = [&]() -> Verdict {
    classes = recognised(model, unseen);
    std::int64_t right = 0;
    for (std::size_t i = 0; i < classes.size(); ++i)
      right += classes[i] == unseen.labels.data<std::int32_t>()[i];
    return {static_cast<double>(right) / kUnseen, static_cast<std::size_t>(kUnseen), "images"};
  };
  const auto verdict = run_epochs(run, model, optimiser, loader, step, judge, [] {});
  if (!verdict) return kInterruptedExitCode;

  for (const std::string& line : mistakes(unseen, classes)) std::printf("  took %s times\n", line.c_str());
  Report report = training_report(run, "Vision transformer", *verdict);
  for (std::int64_t i = 0; i < 4; ++i) report.maps.push_back(looks(model, unseen, i));
  const HeatMap& first = report.maps.front();
  std::printf("%s%s\n%s", preview(unseen.pixels.select(0, 0)).c_str(), first.title.c_str(),
              terminal_heat_map(first.values, first.row_labels, first.column_labels,
                                {.color = isatty(STDOUT_FILENO) != 0})
                  .c_str());
  finish_program(run, report, *verdict, seconds_since(start));
  return 0;
}

int run(int argc, char** argv) {
  Config config;
  config.learning_rate = 1e-3;
  config.warm_up = 100;
  Flags flags("vit_shapes", "Trains a vision transformer on digits or shapes, which it draws.");
  add_training_flags(flags, config, {});
  flags.choice("images", &config.images, {"digits", "shapes"}, "what is drawn");
  flags.add("count", &config.count, "images to train on", at_least(1));
  flags.add("noise", &config.noise, "standard deviation of what is added to each pixel", at_least(0));
  flags.add("patch", &config.patch, "side of a patch in pixels, which divides 28", at_least(1));
  add_transformer_flags(flags, config.transformer);
  std::optional<TensorFile> saved;
  if (!parse_training_flags(
          argc, argv, flags, config, [&] { return config.resume; }, saved))
    return 0;
  return train(config, flags, saved);
}

}  // namespace

int main(int argc, char** argv) { return run_program(argc, argv, run); }
