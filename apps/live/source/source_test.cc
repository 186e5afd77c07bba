#include <gtest/gtest.h>
#include <moonbeam/error.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "live/source/camera.h"
#include "live/source/feed.h"
#include "live/source/folder.h"
#include "live/source/jpeg_stream.h"
#include "live/source/source.h"
#include "live/source/video.h"

namespace moonbeam::live {
namespace {

namespace fs = std::filesystem;

class SourceTest : public ::testing::Test {
 protected:
  SourceTest() {
    std::string name = (fs::temp_directory_path() / "moonbeam-source-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~SourceTest() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  static bool always() { return true; }

  fs::path folder_;
};

template <typename Act>
ErrorCode code_of(Act act) {
  try {
    act();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kCancelled;
}

TEST_F(SourceTest, AFolderIsShownInOrderAndFromTheStartAgain) {
  write("b.png", "two");
  write("a.JPG", "one");
  write("notes.txt", "no");
  fs::create_directory(folder_ / "c.png");
  FolderSource source(folder_, std::chrono::milliseconds(1));
  source.open();
  std::string seen;
  for (int i = 0; i < 5; ++i) seen += source.next(always) + " ";
  EXPECT_EQ(seen, "one two one two one ");
}

TEST_F(SourceTest, AFolderStopsWaitingWhenNobodyLooks) {
  write("a.png", "one");
  FolderSource source(folder_, std::chrono::hours(1));
  source.open();
  EXPECT_EQ(source.next(always), "one");
  EXPECT_EQ(source.next([] { return false; }), "");
}

TEST_F(SourceTest, AFolderWithoutPicturesSaysSo) {
  FolderSource source(folder_);
  EXPECT_EQ(code_of([&] { source.open(); }), ErrorCode::kNotFound);
  write("a.png", "one");
  source.open();
  fs::remove(folder_ / "a.png");
  EXPECT_EQ(code_of([&] { source.next(always); }), ErrorCode::kNotFound);
}

TEST(JpegStream, CutsAtTheEndsWhereverThePiecesBegin) {
  const std::string one =
                        "\xff\xd8"
                        "first\xff\x01"
                        "more\xff\xd9",
                    two =
                        "\xff\xd8"
                        "second\xff\xd9";
  for (std::size_t piece = 1; piece < 12; ++piece) {
    JpegStream stream;
    std::string all = "junk" + one + "gap" + two + "\xff", seen;
    for (std::size_t i = 0; i < all.size(); i += piece) {
      stream.add(std::string_view(all).substr(i, piece));
      while (const auto picture = stream.take()) seen += *picture + "|";
    }
    EXPECT_EQ(seen, one + "|" + two + "|") << piece;
  }
}

TEST(JpegStream, EndsWhereNoPictureEnds) {
  JpegStream stream;
  stream.add("\xff\xd8");
  const std::string megabyte(1 << 20, 'x');
  EXPECT_EQ(code_of([&] {
              for (int i = 0; i < 30; ++i) {
                stream.add(megabyte);
                EXPECT_FALSE(stream.take());
              }
            }),
            ErrorCode::kCorrupt);
}

TEST_F(SourceTest, AVideoComesThroughTheProgramThatReadsIt) {
  // In the place of ffmpeg a program that writes two pictures and stays.
  write("player", "#!/bin/sh\nprintf '\\377\\330one\\377\\331\\377\\330two\\377\\331'\nexec sleep 60\n");
  fs::permissions(folder_ / "player", fs::perms::owner_all);
  VideoSource source((folder_ / "film.mp4").string(), (folder_ / "player").string());
  source.open();
  EXPECT_EQ(source.next(always), "\xff\xd8one\xff\xd9");
  EXPECT_EQ(source.next(always), "\xff\xd8two\xff\xd9");
  EXPECT_EQ(source.next([] { return false; }), "");
  source.close();
  EXPECT_EQ(source.name(), "video film.mp4");
}

TEST_F(SourceTest, AVideoWithoutItsProgramNamesIt) {
  VideoSource source("film.mp4", "moonbeam-no-such-player");
  try {
    source.open();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("moonbeam-no-such-player"), std::string::npos);
  }
  VideoSource silent("film.mp4", "true");
  silent.open();
  EXPECT_EQ(code_of([&] { silent.next(always); }), ErrorCode::kUnsupported);
}

TEST_F(SourceTest, ACameraThatIsNotThereOrNoneIsNamed) {
  EXPECT_EQ(code_of([&] { CameraSource((folder_ / "video9").string()).open(); }), ErrorCode::kNotFound);
  EXPECT_EQ(code_of([&] { CameraSource("/dev/null").open(); }), ErrorCode::kUnsupported);
}

TEST(Yuyv, GivesColoursOfTheStandard) {
  // Black, white, red and blue of BT.601, each as a pair of pixels.
  const std::uint8_t bytes[] = {16, 128, 16, 128, 235, 128, 235, 128, 81, 90, 81, 240, 41, 240, 41, 110};
  const Image image = yuyv_to_rgb(bytes, 2, 4, 8);
  const auto near = [&](int pixel, int r, int g, int b) {
    const auto at = static_cast<std::size_t>(3 * pixel);
    EXPECT_NEAR(image.pixels[at], r, 2) << pixel;
    EXPECT_NEAR(image.pixels[at + 1], g, 2) << pixel;
    EXPECT_NEAR(image.pixels[at + 2], b, 2) << pixel;
  };
  near(0, 0, 0, 0);
  near(1, 0, 0, 0);
  near(3, 255, 255, 255);
  near(4, 254, 0, 0);
  near(7, 0, 0, 255);
  EXPECT_EQ(code_of([&] { yuyv_to_rgb(bytes, 3, 4, 8); }), ErrorCode::kCorrupt);
  EXPECT_EQ(code_of([&] { yuyv_to_rgb(bytes, 2, 3, 8); }), ErrorCode::kCorrupt);
}

TEST_F(SourceTest, WhatASourceIsGoesByItsName) {
  write("film.mp4", "");
  EXPECT_EQ(make_source("camera:/dev/video0")->name(), "camera /dev/video0");
  EXPECT_EQ(make_source(folder_.string())->name(), "folder " + folder_.filename().string());
  EXPECT_EQ(make_source((folder_ / "film.mp4").string())->name(), "video film.mp4");
  EXPECT_EQ(code_of([&] { make_source((folder_ / "none").string()); }), ErrorCode::kNotFound);
}

TEST_F(SourceTest, AFeedRunsOnlyWhileSomebodyLooks) {
  write("a.png", "one");
  std::atomic<bool> watched{false};
  std::promise<std::string> first, failure;
  std::atomic<int> frames{0};
  Feed feed(std::make_unique<FolderSource>(folder_, std::chrono::milliseconds(1)),
            {.watched = [&] { return watched.load(); },
             .frame =
                 [&](Feed::Picture picture) {
                   if (frames++ == 0) first.set_value(*picture);
                 },
             .failed = [&](const std::string& message) { failure.set_value(message); }});
  EXPECT_EQ(frames, 0);
  watched = true;
  feed.wake();
  EXPECT_EQ(first.get_future().get(), "one");
  fs::remove(folder_ / "a.png");
  EXPECT_NE(failure.get_future().get().find("no longer"), std::string::npos);
}

}  // namespace
}  // namespace moonbeam::live
