// `moonbeam serve` as its operators meet it: starting, probes, keys, metrics, log, stopping.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

#include "server/http/listen.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

using namespace std::chrono_literals;

TEST(Serve, AnswersOnBothLoopbackAddressesAndSaysWhere) {
  Serving serving;
  ASSERT_NE(serving.port, 0);
  TestClient client = serving.client();
  const Answer answer = client.ask(query(1, false));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body)["answer"], "Yes.");
  EXPECT_EQ(json::parse(answer.body)["request_id"], answer.headers.at("x-request-id"));
  const Answer health = client.ask(get("/health"));
  EXPECT_EQ(json::parse(health.body), (json{{"status", "ok"}, {"server", "moonbeam"}}));
  EXPECT_EQ(client.ask("HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
  EXPECT_EQ(client.ask("HEAD /ready HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
  serving.process().signal(SIGTERM);
  const Ran ran = serving.process().wait_at_most(20);
  EXPECT_EQ(ran.status, 0) << ran.err;
  const std::string port = std::to_string(serving.port);
  EXPECT_NE(ran.err.find("listening on http://127.0.0.1:" + port), std::string::npos) << ran.err;
  EXPECT_EQ(ran.out, "");
}

TEST(Serve, LogsOneLineOfJsonARequestWithoutWhatWasAsked) {
  Serving serving({"--quiet", "--log-anon"});
  TestClient client = serving.client();
  EXPECT_EQ(client.ask(query(2, false, "X-Request-Id: one\r\ntraceparent: 00-aa-bb-01\r\n")).status, 200);
  EXPECT_EQ(client.ask(get("/secret-path?token=x", "X-Request-Id: two\r\n")).status, 404);
  serving.process().signal(SIGTERM);
  const Ran ran = serving.process().wait_at_most(20);
  EXPECT_EQ(ran.err.find("dog"), std::string::npos);
  EXPECT_EQ(ran.err.find("secret"), std::string::npos);
  EXPECT_EQ(ran.err.find("token=x"), std::string::npos) << ran.err;
  json first, second;
  std::istringstream lines(ran.err);
  for (std::string line; std::getline(lines, line);) {
    const json parsed = json::parse(line);
    if (parsed.value("id", "") == "one") first = parsed;
    if (parsed.value("id", "") == "two") second = parsed;
  }
  EXPECT_EQ(first["route"], "/v1/query");
  EXPECT_EQ(first["status"], 200);
  EXPECT_EQ(first["task"], "query");
  EXPECT_EQ(first["finish"], "stop");
  EXPECT_EQ(first["address"], "127.0.0.0");
  EXPECT_EQ(first["traceparent"], "00-aa-bb-01");
  EXPECT_GT(first["pixels"], 0);
  EXPECT_GT(first["encode_ms"], 0);
  EXPECT_EQ(second["status"], 404);
  EXPECT_EQ(second["code"], "not_found");
}

TEST(Serve, CountsForPrometheus) {
  Serving serving({"--quiet"});
  TestClient client = serving.client();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask(query(3, false)).status, 200);
  EXPECT_EQ(client.ask(post("/v1/query", "{")).status, 400);
  const Answer answer = client.ask(get("/metrics"));
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line : {
           "moonbeam:request_success_total{task=\"query\",finished_reason=\"stop\"} 3\n",
           "http_requests_total{handler=\"/v1/query\",method=\"POST\",status=\"200\"} 3\n",
           "http_requests_total{handler=\"/v1/query\",method=\"POST\",status=\"400\"} 1\n",
           "moonbeam:e2e_request_latency_seconds_count{task=\"query\"} 3\n",
           "moonbeam:encoded_image_cache_hits_total 2\n",
           "moonbeam:image_encode_seconds_count 1\n",
           "moonbeam:num_requests_running 0\n",
           "# TYPE moonbeam:time_to_first_token_seconds histogram\n",
           "moonbeam:live_sessions 0\n",
           "moonbeam:live_frames_total{result=\"answered\"} 0\n",
       }) {
    EXPECT_NE(answer.body.find(line), std::string::npos) << line << answer.body;
  }
  EXPECT_NE(answer.body.find("moonbeam:build_info{version="), std::string::npos);
  EXPECT_NE(answer.body.find("process_resident_memory_bytes "), std::string::npos);
}

TEST(Serve, WantsAKeyWhereOthersReachIt) {
  const Ran refused = run({"serve", "-m", kModel, "--host", "0.0.0.0", "--port", "0"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("--no-auth"), std::string::npos) << refused.err;
  Serving open({"--host", "0.0.0.0", "--no-auth"});
  EXPECT_TRUE(open.ready());
  const Ran star =
      run({"serve", "-m", kModel, "--host", "0.0.0.0", "--port", "0", "--no-auth", "--cors-origin", "*"});
  EXPECT_EQ(star.status, 2);
}

TEST(Serve, ReadsItsKeysAgain) {
  const std::string keys = testing::TempDir() + "keys_of_serve_test";
  std::ofstream(keys) << "ann:first\n";
  Serving serving({"--api-key-file", keys});
  TestClient client = serving.client();
  const auto status = [&](const std::string& key) {
    return client.ask(get("/v1/models", key.empty() ? "" : "Authorization: Bearer " + key + "\r\n")).status;
  };
  EXPECT_EQ(status(""), 401);
  EXPECT_EQ(status("first"), 200);
  EXPECT_EQ(status("second"), 401);
  EXPECT_EQ(client.ask(get("/metrics")).status, 401);
  EXPECT_EQ(client.ask(get("/health")).status, 200);
  std::ofstream(keys) << "ann:second\n";
  serving.process().signal(SIGHUP);
  for (int i = 0; i < 200 && status("second") != 200; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(status("second"), 200);
  EXPECT_EQ(status("first"), 401);
  std::ofstream(keys) << "";  // a file that was emptied lets nobody in that was not in
  serving.process().signal(SIGHUP);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(status("second"), 200);
  EXPECT_EQ(status(""), 401);
}

TEST(Serve, TakesSettingsFromTheEnvironment) {
  Serving serving({}, true,
                  {.env = {{"MOONBEAM_API_KEY", "secret"}, {"MOONBEAM_PORT", "tcp://10.0.0.1:2020"}}});
  TestClient client = serving.client();
  EXPECT_EQ(client.ask(get("/v1/models")).status, 401);
  EXPECT_EQ(client.ask(get("/v1/models", "X-Moondream-Auth: secret\r\n")).status, 200);
  Serving limited({}, true, {.env = {{"MOONBEAM_MAX_BODY", "1K"}}});
  EXPECT_EQ(limited.client().ask(query(1, false)).status, 413);
}

TEST(Serve, NamesWhoHasThePort) {
  Serving serving;
  const Ran ran = run({"serve", "-m", kModel, "--port", std::to_string(serving.port)});
  EXPECT_EQ(ran.status, 6) << ran.err;
  EXPECT_NE(ran.err.find("port " + std::to_string(serving.port)), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("by moonbeam (process " + std::to_string(serving.process().pid()) + ")"),
            std::string::npos)
      << ran.err;
}

TEST(Serve, EndsWithItsErrorWhereTheModelCannotBeLoaded) {
  const Ran ran = run({"serve", "-m", "no-such-model", "--port", "0"});
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.err.find("no-such-model"), std::string::npos) << ran.err;
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"--port", "70000"}, {"--listen", "nowhere"}, {"--max-body", "20X"}, {"--timeout", "soon"}}) {
    std::vector<std::string> arguments = {"serve"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(run(arguments).status, 2) << wrong[0];
  }
}

