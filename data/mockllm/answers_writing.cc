// The stages that write texts: captions, questions with answers, absurd questions.
#include <algorithm>
#include <array>
#include <map>

#include "data/mockllm/answers.h"

namespace moonbeam::mockllm {

namespace {

std::string member(const Json& value, const char* key) {
  return value.contains(key) && value[key].is_string() ? value[key].get<std::string>() : std::string();
}

/// All that the claims say of one subject.
struct Thing {
  std::string noun, colour, place;
  int count = 0;

  std::string phrase() const {
    const std::string named = colour.empty() ? noun : colour + " " + noun;
    if (count > 1)
      return std::to_string(count) + " " + (colour.empty() ? "" : colour + " ") + plural_of({noun, ""});
    return with_article(named);
  }
  std::string placed() const {
    if (place.empty()) return phrase();
    const bool middle = place == "middle" || place == "center";
    const bool across = place == "left" || place == "right";
    return phrase() + (middle ? " in the " : across ? " on the " : " at the ") + place;
  }
};

std::vector<Thing> things_of(const Question& question) {
  std::vector<Thing> out;
  for (const Json& claim : question.input.value("claims", Json::array())) {
    const std::string subject = member(claim, "subject"), object = member(claim, "object");
    auto found = std::find_if(out.begin(), out.end(), [&](const Thing& one) { return one.noun == subject; });
    if (found == out.end()) found = out.insert(out.end(), Thing{subject, "", "", 0});
    const std::string type = member(claim, "type");
    if (type == "count") found->count = number_of(object).value_or(0);
    if (type == "attribute" && is_colour(object)) found->colour = object;
    if (type == "relation" && member(claim, "predicate") == "position") found->place = object;
  }
  if (question.has(Fault::kColour) && !out.empty())
    out[0].colour = out[0].colour == "purple" ? "pink" : "purple";
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  }
  return out;
}

/// Things of a caption in a sentence each, or several in one where there would be more than `most` sentences.
std::vector<std::string> sentences(const std::vector<std::string>& parts, std::size_t most) {
  std::vector<std::string> out(std::min(most, parts.size()));
  std::vector<std::vector<std::string>> groups(out.size());
  for (std::size_t i = 0; i < parts.size(); ++i) groups[i * out.size() / parts.size()].push_back(parts[i]);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = joined(groups[i]);
  return out;
}

Json caption(const Question& question) {
  constexpr std::array<std::string_view, 6> kOpenings = {"",         "There is ",    "The picture shows ",
                                                         "Here is ", "One can see ", "The scene holds "};
  constexpr std::size_t kStock = 2, kShort = 3, kNormal = 4;
  std::vector<std::string> parts;
  const std::string length = member(question.input, "length");
  for (const Thing& thing : things_of(question)) {
    if (length == "short" && parts.size() == kShort) break;
    parts.push_back(length == "short" ? thing.phrase() : thing.placed());
  }
  if (question.has(Fault::kHallucinate)) parts.push_back("a wooden ladder");
  if (parts.empty()) parts.push_back("nothing");
  const auto opening = [&](std::size_t number) {
    if (question.has(Fault::kOpenings)) return kOpenings[kStock];
    const std::size_t which = (question.content + number) % (kOpenings.size() - 1);
    return kOpenings[which < kStock ? which : which + 1];
  };
  std::string text;
  const std::vector<std::string> all = sentences(parts, length == "short"    ? 1
                                                        : length == "normal" ? kNormal
                                                                             : parts.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    text += (i == 0 ? "" : " ") + sentence(std::string(opening(i)) + all[i]) + ".";
  }
  if (length == "long") {  // some of them: every one would be a litany
    std::map<std::string, int> said;
    for (const Json& claim : question.input.value("claims", Json::array())) {
      const std::string way = member(claim, "predicate");
      if ((way == "left of" || way == "above") && ++said[way] <= 2) {
        text += " The " + member(claim, "subject") + " is " + way + " the " + member(claim, "object") + ".";
      }
    }
  }
  return {{"caption", text}};
}

std::string with_number(const std::string& noun, const std::string& number) {
  if (number == "0") return "There are no " + plural_of({noun, ""}) + ".";
  if (number == "1") return "There is 1 " + noun + ".";
  return "There are " + number + " " + plural_of({noun, ""}) + ".";
}

std::string at_place(const std::string& place) {
  if (place == "middle" || place == "center") return "in the " + place;
  return (place == "left" || place == "right" ? "on the " : "at the ") + place;
}

/// What is asked of one claim, in one of several wordings.
struct Asked {
  std::vector<std::string> questions;
  std::string brief, full;
};

Asked yes_of(const Json& claim, const std::string& noun) {
  const std::string type = member(claim, "type"), object = member(claim, "object"),
                    predicate = member(claim, "predicate");
  if (type == "count") {
    const std::string many = object + " " + plural_of({noun, ""});
    return {{"Are there " + many + "?", "Are there exactly " + many + " in the picture?"},
            "yes",
            "Yes, there are " + many + "."};
  }
  if (type == "attribute") {
    return {{"Is the " + noun + " " + object + "?", "Is the color of the " + noun + " " + object + "?"},
            "yes",
            "Yes, the " + noun + " is " + object + "."};
  }
  if (predicate == "position") {
    return {{"Is the " + noun + " " + at_place(object) + "?",
             "Is the " + noun + " " + at_place(object) + " of the picture?"},
            "yes",
            "Yes, the " + noun + " is " + at_place(object) + "."};
  }
  if (type == "relation") {
    return {{"Is the " + noun + " " + predicate + " the " + object + "?",
             "Can the " + noun + " be seen " + predicate + " the " + object + "?"},
            "yes",
            "Yes, the " + noun + " is " + predicate + " the " + object + "."};
  }
  return {{"Is there " + with_article(noun) + "?"}, "yes", "Yes, there is " + with_article(noun) + "."};
}

Asked relation_of(const std::string& noun, const std::string& way, const std::string& other) {
  const bool across = way == "left of" || way == "right of";
  if (!across && way != "above" && way != "below") {
    return {{"What is " + way + " the " + other + "?"},
            noun,
            sentence(with_article(noun)) + " is " + way + " the " + other + "."};
  }
  const std::string ways = across ? " left or right of the " : " above or below the ";
  const std::string answer = across ? way.substr(0, way.find(' ')) : way;
  return {{"Is the " + noun + ways + other + "?", "Where is the " + noun + "," + ways + other + "?"},
          answer,
          "The " + noun + " is " + way + " the " + other + "."};
}

Asked asked_of(const Json& claim, const std::string& type, const std::string& colour) {
  const std::string noun = member(claim, "subject"), object = member(claim, "object"),
                    predicate = member(claim, "predicate"), kind = member(claim, "type");
  const bool place = predicate == "position" && kind == "relation";
  if ((type == "what" || type.empty()) && place) {
    return {{"What is " + at_place(object) + "?", "What can be seen " + at_place(object) + "?",
             "Which thing is " + at_place(object) + " of the picture?"},
            noun,
            sentence(with_article(noun)) + " is " + at_place(object) + "."};
  }
  if (type == "where" && place) {
    return {{"Where is the " + noun + "?", "Where in the picture is the " + noun + "?",
             "In which part of the picture is the " + noun + "?"},
            object,
            "The " + noun + " is " + at_place(object) + " of the picture."};
  }
  if (type == "count" && kind == "count") {
    const std::string many = plural_of({noun, ""});
    return {{"How many " + many + " are there?", "How many " + many + " are in the picture?",
             "What is the number of " + many + "?"},
            object,
            with_number(noun, object)};
  }
  if (type == "colour" && kind == "attribute" && is_colour(object)) {
    const std::string is = colour.empty() ? object : colour;
    return {{"What color is the " + noun + "?", "What is the color of the " + noun + "?",
             "Which color does the " + noun + " have?"},
            is,
            "The " + noun + " is " + is + "."};
  }
  if (type == "action" && kind == "action") {
    const std::string does = object.empty() ? predicate : object;
    return {{"What is the " + noun + " doing?", "What does the " + noun + " do?"},
            does,
            "The " + noun + " is " + does + "."};
  }
  if (type == "relation" && kind == "relation" && !place) return relation_of(noun, predicate, object);
  if (type == "ocr" && kind == "text") {
    return {{"What does the " + noun + " say?", "What is written on the " + noun + "?"},
            object,
            "The " + noun + " says \"" + object + "\"."};
  }
  if (type == "yesno" || type == "exist") return yes_of(claim, noun);
  return {};
}

Json pair(const std::string& q, const std::string& brief, const std::string& full, const Json& claims) {
  return {{"q", q}, {"a_short", brief}, {"a_sentence", full}, {"claims", claims}};
}

/// "absent": the nouns that are verified not to be there.
void ask_about_absent(const Question& question, Json& pairs) {
  for (const Json& one : question.input.value("absent", Json::array())) {
    if (!one.is_string()) continue;
    const std::string noun = one;
    const bool yes = question.has(Fault::kYes);
    pairs.push_back(pair("Is there " + with_article(noun) + "?", yes ? "yes" : "no",
                         yes ? "Yes, there is " + with_article(noun) + "." : "No, there is no " + noun + ".",
                         Json::array()));
  }
}

Json questions(const Question& question) {
  const std::string type = member(question.input, "qtype");
  Json pairs = Json::array();
  std::string wrong = question.has(Fault::kColour) ? "purple" : "";
  for (const Json& claim : question.input.value("claims", Json::array())) {
    if (!wrong.empty() && wrong == member(claim, "object")) wrong = "pink";
    const Asked asked = asked_of(claim, type, wrong);
    if (asked.questions.empty()) continue;
    wrong.clear();
    std::string q = asked.questions[llm::mix(question.content, pairs.size()) % asked.questions.size()];
    if (question.has(Fault::kOpenings)) q = "Can you tell me: " + q;
    const std::string brief = question.has(Fault::kYes) ? "yes" : asked.brief;
    pairs.push_back(pair(q, brief, asked.full, Json::array({member(claim, "id")})));
  }
  if (type == "yesno" || type == "absent") ask_about_absent(question, pairs);
  if (question.has(Fault::kHallucinate)) {
    Json lie = pair("What color is the ladder?", "brown", "The ladder is brown.", Json::array());
    if (!pairs.empty()) lie["claims"] = pairs[0]["claims"];
    pairs.insert(pairs.begin(), lie);
  }
  const std::size_t most = question.input.value("n", std::size_t{6});
  while (pairs.size() > most) pairs.erase(pairs.size() - 1);
  return {{"pairs", pairs}};
}

std::string denial_of(const std::string& noun, const Question& question, std::uint64_t salt) {
  constexpr std::array<std::string_view, 6> kDenied = {
      "There is no # to be seen.",   "No # can be seen here.",   "No # is visible.",
      "The picture has no # in it.", "Nowhere is # to be seen.", "It has no #, this picture."};
  std::string out(kDenied[llm::mix(question.content, salt) % kDenied.size()]);
  return out.replace(out.find('#'), 1, out.starts_with("Nowhere") ? with_article(noun) : noun);
}

/// The question with the other noun in the place of its own.
std::string with_noun(const std::string& q, const std::string& from, const std::string& to) {
  const std::size_t at = q.find(from);
  return at == std::string::npos ? q : q.substr(0, at) + to + q.substr(at + from.size());
}

Json what_nobody_sees(const Question& question) {
  constexpr std::array<std::string_view, 4> kSaid = {
      "That cannot be told from the picture.", "There is no way to tell that from the picture.",
      "The picture does not show that.", "This cannot be seen in the picture."};
  const Json nouns = question.input.value("nouns", Json::array()),
             properties = question.input.value("properties", Json::array());
  Json pairs = Json::array();
  if (!nouns.empty() && !properties.empty()) {
    const std::string noun = nouns[question.content % nouns.size()],
                      property = properties[llm::mix(question.content, 3) % properties.size()];
    const bool asks =
        property.starts_with("how") || property.starts_with("what") || property.starts_with("wh");
    pairs.push_back({{"twin", property},
                     {"noun", noun},
                     {"q", asks ? "About the " + noun + ": " + property + "?"
                                : "What is, of the " + noun + ", " + property + "?"},
                     {"a_sentence", kSaid[llm::mix(question.content, 4) % kSaid.size()]}});
  }
  return {{"pairs", pairs}};
}

Json absurd(const Question& question) {
  if (member(question.input, "kind") == "unknown") return what_nobody_sees(question);
  Json nouns = question.input.value("nouns", Json::array());
  if (nouns.empty()) nouns.push_back("ladder");
  const Json asked = question.input.value("questions", Json::array());
  const std::vector<Thing> things = things_of(question);
  const bool name = question.input.contains("name_present") ? question.input["name_present"] == true
                                                            : question.content % 2 == 0;
  Json pairs = Json::array();
  for (std::size_t i = 0; i < std::min(nouns.size(), question.input.value("n", std::size_t{1})); ++i) {
    std::string noun = nouns[(question.content + i) % nouns.size()];
    if (question.has(Fault::kDinosaur)) noun = question.content % 2 == 0 ? "dinosaur" : "alien";
    std::string full = denial_of(noun, question, i);
    if (question.has(Fault::kOpenings)) full = "Unfortunately there is no " + noun + ".";
    if (name && !things.empty()) full += " There is " + things[0].phrase() + ".";
    std::string q = "What color is the " + noun + "?", twin;
    if (!asked.empty()) {
      const Json& of = asked[llm::mix(question.content, 2 + i) % asked.size()];
      q = with_noun(member(of, "q"), member(of, "noun"), noun);
      twin = member(of, "id");
    }
    pairs.push_back({{"twin", twin},
                     {"noun", noun},
                     {"q", q},
                     {"a_short", "not visible"},
                     {"a_sentence", full},
                     {"claims", Json::array()}});
  }
  return {{"pairs", pairs}};
}

}  // namespace

Json answer_writing(const Question& question) {
  const std::string& stage = question.stage;
  if (stage == "S6") return caption(question);
  if (stage == "S7") return questions(question);
  if (stage == "S8") return absurd(question);
  return nullptr;
}

}  // namespace moonbeam::mockllm
