// Verbs that ask a model about pictures.
#include "cli/grammar/builder.h"

namespace moonbeam::cli {

void add_picture_verbs(CLI::App& app, Options& o) {
  constexpr const char* kImages = "Files, folders, globs, @LIST, data: URIs, or - for standard input";
  Builder caption(add_verb(app, "caption"), o);
  caption.pictures(kImages);
  caption.choice("Text", "--length", o.ask.length, "short|normal|long", "Length of the caption")
      ->default_str("normal");
  caption.sampling(), caption.model(), caption.remote(), caption.output("text|json|csv|coco");

  Builder query(add_verb(app, "query"), o);
  query.pictures(kImages);
  query.repeated("Text", "-q,--question", o.ask.questions, "TEXT",
                 "Question; then every argument is a picture (repeatable)");
  query.flag("Text", "--reasoning", o.ask.reasoning, "Think first, where the model can");
  query.repeated("Text", "--ref", o.ask.refs, "X,Y|X0,Y0,X1,Y1",
                 "Place the question is about, 0 to 1 (repeatable)");
  query.value("Text", "--schema", o.ask.schema, "FILE|JSON", "Answer in JSON after this JSON schema");
  query.sampling(), query.model(), query.remote(), query.output("text|json|csv");

  for (const char* name : {"detect", "point"}) {
    Builder verb(add_verb(app, name), o);
    verb.pictures(kImages);
    verb.objects(), verb.draw(), verb.model(), verb.remote();
    verb.output(std::string_view(name) == "detect" ? "text|json|csv|coco" : "text|json|csv");
  }

  Builder gaze(add_verb(app, "gaze"), o);
  gaze.pictures("A picture, then where the eyes are: X,Y from 0 to 1");
  gaze.value("Objects", "--face", o.ask.face, "X0,Y0,X1,Y1",
             "The face's box, instead of X,Y: slower, steadier");
  gaze.flag("Objects", "--force", o.ask.force, "Give a point even where the model sees none");
  gaze.flag("Objects", "--clamp", o.ask.clamp, "Cut coordinates to the picture, 0 to 1");
  gaze.draw(), gaze.model(), gaze.output("text|json|csv");

  Builder chat(add_verb(app, "chat"), o);
  chat.pictures("The picture to talk about");
  chat.choice("Text", "--length", o.ask.length, "short|normal|long", "Length of captions")
      ->default_str("normal");
  chat.sampling(), chat.objects(), chat.model(), chat.common_output();
  chat.flag("Output", "--stats", o.output.stats, "Print times after each answer");
}

}  // namespace moonbeam::cli
