// Bad input and the exit codes: one line that says what, never a crash, never a half-written file.
#include <fcntl.h>
#include <moonbeam/image.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/cli/fixtures.h"

namespace moonbeam::test {
namespace {

TEST(ExitCode, UsageIsTwo) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"captoin", "a.png"},
                                                    {"caption"},
                                                    {"caption", "--nope", "a.png"},
                                                    {"caption", "a.png", "--top-p", "7"},
                                                    {"query"},
                                                    {"detect", "dog"},
                                                    {"caption", "a.png", "--resume"},
                                                    {"gaze", "a.png"},
                                                    {"detect", "a.png", "dog", "--draw", "x.gif"},
                                                    {"convert"},
                                                    {"completion", "tcsh"},
                                                    {"inspect", "a", "b"},
                                                    {"weights"},
                                                    {"weights", "synth", "nothing", "out.gguf"}}) {
    expect_refused(run(arguments), 2);
  }
}

TEST(ExitCode, MissingFilesAndModelsAreThree) {
  expect_refused(run(with_model({"caption", "/nowhere/a.png"})), 3);
  expect_refused(run({"caption", "-m", "/nowhere/model.gguf", sample("s1.png")}), 3);
  expect_refused(run({"caption", "-m", "no-such-model", sample("s1.png")}), 3);
  expect_refused(run({"inspect", "/nowhere/model.gguf"}), 3);
  expect_refused(run(with_model({"caption", "*.nothing"})), 3);
  expect_refused(run(with_model({"caption", sample("s1.png"), "-o", "/nowhere/out.txt"})), 3);
  const TestFolder folder;
  expect_refused(run(with_model({"caption", folder.path("")})), 3);
  expect_refused(run(with_model({"detect", sample("s1.png"), "dog", "--draw", "/nowhere/out.png"})), 3);
}

TEST(ExitCode, UnknownModelsNameTheFoldersAndTheLineThatDownloadsThem) {
  const TestFolder folder;
  const SpawnOptions named{.env = {{"MOONBEAM_MODELS", folder.path("models")}}};
  for (const std::string model : {"moondream2", "moondream2:int4", "starter:int8", "model.gguf"}) {
    const std::string known = model.starts_with("moondream2") ? model : "--list";
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"caption", "-m", model, sample("s1.png")},
          {"inspect", model},
          {"convert", model, folder.path("out.gguf")}}) {
      const Ran ran = run(arguments, named);
      expect_refused(ran, 3);
      for (const std::string& part :
           {"'" + model + "'", folder.path("models"), "'moonbeam pull " + known + "'"})
        EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
    }
  }
}

TEST(ExitCode, CorruptFilesAreFour) {
  const TestFolder folder;
  const std::string whole = read_all(sample("s1.png"));
  expect_refused(run(with_model({"caption", folder.put("cut.png", whole.substr(0, whole.size() / 2))})), 4);
  expect_refused(run({"caption", "-m", folder.put("bad.gguf", "GGUF\x03"), sample("s1.png")}), 4);
  expect_refused(run(with_model({"caption", folder.put("zero.png", "")})), 4);
  expect_refused(run(with_model({"caption", folder.put("text.png", "no picture")})), 4);
  expect_refused(run({"inspect", folder.put("zero.safetensors", "")}), 4);
}

TEST(ExitCode, UnsupportedThingsAreFive) {
  const TestFolder folder;
  const std::string heic(
      "\0\0\0\x18"
      "ftypheic\0\0\0\0mif1heic",
      24);
  const Ran ran = run(with_model({"caption", folder.put("photo.heic", heic)}));
  expect_refused(ran, 5);
  EXPECT_NE(ran.err.find("HEIC"), std::string::npos) << ran.err;
  expect_refused(run(with_model({"caption", "https://example.org/a.jpg"})), 5);
  for (const char* verb : {"batch"}) {
    const Ran absent = run({verb, "--help"});
    expect_refused(absent, 5);
    EXPECT_NE(absent.err.find("this build does not have"), std::string::npos) << absent.err;
  }
}

