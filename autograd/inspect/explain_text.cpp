#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/inspect/explain.h"
#include "autograd/inspect/graph_svg.h"
#include "core/error.h"
#include "core/page.h"
#include "core/plot.h"
#include "core/plot_text.h"
#include "core/reduce.h"
#include "core/value_text.h"

namespace heed {
namespace {

struct Table {
  std::string label;  // what a screen reader says
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  bool last_is_number = false;
};

// ---- two ways to mark up the same text

class Markdown {
 public:
  static std::string plain(const std::string& content) {
    std::string out;
    for (const char c : one_line(content)) {
      if (std::string_view("\\`*_[]<>#|&~").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
    return out;
  }
  // No backslash means anything in code, so what would end it, or a cell, becomes something that looks alike.
  static std::string code(const std::string& content) {
    std::string out = "`";
    for (const char c : one_line(content, 400)) out += c == '`' ? "'" : c == '|' ? "∣" : std::string(1, c);
    return out + "`";
  }
  static std::string rows(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += text(out.empty() ? "" : "<br>", code(line));
    return out;
  }
  static std::string step(std::size_t number, const std::string& operation) {
    return text("[step ", number, "](#step-", number, "-", operation, ")");
  }
  static std::string strong(const std::string& content) { return text("**", content, "**"); }
  static std::string two_lines(const std::string& first, const std::string& second) {
    return second.empty() ? first : text(first, "<br>", second);
  }

  void begin(const std::string& heading, const std::string& /*anchor*/ = "") {
    out_ += text("## ", heading, "\n\n");
  }
  void end() {}
  void begin_half() {}
  void end_half() {}
  void overview(const std::string& heading, const Table& all) {
    begin(heading);
    table(all);
  }
  void paragraph(const std::string& content) { out_ += content + "\n\n"; }
  void list(const std::vector<std::string>& items) {
    for (const std::string& item : items) out_ += text("- ", item, "\n");
    if (!items.empty()) out_ += "\n";
  }
  void table(const Table& table) {
    row(table.header);
    std::vector<std::string> rule(table.header.size(), "---");
    if (table.last_is_number) rule.back() += ":";
    row(rule);
    for (const std::vector<std::string>& cells : table.rows) row(cells);
    out_ += "\n";
  }
  std::string finish(const Explanation& explanation, const std::string& lead) {
    return text("# ", plain(explanation.title), "\n\n", lead, "\n\n", out_);
  }

 private:
  void row(const std::vector<std::string>& cells) {
    out_ += "|";
    for (const std::string& cell : cells) out_ += text(" ", cell, " |");
    out_ += "\n";
  }

  std::string out_;
};

constexpr double kWide = 640;  // pixels of a picture that leave no room beside it

constexpr std::string_view kStyle = R"css(
main{max-width:1280px}
.overview{display:grid;grid-template-columns:minmax(0,1fr) max-content;gap:32px 64px;align-items:start;margin-top:44px}
.overview>div:last-child{min-width:0}
.overview.stacked{grid-template-columns:minmax(0,1fr)}
.overview svg{margin:0 auto;height:auto;width:min(var(--wide),max(100%,calc(var(--wide)*.62)))}
.overview .scroll{padding:2px}
a:hover .box,a:focus-visible .box{stroke:var(--accent);stroke-width:2}
.steps section{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,7fr);gap:0 48px;margin-top:44px}
.steps h2,.steps section>.said,.steps section>.scroll,.steps section>ul{grid-column:1/-1}
.steps h2{margin-bottom:6px}
code{font:.875em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;overflow-wrap:anywhere}
.said{max-width:none;margin:0 0 14px}
ul{margin:14px 0 0;padding-left:20px}li{margin:4px 0;max-width:88ch}
td,th{padding-right:28px}
td,td code{white-space:pre-wrap}.short{white-space:nowrap}
.half td:last-child{min-width:152px}.half+.half td:nth-child(2){min-width:200px}
td a,.half:not(.half+.half) td:nth-child(2){white-space:nowrap}
td span{display:block;color:var(--muted)}
a{color:var(--plot-line-1);text-decoration:none}a:hover{text-decoration:underline}
:target>h2{color:var(--plot-line-1)}
@media (max-width:1000px){.overview{grid-template-columns:minmax(0,1fr)}.steps section{grid-template-columns:minmax(0,1fr)}
.half+.half{margin-top:24px}}
@media (max-width:600px){td,th{padding-right:18px}}
)css";

class Html {
 public:
  static std::string plain(const std::string& content) { return escape_markup(one_line(content)); }
  static std::string code(const std::string& content) {
    constexpr std::size_t kShort = 14;  // bytes that stay on one line
    return text(content.size() <= kShort ? "<code class=\"short\">" : "<code>",
                escape_markup(one_line(content, 400)), "</code>");
  }
  static std::string rows(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += text(out.empty() ? "" : "\n", escape_markup(line));
    return text("<code>", out, "</code>");
  }
  static std::string step(std::size_t number, const std::string&) {
    return text("<a href=\"#step-", number, "\">step ", number, "</a>");
  }
  static std::string strong(const std::string& content) { return text("<strong>", content, "</strong>"); }
  static std::string two_lines(const std::string& first, const std::string& second) {
    return second.empty() ? first : text(first, "<span>", second, "</span>");
  }

