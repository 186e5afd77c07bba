// moonbeam mockllm from outside: its address is its output, a client of language models can ask it, and it
// stops when asked.
#include <gtest/gtest.h>
#include <signal.h>

#include "base/test_folder.h"
#include "cli/spawn.h"
#include "data/llm/client.h"

namespace moonbeam::test {
namespace {

std::string first_line(const std::string& path) {
  const std::string text = read_all(path);
  return text.substr(0, text.find('\n'));
}

TEST(MockLlm, PrintsItsAddressAnswersAndStopsWhenAsked) {
  const base::TestFolder folder;
  SpawnOptions options;
  options.out_path = folder / "address";
  Background mock({"mockllm", "--fault", "500=0,first=1", "--seed", "4"}, options);
  ASSERT_TRUE(wait_for_lines(folder / "address", 1));
  llm::ClientOptions client_options;
  llm::EndpointOptions endpoint;
  endpoint.url = first_line(folder / "address");
  client_options.endpoints = {endpoint};
  client_options.backoff_ms = 10;
  {
    llm::Client client(client_options, nullptr, nullptr);
    llm::Call call;
    call.model = "any";
    call.messages = {{"user", "Hello?", {}}};
    const llm::Result result = client.ask(call);
    EXPECT_TRUE(result.ok()) << result.message;
    EXPECT_EQ(result.tries, 2);
  }
  mock.signal(SIGTERM);
  const Ran ran = mock.wait_at_most(20);
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.err.find("2 requests, 1 answered"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("500 1"), std::string::npos) << ran.err;
}

TEST(MockLlm, SlipsAreNamed) {
  const base::TestFolder folder;
  folder.put("faults", "500=0.1\nrest=1\n");
  EXPECT_NE(run({"mockllm", "--faults", folder / "faults"}).err.find("faults:2: "), std::string::npos);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"mockllm", "--fault", "reset"},
                                             {"mockllm", "--dialect", "none of them"},
                                             {"mockllm", "--host", "nowhere"},
                                             {"mockllm", "--key-env", "MOONBEAM_NOT_SET"},
                                             {"mockllm", "--port", "70000"}}) {
    EXPECT_EQ(run(arguments).status, 2) << arguments[1];
  }
  EXPECT_EQ(run({"mockllm", "--truth", folder / "nowhere"}).status, 3);
}

}  // namespace
}  // namespace moonbeam::test
