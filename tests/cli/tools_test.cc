// inspect, convert, weights synth, list, doctor, completion, version, help.
#include <moonbeam/machine.h>

#include <cstdlib>
#include <filesystem>

#include "tests/cli/fixtures.h"

namespace moonbeam::test {
namespace {

TEST(Inspect, ShowsTheStarter) {
  const Ran text = run({"inspect", kStarter});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("5,697,696"), std::string::npos) << text.out;
  const Ran ran = run({"inspect", kStarter, "--json", "--tensors", "--verify"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json summary = json::parse(ran.out);
  EXPECT_EQ(summary["parameters"], 5'697'696);
  EXPECT_EQ(summary["tensors"].size(), 140u);
  EXPECT_EQ(summary["dtypes"][0]["dtype"], "bf16");
  EXPECT_EQ(summary["config"]["text"]["dim"], 192);
}

TEST(Convert, KeepsTheAnswersInBothDirections) {
  const TestFolder folder;
  const std::string gguf = folder.path("starter.gguf"), published = folder.path("published/");
  ASSERT_EQ(run({"convert", kStarter, gguf, "--quiet"}).status, 0);
  ASSERT_EQ(run({"convert", gguf, published, "--quiet"}).status, 0);
  const std::string sentence = expected("s4.png", "caption", "long")["text"].get<std::string>() + "\n";
  for (const std::string& model : {gguf, published}) {
    const Ran ran = run({"caption", "--quiet", "-m", model, sample("s4.png"), "--length", "long"});
    EXPECT_EQ(ran.out, sentence) << ran.err;
  }
}

TEST(Convert, HelpTellsTheTargets) {
  const std::string help = run({"convert", "--help"}).out;
  for (const char* part : {"NAME.gguf", "NAME/", "there is no other", "f32|f16|bf16", "--layout"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part << "\n" << help;
  }
}

TEST(Convert, LeavesNothingBehindWhereItFails) {
  const TestFolder folder;
  expect_refused(run({"convert", "/nowhere", folder.path("out.gguf")}), 3);
  expect_refused(run({"convert", kStarter, "/nowhere/out.gguf"}), 3);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Convert, ChangesPlainTypes) {
  const TestFolder folder;
  ASSERT_EQ(run({"convert", kStarter, folder.path("f32.gguf"), "--dtype", "f32", "--quiet"}).status, 0);
  const json summary = json::parse(run({"inspect", folder.path("f32.gguf"), "--json"}).out);
  EXPECT_EQ(summary["dtypes"][0]["dtype"], "f32");
  EXPECT_EQ(summary["parameters"], 5'697'696);
  const Ran ran = run({"caption", "--quiet", "-m", folder.path("f32.gguf"), sample("s1.png")});
  EXPECT_EQ(ran.out, expected("s1.png", "caption", "normal")["text"].get<std::string>() + "\n") << ran.err;
}

TEST(Bench, PrintsATableAndALineOfJson) {
  const Ran ran =
      run({"bench", "-m", kStarter, "--mode", "int8", "-t", "1", "--repeat", "1", "--no-limits", "--quiet"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  for (const char* part : {"starter", "int8 (asked for)", "encode", "prefill", "decode", "first token",
                           "second question", "peak memory"}) {
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << "\n" << ran.out;
  }
  const json report = json::parse(ran.out.substr(ran.out.find("\n{") + 1));
  EXPECT_EQ(report["mode"], "int8");
  EXPECT_EQ(report["threads"], 1);
  for (const char* stage : {"load", "encode", "prefill", "decode", "first_token", "second_question"})
    EXPECT_GT(report["stages"][stage]["median_ms"].get<double>(), 0) << stage;
  EXPECT_TRUE(
      json::accept(run({"bench", "-m", kStarter, "--repeat", "1", "--no-limits", "--json", "--quiet"}).out));
  expect_refused(run({"bench", "--repeat", "0"}), 2);
}

TEST(Modes, AnswerThroughTheCommandLine) {
  const std::string sentence = expected("s1.png", "caption", "normal")["text"].get<std::string>() + "\n";
  for (const char* mode : {"auto", "f32", "bf16", "int8"}) {
    EXPECT_EQ(run({"caption", "--quiet", "-m", kStarter, "--mode", mode, sample("s1.png")}).out, sentence)
        << mode;
  }
  const Ran int4 = run({"caption", "--quiet", "-m", kStarter, "--mode", "int4", sample("s1.png")});
  EXPECT_EQ(int4.status, 0) << int4.err;
  EXPECT_FALSE(int4.out.empty());
}

TEST(InstructionSets, OfThisMachineAreTakenByName) {
  const std::string sentence = expected("s1.png", "caption", "normal")["text"].get<std::string>() + "\n";
  const MachineInfo here = machine_info();
  for (const std::string& isa : here.isas) {
    const Ran ran =
        run({"caption", "--quiet", "-m", kStarter, "--mode", "f32", "--isa", isa, sample("s1.png")});
    EXPECT_EQ(ran.out, sentence) << isa << "\n" << ran.err;
  }
}

TEST(Quantize, WritesAFileThatRunsInItsModeAndSaysHowFarItIs) {
  const TestFolder folder;
  for (const std::string mode : {"bf16", "int8", "int4"}) {
    const std::string file = folder.path(mode + ".gguf");
    const Ran made = run({"quantize", kStarter, file, "--mode", mode});
    ASSERT_EQ(made.status, 0) << made.err;
    EXPECT_NE(made.out.find("text_block 3"), std::string::npos) << made.out;
    EXPECT_NE(made.out.find("same likeliest token"), std::string::npos) << made.out;
    EXPECT_EQ(made.err_lines(), 1u) << made.err;  // the note: no bar is missed
    const json summary = json::parse(run({"inspect", file, "--json", "--verify"}).out);
    EXPECT_EQ(summary["accuracy"]["mode"], mode);
    EXPECT_EQ(summary["accuracy"]["stages"].back()["stage"], "logits");
    EXPECT_NE(summary["recipe"].get<std::string>().find("* "), std::string::npos);
    const std::string text = run({"inspect", file}).out;
    EXPECT_NE(text.find("recipe"), std::string::npos) << text;
    EXPECT_NE(text.find("against f32"), std::string::npos) << text;
    const Ran packed = run({"caption", "-v", "-m", file, sample("s4.png")});
    EXPECT_NE(packed.err.find(", " + mode + ", "), std::string::npos) << packed.err;
    EXPECT_EQ(packed.out, run({"caption", "-m", kStarter, "--mode", mode, sample("s4.png")}).out);
    EXPECT_EQ(packed.out, run({"caption", "-m", file, "--mmap", sample("s4.png")}).out);
  }
}

TEST(Quantize, TakesARecipeAndPrintsOne) {
  const TestFolder folder;
  const Ran recipe = run({"quantize", "--print-recipe", "--mode", "int4"});
  EXPECT_EQ(recipe.status, 0) << recipe.err;
  EXPECT_NE(recipe.out.find("text.blocks.* int4"), std::string::npos) << recipe.out;
  const std::string mine = folder.put("recipe.txt", "# mine\nvision.blocks.0.* bf16\n" + recipe.out);
  const Ran made =
      run({"quantize", kStarter, folder.path("q.gguf"), "--recipe", mine, "--no-measure", "--quiet"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(made.out, "");
  const json summary = json::parse(run({"inspect", folder.path("q.gguf"), "--json", "--tensors"}).out);
  EXPECT_EQ(summary["accuracy"], nullptr);
  EXPECT_TRUE(summary["recipe"].get<std::string>().starts_with("# mine"));
  for (const json& tensor : summary["tensors"]) {
    const std::string name = tensor["name"].get<std::string>();
    const bool kept = name == "vision.blocks.0.mlp.fc1.weight";
    if (kept || name == "text.blocks.1.mlp.fc1.weight") {
      EXPECT_EQ(tensor["dtype"], kept ? "bf16_packed" : "int4");
    }
  }
}

TEST(Quantize, RefusesWhatMakesNoSense) {
  const TestFolder folder;
  const std::string bad = folder.put("bad.txt", "* int5\n");
  expect_refused(run({"quantize", kStarter}), 2);
  expect_refused(run({"quantize", kStarter, folder.path("q/")}), 2);
  expect_refused(run({"quantize", kStarter, folder.path("q.gguf"), "--mode", "f32"}), 2);
  expect_refused(run({"quantize", kStarter, folder.path("q.gguf"), "--recipe", bad}), 2);
  expect_refused(run({"quantize", kStarter, folder.path("q.gguf"), "--recipe", "/nowhere"}), 3);
  expect_refused(run({"quantize", "/nowhere", folder.path("q.gguf")}), 3);
  EXPECT_EQ(folder.entries(), 1u);
  // MOONBEAM_MODE says how to run, not what to write.
  EXPECT_NE(run({"quantize", "--print-recipe"}, {.env = {{"MOONBEAM_MODE", "int4"}}}).out.find("* int8"),
            std::string::npos);
}

TEST(WeightsSynth, WritesWhatSynthModelsHold) {
  const TestFolder folder;
  const Ran made = run({"weights", "synth", "tiny", folder.path("synth.gguf")});
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(made.err_lines(), 1u) << made.err;
  const auto caption = [](const std::string& model) {
    return json::parse(
        run({"caption", "--quiet", "-m", model, sample("s1.png"), "--max-tokens", "12", "--json"})
            .out)["caption"];
  };
  EXPECT_EQ(caption(folder.path("synth.gguf")), caption("synth:tiny"));
}

TEST(List, FindsModelsInTheNamedFolder) {
  const TestFolder folder;
  ASSERT_EQ(run({"convert", kStarter, folder.path("toy.gguf"), "--quiet"}).status, 0);
  const SpawnOptions options{.env = {{"MOONBEAM_MODELS", folder.path("")}}};
  EXPECT_TRUE(run({"list", "--names"}, options).out.starts_with("toy\n"));
  const json first = json_lines(run({"list", "--json"}, options).out).at(0);
  EXPECT_EQ(first["name"], "toy");
  EXPECT_EQ(run({"caption", "--quiet", "-m", "toy", sample("s1.png")}, options).out,
            expected("s1.png", "caption", "normal")["text"].get<std::string>() + "\n");
}

TEST(DefaultModel, IsSaidOnceAndNotWhenQuiet) {
  const TestFolder folder;
  ASSERT_EQ(run({"convert", kStarter, folder.path("starter.gguf"), "--quiet"}).status, 0);
  const SpawnOptions options{.env = {{"MOONBEAM_MODELS", folder.path("")}}};
  const Ran ran = run({"caption", sample("s1.png"), sample("s2.png")}, options);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err_lines(), 1u) << ran.err;
  EXPECT_NE(ran.err.find("not photographs"), std::string::npos) << ran.err;
  EXPECT_EQ(run({"caption", sample("s1.png"), "--quiet"}, options).err, "");
}

TEST(Doctor, ShowsSettingsMachineAndVerdict) {
  const Ran ran = run({"doctor", "-m", kStarter, "--max-tokens", "9"}, {.env = {{"MOONBEAM_TOP_P", "0.3"}}});
  EXPECT_EQ(ran.status, 0) << ran.err;
  for (const char* text :
       {"MOONBEAM_TOP_P", "command line", "built in", "CPU", "scalar", "memory", "all well"}) {
    EXPECT_NE(ran.out.find(text), std::string::npos) << text << "\n" << ran.out;
  }
  const Ran bad = run({"doctor", "-m", "/nowhere.gguf"});
  EXPECT_EQ(bad.status, 3);
  EXPECT_EQ(bad.err_lines(), 1u) << bad.err;
  EXPECT_NE(bad.out.find("would fail"), std::string::npos) << bad.out;
}

TEST(Version, IsTextAndJson) {
  EXPECT_TRUE(run({"version"}).out.starts_with("moonbeam 0."));
  EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
  EXPECT_TRUE(json::parse(run({"version", "--json"}).out).contains("commit"));
}

TEST(Completion, LoadsInBash) {
  const TestFolder folder;
  const Ran ran = run({"completion", "bash"});
  ASSERT_EQ(ran.status, 0);
  const std::string script = folder.put("moonbeam.bash", ran.out);
  if (std::system("bash -c true") != 0) GTEST_SKIP() << "there is no bash";
  EXPECT_EQ(std::system(("bash -n " + script).c_str()), 0);
  for (const char* verb :
       {"caption", "query", "detect", "point", "gaze", "chat", "inspect", "convert", "doctor"}) {
    EXPECT_NE(ran.out.find(verb), std::string::npos) << verb;
  }
}

TEST(TrainTokenizer, WritesWhatTheEngineReads) {
  const TestFolder folder;
  const std::string text = folder.put("text.txt", "Is there a dog?\nIs there a cat?\n"),
                    out = folder.path("t.json");
  const Ran ran = run({"train", "tokenizer", "--input", text, text, "--vocab", "278", "--out", out});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.err.find("278 tokens from 4 lines"), std::string::npos) << ran.err;
  EXPECT_EQ(json::parse(read_all(out))["model"]["vocab"].size(), 278u);
  expect_refused(run({"train", "tokenizer", "--input", text}), 2);
  expect_refused(run({"train", "tokenizer", "--input", "/nowhere", "--out", out}), 3);
  expect_refused(run({"train", "tokenizer", "--input", text, "--out", out, "--vocab", "12"}), 2);
}

TEST(Train, SaysHowToBuildTheTrainerWhereThereIsNone) {
  if (std::filesystem::exists(std::filesystem::path(MOONBEAM_PROGRAM).parent_path() / "moonbeam-train")) {
    GTEST_SKIP() << "this build has the trainer";
  }
  const Ran ran = run({"train", "recipe.toml"}, {.env = {{"PATH", "/nowhere"}}});
  expect_refused(ran, 5);
  EXPECT_NE(ran.err.find("make train"), std::string::npos) << ran.err;
  EXPECT_NE(run({"train", "--help"}).out.find("tokenizer"), std::string::npos);
}

TEST(Help, IsThereForEveryVerb) {
  for (const char* verb : {"caption", "query", "detect", "point", "gaze", "chat", "inspect", "convert",
                           "weights", "list", "doctor", "completion", "version"}) {
    const Ran ran = run({verb, "--help"});
    EXPECT_EQ(ran.status, 0) << verb;
    EXPECT_NE(ran.out.find("Examples:"), std::string::npos) << verb;
    EXPECT_EQ(run({"help", verb}).out, ran.out);
  }
  EXPECT_EQ(run({"--help"}).status, 0);
}

}  // namespace
}  // namespace moonbeam::test
