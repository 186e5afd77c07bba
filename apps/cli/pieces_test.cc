// The small pieces: exit codes, status line, places, chat lines, summaries, models on disk.
#include <gtest/gtest.h>

#include <new>
#include <nlohmann/json.hpp>

#include "cli/chat.h"
#include "cli/errors.h"
#include "cli/places.h"
#include "cli/progress.h"
#include "cli/pull_status.h"
#include "cli/stats.h"
#include "cli/test_folder.h"
#include "cli/tools.h"
#include "net/http.h"

namespace moonbeam::cli {
namespace {

template <typename Exception>
Ending ending(const Exception& exception) {
  return ending_of(std::make_exception_ptr(exception));
}

TEST(ExitCodes, FollowTheTable) {
  EXPECT_EQ(ending(Error(ErrorCode::kInvalidArgument, "m")).status, 2);
  EXPECT_EQ(ending(Error(ErrorCode::kNotFound, "m")).status, 3);
  EXPECT_EQ(ending(Error(ErrorCode::kCorrupt, "m")).status, 4);
  EXPECT_EQ(ending(Error(ErrorCode::kUnsupported, "m")).status, 5);
  EXPECT_EQ(ending(Error(ErrorCode::kExhausted, "m")).status, 6);
  EXPECT_EQ(ending(Error(ErrorCode::kExhausted, "m")).message, "m");
  EXPECT_EQ(ending(net::NetworkError("m")).status, 7);
  EXPECT_EQ(ending(std::bad_alloc()).status, 6);
  EXPECT_EQ(ending(std::logic_error("m")).status, 70);
  EXPECT_EQ(ending(7).status, 70);
  EXPECT_EQ(ending(BrokenPipe()).status, 141);
  EXPECT_EQ(ending(BrokenPipe()).message, "");
  EXPECT_EQ(ending(Error(ErrorCode::kCancelled, "m")).status, 130);
  EXPECT_EQ(ending(Error(ErrorCode::kCancelled, "m")).message, "");
}

TEST(StatusLine, SaysStageAndPicture) {
  StatusView view;
  view.name = "photo.jpg";
  view.progress = {Progress::Stage::kEncode, 3, 6};
  EXPECT_EQ(status_line(view, 80), "encoding 50 %  photo.jpg");
  EXPECT_EQ(status_line(view, 8), "encoding");
  view.progress = {Progress::Stage::kDecode, 3, 0};
  EXPECT_EQ(status_line(view, 80), "answering  photo.jpg");
}

TEST(StatusLine, CountsPicturesAndTimeLeft) {
  StatusView view{.done = 10,
                  .total = 40,
                  .seconds = 5,
                  .name = "a\n.jpg",
                  .progress = {Progress::Stage::kPrefill, 1, 4}};
  EXPECT_EQ(status_line(view, 80), "10/40  2.0 pictures/s  0:15 left  reading 25 %  a\\x0a.jpg");
  view.seconds = 500;
  EXPECT_EQ(status_line(view, 80), "10/40  50 s a picture  25:00 left  reading 25 %  a\\x0a.jpg");
}

TEST(PullLine, SaysHowMuchHowFastAndHowLong) {
  PullView view{.file = "model.safetensors", .file_done = 1'200'000'000, .file_size = 3'900'000'000};
  EXPECT_EQ(pull_line(view), "model.safetensors  1.20 GB of 3.90 GB  30 %");
  view.done = 1'200'000'000, view.size = 3'900'000'000, view.rate = 12'300'000;
  EXPECT_EQ(pull_line(view), "model.safetensors  1.20 GB of 3.90 GB  30 %  12.3 MB/s  3:40 left");
  view.file_size = -1;
  EXPECT_EQ(pull_line(view), "model.safetensors  1.20 GB  12.3 MB/s  3:40 left");
}

TEST(Places, AreReadWithTheirRange) {
  EXPECT_EQ(parse_point("0.25,1", "gaze").y, 1);
  EXPECT_EQ(parse_ref("0.5,0.5").point->x, 0.5);
  EXPECT_EQ(parse_ref("0,0.1,0.5,1").box->y_min, 0.1);
  for (const char* bad : {"", "0.5", "0.5,1.5", "-0.1,0", "0.5,0.5,0.4,0.6", "0,0,0", "a,b", "0.5;0.5"}) {
    EXPECT_THROW(parse_ref(bad), Error) << bad;
  }
}

TEST(Chat, LinesAreQuestionsOrCommands) {
  using Kind = ChatCommand::Kind;
  EXPECT_EQ(parse_chat_line("  ").kind, Kind::kNothing);
  EXPECT_EQ(parse_chat_line(" What is it? ").kind, Kind::kQuestion);
  EXPECT_EQ(parse_chat_line(" What is it? ").argument, "What is it?");
  EXPECT_EQ(parse_chat_line("/detect red car").kind, Kind::kDetect);
  EXPECT_EQ(parse_chat_line("/detect red car").argument, "red car");
  EXPECT_EQ(parse_chat_line("/quit").kind, Kind::kQuit);
  EXPECT_EQ(parse_chat_line("/dance now").kind, Kind::kUnknown);
  EXPECT_EQ(parse_chat_line("/dance now").argument, "/dance");
}

TEST(Chat, SetChangesOptionsInRange) {
  Options options;
  set_chat_option(options, "temperature 0.5");
  set_chat_option(options, "top-p=0.9");
  set_chat_option(options, "length short");
  EXPECT_EQ(options.sampling.temperature, 0.5);
  EXPECT_EQ(options.sampling.top_p, 0.9);
  EXPECT_EQ(options.ask.length, "short");
  for (const char* bad :
       {"", "colour red", "top-p 2", "max-tokens 0", "seed x", "length huge", "temperature"}) {
    EXPECT_THROW(set_chat_option(options, bad), Error) << bad;
  }
}

ModelSummary summary() {
  ModelSummary summary;
  summary.path = "m.gguf";
  summary.format = "moonbeam";
  summary.variant = "tiny";
  summary.tensors = {{"text.wte", "model.wte", "bf16", {4, 2}, 16}};
  summary.dtypes = {{"bf16", 1, 8, 16, 32}};
  summary.memory_bytes = 5032;
  summary.work_bytes = 5000;
  summary.parameters = 8;
  summary.bytes = 16;
  summary.config_json = R"({"text":{"dim":2}})";
  summary.skipped = {"a", "b"};
  return summary;
}

TEST(Summary, IsTextAndJson) {
  EXPECT_EQ(summary_text(summary(), false).find("[4,2]"), std::string::npos);
  EXPECT_NE(summary_text(summary(), true).find("text.wte  bf16    [4,2]\n"), std::string::npos)
      << summary_text(summary(), true);
  for (const char* row : {"memory      5.03 kB: weights 32 bytes, one picture 5.00 kB\n",
                          "bf16        1 tensor, 8 parameters, 16 bytes, in memory 32 bytes\n"}) {
    EXPECT_NE(summary_text(summary(), false).find(row), std::string::npos) << summary_text(summary(), false);
  }
  const nlohmann::json json = nlohmann::json::parse(summary_json(summary(), true));
  EXPECT_EQ(json["memory_bytes"], 5032);
  EXPECT_EQ(json["work_bytes"], 5000);
  EXPECT_EQ(json["dtypes"][0]["bytes"], 16);
  EXPECT_EQ(json["dtypes"][0]["memory_bytes"], 32);
  EXPECT_EQ(json["config"]["text"]["dim"], 2);
  EXPECT_EQ(json["tensors"][0]["shape"], (nlohmann::json{4, 2}));
  EXPECT_FALSE(nlohmann::json::parse(summary_json(summary(), false)).contains("tensors"));
}

TEST(Summary, ShowsWhatAModelWasMadeFromWhateverThatSays) {
  ModelSummary model = summary();
  const std::string sum(64, 'a');
  model.provenance = R"({"files":[{"name":"a\nb.safetensors","sha256":")" + sum + R"("},{"name":3},7]})";
  EXPECT_NE(summary_text(model, false).find("made from   a\\x0ab.safetensors, SHA-256 " + sum + "\n"),
            std::string::npos)
      << summary_text(model, false);
  EXPECT_EQ(nlohmann::json::parse(summary_json(model, false))["provenance"]["files"][0]["sha256"], sum);
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("{\"files\":{}}"), deep, "{\"files\":" + deep + "}"}) {
    model.provenance = text;
    EXPECT_EQ(summary_text(model, false).find("made from"), std::string::npos);
    EXPECT_TRUE(nlohmann::json::parse(summary_json(model, false)).contains("provenance"));
  }
}

