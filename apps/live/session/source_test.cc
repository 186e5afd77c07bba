// Several viewers of the server's own source.
#include "live/session/hub.h"
#include "live/session/testing.h"
#include "live/session/viewer.h"

namespace moonbeam::live {
namespace {

using testing::HubTest;
using testing::Json;

class LiveSource : public HubTest {
 protected:
  void SetUp() override {
    HubOptions with_source = options();
    with_source.source = "folder: pictures";
    make_hub(std::move(with_source));
  }
  Guest watcher(const std::string& question, int rev = 1) {
    Guest out = connect();
    out.say({{"t", "hello"}, {"v", 1}});
    out.say({{"t", "task"}, {"skill", "query"}, {"question", question}, {"rev", rev}});
    out.say({{"t", "watch"}, {"frames", true}});
    return out;
  }
  void show(int grey) {
    hub().source_frame(std::make_shared<const std::string>(testing::picture(grey)));
    work();
  }
};

TEST_F(LiveSource, ThoseWhoAskTheSameShareOneInference) {
  Guest one = watcher("What?", 1), two = watcher("What?", 9), other = watcher("Who?");
  EXPECT_TRUE(hub().is_watched());
  show(10);
  ASSERT_EQ(asker_.asked.size(), 2u);
  EXPECT_EQ(asker_.asked[0].task.question, "What?");
  asker_.end(asker_.asked[0], {.answer = {.skill = Skill::kQuery, .text = "a cat"}});
  EXPECT_EQ(one.socket->last("result").at("answer"), "a cat");
  EXPECT_EQ(two.socket->last("result").at("answer"), "a cat");
  EXPECT_EQ(two.socket->last("result").at("rev"), 9) << "each hears its own rev";
  EXPECT_TRUE(other.socket->all("result").empty());
}

TEST_F(LiveSource, TheFrameThatIsAnalysedIsShownToThoseWhoWantIt) {
  Guest one = watcher("What?");
  Guest blind = connect();
  blind.say({{"t", "hello"}, {"v", 1}});
  blind.say({{"t", "task"}, {"skill", "query"}, {"question", "What?"}, {"rev", 1}});
  blind.say({{"t", "watch"}});
  show(10);
  ASSERT_EQ(one.socket->binaries.size(), 1u);
  EXPECT_NE(one.socket->binaries[0].find("\"seq\":1"), std::string::npos);
  EXPECT_TRUE(blind.socket->binaries.empty());
  EXPECT_EQ(blind.socket->last("start").at("seq"), 1);
}

TEST_F(LiveSource, ALateComerHearsTheLastAnswerAtOnce) {
  Guest one = watcher("What?");
  show(10);
  asker_.answer("a cat");
  Guest late = watcher("What?", 4);
  EXPECT_EQ(late.socket->last("result").at("answer"), "a cat");
  EXPECT_EQ(late.socket->last("result").at("rev"), 4);
  EXPECT_EQ(late.socket->binaries.size(), 1u);
  EXPECT_EQ(asker_.asked.size(), 1u);
}

TEST_F(LiveSource, NobodyWhoWatchesNothingIsAsked) {
  Guest guest = watcher("What?");
  guest.say({{"t", "pause"}});
  show(10);
  EXPECT_TRUE(asker_.asked.empty());
  guest.say({{"t", "step"}});
  show(80);
  ASSERT_EQ(asker_.asked.size(), 1u);
  asker_.answer("one");
  show(160);
  EXPECT_EQ(asker_.asked.size(), 1u) << "a step is one answer";
  guest.say({{"t", "resume"}});
  show(240);
  EXPECT_EQ(asker_.asked.size(), 2u);
  guest.say({{"t", "watch"}, {"on", false}});
  EXPECT_EQ(asker_.cancelled.size(), 1u) << "nobody waits for that answer any more";
  EXPECT_FALSE(hub().is_watched());
}

TEST_F(LiveSource, AnotherQuestionMovesAViewerNotTheOthers) {
  Guest one = watcher("What?"), two = watcher("What?");
  show(10);
  one.say({{"t", "task"}, {"skill", "caption"}, {"rev", 2}});
  EXPECT_TRUE(asker_.cancelled.empty()) << "the other still waits for it";
  asker_.answer("a cat");
  EXPECT_TRUE(one.socket->all("result").empty());
  EXPECT_EQ(two.socket->all("result").size(), 1u);
  show(200);
  EXPECT_EQ(asker_.asked.size(), 3u);
}

TEST_F(LiveSource, ASlowViewerDoesNotHoldUpTheOthers) {
  Guest slow = watcher("What?"), quick = watcher("What?");
  slow.socket->waiting = kClosedBeyond + 1;
  show(10);
  EXPECT_EQ(slow.socket->close_code, 1013);
  slow.leave();
  asker_.answer("a cat");
  EXPECT_EQ(quick.socket->all("result").size(), 1u);
  EXPECT_TRUE(slow.socket->all("result").empty());
}

TEST_F(LiveSource, UnchangedScenesAreSkippedForAll) {
  Guest one = watcher("What?");
  show(10);
  asker_.answer("a cat");
  show(12);
  EXPECT_EQ(asker_.asked.size(), 1u);
  EXPECT_EQ(one.socket->last_drop(), "2 unchanged");
}

TEST_F(LiveSource, WatchersHearThatTheSourceFailed) {
  Guest one = watcher("What?"), idle = join();
  hub().source_failed("/dev/video0: gone");
  EXPECT_EQ(one.socket->last("error").at("code"), "source_failed");
  EXPECT_TRUE(idle.socket->all("error").empty());
}

TEST_F(LiveSource, WatchersAreNotIdle) {
  Guest one = watcher("What?");
  advance(600'000);
  work();
  EXPECT_EQ(one.socket->close_code, 0);
}

TEST(LiveSourceAbsent, WatchingIsRefused) {
  testing::FakeAsker asker;
  Hub hub(asker, testing::test_model());
  const auto socket = std::make_shared<testing::FakeSocket>();
  const server::SocketEvents events = hub.accept(socket);
  events.on_text(R"({"t":"hello","v":1})");
  events.on_text(R"({"t":"watch"})");
  EXPECT_EQ(socket->last("error").at("code"), "not_found");
}

}  // namespace
}  // namespace moonbeam::live
