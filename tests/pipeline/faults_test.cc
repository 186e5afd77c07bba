// Each fault of the mock of a language model server alone, once without the guard that is there for it and
// once with it (data.md 8.3): without, the damage can be measured; with, it is below the limits of
// data.md 8.2. Prints the table of docs/data.md.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/test_folder.h"
#include "base/text.h"
#include "data/export/dataset.h"
#include "data/llm/body.h"
#include "data/llm/schema.h"
#include "data/llm/test_calls.h"
#include "data/mockllm/mock.h"
#include "data/pipeline/run/plan.h"
#include "data/pipeline/run/run_stages.h"
#include "data/pipeline/run/stages.h"
#include "data/scenes/atlas.h"
#include "tests/pipeline/tally.h"

namespace moonbeam::pipeline {
namespace {

using Faults = std::vector<std::string>;

/// Drawn scenes with annotators' mistakes, planned as a run would.
class ScenesOfARun {
 public:
  ScenesOfARun()
      : labels(data::LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv")),
        nouns(nouns_of(labels)),
        lexicon(find_words_folder()),
        prompts(find_prompts_folder()) {
    const char* wanted = std::getenv("MOONBEAM_TEST_SCENES");
    data::ExportOptions options;
    options.folder = folder_ / "set";
    options.seed = 21;
    options.scenes = wanted != nullptr ? std::stoull(wanted) : 120;
    options.noisy = true;
    options.threads = 1;
    options.formats = {"coco", "narratives", "alttext", "gqa"};
    const data::Atlas atlas = data::Atlas::load(MOONBEAM_SOURCE_DIR "/data", labels);
    data::export_scenes(
        options,
        [&](const data::SceneKey& key, const data::SceneOptions& scene) {
          return data::render_scene(key, scene, atlas, labels);
        },
        labels);
    truth = mockllm::Truth(set());
    RunRecipe one = recipe();
    const RunFolder work{folder_ / "work"};
    const Plan plan = make_plan(work, one, "faults");
    corpus = read_corpus(work);
    input = read_input(work, plan, 0, 0);
  }

  std::string set() const { return folder_ / "set"; }
  RunRecipe recipe(const std::string& more = "") const {
    const std::string from = set();
    return parse_run_recipe(
        base::cat(
            "[inputs]\nname = scenes\nimages = ", from, "/images\ninstances = ", from,
            "/coco/instances.json\ncaptions = ", from, "/coco/captions.json\nnarratives = ", from,
            "/narratives/val-seed_localized_narratives.jsonl\nalt = ", from,
            "/alttext/alttext.jsonl\n[client]\nservers = none.json\n[models]\nwriters = a\nverifier = b\n",
            "vision = eyes\n[plan]\nshard = 100000\nchunk = 100000\n", more),
        folder_ / "run.toml");
  }

 private:
  const base::TestFolder folder_;

 public:
  data::LabelTable labels;
  std::vector<mockllm::Noun> nouns;
  Lexicon lexicon;
  Prompts prompts;
  mockllm::Truth truth;
  CorpusStats corpus;
  std::vector<Record> input;
};

const ScenesOfARun& scenes() {
  static const ScenesOfARun one;
  return one;
}

/// What a server would have answered, by way of the request's own bytes; no second attempts.
AskAll served_by(mockllm::Mock& mock) {
  return [&mock](const std::vector<llm::Call>& calls) {
    std::vector<llm::Result> out;
    for (const llm::Call& call : calls) {
      llm::Result& one = out.emplace_back();
      const std::string body =
          llm::body_of(call, call.sampling, {.dialect = llm::Dialect::kJsonSchema, .model = call.model});
      const mockllm::MockReply reply = mock.handle({"POST", "/v1/chat/completions", "", body});
      one.outcome = llm::Outcome::kRejected;
      if (reply.status != 200) continue;
      const Json choice = Json::parse(reply.body)["choices"][0];
      one.text = choice["message"]["content"];
      one.value = Json::parse(one.text, nullptr, false);
      one.outcome = choice["finish_reason"] == "length"                  ? llm::Outcome::kCut
                    : one.value.is_discarded()                           ? llm::Outcome::kNotJson
                    : !llm::schema_fault(one.value, call.schema).empty() ? llm::Outcome::kWrongSchema
                                                                         : llm::Outcome::kAnswer;
    }
    return out;
  };
}

/// A stage whose answers are taken as they come: what would be trained on if nobody looked.
class Unguarded final : public Stage {
 public:
  explicit Unguarded(std::unique_ptr<Stage> inner) : inner_(std::move(inner)) {}
  std::string_view name() const override { return inner_->name(); }

  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const override {
    if (round == 0) return inner_->step(record, 0, {}, context);
    const Json asked = std::exchange(record.scratch, nullptr);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i].ok()) continue;
      if (name() == "S6") {
        Caption& one = record.captions.emplace_back();
        one.length = asked["parts"][i]["length"];
        one.text = results[i].value["caption"];
        continue;
      }
      const bool asks = name() == "S7";
      for (const Json& row : results[i].value["pairs"]) {
        Pair& one = record.pairs.emplace_back();
        one.type = asks ? asked[i]["type"] : asked[i]["input"]["kind"];
        one.q = row.value("q", "");
        one.a_short = row.value("a_short", "");
        one.a_sentence = row.value("a_sentence", "");
        one.about = row.value("noun", "");
      }
    }
    return {};
  }

