#include "core/error.h"

#include <charconv>
#include <vector>

namespace heed {

Error::Error(std::string_view kind, const Complaint& complaint) {
  message_.append(kind).append(": ").append(complaint.what);
  auto line = [&](std::string_view label, const std::string& content) {
    if (!content.empty()) message_.append("\n  ").append(label).append(content);
  };
  line("requires ", complaint.expected);
  line("", complaint.operands);
  line("in: ", ErrorFrame::path());
  line("hint: ", complaint.hint);
}

std::string ErrorFrame::path() {
  std::vector<const ErrorFrame*> frames;
  for (const ErrorFrame* frame = innermost_; frame != nullptr; frame = frame->outer_) frames.push_back(frame);
  std::string path;
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
    if (!path.empty()) path.append(" / ");
    (*frame)->describe_((*frame)->object_, *frame == innermost_, path);
  }
  return path;
}

void append(std::string& out, std::string_view value) { out.append(value); }

void append(std::string& out, std::int64_t value) { out.append(std::to_string(value)); }

void append(std::string& out, double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

}  // namespace heed
