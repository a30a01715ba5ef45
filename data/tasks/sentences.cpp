#include "data/tasks/sentences.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "core/error.h"

namespace heed::tasks {
namespace {

constexpr int kDeepest = 8;
constexpr std::string_view kThat = "that";

enum class Number { singular, plural };
constexpr std::array kBothNumbers = {Number::singular, Number::plural};

// A noun or a verb of the present tense in both numbers.
struct Word {
  std::string_view singular, plural;
  std::string_view in(Number number) const { return number == Number::singular ? singular : plural; }
};

constexpr std::array<Word, 24> kNouns{
    {{"artist", "artists"}, {"baker", "bakers"},   {"cat", "cats"},         {"child", "children"},
     {"doctor", "doctors"}, {"dog", "dogs"},       {"farmer", "farmers"},   {"fox", "foxes"},
     {"goose", "geese"},    {"horse", "horses"},   {"king", "kings"},       {"man", "men"},
     {"mouse", "mice"},     {"otter", "otters"},   {"owl", "owls"},         {"pony", "ponies"},
     {"queen", "queens"},   {"robot", "robots"},   {"student", "students"}, {"teacher", "teachers"},
     {"uncle", "uncles"},   {"wizard", "wizards"}, {"wolf", "wolves"},      {"woman", "women"}}};
constexpr std::array<Word, 12> kIntransitive{{{"cries", "cry"},
                                              {"dances", "dance"},
                                              {"laughs", "laugh"},
                                              {"rests", "rest"},
                                              {"runs", "run"},
                                              {"sings", "sing"},
                                              {"sleeps", "sleep"},
                                              {"smiles", "smile"},
                                              {"swims", "swim"},
                                              {"travels", "travel"},
                                              {"waits", "wait"},
                                              {"works", "work"}}};
constexpr std::array<Word, 14> kTransitive{{{"calls", "call"},
                                            {"carries", "carry"},
                                            {"chases", "chase"},
                                            {"finds", "find"},
                                            {"follows", "follow"},
                                            {"greets", "greet"},
                                            {"hears", "hear"},
                                            {"helps", "help"},
                                            {"likes", "like"},
                                            {"loves", "love"},
                                            {"sees", "see"},
                                            {"teaches", "teach"},
                                            {"thanks", "thank"},
                                            {"watches", "watch"}}};
constexpr std::array<Word, 6> kOfSaying{{{"believes", "believe"},
                                         {"fears", "fear"},
                                         {"hopes", "hope"},
                                         {"knows", "know"},
                                         {"says", "say"},
                                         {"thinks", "think"}}};
constexpr std::array<std::string_view, 12> kAdjectives = {"angry",    "brave", "clever", "elegant",
                                                          "friendly", "happy", "lazy",   "old",
                                                          "quiet",    "small", "tall",   "young"};
constexpr std::array<std::string_view, 8> kAdverbs = {"again", "alone",   "happily", "here",
                                                      "often", "quietly", "today",   "well"};
constexpr std::array<std::string_view, 6> kPrepositions = {"behind", "beside", "near",
                                                           "under",  "with",   "without"};
// "a" stands for "an" as well.
constexpr std::array<std::string_view, 4> kSingularDeterminers = {"a", "every", "the", "this"};
constexpr std::array<std::string_view, 4> kPluralDeterminers = {"some", "the", "these", "two"};

std::span<const std::string_view> determiners(Number number) {
  return number == Number::singular ? std::span(kSingularDeterminers) : std::span(kPluralDeterminers);
}

std::string_view article_before(std::string_view word) {
  return std::string_view("aeiou").find(word.front()) == std::string_view::npos ? "a" : "an";
}

void check_depth(int depth, const char* operation) {
  if (depth < 0 || depth > kDeepest)
    throw ConfigError({.what = text(operation, ": depth is ", depth),
                       .expected = text("0 <= depth <= ", kDeepest, ", got ", depth)});
}

// Draws from the grammar; `depth` is how many levels may still follow.
class Writer {
 public:
  explicit Writer(Rng& rng) : rng_(rng) {}

  std::string sentence(int depth) {
    words_.clear();
    clause(depth);
    std::string joined;
    for (const std::string_view word : words_) joined.append(joined.empty() ? "" : " ").append(word);
    return joined + ".";
  }

 private:
  template <class Words>
  const auto& one_of(const Words& words) {
    return words[static_cast<std::size_t>(rng_.below(std::ssize(words)))];
  }
  Number number() { return rng_.chance(0.5) ? Number::singular : Number::plural; }

  void clause(int depth) {
    const Number subject = number();
    noun_phrase(subject, depth);
    verb_phrase(subject, depth);
  }

  void noun_phrase(Number number, int depth) {
    const std::string_view determiner = one_of(determiners(number));
    const std::size_t at = words_.size();
    words_.push_back(determiner);
    if (rng_.chance(0.3)) words_.push_back(one_of(kAdjectives));
    words_.push_back(one_of(kNouns).in(number));
    if (determiner == "a") words_[at] = article_before(words_[at + 1]);
    if (depth == 0 || rng_.chance(0.6)) return;
    const std::int64_t form = rng_.below(3);
    words_.push_back(form == 0 ? one_of(kPrepositions) : kThat);
    if (form == 1) {
      verb_phrase(number, depth - 1);
    } else {
      const Number other = this->number();
      noun_phrase(other, depth - 1);
      if (form == 2) words_.push_back(one_of(kTransitive).in(other));
    }
  }

