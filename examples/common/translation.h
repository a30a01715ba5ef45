// What the programs share that train a model to turn one text into another.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "data/split.h"
#include "data/tokenizer.h"
#include "examples/common/recurrent_flags.h"
#include "examples/common/training.h"
#include "examples/common/transformer_flags.h"
#include "layers/beam_search.h"

namespace heed::programs {

/// The flags of a program that trains a translator.
struct TranslationConfig : TrainingConfig {
  std::string model = "attention";
  std::string tokens = "characters";  ///< what texts are cut into
  std::int64_t merges = 500;          ///< of byte pairs
  std::int64_t layers = 0;            ///< in each stack; 0: as many as the model has
  double dropout = 0;
  RecurrentChoices recurrent = {};
  TransformerSizes transformer = {};  ///< layers and dropout are those above
  std::string split = "leak-free";
  std::optional<std::string> convert{};  ///< a text to convert with the checkpoint
  std::int64_t beams = 1;                ///< of the search that converts it; 1: greedy

  bool uses_checkpoint() const { return resume || convert.has_value(); }
};

/// Declares those flags and those of every training program.
void add_translation_flags(Flags& flags, TranslationConfig& config);
/// Of these, the ones that say what texts are cut into and how models are made, whichever model it is, and how
/// data are parted.
void add_model_flags(Flags& flags, TranslationConfig& config);
void add_split_flag(Flags& flags, TranslationConfig& config);
/// What a file of pairs holds, for the help.
inline constexpr const char* kPairsFile = "a file of pairs, source<TAB>target or source_target a line";

/// The models that a configuration can name.
std::vector<std::string> model_names();

/// A model that turns one sequence of ids into another, of whatever type it is.
class Translator {
 public:
  /// What training needs of a pass.
  struct Forced {
    Var scores;          ///< [B, T, V]
    Var auxiliary_loss;  ///< to be added to the loss of the scores, such as that of coverage; undefined without
  };

  template <class Model>
  explicit Translator(std::unique_ptr<Model> model)
      : forced_([m = model.get()](const Tokens& source, const Tokens& target_in,
                                  [[maybe_unused]] Rng* rng) -> Forced {
          if constexpr (requires { m->with_attention(source, target_in, rng).auxiliary_loss; }) {
            auto forward = m->with_attention(source, target_in, rng);
            return {std::move(forward.scores), std::move(forward.auxiliary_loss)};
          } else if constexpr (std::is_invocable_v<const Model&, const Tokens&, const Tokens&, Rng*>) {
            return {(*m)(source, target_in, rng), {}};
          } else {
            return {(*m)(source, target_in), {}};
          }
        }),
        start_([m = model.get()](const Tokens& source) { return decoding_start(*m, source); }),
        module_(std::move(model)) {}

  Module& module() { return *module_; }
  const Module& module() const { return *module_; }
  /// Scores of the next id at each step, the targets so far being given; the generator is for dropout.
  Forced operator()(const Tokens& source, const Tokens& target_in, Rng* rng = nullptr) const {
    return forced_(source, target_in, rng);
  }
  /// What the model writes for each source, greedily.
  std::vector<Generated> generate(const Tokens& source) const { return greedy(start_(source)); }
  /// The best that a beam search finds for each source.
  std::vector<std::vector<Generated>> search(const Tokens& source, const BeamOptions& options) const {
    return beam_search(start_(source), options);
  }

 private:
  std::function<Forced(const Tokens&, const Tokens&, Rng*)> forced_;
  std::function<DecodingStart(const Tokens&)> start_;
  std::unique_ptr<Module> module_;
};

/// The model that the configuration names, for ids of that tokenizer.
Translator make_translator(const TranslationConfig& config, const Tokenizer& tokenizer, Rng& rng);
/// The tokenizer that it names: the characters of all pairs, or words or byte pairs learnt from those to train
/// on.
std::unique_ptr<Tokenizer> make_tokenizer(const TranslationConfig& config, const Pairs& all,
                                          const Pairs& train);

/// Splits as the configuration says and prints the leak report.
Split split_as_configured(const Pairs& pairs, const TranslationConfig& config, Rng& rng);

/// What a model wrote for some pairs, greedily and without dropout.
struct Evaluation {
  double exact = 0;
  std::vector<Example> examples;  ///< one a pair, with the loss of those that are wrong
  std::vector<bool> right;
};
Evaluation evaluate(Translator& model, const Pairs& pairs, const Tokenizer& tokenizer);

/// Prints ten of them, each marked right or wrong.
void print_samples(const Evaluation& evaluation);

/// Converts one text and keeps where the model looked; without attention the map has no weights.
AttentionMap convert(Translator& model, const std::string& source, const Tokenizer& tokenizer,
                     std::int64_t beams = 1);

/// The map in the terminal: where each written token looked.
void print_attention(const AttentionMap& map, bool color);

/// The report of a finished run: with samples, the worst mistakes and some maps of attention.
Report translation_report(const Run& run, const std::string& title, Translator& model, const Pairs& unseen,
                          const Tokenizer& tokenizer, const Evaluation& evaluation);

/// A task that differs from others in its data alone.
struct TranslationTask {
  std::string title;                ///< of the report
  std::function<Split(Rng&)> data;  ///< pairs to train on and unseen ones
  double clip_norm = 5;
  double beta2 = 0.999;  ///< of Adam
};

/// What a program of such a task does, --convert and Ctrl-C included; returns its exit code. The loop is that
/// of date_conversion.cpp, which shows it in full.
int run_translation(const TranslationTask& task, const TranslationConfig& config, const Flags& flags,
                    const std::optional<TensorFile>& saved);

/// Converts --convert's text with the checkpoint, prints the result and, on a terminal, where the model looked.
void convert_with(const TensorFile& saved, const TranslationConfig& config);

}  // namespace heed::programs
