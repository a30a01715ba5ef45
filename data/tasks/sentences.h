// English sentences from a small grammar: a text to learn from that needs no download, and whether a model has
// learnt it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/random.h"

namespace heed::tasks {

/// `count` sentences, each on a line of its own, all in lower case:
///
///   the otter that two clever foxes follow thinks that these children often sing.
///
///   sentence     clause "."
///   clause       noun phrase, verb phrase
///   noun phrase  determiner, adjective or not, noun, and sometimes
///                  a preposition and a noun phrase | "that", verb phrase | "that", noun phrase, transitive
///                  verb
///   verb phrase  intransitive verb, adverb or not | transitive verb, noun phrase | verb of saying, "that",
///   clause
///
/// Determiner, noun and verb agree in number, over whatever stands between them, and "a" is "an" before a, e,
/// i, o and u. What comes with a preposition or "that" lies one level deeper; `depth` levels are the most.
/// There are 24 nouns and 32 verbs. Number, words and what follows are drawn independently; sentences may
/// repeat.
///
/// Throws ConfigError unless count >= 1 and 0 <= depth <= 8.
std::string sentences(std::int64_t count, Rng& rng, int depth = 2);

/// Whether a text, without a line end, is a sentence of that grammar with at most `depth` levels; only single
/// spaces separate words. Throws ConfigError unless 0 <= depth <= 8.
bool is_grammatical(std::string_view sentence, int depth = 8);

}  // namespace heed::tasks
