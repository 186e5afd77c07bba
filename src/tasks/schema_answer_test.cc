// Answers after a schema: valid JSON from any model, at any limit, alone and beside others; nothing changes
// for the rest.
#include <gtest/gtest.h>
#include <moonbeam/scheduler.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <limits>

#include "base/test_folder.h"
#include "grammar/testing.h"
#include "tasks/batch.h"
#include "tasks/prompts.h"
#include "tasks/testing.h"

namespace moonbeam::tasks {
namespace {

using grammar::testing::fits;
using grammar::testing::Json;
using grammar::testing::Maker;
using testing::engine;
using testing::model_of;

constexpr std::string_view kScene = R"({"type": "object", "properties": {
  "dog": {"type": "boolean"}, "apples": {"type": "integer"}, "note": {"type": "string", "maxLength": 20},
  "colours": {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "maxItems": 3}},
  "required": ["dog", "apples", "colours"]})";

/// Logits of models that were never trained for this, or against it.
void make_up(int kind, Maker& make, const model::Prompts& prompts, std::span<float> logits) {
  auto random = static_cast<std::uint32_t>(make.random()());
  for (float& logit : logits) {
    random = random * 1664525u + 1013904223u;
    logit = static_cast<float>(random >> 8) * 0x1p-20f;  // 0 to 16
  }
  const auto any = [&] { return static_cast<std::size_t>(make.below(static_cast<int>(logits.size()))); };
  const auto raise = [&](std::size_t id) { logits[id] += 20; };
  switch (kind) {
    case 0:
      return;
    case 1:  // always wants to end
      return raise(static_cast<std::size_t>(prompts.eos));
    case 2:  // has its mind set on a few tokens
      for (std::size_t id = 0; id < logits.size(); id += 97) raise(id);
      return;
    case 3:  // knows nothing
      return std::fill(logits.begin(), logits.end(), 0.0f);
    case 4: {  // excludes all but one
      std::size_t only = any();
      if (static_cast<int>(only) == prompts.answer) ++only;  // that one is suppressed in any answer
      std::fill(logits.begin(), logits.end(), -std::numeric_limits<float>::infinity());
      logits[only] = 1;
      return;
    }
    default:  // single bytes before words
      for (std::size_t id = 0; id < std::min<std::size_t>(logits.size(), 300); ++id) raise(id);
  }
}

struct Answered {
  std::string text, streamed;
  Finish finish;
  int tokens;
};

Answered answer(const Engine& engine, Runner& runner, const Json& schema, int kind, Maker& make) {
  Answered out;
  TextOptions options;
  options.max_tokens = make.chance(0.3) ? make.below(10) : make.below(120);
  if (make.chance(0.5)) options.sampling = {.temperature = 0.8, .top_p = 0.9, .seed = 5};
  options.on_text = [&](std::string_view piece) {
    EXPECT_TRUE(base::is_valid_utf8(piece));
    out.streamed += piece;
    return true;
  };
  TextGeneration generation(engine, options, {}, ResponseSchema::parse(schema.dump()));
  Sequence sequence = new_sequence(engine);
  sequence.logits.resize(static_cast<std::size_t>(engine.config().text.vocab_size));
  do {
    make_up(kind, make, engine.prompts(), sequence.logits);
  } while (!generation.next(runner, sequence).tokens.empty());
  out.text = generation.result().text;
  out.finish = generation.result().finish;
  out.tokens = static_cast<int>(generation.result().ids.size());
  EXPECT_LE(out.tokens, options.max_tokens);
  return out;
}

