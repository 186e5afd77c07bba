#include "live/session/messages.h"

#include <moonbeam/version.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace moonbeam::live {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxQuestion = 8192, kMaxObject = 512;  // bytes
constexpr int kMaxTokens = 768;

[[noreturn]] void bad(const std::string& message) {
  throw BadMessage("invalid_value", message);
}

std::string text_field(const Json& message, const char* name) {
  const auto found = message.find(name);
  if (found == message.end() || found->is_null()) return {};
  if (!found->is_string()) bad(std::string("'") + name + "' is no text");
  return found->get<std::string>();
}

std::string needed_text(const Json& message, const char* name, std::size_t most) {
  std::string out = text_field(message, name);
  if (out.find_first_not_of(" \t\r\n\f\v") == std::string::npos) bad(std::string("'") + name + "' is blank");
  if (out.size() > most) {
    bad(std::string("'") + name + "' is over " + std::to_string(most) + " bytes");
  }
  return out;
}

bool flag(const Json& message, const char* name, bool otherwise) {
  const auto found = message.find(name);
  if (found == message.end() || found->is_null()) return otherwise;
  if (!found->is_boolean()) bad(std::string("'") + name + "' is neither true nor false");
  return found->get<bool>();
}

std::optional<std::int64_t> whole(const Json& message, const char* name) {
  const auto found = message.find(name);
  if (found == message.end() || found->is_null()) return std::nullopt;
  const double value = found->is_number() ? found->get<double>() : -1;
  constexpr double kMost = 9007199254740992.0;  // 2^53: exact in a browser
  if (!(value >= 0 && value <= kMost) || value != std::floor(value)) {
    bad(std::string("'") + name + "' is no whole number from 0 on");
  }
  return static_cast<std::int64_t>(value);
}

CaptionLength length_of(const std::string& name, const ModelInfo& info) {
  CaptionLength out = CaptionLength::kShort;
  if (name == "normal") {
    out = CaptionLength::kNormal;
  } else if (name == "long") {
    out = CaptionLength::kLong;
  } else if (!name.empty() && name != "short") {
    bad("'length' is neither short, normal nor long");
  }
  // Variants of 2024 know one length; the server answers with what there is, as its other routes do.
  const auto knows = [&](const char* wanted) {
    const auto& all = info.caption_lengths;
    return std::find(all.begin(), all.end(), wanted) != all.end();
  };
  if (out == CaptionLength::kShort && !knows("short")) return CaptionLength::kNormal;
  if (out == CaptionLength::kLong && !knows("long")) return CaptionLength::kNormal;
  return out;
}

Task parse_task(const Json& message, const ModelInfo& info) {
  Task out;
  const std::string skill = text_field(message, "skill");
  if (skill == "caption") {
    out.length = length_of(text_field(message, "length"), info);
  } else if (skill == "query") {
    out.skill = Skill::kQuery;
    out.question = needed_text(message, "question", kMaxQuestion);
  } else if (skill == "detect" || skill == "point") {
    out.skill = skill == "detect" ? Skill::kDetect : Skill::kPoint;
    if (!info.can_detect) throw BadMessage("unsupported_task", "this model cannot " + skill);
    out.object = needed_text(message, "object", kMaxObject);
  } else {
    bad("'skill' is none of caption, query, detect, point");
  }
  const std::int64_t tokens = whole(message, "max_tokens").value_or(out.max_tokens);
  if (tokens < 1) bad("'max_tokens' is less than 1");
  out.max_tokens = static_cast<int>(std::min<std::int64_t>(tokens, kMaxTokens));
  out.skip_unchanged = flag(message, "skip_unchanged", true);
  return out;
}

Message::Kind kind_of(const std::string& name) {
  using Kind = Message::Kind;
  static constexpr std::pair<const char*, Kind> kKinds[] = {
      {"hello", Kind::kHello},   {"task", Kind::kTask}, {"pause", Kind::kPause}, {"resume", Kind::kResume},
      {"cancel", Kind::kCancel}, {"step", Kind::kStep}, {"watch", Kind::kWatch}};
  for (const auto& [known, kind] : kKinds) {
    if (name == known) return kind;
  }
  return Kind::kUnknown;
}

// Six decimals at most for coordinates, two for times; never NaN.
Json rounded(double value, double per_unit) {
  return std::isfinite(value) ? Json(std::round(value * per_unit) / per_unit) : Json(0);
}
Json coordinate(double value) {
  return rounded(value, 1e6);
}
Json ms(double value) {
  return rounded(value, 100);
}

