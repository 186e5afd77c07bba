#include "server/api/chat/conversation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/api/error.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

using Kind = JsonIn::Kind;

constexpr std::size_t kMaxTurns = 4096;
constexpr std::size_t kMaxQuestion = 65'536;  // bytes; far beyond every model's context

/// None for what is neither the user's, the model's nor the system's word.
std::optional<Role> read_role(const Members& message) {
  const auto role = message.string("role");
  if (!role) fail_missing(message.full_name("role"));
  if (*role == "user") return Role::kUser;
  if (*role == "assistant") return Role::kAssistant;
  if (*role == "system" || *role == "developer") return Role::kSystem;
  if (*role == "tool" || *role == "function") return std::nullopt;
  message.fail("role", "\"system\", \"user\" or \"assistant\"");
}

void add_line(std::string& text, std::string_view line) {
  if (is_blank(line)) return;
  if (!text.empty()) text += '\n';
  text += line;
}

void read_part(const Members& part, Turn& turn) {
  const auto type = part.string("type");
  if (!type) fail_missing(part.full_name("type"));
  if (*type == "text") {
    const auto text = part.string("text");
    if (!text) fail_missing(part.full_name("text"));
    return add_line(turn.text, *text);
  }
  if (*type == "refusal") return;  // what an assistant would not say
  if (*type != "image_url")
    throw Refusal(
        400, "unsupported_option",
        part.full_name("type") + ": expected \"text\" or \"image_url\", got \"" + printable(*type) + "\"",
        part.full_name("type"));
  const JsonIn* url = part.find("image_url");
  if (url == nullptr) fail_missing(part.full_name("image_url"));
  if (url->is(Kind::kString)) return turn.pictures.push_back({url->text, part.full_name("image_url")});
  const Members inner = members_of(*url, part.full_name("image_url"));
  const auto uri = inner.string("url");
  if (!uri) fail_missing(inner.full_name("url"));
  turn.pictures.push_back({*uri, inner.full_name("url")});
}

void read_content(const Members& message, Turn& turn) {
  const JsonIn* content = message.find("content");
  if (content == nullptr) return;  // an assistant that called a tool
  if (content->is(Kind::kString)) return add_line(turn.text, content->text);
  if (!content->is(Kind::kArray)) message.fail("content", "a string or an array of parts");
  const std::string field = message.full_name("content");
  for (std::size_t i = 0; i < content->items.size(); ++i)
    read_part(members_of(content->items[i], field + "[" + std::to_string(i) + "]"), turn);
}

template <typename Read>
std::vector<Turn> read_messages(const JsonIn& messages, std::vector<std::string>& warnings,
                                const Read& read) {
  if (messages.items.size() > kMaxTurns)
    fail_value("messages", "at most " + std::to_string(kMaxTurns), std::to_string(messages.items.size()));
  std::vector<Turn> out;
  bool others = false;
  for (std::size_t i = 0; i < messages.items.size(); ++i) {
    const Members message = members_of(messages.items[i], "messages[" + std::to_string(i) + "]");
    const std::optional<Role> role = read_role(message);
    Turn turn{.role = role.value_or(Role::kSystem)};
    read(message, turn);
    if (role) {
      out.push_back(std::move(turn));
    } else {
      others = true;
    }
  }
  if (others) warnings.push_back("messages: what tools have said is left out");
  return out;
}

/// Neighbours of one role are one turn: some programs send a picture and its question apart.
std::vector<Turn> joined(std::vector<Turn> turns) {
  std::vector<Turn> out;
  for (Turn& turn : turns) {
    if (out.empty() || out.back().role != turn.role) {
      out.push_back(std::move(turn));
      continue;
    }
    add_line(out.back().text, turn.text);
    std::move(turn.pictures.begin(), turn.pictures.end(), std::back_inserter(out.back().pictures));
  }
  return out;
}

// Taken out of the turns, so that what is left are questions and answers.
std::string take_system(std::vector<Turn>& turns) {
  std::string out;
  for (const Turn& turn : turns)
    if (turn.role == Role::kSystem) add_line(out, turn.text);
  std::erase_if(turns, [](const Turn& turn) { return turn.role == Role::kSystem; });
  return out;
}

