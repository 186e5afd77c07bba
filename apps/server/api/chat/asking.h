// From a conversation to a task: what the routes of OpenAI and Ollama have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/api/ask.h"
#include "server/api/chat/conversation.h"
#include "server/api/chat/members.h"
#include "server/api/service.h"

namespace moonbeam::server {

/// `moonbeam`'s extension `moondream`: {"skill", "object", "length", "max_objects"}.
struct Skill {
  enum class Kind {
    kChat,  ///< none named: a query, or a caption where nothing is asked
    kCaption,
    kQuery,
    kDetect,
    kPoint,
  };
  Kind kind = Kind::kChat;
  std::string object = {};  ///< empty: what the user says
  CaptionLength length = CaptionLength::kNormal;
  int max_objects = 0;
  std::string field = "moondream";  ///< what errors call it
};

/// @param members  of the request, or of Ollama's `options`.
/// @throws Refusal 400.
Skill read_skill(const Members& members, const Service& service, std::vector<std::string>& warnings);

/// temperature, top_p and seed.
void read_sampling(const Members& members, const Service& service, double temperature, SamplingOptions& out);

/// `stop`: text or an array of it, at most `most`.
std::vector<std::string> read_stop(const Members& members, std::size_t most);

/// A schema that answers are to follow. `field` is what errors call it. @throws Refusal 400.
ResponseSchema schema_of(const JsonIn& schema, const std::string& field);

/// What was asked for, before it is known which task that is.
struct Wish {
  Skill skill = {};
  QueryOptions options = {};
  int context = 0;  ///< positions that question and answer may take, the picture included
  std::optional<double> timeout_seconds = {};
  std::string field = "messages";  ///< where the text stands
};

/// Chooses the task and decodes its picture.
/// @throws Refusal 400 missing_field where there is neither text nor picture, or none that the skill needs.
Asked asked_of(std::vector<Turn> turns, Wish wish, const Service& service,
               std::vector<std::string>& warnings);

/// Callbacks of a task of text; those of others are never called.
void set_callbacks(Task& task, TextFn on_text, TextFn on_reasoning);

/// A result as what an assistant says: text as it is, objects and points as JSON.
std::string content_of(const decltype(Outcome::result)& result);
/// nullptr where there is none.
const Reasoning* reasoning_of(const decltype(Outcome::result)& result);
/// Whether its text comes through `on_text`.
bool is_text(const decltype(Outcome::result)& result);

}  // namespace moonbeam::server
