// The rules of a session over frames of its own: api.md's list, with an engine that the test plays.
#include "live/session/hub.h"

#include "live/session/testing.h"
#include "live/session/viewer.h"

namespace moonbeam::live {
namespace {

using testing::frame;
using testing::HubTest;
using testing::Json;

class LiveSession : public HubTest {};

TEST_F(LiveSession, HelloTellsWhatAnswers) {
  Guest guest = connect();
  guest.say({{"t", "hello"}, {"v", 1}});
  const Json hello = guest.socket->last("hello");
  EXPECT_EQ(hello.at("model"), "test");
  EXPECT_EQ(hello.at("threads"), 2);
  EXPECT_EQ(hello.at("max_frame_bytes"), 2097152);
  EXPECT_EQ(hello.at("credits"), 1);
  EXPECT_EQ(hello.at("source"), nullptr);
  EXPECT_EQ(hello.at("session").get<std::string>().size(), 16u);
}

TEST_F(LiveSession, ShowsTheDoorToThoseWhoDoNotGreet) {
  for (const bool binary : {false, true}) {
    Guest guest = connect();
    binary ? guest.send(frame(1, 1)) : guest.say({{"t", "pause"}});
    EXPECT_EQ(guest.socket->last("error").at("fatal"), true);
    EXPECT_EQ(guest.socket->close_code, 1008);
    guest.say({{"t", "hello"}, {"v", 1}});
    EXPECT_TRUE(guest.socket->all("hello").empty());
  }
  Guest later = connect();
  later.say({{"t", "hello"}, {"v", 2}});
  EXPECT_EQ(later.socket->last("error").at("code"), "unsupported_version");
}

TEST_F(LiveSession, AsksForAKeyWhereOneIsSet) {
  HubOptions with_key = options();
  with_key.admits = [](std::string_view key) { return key == "secret"; };
  make_hub(std::move(with_key));
  const auto code = [&](const Json& key) {
    Guest guest = connect();
    guest.say({{"t", "hello"}, {"v", 1}, {"key", key}});
    return guest.socket->close_code == 0 ? "in" : guest.socket->last("error").at("code").get<std::string>();
  };
  EXPECT_EQ(code("secret"), "in");
  EXPECT_EQ(code("guess"), "invalid_api_key");
  EXPECT_EQ(code(nullptr), "missing_api_key");
}

TEST_F(LiveSession, AnswersAFrameWithItsTimes) {
  Guest guest = join();
  guest.send(frame(1, 1));
  EXPECT_EQ(guest.socket->last("wait").at("seq"), 1);
  advance(5);
  work();
  EXPECT_EQ(guest.socket->last("start").at("seq"), 1);
  advance(100);
  asker_.say("A");
  advance(10);
  asker_.say(" cat");
  asker_.answer("A cat");
  EXPECT_EQ(guest.socket->all("tok").size(), 2u);
  const Json result = guest.socket->last("result");
  EXPECT_EQ(result.at("answer"), "A cat");
  EXPECT_EQ(result.at("seq"), 1);
  EXPECT_EQ(result.at("rev"), 1);
  EXPECT_EQ(result.at("ts"), 1001);
  EXPECT_EQ(result.at("w"), 64);
  EXPECT_EQ(result.at("dropped"), 0);
  EXPECT_EQ(result.at("timing").at("queue_ms"), 5);
  EXPECT_EQ(result.at("timing").at("ttft_ms"), 105);
  EXPECT_EQ(result.at("timing").at("total_ms"), 115);
  EXPECT_EQ(result.at("timing").at("tok_s"), 500);
}

TEST_F(LiveSession, KeepsOneSlotAndTheNewestWins) {
  Guest guest = join();
  guest.send(frame(1, 1, 10));
  work();
  for (int seq = 2; seq <= 50; ++seq) guest.send(frame(seq, 1, seq));
  work();
  EXPECT_EQ(guest.socket->all("drop").size(), 48u);
  EXPECT_EQ(guest.socket->last_drop(), "49 newer");
  EXPECT_EQ(asker_.asked.size(), 1u) << "one in work";
  asker_.answer("one");
  work();
  EXPECT_EQ(guest.socket->last("start").at("seq"), 50);
  asker_.answer("fifty");
  EXPECT_EQ(guest.socket->last("result").at("dropped"), 48);
  EXPECT_EQ(hub().stats().counts.dropped, 48);
  EXPECT_EQ(hub().stats().counts.answered, 2);
}

TEST_F(LiveSession, ANewQuestionEndsTheWorkOnTheOldOne) {
  Guest guest = join();
  guest.send(frame(1, 1, 10));
  work();
  asker_.say("It");
  guest.send(frame(2, 1, 200));
  guest.say({{"t", "task"}, {"skill", "detect"}, {"object", "cat"}, {"rev", 2}});
  EXPECT_EQ(asker_.cancelled.size(), 1u);
  const std::vector<Json> drops = guest.socket->all("drop");
  ASSERT_EQ(drops.size(), 2u);
  EXPECT_EQ(drops[0].at("seq"), 2);
  EXPECT_EQ(drops[1].at("seq"), 1);
  EXPECT_EQ(drops[0].at("why"), "stale");
  EXPECT_EQ(drops[1].at("why"), "stale");
  guest.send(frame(3, 1));
  EXPECT_EQ(guest.socket->last_drop(), "3 stale");
  guest.send(frame(4, 2));
  work();
  EXPECT_EQ(asker_.asked.back().task.object, "cat");
  asker_.answer("");
  EXPECT_EQ(guest.socket->last("result").at("rev"), 2);
  EXPECT_TRUE(guest.socket->last("result").at("objects").empty());
}

TEST_F(LiveSession, TheSameQuestionUnderTheSameRevLeavesTheWorkAlone) {
  Guest guest = join();
  guest.send(frame(1, 1));
  work();
  guest.say({{"t", "task"}, {"skill", "query"}, {"question", "What is it?"}, {"rev", 1}});
  EXPECT_TRUE(asker_.cancelled.empty());
  guest.say({{"t", "task"}, {"skill", "caption"}, {"rev", 0}});
  EXPECT_EQ(guest.socket->last("error").at("fatal"), false);
}

TEST_F(LiveSession, ATaskThatCannotBeReadLeavesTheOldOneStanding) {
  Guest guest = join();
  guest.say({{"t", "task"}, {"skill", "query"}, {"question", " "}, {"rev", 2}});
  EXPECT_EQ(guest.socket->last("error").at("code"), "invalid_value");
  guest.send(frame(1, 1));
  work();
  EXPECT_EQ(asker_.asked.size(), 1u);
}

TEST_F(LiveSession, FramesBeforeATaskAreStale) {
  Guest guest = connect();
  guest.say({{"t", "hello"}, {"v", 1}});
  guest.send(frame(1, 0));
  EXPECT_EQ(guest.socket->last_drop(), "1 stale");
}

TEST_F(LiveSession, PausedItTakesNothingButASingleStep) {
  Guest guest = join();
  guest.send(frame(1, 1, 10));
  work();
  guest.send(frame(2, 1, 60));
  guest.say({{"t", "pause"}});
  EXPECT_EQ(guest.socket->last_drop(), "2 paused");
  EXPECT_TRUE(asker_.cancelled.empty()) << "what is in work is finished";
  asker_.answer("one");
  guest.send(frame(3, 1, 120));
  EXPECT_EQ(guest.socket->last_drop(), "3 paused");
  guest.say({{"t", "step"}});
  guest.send(frame(4, 1, 180));
  guest.send(frame(5, 1, 240));
  EXPECT_EQ(guest.socket->last_drop(), "5 paused");
  work();
  asker_.answer("four");
  EXPECT_EQ(guest.socket->last("result").at("seq"), 4);
  guest.say({{"t", "resume"}});
  guest.send(frame(6, 1, 30));
  work();
  EXPECT_EQ(asker_.asked.size(), 3u);
}

TEST_F(LiveSession, CancelTakesBackWhatRunsAndWhatWaits) {
  Guest guest = join();
  guest.send(frame(1, 1, 10));
  work();
  guest.send(frame(2, 1, 60));
  guest.say({{"t", "cancel"}});
  EXPECT_EQ(guest.socket->all("drop").size(), 2u);
  EXPECT_EQ(guest.socket->last_drop(), "1 cancelled");
  guest.say({{"t", "cancel"}});
  EXPECT_EQ(asker_.cancelled.size(), 1u);
  guest.send(frame(3, 1, 100));
  work();
  EXPECT_EQ(asker_.asked.size(), 2u);
}

TEST_F(LiveSession, AnUnchangedSceneKeepsItsAnswer) {
  Guest guest = join();
  guest.send(frame(1, 1, 100));
  work();
  asker_.answer("grey");
  guest.send(frame(2, 1, 103));
  work();
  EXPECT_EQ(guest.socket->last_drop(), "2 unchanged");
  // Small steps do not add up unseen: what was analysed is what is compared with.
  guest.send(frame(3, 1, 106));
  work();
  EXPECT_EQ(asker_.asked.size(), 2u);
  asker_.answer("grey");
  guest.send(frame(4, 1, 106, /*force=*/true));
  work();
  EXPECT_EQ(asker_.asked.size(), 3u);
  asker_.answer("grey");
  guest.say({{"t", "task"}, {"skill", "caption"}, {"rev", 2}});
  guest.send(frame(5, 2, 106));
  work();
  EXPECT_EQ(asker_.asked.size(), 4u) << "another question is asked at once";
  asker_.answer("grey");
  guest.say({{"t", "task"}, {"skill", "caption"}, {"rev", 3}, {"skip_unchanged", false}});
  for (int seq = 6; seq < 8; ++seq) {
    guest.send(frame(seq, 3, 106));
    work();
    asker_.answer("grey");
  }
  EXPECT_EQ(asker_.asked.size(), 6u);
  EXPECT_EQ(hub().stats().counts.unchanged, 1);
}

TEST_F(LiveSession, BrokenPicturesAndHeadersAreNamedAndForgotten) {
  Guest guest = join();
  guest.send(testing::with_header(R"({"seq":1,"rev":1})", "no picture"));
  work();
  EXPECT_EQ(guest.socket->last_drop(), "1 bad");
  EXPECT_EQ(guest.socket->last("error").at("code"), "image_decode_failed");
  EXPECT_EQ(guest.socket->last("error").at("fatal"), false);
  guest.send("nonsense");
  EXPECT_EQ(guest.socket->last("error").at("code"), "invalid_value");
  guest.send(frame(1, 1));
  EXPECT_EQ(guest.socket->last_drop(), "1 bad") << "seq has to count up";
  guest.send(testing::with_header(R"({"seq":2,"rev":1})", std::string(2 << 20, 'x')));
  EXPECT_EQ(guest.socket->last_drop(), "2 bad");
  EXPECT_EQ(hub().stats().counts.bad, 4);
  guest.send(frame(3, 1));
  work();
  EXPECT_EQ(asker_.asked.size(), 1u);
}

TEST_F(LiveSession, AFullEngineIsAskedAgainAndTheNewestFrameIsAsked) {
  Guest guest = join();
  asker_.full = true;
  guest.send(frame(1, 1, 10));
  work();
  EXPECT_TRUE(guest.socket->all("drop").empty());
  guest.send(frame(2, 1, 80));
  EXPECT_EQ(guest.socket->last_drop(), "1 newer");
  asker_.full = false;
  work();
  EXPECT_TRUE(asker_.asked.empty()) << "not before the engine said";
  advance(50);
  work();
  ASSERT_EQ(asker_.asked.size(), 1u);
  EXPECT_EQ(guest.socket->last("start").at("seq"), 2);
}

TEST_F(LiveSession, AnErrorOfTheEngineEndsTheFrameNotTheSession) {
  Guest guest = join();
  guest.send(frame(1, 1, 10));
  work();
  asker_.end(asker_.asked.back(), {.kind = End::Kind::kError, .code = "exhausted", .message = "no memory"});
  EXPECT_EQ(guest.socket->last("error").at("seq"), 1);
  EXPECT_EQ(guest.socket->last("error").at("code"), "exhausted");
  guest.send(frame(2, 1, 10));
  work();
  EXPECT_EQ(asker_.asked.size(), 2u) << "the scene has no answer yet";
}

TEST_F(LiveSession, ViewersTakeTurnsAndDoNotHearEachOther) {
  Guest one = join("one?"), two = join("two?");
  one.send(frame(1, 1, 10));
  two.send(frame(1, 1, 10));
  work();
  ASSERT_EQ(asker_.asked.size(), 2u);
  EXPECT_NE(asker_.asked[0].client, asker_.asked[1].client);
  asker_.answer("two!");
  EXPECT_TRUE(one.socket->all("result").empty());
  EXPECT_EQ(two.socket->last("result").at("answer"), "two!");
}

TEST_F(LiveSession, TheSeventeenthIsSentAway) {
  std::vector<Guest> guests;
  for (int i = 0; i < 16; ++i) guests.push_back(join());
  Guest late = connect();
  EXPECT_EQ(late.socket->close_code, 1013);
  EXPECT_EQ(late.socket->last("error").at("fatal"), true);
  guests[3].leave();
  EXPECT_EQ(connect().socket->close_code, 0);
}

TEST_F(LiveSession, WhoSaysNothingTakesNobodysPlace) {
  std::vector<Guest> silent;
  for (int i = 0; i < 16; ++i) silent.push_back(connect());
  Guest guest = join();
  EXPECT_EQ(guest.socket->close_code, 0);
  EXPECT_EQ(silent[0].socket->close_code, 1013) << "the eldest makes room";
  EXPECT_EQ(silent[1].socket->close_code, 0);
  advance(10'000);
  work();
  EXPECT_EQ(silent[1].socket->close_code, 1001) << "a hello comes within ten seconds";
  EXPECT_EQ(guest.socket->close_code, 0);
}

TEST_F(LiveSession, WhoGreetsWhenAllPlacesAreTakenIsSentAway) {
  Guest late = connect();
  std::vector<Guest> guests;
  for (int i = 0; i < 16; ++i) guests.push_back(join());
  late.say({{"t", "hello"}, {"v", 1}});
  EXPECT_EQ(late.socket->last("error").at("code"), "too_many_sessions");
  EXPECT_EQ(late.socket->close_code, 1013);
}

TEST_F(LiveSession, WhoLeavesTakesItsQuestionAlong) {
  Guest guest = join();
  guest.send(frame(1, 1));
  work();
  guest.leave();
  EXPECT_EQ(asker_.cancelled.size(), 1u);
  EXPECT_EQ(hub().stats().sessions, 0);
  EXPECT_EQ(hub().stats().counts.received, 1) << "what was is still counted";
}

TEST_F(LiveSession, SlowViewersHearLessAndAtLastNothing) {
  Guest guest = join();
  guest.send(frame(1, 1, 10));
  work();
  guest.socket->waiting = kNoTokensBeyond + 1;
  asker_.say("unheard");
  EXPECT_TRUE(guest.socket->all("tok").empty());
  asker_.answer("heard");
  EXPECT_EQ(guest.socket->all("result").size(), 1u);
  guest.send(frame(2, 1, 100));
  work();
  guest.socket->waiting = kNoResultsBeyond + 1;
  asker_.answer("unheard");
  EXPECT_EQ(guest.socket->all("result").size(), 1u);
  guest.socket->waiting = kClosedBeyond + 1;
  guest.send(frame(3, 1, 200));
  EXPECT_EQ(guest.socket->close_code, 1013);
}

TEST_F(LiveSession, StatusComesEachTwoSeconds) {
  Guest guest = join();
  guest.say({{"t", "pause"}});
  work();
  EXPECT_TRUE(guest.socket->all("status").empty());
  advance(2000);
  work();
  const Json status = guest.socket->last("status");
  EXPECT_EQ(status.at("queued"), 3);
  EXPECT_EQ(status.at("running"), 2);
  EXPECT_EQ(status.at("sessions"), 1);
  EXPECT_EQ(status.at("paused"), true);
  advance(1999);
  work();
  EXPECT_EQ(guest.socket->all("status").size(), 1u);
}

TEST_F(LiveSession, SilenceForTwoMinutesEndsASession) {
  Guest silent = join(), talking = join();
  advance(119'000);
  talking.say({{"t", "alive"}});
  work();
  EXPECT_EQ(silent.socket->close_code, 0);
  advance(1000);
  work();
  EXPECT_EQ(silent.socket->close_code, 1001);
  EXPECT_EQ(talking.socket->close_code, 0);
}

TEST_F(LiveSession, StoppingSaysGoodbye) {
  Guest guest = join();
  guest.send(frame(1, 1));
  work();
  hub().stop();
  EXPECT_EQ(guest.socket->close_code, 1001);
  EXPECT_EQ(asker_.cancelled.size(), 1u);
  EXPECT_EQ(connect().socket->close_code, 1013);
}

TEST_F(LiveSession, TenThousandFramesLeaveOneInWorkAndOneWaiting) {
  Guest guest = join();
  int answered = 0;
  for (int seq = 1; seq <= 10'000; ++seq) {
    guest.send(frame(seq, 1, seq * 37 % 256));
    if (seq % 10 != 0) continue;
    work();
    if (!asker_.asked.back().ended) {
      asker_.answer("yes");
      ++answered;
    }
  }
  work();
  const Counts stats = hub().stats().counts;
  EXPECT_EQ(stats.received, 10'000);
  EXPECT_EQ(stats.answered, answered);
  EXPECT_LE(10'000 - stats.answered - stats.dropped - stats.unchanged, 2);
}

}  // namespace
}  // namespace moonbeam::live
