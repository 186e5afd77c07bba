// The real scheduler with the starter model behind a session.
#include "live/session/asker.h"

#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>

#include "live/session/testing.h"

namespace moonbeam::live {
namespace {

using testing::Json;

const std::string kStarter = std::string(MOONBEAM_SOURCE_DIR) + "/tests/data/starter";

const Model& starter() {
  static const Model model = Model::load(kStarter, {.mode = Mode::kF32, .threads = 2});
  return model;
}

std::string sample_bytes(const std::string& name) {
  std::ifstream file(kStarter + "/samples/" + name + ".png", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Lets the test wait for a message.
class WaitingSocket : public server::Socket {
 public:
  void send_text(std::string text) override {
    const std::lock_guard guard(mutex_);
    texts_.push_back(Json::parse(text));
    came_.notify_all();
  }
  void send_binary(std::string) override {}
  std::size_t queued() const noexcept override { return 0; }
  void close(int, std::string) override {}

  Json wait_for(const std::string& kind, int seq) {
    std::unique_lock lock(mutex_);
    while (true) {
      for (const Json& text : texts_) {
        if (text.at("t") == kind && text.value("seq", -1) == seq) return text;
      }
      if (came_.wait_for(lock, std::chrono::seconds(60)) == std::cv_status::timeout) {
        ADD_FAILURE() << "no " << kind << " for frame " << seq;
        return Json::object();
      }
    }
  }
  std::string all_tokens(int seq) {
    const std::lock_guard guard(mutex_);
    std::string out;
    for (const Json& text : texts_) {
      if (text.at("t") == "tok" && text.at("seq") == seq) out += text.at("s").get<std::string>();
    }
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Json> texts_;
};

class LiveWithStarter : public ::testing::Test {
 protected:
  void SetUp() override {
    hub_.start();
    events_ = hub_.accept(socket_);
    events_.on_text(R"({"t":"hello","v":1})");
  }
  void task(const Json& fields) {
    Json message = {{"t", "task"}};
    message.update(fields);
    events_.on_text(message.dump());
  }
  void send(int seq, int rev, const std::string& bytes) {
    events_.on_binary(testing::with_header(Json{{"seq", seq}, {"rev", rev}}.dump(), bytes));
  }

  Scheduler scheduler_{starter(), {.parallel = 4}};
  SchedulerAsker asker_{scheduler_, std::chrono::minutes(5)};
  Hub hub_{asker_, starter().info()};
  std::shared_ptr<WaitingSocket> socket_ = std::make_shared<WaitingSocket>();
  server::SocketEvents events_;
};

TEST_F(LiveWithStarter, GivesTheAnswersOfTheModel) {
  const std::string bytes = sample_bytes("s1");
  const EncodedImage image = starter().encode_image(load_image(kStarter + "/samples/s1.png"));
  task({{"skill", "query"}, {"question", "Is there a dog?"}, {"rev", 1}});
  send(1, 1, bytes);
  const Json query = socket_->wait_for("result", 1);
  EXPECT_EQ(query.at("answer"), starter().query(image, "Is there a dog?").answer);
  EXPECT_EQ(socket_->all_tokens(1), query.at("answer").get<std::string>());
  EXPECT_GT(query.at("timing").at("encode_ms"), 0);
  EXPECT_GT(query.at("timing").at("ttft_ms"), 0);
  EXPECT_GT(query.at("timing").at("tokens"), 0);
  EXPECT_EQ(query.at("cached"), false);

  task({{"skill", "caption"}, {"length", "short"}, {"rev", 2}});
  send(2, 2, bytes);
  CaptionOptions caption;
  caption.length = CaptionLength::kShort;
  EXPECT_EQ(socket_->wait_for("result", 2).at("answer"), starter().caption(image, caption).caption);
  EXPECT_EQ(socket_->wait_for("result", 2).at("cached"), true);

  task({{"skill", "detect"}, {"object", "apple"}, {"rev", 3}});
  send(3, 3, bytes);
  EXPECT_EQ(socket_->wait_for("result", 3).at("objects").size(), starter().detect(image, "apple").size());

  task({{"skill", "point"}, {"object", "apple"}, {"rev", 4}});
  send(4, 4, bytes);
  EXPECT_EQ(socket_->wait_for("result", 4).at("points").size(), starter().point(image, "apple").size());
}

TEST_F(LiveWithStarter, ANewQuestionStopsTheOldOneAtTheNextStep) {
  task({{"skill", "caption"}, {"length", "long"}, {"rev", 1}});
  send(1, 1, sample_bytes("s1"));
  task({{"skill", "query"}, {"question", "Is there a cat?"}, {"rev", 2}});
  EXPECT_EQ(socket_->wait_for("drop", 1).at("why"), "stale");
  send(2, 2, sample_bytes("s1"));
  EXPECT_FALSE(socket_->wait_for("result", 2).at("answer").get<std::string>().empty());
}

TEST_F(LiveWithStarter, TheEngineMayOutliveTheSession) {
  task({{"skill", "caption"}, {"length", "long"}, {"rev", 1}});
  send(1, 1, sample_bytes("s1"));
  socket_->wait_for("start", 1);
  events_.on_close(1006);
  hub_.stop();
}

}  // namespace
}  // namespace moonbeam::live