TEST(Serve, SaysThatItLoadsWhileItLoads) {
  // Weights that take a while: generated ones of a published variant would take too long, so it is enough
  // that whatever is asked before the model is there gets 503 and never a hang.
  Serving serving({}, false);
  int loading = 0;
  for (int i = 0; i < 3000; ++i) {
    TestClient client = serving.client();
    const Answer health = client.ask(get("/health"));
    if (health.status == 200) break;
    EXPECT_EQ(health.status, 503);
    const Answer ask = client.ask(query(1, false));
    if (ask.status == 200) break;
    EXPECT_EQ(ask.status, 503);
    EXPECT_EQ(json::parse(ask.body)["error"]["code"], "model_loading");
    EXPECT_TRUE(ask.headers.contains("retry-after"));
    ++loading;
  }
  EXPECT_TRUE(serving.ready());
}

/// What a service manager does: the program gets `fd` as its descriptor 3, and words about it.
SpawnOptions handed_over(int fd, const std::string& words) {
  return {.under = {"/bin/sh", "-c", words + " exec \"$@\" 3<&" + std::to_string(fd), "sh"}};
}

TEST(Serve, TakesTheSocketOfAServiceManager) {
  std::vector<server::Listener> ours = server::open_listeners({"127.0.0.1:0"}, 0);
  ::fcntl(ours[0].fd, F_SETFD, 0);
  TestClient early(ours[0].port);  // before there is a server
  early.say(get("/health"));
  {
    Serving serving({}, true, handed_over(ours[0].fd, "export LISTEN_FDS=1 LISTEN_PID=$$;"));
    EXPECT_EQ(serving.port, ours[0].port);
    EXPECT_TRUE(serving.ready());
    EXPECT_NE(early.hear().status, 0);
  }
  Serving other({}, true, handed_over(ours[0].fd, "export LISTEN_FDS=1 LISTEN_PID=1;"));
  EXPECT_NE(other.port, ours[0].port) << "it was meant for another process";
  server::close_listeners(ours);
  const Ran ran =
      run({"serve", "-m", kModel},
          {.under = {"/bin/sh", "-c", "export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\" 3</dev/null", "sh"}});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.err.find("descriptor 3 is no TCP socket"), std::string::npos) << ran.err;
}