 private:
  std::unique_ptr<Stage> inner_;
};

/// In the place of S4 and S5: whatever a text is said to say holds.
class BelievesAll final : public Stage {
 public:
  std::string_view name() const override { return "S4"; }
  std::vector<llm::Call> step(Record& record, int, std::span<const llm::Result>,
                              const Context&) const override {
    for (Claim& one : record.claims) one.accepted = one.dropped.empty();
    return {};
  }
};

struct Way {
  int first = 0, last = 12;  ///< stages
  Faults faults = {};
  double truth_error = 0;
  std::string keys = {};  ///< of the recipe
  bool guarded = true;    ///< else the last stage is Unguarded, and S4, S5 believe all
};

std::vector<Record> run(std::vector<Record> records, const Way& way) {
  mockllm::MockOptions options;
  for (const std::string& one : way.faults) options.faults.push_back(mockllm::parse_fault(one));
  options.truth = scenes().set();
  options.truth_error = way.truth_error;
  mockllm::Mock mock(options);
  RunRecipe recipe = scenes().recipe(way.keys);
  std::vector<std::unique_ptr<Stage>> all = make_stages(recipe), stages;
  for (int i = way.first; i <= way.last; ++i) {
    auto& one = all[static_cast<std::size_t>(i)];
    if (!way.guarded && i == 4) {
      stages.push_back(std::make_unique<BelievesAll>());
    } else if (!way.guarded && i >= 6 && i == way.last) {
      stages.push_back(std::make_unique<Unguarded>(std::move(one)));
    } else if (way.guarded || i != 5) {
      stages.push_back(std::move(one));
    }
  }
  const Context context{scenes().prompts,     scenes().lexicon, recipe.roles, 7,
                        recipe.inputs.images, &scenes().corpus};
  EXPECT_TRUE(run_stages(records, stages, context, 1, served_by(mock)).complete);
  return records;
}

/// After S2, S5 and S7, of a model without a fault.
const std::vector<Record>& heard() {
  static const std::vector<Record> records = run(scenes().input, {.last = 2});
  return records;
}
const std::vector<Record>& known() {
  static const std::vector<Record> records = run(heard(), {.first = 3, .last = 5});
  return records;
}
const std::vector<Record>& asked() {
  static const std::vector<Record> records = run(known(), {.first = 7, .last = 7});
  return records;
}

const Scene& scene_of(const Record& record) {
  return *scenes().truth.find(record.picture.sha256);
}

/// Without and with; prints a row of the table.
void expect_caught(const char* fault, const char* guard, const char* what, double without, double with,
                   double limit, bool more_is_better = false) {
  std::printf("| %s | %s | %s | %.2f %% | %.2f %% | %s %.1f %% |\n", fault, guard, what, 100 * without,
              100 * with, more_is_better ? ">" : "<", 100 * limit);
  if (more_is_better) {
    EXPECT_LT(without, limit) << fault << ": no damage to be guarded against";
    EXPECT_GT(with, limit) << fault;
  } else {
    EXPECT_GT(without, limit) << fault << ": no damage to be guarded against";
    EXPECT_LE(with, limit) << fault;
  }
}

