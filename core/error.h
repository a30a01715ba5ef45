// Every error that heed throws, and the form in which it speaks.
#pragma once

#include <cstdint>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>

namespace heed {

/// The parts of an error message, one line each; empty parts are left out.
///
///   ShapeError: matmul: inner extents differ: a is [32, 9, 256], b is [128, 64]
///     requires a.shape[-1] == b.shape[-2], got 256 and 128
///     a: output of concat    b: parameter "decoder.out.weight"
///     in: AttentionSeq2seq / decoder / out (Linear 128 -> 64)
struct Complaint {
  std::string what{};      ///< complete by itself: the operation, what is wrong, the values met
  std::string expected{};  ///< the violated equality, after "requires"
  std::string operands{};  ///< where each operand comes from
  std::string hint{};      ///< what to do, only when that is certain
};

/// Base of all errors. `what()` is the whole message; its last line names the modules that were running.
class Error : public std::exception {
 public:
  const char* what() const noexcept override { return message_.c_str(); }

 protected:
  Error(std::string_view kind, const Complaint& complaint);

 private:
  std::string message_;
};

/// Extents, ranks or axes that do not fit an operation.
struct ShapeError : Error {
  explicit ShapeError(const Complaint& c) : Error("ShapeError", c) {}
};
/// An element type that an operation does not take.
struct DTypeError : Error {
  explicit DTypeError(const Complaint& c) : Error("DTypeError", c) {}
};
/// A position outside an axis, or an id outside a vocabulary.
struct IndexError : Error {
  explicit IndexError(const Complaint& c) : Error("IndexError", c) {}
};
/// A misuse of the computation graph.
struct GraphError : Error {
  explicit GraphError(const Complaint& c) : Error("GraphError", c) {}
};
/// A file that cannot be read or written, or whose content is not what it should be.
struct IoError : Error {
  explicit IoError(const Complaint& c) : Error("IoError", c) {}
};
/// A setting that makes no sense.
struct ConfigError : Error {
  explicit ConfigError(const Complaint& c) : Error("ConfigError", c) {}
};

/// A frame of the path that an error shows after "in:". Frames nest; each thread has its own path.
/// The object must outlive the frame.
class ErrorFrame {
 public:
  /// Appends a part of the path; the innermost frame may say more.
  using Describe = void (*)(const void* object, bool innermost, std::string& out);
  /// `path` is the number of the object's name (core/names.h), for what is made while the frame lives.
  ErrorFrame(const void* object, Describe describe, std::uint32_t path = 0)
      : object_(object), describe_(describe), outer_(innermost_), path_(path) {
    innermost_ = this;
  }
  ~ErrorFrame() { innermost_ = outer_; }
  ErrorFrame(const ErrorFrame&) = delete;
  ErrorFrame& operator=(const ErrorFrame&) = delete;

  /// The path of this thread from the outermost frame, joined by " / "; empty when there is no frame.
  static std::string path();
  /// Whether a frame of this thread fulfils a condition on its object.
  template <class Condition>
  static bool any_running(Condition condition) {
    for (const ErrorFrame* frame = innermost_; frame != nullptr; frame = frame->outer_)
      if (condition(frame->object_)) return true;
    return false;
  }
  /// The number of the innermost frame's name; 0 when there is no frame.
  static std::uint32_t innermost_path() { return innermost_ == nullptr ? 0 : innermost_->path_; }

 private:
  const void* object_;
  Describe describe_;
  const ErrorFrame* outer_;
  std::uint32_t path_;
  static inline constinit thread_local const ErrorFrame* innermost_ = nullptr;
};

/// Appends a value to a text. Types of other headers add overloads beside themselves.
void append(std::string& out, std::string_view value);
void append(std::string& out, std::int64_t value);
void append(std::string& out, double value);
inline void append(std::string& out, const char* value) { append(out, std::string_view(value)); }
inline void append(std::string& out, const std::string& value) { append(out, std::string_view(value)); }
inline void append(std::string& out, int value) { append(out, static_cast<std::int64_t>(value)); }
inline void append(std::string& out, std::size_t value) { append(out, static_cast<std::int64_t>(value)); }
inline void append(std::string& out, char value) { out.push_back(value); }

/// The parts one after the other as one text: `text("got ", 3, " of ", shape)`.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

}  // namespace heed
