// Pulls from servers that behave and from such that do not.
#include "cli/pull/pull.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "cli/pull/fake_hub.h"
#include "cli/test_folder.h"

namespace moonbeam::pull {
namespace {

using cli::TestFolder;
using net::testing::Connection;
using net::testing::Received;
using net::testing::serve_bytes;
using testing::FakeHub;

const std::string kRepository = "maker/model";
const std::string kWeights = "model.safetensors";

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

class Pull : public ::testing::Test {
 protected:
  Pull() : weights_(noise(300'000, 1)) {
    hub_.put(kRepository, "config.json", "{}", false);
    hub_.put(kRepository, "tokenizer.json", "{\"tokens\": 1}", false);
    hub_.put(kRepository, kWeights, weights_);
    hub_.put(kRepository, "README.md", "read me", false);
    hub_.put(kRepository, "pytorch_model.bin", "no", true);
  }
  Options options(const std::string& model = "hf:maker/model") const {
    Options options;
    options.target = parse_target(model, "", false);
    options.cache = folder_.path("cache");
    options.endpoint = hub_.url();
    options.fetch.backoff_ms = 1;
    return options;
  }
  Result run() const { return pull(options()); }
  std::string got(const std::string& file) const { return folder_.get("cache/maker--model/main/" + file); }
  /// Files of the model and of unfinished downloads, names alone.
  std::vector<std::string> names(const std::string& folder) const {
    std::vector<std::string> all;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path("cache/" + folder), error)) {
      all.push_back(entry.path().filename().string());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  void expect_whole() const {
    EXPECT_EQ(got(kWeights), weights_);
    EXPECT_EQ(names("maker--model/main"),
              (std::vector<std::string>{"config.json", "manifest.json", kWeights, "tokenizer.json"}));
  }
  void expect_failure(ErrorCode code, const std::string& part) const {
    try {
      run();
      ADD_FAILURE() << "expected an error with '" << part << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
    EXPECT_FALSE(folder_.has("cache/maker--model/main"));
  }

  const TestFolder folder_;
  const std::string weights_;
  FakeHub hub_;
};

TEST_F(Pull, PutsAModelWithItsManifestIntoTheCache) {
  const Result result = run();
  EXPECT_FALSE(result.was_there);
  EXPECT_EQ(result.path, folder_.path("cache/maker--model/main"));
  expect_whole();
  EXPECT_EQ(names("maker--model"), std::vector<std::string>{"main"});
  const Manifest manifest = parse_manifest(got("manifest.json"), "manifest");
  EXPECT_EQ(manifest.licence, "apache-2.0");
  EXPECT_EQ(manifest.repository, kRepository);
  EXPECT_EQ(manifest.commit, hub_.commit());
  const FileEntry* file = manifest.find(kWeights);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->url, hub_.url() + "/maker/model/resolve/" + hub_.commit() + "/" + kWeights);
  EXPECT_EQ(file->size, 300'000);
  EXPECT_TRUE(is_digest(file->sha256, 64));
  EXPECT_TRUE(is_digest(manifest.find("config.json")->sha256, 64));  // computed: the hub has none
}

TEST_F(Pull, FetchesNothingTwice) {
  run();
  hub_.server().forget_requests();
  EXPECT_TRUE(run().was_there);
  EXPECT_EQ(hub_.server().requests().size(), 1u);  // the listing
  expect_whole();
}

TEST_F(Pull, ANewVersionTakesThePlaceOfTheOldOneAndKeepsWhatIsTheSame) {
  run();
  hub_.put(kRepository, "config.json", "{\"new\": 1}", false);
  hub_.server().forget_requests();
  EXPECT_FALSE(run().was_there);
  EXPECT_EQ(got("config.json"), "{\"new\": 1}");
  EXPECT_TRUE(hub_.requests(kWeights).empty());
  expect_whole();
  EXPECT_EQ(names("maker--model"), std::vector<std::string>{"main"});
}

TEST_F(Pull, GoesOnWhereTheConnectionBrokeOff) {
  std::atomic<int> times = 0;
  hub_.misbehave(kWeights, [&](const Received& request, Connection& connection) {
    if (++times > 2) return serve_bytes(request, connection, weights_, "\"v1\"");
    const std::size_t from = times == 1 ? 0 : 100'000;
    const std::string range = "Content-Range: bytes 100000-299999/300000\r\n";
    connection.send("HTTP/1.1 " + std::string(from == 0 ? "200" : "206") +
                    " X\r\nETag: \"v1\"\r\nContent-Length: " + std::to_string(300'000 - from) + "\r\n" +
                    (from == 0 ? "" : range) + "\r\n" + weights_.substr(from, 100'000));
  });
  run();
  expect_whole();
  const std::vector<Received> requests = hub_.requests(kWeights);
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].header("range"), "");
  EXPECT_EQ(requests[1].header("range"), "bytes=100000-");
  EXPECT_EQ(requests[1].header("if-range"), "\"v1\"");
  EXPECT_EQ(requests[2].header("range"), "bytes=200000-");
}

TEST_F(Pull, TheNextRunGoesOnTooAndBeginsAnewWhereTheVersionIsAnother) {
  const std::string part =
      "HTTP/1.1 200 X\r\nETag: \"old\"\r\nContent-Length: 300000\r\n\r\n" + weights_.substr(0, 120'000);
  std::atomic<bool> down = false;  // each connection has a thread
  hub_.misbehave(kWeights, [part, &down](const Received&, Connection& connection) {
    if (!down.exchange(true)) connection.send(part);
  });
  expect_failure(ErrorCode::kNotFound, "model.safetensors");
  EXPECT_EQ(names("maker--model/.main.pull"),
            (std::vector<std::string>{"config.json", kWeights + ".part", kWeights + ".part.state",
                                      "tokenizer.json"}));
  hub_.server().forget_requests();
  hub_.misbehave(kWeights, [&](const Received& request, Connection& connection) {
    serve_bytes(request, connection, weights_, "\"new\"");
  });
  run();
  expect_whole();
  ASSERT_EQ(hub_.requests(kWeights).size(), 1u);
  EXPECT_EQ(hub_.requests(kWeights)[0].header("range"), "bytes=120000-");
  EXPECT_TRUE(hub_.requests("config.json").empty());
}

TEST_F(Pull, AServerWithoutRangesOrWithWrongOnesIsReadFromTheStart) {
  std::atomic<int> times = 0;
  hub_.misbehave(kWeights, [&](const Received&, Connection& connection) {
    if (++times == 1) {
      connection.send("HTTP/1.1 200 X\r\nContent-Length: 300000\r\n\r\n" + weights_.substr(0, 1000));
    } else if (times == 2) {  // another part than asked for
      connection.answer(206, weights_.substr(7), "Content-Range: bytes 7-299999/300000\r\n");
    } else {
      connection.answer(200, weights_);
    }
  });
  run();
  expect_whole();
  EXPECT_EQ(times, 3);
}

TEST_F(Pull, AWrongChecksumDeletesThePart) {
  hub_.misbehave(kWeights, [&](const Received& request, Connection& connection) {
    std::string wrong = weights_;
    wrong[77] = static_cast<char>(wrong[77] ^ 1);
    serve_bytes(request, connection, wrong, "\"v1\"");
  });
  expect_failure(ErrorCode::kCorrupt, "model.safetensors: its checksum");
  EXPECT_EQ(names("maker--model/.main.pull"), (std::vector<std::string>{"config.json", "tokenizer.json"}));
  hub_.misbehave(kWeights, nullptr);
  run();
  expect_whole();
}

TEST_F(Pull, SmallFilesAreCheckedByTheirGitName) {
  hub_.misbehave("config.json",
                 [](const Received&, Connection& connection) { connection.answer(200, "[]"); });
  expect_failure(ErrorCode::kCorrupt, "config.json: its checksum");
}

TEST_F(Pull, AnotherSizeThanAnnouncedIsRefused) {
  hub_.misbehave(kWeights, [&](const Received&, Connection& connection) {
    connection.send("HTTP/1.1 200 X\r\nContent-Length: 999999999999\r\n\r\n");
    connection.hang();
  });
  expect_failure(ErrorCode::kCorrupt, "expected 300000 bytes");
  hub_.misbehave(kWeights, [&](const Received&, Connection& connection) {  // says nothing, sends too much
    connection.send("HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + weights_ + "more");
  });
  expect_failure(ErrorCode::kCorrupt, "expected 300000 bytes, got more");
  hub_.misbehave(kWeights, [&](const Received&, Connection& connection) {  // too little
    connection.send("HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + weights_.substr(0, 10));
  });
  expect_failure(ErrorCode::kNotFound, "expected 300000 bytes, got 10");
}

TEST_F(Pull, TriesAgainAfterErrorsThatPass) {
  std::atomic<int> times = 0;
  hub_.misbehave(kWeights, [&](const Received& request, Connection& connection) {
    const int now = ++times;
    if (now <= 3) return void(connection.answer(now == 1 ? 500 : now == 2 ? 503 : 429, "later"));
    serve_bytes(request, connection, weights_, "");
  });
  run();
  expect_whole();
  hub_.put(kRepository, kWeights, weights_ + "!");
  hub_.misbehave(kWeights, [&](const Received&, Connection& connection) {
    ++times;
    connection.answer(500, "");
  });
  times = 0;
  EXPECT_THROW(run(), net::NetworkError);
  EXPECT_EQ(times, 4);
  expect_whole();  // the old version still stands
}

TEST_F(Pull, AMissingFileIsNotAskedForTwice) {
  hub_.misbehave(kWeights, [](const Received&, Connection& connection) { connection.answer(404, ""); });
  expect_failure(ErrorCode::kNotFound, "404: there is no such file");
  EXPECT_EQ(hub_.requests(kWeights).size(), 1u);
  Options other = options("hf:maker/nothing");
  EXPECT_THROW(pull(other), Error);
  EXPECT_FALSE(folder_.has("cache/maker--nothing"));
}

TEST_F(Pull, ASilentServerTimesOut) {
  hub_.misbehave(kWeights, [](const Received&, Connection& connection) { connection.hang(); });
  Options impatient = options();
  impatient.fetch.stall_s = 1;
  impatient.fetch.attempts = 2;
  EXPECT_THROW(pull(impatient), net::NetworkError);
}

TEST_F(Pull, TheTokenGoesToItsOwnServerAlone) {
  FakeHub cdn;
  cdn.misbehave(kWeights, [&](const Received& request, Connection& connection) {
    serve_bytes(request, connection, weights_, "\"cdn\"");
  });
  hub_.misbehave(kWeights, [&](const Received&, Connection& connection) {
    connection.answer(302, "", "Location: " + cdn.url() + "/far/" + kWeights + "?signature=1\r\n");
  });
  hub_.misbehave("config.json", [&](const Received& request, Connection& connection) {  // back to itself
    if (request.target.find("again") != std::string::npos) return void(connection.answer(200, "{}"));
    connection.answer(307, "", "Location: again/config.json\r\n");
  });
  Options secret = options();
  secret.fetch.token = "hf_secret";
  secret.fetch.token_origin = hub_.url();
  pull(secret);
  expect_whole();
  EXPECT_EQ(hub_.requests(kWeights)[0].header("authorization"), "Bearer hf_secret");
  ASSERT_EQ(cdn.requests(kWeights).size(), 1u);
  EXPECT_EQ(cdn.requests(kWeights)[0].header("authorization"), "");
  ASSERT_EQ(hub_.requests("config.json").size(), 2u);
  EXPECT_EQ(hub_.requests("config.json")[1].header("authorization"), "");

  FakeHub mirror;
  mirror.put(kRepository, kWeights, weights_);
  secret.from = mirror.url();
  secret.target.revision = "mirror";
  pull(secret);
  for (const Received& request : mirror.server().requests()) EXPECT_EQ(request.header("authorization"), "");
  EXPECT_EQ(got("manifest.json").find("secret"), std::string::npos);
}

TEST_F(Pull, RedirectsThatGoNowhereEnd) {
  hub_.misbehave(kWeights, [&](const Received&, Connection& connection) {
    connection.answer(302, "", "Location: /maker/model/resolve/x/" + kWeights + "\r\n");
  });
  expect_failure(ErrorCode::kNotFound, "more than 10 redirects");
  hub_.misbehave(kWeights, [&](const Received&, Connection& connection) {
    connection.answer(302, "", "Location: file:///etc/passwd\r\n");
  });
  expect_failure(ErrorCode::kNotFound, "a redirect to 'file:///etc/passwd'");
}

TEST_F(Pull, NamesThatArePathsAreNoFiles) {
  for (const char* name : {"../evil.safetensors", "/tmp/evil.safetensors", "a/b.safetensors", "..",
                           ".hidden.safetensors", "-x.safetensors", "a b.safetensors", "a\\nb.safetensors",
                           "manifest.json", "config.json.part", "%2e%2e%2fevil.safetensors"}) {
    hub_.set_listing(kRepository,
                     std::string("{\"siblings\": [{\"rfilename\": \"") + name + "\", \"size\": 3}]}");
    expect_failure(ErrorCode::kNotFound, "no weights in it");
  }
  for (const char* text : {"", "[]", "{", "{\"siblings\": 3}", "null"}) {
    hub_.set_listing(kRepository, text);
    expect_failure(ErrorCode::kCorrupt, "expected a listing");
  }
  EXPECT_FALSE(folder_.has("evil.safetensors"));
}

TEST_F(Pull, WritesThroughNoSymbolicLink) {
  std::filesystem::create_directories(folder_.path("cache"));
  std::filesystem::create_directories(folder_.path("elsewhere"));
  std::filesystem::create_directory_symlink(folder_.path("elsewhere"), folder_.path("cache/maker--model"));
  EXPECT_THROW(run(), Error);
  EXPECT_EQ(TestFolder().entries(), 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path("elsewhere")));
  std::filesystem::remove(folder_.path("cache/maker--model"));
  folder_.put("victim", "mine");
  std::filesystem::create_directories(folder_.path("cache/maker--model/.main.pull"));
  std::filesystem::create_symlink(folder_.path("victim"),
                                  folder_.path("cache/maker--model/.main.pull/" + kWeights + ".part"));
  EXPECT_THROW(run(), Error);
  EXPECT_EQ(folder_.get("victim"), "mine");
}

TEST_F(Pull, AFolderOfTheUserIsLeftAlone) {
  folder_.put("cache/maker--model/main/model.safetensors", "mine");
  try {
    run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(got(kWeights), "mine");
}

TEST_F(Pull, ADiskThatIsTooSmallIsSaidFirst) {
  hub_.set_listing(kRepository,
                   "{\"siblings\": [{\"rfilename\": \"model.safetensors\", \"size\": 1000000000000000}]}");
  expect_failure(ErrorCode::kExhausted, "of free disk");
  EXPECT_TRUE(hub_.requests(kWeights).empty());
}

TEST_F(Pull, EndsWhenItIsTold) {
  Options stopped = options();
  std::atomic<int> asked = 0;
  stopped.fetch.carry_on = [&] { return ++asked < 8; };
  hub_.misbehave(kWeights, [](const Received&, Connection& connection) { connection.hang(); });
  try {
    pull(stopped);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
}

TEST_F(Pull, TwoAtOnceFetchEachFileOnce) {
  std::atomic<bool> waited = false;
  const auto one = [&] {
    Options own = options();
    own.fetch.note = [&](const std::string& note) {
      if (note.find("another pull") != std::string::npos) waited = true;
    };
    pull(own);
  };
  hub_.misbehave(kWeights, [&](const Received& request, Connection& connection) {
    for (int i = 0; i < 200 && !waited; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    serve_bytes(request, connection, weights_, "\"v1\"");
  });
  std::thread first(one), second(one);
  first.join(), second.join();
  EXPECT_TRUE(waited);
  expect_whole();
  EXPECT_EQ(hub_.requests(kWeights).size(), 1u);
}

TEST_F(Pull, SaysHowFarItIs) {
  Options shown = options();
  std::vector<Progress> steps;
  shown.progress = [&](const Progress& progress) { steps.push_back(progress); };
  pull(shown);
  ASSERT_FALSE(steps.empty());
  EXPECT_EQ(steps.back().file, kWeights);
  EXPECT_EQ(steps.back().file_done, 300'000);
  EXPECT_EQ(steps.back().done, steps.back().size);
}

TEST_F(Pull, TheReleaseThatNeedsItTakesStarmiesTokenizer) {
  hub_.put("vikhyatk/moondream2", "tokenizer.json", "stale", false);
  hub_.put("vikhyatk/moondream2", "config.json", "{}", false);
  hub_.put("vikhyatk/moondream2", kWeights, "weights");
  hub_.put("moondream/starmie-v1", "tokenizer.json", "starmie", true);
  const Result newest = pull(options("moondream2"));
  EXPECT_EQ(newest.path, folder_.path("cache/moondream2/2025-06-21"));
  EXPECT_EQ(folder_.get("cache/moondream2/2025-06-21/tokenizer.json"), "starmie");
  pull(options("moondream2@2025-01-09"));
  EXPECT_EQ(folder_.get("cache/moondream2/2025-01-09/tokenizer.json"), "stale");
}

TEST_F(Pull, AFolderOrAPlainServerIsAMirror) {
  run();
  Options copy = options();
  copy.cache = folder_.path("second");
  copy.from = folder_.path("cache/maker--model/main");
  pull(copy);
  EXPECT_EQ(folder_.get("second/maker--model/main/" + kWeights), weights_);
  EXPECT_EQ(folder_.get("second/maker--model/main/manifest.json").find(folder_.path("")), std::string::npos);

  copy.cache = folder_.path("third");  // the cache of another machine, over a plain file server
  net::testing::TestServer files([&](const Received& request, Connection& connection) {
    if (!folder_.has("cache" + request.path())) return void(connection.answer(404, ""));
    serve_bytes(request, connection, folder_.get("cache" + request.path()), "");
  });
  copy.from = files.url() + "/";
  pull(copy);
  EXPECT_EQ(folder_.get("third/maker--model/main/" + kWeights), weights_);

  copy.cache = folder_.path("fourth");  // files alone, under a name of one's own
  copy.target = parse_target("mine", "", true);
  copy.from = folder_.path("loose");
  folder_.put("loose/model.safetensors", "w");
  folder_.put("loose/notes.txt", "n");
  EXPECT_EQ(pull(copy).path, folder_.path("fourth/mine/main"));
  EXPECT_FALSE(folder_.has("fourth/mine/main/notes.txt"));

  folder_.put("cache/maker--model/main/" + kWeights, "damaged");
  copy.cache = folder_.path("fifth");
  copy.from = folder_.path("cache/maker--model/main");
  EXPECT_THROW(pull(copy), Error);
  EXPECT_FALSE(folder_.has("fifth/mine/main"));
}

TEST_F(Pull, AManifestOfAMirrorIsNotTrusted) {
  Options copy = options();
  copy.from = folder_.path("mirror");
  for (const char* path : {"../evil", "/etc/passwd", "a/b", "", ".x", "x.part", "manifest.json"}) {
    folder_.put("mirror/manifest.json",
                std::string("{\"files\": [{\"path\": \"") + path + "\", \"size\": 1}]}");
    try {
      pull(copy);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << path;
    }
  }
  for (const char* file : {"{\"path\": \"a\", \"size\": -1}", "{\"path\": \"a\", \"size\": \"1\"}",
                           "{\"path\": \"a\", \"sha256\": \"12\"}", "{\"path\": 1}", "3",
                           "{\"path\": \"a\"}, {\"path\": \"a\"}"}) {
    folder_.put("mirror/manifest.json", std::string("{\"files\": [") + file + "]}");
    EXPECT_THROW(pull(copy), Error) << file;
  }
}

TEST_F(Pull, WhatWasPulledCanBeRemoved) {
  run();
  Options other = options();
  other.target.revision = "second";
  pull(other);
  EXPECT_EQ(pulled_models(options().cache).size(), 2u);
  EXPECT_THROW(remove_model(options().cache, "hf:maker/model"), Error);  // which one?
  EXPECT_EQ(remove_model(options().cache, "maker--model@second").manifest.revision, "second");
  EXPECT_EQ(remove_model(options().cache, "hf:maker/model").manifest.revision, "main");
  EXPECT_FALSE(folder_.has("cache/maker--model"));
  EXPECT_THROW(remove_model(options().cache, "maker--model"), Error);
  folder_.put("cache/own/main/model.safetensors", "w");  // nobody pulled it
  EXPECT_THROW(remove_model(options().cache, "own"), Error);
  EXPECT_TRUE(folder_.has("cache/own/main/model.safetensors"));
}

}  // namespace
}  // namespace moonbeam::pull
