#include "data/scenes/words.h"

namespace moonbeam::data {

bool plural_only(const Label& label) {
  return label.article == "some" && label.noun.ends_with('s');
}

bool uncounted(const Label& label) {
  return label.article == "some";
}

namespace {

std::string coloured(std::optional<Colour> colour, const std::string& noun) {
  return colour ? std::string(name(*colour)) + " " + noun : noun;
}

}  // namespace

std::string singular(const Label& label, std::optional<Colour> colour) {
  return coloured(colour, label.noun);
}

std::string plural(const Label& label, std::optional<Colour> colour) {
  return coloured(colour, label.plural);
}

std::string with_article(const Label& label, std::optional<Colour> colour) {
  std::string article = label.article;
  if (colour && article != "some") article = *colour == Colour::kOrange ? "an" : "a";
  return article + " " + singular(label, colour);
}

std::string counted(const Label& label, std::optional<Colour> colour, int count) {
  if (count == 1) return with_article(label, colour);
  return std::to_string(count) + " " + plural(label, colour);
}

std::string denial(const Label& label, std::optional<Colour> colour) {
  return "There " + std::string(verb(label)) + " no " + singular(label, colour);
}

std::string_view verb(const Label& label, int count) {
  return count != 1 || plural_only(label) ? "are" : "is";
}

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lowered(c);
  return out;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string listed(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  return text;
}

}  // namespace moonbeam::data
