// What the drawings share: labels in UTF-8, numbers as text, the ramp of colours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed::plotting {

/// The code points of a text; each byte that is no valid UTF-8 becomes U+FFFD.
std::vector<char32_t> code_points(std::string_view text);
std::string utf8(char32_t code_point);

/// The code point made safe to show: control characters as their pictures, marks that reorder text and what XML
/// forbids as U+FFFD.
char32_t visible(char32_t code_point);

/// A label as it is drawn: visible, spaces as ␣, at most `longest` code points with … for the rest. An empty
/// label is drawn as ∅.
std::vector<char32_t> label_points(std::string_view label, std::size_t longest);
std::string utf8(std::span<const char32_t> code_points);

/// Columns that a terminal gives to the text: 2 for East Asian wide characters and emoji, 0 for combining
/// marks.
int display_width(std::span<const char32_t> code_points);

/// Decimals exactly `digits`, "−" for a minus; independent of the locale.
std::string fixed_number(double value, int digits);

/// A coordinate: one decimal, without it when it is 0.
std::string px(double value);
/// Width in pixels, estimated, of a text in the 12 px of the style sheet.
double text_width(std::string_view text);
/// A `<text>` element of these CSS classes; the content is escaped here.
std::string svg_text(std::string_view classes, double x, double y, std::string_view content);
/// The opening tag, and for a standalone drawing its style sheet and background.
std::string svg_open(double width, double height, const std::string& title, const char* role, bool standalone);
/// Lines of different colours in the style sheet.
inline constexpr std::size_t kLineColors = 6;

struct Color {
  std::uint8_t red, green, blue;
};
enum class Scheme { light, dark };

/// The ramp at `amount` in [0, 1]: one hue, lightness even to the eye (OKLCH). It starts near the background of
/// the scheme and ends far from it.
Color ramp(double amount, Scheme scheme);
/// Steps of the ramp in the style sheet, less one.
inline constexpr int kRampSteps = 32;

/// Where values lie between the two ends of a ramp.
struct Scale {
  double low, high;
  /// In [0, 1]; not a number for a value that is none.
  double operator()(double value) const;
};

}  // namespace heed::plotting