TEST(Models, AreNamedAsTheyAreLookedUp) {
  const TestFolder folder;
  folder.put("one/tiny/tiny-bf16.gguf", "12345");
  folder.put("one/tiny/card.md");
  folder.put("one/published/config.json");
  folder.put("one/published/model.safetensors", "123");
  folder.put("one/moondream2/2025-06-21/model.safetensors", "1");
  folder.put("one/notes/readme.md");
  folder.put("two/tiny.gguf", "later folders do not hide earlier ones");
  folder.put("two/other.gguf", "12");
  const std::vector<FoundModel> models =
      find_models({folder.path("one"), folder.path("two"), folder.path("none")});
  ASSERT_EQ(models.size(), 4u);
  EXPECT_EQ(models[0].name, "moondream2@2025-06-21");
  EXPECT_EQ(models[1].name, "published");
  EXPECT_EQ(models[1].bytes, 3);
  EXPECT_EQ(models[2].name, "tiny");
  EXPECT_EQ(models[2].path, folder.path("one/tiny"));
  EXPECT_EQ(models[3].name, "other");
}

TEST(Stats, ShowRatesAndMemory) {
  Answer answer;
  answer.prompt = "Q?";
  answer.metrics = {.input_tokens = 60,
                    .output_tokens = 10,
                    .encode_ms = 30,
                    .prefill_ms = 5,
                    .decode_ms = 20,
                    .ttft_ms = 35};
  const std::string text =
      picture_stats({"a.png", 196, 196, {answer}}, {.decode_ms = 1.5, .crops = 2, .positions = 50});
  EXPECT_EQ(
      text,
      "a.png: 196 x 196, 2 crops, 50 positions\n"
      "  read 1.50 ms, encode 30.0 ms\n"
      "  'Q?': prefill 5.00 ms, first token after 35.0 ms, decode 20.0 ms, 10 tokens, 500.0 tokens/s\n");
  EXPECT_EQ(run_stats(12, "avx2", "f32", 2, 64 << 20),
            "load 12.0 ms, avx2, f32, 2 threads, peak memory 64 MiB\n");
}

}  // namespace
}  // namespace moonbeam::cli