TEST(ExitCode, AFullDiskIsSix) {
  const auto full = [](std::vector<std::string> arguments) {
    return run(arguments, {.out_path = "/dev/full"});
  };
  expect_refused(full({"version"}), 6);
  expect_refused(full({"caption", "--help"}), 6);
  expect_refused(full({"completion", "bash"}), 6);
  expect_refused(full(with_model({"caption", sample("s1.png")})), 6);
  expect_refused(full(with_model({"caption", sample("s1.png"), "--stream"})), 6);
  expect_refused(full(with_model({"caption", sample("s1.png"), sample("s2.png"), "--json"})), 6);
  expect_refused(full({"inspect", kStarter}), 6);
  expect_refused(run(with_model({"caption", sample("s1.png"), "-o", "/dev/full"})), 6);
}

TEST(ExitCode, AReaderThatLeavesEndsItQuietly) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"completion", "bash"}, with_model({"caption", sample("s1.png")}),
        with_model({"caption", sample("s1.png"), "--stream"}),
        with_model({"caption", kStarter + "/samples", "--json"})}) {
    const Ran ran = run(arguments, {.closed_pipe = true});
    EXPECT_EQ(ran.status, 141);
    EXPECT_EQ(ran.err, "");
  }
}

TEST(Signals, AModelFileThatShrinksInUseIsOneLineAndFour) {
  const TestFolder folder;
  const std::string lines = folder.path("lines"), out = folder.path("out");
  const std::string model =
      folder.put("model.gguf", read_all(MOONBEAM_SOURCE_DIR "/models/tiny/tiny-bf16.gguf"));
  ASSERT_EQ(::mkfifo(lines.c_str(), 0600), 0);
  const int fd = ::open(lines.c_str(), O_RDWR | O_CLOEXEC);  // does not wait for the reader
  ASSERT_GE(fd, 0);
  const auto say = [&](const std::string& line) {
    return ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  };
  Background chat({"chat", "--quiet", "-m", model, sample("s1.png")}, {.in_path = lines, .out_path = out});
  ASSERT_TRUE(say("Is there a dog?\n"));
  ASSERT_TRUE(wait_for_lines(out, 1));
  ASSERT_EQ(::truncate(model.c_str(), 4096), 0);
  ASSERT_TRUE(say("Is there a cat?\n"));
  const Ran ran = chat.wait();
  ::close(fd);
  EXPECT_EQ(ran.status, 4);
  EXPECT_EQ(ran.err, "moonbeam: a model file changed while it was in use\n");
  EXPECT_EQ(read_all(out), "Yes, there is a dog.\n");
}

/// Started with a fifo where `arguments` say FIFO, then told to stop.
Ran stopped_at_a_fifo(std::vector<std::string> arguments, bool with_writer, int number) {
  const TestFolder folder;
  const std::string fifo = folder.path("fifo");
  EXPECT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (std::string& argument : arguments) {
    if (const std::size_t at = argument.find("FIFO"); at != std::string::npos) argument.replace(at, 4, fifo);
  }
  const int fd = with_writer ? ::open(fifo.c_str(), O_RDWR | O_CLOEXEC) : -1;
  Background running(with_model(arguments));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));  // it is at the fifo by then
  running.signal(number);
  Ran ran = running.wait_at_most(20);
  if (fd >= 0) ::close(fd);
  return ran;
}

TEST(Signals, AreHeardWhileAPictureBlocks) {
  for (const bool with_writer : {false, true}) {
    for (const char* picture : {"FIFO", "@FIFO"}) {
      const Ran ran = stopped_at_a_fifo({"caption", picture}, with_writer, SIGTERM);
      EXPECT_EQ(ran.status, 143) << picture << ran.err;
      EXPECT_EQ(ran.out, "");
    }
  }
  EXPECT_EQ(stopped_at_a_fifo({"caption", "FIFO"}, false, SIGINT).status, 130);
}

TEST(Pictures, ComeFromAFifo) {
  const TestFolder folder;
  const std::string fifo = folder.path("fifo"), picture = read_all(sample("s1.png"));
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  Background running(with_model({"caption", fifo}));
  std::ofstream(fifo, std::ios::binary) << picture;
  EXPECT_EQ(running.wait().out, expected("s1.png", "caption", "normal")["text"].get<std::string>() + "\n");
}