template <typename Measure>
void expect_stage_catches(const std::vector<Record>& before, int stage, const Faults& faults,
                          const char* fault, const char* guard, const char* what, double limit,
                          Measure measure) {
  const Way with{.first = stage, .last = stage, .faults = faults};
  Way without = with;
  without.guarded = false;
  expect_caught(fault, guard, what, measure(run(before, without)), measure(run(before, with)), limit);
}

// ---- what is written

Tally of_captions(const std::vector<Record>& records) {
  Tally out;
  for (const Record& record : records) {
    for (const Caption& one : record.captions) {
      if (!one.human && one.dropped.empty())
        out.caption(scene_of(record), one, scenes().nouns, scenes().lexicon);
    }
  }
  return out;
}

/// It names a thing that the scene does not hold.
bool names_nothing(const std::string& text, const Scene& scene) {
  const Lexicon& lexicon = scenes().lexicon;
  const std::vector<NounAt> nouns = lexicon.nouns_in(text);
  return std::any_of(nouns.begin(), nouns.end(), [&](const NounAt& at) {
    if (!lexicon.is_concrete(at.noun) || is_picture_word(at.noun)) return false;
    return std::none_of(scene.begin(), scene.end(), [&](const TrueObject& thing) {
      return lexicon.same(thing.name, at.noun) || lexicon.is_a(thing.name, at.noun);
    });
  });
}

double captions_with_phantoms(const std::vector<Record>& records) {
  std::int64_t all = 0, such = 0;
  for (const Record& record : records) {
    for (const Caption& one : record.captions) {
      if (one.human || !one.dropped.empty()) continue;
      ++all;
      such += names_nothing(one.text, scene_of(record)) ? 1 : 0;
    }
  }
  return share_of(such, all);
}

double texts_that_begin(const std::vector<Record>& records, const char* opening, const char* of) {
  std::int64_t all = 0, such = 0;
  const auto see = [&](const std::string& text) {
    ++all;
    such += text.starts_with(opening) ? 1 : 0;
  };
  for (const Record& record : records) {
    for (const Caption& one : record.captions) {
      if (std::string_view(of) == "captions" && !one.human && one.dropped.empty()) see(one.text);
    }
    for (const Pair& one : record.pairs) {
      if (std::string_view(of) == "questions" && one.dropped.empty()) see(one.q);
      if (std::string_view(of) == "denials" && one.dropped.empty() && one.type == "premise")
        see(one.a_sentence);
    }
  }
  return share_of(such, all);
}

/// Questions that are answered by more than yes or no: the truth does not read "Are there 4 cups?".
bool is_open(const Pair& one) {
  static const std::set<std::string> kTypes = {"what", "where", "count", "colour", "relation"};
  return one.dropped.empty() && kTypes.contains(one.type);
}

double wrong_answers(const std::vector<Record>& records) {
  Tally out;
  for (const Record& record : records) {
    for (const Pair& one : record.pairs) {
      if (is_open(one)) out.pair(scene_of(record), one);
    }
  }
  return share_of(out.wrong, out.answers);
}

/// Questions that take a thing for granted which is not there.
double questions_of_nothing(const std::vector<Record>& records) {
  std::int64_t all = 0, such = 0;
  for (const Record& record : records) {
    for (const Pair& one : record.pairs) {
      if (!is_open(one) || one.a_short == "0") continue;
      ++all;
      such += names_nothing(one.q, scene_of(record)) ? 1 : 0;
    }
  }
  return share_of(such, all);
}

double about_dinosaurs(const std::vector<Record>& records) {
  std::int64_t all = 0, such = 0;
  for (const Record& record : records) {
    for (const Pair& one : record.pairs) {
      if (one.type != "premise" || !one.dropped.empty()) continue;
      ++all;
      such += one.about == "dinosaur" || one.about == "alien" ? 1 : 0;
    }
  }
  return share_of(such, all);
}

