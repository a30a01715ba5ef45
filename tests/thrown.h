// The message of an error that a test expects.
#pragma once

#include <string>

namespace heed::tests {

/// The message of the `Expected` that `act` throws, or "nothing was thrown"; other exceptions pass through.
template <class Expected, class Act>
std::string thrown(Act act) {
  try {
    act();
  } catch (const Expected& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace heed::tests