TEST(Pictures, NamesThatAreNotUtf8Work) {
  const TestFolder folder;
  const std::string name = folder.put("caf\xe9.png", read_all(sample("s1.png")));
  const std::string sentence = expected("s1.png", "caption", "normal")["text"];
  const json line = json::parse(run(with_model({"caption", name, "--json"})).out);
  EXPECT_EQ(line["caption"], sentence);
  EXPECT_TRUE(line["image"].get<std::string>().ends_with("caf\xEF\xBF\xBD.png"));
  const Ran text = run(with_model({"caption", name, sample("s1.png")}));
  EXPECT_EQ(text.out, name + ": " + sentence + "\n" + sample("s1.png") + ": " + sentence + "\n");
  const Ran missing = run(with_model({"caption", folder.path("no\xff.png")}));
  expect_refused(missing, 3);
  EXPECT_NE(missing.err.find("no\\xff.png"), std::string::npos) << missing.err;
}

TEST(Pictures, VeryLongOnesAreAnswered) {
  const TestFolder folder;
  for (const auto& [width, height] : {std::pair{20'000, 1}, {1, 20'000}}) {
    Image image{height, width, std::vector<std::uint8_t>(60'000)};
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i / 7);
    save_png(image, folder.path("long.png"));
    const Ran ran = run(with_model({"caption", folder.path("long.png"), "--json"}));
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(json::parse(ran.out)["caption"].is_string());
  }
}

TEST(Pictures, ComeFromStandardInputAndDataUris) {
  const std::string sentence = expected("s1.png", "caption", "normal")["text"].get<std::string>() + "\n";
  EXPECT_EQ(run(with_model({"caption", "-"}), {.input = read_all(sample("s1.png"))}).out, sentence);
  EXPECT_EQ(run(with_model({"caption", "@-"}), {.input = sample("s1.png") + "\n"}).out, sentence);
  const Ran broken = run(with_model({"caption", "-"}), {.input = "no picture"});
  EXPECT_EQ(broken.err_lines(), 1u) << broken.err;
  EXPECT_NE(broken.err.find("standard input"), std::string::npos) << broken.err;
}

/// The decimal point of a locale in `folder`; that of C where there is none of that name. Another program
/// asks: newlocale() of glibc never frees the LOCPATH it has split.
std::string decimal_point(const std::string& locale, const std::string& folder) {
  const std::string command =
      "LOCPATH='" + folder + "' LC_ALL=" + locale + " locale decimal_point 2>/dev/null";
  FILE* answer = ::popen(command.c_str(), "r");
  if (answer == nullptr) return {};
  std::array<char, 16> line{};
  const bool any = std::fgets(line.data(), line.size(), answer) != nullptr;
  ::pclose(answer);
  return any ? std::string(line.data(), 1) : std::string();
}

TEST(Pictures, NumbersKeepTheirPointInACommaLocale) {
  const TestFolder folder;
  const std::string name = "de_DE.UTF-8", made = folder.path(name);
  // Warnings make its status useless: what counts is a locale that loads.
  [[maybe_unused]] const int status =
      std::system(("localedef -i de_DE -f UTF-8 '" + made + "' >/dev/null 2>&1").c_str());
  if (decimal_point(name, folder.path("")) != ",")
    GTEST_SKIP() << "localedef made no locale de_DE: it or its sources are not here";
  const SpawnOptions german{.env = {{"LOCPATH", folder.path("")}, {"LC_ALL", name}, {"LANG", name}}};
  const std::string plain = run(with_model({"detect", sample("s1.png"), "apple"})).out;
  EXPECT_NE(plain.find("0."), std::string::npos);
  EXPECT_EQ(run(with_model({"detect", sample("s1.png"), "apple"}), german).out, plain);
  EXPECT_EQ(run(with_model({"caption", sample("s1.png"), "--top-p", "0.5"}), german).status, 0);
}

}  // namespace
}  // namespace moonbeam::test
