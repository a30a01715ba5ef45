// Tokens hidden from a model that is to guess them: what masked language models are trained on.
#pragma once

#include "core/random.h"
#include "core/tokens.h"
#include "data/tokenizer.h"

namespace heed {

struct MaskingOptions {
  double share = 0.15;  ///< of the tokens that are chosen to be guessed
  double masked = 0.8;  ///< of the chosen: the mask stands in their place
  double random = 0.1;  ///< of the chosen: a random token does; the rest stays as it is
};

/// What the model is given and what it is to guess.
struct MaskedBatch {
  Tokens input;   ///< [B, T]
  Tensor target;  ///< [B, T] (i32): the hidden token where one was chosen, -1 elsewhere
};

/// The tokens with some of them hidden (Devlin et al. 2018, "BERT: pre-training of deep bidirectional
/// transformers for language understanding"). Each token is chosen by itself, so a short sequence may have
/// none; special ids and padding never are. A random token is uniform over those of the tokenizer and can be
/// the right one. Throws ConfigError when the tokenizer has no mask, 0 <= share <= 1 does not hold, or `masked`
/// and `random` are negative or exceed 1 together; IndexError for an id outside the tokenizer, ShapeError as
/// functions of Tokens.
MaskedBatch mask_tokens(const Tokens& tokens, const Tokenizer& tokenizer, Rng& rng,
                        const MaskingOptions& options = {});

}  // namespace heed
