// For tests of the stages: records by hand, a context, and answers that are functions of their calls.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/pipeline/evidence/evidence.h"

namespace moonbeam::pipeline {

inline const Lexicon& test_lexicon() {
  static const Lexicon one(MOONBEAM_SOURCE_DIR "/data/words");
  return one;
}
inline const Prompts& test_prompts() {
  static const Prompts one(MOONBEAM_SOURCE_DIR "/data/prompts");
  return one;
}

inline Context test_context(bool vision = false) {
  Context out{test_prompts(), test_lexicon(), {}, 0, "", nullptr};
  out.roles.writers = {{.model = "writer"}};
  out.roles.verifier.model = "verifier";
  if (vision) out.roles.vision.model = "eyes";
  out.pipeline = 7;
  return out;
}

/// A picture of 400 x 400.
inline Record test_record(const std::vector<InputInstance>& instances,
                          const std::vector<std::string>& captions,
                          const std::vector<std::string>& narratives = {}) {
  Record record;
  record.input.key = "test-1";
  record.input.file = "none.jpg";
  record.input.width = record.input.height = 400;
  record.input.instances = instances;
  record.input.things = {"dog", "cat", "cup", "star", "person", "couch", "bear", "dining table"};
  for (const std::string& text : captions) record.input.texts.push_back({.kind = "caption", .text = text});
  for (const std::string& text : narratives) {
    data::Narrative one;
    one.caption = text;
    record.input.narratives.push_back(one);
  }
  return record;
}

inline InputInstance test_box(std::int64_t id, const std::string& name, double x, double y, double wide,
                              double high) {
  return {.id = id, .name = name, .box = {x, y, wide, high}, .area = wide * high};
}

inline Json input_of(const llm::Call& call) {
  const std::string& text = call.messages.back().text;
  const std::size_t open = text.rfind("<input>") + 7;
  return Json::parse(text.substr(open, text.rfind("</input>") - open));
}

inline llm::Result answer(const Json& value) {
  llm::Result out;
  out.outcome = llm::Outcome::kAnswer;
  out.value = value;
  return out;
}

using Answers = std::function<llm::Result(const llm::Call&)>;

/// All rounds. @return how many calls were made.
inline int run_stage(const Stage& stage, Record& record, const Context& context, const Answers& answers) {
  int calls = 0;
  std::vector<llm::Result> results;
  for (int round = 0; round < 10; ++round) {
    const std::vector<llm::Call> asked = stage.step(record, round, results, context);
    if (asked.empty()) return calls;
    calls += static_cast<int>(asked.size());
    results.clear();
    for (const llm::Call& one : asked) results.push_back(answers(one));
  }
  return calls;
}

inline base::KeySection no_keys() {
  return {"recipe", "", 1};
}

/// S1 alone.
inline void make_facts(Record& record) {
  base::KeySection keys = no_keys();
  make_s1(keys)->step(record, 0, {}, test_context());
}

inline Claim test_claim(const std::string& type, const std::string& subject, const std::string& predicate,
                        const std::string& object, const std::string& quote, const std::string& source) {
  Claim out;
  out.type = type;
  out.subject = subject;
  out.predicate = predicate;
  out.object = object;
  out.quote = quote;
  out.source = source;
  out.evidence = {source};
  return out;
}

inline void number_claims(Record& record) {
  for (std::size_t i = 0; i < record.claims.size(); ++i) record.claims[i].id = "C" + std::to_string(i + 1);
}

/// An honest reader's answer to S4a and S4b: what `verdict` says of a claim, and no to the control.
inline Answers reader(const std::function<std::string(const Json& claim)>& verdict) {
  return [verdict](const llm::Call& call) {
    const Json input = input_of(call);
    Json verdicts = Json::array();
    for (const Json& one : input.value("claims", Json::array())) {
      const std::string is = one["id"] == "X0" ? "unknown" : verdict(one);
      verdicts.push_back({{"id", one["id"]}, {"reason", ""}, {"verdict", is}});
    }
    return answer({{"verdicts", verdicts}});
  };
}

}  // namespace moonbeam::pipeline
