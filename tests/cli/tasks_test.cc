// caption, query, detect, point, gaze and chat, with the starter's known answers.
#include <moonbeam/image.h>

#include "tests/cli/fixtures.h"

namespace moonbeam::test {
namespace {

TEST(Caption, PrintsTheSentence) {
  for (const char* length : {"short", "normal", "long"}) {
    const Ran ran = run(with_model({"caption", sample("s1.png"), "--length", length}));
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.out, expected("s1.png", "caption", length)["text"].get<std::string>() + "\n");
    EXPECT_EQ(ran.err, "");
  }
}

TEST(Caption, StreamsTheSameText) {
  const Ran ran = run(with_model({"caption", sample("s2.png"), "--stream"}));
  EXPECT_EQ(ran.out, expected("s2.png", "caption", "normal")["text"].get<std::string>() + "\n");
}

TEST(Caption, WritesTheKeysOfTheApi) {
  const Ran ran = run(with_model({"caption", sample("s1.png"), sample("s2.png"), "--json"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const std::vector<json> lines = json_lines(ran.out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["image"], sample("s1.png"));
  for (const char* file : {"s1.png", "s2.png"}) {
    const json& line = lines[file == std::string("s2.png")];
    const json known = expected(file, "caption", "normal");
    EXPECT_EQ(line["caption"], known["text"]);
    EXPECT_EQ(line["finish_reason"], "stop");
    EXPECT_EQ(line["metrics"]["output_tokens"].get<int>() - static_cast<int>(known["ids"].size()), 0);
    EXPECT_EQ(line["metrics"]["input_tokens"].get<std::size_t>(), 50 + known["prompt_ids"].size());
    for (const char* key : {"encode_time_ms", "prefill_time_ms", "decode_time_ms", "ttft_ms"}) {
      EXPECT_GT(line["metrics"][key].get<double>(), 0) << key;
    }
    EXPECT_TRUE(line["request_id"].get<std::string>().starts_with("mb-"));
  }
}

TEST(Caption, EndsEarlyWhereToldTo) {
  const json line =
      json::parse(run(with_model({"caption", sample("s1.png"), "--max-tokens", "2", "--json"})).out);
  EXPECT_EQ(line["finish_reason"], "length");
  EXPECT_EQ(line["metrics"]["output_tokens"], 2);
  const std::string whole = expected("s1.png", "caption", "normal")["text"];
  const Ran stopped = run(with_model({"caption", sample("s1.png"), "--stop", " dog"}));
  EXPECT_EQ(stopped.out, whole.substr(0, whole.find(" dog")) + "\n");
}

TEST(Caption, SamplesTheSameWithTheSameSeed) {
  const auto sampled = [](const char* seed) {
    return run(with_model({"caption", sample("s3.png"), "--temperature", "1.5", "--seed", seed})).out;
  };
  EXPECT_EQ(sampled("7"), sampled("7"));
}

TEST(Query, AnswersOneQuestion) {
  const Ran ran = run(with_model({"query", sample("s1.png"), "Is there a dog?"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "Yes.\n");
}

TEST(Query, AnswersManyQuestionsFromOneEncodedPicture) {
  const Ran ran = run(with_model(
      {"query", sample("s1.png"), "-q", "Is there a dog?", "-q", "How many apples are there?", "--json"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json line = json::parse(ran.out);
  ASSERT_EQ(line["answers"].size(), 2u);
  EXPECT_EQ(line["answers"][0]["answer"], "Yes.");
  EXPECT_EQ(line["answers"][1]["answer"], "Two.");
  EXPECT_GT(line["answers"][0]["metrics"]["encode_time_ms"].get<double>(), 0);
  EXPECT_EQ(line["answers"][1]["metrics"]["encode_time_ms"].get<double>(), 0);
  const Ran text = run(
      with_model({"query", sample("s1.png"), "-q", "Is there a dog?", "-q", "How many apples are there?"}));
  EXPECT_EQ(text.out, "Is there a dog? Yes.\nHow many apples are there? Two.\n");
}

TEST(Query, ThinksFirstWhereAsked) {
  const Ran ran = run({"query", "--quiet", "-m", "synth:tiny", sample("s1.png"), "Why?", "--reasoning",
                       "--max-tokens", "8", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json line = json::parse(ran.out);
  EXPECT_TRUE(line["reasoning"]["text"].is_string());
  EXPECT_TRUE(line["reasoning"]["grounding"].is_array());
}

TEST(Query, WhatTheModelWasNotTrainedForIsRefused) {
  const Ran reasoning = run(with_model({"query", sample("s1.png"), "Why?", "--reasoning"}));
  expect_refused(reasoning, 5);
  EXPECT_NE(reasoning.err.find("was not made to think first"), std::string::npos) << reasoning.err;
  const Ran place = run(with_model({"query", sample("s1.png"), "What is this?", "--ref", "0.5,0.5"}));
  expect_refused(place, 5);
  EXPECT_NE(place.err.find("takes no spatial references"), std::string::npos) << place.err;
}

TEST(Query, TakesPlaces) {
  const auto answer = [](const std::vector<std::string>& refs) {
    std::vector<std::string> arguments = {"query",          "--quiet",       "-m",           "synth:tiny",
                                          sample("s1.png"), "What is this?", "--max-tokens", "8",
                                          "--json"};
    for (const std::string& ref : refs) arguments.insert(arguments.end(), {"--ref", ref});
    return json::parse(run(arguments).out);
  };
  const int none = answer({})["metrics"]["input_tokens"];
  const int box = answer({"0.1,0.2,0.5,0.6"})["metrics"]["input_tokens"];
  const int both = answer({"0.1,0.2,0.5,0.6", "0.5,0.5"})["metrics"]["input_tokens"];
  EXPECT_GT(box, none);
  EXPECT_GT(both, box);
  expect_refused(run({"query", "--quiet", "-m", "synth:tiny", sample("s1.png"), "Why?", "--ref", "2,0"}), 2);
}

TEST(Query, AnswersInJsonAfterASchema) {
  const std::string schema =
      R"({"properties": {"dog": {"type": "boolean"}, "name": {"type": "string", "maxLength": 9}},
    "required": ["dog", "name"]})";
  const auto check = [](const std::string& answer) {
    const json value = json::parse(answer);
    EXPECT_EQ(value.size(), 2u);
    EXPECT_TRUE(value["dog"].is_boolean() && value["name"].is_string()) << answer;
  };
  const Ran text =
      run(with_model({"query", sample("s1.png"), "What is it?", "--schema", schema, "--stream"}));
  ASSERT_EQ(text.status, 0) << text.err;
  check(text.out);
  const TestFolder folder;
  folder.put("schema.json", schema);
  for (const char* most : {"1", "3", "60"}) {
    const Ran ran = run(with_model({"query", sample("s1.png"), "What is it?", "--schema",
                                    folder.path("schema.json"), "--json", "--max-tokens", most}));
    ASSERT_EQ(ran.status, 0) << ran.err;
    const json line = json::parse(ran.out);
    check(line["answer"]);
    EXPECT_EQ(line["finish_reason"], *most == '6' ? "stop" : "length");
  }
}

TEST(Query, RefusesASchemaThatItCannotKeep) {
  const auto asked = [](const std::string& schema) {
    return run(with_model({"query", sample("s1.png"), "What is it?", "--schema", schema}));
  };
  const Ran keyword = asked(R"({"properties": {"a": {"pattern": "x"}}})");
  expect_refused(keyword, 5);
  EXPECT_NE(keyword.err.find("#/properties/a: 'pattern' is not supported"), std::string::npos) << keyword.err;
  expect_refused(asked("{"), 2);
  const Ran nowhere = asked("no-such-schema.json");
  expect_refused(nowhere, 3);
  EXPECT_NE(nowhere.err.find("no-such-schema.json"), std::string::npos) << nowhere.err;
  expect_refused(run(with_model({"query", "Hm?", "--schema", "{}", "--stop", "x"})), 2);
}

TEST(Query, NeedsNoPicture) {
  const Ran ran = run(with_model({"query", "Is there a dog?", "--json"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json line = json::parse(ran.out);
  EXPECT_TRUE(line["image"].is_null());
  EXPECT_TRUE(line["answer"].is_string());
}

TEST(Query, WarnsWhereTheTextIsAFile) {
  const TestFolder folder;
  folder.put("dog");
  const Ran ran = run({"query", "-m", kStarter, sample("s1.png"), "dog"}, {.folder = folder.path("")});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.err.find("'dog' is taken as the question"), std::string::npos) << ran.err;
}

TEST(Detect, FindsTheKnownBoxes) {
  const json known = expected("s1.png", "detect", "apple");
  const Ran ran = run(with_model({"detect", sample("s1.png"), "apple", "--json"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json line = json::parse(ran.out);
  ASSERT_EQ(line["objects"].size(), known["objects"].size());
  for (std::size_t i = 0; i < known["objects"].size(); ++i) {
    for (const char* key : {"x_min", "y_min", "x_max", "y_max"}) {
      EXPECT_NEAR(line["objects"][i][key].get<double>(), known["objects"][i][key].get<double>(), 2e-6) << key;
    }
  }
  EXPECT_EQ(line["object"], "apple");
  EXPECT_EQ(line["metrics"]["output_tokens"], 3 * known["objects"].size());
  EXPECT_EQ(line["metrics"]["input_tokens"].get<std::size_t>(), 50 + known["prompt_ids"].size());
}

TEST(Detect, NothingFoundIsSuccess) {
  const Ran ran = run(with_model({"detect", sample("s1.png"), "guitar"}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
}

TEST(Detect, DrawsIntoFileAndFolder) {
  const TestFolder folder;
  EXPECT_EQ(run(with_model({"detect", sample("s1.png"), "apple", "--draw", folder.path("out.png")})).status,
            0);
  const Image drawn = load_image(folder.path("out.png")), plain = load_image(sample("s1.png"));
  EXPECT_EQ(drawn.width, plain.width);
  EXPECT_EQ(drawn.height, plain.height);
  EXPECT_NE(drawn.pixels, plain.pixels);
  const Ran many = run(with_model(
      {"detect", sample("s1.png"), sample("s2.png"), "--object", "apple", "--draw", folder.path("boxes/")}));
  EXPECT_EQ(many.status, 0) << many.err;
  EXPECT_TRUE(folder.has("boxes/s1.boxes.png"));
  EXPECT_TRUE(folder.has("boxes/s2.boxes.png"));
  EXPECT_EQ(run(with_model({"detect", sample("s1.png"), "apple", "--draw", folder.path("out.jpg")})).status,
            0);
  EXPECT_TRUE(folder.get("out.jpg").starts_with("\xff\xd8"));
}

TEST(Detect, KeepsToTheLimitOfObjects) {
  const json line =
      json::parse(run(with_model({"detect", sample("s1.png"), "apple", "--max-objects", "1", "--json"})).out);
  EXPECT_EQ(line["objects"].size(), 1u);
  EXPECT_EQ(line["finish_reason"], "length");
}

TEST(Detect, WritesCsvAndCoco) {
  const Ran csv = run(with_model({"detect", sample("s1.png"), "apple", "--format", "csv"}));
  EXPECT_TRUE(csv.out.starts_with("image,object,x_min,y_min,x_max,y_max\n" + sample("s1.png") + ",apple,0."))
      << csv.out;
  const json coco =
      json::parse(run(with_model({"detect", sample("s1.png"), "apple", "--format", "coco"})).out);
  EXPECT_EQ(coco.size(), 2u);
  EXPECT_EQ(coco[0]["bbox"].size(), 4u);
}

TEST(Point, CountsTheKnownPoints) {
  const json known = expected("s1.png", "point", "apples");
  const json line = json::parse(run(with_model({"point", sample("s1.png"), "apples", "--json"})).out);
  ASSERT_EQ(line["count"].get<std::size_t>(), known["points"].size());
  for (std::size_t i = 0; i < known["points"].size(); ++i) {
    EXPECT_NEAR(line["points"][i]["x"].get<double>(), known["points"][i]["x"].get<double>(), 2e-6);
    EXPECT_NEAR(line["points"][i]["y"].get<double>(), known["points"][i]["y"].get<double>(), 2e-6);
  }
}

TEST(Gaze, IsRefusedByAModelWithoutIt) {
  const Ran ran = run(with_model({"gaze", sample("s1.png"), "0.5,0.5"}));
  expect_refused(ran, 5);
  EXPECT_EQ(ran.err, "moonbeam: gaze: 'starter' has no gaze prompt\n");
  expect_refused(run(with_model({"gaze", sample("s1.png"), "0.5,1.5"})), 2);
}

TEST(Chat, AnswersLinesOfAPipe) {
  const SpawnOptions lines{.input =
                               "Is there a dog?\n/detect apple\n/caption short\n/save talk.txt\n/save "
                               "drawn.png\n/quit\nnot read\n"};
  const TestFolder folder;
  SpawnOptions options = lines;
  options.folder = folder.path("");
  const Ran ran = run(with_model({"chat", sample("s1.png")}), options);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(ran.out.starts_with("Yes.\n0.")) << ran.out;
  EXPECT_NE(ran.out.find(expected("s1.png", "caption", "short")["text"]), std::string::npos) << ran.out;
  EXPECT_NE(folder.get("talk.txt").find("> Is there a dog?\nYes.\n"), std::string::npos);
  EXPECT_TRUE(folder.get("drawn.png").starts_with("\x89PNG"));
}

TEST(Chat, GoesOnAfterAMistakeAndReportsIt) {
  const Ran ran = run(with_model({"chat"}),
                      {.input = "/caption\n/dance\n/image " + sample("s1.png") + "\nIs there a dog?\n"});
  EXPECT_EQ(ran.out, "Yes.\n");
  EXPECT_EQ(ran.err_lines(), 2u) << ran.err;
  EXPECT_EQ(ran.status, 2);
}

}  // namespace
}  // namespace moonbeam::test