void check_random_schemas(const std::string& model, int count) {
  const auto with = engine(model);
  Runner runner(*with);
  int ended = 0, cut = 0;
  for (int seed = 0; seed < count; ++seed) {
    Maker make(static_cast<unsigned>(seed));
    const Json schema = make.schema();
    const Answered got = answer(*with, runner, schema, seed % 6, make);
    const Json parsed = Json::parse(got.text, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << seed << "\n" << schema.dump() << "\n" << got.text;
    ASSERT_TRUE(fits(schema, schema, parsed)) << seed << "\n" << schema.dump() << "\n" << got.text;
    ASSERT_LE(grammar::testing::nesting(parsed), grammar::kMaxNesting);
    ASSERT_EQ(got.streamed, got.text);
    ASSERT_NE(got.finish, Finish::kStopped);
    ++(got.finish == Finish::kEos ? ended : cut);
  }
  EXPECT_GT(ended, count / 10);
  EXPECT_GT(cut, count / 10);
}

TEST(SchemaAnswer, TenThousandRandomSchemasGiveValidJson) {
  check_random_schemas("starter", 10'000);
}

TEST(SchemaAnswer, SoDoThoseWithTheTokenizerOfTheGoldens) {
  check_random_schemas("tiny", 2'000);
}

class SchemaAnswerIn : public ::testing::TestWithParam<testing::Setting> {
 protected:
  std::shared_ptr<const Engine> engine_ = engine(std::get<0>(GetParam()), std::get<1>(GetParam()));
  Model model_ = model_of(engine_);
  EncodedImage image_ = model_.encode_image(testing::sample());
};
INSTANTIATE_TEST_SUITE_P(Settings, SchemaAnswerIn, testing::all_settings(), testing::setting_name);

TEST_P(SchemaAnswerIn, RealModelsKeepToTheSchemaAtEveryLimit) {
  const Json schema = Json::parse(kScene);
  for (const double temperature : {0.0, 1.0}) {
    for (const int most : {0, 1, 2, 3, 5, 8, 13, 30, 80}) {
      QueryOptions options;
      options.schema = ResponseSchema::parse(kScene);
      options.sampling.temperature = temperature;
      options.max_tokens = most;
      const QueryResult got = model_.query(image_, "What is in the picture?", options);
      const Json parsed = Json::parse(got.answer, nullptr, false);
      ASSERT_TRUE(!parsed.is_discarded() && fits(schema, schema, parsed)) << most << ": " << got.answer;
      EXPECT_LE(got.usage.output_tokens, most);
      EXPECT_TRUE(got.usage.output_tokens == most || got.finish == Finish::kEos) << got.answer;
    }
  }
}

TEST_P(SchemaAnswerIn, StepsWithOthersGiveTheSameAnswersAndLeaveThemAlone) {
  QueryOptions free, bound;
  free.max_tokens = bound.max_tokens = 40;
  bound.schema = ResponseSchema::parse(kScene);
  QueryOptions any = bound;
  any.schema = ResponseSchema::json_object();
  any.sampling = {.temperature = 0.7, .top_p = 0.9, .seed = 3};
  const std::vector<Question> questions = {{image_, "Is there a dog?", free},
                                           {image_, "What is in the picture?", bound},
                                           {image_, "How many apples are there?", free},
                                           {image_, "What is in the picture?", any}};
  const std::vector<QueryResult> together = model_.query_all(questions);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const QueryResult alone = model_.query(image_, questions[i].question, questions[i].options);
    EXPECT_EQ(together[i].answer, alone.answer) << i;
    EXPECT_EQ(together[i].finish, alone.finish) << i;
    EXPECT_EQ(together[i].usage.output_tokens, alone.usage.output_tokens) << i;
  }
}

TEST(SchemaAnswer, ComesThroughTheSchedulerAsItStreams) {
  const Model model = model_of(engine("starter"));
  QueryOptions options;
  options.max_tokens = 60;
  options.schema = ResponseSchema::parse(kScene);
  const std::string alone =
      model.query(model.encode_image(testing::sample()), "What is there?", options).answer;
  Scheduler scheduler(model, {.parallel = 2});
  std::string streamed;
  int pieces = 0;
  options.on_text = [&](std::string_view piece) {
    streamed += piece;
    ++pieces;
    return true;
  };
  std::promise<Outcome> promise;
  TaskRequest request;
  request.task = QueryTask{"What is there?", options};
  request.on_end = [&](Outcome outcome) { promise.set_value(std::move(outcome)); };
  scheduler.submit(std::move(request), testing::sample());
  const Outcome outcome = promise.get_future().get();
  ASSERT_EQ(outcome.kind, Outcome::Kind::kAnswer);
  EXPECT_EQ(std::get<QueryResult>(outcome.result).answer, alone);
  EXPECT_EQ(streamed, alone);
  EXPECT_GT(pieces, 5);
  TaskRequest wrong;
  wrong.task = QueryTask{"What is there?", options};
  std::get<QueryTask>(wrong.task).options.stop = {"}"};
  EXPECT_THROW(scheduler.submit(std::move(wrong), testing::sample()), Error);
}

TEST(SchemaAnswer, IsValidWhereACallbackStopsIt) {
  const Model model = model_of(engine("starter"));
  const EncodedImage image = model.encode_image(testing::sample());
  const Json schema = Json::parse(kScene);
  for (int after = 1; after < 8; ++after) {
    int pieces = 0;
    QueryOptions options;
    options.schema = ResponseSchema::parse(kScene);
    options.on_text = [&](std::string_view) { return ++pieces < after; };
    const QueryResult got = model.query(image, "What is there?", options);
    EXPECT_EQ(got.finish, Finish::kStopped);
    EXPECT_EQ(pieces, after);
    const Json parsed = Json::parse(got.answer, nullptr, false);
    EXPECT_TRUE(!parsed.is_discarded() && fits(schema, schema, parsed)) << got.answer;
  }
}

TEST(SchemaAnswer, ComesAfterFreeReasoning) {
  const Model model = model_of(engine("tiny"));
  QueryOptions options;
  options.reasoning = true;
  options.max_tokens = 12;
  options.schema = ResponseSchema::parse(R"({"enum": ["yes", "no"]})");
  const QueryResult got = model.query(model.encode_image(testing::sample()), "Is there a dog?", options);
  ASSERT_TRUE(got.reasoning.has_value());
  EXPECT_TRUE(got.answer == "\"yes\"" || got.answer == "\"no\"") << got.answer;
}

TEST(SchemaAnswer, EndsAtAFullContext) {
  const auto with = engine("starter");
  const Model model = model_of(with);
  const Json schema = Json::parse(kScene);
  QueryOptions options;
  options.schema = ResponseSchema::parse(kScene);
  // A question that leaves a few positions, whatever the sentence behind it takes.
  std::string question = "What is there?";
  const auto positions = [&] { return 1 + static_cast<int>(query_prompt(*with, question, options).size()); };
  const int wanted = with->config().text.max_context - 4;
  const int each = (question += " dog", positions());
  question += " dog";
  const int more = positions() - each;
  for (int left = (wanted - positions()) / more; left > 0; --left) question += " dog";
  const QueryResult got = model.query(question, options);
  EXPECT_EQ(got.finish, Finish::kLength);
  const Json parsed = Json::parse(got.answer, nullptr, false);
  EXPECT_TRUE(!parsed.is_discarded() && fits(schema, schema, parsed)) << got.answer;
}

TEST(SchemaAnswer, TellsTheModelItsKeys) {
  // The starter itself is told nothing: it does not know such sentences.
  const base::TestFolder folder;
  for (const char* file : {"model.safetensors", "tokenizer.json"}) {
    std::filesystem::copy(testing::kTests + "data/starter/" + file, folder / file);
  }
  std::ifstream published(testing::kTests + "data/starter/config.json");
  Json config = Json::parse(published);
  config["moonbeam"] = {{"json_with_keys", "Answer in JSON with keys {keys}."},
                        {"json_plain", "Answer in JSON."}};
  folder.put("config.json", config.dump());
  const auto with = open_engine(folder.path(), {.threads = 1});
  QueryOptions options;
  const auto decoded = [&](const std::vector<Token>& prompt) {
    std::vector<int> ids;
    for (const Token& token : prompt) ids.push_back(std::get<TextToken>(token).id);
    return with->tokenizer.decode(ids, false);
  };
  const auto text = [&] { return decoded(query_prompt(*with, "What is it?", options)); };
  EXPECT_EQ(text(), decoded(query_prompt(*with, "What is it?", {}, false)));
  options.schema = ResponseSchema::parse(R"({"properties": {"name": {}, "age": {}}})");
  EXPECT_NE(text().find(R"(What is it? Answer in JSON with keys "name", "age".)"), std::string::npos)
      << text();
  options.schema = ResponseSchema::json_object();
  EXPECT_NE(text().find("What is it? Answer in JSON."), std::string::npos) << text();
  EXPECT_THROW(query_prompt(*with, "  ", options), Error);
  EXPECT_EQ(query_prompt(*engine("starter"), "What is it?", options).size(),
            query_prompt(*engine("starter"), "What is it?", {}, false).size());
}

TEST(SchemaAnswer, ExcludesStopStrings) {
  QueryOptions options;
  options.stop = {"}"};
  options.schema = ResponseSchema::json_object();
  EXPECT_THROW(model_of(engine("starter")).query("What is it?", options), Error);
}

}  // namespace
}  // namespace moonbeam::tasks
