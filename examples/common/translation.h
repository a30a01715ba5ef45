// What the programs share that train a model to turn one text into another.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/split.h"
#include "data/vocabulary.h"
#include "examples/common/training.h"
#include "layers/seq2seq.h"

namespace heed::programs {

/// The flags of a program that trains a translator.
struct TranslationConfig : TrainingConfig {
  std::string model = "attention";
  std::int64_t hidden = 128, embedding = 16;  ///< of recurrent models
  std::string split = "leak-free";
  std::optional<std::string> convert{};  ///< a text to convert with the checkpoint

  bool uses_checkpoint() const { return resume || convert.has_value(); }
};

/// Declares those flags and those of every training program.
void add_translation_flags(Flags& flags, TranslationConfig& config);

/// A model that turns one sequence of ids into another, of whatever type it is.
class Translator {
 public:
  template <class Model>
  explicit Translator(std::unique_ptr<Model> model)
      : scores_([m = model.get()](const Tokens& source, const Tokens& target_in) {
          return (*m)(source, target_in);
        }),
        generate_([m = model.get()](const Tokens& source) { return m->generate(source); }),
        module_(std::move(model)) {}

  Module& module() { return *module_; }
  const Module& module() const { return *module_; }
  /// Scores [B, T, V] of the next id at each step, the targets so far being given.
  Var operator()(const Tokens& source, const Tokens& target_in) const { return scores_(source, target_in); }
  /// What the model writes for each source.
  std::vector<Generated> generate(const Tokens& source) const { return generate_(source); }

 private:
  std::function<Var(const Tokens&, const Tokens&)> scores_;
  std::function<std::vector<Generated>(const Tokens&)> generate_;
  std::unique_ptr<Module> module_;
};

/// The model that the configuration names, for ids of that vocabulary.
Translator make_translator(const TranslationConfig& config, const Vocabulary& vocabulary, Rng& rng);

/// Splits as the configuration says and prints the leak report.
Split split_as_configured(const Pairs& pairs, const TranslationConfig& config, Rng& rng);

/// What a model wrote for some pairs.
struct Evaluation {
  double exact = 0;
  std::vector<Example> examples;  ///< one a pair, with the loss of those that are wrong
  std::vector<bool> right;
};
Evaluation evaluate(const Translator& model, const Pairs& pairs, const Vocabulary& vocabulary);

/// Prints ten of them, each marked right or wrong.
void print_samples(const Evaluation& evaluation);

/// Converts one text and keeps where the model looked; without attention the map has no weights.
AttentionMap convert(const Translator& model, const std::string& source, const Vocabulary& vocabulary);

/// The map in the terminal: where each written token looked.
void print_attention(const AttentionMap& map, bool color);

/// The report of a finished run: with samples, the worst mistakes and some maps of attention.
Report translation_report(const Run& run, const std::string& title, const Translator& model,
                          const Pairs& unseen, const Vocabulary& vocabulary, const Evaluation& evaluation);

/// Converts --convert's text with the checkpoint, prints the result and, on a terminal, where the model looked.
void convert_with(const TensorFile& saved, const TranslationConfig& config);

}  // namespace heed::programs
