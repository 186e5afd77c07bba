#include "cli/remote/wire.h"

#include <moonbeam/error.h>

#include <array>

#include "base/text.h"
#include "cli/text.h"
#include "net/json.h"
#include "net/url.h"

namespace moonbeam::cli {

using nlohmann::json;

namespace {

std::string encode_base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? kDigits[(group >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return out;
}

json refs_of(const std::vector<SpatialRef>& refs) {
  json list = json::array();
  for (const SpatialRef& ref : refs) {
    if (ref.point) list.push_back({ref.point->x, ref.point->y});
    if (ref.box) list.push_back({ref.box->x_min, ref.box->y_min, ref.box->x_max, ref.box->y_max});
  }
  return list;
}

/// Every field in its JSON form. The command line's defaults are not the server's, so all are said.
json fields_of(const Ask& ask, const std::string& model, bool stream) {
  json fields = json::object();
  if (ask.task == Task::kCaption) fields["length"] = ask.length;
  if (ask.task == Task::kQuery) {
    fields["question"] = ask.prompt;
    if (ask.reasoning) fields["reasoning"] = true;
    if (!ask.refs.empty()) fields["spatial_refs"] = refs_of(ask.refs);
  }
  if (ask.task == Task::kDetect || ask.task == Task::kPoint) {
    fields["object"] = ask.prompt;
    fields["max_objects"] = ask.max_objects;
  } else {
    fields["temperature"] = ask.sampling.temperature;
    fields["top_p"] = ask.sampling.top_p;
    fields["max_tokens"] = ask.max_tokens;
    fields["seed"] = ask.sampling.seed;
    if (stream) fields["stream"] = true;
  }
  if (!model.empty()) fields["model"] = model;
  return fields;
}

double number_of(const json& object, const char* key, double otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : otherwise;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

[[noreturn]] void fail_shape(const char* key) {
  throw net::NetworkError(std::string("the server's answer: expected '") + key + "', got something else");
}

const json& list_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) fail_shape(key);
  return *found;
}

double coordinate(const json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number()) fail_shape(key);
  return object[key].get<double>();
}

std::optional<Reasoning> reasoning_of(const json& object) {
  const auto found = object.find("reasoning");
  if (found == object.end() || !found->is_object()) return {};
  Reasoning reasoning;
  reasoning.text = text_of(*found, "text");
  const auto grounding = found->find("grounding");
  for (const json& one : grounding != found->end() && grounding->is_array() ? *grounding : json::array()) {
    Grounding place;
    if (!one.is_object()) fail_shape("grounding");
    place.start_idx = static_cast<int>(number_of(one, "start_idx", 0));
    place.end_idx = static_cast<int>(number_of(one, "end_idx", 0));
    const auto points = one.find("points");
    for (const json& point : points != one.end() && points->is_array() ? *points : json::array()) {
      if (!point.is_array() || point.size() != 2 || !point[0].is_number() || !point[1].is_number()) {
        fail_shape("points");
      }
      place.points.push_back({point[0].get<double>(), point[1].get<double>()});
    }
    reasoning.grounding.push_back(std::move(place));
  }
  return reasoning;
}

void read_metrics(const json& object, Metrics& metrics) {
  const auto found = object.find("metrics");
  if (found == object.end() || !found->is_object()) return;
  metrics.input_tokens = static_cast<int>(number_of(*found, "input_tokens", -1));
  metrics.output_tokens = static_cast<int>(number_of(*found, "output_tokens", -1));
  metrics.encode_ms = number_of(*found, "encode_time_ms", 0);
  metrics.prefill_ms = number_of(*found, "prefill_time_ms", 0);
  metrics.decode_ms = number_of(*found, "decode_time_ms", 0);
  metrics.ttft_ms = number_of(*found, "ttft_ms", 0);
}

ErrorCode code_of(int status, const std::string& code) {
  if (code == "image_decode_failed" || status == 422) return ErrorCode::kCorrupt;
  if (code == "unsupported_option" || status == 501) return ErrorCode::kUnsupported;
  switch (status) {
    case 404:
      return ErrorCode::kNotFound;
    case 413:
    case 429:
    case 503:
    case 504:
      return ErrorCode::kExhausted;
    default:
      return ErrorCode::kInvalidArgument;
  }
}

}  // namespace