TEST(EachFault, InCaptionsIsCaught) {
  expect_stage_catches(known(), 6, {"hallucinate=0.3,stage=S6"}, "hallucinate, S6",
                       "captions are read again; code knows nouns", "captions with a thing that is not there",
                       0.003, captions_with_phantoms);
  expect_stage_catches(known(), 6, {"colour=0.3,stage=S6"}, "colour, S6", "the same, code knows colours",
                       "wrong colours in captions", 0.01, [](const std::vector<Record>& records) {
                         const Tally tally = of_captions(records);
                         return share_of(tally.wrong_colours, tally.colours);
                       });
  expect_stage_catches(known(), 6, {"openings=1,stage=S6"}, "openings, S6", "banned openings (E8)",
                       "captions with the stock opening", 0.05, [](const std::vector<Record>& records) {
                         return texts_that_begin(records, "The picture shows", "captions");
                       });
}

TEST(EachFault, InQuestionsIsCaught) {
  expect_stage_catches(known(), 7, {"hallucinate=0.5,stage=S7"}, "hallucinate, S7",
                       "answers and questions name what the cited facts hold",
                       "questions about a thing that is not there", 0.005, questions_of_nothing);
  expect_stage_catches(known(), 7, {"colour=0.5,stage=S7"}, "colour, S7", "the answer is the fact's",
                       "wrong answers", 0.005, wrong_answers);
  expect_stage_catches(known(), 7, {"yes=0.3,stage=S7"}, "yes, S7",
                       "no yes to a question that asks for something", "wrong answers", 0.005, wrong_answers);
  expect_stage_catches(known(), 7, {"openings=1,stage=S7"}, "openings, S7", "banned openings (E8)",
                       "questions with the stock opening", 0.05, [](const std::vector<Record>& records) {
                         return texts_that_begin(records, "Can you tell me", "questions");
                       });
}

TEST(EachFault, InAbsurdQuestionsIsCaught) {
  expect_stage_catches(asked(), 8, {"dinosaur=1,stage=S8"}, "dinosaur, S8",
                       "the noun is one that the call named",
                       "absurd questions about dinosaurs and aliens (M6)", 0.005, about_dinosaurs);
  expect_stage_catches(asked(), 8, {"openings=1,stage=S8"}, "openings, S8", "banned openings (E8)",
                       "denials with the stock opening", 0.05, [](const std::vector<Record>& records) {
                         return texts_that_begin(records, "Unfortunately", "denials");
                       });
}

// ---- what is known

double wrong_existence(const std::vector<Record>& records) {
  Tally out;
  for (const Record& record : records) {
    for (const Claim& one : record.claims) {
      if (one.type == "existence") out.claim(scene_of(record), one);
    }
  }
  return share_of(out.wrong_claims, out.accepted);
}

/// Names of what a scene holds that some accepted claim tells.
double things_found(const std::vector<Record>& records) {
  std::int64_t all = 0, found = 0;
  for (const Record& record : records) {
    std::set<std::string> names;
    for (const TrueObject& one : scene_of(record)) names.insert(one.name);
    for (const std::string& name : names) {
      ++all;
      found += std::any_of(record.claims.begin(), record.claims.end(), [&](const Claim& one) {
        return one.accepted && one.type == "existence" && thing_of(one.subject).first == name;
      });
    }
  }
  return share_of(found, all);
}

/// Where nothing is listed completely the sheet denies nothing, and the other guards stand alone.
std::vector<Record> open_vocabulary() {
  std::vector<Record> out = scenes().input;
  for (Record& one : out) one.input.things.clear();
  return out;
}

TEST(EachFault, InClaimsIsCaught) {
  const Faults lies = {"hallucinate=0.5,stage=S3"};
  const Way with{.first = 3, .last = 5, .faults = lies};
  Way without = with;
  without.guarded = false;
  without.keys = "[S3]\ncheck_quotes = false\n";
  expect_caught("hallucinate, S3", "quotes stand in their text; three verdicts (S4)",
                "things claimed that are not there", wrong_existence(run(heard(), without)),
                wrong_existence(run(heard(), with)), 0.003);

  std::vector<Record> one_text = heard();
  for (Record& record : one_text) {
    std::erase_if(record.sources, [](const Source& source) { return source.kind != "narrative"; });
  }
  const Way forgets{.first = 3, .last = 5, .faults = {"drop=1,stage=S3"}};
  expect_caught("drop, S3", "all texts of a picture are read, each kind by a call of its own",
                "things in the picture that are claimed", things_found(run(one_text, forgets)),
                things_found(run(heard(), forgets)), 0.85, true);
}