  void begin(const std::string& heading, const std::string& anchor = "") {
    out_ += text("<section", anchor.empty() ? "" : text(" id=\"", anchor, "\""), ">\n<h2>", heading, "</h2>\n");
  }
  void end() { out_ += "</section>\n"; }
  // Beside each other where there is room.
  void begin_half() { out_ += "<div class=\"half\">\n"; }
  void end_half() { out_ += "</div>\n"; }
  void overview(const std::string& heading, const Table& all) {
    overview_ = text("<h2>", heading, "</h2>\n", html(all));
  }
  void paragraph(const std::string& content) { out_ += text("<p class=\"said\">", content, "</p>\n"); }
  void list(const std::vector<std::string>& items) {
    if (items.empty()) return;
    out_ += "<ul>\n";
    for (const std::string& item : items) out_ += text("<li>", item, "</li>\n");
    out_ += "</ul>\n";
  }
  void table(const Table& table) { out_ += html(table); }
  std::string finish(const Explanation& explanation, const std::string& lead) {
    return html_page(
        {.title = explanation.title,
         .lead = text("<p class=\"lead\">", lead, "</p>\n"),
         .body = text("<div class=\"overview", explanation.picture_width > kWide ? " stacked" : "",
                      "\">\n<div style=\"--wide:", plotting::px(explanation.picture_width), "px\">\n",
                      scrolling_box("The graph", explanation.picture), "</div>\n<div>\n", overview_,
                      "</div>\n</div>\n<div class=\"steps\">\n", out_, "</div>\n"),
         .style = text(drawing::graph_style(), kStyle)});
  }

 private:
  static std::string html(const Table& table) {
    const auto row = [&](const char* kind, const std::vector<std::string>& cells) {
      std::string out = "<tr>";
      for (std::size_t i = 0; i < cells.size(); ++i)
        out += text("<", kind, table.last_is_number && i + 1 == cells.size() ? " class=\"number\">" : ">",
                    cells[i], "</", kind, ">");
      return out + "</tr>\n";
    };
    std::string out = text("<table>\n<thead>", row("th", table.header), "</thead>\n<tbody>\n");
    for (const std::vector<std::string>& cells : table.rows) out += row("td", cells);
    return scrolling_box(table.label, out + "</tbody>\n</table>\n");
  }

  std::string overview_, out_;
};

// ---- the text

constexpr std::int64_t kHead = 4;  // elements shown of a tensor that has too many

template <class Markup>
class Teller {
 public:
  explicit Teller(const Explanation& explanation) : explanation_(explanation) {}

  std::string tell() {
    way_back();
    for (std::size_t k = 0; k < explanation_.steps.size(); ++k) step(k + 1);
    leaves();
    return out_.finish(explanation_, lead());
  }

 private:
  using M = Markup;

