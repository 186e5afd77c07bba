// For tests: pictures as S5 leaves them, drawn from a list of classes, with what is really to be seen in
// them; and models that answer calls without a server.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/hash64.h"
#include "base/key_file.h"
#include "base/text.h"
#include "data/llm/json_text.h"
#include "data/mockllm/answers.h"
#include "data/pipeline/stage/stage.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

inline const Lexicon& test_lexicon() {
  static const Lexicon lexicon(find_words_folder());
  return lexicon;
}
inline const Prompts& test_prompts() {
  static const Prompts prompts(find_prompts_folder());
  return prompts;
}
/// Writer, verifier and judge; nobody sees.
inline Context test_context(const CorpusStats* corpus = nullptr) {
  Roles roles;
  roles.writers = {{.model = "writer"}};
  roles.verifier.model = "verifier";
  roles.judge.model = "judge";
  return {.prompts = test_prompts(),
          .lexicon = test_lexicon(),
          .roles = roles,
          .pipeline = 7,
          .pictures = "",
          .corpus = corpus};
}

inline base::KeySection no_keys() {
  return base::KeySection("test.recipe", "stage", 1);
}

struct Thing {
  std::string name, colour = {};
  double x = .5, y = .5;
};

inline std::string place_of(double x, double y) {
  const std::string down = y < 1. / 3 ? "top" : y > 2. / 3 ? "bottom" : "";
  const std::string across = x < 1. / 3 ? "left" : x > 2. / 3 ? "right" : "";
  return down.empty() && across.empty() ? "middle"
                                        : base::cat(down, down.empty() || across.empty() ? "" : " ", across);
}

/// Sheet, a caption that names all of it, and accepted claims. `annotated`: what the sheet holds, where that
/// is something else than what there is.
inline Record picture_of(const std::vector<Thing>& things, const std::vector<std::string>& exhaustive = {},
                         std::int64_t ordinal = 0, const std::vector<Thing>* annotated = nullptr) {
  const std::vector<Thing>& boxed = annotated == nullptr ? things : *annotated;
  const auto times = [](const std::vector<Thing>& all, const std::string& name) {
    return std::count_if(all.begin(), all.end(), [&](const Thing& one) { return one.name == name; });
  };
  Record record;
  record.input.key = base::cat("test-", ordinal);
  record.input.ordinal = ordinal;
  record.input.width = record.input.height = 100;
  record.sheet.exhaustive = exhaustive;
  std::vector<std::string> names, said;
  int number = 0;
  const auto add_claim = [&](const std::string& type, const std::string& subject,
                             const std::string& predicate, const std::string& object,
                             const std::string& thing) {
    Claim& claim = record.claims.emplace_back();
    claim.id = base::cat("C", static_cast<std::int64_t>(record.claims.size()));
    claim.type = type;
    claim.subject = subject;
    claim.predicate = predicate;
    claim.object = object;
    claim.source = "K1";
    claim.thing = thing;
    claim.accepted =
        times(boxed, subject) > 0 &&
        (type != "count" || object == base::cat(static_cast<std::int64_t>(times(boxed, subject))));
  };
  for (const Thing& one : boxed) {
    SheetObject object;
    object.id = base::cat("O", ++number);
    object.name = one.name;
    object.instance = number;
    object.box = {one.x - .05, one.y - .05, one.x + .05, one.y + .05};
    object.centre = {one.x, one.y};
    object.share = .01;
    object.place = place_of(one.x, one.y);
    object.colour = one.colour;
    record.sheet.objects.push_back(object);
    record.input.instances.push_back({.id = number, .name = one.name});
    const auto known = [&](const SheetCount& row) { return row.name == one.name; };
    if (std::none_of(record.sheet.counts.begin(), record.sheet.counts.end(), known)) {
      record.sheet.counts.push_back(
          {.name = one.name, .count = static_cast<int>(times(boxed, one.name)), .exact = true});
    }
  }
  for (const Thing& one : things) {
    if (std::find(names.begin(), names.end(), one.name) == names.end()) names.push_back(one.name);
  }
  for (const std::string& name : names) {
    const auto count = times(things, name);
    const auto of =
        std::find_if(things.begin(), things.end(), [&](const Thing& one) { return one.name == name; });
    const auto box =
        std::find_if(boxed.begin(), boxed.end(), [&](const Thing& one) { return one.name == name; });
    const std::string id = base::cat("O", static_cast<std::int64_t>(box - boxed.begin() + 1));
    add_claim("existence", name, "exists", "", count == 1 ? id : "");
    if (count == 1 && !of->colour.empty()) add_claim("attribute", name, "colour", of->colour, id);
    if (count > 1) add_claim("count", name, "count", base::cat(static_cast<std::int64_t>(count)), "");
    said.push_back(count > 1
                       ? base::cat(number_word(static_cast<int>(count)), " ", test_lexicon().plural(name))
                       : with_article(of->colour.empty() ? name : base::cat(of->colour, " ", name)));
  }
  for (const SheetObject& a : record.sheet.objects) {
    for (const SheetObject& b : record.sheet.objects) {
      if (b.centre[0] - a.centre[0] > .1) record.sheet.relations.push_back({a.id, "left of", b.id});
      if (a.centre[0] - b.centre[0] > .1) record.sheet.relations.push_back({a.id, "right of", b.id});
      if (b.centre[1] - a.centre[1] > .1) record.sheet.relations.push_back({a.id, "above", b.id});
      if (a.centre[1] - b.centre[1] > .1) record.sheet.relations.push_back({a.id, "below", b.id});
    }
  }
  Source source;
  source.id = "K1";
  source.kind = "caption";
  for (const std::string& one : said) source.raw += (source.raw.empty() ? "" : ", ") + one;
  source.raw = capitalised(source.raw) + ".";
  source.text = source.raw;
  record.sources.push_back(source);
  return record;
}

