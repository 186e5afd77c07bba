#include "data/pipeline/stage/prompts.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"

namespace moonbeam::pipeline {
namespace {

constexpr const char* kSchema =
    R"({"type": "object", "properties": {"caption": {"type": "string"}}, "required": ["caption"]})";

class PromptsTest : public testing::Test {
 protected:
  std::string fault() {
    try {
      Prompts prompts(folder_.path());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  base::TestFolder folder_;
};

TEST_F(PromptsTest, ExamplesAreTurnsBeforeTheInput) {
  folder_.put("S6.txt", "# remark\n[system]\nBe plain.\n[user]\nWrite a caption.\n");
  folder_.put("S6.schema.json", kSchema);
  folder_.put("S6.examples.jsonl", R"({"input": {"claims": [1]}, "output": {"caption": "A dog."}})"
                                   "\n");
  const Prompts prompts(folder_.path());
  const auto messages = prompts.at("S6").messages({{"claims", {2}}}, {0});
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].text, "Be plain.");
  EXPECT_EQ(messages[1].text, R"(<input>{"claims":[1],"stage":"S6"}</input>)");
  EXPECT_EQ(messages[2].text, R"({"caption":"A dog."})");
  EXPECT_EQ(messages[3].text, "Write a caption.\n<input>{\"claims\":[2],\"stage\":\"S6\"}</input>");
  EXPECT_EQ(messages[3].role, "user");
}

TEST_F(PromptsTest, AnyByteOfAnyFileChangesTheHash) {
  folder_.put("S6.txt", "[user]\na\n");
  const std::string before = Prompts(folder_.path()).sha256();
  EXPECT_EQ(Prompts(folder_.path()).sha256(), before);
  folder_.put("S6.txt", "[user]\nb\n");
  EXPECT_NE(Prompts(folder_.path()).sha256(), before);
}

TEST_F(PromptsTest, ListsHaveALineEach) {
  folder_.put("personas.list", "# who asks\na child\n\n  a farmer\n");
  const Prompts prompts(folder_.path());
  EXPECT_EQ(prompts.list("personas"), (std::vector<std::string>{"a child", "a farmer"}));
  EXPECT_THROW(prompts.list("openings"), Error);
}

TEST_F(PromptsTest, MoreLinesOfAListCountForTheIdentity) {
  folder_.put("openings.list", "in this image\n");
  Prompts prompts(folder_.path());
  const std::string before = prompts.sha256();
  prompts.extend("openings", {});
  EXPECT_EQ(prompts.sha256(), before);
  prompts.extend("openings", {"the picture shows a"});
  EXPECT_NE(prompts.sha256(), before);
  EXPECT_EQ(prompts.list("openings").back(), "the picture shows a");
}

TEST_F(PromptsTest, FaultsNameTheirFile) {
  folder_.put("S6.txt", "hello\n");
  EXPECT_NE(fault().find("S6.txt:1: expected [system] or [user] first"), std::string::npos) << fault();
  folder_.put("S6.txt", "[system]\nx\n");
  EXPECT_NE(fault().find("no [user] part"), std::string::npos);
  folder_.put("S6.txt", "[user]\nx\n");
  folder_.put("S6.schema.json", R"({"type": "object", "pattern": "x"})");
  EXPECT_NE(fault().find("S6.schema.json"), std::string::npos);
  folder_.put("S6.schema.json", kSchema);
  folder_.put("S6.examples.jsonl", R"({"input": {}, "output": {"caption": 5}})"
                                   "\n");
  EXPECT_NE(fault().find("S6.examples.jsonl:1: output: "), std::string::npos) << fault();
  EXPECT_THROW(Prompts(folder_ / "nowhere"), Error);
}

}  // namespace
}  // namespace moonbeam::pipeline
