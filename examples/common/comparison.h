// Several translators trained one after the other on the same data: their figures in one table, their curves in
// one picture.
#pragma once

#include <string>
#include <vector>

#include "examples/common/translation.h"

namespace heed::programs {

/// A model that takes part, under a name of its own.
struct Contender {
  std::string name;
  TranslationConfig config;
};

/// How the training of one went.
struct Course {
  std::string name;
  std::int64_t parameters = 0;
  History history{};
  std::vector<double> seconds{};  ///< of training, up to the end of each epoch
  AttentionMap map{};             ///< of an unseen example; no weights from a model without attention
};

/// Parameters, examples a second and the percentage written exactly after each epoch: a row a model.
Table table_of(const std::vector<Course>& courses, std::size_t unseen);
/// The table in lines for a terminal, without its title and caption.
std::string to_text(const Table& table);
/// The course that ended best: with the most examples right, of several such the one with the least loss. There
/// must be one with an epoch.
const Course& best_of(const std::vector<Course>& courses);

/// Trains each on the task's data, cut and parted as `shared` says; all see the same batches in the same order.
/// Prints each epoch, then the table, and on the last line the best one's result; writes the report. Ctrl-C
/// ends it with what there is. Returns the exit code. Throws as make_translator.
int run_comparison(const TranslationTask& task, const std::vector<Contender>& contenders,
                   const TranslationConfig& shared, const Flags& flags);

}  // namespace heed::programs
