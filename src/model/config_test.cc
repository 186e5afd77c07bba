// config.json: what is read, what is noted, which key an error names; the variant table's prompts.
#include "model/config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/testing.h"
#include "model/variants.h"

namespace moonbeam::model {
namespace {

using testing::expect_error;

const ModelConfig& published() {
  return variant("moondream2").config;
}

ModelConfig parse(const std::string& text) {
  return parse_config_json(text, published(), "config.json");
}

TEST(Config, AnEmptyObjectGivesThePublishedDefaults) {
  const ModelConfig config = parse("{}");
  EXPECT_EQ(config.vision.dim, 1152);
  EXPECT_EQ(config.vision.image_grid, 27);
  EXPECT_EQ(config.text.prefix_attn, 730);
  EXPECT_EQ(config.region->coord_divisor, 1024);
  EXPECT_EQ(config.prompts.query_suffix_count, 2);
  EXPECT_TRUE(config.notes.empty());
  EXPECT_NO_THROW(config.validate());
}

TEST(Config, UnknownKeysAreNotedByTheirPaths) {
  const ModelConfig config = parse(R"({"model_type": "moondream1", "text": {"wings": 2}, "vision": {},
                                       "tokenizer": {"templates": {"sing": {}}}})");
  ASSERT_EQ(config.notes.size(), 1u);
  EXPECT_EQ(config.notes[0],
            "config.json: unknown keys ignored: text.wings, tokenizer.templates.sing, model_type");
}

TEST(Config, ThePrefixFollowsTheGridUnlessTheFileSaysIt) {
  EXPECT_EQ(parse(R"({"vision": {"image_grid": 7}})").text.prefix_attn, 50);
  EXPECT_EQ(parse(R"({"vision": {"crop_size": 196}})").text.prefix_attn, 197);
  EXPECT_EQ(parse(R"({"text": {"prefix_attn": 0}})").text.prefix_attn, 0);
  const ModelConfig& old = variant("moondream2-2024-08-26").config;
  EXPECT_EQ(parse_config_json(R"({"vision": {"image_grid": 7}})", old, "c").text.prefix_attn, 0);
}

TEST(Config, ReasoningIsTrainedUnlessTheFileSaysOtherwise) {
  EXPECT_TRUE(parse("{}").prompts.reasoning);
  const ModelConfig config = parse(R"({"tokenizer": {"reasoning": false}})");
  EXPECT_FALSE(config.prompts.reasoning);
  EXPECT_EQ(config.prompts.thinking, 4);
  EXPECT_FALSE(parse(write_config_json(config)).prompts.reasoning);
}

TEST(Config, NullTakesAwayWhatThePublishedModelHas) {
  const ModelConfig config = parse(R"({"region": null, "text": {"dim": null},
                                       "tokenizer": {"templates": {"detect": null, "caption": {"long": null}}}})");
  EXPECT_FALSE(config.region);
  EXPECT_EQ(config.text.dim, 2048);
  EXPECT_FALSE(config.prompts.detect);
  EXPECT_TRUE(config.prompts.point);
  EXPECT_TRUE(config.prompts.caption[1]);
  EXPECT_FALSE(config.prompts.caption[2]);
}

TEST(Config, AWrongTypeNamesTheKeyForEveryKey) {
  const nlohmann::json whole = nlohmann::json::parse(write_config_json(published()));
  int keys = 0;
  const std::function<void(const nlohmann::json::json_pointer&, const std::string&)> walk =
      [&](const nlohmann::json::json_pointer& at, const std::string& path) {
        for (const auto& [key, value] : whole.at(at).items()) {
          const std::string name = path.empty() ? key : path + "." + key;
          if (name == "moonbeam.variant") continue;
          if (value.is_object()) walk(at / key, name);
          nlohmann::json broken = whole;
          broken[at / key] =
              value.is_array() || value.is_object() ? nlohmann::json(7) : nlohmann::json::array({1});
          expect_error([&] { parse(broken.dump()); }, ErrorCode::kCorrupt,
                       {"config.json: " + name + ": expected"});
          ++keys;
        }
      };
  walk(nlohmann::json::json_pointer{}, "");
  EXPECT_GT(keys, 60);
}

TEST(Config, NumbersMustBeWholeAndSmall) {
  for (const char* value :
       {"1.5", "1e3", "2147483648", "-2147483649", "18446744073709551615", "true", "\"5\""}) {
    expect_error([&] { parse(base::cat(R"({"text": {"dim": )", value, "}}")); }, ErrorCode::kCorrupt,
                 {"text.dim"});
  }
  expect_error([] { parse(R"({"tokenizer": {"templates": {"query": {"prefix": [1, "x"]}}}})"); },
               ErrorCode::kCorrupt, {"tokenizer.templates.query.prefix", "got a string \"x\""});
}

