// The stages that write texts: captions, questions with answers, absurd questions; answers and judgements of
// them.
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
  Json ids = Json::array();

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
    if (found == out.end()) found = out.insert(out.end(), Thing{subject, "", "", 0, Json::array()});
    if (claim.contains("id")) found->ids.push_back(claim["id"]);
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

Json caption(const Question& question) {
  constexpr std::array<std::string_view, 6> kOpenings = {"",         "There is ",    "The picture shows ",
                                                         "Here is ", "One can see ", "The scene holds "};
  std::vector<std::string> parts;
  const std::string length = member(question.input, "length");
  for (const Thing& thing : things_of(question))
    parts.push_back(length == "short" ? thing.phrase() : thing.placed());
  if (question.has(Fault::kHallucinate)) parts.push_back("a wooden ladder");
  if (parts.empty()) parts.push_back("nothing");
  const std::size_t opening = question.has(Fault::kOpenings) ? 2 : question.content % kOpenings.size();
  if (length == "short" || parts.size() == 1) {
    return {{"caption", sentence(std::string(kOpenings[opening]) + joined(parts)) + "."}};
  }
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t which = question.has(Fault::kOpenings) ? 2 : (opening + i) % kOpenings.size();
    text += (i == 0 ? "" : " ") + sentence(std::string(kOpenings[which]) + parts[i]) + ".";
  }
  return {{"caption", text}};
}

Json pair(const std::string& q, const std::string& brief, const std::string& full, const Json& claims) {
  return {{"q", q}, {"a_short", brief}, {"a_sentence", full}, {"claims", claims}};
}

void ask_about(const Thing& thing, const std::string& type, const Question& question, Json& pairs) {
  const std::string plural = plural_of({thing.noun, ""});
  if ((type == "what" || type.empty()) && !thing.place.empty()) {
    const std::string where = thing.place == "middle" ? "in the middle" : "on the " + thing.place;
    pairs.push_back(pair("What is " + where + "?", thing.noun,
                         sentence(with_article(thing.noun)) + " is " + where + ".", thing.ids));
  } else if (type == "where" && !thing.place.empty()) {
    pairs.push_back(pair("Where is the " + thing.noun + "?", thing.place,
                         "The " + thing.noun + " is at the " + thing.place + " of the picture.", thing.ids));
  } else if (type == "count" && thing.count > 0) {
    const std::string number = std::to_string(thing.count);
    pairs.push_back(
        pair("How many " + plural + " are there?", number,
             thing.count == 1 ? "There is 1 " + thing.noun + "." : "There are " + number + " " + plural + ".",
             thing.ids));
  } else if (type == "colour" && !thing.colour.empty()) {
    pairs.push_back(pair("What color is the " + thing.noun + "?", thing.colour,
                         "The " + thing.noun + " is " + thing.colour + ".", thing.ids));
  } else if (type == "yesno" || type == "exist") {
    pairs.push_back(pair("Is there " + with_article(thing.noun) + "?", "yes",
                         "Yes, there is " + with_article(thing.noun) + ".", thing.ids));
  }
  if (question.has(Fault::kOpenings) && !pairs.empty()) {
    Json& last = pairs.back();
    last["q"] = "Can you tell me: " + last["q"].get<std::string>();
  }
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
  for (const Thing& thing : things_of(question)) ask_about(thing, type, question, pairs);
  if (type == "yesno" || type == "absent") ask_about_absent(question, pairs);
  if (question.has(Fault::kHallucinate)) {
    pairs.push_back(pair("What color is the ladder?", "brown", "The ladder is brown.", Json::array({"c1"})));
  }
  const std::size_t most = question.input.value("n", std::size_t{6});
  while (pairs.size() > most) pairs.erase(pairs.size() - 1);
  return {{"pairs", pairs}};
}

Json absurd(const Question& question) {
  std::string noun = "ladder";
  const Json nouns = question.input.value("nouns", Json::array());
  if (!nouns.empty()) noun = nouns[question.content % nouns.size()].get<std::string>();
  if (question.has(Fault::kDinosaur)) noun = question.content % 2 == 0 ? "dinosaur" : "alien";
  constexpr std::array<std::string_view, 4> kAsked = {"What color is the ", "Where is the ",
                                                      "How big is the ", "Who holds the "};
  constexpr std::array<std::string_view, 4> kDenied = {"There is no # to be seen.",
                                                       "I do not see any # here.", "No # is visible.",
                                                       "The picture does not show a #."};
  std::string denial(kDenied[llm::mix(question.content, 1) % kDenied.size()]);
  denial.replace(denial.find('#'), 1, noun);
  const std::vector<Thing> things = things_of(question);
  if (question.content % 2 == 0 && !things.empty()) denial += " There is " + things[0].phrase() + ".";
  const std::string asked = std::string(kAsked[llm::mix(question.content, 2) % kAsked.size()]) + noun + "?";
  return {{"pairs", Json::array({pair(asked, "not visible", denial, Json::array())})}};
}

std::string answer_from(const std::vector<Thing>& things, const std::string& asked) {
  for (const Thing& thing : things) {
    if (!says(asked, thing.noun)) continue;
    const std::string text = lower(asked);
    if (text.find("how many") != std::string::npos)
      return thing.count > 0 ? std::to_string(thing.count) : "unknown";
    if (text.find("color") != std::string::npos || text.find("colour") != std::string::npos) {
      return thing.colour.empty() ? "unknown" : thing.colour;
    }
    if (text.starts_with("where")) return thing.place.empty() ? "unknown" : thing.place;
    if (text.starts_with("is there") || text.starts_with("do you") || text.starts_with("are there"))
      return "yes";
    return thing.noun;
  }
  const std::string text = lower(asked);
  if (text.starts_with("is there") || text.starts_with("are there")) return "no";
  if (text.starts_with("what is")) {
    for (const Thing& thing : things) {
      if (!thing.place.empty() && text.find(thing.place) != std::string::npos) return thing.noun;
    }
  }
  return "unknown";
}

Json answers(const Question& question) {
  const std::vector<Thing> things = things_of(question);
  Json out = Json::array();
  for (const Json& one : question.input.value("questions", Json::array())) {
    out.push_back({{"id", one.value("id", "")},
                   {"answer", question.has(Fault::kYes) ? "yes" : answer_from(things, member(one, "q"))}});
  }
  return {{"answers", out}};
}

Json judge(const Question& question) {
  Json out = Json::array();
  for (const Json& one : question.input.value("pairs", Json::array())) {
    const std::string q = lower(member(one, "q")), a = lower(member(one, "a"));
    const bool leaks = !a.empty() && q.find(a) != std::string::npos;
    const int format = q.ends_with("?") ? 5 : 2, useful = leaks ? 2 : 5;
    out.push_back(
        {{"id", one.value("id", "")}, {"correct", 5}, {"visual", 5}, {"useful", useful}, {"format", format}});
  }
  return {{"scores", out}};
}

}  // namespace

Json answer_writing(const Question& question) {
  const std::string& stage = question.stage;
  if (stage == "S6") return caption(question);
  if (stage == "S7") return questions(question);
  if (stage == "S8") return absurd(question);
  if (stage == "S10") return answers(question);
  if (stage == "judge") return judge(question);
  if (stage == "entail") {
    return {{"same", lower(member(question.input, "a")) == lower(member(question.input, "b"))}};
  }
  return nullptr;
}

}  // namespace moonbeam::mockllm
