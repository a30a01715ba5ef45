#include "core/plot_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/plot.h"

namespace heed::plotting {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Range {
  char32_t first, last;
};
// The blocks of Unicode's EastAsianWidth W and F that matter for labels, and the emoji.
constexpr std::array<Range, 11> kWide{{{0x1100, 0x115F},
                                       {0x2E80, 0x303E},
                                       {0x3041, 0x33FF},
                                       {0x3400, 0x4DBF},
                                       {0x4E00, 0x9FFF},
                                       {0xA000, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0x1F300, 0x1FAFF}}};
constexpr std::array<Range, 5> kCombining{
    {{0x0300, 0x036F}, {0x1AB0, 0x1AFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0x200B, 0x200D}}};

template <std::size_t N>
bool within(char32_t c, const std::array<Range, N>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [c](Range r) { return c >= r.first && c <= r.last; });
}

int width(char32_t c) {
  return within(c, kCombining) ? 0 : within(c, kWide) || (c >= 0x20000 && c <= 0x3FFFD) ? 2 : 1;
}

// Reads one code point at `at` and moves past it; past one byte only when the bytes are not valid.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at++);
  if (lead < 0x80) return lead;
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4 || at + more > text.size()) return kReplacement;
  char32_t value = lead & (0x3Fu >> more);
  for (std::size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xC0u) != 0x80u) return kReplacement;
    value = (value << 6) | (byte(at + i) & 0x3Fu);
  }
  const char32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return kReplacement;
  at += more;
  return value;
}

std::uint8_t srgb(double linear) {
  linear = std::clamp(linear, 0.0, 1.0);
  const double encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * encoded));
}

// Björn Ottosson 2020, "A perceptual color space for image processing".
Color from_oklch(double lightness, double chroma, double hue_degrees) {
  const double hue = hue_degrees * 3.14159265358979 / 180;
  const double a = chroma * std::cos(hue), b = chroma * std::sin(hue);
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {srgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          srgb(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

}  // namespace

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> points;
  for (std::size_t at = 0; at < text.size();) points.push_back(next_code_point(text, at));
  return points;
}

std::string utf8(char32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)};
}

std::string utf8(std::span<const char32_t> points) {
  std::string out;
  for (const char32_t c : points) out += utf8(c);
  return out;
}

char32_t visible(char32_t c) {
  if (c < 0x20) return 0x2400 + c;
  if (c == 0x7F) return 0x2421;
  const bool reorders =
      (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F;
  const bool breaks_line = c == 0x2028 || c == 0x2029;
  if ((c >= 0x80 && c < 0xA0) || reorders || breaks_line || (c & 0xFFFE) == 0xFFFE) return kReplacement;
  return c;
}

std::vector<char32_t> label_points(std::string_view label, std::size_t longest) {
  std::vector<char32_t> points = code_points(label);
  for (char32_t& c : points) c = c == U' ' ? U'␣' : visible(c);
  if (points.empty()) points.push_back(U'∅');
  if (points.size() > longest) {
    points.resize(longest);
    points.back() = U'…';
  }
  return points;
}

int display_width(std::span<const char32_t> points) {
  int columns = 0;
  for (const char32_t c : points) columns += width(c);
  return columns;
}

std::string fixed_number(double value, int digits) {
  std::array<char, 512> buffer;  // the greatest double has 309 digits before the point
  const double magnitude = std::fabs(value);
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, std::chars_format::fixed, digits);
  const std::string digits_text(buffer.data(), end.ptr);
  const bool is_zero = digits_text.find_first_not_of("0.") == std::string::npos;
  return (std::signbit(value) && !is_zero ? "−" : "") + digits_text;
}

std::string px(double value) {
  std::string text = fixed_number(value, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text.starts_with("−") ? "-" + text.substr(std::string_view("−").size()) : text;
}

double text_width(std::string_view text) { return 7.3 * display_width(code_points(text)); }

// `<text class="…" x="…" y="…">…</text>`; `content` is escaped here.
std::string svg_text(std::string_view kind, double x, double y, std::string_view content) {
  return text("<text class=\"", kind, "\" x=\"", px(x), "\" y=\"", px(y), "\">", escape_markup(content),
              "</text>\n");
}

std::string svg_open(double width, double height, const std::string& title, const char* role, bool standalone) {
  std::string out =
      text("<svg class=\"heed-plot\" xmlns=\"http://www.w3.org/2000/svg\" role=\"", role, "\" viewBox=\"0 0 ",
           px(std::ceil(width)), " ", px(std::ceil(height)), "\" width=\"", px(std::ceil(width)),
           "\" height=\"", px(std::ceil(height)), "\" aria-label=\"", escape_markup(title), "\">\n");
  if (standalone)
    out += text("<style>", plot_style(), "</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n");
  return out;
}

Color ramp(double amount, Scheme scheme) {
  constexpr double kHue = 255;
  const double t = std::clamp(amount, 0.0, 1.0);
  // Chroma swells in the middle, where the gamut of a screen has room for it.
  const double swell = 4 * t * (1 - t);
  if (scheme == Scheme::light) return from_oklch(0.965 - 0.625 * t, 0.008 + 0.092 * t + 0.055 * swell, kHue);
  return from_oklch(0.245 + 0.695 * t, 0.015 + 0.035 * t + 0.085 * swell, kHue);
}

double Scale::operator()(double value) const {
  if (std::isnan(value)) return value;
  if (value <= low) return 0;
  if (value >= high) return 1;
  return (value / 2 - low / 2) / (high / 2 - low / 2);  // halves: the difference of two huge numbers overflows
}

}  // namespace heed::plotting

namespace heed {

std::string escape_markup(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char32_t c : plotting::code_points(text)) {
    switch (c) {
      case U'&':
        out += "&amp;";
        break;
      case U'<':
        out += "&lt;";
        break;
      case U'>':
        out += "&gt;";
        break;
      case U'"':
        out += "&quot;";
        break;
      case U'\'':
        out += "&#39;";
        break;
      default:
        out += plotting::utf8(plotting::visible(c));
    }
  }
  return out;
}

std::string short_number(double value, int digits) {
  if (std::isnan(value)) return "not a number";
  if (std::isinf(value)) return value < 0 ? "−∞" : "∞";
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(value),
                                 std::chars_format::general, digits);
  const std::string magnitude(buffer.data(), end.ptr);
  return (std::signbit(value) && value < 0 ? "−" : "") + magnitude;
}

std::string grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

}  // namespace heed