std::string route_of(Task task) {
  constexpr std::array<const char*, 4> kRoutes = {"/v1/caption", "/v1/query", "/v1/detect", "/v1/point"};
  return kRoutes.at(static_cast<std::size_t>(task));
}

std::string query_string(const Ask& ask, const std::string& model, bool stream) {
  std::string text;
  const json fields = fields_of(ask, model, stream);
  for (const auto& [name, value] : fields.items()) {
    const std::string plain = value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', true);
    text += (text.empty() ? "?" : "&") + name + "=" + net::escape(plain);
  }
  return text;
}

std::string json_body(const Ask& ask, const std::string& model, bool stream, const std::string& picture) {
  json fields = fields_of(ask, model, stream);
  if (!picture.empty())
    fields["image_url"] = "data:" + media_type(picture) + ";base64," + encode_base64(picture);
  return fields.dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string media_type(const std::string& picture) {
  const std::string_view bytes = picture;
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
  if (bytes.starts_with("BM")) return "image/bmp";
  return "application/octet-stream";
}

void read_answer(const json& object, const Ask& ask, bool whole, Answer& answer,
                 std::vector<std::string>& warnings) {
  if (!object.is_object()) fail_shape("an object");
  if (ask.task == Task::kDetect) {
    for (const json& box : list_of(object, "objects")) {
      answer.boxes.push_back({coordinate(box, "x_min"), coordinate(box, "y_min"), coordinate(box, "x_max"),
                              coordinate(box, "y_max")});
    }
  } else if (ask.task == Task::kPoint) {
    for (const json& point : list_of(object, "points")) {
      answer.points.push_back({coordinate(point, "x"), coordinate(point, "y")});
    }
  } else if (whole) {
    const char* key = ask.task == Task::kCaption ? "caption" : "answer";
    if (!object.contains(key) || !object[key].is_string()) fail_shape(key);
    answer.text = object[key].get<std::string>();
  }
  if (std::optional<Reasoning> reasoning = reasoning_of(object)) answer.reasoning = std::move(reasoning);
  answer.finish = text_of(object, "finish_reason") == "length" ? Finish::kLength : Finish::kEos;
  read_metrics(object, answer.metrics);
  const auto said = object.find("warnings");
  for (const json& warning : said != object.end() && said->is_array() ? *said : json::array()) {
    if (warning.is_string()) warnings.push_back(warning.get<std::string>());
  }
}

std::string error_words(const json& object) {
  const auto error = object.is_object() ? object.find("error") : object.end();
  if (!object.is_object() || error == object.end()) return {};
  if (error->is_string()) return error->get<std::string>();
  return error->is_object() ? text_of(*error, "message") : std::string();
}

void fail_answer(const std::string& url, const net::Head& head, const std::string& body) {
  const json object = net::parse_json<json>(body);
  const std::string words = error_words(object);
  const bool detailed = object.is_object() && object.contains("error") && object["error"].is_object();
  const std::string code = detailed ? text_of(object["error"], "code") : std::string();
  std::string message = net::printable_url(url) + ": the server answered " + std::to_string(head.status);
  if (!words.empty()) message += ": " + words;
  if (head.status == 401) message += "; --api-key-file or MOONDREAM_API_KEY gives the key";
  const bool fault = head.status < 400 || head.status == 408 || head.status == 500 || head.status == 502 ||
                     head.status > 504;
  if (fault) throw ServerError(message);
  throw Error(code_of(head.status, code), message);
}

}  // namespace moonbeam::cli
