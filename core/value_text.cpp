#include "core/value_text.h"

#include <algorithm>

#include "core/error.h"
#include "core/plot.h"
#include "core/plot_text.h"

namespace heed {
namespace {

void append_nested(std::string& out, const Tensor& x, int digits) {
  if (x.rank() == 0) {
    out += short_number(x.to(DType::f64).item(), digits);
    return;
  }
  out += "[";
  for (std::int64_t i = 0; i < x.extent(0); ++i) {
    if (i > 0) out += ", ";
    append_nested(out, x.select(0, i), digits);
  }
  out += "]";
}

}  // namespace

std::string written_numbers(const Tensor& x, std::int64_t most, int digits, std::int64_t head) {
  if (!x.defined()) return "∅";
  std::string out;
  if (x.count() <= most) {
    append_nested(out, x, digits);
    return out;
  }
  const std::int64_t count = std::min(head, most);
  Tensor first = x;  // without a copy of all the others
  while (first.rank() > 1 && first.count() / first.extent(0) >= count) first = first.select(0, 0);
  if (first.rank() > 1) {
    const std::int64_t row = first.count() / first.extent(0);
    first = first.slice(0, 0, (count + row - 1) / row);
    first = first.reshape({first.count()});
  }
  for (std::int64_t i = 0; i < count; ++i)
    out += text(i == 0 ? "[" : ", ", short_number(first.select(0, i).to(DType::f64).item(), digits));
  return out + ", …]";
}

std::vector<std::string> written_rows(const Tensor& x, std::int64_t most, int digits, std::int64_t head) {
  constexpr std::int64_t kMostRows = 8;
  if (!x.defined() || x.rank() != 2 || x.count() > most || x.count() == 0 || x.extent(0) < 2 ||
      x.extent(0) > kMostRows)
    return {written_numbers(x, most, digits, head)};
  std::vector<std::string> rows(static_cast<std::size_t>(x.extent(0)));
  const auto width = [](const std::string& number) {
    return plotting::display_width(plotting::code_points(number));
  };
  for (std::int64_t j = 0; j < x.extent(1); ++j) {
    std::vector<std::string> column;
    int widest = 0;
    for (std::int64_t i = 0; i < x.extent(0); ++i) {
      column.push_back(written_numbers(x.select(0, i).select(0, j), 1, digits));
      widest = std::max(widest, width(column.back()));
    }
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i] += text(j == 0 ? "" : "  ", std::string(static_cast<std::size_t>(widest - width(column[i])), ' '),
                      column[i]);
  }
  return rows;
}

std::string written_time(std::chrono::nanoseconds time) {
  const double ns = static_cast<double>(time.count());
  if (ns < 1e3) return text(short_number(ns), " ns");
  if (ns < 1e6) return text(short_number(ns / 1e3), " µs");
  if (ns < 1e9) return text(short_number(ns / 1e6), " ms");
  return text(short_number(ns / 1e9), " s");
}

std::string written_bytes(std::int64_t bytes) {
  const double n = static_cast<double>(bytes);
  if (n < 1e3) return text(bytes, bytes == 1 ? " byte" : " bytes");
  if (n < 1e6) return text(short_number(n / 1e3), " kB");
  if (n < 1e9) return text(short_number(n / 1e6), " MB");
  return text(short_number(n / 1e9), " GB");
}

std::int64_t bytes_of(const Tensor& x) { return x.count() * static_cast<std::int64_t>(size_of(x.dtype())); }

std::string written_count(std::size_t number, std::string_view thing) {
  return text(grouped(static_cast<std::int64_t>(number)), " ", thing, number == 1 ? "" : "s");
}

std::string one_line(std::string_view text, std::size_t longest) {
  std::vector<char32_t> points = plotting::code_points(text);
  for (char32_t& c : points) c = plotting::visible(c);
  if (points.size() > longest) {
    points.resize(longest);
    points.back() = U'…';
  }
  return plotting::utf8(points);
}

}  // namespace heed
