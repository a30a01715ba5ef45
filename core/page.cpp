#include "core/page.h"

#include <string_view>

#include "core/error.h"
#include "core/json.h"
#include "core/plot.h"

namespace heed {
namespace {

// Contrast of text on its background is at least 4.5 to 1 in both schemes; a test computes it.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2024;--muted:#5b636c;--rule:#e4e7ea;--panel:#f7f8f9;
--good:#1b6b3a;--bad:#a8281d;--bad-paper:#fbe3e0}
@media (prefers-color-scheme:dark){:root{
--paper:#16191d;--ink:#e7eaed;--muted:#a3abb4;--rule:#2c3137;--panel:#1c2025;
--good:#7fd09c;--bad:#ff9c8f;--bad-paper:#4a1f1b}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:1120px;margin:0 auto;padding:56px 24px 80px}
h1{font-size:2.1rem;line-height:1.15;letter-spacing:-.02em;font-weight:650;margin:0 0 12px;text-wrap:balance}
h2{font-size:1.2rem;line-height:1.3;letter-spacing:-.01em;font-weight:650;margin:0 0 20px}
section{margin-top:56px;padding-top:28px;border-top:1px solid var(--rule)}
p{margin:0;max-width:68ch}
.lead{font-size:1.1rem;color:var(--muted)}
.note{color:var(--muted);font-size:.9rem;margin:-12px 0 24px}
figure{margin:0;min-width:0}
figcaption{font-size:.9rem;font-weight:600;margin-bottom:14px}
.scroll{overflow-x:auto;max-width:100%;padding-bottom:4px}
.scroll:focus-visible{outline:2px solid var(--plot-line-1);outline-offset:4px;border-radius:2px}
.scroll svg{display:block}
.text{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;white-space:pre-wrap}
small{color:var(--muted);font-size:.8125rem}
table{border-collapse:collapse;font-size:.95rem}
caption{text-align:left;color:var(--muted);font-size:.9rem;padding-bottom:12px}
caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 32px)}
th,td{text-align:left;vertical-align:baseline;padding:7px 36px 7px 0;border-bottom:1px solid var(--rule)}
th{font-size:.8125rem;font-weight:600;color:var(--muted)}
tbody th{font-size:inherit;font-weight:400}
td:last-child,th:last-child{padding-right:0}
td{white-space:nowrap}td.text,td .text{white-space:pre}td.text{font-size:.875rem}
strong.good{color:var(--good)}strong.bad{color:var(--bad)}
.number{text-align:right;font-variant-numeric:tabular-nums}td.number{font-size:.875rem}
@media (max-width:600px){main{padding:32px 16px 56px}h1{font-size:1.7rem}
section{margin-top:40px;padding-top:22px}
th,td{padding-right:22px}}
@media print{main{max-width:none;padding:0}figure,tr{break-inside:avoid}.scroll{overflow:visible}}
)css";

}  // namespace

std::string html_page(const Page& page) {
  const std::string title = escape_markup(page.title);
  return text("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>", title,
              "</title>\n<style>\n", plot_style(), kStyle, page.style,
              "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>", title, "</h1>\n", page.lead, "</header>\n",
              page.body, "</main>\n",
              page.script.empty() ? "" : text("<script>\n//<![CDATA[\n", page.script, "//]]>\n</script>\n"),
              "</body>\n</html>\n");
}

std::string script_string(std::string_view content) {
  std::string plain, out;
  append_json_string(plain, content);
  for (const char c : plain)
    out += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : c == '&' ? "\\u0026" : std::string(1, c);
  return out;
}

std::string scrolling_box(std::string_view label, const std::string& content) {
  return text("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", escape_markup(label),
              "\">\n", content, "</div>\n");
}

}  // namespace heed
