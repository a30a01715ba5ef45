#include "examples/common/text_tokens.h"

#include "data/bpe_tokenizer.h"
#include "data/vocabulary.h"
#include "data/word_tokenizer.h"

namespace heed::programs {

void add_token_flags(Flags& flags, TokenChoice& choice) {
  flags.choice("tokens", &choice.tokens, {"characters", "words", "bpe"}, "what texts are cut into");
  flags.add("merges", &choice.merges, "tokens to learn, of bpe", at_least(0));
}

std::unique_ptr<Tokenizer> TokenChoice::tokenizer(const TextParts& text, bool mask) const {
  const std::vector<std::string> train{text.train};
  if (tokens == "words") return std::make_unique<WordTokenizer>(train, WordOptions{.mask = mask});
  if (tokens == "bpe") return std::make_unique<BpeTokenizer>(train, BpeOptions{.merges = merges, .mask = mask});
  return std::make_unique<Vocabulary>(text.train + text.validation, TokenizerOptions{.mask = mask});
}

}  // namespace heed::programs
