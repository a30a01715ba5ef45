// What the programs share that learn from running text: how it is cut into tokens.
#pragma once

#include <memory>
#include <string>

#include "data/text.h"
#include "data/tokenizer.h"
#include "examples/common/flags.h"

namespace heed::programs {

struct TokenChoice {
  std::string tokens = "characters";
  std::int64_t merges = 500;  ///< of byte pairs

  /// The characters of both parts, or words or byte pairs learnt from the one to train on.
  std::unique_ptr<Tokenizer> tokenizer(const TextParts& text, bool mask = false) const;
};

/// Declares the flags.
void add_token_flags(Flags& flags, TokenChoice& choice);

}  // namespace heed::programs
