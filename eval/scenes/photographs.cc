#include "eval/scenes/photographs.h"

#include <moonbeam/image.h>

#include <algorithm>
#include <map>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "eval/metrics/answers.h"

namespace moonbeam::eval {

namespace fs = std::filesystem;

namespace {

/// "resource file, path in it, name, label" of one line.
Photograph read_line(std::string_view line, int number, const fs::path& folder,
                     const data::LabelTable& labels) {
  const std::size_t third = line.rfind('\t');
  const std::size_t second = third == 0 || third == line.npos ? line.npos : line.rfind('\t', third - 1);
  if (second == line.npos) {
    base::fail(ErrorCode::kCorrupt, "photographs.tsv, line ", number, ": expected four columns");
  }
  const std::string_view noun = line.substr(third + 1);
  const std::optional<int> label = labels.find(noun);
  if (!label) base::fail(ErrorCode::kCorrupt, "photographs.tsv, line ", number, ": no label '", noun, "'");
  return {(folder / std::string(line.substr(second + 1, third - second - 1))).string(), *label};
}

data::Question question_about(int label, const data::LabelTable& labels) {
  data::Question question;
  question.kind = data::Kind::kName;
  question.text = question.plain = "What is in the middle?";
  question.label = label;
  question.answer = question.short_answer = labels[label].noun;
  return question;
}

}  // namespace

std::vector<Photograph> find_photographs(const fs::path& data, const data::LabelTable& labels, int classes) {
  const fs::path folder = data / "assets/real";
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    base::fail(ErrorCode::kNotFound, "the split '", kPhotographs,
               "': its photographs are not installed; fetch them with tools/fetch_assets.sh real");
  }
  const std::string text = base::read_file((data / "photographs.tsv").string(), std::size_t{1} << 20);
  std::vector<Photograph> found;
  int number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    Photograph photograph = read_line(line, number, folder, labels);
    if (photograph.label < labels.shapes() + classes) found.push_back(std::move(photograph));
  }
  return found;
}

ScenesReport evaluate_photographs(const Model& model, const std::vector<Photograph>& photographs,
                                  const data::LabelTable& labels, const ScenesOptions& options) {
  ScenesReport report;
  report.split = kPhotographs;
  report.scenes = std::min(options.scenes, static_cast<int>(photographs.size()));
  std::map<int, int> shown;  // a guess names what most of them show
  for (int i = 0; i < report.scenes; ++i) {
    const Photograph& photograph = photographs[static_cast<std::size_t>(i)];
    const data::Question question = question_about(photograph.label, labels);
    QueryOptions query;
    query.max_tokens = 40;
    const std::string said =
        model.query(model.encode_image(load_image(photograph.path)), question.text, query).answer;
    const std::vector<data::Mention> named = seen_things(said, labels);
    const bool right = !named.empty() && named.front().label == photograph.label;
    report.rates[static_cast<std::size_t>(Measure::kName)].add(right, 1);
    ++shown[photograph.label];
    if (options.on_answer) options.on_answer(static_cast<std::uint64_t>(i), question, said, right);
    if (options.progress && !options.progress(i + 1)) {
      base::fail(ErrorCode::kCancelled, "stopped after ", i + 1, " of ", report.scenes, " photographs");
    }
  }
  int most = 0;
  for (const auto& [label, count] : shown) most = std::max(most, count);
  if (report.scenes > 0)
    report.guess[static_cast<std::size_t>(Measure::kName)] = static_cast<double>(most) / report.scenes;
  return report;
}

}  // namespace moonbeam::eval