TEST(Config, BrokenTextIsRefused) {
  for (const char* text : {"", "{", "[]", "7", "{\"text\": }", "\xff\xfe", "{\"a\": \"\xff\"}"}) {
    expect_error([&] { parse(text); }, ErrorCode::kCorrupt, {"config.json"});
  }
  expect_error([] { parse(R"({"text": {"dim": 192}, "text": {"dim": 193}})"); }, ErrorCode::kCorrupt,
               {"config.json: 'text' stands there twice"});
  expect_error([] { parse(R"({"a": )" + std::string(2000, '[') + std::string(2000, ']') + "}"); },
               ErrorCode::kCorrupt, {"config.json: JSON nested deeper than 32"});
}

struct Bad {
  const char* text;
  const char* named;
};

class ConfigRange : public ::testing::TestWithParam<Bad> {};

TEST_P(ConfigRange, NamesTheKey) {
  expect_error([] { parse(GetParam().text).validate(); }, ErrorCode::kCorrupt,
               {GetParam().named, "expected", "got"});
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ConfigRange,
    ::testing::Values(
        Bad{R"({"text": {"dim": 0}})", "text.dim"}, Bad{R"({"text": {"n_layers": -1}})", "text.n_layers"},
        Bad{R"({"text": {"n_heads": 0}})", "text.n_heads"},
        Bad{R"({"text": {"vocab_size": 0}})", "text.vocab_size"},
        Bad{R"({"text": {"max_context": 730}})", "text.max_context"},
        Bad{R"({"text": {"prefix_attn": 7}})", "text.prefix_attn"},
        Bad{R"({"text": {"dim": 1024}})", "proj_out_dim"},
        Bad{R"({"vision": {"enc_dim": 1153}})", "vision.enc_dim"},
        Bad{R"({"vision": {"crop_size": 379}})", "vision.crop_size"},
        Bad{R"({"vision": {"enc_patch_size": 0}})", "vision.enc_patch_size"},
        Bad{R"({"vision": {"overlap_margin": 14}})", "vision.overlap_margin"},
        Bad{R"({"vision": {"image_grid": 28}})", "vision.image_grid"},
        Bad{R"({"vision": {"max_crops": 0}})", "vision.max_crops"},
        Bad{R"({"region": {"dim": 1024}})", "region.dim"},
        Bad{R"({"region": {"coord_divisor": 0}})", "region.coord_divisor"},
        Bad{R"({"tokenizer": {"bos_id": 51200}})", "tokenizer.bos_id"},
        Bad{R"({"tokenizer": {"answer_id": -2}})", "tokenizer.answer_id"},
        Bad{R"({"tokenizer": {"query_suffix_count": 0}})", "tokenizer.query_suffix_count"},
        Bad{R"({"tokenizer": {"templates": {"point": {"suffix": [60000]}}}})", "templates.point.suffix"},
        Bad{R"({"tokenizer": {"templates": {"caption": {"short": [60000]}}}})", "templates.caption.short"}));

TEST(Config, UnknownCroppingsAndHeadsOfTheirOwnAreUnsupported) {
  expect_error([] { parse(R"({"moonbeam": {"cropping": "spiral"}})"); }, ErrorCode::kUnsupported,
               {"moonbeam.cropping", "spiral"});
  expect_error([] { parse(R"({"text": {"n_kv_heads": 8}})").validate(); }, ErrorCode::kUnsupported,
               {"n_kv_heads"});
}

TEST(Variants, EveryRowIsValidAndFoundByItsName) {
  for (const Variant& row : variants()) {
    EXPECT_NO_THROW(row.config.validate()) << row.name;
    EXPECT_EQ(&variant(row.name), &row);
    EXPECT_EQ(row.config.variant, row.name);
  }
  EXPECT_EQ(variant("moondream2").name, "moondream2-2025-06-21");
  EXPECT_EQ(variant("0.5b").name, "moondream-0.5b");
  EXPECT_EQ(variant("2024-08-26").name, "moondream2-2024-08-26");
  expect_error([] { variant("moondream9"); }, ErrorCode::kInvalidArgument,
               {"moondream2-2025-06-21", "moondream9"});
}

