#include "data/formats/canonical.h"

#include "base/error.h"
#include "data/formats/json_rows.h"

namespace moonbeam::data {

namespace {

using base::cat;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kLongestSide = 65'535;

template <std::size_t N>
std::array<double, N> unit_numbers(const JsonRow& row, const char* key) {
  const std::vector<double> values = row.numbers(key, N);
  std::array<double, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    if (values[i] < 0 || values[i] > 1) row.fail(Reason::kBadBox, key, "numbers of 0 to 1");
    out[i] = values[i];
  }
  return out;
}

CanonicalRegion region_of(const JsonRow& row) {
  CanonicalRegion out;
  out.label = row.text_or("label", "");
  if (row.has("point")) out.point = unit_numbers<2>(row, "point");
  if (row.has("box") || !out.point) {
    out.box = unit_numbers<4>(row, "box");
    const auto [x_min, y_min, x_max, y_max] = *out.box;
    if (x_min >= x_max || y_min >= y_max) {
      row.fail_with(Reason::kBadBox, "box: expected x_min < x_max and y_min < y_max");
    }
  }
  return out;
}

CanonicalTurn turn_of(const JsonRow& row) {
  CanonicalTurn out;
  out.question = row.text_or("q", "");
  if (row.has("a")) {
    out.answer = row.text("a");
    out.style = row.text_or("style", "sentence");
    if (out.style == "normal") out.style = "sentence";
    if (out.style != "short" && out.style != "sentence" && out.style != "long") {
      row.fail("style", "short, sentence or long");
    }
  }
  return out;
}

void read_picture(const JsonRow& row, CanonicalSample& out) {
  out.picture = row.text_or("key", "");
  out.sha256 = row.text_or("sha256", "");
  out.file = row.text_or("file", "");
  if (out.picture.empty() && out.file.empty()) row.fail("key", "a picture's key");
  if (!row.has("w") && !row.has("h")) return;
  out.width = static_cast<int>(row.whole("w", 1, kLongestSide));
  out.height = static_cast<int>(row.whole("h", 1, kLongestSide));
}

void check_task(const JsonRow& row, const CanonicalSample& sample) {
  const bool text = sample.task == "query" || sample.task == "caption";
  if (!text && sample.task != "detect" && sample.task != "point") {
    row.fail("task", "query, caption, detect or point");
  }
  if (text) {
    if (sample.turns.empty()) row.fail("turns", "a question and its answer");
  } else if (sample.turns.empty() && (sample.regions.empty() || sample.regions[0].label.empty())) {
    row.fail("turns", "what is looked for");
  }
}

/// A box or a point of the sample's own numbers.
template <std::size_t N>
Json list_of(const std::array<double, N>& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(value);
  return out;
}

}  // namespace

CanonicalSample canonical_sample(const JsonRow& row) {
  row.count_keys(
      "sample", {"image", "task", "turns"},
      {"v", "id", "qtype", "polarity", "needs_detail", "regions", "evidence", "checks", "prov", "noise"});
  if (row.has("v") && row.whole("v") > CanonicalSample::kForm) {
    base::fail(ErrorCode::kUnsupported, row.where(), ": v: sample of form ", row.whole("v"),
               ", this build reads ", CanonicalSample::kForm);
  }
  CanonicalSample out;
  out.id = row.text_or("id", "");
  read_picture(row.object("image"), out);
  out.task = row.text("task");
  out.type = row.text_or("qtype", "");
  out.polarity = row.text_or("polarity", "");
  out.needs_detail = row.flag_or("needs_detail", false);
  for (const JsonRow& one : row.rows("turns", /*optional=*/true)) out.turns.push_back(turn_of(one));
  for (const JsonRow& one : row.rows("regions", /*optional=*/true)) out.regions.push_back(region_of(one));
  out.evidence = row.texts("evidence");
  if (row.has("checks")) {
    const JsonRow checks = row.object("checks");
    const auto number = [&](const char* key) {
      return checks.has(key) ? static_cast<int>(checks.whole(key, 0, 1'000'000)) : 0;
    };
    out.checks = CanonicalChecks{number("claims"), number("supported"), number("judge")};
  }
  if (row.has("prov")) out.provenance = row.object("prov").value();
  out.noise = row.text_or("noise", "");
  check_task(row, out);
  return out;
}

Json canonical_json(const CanonicalSample& sample) {
  Json image = Json::object();
  if (!sample.picture.empty()) image["key"] = sample.picture;
  if (!sample.sha256.empty()) image["sha256"] = sample.sha256;
  if (sample.width > 0) {
    image["w"] = sample.width;
    image["h"] = sample.height;
  }
  if (!sample.file.empty()) image["file"] = sample.file;
  Json turns = Json::array(), regions = Json::array();
  for (const CanonicalTurn& turn : sample.turns) {
    turns.push_back({{"q", turn.question}});
    if (!turn.answer) continue;
    turns.back()["a"] = *turn.answer;
    turns.back()["style"] = turn.style;
  }
  for (const CanonicalRegion& region : sample.regions) {
    regions.push_back({{"label", region.label}});
    if (region.box) regions.back()["box"] = list_of(*region.box);
    if (region.point) regions.back()["point"] = list_of(*region.point);
  }
  Json out = {{"v", CanonicalSample::kForm},
              {"id", sample.id},
              {"image", std::move(image)},
              {"task", sample.task},
              {"qtype", sample.type},
              {"polarity", sample.polarity},
              {"needs_detail", sample.needs_detail},
              {"turns", std::move(turns)},
              {"regions", std::move(regions)},
              {"evidence", sample.evidence}};
  if (sample.checks) {
    out["checks"] = {{"claims", sample.checks->claims},
                     {"supported", sample.checks->supported},
                     {"judge", sample.checks->judge}};
  }
  if (!sample.provenance.is_null()) out["prov"] = sample.provenance;
  if (!sample.noise.empty()) out["noise"] = sample.noise;
  return out;
}

std::string canonical_line(const CanonicalSample& sample) {
  try {
    return canonical_json(sample).dump() + "\n";
  } catch (const Json::exception&) {
    base::fail(ErrorCode::kInvalidArgument, "sample '", base::printable(sample.id),
               "': expected text in UTF-8");
  }
}

void read_canonical(ByteSource& source, const std::function<void(const CanonicalSample&, std::uint64_t)>& use,
                    Reading& reading) {
  each_line(
      source, FileKind::kCanonical,
      [&](const JsonRow& row, std::uint64_t line) { use(canonical_sample(row), line); }, reading);
}

std::vector<CanonicalSample> canonical_samples_of(std::string_view json, const std::string& where) {
  std::vector<CanonicalSample> out;
  const std::size_t first = json.find_first_not_of(" \t\r\n");
  Reading reading;
  const auto use = [&](const JsonRow& row) { out.push_back(canonical_sample(row)); };
  try {
    ByteSource source(json, where);
    if (first != std::string_view::npos && json[first] == '[') {
      each_row(
          source, {FileKind::kUnknown, {""}},
          [&](std::string_view, const JsonRow& row, std::uint64_t) { use(row); }, reading);
    } else {
      each_line(
          source, FileKind::kUnknown, [&](const JsonRow& row, std::uint64_t) { use(row); }, reading);
    }
  } catch (const RecordError&) {
    throw;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    throw RecordError(Reason::kSyntax, error.what());
  }
  return out;
}

}  // namespace moonbeam::data
