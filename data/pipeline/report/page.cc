#include "data/pipeline/report/page.h"

#include <moonbeam/error.h>
#include <moonbeam/image.h>

#include <algorithm>

#include "base/text.h"
#include "data/llm/body.h"
#include "image/encode.h"
#include "image/resize.h"

namespace moonbeam::pipeline {

namespace {

constexpr double kWidth = 560, kLabel = 190, kValue = 70, kRow = 20, kTop = 28;
constexpr int kQuality = 82;

std::string at(double value) {
  return base::format_decimal(value, 1);
}

std::string in_short(const std::string& text) {
  if (base::count_code_points(text) <= 30) return text;
  std::string out;
  std::size_t pos = 0;
  for (int i = 0; i < 29; ++i) base::append_utf8(out, base::next_code_point(text, pos));
  return out + "…";
}

}  // namespace

std::string bar_chart(const std::string& title, const std::vector<Bar>& bars, double limit, double most) {
  if (bars.empty()) return {};
  if (most <= 0) {
    most = limit;
    for (const Bar& bar : bars) most = std::max(most, bar.value);
  }
  const double room = kWidth - kLabel - kValue;
  const auto length = [&](double value) { return most > 0 ? std::clamp(value / most, 0.0, 1.0) * room : 0; };
  const double height = kTop + kRow * static_cast<double>(bars.size()) + 8;
  std::string svg =
      base::cat("<svg viewBox=\"0 0 ", at(kWidth), " ", at(height),
                "\" role=\"img\"><text x=\"8\" y=\"18\" class=\"title\">", escape_html(title), "</text>\n");
  double y = kTop;
  for (const Bar& bar : bars) {
    const std::string shown = bar.shown.empty() ? base::format_decimal(bar.value, 4) : bar.shown;
    svg += base::cat("<text class=\"tick\" text-anchor=\"end\" x=\"", at(kLabel - 6), "\" y=\"", at(y + 13),
                     "\">", escape_html(in_short(bar.label)), "</text><rect class=\"",
                     bar.red ? "bar red" : "bar", "\" x=\"", at(kLabel), "\" y=\"", at(y + 3),
                     "\" height=\"13\" width=\"", at(std::max(length(bar.value), 0.5)),
                     "\"/><text class=\"tick\" x=\"", at(kLabel + length(bar.value) + 5), "\" y=\"",
                     at(y + 13), "\">", escape_html(shown), "</text>\n");
    y += kRow;
  }
  if (limit > 0) {
    const std::string x = at(kLabel + length(limit));
    svg += base::cat("<line class=\"limit\" x1=\"", x, "\" x2=\"", x, "\" y1=\"", at(kTop), "\" y2=\"", at(y),
                     "\"/>");
  }
  return svg + "</svg>\n";
}

std::string_view page_style() {
  return ":root{--ink:#222;--paper:#fff;--soft:#666;--line:#ddd;--bar:#4e79a7;--red:#b3261e;--green:#2a7d2a;"
         "color-scheme:light dark}"
         "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#16181c;--soft:#999;--line:#333a44;"
         "--bar:#6f9fd0;--red:#ff6b60;--green:#6cc46c}}"
         "body{font:15px/1.45 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 "
         "1em;color:var(--ink);"
         "background:var(--paper)}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
         ".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(460px,100%),1fr));gap:1em}"
         "svg{width:100%;border:1px solid "
         "var(--line);border-radius:4px}.title{font-size:13px;font-weight:600;"
         "fill:var(--ink)}.tick{font-size:11px;fill:var(--soft)}.bar{fill:var(--bar)}.bar.red{fill:var(--red)"
         "}"
         ".limit{stroke:var(--red);stroke-dasharray:3 3}"
         "table{border-collapse:collapse;margin:1em 0}td,th{padding:2px 14px 2px "
         "0;text-align:left;vertical-align:top}"
         "td.n{text-align:right;font-variant-numeric:tabular-nums}.red,.red td{color:var(--red)}"
         ".green{color:var(--green)}.soft{color:var(--soft)}s{color:var(--soft)}"
         ".scroll{overflow-x:auto}.samples{display:grid;grid-template-columns:"
         "repeat(auto-fill,minmax(min(340px,100%),1fr));gap:1em}"
         ".sample{border:1px solid var(--line);border-radius:4px;padding:8px;font-size:13px}"
         ".sample img{width:100%;display:block}.sample ul{padding-left:1.2em;margin:.4em 0}";
}

std::string picture_uri(const std::string& path, int side) {
  try {
    Image image = load_image(path);
    const int longest = std::max(image.width, image.height);
    if (longest > side) {
      const auto scaled = [&](int length) { return std::max(1, length * side / longest); };
      image = image::resize_bicubic(image, scaled(image.height), scaled(image.width));
    }
    std::string bytes;
    image::encode_jpeg(image, kQuality, path, [&](std::string_view piece) { bytes += piece; });
    return "data:image/jpeg;base64," + llm::base64(bytes);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace moonbeam::pipeline
