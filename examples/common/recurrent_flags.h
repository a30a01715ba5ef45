// What recurrent models are made of as flags.
#pragma once

#include <string>

#include "examples/common/flags.h"
#include "layers/recurrent_seq2seq_config.h"

namespace heed::programs {

struct RecurrentChoices {
  std::int64_t hidden = 128, embedding = 16;
  bool reverse = true;  ///< read sources from the end
  // Not of the book's models, whose parts are what they are:
  std::string cell = "lstm";
  std::string score = "own";  ///< of attention; "own": the model's
  std::int64_t window = 0;    ///< of local attention; 0: all sources

  /// What a preset completes.
  RecurrentSeq2seqConfig config() const;
};

/// Declares the flags.
void add_recurrent_flags(Flags& flags, RecurrentChoices& choices);

}  // namespace heed::programs
