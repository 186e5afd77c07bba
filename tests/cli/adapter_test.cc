// --adapter of the verbs that load a model, and of convert and quantize.
#include <filesystem>
#include <map>

#include "model/adapter_testing.h"
#include "model/model.h"
#include "tests/cli/fixtures.h"

namespace moonbeam::test {
namespace {

using model::testing::adapter_blobs;
using model::testing::Blob;
using model::testing::write_adapter;
using Metadata = std::map<std::string, std::string>;

std::vector<Blob> starter_adapter(float size) {
  static const model::ModelConfig config = model::load({.path = kStarter})->config;
  return adapter_blobs(config, 4, size);
}

TEST(AdapterOption, ChangesAnswersAsTheMergedModelDoes) {
  const TestFolder folder;
  const std::string adapter = folder.path("a.safetensors"), merged = folder.path("merged.gguf");
  write_adapter(adapter, starter_adapter(2), {{"base", "starter"}, {"proj_input", "attn"}});
  ASSERT_EQ(run({"convert", kStarter, merged, "--dtype", "f32", "--adapter", adapter, "--quiet"}).status, 0);
  const std::vector<std::vector<std::string>> verbs = {{"caption", sample("s1.png")},
                                                       {"query", sample("s2.png"), "Is there a cat?"},
                                                       {"detect", sample("s1.png"), "apple"},
                                                       {"point", sample("s1.png"), "apple"}};
  int changed = 0;
  for (const std::vector<std::string>& verb : verbs) {
    const auto with = [&](std::vector<std::string> more) {
      std::vector<std::string> all = verb;
      all.insert(all.end(), more.begin(), more.end());
      const Ran ran = run(all);
      EXPECT_EQ(ran.status, 0) << ran.err;
      EXPECT_EQ(ran.err, "");
      return ran.out;
    };
    const std::string plain = with({"-m", kStarter}), adapted = with({"-m", kStarter, "--adapter", adapter});
    EXPECT_EQ(adapted, with({"-m", merged})) << verb[0];
    changed += adapted != plain ? 1 : 0;
  }
  EXPECT_GE(changed, 1);
  const Ran bench =
      run({"bench", "-m", kStarter, "--adapter", adapter, "--repeat", "1", "--no-limits", "--json"});
  EXPECT_EQ(json::parse(bench.out)["adapter"], adapter) << bench.err;
}

TEST(AdapterOption, OfZerosChangesNothing) {
  const TestFolder folder;
  const std::string adapter = folder.path("zeros.safetensors");
  write_adapter(adapter, starter_adapter(0), {{"proj_input", "attn"}});
  for (const char* mode : {"f32", "int8"}) {
    const Ran plain = run(with_model({"caption", sample("s1.png"), sample("s3.png"), "--mode", mode}));
    EXPECT_EQ(
        run(with_model({"caption", sample("s1.png"), sample("s3.png"), "--mode", mode, "--adapter", adapter}))
            .out,
        plain.out)
        << mode;
  }
}

TEST(AdapterOption, RefusesWhatDoesNotFit) {
  const TestFolder folder;
  const auto refused = [&](const std::vector<Blob>& blobs, const Metadata& metadata, int status,
                           const std::string& part) {
    const std::string file = folder.path("a.safetensors");
    write_adapter(file, blobs, metadata);
    const Ran ran = run(with_model({"caption", sample("s1.png"), "--adapter", file}));
    expect_refused(ran, status);
    EXPECT_NE(ran.err.find("a.safetensors: " + part), std::string::npos) << ran.err;
  };
  refused(adapter_blobs(model::testing::micro_config(), 4, 1), {{"base", "micro"}, {"proj_input", "attn"}}, 4,
          "'text.blocks.0.attn.proj.A': expected [rank,192], got [4,64]; it was made for 'micro'");
  refused(starter_adapter(1), {}, 5, "proj_input: expected block or attn");
  expect_refused(run(with_model({"caption", sample("s1.png"), "--adapter", folder.path("none")})), 3);
  const Ran picture = run(with_model({"caption", sample("s1.png"), "--adapter", sample("s2.png")}));
  expect_refused(picture, 5);
  EXPECT_NE(picture.err.find("expected an adapter (.safetensors), got a PNG picture"), std::string::npos)
      << picture.err;
}

TEST(AdapterOption, WarnsOfAnotherModelsAdapter) {
  const TestFolder folder;
  const std::string adapter = folder.path("a.safetensors");
  write_adapter(adapter, starter_adapter(0), {{"base", "tiny-bf16"}, {"proj_input", "attn"}});
  const Ran ran = run({"caption", "-m", kStarter, sample("s1.png"), "--adapter", adapter});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.err.find("warning: "), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("made for 'tiny-bf16', the model is 'starter'"), std::string::npos) << ran.err;
}

TEST(ConvertAdapter, RefusesWhatCannotBeMerged) {
  const TestFolder folder;
  const std::string adapter = folder.path("a.safetensors"), out = folder.path("out.gguf");
  write_adapter(adapter, starter_adapter(0.5f), {{"proj_input", "block"}});
  const Ran block = run({"convert", kStarter, out, "--adapter", adapter});
  expect_refused(block, 5);
  EXPECT_NE(block.err.find("reads the block's input"), std::string::npos) << block.err;

  write_adapter(adapter, starter_adapter(0.5f), {{"proj_input", "attn"}});
  const std::string packed = folder.path("packed.gguf");
  ASSERT_EQ(run({"quantize", kStarter, packed, "--no-measure", "--quiet"}).status, 0);
  const Ran quantised = run({"convert", packed, out, "--adapter", adapter});
  expect_refused(quantised, 5);
  EXPECT_NE(quantised.err.find("quantised again"), std::string::npos) << quantised.err;
  EXPECT_EQ(folder.entries(), 2u);
  EXPECT_EQ(run({"convert", packed, out, "--adapter", adapter, "--dtype", "bf16", "--quiet"}).status, 0);
}

TEST(QuantizeAdapter, AnswersAsTheConvertedModelQuantised) {
  const TestFolder folder;
  const std::string adapter = folder.path("a.safetensors"), merged = folder.path("merged.gguf");
  const std::string twice = folder.path("twice.gguf"), once = folder.path("once.gguf");
  write_adapter(adapter, starter_adapter(2), {{"base", "starter"}, {"proj_input", "attn"}});
  ASSERT_EQ(run({"convert", kStarter, merged, "--adapter", adapter, "--quiet"}).status, 0);
  ASSERT_EQ(run({"quantize", merged, twice, "--mode", "int4", "--no-measure", "--quiet"}).status, 0);
  const Ran made = run({"quantize", kStarter, once, "--mode", "int4", "--adapter", adapter, "--no-measure"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(made.err.find("warning"), std::string::npos) << made.err;
  EXPECT_EQ(std::filesystem::file_size(once) / 65536, std::filesystem::file_size(twice) / 65536);
  const auto caption = [](const std::string& model) {
    return run({"caption", "-m", model, sample("s1.png"), sample("s3.png")}).out;
  };
  EXPECT_EQ(caption(once), caption(twice));
  ASSERT_EQ(
      run({"quantize", kStarter, folder.path("plain.gguf"), "--mode", "int4", "--no-measure", "--quiet"})
          .status,
      0);
  EXPECT_NE(caption(once), caption(folder.path("plain.gguf")));
}

TEST(QuantizeAdapter, RefusesWhatCannotBeMergedAndWarnsOfAnotherModels) {
  const TestFolder folder;
  const std::string adapter = folder.path("a.safetensors"), out = folder.path("out.gguf");
  write_adapter(adapter, starter_adapter(0.5f), {{"proj_input", "block"}});
  const Ran block = run({"quantize", kStarter, out, "--adapter", adapter});
  expect_refused(block, 5);
  EXPECT_NE(block.err.find("reads the block's input"), std::string::npos) << block.err;
  expect_refused(run({"quantize", kStarter, out, "--adapter", folder.path("none")}), 3);
  EXPECT_EQ(folder.entries(), 1u);

  write_adapter(adapter, starter_adapter(0.5f), {{"base", "tiny-bf16"}, {"proj_input", "attn"}});
  const Ran ran = run({"quantize", kStarter, out, "--adapter", adapter, "--no-measure"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.err.find("warning: "), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("made for 'tiny-bf16', the model is 'starter'"), std::string::npos) << ran.err;
  const Ran again = run({"quantize", out, folder.path("again.gguf"), "--adapter", adapter});
  expect_refused(again, 5);
  EXPECT_NE(again.err.find("quantised again"), std::string::npos) << again.err;
}

}  // namespace
}  // namespace moonbeam::test
