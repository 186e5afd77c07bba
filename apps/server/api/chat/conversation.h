// Conversations as chat programs send them, brought to what a model of one picture and short questions takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/api/chat/members.h"
#include "server/api/service.h"

namespace moonbeam::server {

/// A picture where it stood; not decoded yet.
struct PictureAt {
  std::string_view uri;  ///< data URI or base64; points into the body
  std::string field;     ///< "messages[0].content[1].image_url"
};

enum class Role { kSystem, kUser, kAssistant };

struct Turn {
  Role role = Role::kUser;
  std::string text = {};
  std::vector<PictureAt> pictures = {};
};

/// OpenAI's `messages`: content as text, or as parts `text` and `image_url`. What tools have said is left
/// out.
/// @throws Refusal 400, which names the place.
std::vector<Turn> read_openai_messages(const JsonIn& messages, std::vector<std::string>& warnings);

/// Ollama's: content as text, `images` in base64.
std::vector<Turn> read_ollama_messages(const JsonIn& messages, std::vector<std::string>& warnings);

/// Pictures of an array `images` of base64, as Ollama's callers send them.
std::vector<PictureAt> read_images(const Members& of);

/// What of a conversation counts.
struct Prompt {
  std::string last = {};                 ///< the user's last words; empty: nothing was asked
  std::string question = {};             ///< the same with what stands before it
  std::vector<PictureAt> pictures = {};  ///< those of the last turn that has some
};

/// The question is the last that the user asked. Before it stand the texts of the system, and earlier turns
/// where the model's prompt is plain text: as many of the latest as leave `answer_tokens` of `context`
/// positions free. Pictures of earlier turns are left out. `warnings` are told what was.
Prompt flatten(std::vector<Turn> turns, const Service& service, int context, int answer_tokens,
               std::vector<std::string>& warnings);

}  // namespace moonbeam::server