std::string written(const Json& message) {
  return message.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

// A rate of tokens is told for texts alone: an object takes few steps, and not all of them are tokens.
Json timing_json(const Timing& timing, Skill skill) {
  const bool text = skill == Skill::kCaption || skill == Skill::kQuery;
  const bool counts = text && timing.decode_ms > 0 && timing.tokens > 0;
  return {{"queue_ms", ms(timing.queue_ms)},
          {"decode_image_ms", ms(timing.decode_image_ms)},
          {"encode_ms", ms(timing.encode_ms)},
          {"prefill_ms", ms(timing.prefill_ms)},
          {"ttft_ms", ms(timing.first_token_ms)},
          {"decode_ms", ms(timing.decode_ms)},
          {"total_ms", ms(timing.total_ms)},
          {"tokens", timing.tokens},
          {"tok_s", ms(counts ? 1000.0 * timing.tokens / timing.decode_ms : 0)}};
}

void add_found(const Answer& answer, Json& out) {
  switch (answer.skill) {
    case Skill::kCaption:
    case Skill::kQuery:
      out["answer"] = answer.text;
      out["finish_reason"] = answer.finish;
      break;
    case Skill::kDetect:
      out["objects"] = Json::array();
      for (const Box& box : answer.boxes) {
        out["objects"].push_back({{"x_min", coordinate(box.x_min)},
                                  {"y_min", coordinate(box.y_min)},
                                  {"x_max", coordinate(box.x_max)},
                                  {"y_max", coordinate(box.y_max)}});
      }
      break;
    case Skill::kPoint:
      out["points"] = Json::array();
      for (const Point& point : answer.points) {
        out["points"].push_back({{"x", coordinate(point.x)}, {"y", coordinate(point.y)}});
      }
      break;
  }
}

Json counts_json(const Counts& counts) {
  return {{"received", counts.received},   {"answered", counts.answered}, {"dropped", counts.dropped},
          {"unchanged", counts.unchanged}, {"bad", counts.bad},           {"errors", counts.errors}};
}

}  // namespace

Message parse_message(std::string_view text, const ModelInfo& info) {
  if (text.size() > kMaxTextBytes) throw BadMessage("body_too_large", "message: over 64 KiB");
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw BadMessage("invalid_json", "message: no JSON object");
  Message out;
  out.kind = kind_of(text_field(json, "t"));
  switch (out.kind) {
    case Message::Kind::kHello:
      out.version = static_cast<int>(std::min<std::int64_t>(whole(json, "v").value_or(0), 1000));
      out.key = text_field(json, "key");
      break;
    case Message::Kind::kTask: {
      const auto rev = whole(json, "rev");
      if (!rev) bad("a task needs 'rev'");
      out.rev = *rev;
      out.task = parse_task(json, info);
      break;
    }
    case Message::Kind::kWatch:
      out.watch = flag(json, "on", true);
      out.with_frames = flag(json, "frames", false);
      break;
    default:
      break;
  }
  return out;
}

std::string write_hello(const ModelInfo& info, const Greeting& greeting) {
  Json out = {
      {"t", "hello"},
      {"v", 1},
      {"session", greeting.session},
      {"model", info.name},
      {"dtype", info.dtype},
      {"mode", info.mode},
      {"isa", info.isa},
      {"threads", info.threads},
      {"version", std::string(version())},
      {"skills", info.can_detect ? Json{"caption", "query", "detect", "point"} : Json{"caption", "query"}},
      {"lengths", info.caption_lengths},
      {"max_frame_bytes", greeting.max_frame_bytes},
      {"credits", 1}};
  out["source"] = greeting.source.empty() ? Json(nullptr) : Json(greeting.source);
  return written(out);
}

std::string write_wait(std::int64_t seq) {
  return written({{"t", "wait"}, {"seq", seq}});
}
std::string write_start(std::int64_t seq) {
  return written({{"t", "start"}, {"seq", seq}});
}
std::string write_token(std::int64_t seq, std::string_view text) {
  return written({{"t", "tok"}, {"seq", seq}, {"s", text}});
}

std::string write_result(std::int64_t seq, Rev rev, double captured, const Answer& answer,
                         const Counts& counts) {
  Json out = {{"t", "result"}, {"seq", seq}, {"rev", rev}, {"ts", captured}};
  add_found(answer, out);
  out["w"] = answer.width;
  out["h"] = answer.height;
  out["timing"] = timing_json(answer.timing, answer.skill);
  out["cached"] = answer.cached;
  out["dropped"] = counts.dropped;
  out["counts"] = counts_json(counts);
  return written(out);
}

std::string write_drop(std::int64_t seq, Drop why) {
  static constexpr const char* kNames[] = {"newer", "paused", "stale", "bad", "unchanged", "cancelled"};
  return written({{"t", "drop"}, {"seq", seq}, {"why", kNames[static_cast<int>(why)]}});
}

std::string write_error(std::string_view code, std::string_view message, bool fatal,
                        std::optional<std::int64_t> seq) {
  Json out = {{"t", "error"}, {"code", code}, {"message", message}, {"fatal", fatal}};
  if (seq) out["seq"] = *seq;
  return written(out);
}

std::string write_status(const Status& status) {
  Json out = {{"t", "status"}};
  out.update(counts_json(status.counts));
  out["queued"] = status.queued;
  out["running"] = status.running;
  out["sessions"] = status.sessions;
  out["paused"] = status.paused;
  return written(out);
}

}  // namespace moonbeam::live