std::vector<PictureAt> last_pictures(std::vector<Turn>& turns, std::vector<std::string>& warnings) {
  std::vector<PictureAt> out;
  std::size_t earlier = 0;
  for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
    if (out.empty()) {
      out = std::move(turn->pictures);
    } else {
      earlier += turn->pictures.size();
    }
  }
  if (earlier > 0)
    warnings.push_back("messages: pictures of earlier turns are left out: " + std::to_string(earlier));
  return out;
}

/// Questions and answers before the last question, in the words of the prompt that surrounds it.
/// @param room  positions that they may take.
std::string history(const std::vector<Turn>& turns, std::size_t last, const Service& service, int room) {
  constexpr std::string_view kAnswer = "\n\nAnswer:", kQuestion = "\n\nQuestion: ";
  std::string out;
  for (std::size_t i = last; i-- > 0 && room > 0;) {
    const Turn& turn = turns[i];
    if (turn.role != Role::kUser || turn.text.empty()) continue;
    const bool answered = i + 1 < turns.size() && turns[i + 1].role == Role::kAssistant;
    std::string pair = turn.text + std::string(kAnswer);
    if (answered) pair += " " + turns[i + 1].text;
    pair += kQuestion;
    // No token is longer than this: what cannot fit need not be counted.
    if (pair.size() > static_cast<std::size_t>(room) * 64) break;
    room -= static_cast<int>(service.model().encode(pair).size());
    if (room < 0) break;
    out = pair + out;
  }
  return out;
}

}  // namespace

std::vector<Turn> read_openai_messages(const JsonIn& messages, std::vector<std::string>& warnings) {
  return read_messages(messages, warnings, read_content);
}

std::vector<PictureAt> read_images(const Members& of) {
  std::vector<PictureAt> out;
  const JsonIn* images = of.array("images");
  if (images == nullptr) return out;
  for (std::size_t i = 0; i < images->items.size(); ++i) {
    const std::string field = of.full_name("images") + "[" + std::to_string(i) + "]";
    if (!images->items[i].is(Kind::kString))
      fail_value(field, "a picture in base64", shown(images->items[i]));
    out.push_back({images->items[i].text, field});
  }
  return out;
}

std::vector<Turn> read_ollama_messages(const JsonIn& messages, std::vector<std::string>& warnings) {
  return read_messages(messages, warnings, [](const Members& message, Turn& turn) {
    add_line(turn.text, message.string("content").value_or(""));
    turn.pictures = read_images(message);
  });
}

Prompt flatten(std::vector<Turn> turns, const Service& service, int context, int answer_tokens,
               std::vector<std::string>& warnings) {
  Prompt out;
  out.pictures = last_pictures(turns, warnings);
  const std::string system = take_system(turns);
  turns = joined(std::move(turns));
  const auto last =
      std::find_if(turns.rbegin(), turns.rend(), [](const Turn& turn) { return turn.role == Role::kUser; });
  if (last == turns.rend() || last->text.empty()) {
    // The prompt of a caption is the model's own.
    if (!system.empty()) warnings.push_back("messages: a caption takes no text of the system");
    return out;
  }
  out.last = last->text;
  add_line(out.question, system);
  add_line(out.question, last->text);
  if (out.question.size() > kMaxQuestion)
    fail_value("messages",
               "at most " + std::to_string(kMaxQuestion) + " bytes in a question and the system's text",
               std::to_string(out.question.size()));
  const std::size_t index = static_cast<std::size_t>(turns.rend() - last) - 1;
  if (index == 0) return out;
  if (!service.model().info().plain_prompt) {
    warnings.push_back("messages: this model answers each question by itself; earlier turns are left out");
    return out;
  }
  const ModelInfo& info = service.model().info();
  const int taken = (out.pictures.empty() ? 0 : info.image_tokens) +
                    static_cast<int>(service.model().encode(out.question).size());
  out.question = history(turns, index, service, context - answer_tokens - taken - 16) + out.question;
  return out;
}

}  // namespace moonbeam::server
