#include "data/pipeline/record/record_json.h"

#include <cstdio>
#include <span>

#include "base/error.h"
#include "base/hash64.h"

// nlohmann's macros look for to_json and from_json beside the types.
namespace moonbeam::data {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TimedWords, text, start, end)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TracePoint, x, y, t)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Narrative, dataset, picture, annotator, caption, words,
                                                traces, recording)
}  // namespace moonbeam::data

namespace moonbeam::pipeline {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InputInstance, id, name, box, area, crowd, centre)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InputText, kind, text, source, box)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Input, key, ordinal, file, width, height, licence, instances,
                                                stuff, things, negatives, texts, narratives)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Picture, sha256, hash)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SheetObject, id, name, instance, box, centre, share, size,
                                                place, colour, colours)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SheetCount, name, count, exact)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SheetRelation, subject, predicate, object)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Sheet, objects, counts, relations, uncertain, crowds,
                                                exhaustive, stuff, disputed)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Source, id, kind, raw, text, low_trust, unclear, origin)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Claim, id, type, subject, predicate, object, quote, source,
                                                thing, box, by_source, by_sheet, by_picture, by_code,
                                                accepted, dropped, evidence, request)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Caption, length, text, human, claims, source, generator,
                                                request, dropped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Pair, id, type, q, a_short, a_sentence, claims, polarity,
                                                about, twin, needs_detail, instruction, style, generator,
                                                request, by_text, by_picture, judge, weight, noise, asked,
                                                dropped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Region, id, task, label, boxes, points, evidence, asked,
                                                dropped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CallNote, stage, id, request, outcome, model)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Record, input, status, reason, attempts, picture, sheet,
                                                sources, claims, captions, pairs, regions, calls, counts,
                                                hashes)

namespace {

template <typename T>
T parsed(std::string_view line, const std::string& where) {
  try {
    return Json::parse(line).get<T>();
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kCorrupt, where, ": expected what the pipeline wrote, got ", error.what());
  }
}

std::string line_of(const Json& value, const std::string& key) {
  try {
    return value.dump() + "\n";
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kInvalidArgument, key, ": text that is not UTF-8: ", error.what());
  }
}

}  // namespace

std::string input_line(const Input& input) {
  return line_of(input, input.key);
}

std::string record_line(const Record& record) {
  Json value = record;
  for (Json& one : value["input"]["narratives"]) {
    one.erase("words");
    one.erase("traces");
  }
  return line_of(value, record.input.key);
}

Json record_json(const Record& record) {
  Json value = record;
  value.erase("input");
  value.erase("hashes");
  return value;
}

std::string record_hash(const Record& record) {
  const std::string text = line_of(record_json(record), record.input.key);
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx",
                static_cast<unsigned long long>(base::hash64(std::as_bytes(std::span(text)))));
  return hex;
}

Input input_of(std::string_view line, const std::string& where) {
  return parsed<Input>(line, where);
}

Record record_of(std::string_view line, const std::string& where) {
  return parsed<Record>(line, where);
}

}  // namespace moonbeam::pipeline
