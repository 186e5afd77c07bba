#include "data/formats/refcoco.h"

#include <algorithm>

#include "data/formats/json_rows.h"
#include "data/formats/record_box.h"
#include "data/formats/record_text.h"

namespace moonbeam::data {

namespace {

RefSentence sentence_of(const JsonRow& row) {
  RefSentence out;
  out.id = row.whole("sent_id");
  out.text = squeezed(row.text("sent"));
  if (out.text.empty()) row.fail("sent", "text");
  out.raw = row.text_or("raw", out.text);
  out.tokens = row.texts("tokens");
  return out;
}

RefExpression expression_of(const JsonRow& row) {
  row.count_keys("expression", {"ref_id", "ann_id", "image_id", "file_name", "sentences", "bbox", "split"},
                 {"category_id"});
  RefExpression out;
  out.id = row.whole("ref_id");
  out.annotation = row.whole("ann_id");
  out.picture = row.whole("image_id");
  out.category = row.has("category_id") ? row.whole("category_id") : 0;
  out.split = row.text("split");
  out.file = without_ref_suffix(row.text("file_name"));
  if (out.file.empty()) row.fail("file_name", "the name of a file");
  out.box = box_of(row, "bbox");
  for (const JsonRow& sentence : row.rows("sentences")) out.sentences.push_back(sentence_of(sentence));
  if (out.sentences.empty()) row.fail("sentences", "one sentence at least");
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string without_ref_suffix(std::string_view file) {
  const std::size_t dot = std::min(file.rfind('.'), file.size());
  const std::string_view stem = file.substr(0, dot);
  const std::size_t bar = stem.rfind('_');
  if (bar == std::string_view::npos || bar == 0) return std::string(file);
  const std::string_view suffix = stem.substr(bar + 1);
  constexpr std::size_t kIdDigits = 12;  // of the picture itself, in a name that has no suffix
  const bool is_suffix = !suffix.empty() && suffix.size() < kIdDigits &&
                         std::all_of(suffix.begin(), suffix.end(), is_digit) && is_digit(stem[bar - 1]);
  return is_suffix ? std::string(stem.substr(0, bar)) + std::string(file.substr(dot)) : std::string(file);
}

void read_refcoco(ByteSource& source, const std::function<void(const RefExpression&, std::uint64_t)>& use,
                  Reading& reading) {
  each_line(
      source, FileKind::kRefCoco,
      [&](const JsonRow& row, std::uint64_t line) { use(expression_of(row), line); }, reading);
}

}  // namespace moonbeam::data
