// The stages that check what was written: answers from claims alone, marks, whether two answers are one.
#include <algorithm>
#include <array>

#include "data/mockllm/answers.h"

namespace moonbeam::mockllm {

namespace {

std::string member(const Json& value, const char* key) {
  return value.contains(key) && value[key].is_string() ? value[key].get<std::string>() : std::string();
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Answers one question by the claims of a picture.
class Reader {
 public:
  Reader(const Json& claims, const Json& complete, const std::string& q)
      : claims_(claims), complete_(complete), text_(lower(q)) {}

  std::string answer() const {
    if (has(text_, "how many") || has(text_, "number of")) return count();
    const bool choice = has(text_, " or ");
    for (const std::string& noun : denied()) {
      if (!asks_yes() || choice) return "not in the picture";
      return says_exists(noun) ? "no" : "not in the picture";
    }
    if (choice) return relation();
    if (asks_yes()) return yes_or_no();
    if (has(text_, "color") || has(text_, "colour")) return object_of("attribute");
    if (has(text_, "where") || has(text_, "which part")) return position();
    if (has(text_, "doing") || has(text_, "does the") || has(text_, "written")) return doing();
    return what();
  }

 private:
  bool asks_yes() const {
    constexpr std::array<std::string_view, 5> kBegin = {"is ", "are ", "do ", "does ", "can "};
    return std::any_of(kBegin.begin(), kBegin.end(),
                       [&](std::string_view one) { return text_.starts_with(one); });
  }

  /// Nouns of the question that are certainly not there.
  std::vector<std::string> denied() const {
    std::vector<std::string> out;
    for (const Json& one : complete_) {
      if (!one.is_string() || !says(text_, one.get<std::string>())) continue;
      const bool known = std::any_of(claims_.begin(), claims_.end(), [&](const Json& claim) {
        return says(member(claim, "subject"), one.get<std::string>()) ||
               says(member(claim, "object"), one.get<std::string>());
      });
      if (!known) out.push_back(one);
    }
    return out;
  }

  /// "Is there a dog?", not "Is the dog red?".
  bool says_exists(const std::string& noun) const { return !has(text_, "the " + noun); }

  std::string count() const {
    for (const Json& claim : claims_) {
      if (member(claim, "type") == "count" && says(text_, member(claim, "subject")))
        return member(claim, "object");
    }
    return denied().empty() ? "unknown" : "0";
  }

  std::string object_of(std::string_view type) const {
    for (const Json& claim : claims_) {
      if (member(claim, "type") == type && says(text_, member(claim, "subject")))
        return member(claim, "object");
    }
    return "unknown";
  }

  std::string position() const {
    for (const Json& claim : claims_) {
      if (member(claim, "predicate") == "position" && says(text_, member(claim, "subject")))
        return member(claim, "object");
    }
    return "unknown";
  }

  std::string doing() const {
    for (const Json& claim : claims_) {
      const std::string type = member(claim, "type");
      if ((type != "action" && type != "text") || !says(text_, member(claim, "subject"))) continue;
      return member(claim, "object").empty() ? member(claim, "predicate") : member(claim, "object");
    }
    return "unknown";
  }

  std::string relation() const {
    for (const Json& claim : claims_) {
      const std::string way = member(claim, "predicate");
      const std::size_t subject = text_.find(member(claim, "subject")),
                        object = text_.find(member(claim, "object"));
      if (member(claim, "type") != "relation" || way == "position") continue;
      if (subject == std::string::npos || object == std::string::npos || subject > object) continue;
      const std::string first = way.substr(0, way.find(' '));
      if (has(text_, first)) return first;
    }
    return "unknown";
  }

  std::string yes_or_no() const {
    bool contrary = false, named = false;
    for (const Json& claim : claims_) {
      const std::string subject = member(claim, "subject"), object = member(claim, "object"),
                        type = member(claim, "type"), way = member(claim, "predicate");
      if (!says(text_, subject)) continue;
      named = true;
      const bool between = type == "relation" && way != "position";
      if (between && !says(text_, object)) continue;
      if (type == "count" && !has_number()) continue;
      if (type == "attribute" && !has_colour()) continue;
      if (type == "relation" && !between && !has_way()) continue;
      if (between && text_.find(subject) > text_.find(object)) continue;
      if (type == "existence" || type == "action") continue;
      const bool fits = between ? has(text_, way) : has(text_, " " + object);
      if (fits) return "yes";
      contrary = true;
    }
    if (contrary) return "no";
    return named && !has_number() && !has_colour() && !has_way() ? "yes" : named ? "unknown" : "no";
  }

  bool any_word(bool (*is)(const std::string&)) const {
    for (const Word& word : words_of(text_)) {
      if (is(word.text)) return true;
    }
    return false;
  }
  bool has_number() const {
    return any_word([](const std::string& word) { return number_of(word).has_value(); });
  }
  bool has_colour() const {
    return any_word([](const std::string& word) { return is_colour(word); });
  }
  bool has_way() const {
    return any_word([](const std::string& word) {
      constexpr std::array<std::string_view, 7> kWays = {"left", "right",  "above", "below",
                                                         "top",  "bottom", "middle"};
      return std::find(kWays.begin(), kWays.end(), word) != kWays.end();
    });
  }

  std::string what() const {
    for (const Json& claim : claims_) {
      const std::string way = member(claim, "predicate"), object = member(claim, "object");
      if (member(claim, "type") != "relation") continue;
      if (way == "position" ? has(text_, " the " + object + "?") || has(text_, " the " + object + " of")
                            : has(text_, way + " the " + object)) {
        return member(claim, "subject");
      }
    }
    return "unknown";
  }

  const Json &claims_, &complete_;
  std::string text_;
};

Json answers(const Question& question) {
  const Json claims = question.input.value("claims", Json::array()),
             complete = question.input.value("complete", Json::array());
  Json out = Json::array();
  for (const Json& one : question.input.value("questions", Json::array())) {
    const std::string is =
        question.has(Fault::kYes) ? "yes" : Reader(claims, complete, member(one, "q")).answer();
    out.push_back({{"id", one.value("id", "")}, {"answer", is}});
  }
  return {{"answers", out}};
}

Json judge(const Question& question) {
  Json out = Json::array();
  for (const Json& one : question.input.value("pairs", Json::array())) {
    const std::string q = lower(member(one, "q")), a = lower(member(one, "a"));
    const bool leaks = !a.empty() && has(q, a);
    const int format = q.ends_with("?") ? 5 : 2, useful = leaks ? 2 : 5;
    out.push_back(
        {{"id", one.value("id", "")}, {"correct", 5}, {"visual", 5}, {"useful", useful}, {"format", format}});
  }
  return {{"scores", out}};
}

}  // namespace

Json answer_checking(const Question& question) {
  if (question.stage == "S10") return answers(question);
  if (question.stage == "judge") return judge(question);
  if (question.stage == "entail") {
    return {{"reason", "by their words"},
            {"same", question.has(Fault::kYes) ||
                         lower(member(question.input, "a")) == lower(member(question.input, "b"))}};
  }
  return nullptr;
}

}  // namespace moonbeam::mockllm
