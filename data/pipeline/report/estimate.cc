#include "data/pipeline/report/estimate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace moonbeam::pipeline {

namespace {

constexpr double kBytesAToken = 4;

std::string padded(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : text + std::string(width - text.size(), ' ');
}
std::string right(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}
std::string whole(double value) {
  return base::cat(static_cast<std::int64_t>(std::llround(value)));
}

std::vector<Generator> generators_of(Role role, const Roles& roles) {
  const auto if_named = [](const Generator& one) {
    return one.model.empty() ? std::vector<Generator>{} : std::vector<Generator>{one};
  };
  switch (role) {
    case Role::kWriter:
      return roles.writers;
    case Role::kVerifier:
      return {roles.verifier};
    case Role::kJudge:
      return {roles.judge};
    case Role::kVision:
      return if_named(roles.vision);
    case Role::kEmbedder:
      return if_named(roles.embedder);
  }
  return {};
}

bool serves(const llm::EndpointOptions& server, const std::string& model) {
  return server.models.empty() ||
         std::find(server.models.begin(), server.models.end(), model) != server.models.end();
}

/// A model's servers share its calls by their weights.
struct Share {
  const llm::EndpointOptions* server;
  double share;
};
std::vector<Share> shares_of(const std::string& model, std::span<const llm::EndpointOptions> servers) {
  std::vector<Share> out;
  double sum = 0;
  for (const llm::EndpointOptions& server : servers) {
    if (!serves(server, model)) continue;
    out.push_back({&server, server.weight});
    sum += server.weight;
  }
  for (Share& one : out) one.share /= sum;
  return out;
}

/// Load of one server, all models together.
struct Load {
  double calls = 0, prompt = 0, completion = 0;
};

/// Hours until a server has done its load: whatever bounds it first.
double hours_of(const llm::EndpointOptions& server, const Load& load, const EstimateOptions& options) {
  double hours = 0;
  if (server.requests_per_minute > 0) hours = std::max(hours, load.calls / server.requests_per_minute / 60);
  if (server.tokens_per_minute > 0) {
    hours = std::max(hours, (load.prompt + load.completion) / server.tokens_per_minute / 60);
  }
  if (server.prices.gpus > 0) {
    hours = std::max(hours, load.completion / options.tokens_a_gpu_hour / server.prices.gpus);
  } else if (hours == 0) {
    const double together = std::min(options.in_flight, static_cast<double>(server.most_in_flight));
    hours = load.calls * options.seconds_a_call / together / 3600;
  }
  return hours;
}

using Loads = std::map<const llm::EndpointOptions*, Load>;
using Servers = std::map<std::string, std::set<const llm::EndpointOptions*>>;  // by model

void find_slowest(const Servers& by_model, const Loads& loads, const EstimateOptions& options,
                  Estimate& out) {
  for (const auto& [model, its] : by_model) {
    for (const llm::EndpointOptions* server : its) {
      const double hours = hours_of(*server, loads.at(server), options);
      if (hours <= out.hours) continue;
      out.hours = hours;
      out.slowest = model;
    }
  }
}

}  // namespace

Estimate estimate(std::span<const ExpectedCalls> calls, const Roles& roles,
                  std::span<const llm::EndpointOptions> servers, const EstimateOptions& options) {
  Estimate out;
  Loads loads;
  Servers by_model;
  std::set<std::string> unserved;
  for (const ExpectedCalls& stage : calls) {
    const auto constant = options.prompt_tokens.find(stage.prompt);
    const double fixed = constant == options.prompt_tokens.end() ? 0 : static_cast<double>(constant->second);
    const std::vector<Generator> generators = generators_of(stage.role, roles);
    double all = 0;
    for (const Generator& one : generators) all += one.share;
    for (const Generator& one : generators) {
      StageEstimate row{stage.prompt, one.model};
      row.calls = stage.calls * one.share / all;
      const double picture = stage.role == Role::kVision ? options.picture_tokens : 0;
      row.prompt = row.calls * (fixed + stage.input + picture);
      row.completion = row.calls * stage.output;
      const std::vector<Share> shares = shares_of(one.model, servers);
      if (shares.empty()) unserved.insert(one.model);
      for (const auto& [server, share] : shares) {
        const llm::Prices& price = server->prices;
        const double cached = row.calls * fixed * options.cached * share,
                     prompt = row.prompt * share - cached;
        row.money +=
            (prompt * price.prompt + cached * price.cached + row.completion * share * price.completion) / 1e6;
        if (price.gpus > 0) row.gpu_hours += row.completion * share / options.tokens_a_gpu_hour;
        Load& load = loads[server];
        load.calls += row.calls * share;
        load.prompt += row.prompt * share;
        load.completion += row.completion * share;
        by_model[one.model].insert(server);
      }
      out.calls += row.calls;
      out.prompt += row.prompt;
      out.completion += row.completion;
      out.money += row.money;
      out.gpu_hours += row.gpu_hours;
      out.stages.push_back(std::move(row));
    }
  }
  find_slowest(by_model, loads, options, out);
  out.unserved.assign(unserved.begin(), unserved.end());
  return out;
}

