#include "examples/common/comparison.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/losses.h"
#include "core/file.h"
#include "data/loader.h"
#include "examples/common/interrupt.h"
#include "examples/common/progress.h"
#include "optim/adam.h"
#include "optim/trainer.h"

namespace heed::programs {
namespace {

std::string percent(double share) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%.2f", 100 * share);
  return digits;
}

std::string rate_of(const History& history) {
  return std::to_string(std::llround(static_cast<double>(history.examples) / std::max(1e-9, history.seconds)));
}

// What all have in common.
struct Ground {
  const TranslationTask& task;
  const Loader& loader;
  const Pairs& unseen;
  const Pair& shown;  // what each is asked to write for its map of attention
  const Tokenizer& tokens;
};

Course train_one(const Contender& contender, const Ground& ground, Rng rng) {
  const TranslationConfig& config = contender.config;
  Rng order = rng.split();
  Translator model = make_translator(config, ground.tokens, rng);
  Adam optimiser(model.module().parameters(),
                 {.learning_rate = config.learning_rate, .beta2 = ground.task.beta2});
  Course course{.name = contender.name, .parameters = model.module().parameter_count()};
  History& history = course.history;
  std::optional<Progress> progress;
  std::chrono::steady_clock::time_point start;

  const auto batches = [&](int epoch) {
    progress.emplace(ground.loader.batches(), text(contender.name, "  epoch ", epoch));
    start = std::chrono::steady_clock::now();
    return ground.loader.epoch(order);
  };
  const auto loss_of = [&](const Batch& batch) {
    const auto [scores, auxiliary_loss] = model(batch.source, batch.target_in, &rng);  // [B, T, V]
    const Var loss = cross_entropy(scores, batch.target_out);
    return BatchLoss(auxiliary_loss.defined() ? loss + auxiliary_loss : loss, batch.size());
  };
  const auto on_step = [&](StepReport& step) {
    progress->update(step.epoch_step, step.loss, step.gradient_norm, step.epoch_examples);
    step.stop = interrupt_requested();
  };
  const auto on_epoch = [&](EpochReport& epoch) {
    progress->finish();
    history.seconds += seconds_since(start);
    history.examples += epoch.examples;
    history.epoch_losses.push_back(epoch.loss);
    history.exact.push_back(evaluate(model, ground.unseen, ground.tokens).exact);
    course.seconds.push_back(history.seconds);
    std::printf("%s  epoch %d  loss %.4f  exact %s %% of %zu unseen\n", contender.name.c_str(), epoch.epoch,
                epoch.loss, percent(history.exact.back()).c_str(), ground.unseen.size());
    std::fflush(stdout);
    epoch.stop = interrupt_requested();
  };
  train(optimiser, batches, loss_of,
        {.epochs = static_cast<int>(config.epochs),
         .clip_norm = ground.task.clip_norm,
         .schedule = config.learning_rates(ground.loader.batches()),
         .on_step = on_step,
         .on_epoch = on_epoch});

  course.map = convert(model, ground.shown.source, ground.tokens);
  course.map.title = contender.name;
  course.map.expected = ground.shown.target;
  return course;
}

// The longest of the first examples, which has the most to look at.
const Pair& shown_of(const Pairs& unseen) {
  return *std::max_element(unseen.begin(), unseen.begin() + std::min<std::ptrdiff_t>(10, std::ssize(unseen)),
                           [](const Pair& a, const Pair& b) { return a.source.size() < b.source.size(); });
}

// A curve with a series for each course, of its epochs.
template <class X, class Y>
Curve curve_of(const std::string& title, const std::vector<Course>& courses, const LineChartOptions& options,
               X x, Y y) {
  Curve curve{.title = title, .options = options};
  curve.options.height = 320;  // room for many lines
  for (const Course& course : courses) {
    Series series{.name = course.name};
    for (std::size_t epoch = 0; epoch < course.history.exact.size(); ++epoch) {
      series.x.push_back(x(course, epoch));
      series.y.push_back(y(course, epoch));
    }
    curve.series.push_back(std::move(series));
  }
  return curve;
}

Report report_of(const std::string& title, const std::vector<Course>& courses, std::size_t unseen,
                 double seconds) {
  const Course& best = best_of(courses);
  const History& of_best = best.history;
  Report report{.title = title};
  const std::string exact = percent(of_best.exact.back()) + " %";
  report.summary = text("Of ", courses.size(), courses.size() == 1 ? " model " : " models ", best.name,
                        " ended best, with ", exact, " of ", unseen,
                        " unseen examples exactly right. All saw the same batches in the same order.");
  report.results = {{"the best", best.name},
                    {"its exact on unseen", exact},
                    {"its examples a second", rate_of(of_best)},
                    {"seconds in all", std::to_string(std::llround(seconds))}};
  const auto epoch = [](const Course&, std::size_t i) { return static_cast<double>(i + 1); };
  const auto right = [](const Course& course, std::size_t i) { return 100 * course.history.exact[i]; };
  const LineChartOptions in_percent{.x_label = "epoch", .y_label = "%", .y_low = 0, .y_high = 100};
  LineChartOptions in_time = in_percent;
  in_time.x_label = "seconds";
  in_time.x_low = 0;
  report.curves = {
      curve_of("Exact on unseen by epoch", courses, in_percent, epoch, right),
      curve_of("Loss by epoch", courses, {.x_label = "epoch", .y_label = "loss", .log_y = true}, epoch,
               [](const Course& course, std::size_t i) { return course.history.epoch_losses[i]; }),
      curve_of(
          "Exact on unseen by seconds of training", courses, in_time,
          [](const Course& course, std::size_t i) { return course.seconds[i]; }, right)};
  report.tables = {table_of(courses, unseen)};
  for (const Course& course : courses)
    if (!course.map.weights.empty()) report.attention.push_back(course.map);
  return report;
}

}  // namespace

