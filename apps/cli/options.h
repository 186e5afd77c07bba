// What the user asked for: filled by args.cc, read by the verbs. Defaults here are the documented ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moonbeam::cli {

struct ModelArgs {
  std::string model;  ///< empty: default_model()
  std::string variant;
  std::string mode = "auto";
  std::string isa;
  int threads = 0;
  bool mmap = false;
  std::string adapter;
  bool offline = false;  ///< only pull ever fetches anything
};

struct PictureArgs {
  std::vector<std::string> images;  ///< as typed: expand_images() makes pictures of them
  bool recursive = false;
  bool no_orientation = false;
  bool fail_fast = false;
};

struct SamplingArgs {
  double temperature = 0;
  double top_p = 1;
  int max_tokens = 768;
  std::uint64_t seed = 0;
  std::vector<std::string> stop;
};

struct AskArgs {
  std::string length = "normal";
  std::vector<std::string> questions, objects, refs;
  bool reasoning = false;
  std::string schema;  ///< a file, or JSON as it stands
  int max_objects = 50;
  bool clamp = false;
  std::string draw;
  std::string eye;   ///< gaze: "X,Y"
  std::string face;  ///< gaze: "X0,Y0,X1,Y1"
  bool force = false;
};

struct OutputArgs {
  bool json = false;
  std::string format = "text";
  bool stream = false, no_stream = false;
  std::string out;
  bool resume = false;
  bool stats = false;
  bool quiet = false;
  bool verbose = false;
  std::string color = "auto";
};

/// inspect, convert, quantize, weights synth, completion.
struct FileArgs {
  std::string in, out;
  std::string dtype, layout, tokenizer, licence;
  std::string mode = "int8", recipe;  ///< of quantize; recipe: a file's name
  std::string vision, text;           ///< of convert: the parts of a new model
  std::uint64_t seed = 0;             ///< of what is fresh in it
  bool print_recipe = false, no_measure = false;
  bool tensors = false, verify = false, names = false;
  std::string shell;
};

/// data atlas.
struct DataArgs {
  std::string in, out;
  std::string labels;  ///< empty: the one that is installed
  std::string tier = "a";
  int side = 96;
};

/// data run, work, submit, finish, report, explain, stage, estimate, answers.
struct PipelineArgs {
  std::string recipe, work, batch, sample, html, reference, results, calls, stage;
  int workers = 1, rank = 0, of = 1, tasks = 0, most_array = 0;
  bool again = false, no_wait = false, no_finish = false, slurm = false, print = false;
  bool chunk = false, call = false, compare = false;
  std::vector<std::string> sbatch;
};

/// data scenes, eval scenes.
struct ScenesArgs {
  std::string split = "val-seed";
  std::vector<std::string> splits;  ///< of eval; empty: val-seed
  std::uint64_t count = 1000, seed = 0;
  std::string size = "196x196";
  int classes = 100, max_objects = 6, questions = 12;
  double clutter = 1, restyled = 0;
  bool occlusion = false, reading = false, no_degrade = false, user_noise = false, plain = false;
  std::vector<std::string> formats;
  std::string out, sheet, answers;
  bool noisy = false, force = false;
};

/// train tokenizer.
struct TokenizerArgs {
  std::vector<std::string> inputs;
  int vocab = 2048, special = 10;
};

/// pull, rm, list.
struct PullArgs {
  std::string model, revision, from;
  bool list = false;
};

struct McpArgs {
  std::vector<std::string> roots;  ///< empty: the working directory
};

/// --remote and its key.
struct RemoteArgs {
  std::string url;  ///< empty: a model of this process answers
  std::string key, key_file, ca_file;
};

/// mockllm.
struct MockArgs {
  std::string host = "127.0.0.1";
  int port = 0;
  std::string key_env, truth, faults_file;
  std::vector<std::string> models, dialects, faults;
  std::uint64_t seed = 0;
  double truth_error = 0, latency_ms = 0, token_ms = 0, per_minute = 0;
  int capacity = 0;
};

struct BenchArgs {
  int repeat = 5;
  bool no_limits = false;
};

/// serve. Sizes and times are texts ("20M", "300s"): serve_args.h reads them.
struct ServeArgs {
  std::string host;
  int port = 2020;
  std::vector<std::string> listen, keys, allowed_hosts, cors_origins, aliases;
  std::string port_file, key_file, log_file, tls_cert, tls_key;
  bool no_auth = false, metrics_open = false, log_anon = false, no_log = false;
  bool no_any_model = false, no_exif = false, tls_self_signed = false;
  bool url_images = false, http_images = false;  ///< pictures of the web
  std::vector<std::string> url_allow;            ///< hosts that they may come from; empty: any
  std::string multi_image = "last";
  double rate = 0;
  std::string max_body = "20M", timeout = "300s", image_cache = "512M", grace = "20s";
  std::int64_t max_pixels = 50'000'000;
  std::string source;  ///< live: what the server itself looks at
  bool open = false;   ///< live: show the page
  int max_queue = 10, parallel = 8, workers = 0, max_connections = 4096, per_address = 64;
};

struct Options {
  std::string verb;  ///< "caption", "weights synth", ...
  std::string config;
  std::vector<std::string> positionals;  ///< before args.cc has told pictures from text
  ModelArgs model;
  PictureArgs pictures;
  SamplingArgs sampling;
  AskArgs ask;
  OutputArgs output;
  FileArgs files;
  TokenizerArgs tokenizer;
  BenchArgs bench;
  PullArgs pull;
  McpArgs mcp;
  RemoteArgs remote;
  DataArgs data;
  ScenesArgs scenes;
  PipelineArgs pipeline;
  ServeArgs serve;
  MockArgs mock;
};

}  // namespace moonbeam::cli