  void verb_phrase(Number number, int depth) {
    const double form = rng_.uniform();
    if (form < 0.4) {
      words_.push_back(one_of(kIntransitive).in(number));
      if (rng_.chance(0.4)) words_.push_back(one_of(kAdverbs));
    } else if (form < 0.8 || depth == 0) {
      words_.push_back(one_of(kTransitive).in(number));
      noun_phrase(this->number(), depth);
    } else {
      words_.push_back(one_of(kOfSaying).in(number));
      words_.push_back(kThat);
      clause(depth - 1);
    }
  }

  Rng& rng_;
  std::vector<std::string_view> words_;
};

// Recognises the grammar: each rule returns all positions at which a phrase that begins at `at` can end.
class Reader {
 public:
  using Ends = std::set<std::size_t>;

  explicit Reader(std::vector<std::string_view> words) : words_(std::move(words)) {}

  bool is_clause(int depth) const { return clause(0, depth).contains(words_.size()); }

 private:
  template <class Words>
  bool is_one_of(const Words& words, std::size_t at) const {
    return at < words_.size() && std::find(words.begin(), words.end(), words_[at]) != words.end();
  }
  template <class Words>
  bool is_one_of(const Words& words, Number number, std::size_t at) const {
    return at < words_.size() && std::any_of(words.begin(), words.end(),
                                             [&](const Word& word) { return word.in(number) == words_[at]; });
  }
  bool is_that(std::size_t at) const { return at < words_.size() && words_[at] == kThat; }

  bool is_determiner(Number number, std::size_t at) const {
    if (at + 1 >= words_.size()) return false;
    if (words_[at] == "a" || words_[at] == "an")
      return number == Number::singular && words_[at] == article_before(words_[at + 1]);
    return is_one_of(determiners(number), at);
  }

  Ends clause(std::size_t at, int depth) const {
    Ends ends;
    for (const Number number : kBothNumbers)
      for (const std::size_t middle : noun_phrase(at, number, depth))
        ends.merge(verb_phrase(middle, number, depth));
    return ends;
  }

  Ends noun_phrase(std::size_t at, Number number, int depth) const {
    if (!is_determiner(number, at)) return {};
    ++at;
    if (is_one_of(kAdjectives, at)) ++at;
    if (!is_one_of(kNouns, number, at)) return {};
    ++at;
    Ends ends{at};
    if (depth == 0) return ends;
    if (is_that(at)) ends.merge(verb_phrase(at + 1, number, depth - 1));
    if (!is_that(at) && !is_one_of(kPrepositions, at)) return ends;
    for (const Number other : kBothNumbers)
      for (const std::size_t end : noun_phrase(at + 1, other, depth - 1)) {
        if (!is_that(at)) {
          ends.insert(end);
        } else if (is_one_of(kTransitive, other, end)) {
          ends.insert(end + 1);
        }
      }
    return ends;
  }

  Ends verb_phrase(std::size_t at, Number number, int depth) const {
    Ends ends;
    if (is_one_of(kIntransitive, number, at)) {
      ends.insert(at + 1);
      if (is_one_of(kAdverbs, at + 1)) ends.insert(at + 2);
    }
    if (is_one_of(kTransitive, number, at))
      for (const Number other : kBothNumbers) ends.merge(noun_phrase(at + 1, other, depth));
    if (depth > 0 && is_one_of(kOfSaying, number, at) && is_that(at + 1)) ends.merge(clause(at + 2, depth - 1));
    return ends;
  }

  std::vector<std::string_view> words_;
};

}  // namespace

std::string sentences(std::int64_t count, Rng& rng, int depth) {
  check_depth(depth, "sentences");
  if (count < 1)
    throw ConfigError({.what = text("sentences: ", count, " sentences asked for"), .expected = "count >= 1"});
  Writer writer(rng);
  std::string lines;
  for (std::int64_t i = 0; i < count; ++i) lines += writer.sentence(depth) + "\n";
  return lines;
}

bool is_grammatical(std::string_view sentence, int depth) {
  check_depth(depth, "is_grammatical");
  if (!sentence.ends_with('.')) return false;
  sentence.remove_suffix(1);
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; begin <= sentence.size();) {
    const std::size_t end = std::min(sentence.find(' ', begin), sentence.size());
    if (end == begin) return false;
    words.push_back(sentence.substr(begin, end - begin));
    begin = end + 1;
  }
  return Reader(std::move(words)).is_clause(depth);
}

GrammarCount count_grammatical(std::string_view text) {
  GrammarCount count;
  for (std::size_t begin = 0, end; (end = text.find('.', begin)) != std::string_view::npos; begin = end + 1) {
    while (text[begin] == ' ' || text[begin] == '\n') ++begin;
    ++count.sentences;
    count.right += is_grammatical(text.substr(begin, end + 1 - begin)) ? 1 : 0;
  }
  return count;
}

}  // namespace heed::tasks