inline llm::Result answer_of(const Json& value) {
  llm::Result result;
  result.outcome = llm::Outcome::kAnswer;
  result.value = value;
  result.text = value.dump();
  return result;
}
inline llm::Result failure(llm::Outcome outcome) {
  llm::Result result;
  result.outcome = outcome;
  return result;
}

/// The object between <input> and </input> of a call's last message.
inline Json input_of_call(const llm::Call& call) {
  return mockllm::machine_part(call.messages.back().text);
}

using Model = std::function<llm::Result(const llm::Call&)>;

/// What the mock says, with faults such as "hallucinate=0.1,stage=S6".
inline Model mock_model(const std::vector<std::string>& faults = {}) {
  std::vector<mockllm::FaultRule> rules;
  for (const std::string& one : faults) rules.push_back(mockllm::parse_fault(one));
  auto all = std::make_shared<mockllm::Faults>(rules, 0);
  return [all](const llm::Call& call) {
    mockllm::Question question;
    for (const llm::Message& one : call.messages) question.prompt += one.text + "\n";
    question.input = input_of_call(call);
    question.stage = question.input.value("stage", "");
    question.schema = call.schema;
    question.content = llm::mix(hash_text(question.prompt), call.sampling.seed);
    const mockllm::Faults::Met met = all->meet(question.content, question.stage);
    question.faults = &met;
    return answer_of(mockllm::answer_to(question, mockllm::Truth(), 0));
  };
}

inline void run_stage(const Stage& stage, Record& record, const Context& context, const Model& model) {
  std::vector<llm::Result> results;
  for (int round = 0; round < 20; ++round) {
    const std::vector<llm::Call> calls = stage.step(record, round, results, context);
    if (calls.empty()) return;
    results.clear();
    for (const llm::Call& call : calls) results.push_back(model(call));
  }
}

inline const std::vector<std::string> kAll = {"boat",  "cat",  "cow",   "cup",  "dog",
                                              "horse", "kite", "train", "zebra"};

inline Record some_picture(std::int64_t ordinal = 0) {
  return picture_of(
      {{"dog", "brown", .1, .5}, {"cup", "red", .8, .1}, {"boat", "", .5, .9}, {"boat", "", .9, .9}}, kAll,
      ordinal);
}

inline std::unique_ptr<Stage> made(std::unique_ptr<Stage> (*make)(base::KeySection&),
                                   const std::vector<std::pair<std::string, std::string>>& settings = {}) {
  base::KeySection keys = no_keys();
  int line = 1;
  for (const auto& [key, value] : settings) keys.add(key, value, ++line);
  auto stage = make(keys);
  keys.refuse_unread();
  return stage;
}

inline std::vector<Pair> kept(const Record& record, const std::string& type) {
  std::vector<Pair> out;
  for (const Pair& pair : record.pairs) {
    if (pair.type == type && pair.dropped.empty()) out.push_back(pair);
  }
  return out;
}

inline Pair a_pair(const std::string& id, const std::string& type, const std::string& q,
                   const std::string& brief, const std::string& full, const std::string& about,
                   const std::string& twin = "") {
  Pair pair;
  pair.id = id;
  pair.type = type;
  pair.q = q;
  pair.a_short = brief;
  pair.a_sentence = full;
  pair.about = about;
  pair.twin = twin;
  pair.claims = {"C1"};
  return pair;
}

}  // namespace moonbeam::pipeline
