#include "cli/args.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "cli/errors.h"
#include "cli/test_folder.h"

namespace moonbeam::cli {
namespace {

/// The environment of a test; nothing of the real one.
Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return {};
    return found->second;
  };
}

std::unique_ptr<CommandLine> parsed(const std::vector<std::string>& arguments,
                                    const Environment& env = environment({})) {
  auto line = std::make_unique<CommandLine>();
  EXPECT_FALSE(parse(*line, arguments, &env));
  return line;
}

std::pair<ErrorCode, std::string> refused(const std::vector<std::string>& arguments,
                                          const Environment& env = environment({})) {
  try {
    CommandLine line;
    parse(line, arguments, &env);
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  ADD_FAILURE() << "was accepted";
  return {};
}

std::string origin(const CommandLine& line, const std::string& name) {
  for (const Setting& setting : line.settings) {
    if (setting.name == name) return setting.value + " by " + setting.origin;
  }
  return {};
}

TEST(Args, TheLastArgumentIsTheText) {
  const auto line = parsed({"query", "a.png", "b.png", "What is it?"});
  EXPECT_EQ(line->options.pictures.images, (std::vector<std::string>{"a.png", "b.png"}));
  EXPECT_EQ(line->options.ask.questions, std::vector<std::string>{"What is it?"});
  EXPECT_EQ(parsed({"detect", "a.png", "red car"})->options.ask.objects, std::vector<std::string>{"red car"});
}

TEST(Args, RepeatedTextsLeaveEveryArgumentAPicture) {
  const auto line = parsed({"query", "-q", "A?", "a.png", "-q", "B?", "b.png"});
  EXPECT_EQ(line->options.pictures.images, (std::vector<std::string>{"a.png", "b.png"}));
  EXPECT_EQ(line->options.ask.questions, (std::vector<std::string>{"A?", "B?"}));
  const auto detect = parsed({"detect", "--object", "dog", "a.png", "--object", "cat"});
  EXPECT_EQ(detect->options.ask.objects, (std::vector<std::string>{"dog", "cat"}));
  EXPECT_EQ(detect->options.pictures.images, std::vector<std::string>{"a.png"});
}

TEST(Args, AQuestionAloneNeedsNoPicture) {
  const auto line = parsed({"query", "Why?"});
  EXPECT_TRUE(line->options.pictures.images.empty());
  EXPECT_EQ(line->options.ask.questions, std::vector<std::string>{"Why?"});
}

TEST(Args, APictureAloneIsAMissingQuestion) {
  const TestFolder folder;
  const auto [code, message] = refused({"query", folder.put("a.png")});
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_NE(message.find("question is missing"), std::string::npos) << message;
}

TEST(Args, VerbsAndBracketsInTextsStayTexts) {
  EXPECT_EQ(parsed({"query", "a.png", "list"})->options.ask.questions, std::vector<std::string>{"list"});
  EXPECT_EQ(parsed({"detect", "caption", "point"})->options.pictures.images,
            std::vector<std::string>{"caption"});
  EXPECT_EQ(parsed({"query", "a.png", "[what, is]"})->options.ask.questions,
            std::vector<std::string>{"[what, is]"});
  EXPECT_EQ(parsed({"caption", "--", "-odd.png"})->options.pictures.images,
            std::vector<std::string>{"-odd.png"});
  EXPECT_EQ(parsed({"caption", "-"})->options.pictures.images, std::vector<std::string>{"-"});
}

TEST(Args, EmptyTextsAreRefused) {
  EXPECT_EQ(refused({"query", "a.png", " "}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"detect", "a.png", "--object", ""}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"detect", "dog"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"caption"}).first, ErrorCode::kInvalidArgument);
}

TEST(Args, OptionsHaveTheDocumentedDefaults) {
  const Options o = parsed({"caption", "a.png"})->options;
  EXPECT_EQ(o.sampling.temperature, 0);
  EXPECT_EQ(o.sampling.top_p, 1);
  EXPECT_EQ(o.sampling.max_tokens, 768);
  EXPECT_EQ(o.ask.max_objects, 50);
  EXPECT_EQ(o.ask.length, "normal");
  EXPECT_EQ(o.model.threads, 0);
}

