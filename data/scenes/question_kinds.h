// One function a kind of question, for questions.cc alone. Each gives nothing where the scene does not allow
// the question, and draws from a stream of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/scenes/absent.h"
#include "data/scenes/questions.h"

namespace moonbeam::data {

struct Asking {
  const Scene& scene;
  const LabelTable& labels;
  const AskedThings& things;
  std::vector<Asked> visible;
};

std::optional<Question> ask_exist(const Asking& asking, bool positive, Stream& stream);
/// At most `most` groups of equal things.
std::vector<Question> ask_counts(const Asking& asking, int most, Stream& stream);
std::optional<Question> ask_zero(const Asking& asking, Stream& stream);
std::optional<Question> ask_colour(const Asking& asking, Stream& stream);
std::optional<Question> ask_name(const Asking& asking, Stream& stream);
std::optional<Question> ask_relation(const Asking& asking, Stream& stream);
std::optional<Question> ask_objects(const Asking& asking, Kind kind, bool positive, Stream& stream);
std::optional<Question> ask_read(const Asking& asking, Stream& stream);
std::optional<Question> ask_premise(const Asking& asking, Stream& stream);

// Shared by them.

/// A relation's text with a thing that is not there.
std::string ask_relation_of(const Asking& asking, const Asked& absent, Stream& stream);

/// Objects of the scene that are what was asked for.
std::vector<int> matching(const Asking& asking, const Asked& asked);
/// How an object is called where it is the only one of its kind: "the dog", "the red star" without "the";
/// none where another one goes by the same name.
std::optional<Asked> unique_name(const Asking& asking, int object, Stream& stream);
/// Fills in the answer and, half the time, the instruction that asks for the short one.
void finish(Question& question, std::string sentence, std::string brief,
            std::vector<std::string_view> instructions, Stream& stream);
/// The first form half of the time, else one of the others.
std::string_view pick_form(const std::vector<std::string_view>& forms, Stream& stream);
/// "{}" in `form` replaced.
std::string filled(std::string_view form, std::string_view text);

}  // namespace moonbeam::data