// --- stopping (R12) ---

TEST(Stop, IsQuickWhereNothingRuns) {
  for (const int number : {SIGTERM, SIGINT}) {
    Serving serving;
    TestClient idle = serving.client();
    EXPECT_EQ(idle.ask(get("/health")).status, 200);
    const double ms = ms_of([&] {
      serving.process().signal(number);
      EXPECT_EQ(serving.process().wait_at_most(20).status, 0);
    });
    EXPECT_LT(ms, 1000);  // goal 200 ms, on a machine that does nothing else
    std::printf("idle stop: %.0f ms\n", ms);
  }
}

TEST(Stop, IsNotReadyFromTheSignalOnThoughWorkIsLeft) {
  Serving serving({"--quiet", "--grace", "60s"});
  // One that does not read its answers keeps a request in work: more than the kernel holds for it.
  TestClient holding = serving.client();
  const int small = 2048;
  ::setsockopt(holding.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  std::string many;
  for (int i = 0; i < 400; ++i) many += get("/openapi.json");
  holding.say(many);
  TestClient probe = serving.client();
  const auto served = [&] {
    const std::string text = probe.ask(get("/metrics")).body;
    const std::size_t at = text.find("\"/openapi.json\"");
    return at == std::string::npos ? std::string() : text.substr(at, text.find('\n', at) - at);
  };
  std::string before;  // until it stands still
  for (std::string now = served(); now.empty() || now != before; now = served()) {
    before = now;
    std::this_thread::sleep_for(300ms);
  }
  EXPECT_EQ(probe.ask(get("/ready")).status, 200);
  serving.process().signal(SIGTERM);
  const auto end = std::chrono::steady_clock::now() + 1s;
  // A connection that is new and silent when the signal is heard is closed as idle ones are.
  const auto refused = [&](const std::string& request) {
    Answer answer;
    do {
      answer = serving.client().ask(request);
    } while (answer.status != 503 && std::chrono::steady_clock::now() < end);
    EXPECT_EQ(answer.status, 503);
    return json::parse(answer.body, nullptr, false);
  };
  EXPECT_EQ(refused(get("/ready")), json({{"status", "draining"}}));
  EXPECT_EQ(refused(query(1, false))["error"]["code"], "shutting_down");
  EXPECT_EQ(serving.client().ask(get("/health")).status, 200) << "it is alive";
  holding.hang_up();
  EXPECT_EQ(serving.process().wait_at_most(20).status, 0);
}

TEST(Stop, LetsSixteenStreamsFinish) {
  const int repeats = count(2, 100);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    Serving serving({"--quiet", "--max-queue", "20", "--grace", "60s"});
    std::vector<TestClient> clients;
    for (int i = 0; i < 16; ++i) {
      clients.push_back(serving.client());
      ASSERT_TRUE(clients.back().say(query(i % 8 + 1, true)));
    }
    for (TestClient& client : clients) {  // each is accepted: its head is there
      while (client.bytes().find("\r\n\r\n") == std::string::npos) ASSERT_TRUE(client.fill(60000));
    }
    serving.process().signal(SIGTERM);
    int finished = 0;
    for (TestClient& client : clients) {
      const Answer answer = client.hear(60000);
      finished += answer.whole && answer.body.find("\"completed\":true") != std::string::npos &&
                  answer.body.find("error") == std::string::npos;
    }
    EXPECT_EQ(finished, 16) << "repeat " << repeat;
    EXPECT_EQ(serving.process().wait_at_most(60).status, 0);
  }
}

