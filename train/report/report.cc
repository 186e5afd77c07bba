#include "train/report/report.h"

#include <algorithm>

#include "base/text.h"
#include "image/encode.h"
#include "train/report/chart.h"

namespace moonbeam::train {

namespace {

constexpr std::string_view kStyle =
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em;color:#222}"
    "h1{font-size:1.5em}.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(460px,1fr));gap:"
    "1em}"
    "svg{width:100%;background:#fff;border:1px solid "
    "#ddd;border-radius:4px}.title{font-size:13px;font-weight:600}"
    ".tick{font-size:10px;fill:#666}.grid{stroke:#eee}.mark{stroke:#bbb;stroke-dasharray:3 3}"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:2px 12px 2px 0;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:1em}"
    ".sample{border:1px solid #ddd;border-radius:4px;padding:8px;font-size:13px}"
    ".frame{position:relative}.frame img{width:100%;display:block}"
    ".frame svg{position:absolute;inset:0;background:none;border:0;height:100%}"
    ".right{color:#2a7d2a}.wrong{color:#b3261e}pre{background:#f6f6f6;padding:1em;overflow:auto;font-size:"
    "12px}";

std::string base64(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : kAlphabet[group >> (18 - 6 * k) & 63];
    }
  }
  return out;
}

std::string picture_html(const Image& image, const Sample& sample) {
  std::string png;
  image::encode_png(image, "sample", [&](std::string_view piece) { png += piece; });
  std::string html = base::cat("<div class=\"frame\"><img alt=\"\" src=\"data:image/png;base64,", base64(png),
                               "\"><svg viewBox=\"0 0 1 1\" preserveAspectRatio=\"none\">");
  const auto at = [](double value) { return base::format_decimal(value, 4); };
  for (const Box& box : sample.boxes) {
    html += base::cat("<rect x=\"", at(box.x_min), "\" y=\"", at(box.y_min), "\" width=\"",
                      at(std::max(0.0, box.x_max - box.x_min)), "\" height=\"",
                      at(std::max(0.0, box.y_max - box.y_min)),
                      "\" fill=\"none\" stroke=\"#ff1f5a\" stroke-width=\"0.012\"/>");
  }
  for (const Point& point : sample.points) {
    html += base::cat("<circle cx=\"", at(point.x), "\" cy=\"", at(point.y),
                      "\" r=\"0.02\" fill=\"#ff1f5a\" stroke=\"#fff\" stroke-width=\"0.006\"/>");
  }
  return html + "</svg></div>";
}

std::string sample_html(const Sample& sample, const ReportOptions& options) {
  std::string html = "<div class=\"sample\">";
  if (options.picture) html += picture_html(options.picture(sample), sample);
  const bool right = sample.answer == sample.truth;
  return html + base::cat("<div>", escape_html(sample.task), " <b>", escape_html(sample.prompt),
                          "</b></div><div class=\"", right ? "right" : "wrong", "\">",
                          escape_html(sample.answer), "</div>",
                          right ? "" : base::cat("<div>truth: ", escape_html(sample.truth), "</div>"),
                          "<div class=\"tick\">step ", sample.step, "</div></div>\n");
}

std::string charts_html(const RunLog& log) {
  std::string html = "<div class=\"charts\">\n";
  const auto chart = [&](const std::string& name) {
    std::vector<Curve> curves;
    if (const auto found = log.training.find(name); found != log.training.end()) {
      curves.push_back({"training", found->second});
    }
    if (const auto found = log.validation.find(name); found != log.validation.end()) {
      curves.push_back({"validation", found->second, true});
    }
    html += svg_chart(name, curves, log.marks);
  };
  // What is watched first, then the rest in order of name.
  chart("loss.total");
  for (const auto& [name, points] : log.validation) {
    if (name != "loss.total") chart(name);
  }
  for (const auto& [name, points] : log.training) {
    if (name != "loss.total" && name != "seconds" && name != "progress" && !log.validation.contains(name))
      chart(name);
  }
  return html + "</div>\n";
}

std::string table_html(const RunLog& log) {
  std::string html = "<table><tr><th>last of</th><th>training</th><th>validation</th></tr>\n";
  std::map<std::string, std::pair<std::string, std::string>> rows;
  for (const auto& [name, points] : log.training) {
    rows[name].first = base::format_decimal(points.back().second, 4);
  }
  for (const auto& [name, points] : log.validation) {
    rows[name].second = base::format_decimal(points.back().second, 4);
  }
  for (const auto& [name, values] : rows) {
    html += base::cat("<tr><td>", escape_html(name), "</td><td class=\"n\">", values.first,
                      "</td><td class=\"n\">", values.second, "</td></tr>\n");
  }
  return html + "</table>\n";
}

}  // namespace

std::string report_html(const RunLog& log, const ReportOptions& options) {
  std::string html = base::cat("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>",
                               escape_html(options.title), "</title><style>", kStyle,
                               "</style></head><body>\n<h1>", escape_html(options.title), "</h1>\n<p>",
                               base::format_decimal(log.seconds / 60, 1), " minutes of training</p>\n");
  html += charts_html(log);
  if (!log.samples.empty()) {
    html += "<h2>Answers on the way, newest first</h2>\n<div class=\"samples\">\n";
    const std::size_t count = std::min(options.samples, log.samples.size());
    for (std::size_t i = 0; i < count; ++i)
      html += sample_html(log.samples[log.samples.size() - 1 - i], options);
    html += "</div>\n";
  }
  html += table_html(log);
  html += base::cat("<h2>Recipe</h2>\n<pre>", escape_html(options.recipe), "</pre>\n</body></html>\n");
  return html;
}

}  // namespace moonbeam::train
