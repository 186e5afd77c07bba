// Verbs that go on until they are stopped: they answer others.
#include "cli/grammar/builder.h"
#include "cli/serve_args.h"

namespace moonbeam::cli {

namespace {

void add_serve(CLI::App& app, Options& o) {
  Builder serve(add_verb(app, "serve"), o);
  serve.model();
  add_serve_options(*app.get_subcommand("serve"), o.serve);
  serve.common_output();
}

void add_live(CLI::App& app, Options& o) {
  Builder live(add_verb(app, "live"), o);
  live.value("Page", "--source", o.serve.source, "camera:DEVICE|DIR|VIDEO",
             "What the server itself looks at; without, the page shows it something");
  live.flag("Page", "--open", o.serve.open, "Open the page in this machine's browser");
  live.model();
  add_serve_options(*app.get_subcommand("live"), o.serve);
  live.common_output();
}

void add_mcp(CLI::App& app, Options& o) {
  Builder mcp(add_verb(app, "mcp"), o);
  mcp.repeated("Pictures", "--root", o.mcp.roots, "DIR",
               "Folder whose pictures may be read (repeatable) [the working directory]");
  mcp.model(), mcp.remote(), mcp.common_output();
}

void add_mockllm(CLI::App& app, Options& o) {
  MockArgs& mock = o.mock;
  Builder verb(add_verb(app, "mockllm"), o);
  const auto positive = real_from_zero();
  const auto share = zero_to_one();
  verb.value("Server", "--host", mock.host, "ADDRESS", "Address to listen on")->default_str("127.0.0.1");
  verb.value("Server", "--port", mock.port, "N", "Port; 0 for a free one, which is printed")
      ->default_str("0")
      ->check(whole(0, 65535));
  verb.value("Server", "--key-env", mock.key_env, "NAME",
             "Ask for the key that this environment variable holds");
  verb.repeated("Server", "--model", mock.models, "NAME", "Know only this model (repeatable)");
  verb.repeated("Server", "--dialect", mock.dialects, "NAME",
                "Heed schemas in this form: json_schema, structured_outputs, guided_json, llama_schema, "
                "json_object (repeatable)");
  verb.value("Answers", "--seed", mock.seed, "N", "Same seed, same answers to the same requests")
      ->default_str("0")
      ->check(whole_from_zero());
  verb.value("Answers", "--truth", mock.truth, "DIR",
             "Answer questions about pictures by the truth of this set of 'data scenes'");
  verb.value("Answers", "--truth-error", mock.truth_error, "X", "Share of them that is answered wrongly")
      ->default_str("0")
      ->check(share);
  verb.repeated("Faults", "--fault", mock.faults, "NAME=SHARE[,OPTION=VALUE...]",
                "What goes wrong, and how often (repeatable; docs/data.md lists them)");
  verb.value("Faults", "--faults", mock.faults_file, "FILE", "The same, one a line");
  verb.value("Faults", "--latency", mock.latency_ms, "MS", "Wait before each answer")
      ->default_str("0")
      ->check(positive);
  verb.value("Faults", "--token-time", mock.token_ms, "MS", "And for each token of it")
      ->default_str("0")
      ->check(positive);
  verb.value("Faults", "--capacity", mock.capacity, "N",
             "Send away with 429 what is more at a time; 0: nothing")
      ->default_str("0")
      ->check(whole(0, 1'000'000));
  verb.value("Faults", "--per-minute", mock.per_minute, "N", "And what is more a minute; 0: nothing")
      ->default_str("0")
      ->check(positive);
  verb.common_output();
}

}  // namespace

void add_server_verbs(CLI::App& app, Options& o) {
  add_serve(app, o);
  add_live(app, o);
  add_mcp(app, o);
  add_mockllm(app, o);
}

}  // namespace moonbeam::cli