TEST(Args, ValuesOutOfRangeAreRefusedWithTheRange) {
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"--top-p", "0"},
                                              {"--top-p", "1.5"},
                                              {"--top-p", "nan"},
                                              {"--temperature", "-1"},
                                              {"--temperature", "0,5"},
                                              {"--max-tokens", "0"},
                                              {"--max-tokens", "x"},
                                              {"--seed", "-1"},
                                              {"-t", "-1"},
                                              {"--isa", "sse"},
                                              {"--length", "huge"},
                                              {"--format", "xml"},
                                              {"--mode", "fp8"}}) {
    std::vector<std::string> arguments = {"caption", "a.png"};
    arguments.insert(arguments.end(), bad.begin(), bad.end());
    const auto [code, message] = refused(arguments);
    EXPECT_EQ(code, ErrorCode::kInvalidArgument) << bad[0];
    EXPECT_NE(message.find("expected"), std::string::npos) << message;
    EXPECT_NE(message.find(bad[1]), std::string::npos) << message;
  }
}

TEST(Args, SlipsGetAHint) {
  EXPECT_NE(refused({"caption", "a.png", "--lenght=short"}).second.find("--length"), std::string::npos);
  EXPECT_NE(refused({"captoin", "a.png"}).second.find("'caption'"), std::string::npos);
  EXPECT_NE(refused({}).second.find("--help"), std::string::npos);
  EXPECT_NE(refused({"caption", "a.png", "--max-tokens"}).second.find("expected a value"), std::string::npos);
  const TestFolder folder;
  const std::string picture = folder.put("a.png");
  EXPECT_NE(refused({picture}).second.find("moonbeam caption " + picture), std::string::npos);
}