TEST(Variants, PromptsAreThoseOfTheReleases) {
  using Ids = std::vector<int>;
  const Prompts& starmie = variant("moondream2-2025-06-21").config.prompts;
  EXPECT_EQ(starmie.caption[0], (Ids{1, 32708, 2, 12492, 3}));
  EXPECT_EQ(starmie.caption[1], (Ids{1, 32708, 2, 6382, 3}));
  EXPECT_EQ(starmie.caption[2], (Ids{1, 32708, 2, 4059, 3}));
  EXPECT_EQ(starmie.detect->prefix, (Ids{1, 7235, 476, 2}));
  EXPECT_EQ(starmie.point->prefix, (Ids{1, 2581, 2}));
  EXPECT_EQ(starmie.bos, 0);
  EXPECT_EQ(starmie.query_suffix_count, 2);
  EXPECT_TRUE(starmie.suppress_answer && starmie.spatial_refs && !starmie.gaze);
  EXPECT_EQ(starmie.question_space, "");
  EXPECT_EQ(starmie.object_space, " ");

  struct Row {
    const char* name;
    const char* space;
    bool long_caption;
  };
  for (const Row& row : {Row{"moondream2-2025-04-14", " ", true}, Row{"moondream2-2025-03-27", " ", true},
                         Row{"moondream2-2025-01-09", "", false}, Row{"moondream-0.5b", "", false}}) {
    const Prompts& phi = variant(row.name).config.prompts;
    EXPECT_EQ(phi.caption[0], (Ids{198, 198, 16438, 8305, 25})) << row.name;
    EXPECT_EQ(phi.caption[1], (Ids{198, 198, 24334, 1159, 25})) << row.name;
    EXPECT_EQ(phi.caption[2].has_value(), row.long_caption) << row.name;
    EXPECT_EQ(phi.query->prefix, (Ids{198, 198, 24361, 25})) << row.name;
    EXPECT_EQ(phi.query->suffix, (Ids{198, 198, 33706, 25})) << row.name;
    EXPECT_EQ(phi.detect->prefix, (Ids{198, 198, 47504, 25})) << row.name;
    EXPECT_EQ(phi.point->suffix, Ids{628}) << row.name;
    EXPECT_EQ(phi.question_space, row.space) << row.name;
    EXPECT_EQ(phi.object_space, row.space) << row.name;
    EXPECT_EQ(phi.query_suffix_count, 1) << row.name;
    EXPECT_EQ(phi.thinking, -1) << row.name;
    EXPECT_EQ(phi.eos, 50256) << row.name;
  }
  EXPECT_EQ(variant("moondream2-2025-04-14").config.prompts.caption[2], (Ids{198, 198, 14617, 8305, 25}));
}

TEST(Variants, ReleasesOf2024AskInTextAndDifferInTheirTagsAndTiles) {
  const Prompts& august = variant("moondream2-2024-08-26").config.prompts;
  EXPECT_EQ(august.text_query, "\n\nQuestion: {q}\n\nAnswer:");
  EXPECT_EQ(august.text_caption[0], "\n\nShort caption:");
  EXPECT_EQ(august.text_caption[1], "\n\nCaption:");
  EXPECT_TRUE(august.strip_answer && august.text_stop.empty() && !august.query && !august.detect);
  EXPECT_EQ(variant("moondream2-2024-03-04").config.prompts.text_before_image, "<image>");
  EXPECT_EQ(variant("moondream2-2024-03-04").config.prompts.text_stop, "<END>");
  EXPECT_EQ(variant("moondream2-2024-03-13").config.prompts.text_before_image, "");
  EXPECT_EQ(variant("moondream2-2024-03-13").config.prompts.text_stop, "<END>");
  EXPECT_EQ(variant("moondream2-2024-04-02").config.prompts.text_stop, "");
  EXPECT_EQ(variant("moondream2-2024-05-08").config.vision.cropping, vision::Cropping::kSingle);
  EXPECT_EQ(variant("moondream2-2024-05-08").config.vision.proj_in_dim, 1152);
  EXPECT_EQ(variant("moondream2-2024-05-20").config.vision.cropping, vision::Cropping::kViews2024);
  EXPECT_EQ(variant("moondream2-2024-05-20").config.text.prefix_attn, 0);
}

TEST(Variants, OnlyReleasesAreToldToAnswerInJson) {
  for (const Variant& row : variants()) {
    const bool own = row.name == "tiny" || row.name == "small" || row.name == kOwnVariant;
    EXPECT_EQ(row.config.prompts.json_with_keys.empty(), own) << row.name;
    EXPECT_EQ(row.config.prompts.json_plain.empty(), own) << row.name;
    // Written where it is not that of releases, and read again.
    EXPECT_EQ(write_config_json(row.config).find("json_plain") != std::string::npos, own) << row.name;
    ModelConfig told = row.config;
    told.prompts.json_plain = "As JSON, please.";
    EXPECT_EQ(parse_config_json(write_config_json(told), row.config, "told").prompts.json_plain,
              "As JSON, please.");
  }
}

}  // namespace
}  // namespace moonbeam::model