  std::string numbers(const Tensor& x) const {
    if (!x.defined()) return M::plain("not held");
    return M::code(written_numbers(x, explanation_.numbers, explanation_.digits, kHead));
  }
  // The same in a cell, a matrix row by row.
  std::string cell(const Tensor& x) const {
    return x.defined() ? M::rows(written_rows(x, explanation_.numbers, explanation_.digits, kHead))
                       : numbers(x);
  }
  // With the norm where there are several.
  std::string gradient(const Tensor& x) const {
    if (!x.defined() || x.count() == 1) return cell(x);
    return M::two_lines(cell(x), text("norm ", short_number(norm(x), explanation_.digits)));
  }
  static std::string shape(const Tensor& x) { return M::code(to_string(x.shape())); }
  // "tanh, step 4", `"w1"`
  std::string source(const ExplainedValue& value) const {
    const std::string gradient = value.requires_grad ? "" : ", needs no gradient";
    if (value.step == 0) return M::plain(value.source) + gradient;
    return text(M::plain(value.source), ", ", M::step(value.step, operation(value.step)), gradient);
  }
  const std::string& operation(std::size_t step) const { return explanation_.steps[step - 1].operation; }
  std::string sent_by(const Contribution& from) const {
    if (from.step == 0) return text("an operation that is left out here, as ", M::code(from.operand));
    return text(M::step(from.step, operation(from.step)), ", as ", M::code(from.operand));
  }
  std::string arrived(const ExplainedValue& value) const {
    if (value.contributions.empty()) return "where the pass begins";
    if (value.contributions.size() == 1) return text("from ", sent_by(value.contributions.front()));
    return text("the sum of what its ", value.contributions.size(), " uses sent");
  }
  // Of a value that was used several times.
  void add_sum(std::vector<std::string>& remarks, const ExplainedValue& value,
               const std::string& gradient) const {
    if (value.contributions.size() < 2) return;
    std::string sum = text(gradient, " is a sum, as ", M::code(value.name), " was used ",
                           value.contributions.size(), " times: ");
    for (std::size_t i = 0; i < value.contributions.size(); ++i)
      sum += text(i == 0 ? "" : " + ", numbers(value.contributions[i].gradient), " from ",
                  sent_by(value.contributions[i]));
    remarks.push_back(std::move(sum));
  }

  std::string lead() const {
    std::string out =
        text("Read from the loss backwards. At each step ", M::code("dy"),
             " is how much the loss grows with each element of ", M::code("y"),
             ", the output of an operation; its rule makes of that how much the loss grows with each of its "
             "operands, and so on back to the leaves. In formulas ",
             M::code("*"), " goes element by element and ", M::code("@"), " is the matrix product.");
    if (explanation_.left_out > 0)
      out +=
          text(" ", written_count(explanation_.left_out, "operation"), " further from the loss are left out.");
    if (explanation_.no_part > 0)
      out += text(" To ", written_count(explanation_.no_part, "operation"), " no gradient came.");
    return out;
  }

  void way_back() {
    Table table{"The way back", {"Step", "Operation", "Result", "Size of dy"}, {}, true};
    bool modules = false;
    for (const ExplainedStep& its : explanation_.steps) modules = modules || !its.module.empty();
    if (modules) table.header.insert(table.header.begin() + 2, "Module");
    for (std::size_t k = 0; k < explanation_.steps.size(); ++k) {
      const ExplainedStep& its = explanation_.steps[k];
      const ExplainedValue& output = its.outputs.front();
      table.rows.push_back(
          {M::step(k + 1, its.operation), M::code(its.operation), shape(output.value),
           output.gradient.defined() ? short_number(norm(output.gradient), explanation_.digits) : ""});
      if (modules)
        table.rows.back().insert(table.rows.back().begin() + 2, its.module.empty() ? "" : M::code(its.module));
    }
    out_.overview("The way back", table);
  }

  void step(std::size_t number) {
    const ExplainedStep& its = explanation_.steps[number - 1];
    out_.begin(text("Step ", number, ": ", M::plain(its.operation)), text("step-", number));
    std::string where = its.module.empty() ? "" : text("In ", M::code(its.module));
    if (!its.line.empty()) where += text(where.empty() ? "At " : ", at ", M::code(its.line));
    if (!where.empty()) out_.paragraph(where + ".");
    out_.begin_half();
    forward(its);
    out_.end_half();
    out_.begin_half();
    backward(its);
    out_.end_half();
    out_.end();
  }