Table table_of(const std::vector<Course>& courses, std::size_t unseen) {
  Table table{.title = "Models",
              .caption = text("Under each epoch the percentage of ", unseen,
                              " unseen examples that the model wrote exactly after it."),
              .columns = {"model", "parameters", "examples/s"}};
  std::size_t epochs = 0;
  for (const Course& course : courses) epochs = std::max(epochs, course.history.exact.size());
  for (std::size_t epoch = 1; epoch <= epochs; ++epoch)
    table.columns.push_back(epoch == 1 ? "epoch 1" : std::to_string(epoch));
  for (const Course& course : courses) {
    std::vector<std::string> row{course.name, std::to_string(course.parameters), rate_of(course.history)};
    for (const double share : course.history.exact) row.push_back(percent(share));
    row.resize(table.columns.size());  // one that was stopped has fewer epochs
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string to_text(const Table& table) {
  std::vector<std::vector<std::string>> lines{table.columns};
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  std::string out;
  for (const std::vector<std::string>& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      std::size_t width = 0;
      for (const std::vector<std::string>& other : lines) width = std::max(width, other[i].size());
      const std::string room(width - line[i].size(), ' ');
      out += i == 0 ? line[i] + room : "  " + room + line[i];
    }
    out += "\n";
  }
  return out;
}

const Course& best_of(const std::vector<Course>& courses) {
  return *std::max_element(courses.begin(), courses.end(), [](const Course& a, const Course& b) {
    const auto merit = [](const History& h) { return std::pair(h.exact.back(), -h.epoch_losses.back()); };
    return merit(a.history) < merit(b.history);
  });
}

int run_comparison(const TranslationTask& task, const std::vector<Contender>& contenders,
                   const TranslationConfig& shared, const Flags& flags) {
  const auto start = std::chrono::steady_clock::now();
  make_folder(shared.out);  // what cannot be saved need not be trained
  Rng rng(shared.seed);
  const auto [train, unseen] = task.data(rng);
  Pairs all = train;
  all.insert(all.end(), unseen.begin(), unseen.end());
  const std::unique_ptr<Tokenizer> tokens = make_tokenizer(shared, all, train);
  const Loader loader(train, *tokens, {.batch = shared.batch, .sort_window = 8});
  for (const Contender& contender : contenders) {  // what cannot be made is found before anything is trained
    Rng unused(shared.seed);
    make_translator(contender.config, *tokens, unused);
  }

  const InterruptWatch watch;
  std::vector<Course> courses;
  for (const Contender& contender : contenders) {
    Course course = train_one(contender, {task, loader, unseen, shown_of(unseen), *tokens}, rng);
    if (!course.history.exact.empty()) courses.push_back(std::move(course));
    if (interrupt_requested()) break;
  }
  if (courses.empty()) {
    std::printf("stopped in the first epoch\n");
    return kInterruptedExitCode;
  }
  const double seconds = seconds_since(start);
  Report report = report_of(task.title, courses, unseen.size(), seconds);
  report.configuration = facts_of(flags, shared);
  write_file(shared.report_path(), to_html(report));
  std::printf("\n%sreport: %s\n", to_text(report.tables.front()).c_str(), shared.report_path().c_str());
  if (interrupt_requested()) return kInterruptedExitCode;
  const Course& best = best_of(courses);
  std::printf("%s models=%zu best=%s\n",
              result_line(best.history, {best.history.exact.back(), unseen.size()}, seconds).c_str(),
              courses.size(), best.name.c_str());
  return 0;
}

}  // namespace heed::programs
