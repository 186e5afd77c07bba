#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "data/pipeline/report/page.h"
#include "data/pipeline/report/report.h"

namespace moonbeam::pipeline {

namespace {

using base::cat;
using base::format_decimal;
using Shares = std::vector<std::pair<std::string, double>>;

constexpr int kPictureSide = 480;
constexpr std::size_t kMostBars = 40, kMostRows = 200;

std::string percent(double share) {
  return format_decimal(share * 100, 1) + " %";
}

std::string share_chart(const std::string& title, const Shares& shares, double limit) {
  std::vector<Bar> bars;
  for (const auto& [name, share] : shares) {
    bars.push_back({name.empty() ? "(nothing)" : name, share, percent(share), limit > 0 && share > limit});
  }
  return bar_chart(title, bars, limit);
}

std::string count_chart(const std::string& title, const std::map<std::string, std::int64_t>& counts) {
  std::vector<Bar> bars;
  for (const auto& [name, count] : counts) {
    bars.push_back({name, static_cast<double>(count), cat(count), false});
  }
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.value > b.value; });
  if (bars.size() > kMostBars) bars.resize(kMostBars);
  return bar_chart(title, bars);
}

std::string findings_table(const std::vector<Finding>& findings) {
  std::string html =
      "<div "
      "class=\"scroll\"><table><tr><th></th><th>what</th><th>value</th><th>reference</th><th>limit</th></"
      "tr>\n";
  for (const Finding& one : findings) {
    html += cat(one.alert ? "<tr class=\"red\">" : "<tr>", "<td>", one.monitor, "</td><td>",
                escape_html(one.what), "</td><td class=\"n\">", shown_number(one.value),
                "</td><td class=\"n\">", one.reference ? shown_number(*one.reference) : "", "</td><td>",
                escape_html(one.limit), "</td></tr>\n");
  }
  return html + "</table></div>\n";
}

std::string charts(const Report& report, const ReportOptions& options) {
  const MonitorOptions& limits = options.monitors;
  std::string html = "<div class=\"charts\">\n";
  if (const auto yes = report.run.values.find("M7.p_yes"); yes != report.run.values.end()) {
    const bool red = yes->second < limits.yes_low || yes->second > limits.yes_high;
    html += bar_chart("yes and no",
                      {{"yes", yes->second, percent(yes->second), red},
                       {"no", 1 - yes->second, percent(1 - yes->second), red}},
                      0.5, 1);
  }
  std::vector<Bar> blind;
  for (const Finding& one : report.findings) {
    if (one.monitor == "M8") blind.push_back({one.what, one.value, percent(one.value), one.alert});
  }
  html += bar_chart("what words alone give away", blind, limits.blind);
  html += share_chart("openings of questions", report.run.question_openers, limits.opener);
  html += share_chart("openings of captions", report.run.caption_openers, limits.opener);
  html += share_chart("nouns of absurd questions", report.run.nouns, limits.noun);
  for (const auto& [type, shares] : report.run.answers) html += share_chart("answers: " + type, shares, 0);
  html += count_chart("samples", report.samples);
  html += count_chart("what S13 to S15 decided", report.decisions);
  html += count_chart("what stages dropped or mended", report.filters);
  html += count_chart("pictures that were left out", report.reasons);
  return html + "</div>\n";
}

std::string spent_row(const std::string& name, const llm::Spent& spent) {
  return cat("<tr><td>", escape_html(name), "</td><td class=\"n\">", spent.calls, "</td><td class=\"n\">",
             spent.usage.prompt, "</td><td class=\"n\">", spent.usage.completion, "</td><td class=\"n\">",
             format_decimal(spent.money, 2), "</td><td class=\"n\">",
             format_decimal(spent.gpu_seconds / 3600, 2), "</td></tr>\n");
}

std::string costs(const Costs& costs) {
  if (costs.total.calls == 0) return "<p class=\"soft\">No ledger: nothing was asked.</p>\n";
  std::string html =
      "<div class=\"scroll\"><table><tr><th></th><th>requests</th><th>prompt tokens</th><th>answer "
      "tokens</th><th>"
      "money</th><th>GPU hours</th></tr>\n";
  for (const auto& [stage, spent] : costs.by_stage) html += spent_row(stage, spent);
  for (const auto& [model, spent] : costs.by_model) html += spent_row(model, spent);
  html += spent_row("in all", costs.total) + "</table></div>\n";
  return html + count_chart("how requests ended", costs.by_status);
}