  void forward(const ExplainedStep& step) {
    std::string said = text(M::strong("Forward"), " ", M::code(step.formula));
    if (!step.with_shapes.empty()) said += text(" – here ", M::code(step.with_shapes));
    for (std::size_t at = 0; at < step.definitions.size();) {
      const std::size_t end = std::min(step.definitions.find("; ", at), step.definitions.size());
      said += text(at == 0 ? ", with " : ", ", M::code(step.definitions.substr(at, end - at)));
      at = end + 2;
    }
    if (!step.note.empty()) said += text(" (", M::plain(step.note), ")");
    out_.paragraph(said);
    Table table{"Forward", {"", "Comes from", "Shape", "Value"}, {}};
    for (const ExplainedOperand& operand : step.operands) {
      const std::string name = M::code(operand.value.name);
      if (!operand.given)
        table.rows.push_back({name, "left out, counts as 0", "", ""});
      else if (!operand.known)
        table.rows.push_back({name, "needs no gradient, not kept", "", ""});
      else
        table.rows.push_back(
            {name, source(operand.value), shape(operand.value.value), cell(operand.value.value)});
    }
    for (const ExplainedValue& output : step.outputs)
      table.rows.push_back({M::code(output.name), "the result", shape(output.value), cell(output.value)});
    out_.table(table);
  }

  void backward(const ExplainedStep& step) {
    out_.paragraph(M::strong("Backward"));
    Table table{"Backward", {"", "Is", "Shape", "Value"}, {}};
    std::vector<std::string> remarks;
    for (const ExplainedValue& output : step.outputs) {
      if (!output.gradient.defined()) continue;
      table.rows.push_back(
          {M::code("d" + output.name), arrived(output), shape(output.gradient), gradient(output.gradient)});
      add_sum(remarks, output, M::code("d" + output.name));
      if (norm(output.gradient) == 0)
        remarks.push_back(text(M::code("d" + output.name), " is 0 all over: nothing goes on from here."));
    }
    for (const ExplainedOperand& operand : step.operands) {
      if (!operand.sent.defined()) continue;
      const Tensor& its = operand.value.gradient;
      table.rows.push_back({M::code("d" + operand.value.name),
                            M::two_lines(M::code(operand.formula),
                                         operand.with_shapes.empty() ? "" : M::code(operand.with_shapes)),
                            shape(its), gradient(its)});
      if (!operand.broadcast.empty())
        remarks.push_back(
            text(M::plain(operand.broadcast),
                 operand.sent.count() > its.count() ? text("; before that it is ", numbers(operand.sent)) : "",
                 "."));
    }
    out_.table(table);
    out_.list(remarks);
  }

  void leaves() {
    if (explanation_.leaves.empty()) return;
    out_.begin("The leaves");
    bool checked = false;
    for (const ExplainedValue& leaf : explanation_.leaves) checked = checked || !leaf.check.empty();
    Table table{"The leaves", {"Leaf", "Shape", "Value", "Gradient", "Which is"}, {}};
    if (checked) table.header.emplace_back("Checked");
    std::vector<std::string> remarks;
    for (const ExplainedValue& leaf : explanation_.leaves) {
      table.rows.push_back(
          {M::code(leaf.name), shape(leaf.value), cell(leaf.value), gradient(leaf.gradient), arrived(leaf)});
      if (checked) table.rows.back().push_back(M::plain(leaf.check));
      add_sum(remarks, leaf, text("The gradient of ", M::code(leaf.name)));
    }
    out_.table(table);
    out_.list(remarks);
    out_.end();
  }

  const Explanation& explanation_;
  Markup out_;
};

}  // namespace

std::string to_markdown(const Explanation& explanation) { return Teller<Markdown>(explanation).tell(); }

std::string to_page(const Explanation& explanation) { return Teller<Html>(explanation).tell(); }

}  // namespace heed