TEST(Stop, TellsStreamsThatItCutsThem) {
  Serving serving({"--quiet", "--grace", "0s"});
  std::vector<TestClient> clients;
  const json body = {{"image_url", picture(1)}, {"length", "normal"}, {"stream", true}};
  for (int i = 0; i < 8; ++i) {
    clients.push_back(serving.client());
    clients.back().say(post("/v1/caption", body.dump()));
  }
  for (TestClient& client : clients) {
    while (client.bytes().find("\r\n\r\n") == std::string::npos) ASSERT_TRUE(client.fill(60000));
  }
  serving.process().signal(SIGTERM);
  for (TestClient& client : clients) {
    const Answer answer = client.hear(10000);
    // Done before the signal was there, or told.
    EXPECT_NE(answer.body.find("\"completed\":true"), std::string::npos) << answer.body;
    EXPECT_TRUE(answer.whole);
  }
  EXPECT_EQ(serving.process().wait_at_most(20).status, 0);
}

TEST(Stop, TheSecondSignalIsFinal) {
  Serving serving({"--quiet", "--grace", "600s"});
  TestClient client = serving.client();
  // A body that does not come keeps no request in work; a reader that holds one open does.
  client.say(query(1, false));
  serving.process().signal(SIGTERM);
  serving.process().signal(SIGTERM);
  const int status = serving.process().wait_at_most(20).status;
  EXPECT_TRUE(status == 0 || status == 128 + SIGTERM) << status;
}

TEST(Live, ABrowserThatStaysOpenHoldsNothingUp) {
  const std::string folder = testing::TempDir() + "browser_of_serve_test";
  std::filesystem::create_directory(folder);
  const std::string program = folder + "/xdg-open", pid_file = folder + "/pid", port_file = folder + "/port";
  std::ofstream(program) << "#!/bin/sh\necho $$ >" << pid_file << "\nexec sleep 120\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  Background live({"live", "--open", "-m", kModel, "--port", "0", "--port-file", port_file},
                  {.env = {{"PATH", folder + ":/usr/bin:/bin"}}});
  ASSERT_TRUE(wait_for_lines(pid_file, 1) && wait_for_lines(port_file, 1));
  const auto port = static_cast<std::uint16_t>(std::stoi(read_all(port_file)));
  const auto ready = [&] { return TestClient(port).ask(get("/ready")).status == 200; };
  for (int i = 0; i < 3000 && !ready(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(ready());
  const pid_t browser = std::stoi(read_all(pid_file));
  EXPECT_EQ(::kill(browser, SIGKILL), 0);  // it was there all the while
  live.signal(SIGTERM);
  EXPECT_EQ(live.wait_at_most(20).status, 0);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace moonbeam::test
