// The formula of each operation, forward and backward, for reading.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace heed {

/// How an operation is computed and differentiated, in names for its operands and outputs. Texts are plain: `*`
/// goes element by element, `@` is the matrix product, `ᵀ` exchanges the last two axes, `rowsum` and `rowmean`
/// go along the last axis and keep it; d before the name of an output is the gradient that arrived at it.
struct Formula {
  std::vector<std::string> operands{};  ///< "x", "w", "b"
  std::vector<std::string> outputs{};   ///< "y"
  std::string forward{};                ///< "y = x @ w + b"
  std::vector<std::string> gradients{};  ///< of each operand: "dy @ wᵀ", …; empty when the formula is not known
  std::string definitions{};             ///< of further names in these: "s = sigmoid(x); …"
  std::string note{};                    ///< in words: "s is a number of the call"
  bool known = true;
};

/// The formula of an operation by the name that it is recorded under and the number of its operands; when not
/// all of them are known, that of the form with the most. An operation that the table has not gives its name,
/// `y = name(x1, x2)`, and no gradients.
Formula formula_of(std::string_view operation, std::size_t operands, bool operands_known = true);

/// The name of an operand or output by its place from 0; "x3", "y3" for one that the formula has not.
std::string operand_name(const Formula& formula, std::size_t place);
std::string output_name(const Formula& formula, std::size_t place);

/// The text with each name in it replaced by what `replace` gives for it, or left as it is where that is empty.
/// A name is letters, digits and _, and no function's (followed by a bracket); `transposed` tells that ᵀ
/// follows, which `replace` then has to show, too. What has a space goes in brackets before ^.
std::string replace_names(std::string_view text,
                          const std::function<std::string(std::string_view name, bool transposed)>& replace);

}  // namespace heed