TEST(EachFault, InVerdictsIsCaught) {
  Way with{.last = 5, .faults = {"hallucinate=1,stage=S3", "yes=1"}, .keys = "[S3]\ncheck_quotes = false\n"};
  Way without = with;
  without.keys += "[S4]\ncontrol_claims = false\nswapped_questions = false\n";
  expect_caught("yes, S4", "a false claim in every batch; each question also the other way round",
                "things claimed that are not there", wrong_existence(run(open_vocabulary(), without)),
                wrong_existence(run(open_vocabulary(), with)), 0.003);

  // Readers that believe everything leave it all to eyes that err.
  with = {.last = 5,
          .faults = {"hallucinate=1,stage=S3", "yes=1,stage=S4a"},
          .truth_error = 0.03,
          .keys = "[S3]\ncheck_quotes = false\n[S4]\ncontrol_claims = false\n"};
  without = with;
  without.keys += "swapped_questions = false\n";
  expect_caught("--truth-error 0.03", "each question also the other way round",
                "things claimed that are not there", wrong_existence(run(open_vocabulary(), without)),
                wrong_existence(run(open_vocabulary(), with)), 0.003);
}

// ---- answers of no use, and the way there

double unanswered(const Faults& faults, const std::function<void(llm::ClientOptions&)>& change) {
  mockllm::Server server(llm::with_faults(faults));
  llm::ClientOptions options = llm::test_options(server.url());
  options.try_timeout_ms = 300;
  options.max_answer = std::size_t{1} << 20;
  options.endpoints[0].start_window = 32;
  options.breaker_failures = 1000;  // what is measured here is the retries
  change(options);
  llm::Client client(options, nullptr, nullptr);
  constexpr int kCalls = 150;
  return share_of(kCalls - llm::count_ok(client.ask_all(llm::test_calls(kCalls))), kCalls);
}

TEST(EachFault, OfAnAnswersFormIsCaught) {
  for (const char* fault : {"invalid_json", "wrong_schema", "cut", "empty", "truncated"}) {
    const Faults faults = {base::cat(fault, "=0.2")};
    expect_caught(fault, "checked against the schema; asked again with another seed",
                  "calls without an answer",
                  unanswered(faults, [](llm::ClientOptions& options) { options.second_attempts = 0; }),
                  unanswered(faults, [](llm::ClientOptions&) {}), 0.03);
  }
  // A refusal is told from an answer, where the schema does not do so already.
  mockllm::Server server(llm::with_faults({"refuse=0.2"}));
  llm::Client client(llm::test_options(server.url()), nullptr, nullptr);
  std::vector<llm::Call> calls = llm::test_calls(150);
  for (llm::Call& one : calls) one.schema = nullptr;
  int refused = 0, taken = 0;
  for (const llm::Result& one : client.ask_all(std::move(calls))) {
    refused +=
        one.text.find("I'm sorry") != std::string::npos || one.outcome == llm::Outcome::kRefusal ? 1 : 0;
    taken += one.ok() && one.text.find("I'm sorry") != std::string::npos ? 1 : 0;
  }
  expect_caught("refuse", "refusals are known by their words", "refusals taken for answers",
                share_of(refused, 150), share_of(taken, 150), 0);
}

TEST(EachFault, OnTheWayIsCaught) {
  for (const char* fault :
       {"429=0.2,retry_after=0.02", "500=0.2", "503=0.2", "reset=0.2", "reset_body=0.2", "wrong_length=0.2",
        "not_http=0.2", "hang=0.1", "drip=0.1", "huge=0.02", "headers=0.1"}) {
    const std::string name(fault, std::string_view(fault).find('='));
    expect_caught(name.c_str(), "tried again", "calls without an answer",
                  unanswered({fault}, [](llm::ClientOptions& options) { options.max_tries = 1; }),
                  unanswered({fault}, [](llm::ClientOptions&) {}), 0);
  }
}

}  // namespace
}  // namespace moonbeam::pipeline
