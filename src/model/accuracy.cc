#include "model/accuracy.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "formats/json_value.h"

namespace moonbeam::model {

namespace {

using formats::JsonObject;
using formats::JsonValue;
using Json = nlohmann::ordered_json;

/// Highest relative errors, and the lowest share of equal likeliest tokens.
struct Bars {
  Mode mode;
  double features, projector, logits, top1;
};
constexpr Bars kBars[] = {{Mode::kBF16, 0.015, 0.015, 0.02, 0.99},
                          {Mode::kInt8, 0.05, 0.05, 0.05, 0.97},
                          {Mode::kInt4, 0.05, 0.05, 0.15, 0.90}};

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %%", share * 100);
  return text;
}

/// Four digits say enough, and are the same whatever the order of sums was.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const double unit = std::pow(10.0, 3 - std::floor(std::log10(std::fabs(value))));
  return std::round(value * unit) / unit;
}

constexpr char kWhere[] = "moonbeam.accuracy";

[[noreturn]] void fail_understood() {
  base::fail(ErrorCode::kCorrupt, kWhere, " is not understood");
}

const JsonObject& object_in(const JsonValue& value) {
  if (!value.object()) fail_understood();
  return *value.object();
}

std::string text_in(const JsonObject& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  if (!value || !value->string()) fail_understood();
  return *value->string();
}

/// A number that an int can hold. @param missing  what stands for a key that is not there; none: it has to
/// be.
double number_in(const JsonObject& object, std::string_view key, std::optional<double> missing) {
  const JsonValue* value = object.find(key);
  const std::optional<double> number = value ? value->number() : missing;
  if (!number || !(std::fabs(*number) <= 1e9)) fail_understood();
  return *number;
}

const StageAccuracy* find_stage(const ModelAccuracy& accuracy, std::string_view name) {
  const auto found = std::find_if(accuracy.stages.begin(), accuracy.stages.end(),
                                  [&](const StageAccuracy& stage) { return stage.stage == name; });
  return found == accuracy.stages.end() ? nullptr : &*found;
}

/// Rules for the blocks of `stage` in which the error grows most: as many as make up for `excess`, at most
/// half of the blocks.
std::string rules_against(const ModelAccuracy& accuracy, std::string_view stage, std::string_view blocks,
                          double excess) {
  std::vector<std::pair<double, int>> growth;
  double before = 0;
  for (const StageAccuracy& row : accuracy.stages) {
    if (row.stage == stage) growth.emplace_back(row.error - before, row.layer);
    if (row.stage == stage || row.stage == "patch_embedding" || row.stage == "projector") before = row.error;
  }
  std::sort(growth.begin(), growth.end(), std::greater<>());
  growth.resize((growth.size() + 1) / 2);
  std::string out;
  for (const auto& [amount, layer] : growth) {
    if (excess <= 0) break;
    out += base::cat(out.empty() ? "" : ", ", "'", blocks, layer, ".* bf16'");
    excess -= std::max(amount, 0.0);
  }
  return out;
}

std::string advice(const ModelAccuracy& accuracy, const StageAccuracy& missed) {
  const bool text = missed.stage == "logits";
  const std::string rules =
      rules_against(accuracy, text ? "text_block" : "vit_block", text ? "text.blocks." : "vision.blocks.",
                    missed.error - missed.bar);
  return rules.empty() ? "" : "; rules to put before the others of the recipe: " + rules;
}

}  // namespace

void set_bars(ModelAccuracy& accuracy, Mode mode) {
  for (const Bars& bars : kBars) {
    if (bars.mode != mode) continue;
    for (StageAccuracy& stage : accuracy.stages) {
      stage.bar = stage.stage == "features"    ? bars.features
                  : stage.stage == "projector" ? bars.projector
                  : stage.stage == "logits"    ? bars.logits
                                               : 0;
    }
    accuracy.top1_bar = bars.top1;
  }
}

std::string write_accuracy(const ModelAccuracy& accuracy) {
  Json json = {{"mode", accuracy.mode},           {"reference", "f32"},
               {"positions", accuracy.positions}, {"top1", rounded(accuracy.top1)},
               {"top1_bar", accuracy.top1_bar},   {"stages", Json::array()}};
  for (const StageAccuracy& stage : accuracy.stages) {
    Json row = {{"stage", stage.stage}};
    if (stage.layer >= 0) row["layer"] = stage.layer;
    row["error"] = rounded(stage.error);
    row["cosine"] = std::round(stage.cosine * 1e6) / 1e6;
    if (stage.bar > 0) row["bar"] = stage.bar;
    json["stages"].push_back(std::move(row));
  }
  return json.dump();
}

std::optional<ModelAccuracy> parse_accuracy(std::string_view text) {
  try {
    const JsonValue json = formats::parse_json(text, kWhere);
    const JsonObject& object = object_in(json);
    ModelAccuracy out{.mode = text_in(object, "mode"),
                      .positions = static_cast<int>(number_in(object, "positions", std::nullopt)),
                      .top1 = number_in(object, "top1", std::nullopt),
                      .top1_bar = number_in(object, "top1_bar", 0),
                      .stages = {}};
    const JsonValue* stages = object.find("stages");
    if (!stages || !stages->array()) fail_understood();
    for (const JsonValue& row : *stages->array()) {
      const JsonObject& stage = object_in(row);
      out.stages.push_back({.stage = text_in(stage, "stage"),
                            .layer = static_cast<int>(number_in(stage, "layer", -1)),
                            .error = number_in(stage, "error", std::nullopt),
                            .cosine = number_in(stage, "cosine", std::nullopt),
                            .bar = number_in(stage, "bar", 0)});
    }
    return out;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::vector<std::string> missed_bars(const ModelAccuracy& accuracy) {
  std::vector<std::string> out;
  for (const StageAccuracy& stage : accuracy.stages) {
    if (stage.bar <= 0 || stage.error <= stage.bar) continue;
    out.push_back(base::cat(stage.stage, ": the error is ", percent(stage.error), ", above the bar of ",
                            percent(stage.bar), advice(accuracy, stage)));
  }
  if (accuracy.top1 < accuracy.top1_bar) {
    const StageAccuracy* logits = find_stage(accuracy, "logits");
    out.push_back(base::cat("the likeliest token is the same at ", percent(accuracy.top1),
                            " of the positions, below the bar of ", percent(accuracy.top1_bar),
                            logits && logits->error <= logits->bar
                                ? base::cat("; rules to put before the others of the recipe: ",
                                            rules_against(accuracy, "text_block", "text.blocks.", 1e-9))
                                : ""));
  }
  return out;
}

}  // namespace moonbeam::model
