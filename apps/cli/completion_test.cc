#include "cli/completion.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/test_folder.h"

namespace moonbeam::cli {
namespace {

TEST(Completion, EveryShellKnowsEveryVerbAndOption) {
  const CommandLine line;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(line.app, shell);
    for (const VerbInfo& verb : verb_table()) {
      EXPECT_NE(script.find(verb.name.substr(verb.name.find(' ') + 1)), std::string::npos)
          << shell << " " << verb.name;
    }
    const std::string option = std::string(shell) == "fish" ? "-l max-objects" : "--max-objects";
    EXPECT_NE(script.find(option), std::string::npos) << shell;
    EXPECT_NE(script.find("short normal long"), std::string::npos) << shell;
    EXPECT_NE(script.find("moonbeam list --names"), std::string::npos) << shell;
  }
}

TEST(Completion, BashCompletesVerbsOptionsAndChoices) {
  const TestFolder folder;
  const CommandLine line;
  const std::string script = folder.put("completion.bash", completion_script(line.app, "bash"));
  const auto complete = [&](const std::string& words, int at) {
    const std::string out = folder.path("out");
    const std::string command = "bash -c 'source " + script + "; COMP_WORDS=(" + words +
                                "); COMP_CWORD=" + std::to_string(at) +
                                "; _moonbeam; echo ${COMPREPLY[*]}' > " + out + " 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << folder.get("out");
    return folder.get("out");
  };
  if (std::system("bash -c true") != 0) GTEST_SKIP() << "there is no bash";
  EXPECT_EQ(complete("moonbeam cap", 1), "caption\n");
  EXPECT_EQ(complete("moonbeam caption --len", 2), "--length\n");
  EXPECT_EQ(complete("moonbeam caption --length l", 3), "long\n");
  EXPECT_EQ(complete("moonbeam weights s", 2), "synth\n");
  EXPECT_EQ(complete("moonbeam weights synth --dt", 3), "--dtype\n");
  EXPECT_EQ(complete("moonbeam completion f", 2), "fish\n");
}

TEST(ManPage, HasEveryVerbAndEscapesHyphens) {
  const CommandLine line;
  const std::string page = man_page(line.app);
  EXPECT_TRUE(page.starts_with(".TH MOONBEAM 1"));
  for (const VerbInfo& verb : verb_table()) {
    EXPECT_NE(page.find(".SS \"moonbeam " + std::string(verb.name)), std::string::npos) << verb.name;
  }
  EXPECT_NE(page.find("\\-\\-max\\-objects"), std::string::npos);
  EXPECT_NE(page.find(".SH EXIT STATUS"), std::string::npos);
}

}  // namespace
}  // namespace moonbeam::cli