std::string shards(const std::vector<ShardFindings>& shards) {
  std::string html = "<div class=\"scroll\"><table><tr><th>shard</th><th>pictures</th><th>alerts</th></tr>\n";
  std::size_t rows = 0;
  for (const bool alert : {true, false}) {
    for (const ShardFindings& one : shards) {
      if (one.alert() != alert || ++rows > kMostRows) continue;
      std::string what;
      for (const Finding& finding : one.findings) {
        if (!finding.alert) continue;
        what += cat(what.empty() ? "" : "; ", finding.monitor, " ", finding.what, " ",
                    format_decimal(finding.value, 3), " (", finding.limit, ")");
      }
      html += cat(alert ? "<tr class=\"red\">" : "<tr>", "<td>", one.shard, "</td><td class=\"n\">",
                  one.pictures, "</td><td>", escape_html(what), "</td></tr>\n");
    }
  }
  html += "</table></div>\n";
  if (rows > kMostRows) html += cat("<p class=\"soft\">", rows - kMostRows, " more are in the JSON.</p>\n");
  return html;
}

std::string kept_or_not(const std::string& text, Why why, const std::string& earlier) {
  if (why == Why::kKept) return cat("<li>", escape_html(text), "</li>");
  return cat("<li><s>", escape_html(text), "</s> <span class=\"soft\">",
             escape_html(why == Why::kEarlier && !earlier.empty() ? earlier : std::string(name(why))),
             "</span></li>");
}

std::string claims(const Record& record) {
  std::string html = "<ul>";
  for (const Claim& one : record.claims) {
    html += cat("<li><span class=\"", one.accepted ? "green" : "red", "\">", one.accepted ? "✓" : "✗",
                "</span> ", escape_html(one.type), ": ", escape_html(one.subject), " ",
                escape_html(one.predicate), " ", escape_html(one.object));
    if (!one.accepted) html += cat(" <span class=\"soft\">", escape_html(one.dropped), "</span>");
    html += "</li>";
  }
  return html + "</ul>";
}

std::string item_text(const Record& record, const Item& item) {
  switch (item.kind) {
    case ItemKind::kCaption:
      return record.captions[item.index].text;
    case ItemKind::kPair:
      return asked_of(record.pairs[item.index]) + " → " + answer_of(record.pairs[item.index]);
    case ItemKind::kRegion: {
      const Region& region = record.regions[item.index];
      return cat(region.task, ": ", region.label, " (", std::max(region.boxes.size(), region.points.size()),
                 ")");
    }
  }
  return {};
}

std::string sample(const ShownPicture& shown, const ReportOptions& options) {
  const Record& record = shown.record;
  std::string html = cat("<div class=\"sample\"><b>", escape_html(record.input.key), "</b>");
  if (!options.pictures.empty()) {
    const std::string path = (std::filesystem::path(options.pictures) / record.input.file).string();
    if (const std::string uri = picture_uri(path, kPictureSide); !uri.empty()) {
      html += cat("<img alt=\"\" src=\"", uri, "\">");
    }
  }
  html += claims(record) + "<ul>";
  const std::vector<Item> items = items_of(record);
  for (std::size_t i = 0; i < items.size(); ++i) {
    html += kept_or_not(item_text(record, items[i]), shown.why[i], dropped_before(record, items[i]));
  }
  return html + "</ul></div>\n";
}

}  // namespace

std::string report_html(const Report& report, const ReportOptions& options) {
  std::string html =
      cat("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width\"><title>",
          escape_html(options.title), "</title><style>", page_style(), "</style></head><body>\n<h1>",
          escape_html(options.title), "</h1>\n");
  html += report.alert() ? "<p class=\"red\"><b>Limits are passed</b>, marked red below.</p>\n"
                         : "<p class=\"green\">No limit is passed.</p>\n";
  html += cat("<p class=\"soft\">Pipeline ", escape_html(report.pipeline), "; texts compared by ",
              escape_html(report.embedder),
              report.auditor.empty() ? "" : "; captions read again by " + escape_html(report.auditor),
              report.reduced ? "" : "; before S13 to S15", ".</p>\n<p>Pictures:");
  for (const auto& [status, count] : report.pictures) html += cat(" ", count, " ", escape_html(status));
  html += cat("</p>\n<h2>Monitors</h2>\n", findings_table(report.findings), charts(report, options),
              "<h2>Shards</h2>\n", shards(report.shards), "<h2>Cost</h2>\n", costs(report.costs),
              "<h2>Pictures with their claims</h2>\n", "<div class=\"samples\">\n");
  for (const ShownPicture& one : report.shown) html += sample(one, options);
  return html + "</div>\n</body></html>\n";
}

}  // namespace moonbeam::pipeline