TEST(Args, VerbsOfOtherReleasesAreUnsupported) {
  for (const AbsentVerb& verb : absent_verbs()) {
    const auto [code, message] = refused({std::string(verb.name), "x"});
    EXPECT_EQ(code, ErrorCode::kUnsupported) << verb.name;
    EXPECT_NE(message.find("this build does not have"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(Args, FlagsOfOtherReleasesAreUnsupported) {
  const Environment env = environment({});
  for (const char* verb : {"caption", "query", "detect", "point", "gaze", "chat"}) {
    CommandLine line;
    const std::string help = *parse(line, {verb, "--help"}, &env);
    for (const std::string_view flag : absent_flags()) {
      for (const std::string& written : {std::string(flag), std::string(flag) + "=x"}) {
        const auto [code, message] = refused({verb, "a.png", written, "x"});
        EXPECT_EQ(code, ErrorCode::kUnsupported) << verb << " " << written;
        EXPECT_EQ(message, std::string(verb) + ": " + std::string(flag) + ": this build does not have it");
      }
      EXPECT_EQ(help.find(flag), std::string::npos) << flag;
    }
  }
  EXPECT_EQ(parsed({"convert", "in", "out", "--dtype", "f16"})->options.files.dtype, "f16");
  for (const std::vector<std::string>& out : {std::vector<std::string>{"out"}, {"--out", "out"}}) {
    std::vector<std::string> words = {"convert", "--vision", "siglip", "--text", "phi"};
    words.insert(words.end(), out.begin(), out.end());
    const auto fused = parsed(words);
    EXPECT_EQ(fused->options.files.out, "out");
    EXPECT_EQ(fused->options.files.in, "");
  }
  EXPECT_EQ(parsed({"caption", "a.png", "--adapter", "a"})->options.model.adapter, "a");
  EXPECT_TRUE(parsed({"caption", "a.png", "--offline"})->options.model.offline);
}

TEST(Args, CombinationsThatMakeNoSenseAreRefused) {
  EXPECT_EQ(refused({"caption", "a.png", "--resume"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"caption", "a.png", "--json", "--resume"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"caption", "a.png", "--stream", "--no-stream"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"caption", "a.png", "--stream", "--json"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"convert", "in"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"convert", "out", "--vision", "siglip"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"convert", "--vision", "a", "--text", "b"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused({"convert", "in", "out", "--vision", "a", "--text", "b"}).first,
            ErrorCode::kInvalidArgument);
  EXPECT_NE(
      refused({"convert", "out", "--vision", "a", "--text", "b", "--adapter", "c"}).second.find("--adapter"),
      std::string::npos);
  EXPECT_EQ(refused({"completion", "tcsh"}).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(parsed({"caption", "a.png", "--json", "--resume", "-o", "x"})->options.output.format, "json");
}

TEST(Args, HelpOfEveryVerbHasExamplesAndItsOptions) {
  const Environment env = environment({});
  for (const VerbInfo& verb : verb_table()) {
    CommandLine line;
    std::vector<std::string> arguments;
    for (std::size_t start = 0; start <= verb.name.size();) {
      const std::size_t end = std::min(verb.name.find(' ', start), verb.name.size());
      arguments.emplace_back(verb.name.substr(start, end - start));
      start = end + 1;
    }
    arguments.emplace_back("--help");
    const std::optional<std::string> help = parse(line, arguments, &env);
    ASSERT_TRUE(help) << verb.name;
    EXPECT_NE(help->find("Usage: moonbeam " + std::string(verb.name)), std::string::npos) << *help;
    EXPECT_NE(help->find("Examples:\n  "), std::string::npos) << *help;
    CLI::App* app = &line.app;
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) app = app->get_subcommand(arguments[i]);
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_group().empty() || !option->nonpositional()) continue;
      EXPECT_NE(help->find(option->get_name()), std::string::npos) << verb.name << " " << option->get_name();
    }
  }
  CommandLine line;
  const std::string root = *parse(line, {"--help"}, &env);
  EXPECT_NE(root.find("caption"), std::string::npos);
  for (const AbsentVerb& verb : absent_verbs()) {
    EXPECT_EQ(root.find("  " + std::string(verb.name) + " "), std::string::npos) << verb.name;
  }
}

TEST(Settings, ComeFromTheEnvironmentBelowFlags) {
  const Environment env =
      environment({{"MOONBEAM_TOP_P", "0.3"}, {"MOONBEAM_THREADS", "3"}, {"MOONBEAM_QUIET", "1"}});
  const auto line = parsed({"caption", "a.png", "-t", "2"}, env);
  EXPECT_EQ(line->options.sampling.top_p, 0.3);
  EXPECT_EQ(line->options.model.threads, 2);
  EXPECT_TRUE(line->options.output.quiet);
  EXPECT_EQ(origin(*line, "top-p"), "0.3 by MOONBEAM_TOP_P");
  EXPECT_EQ(origin(*line, "threads"), "2 by command line");
  EXPECT_EQ(origin(*line, "max-tokens"), "768 by built in");
}

TEST(Settings, AKeyFileThatWasTypedBeatsAKeyOfTheEnvironment) {
  const Environment env = environment({{"MOONBEAM_API_KEY", "other"}});
  const auto key_of = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"caption", "a.png", "--remote", "http://a"});
    return parsed(arguments, env)->options.remote.key;
  };
  EXPECT_EQ(key_of({}), "other");
  EXPECT_EQ(key_of({"--api-key-file", "keys"}), "");
  EXPECT_EQ(key_of({"--api-key-file", "keys", "--api-key", "typed"}), "typed");
}

TEST(Settings, BadValuesNameTheirOrigin) {
  const auto [code, message] = refused({"caption", "a.png"}, environment({{"MOONBEAM_TOP_P", "7"}}));
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(message.starts_with("MOONBEAM_TOP_P: ")) << message;
}

TEST(Settings, ComeFromFilesInOrder) {
  const TestFolder folder;
  folder.put(
      "moonbeam/config.toml",
      "# mine\ntemperature = 0.5\nmax-tokens = 10\n[caption]\nlength = \"short\"\n[serve]\nport = 1\n");
  const std::string named = folder.put("named.toml", "max_tokens = 20\n");
  const Environment env = environment({{"XDG_CONFIG_HOME", folder.path("")}});
  const auto line = parsed({"caption", "a.png", "--config", named}, env);
  EXPECT_EQ(line->options.sampling.temperature, 0.5);
  EXPECT_EQ(line->options.sampling.max_tokens, 20);
  EXPECT_EQ(line->options.ask.length, "short");
  EXPECT_EQ(origin(*line, "max-tokens"), "20 by " + named);
  EXPECT_EQ(parsed({"query", "a.png", "Q?"}, env)->options.sampling.max_tokens, 10);
}

TEST(Settings, UnknownKeysAndMissingFilesAreRefused) {
  const TestFolder folder;
  const std::string bad = folder.put("bad.toml", "temperatur = 0.5\n");
  const auto [code, message] = refused({"caption", "a.png", "--config", bad});
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_NE(message.find("'temperature'"), std::string::npos) << message;
  EXPECT_EQ(refused({"caption", "a.png", "--config", folder.path("none")}).first, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace moonbeam::cli