Estimate estimate_like(const Costs& trial, std::int64_t trial_pictures, std::int64_t pictures,
                       std::span<const llm::EndpointOptions> servers, const EstimateOptions& options) {
  if (trial_pictures <= 0) base::fail(ErrorCode::kInvalidArgument, "estimate: a trial without pictures");
  const double factor = static_cast<double>(pictures) / static_cast<double>(trial_pictures);
  Estimate out;
  for (const auto& [stage, spent] : trial.by_stage) {
    StageEstimate row{stage, ""};
    row.calls = factor * static_cast<double>(spent.calls);
    row.prompt = factor * static_cast<double>(spent.usage.prompt);
    row.completion = factor * static_cast<double>(spent.usage.completion);
    row.money = factor * spent.money;
    row.gpu_hours = factor * spent.gpu_seconds / 3600;
    out.calls += row.calls;
    out.prompt += row.prompt;
    out.completion += row.completion;
    out.money += row.money;
    out.gpu_hours += row.gpu_hours;
    out.stages.push_back(std::move(row));
  }
  Loads loads;
  Servers by_model;
  for (const auto& [model, spent] : trial.by_model) {
    const std::vector<Share> shares = shares_of(model, servers);
    if (shares.empty()) out.unserved.push_back(model);
    for (const auto& [server, share] : shares) {
      loads[server].calls += factor * share * static_cast<double>(spent.calls);
      loads[server].prompt += factor * share * static_cast<double>(spent.usage.prompt);
      loads[server].completion += factor * share * static_cast<double>(spent.usage.completion);
      by_model[model].insert(server);
    }
  }
  find_slowest(by_model, loads, options, out);
  return out;
}

std::int64_t constant_tokens(const Prompt& prompt, int examples) {
  double bytes = static_cast<double>(prompt.system.size() + prompt.user.size());
  double worked = 0;
  for (const Example& one : prompt.examples)
    worked += static_cast<double>(one.input.dump().size() + one.output.dump().size());
  if (!prompt.examples.empty()) {
    const auto count = static_cast<double>(prompt.examples.size());
    bytes += worked / count * std::min(count, static_cast<double>(examples));
  }
  return std::llround(bytes / kBytesAToken);
}

std::map<std::string, std::int64_t> prompt_tokens(const Prompts& prompts,
                                                  std::span<const ExpectedCalls> calls) {
  std::map<std::string, std::int64_t> out;
  for (const ExpectedCalls& stage : calls) {
    try {
      out[stage.prompt] = constant_tokens(prompts.at(stage.prompt), stage.examples);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
    }
  }
  return out;
}

std::string estimate_text(const Estimate& estimate) {
  std::string out =
      base::cat(padded("stage", 8), padded("model", 28), right("calls", 14), right("prompt tokens", 16),
                right("answer tokens", 16), right("money", 12), right("GPU hours", 12), "\n");
  const auto row = [&](const std::string& stage, const std::string& model, const auto& one) {
    out += base::cat(padded(stage, 8), padded(model, 28), right(whole(one.calls), 14),
                     right(whole(one.prompt), 16), right(whole(one.completion), 16),
                     right(base::format_decimal(one.money, 2), 12),
                     right(base::format_decimal(one.gpu_hours, 1), 12), "\n");
  };
  for (const StageEstimate& one : estimate.stages) row(one.stage, one.model, one);
  row("in all", "", estimate);
  out += base::cat("hours: ", base::format_decimal(estimate.hours, 1));
  if (!estimate.slowest.empty()) out += base::cat(", bounded by the servers of ", estimate.slowest);
  out += "\n";
  for (const std::string& model : estimate.unserved) out += base::cat("no server has ", model, "\n");
  return out;
}

Json estimate_json(const Estimate& estimate) {
  Json stages = Json::array();
  for (const StageEstimate& one : estimate.stages) {
    stages.push_back({{"stage", one.stage},
                      {"model", one.model},
                      {"calls", one.calls},
                      {"prompt", one.prompt},
                      {"completion", one.completion},
                      {"money", one.money},
                      {"gpu_hours", one.gpu_hours}});
  }
  return {{"stages", stages},
          {"calls", estimate.calls},
          {"prompt", estimate.prompt},
          {"completion", estimate.completion},
          {"money", estimate.money},
          {"gpu_hours", estimate.gpu_hours},
          {"hours", estimate.hours},
          {"slowest", estimate.slowest},
          {"unserved", estimate.unserved}};
}

}  // namespace moonbeam::pipeline
