#include "data/pipeline/run/slurm.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/program.h"
#include "base/text.h"
#include "data/pipeline/run/commit.h"

namespace moonbeam::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int kDefaultArraySize = 1001;

/// For a shell: 'it'\''s'
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void write_script(const fs::path& path, const std::string& text) {
  base::AtomicFile file(path.string());
  file.write(text);
  file.commit();
}

/// What the program printed. @throws Error kNotFound, kUnsupported.
std::string output_of(const std::vector<std::string>& words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) base::fail_system(words[0], "cannot start", errno);
  const base::Descriptor read_end(ends[0]);
  pid_t child = 0;
  int error = 0;
  {
    const base::Descriptor write_end(ends[1]);
    error = base::start_program(words, {-1, write_end.get(), STDERR_FILENO}, child);
  }
  if (error != 0) base::fail(ErrorCode::kNotFound, words[0], ": cannot be started: ", std::strerror(error));
  std::string out;
  char buffer[4096];
  for (ssize_t got; (got = ::read(read_end.get(), buffer, sizeof buffer)) != 0;) {
    if (got > 0) out.append(buffer, static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) break;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    base::fail(ErrorCode::kUnsupported, words[0], " failed; its message stands above");
  }
  return out;
}

std::string task_script(const RunFolder& work, const SlurmOptions& options) {
  // A task that was told to stop, or whose machine is taken away, goes into the queue again.
  return base::cat(
      "#!/bin/sh\n# A task of the array: one worker. OFFSET and TASKS are of all arrays together.\n",
      quoted(options.program), " data work --work ", quoted(fs::absolute(work.root).string()),
      " --rank $((OFFSET + SLURM_ARRAY_TASK_ID)) --of \"$TASKS\" --no-wait &\nworker=$!\n"
      "trap 'kill -TERM $worker' TERM USR1\nwait $worker\nstatus=$?\n"
      "while kill -0 $worker 2>/dev/null; do wait $worker; status=$?; done\n"
      "if [ $status = 75 ]; then\n"
      "  scontrol requeue \"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\"\nfi\nexit $status\n");
}

}  // namespace

int site_array_size() {
  std::string config;
  try {
    config = output_of({"scontrol", "show", "config"});
  } catch (const Error&) {
    return kDefaultArraySize;
  }
  const std::size_t at = config.find("MaxArraySize");
  const std::size_t digits = config.find_first_of("0123456789", at);
  int size = kDefaultArraySize;
  if (at != std::string::npos && digits != std::string::npos) {
    std::from_chars(config.data() + digits, config.data() + config.size(), size);
  }
  return size;
}

SlurmPlan plan_slurm(const RunFolder& work, const Plan& plan, const SlurmOptions& options) {
  SlurmPlan out;
  out.shards = standing_of(work, plan).open_shards;
  const fs::path folder = fs::absolute(work.root / "slurm");
  fs::create_directories(folder);
  const int open = static_cast<int>(out.shards.size());
  const int tasks = options.tasks > 0 ? std::min(options.tasks, open) : open;
  // A task's number is below MaxArraySize.
  const int most = std::max(1, options.most_array);
  if (tasks > 0) write_script(folder / "task.sh", task_script(work, options));
  for (int first = 0; first < tasks; first += most) {
    const int count = std::min(most, tasks - first);
    std::vector<std::string> words = {"sbatch",
                                      "--parsable",
                                      "--job-name=moonbeam-data",
                                      base::cat("--array=0-", count - 1),
                                      "--requeue",
                                      "--signal=B:TERM@60",
                                      "--open-mode=append",
                                      "--output=" + (folder / "%A_%a.out").string(),
                                      base::cat("--export=ALL,OFFSET=", first, ",TASKS=", tasks)};
    words.insert(words.end(), options.options.begin(), options.options.end());
    words.push_back((folder / "task.sh").string());
    out.commands.push_back(std::move(words));
  }
  if (options.finish) {
    write_script(folder / "finish.sh",
                 base::cat("#!/bin/sh\nexec ", quoted(options.program), " data finish --work ",
                           quoted(fs::absolute(work.root).string()), "\n"));
    std::vector<std::string> words = {"sbatch", "--parsable", "--job-name=moonbeam-data-finish",
                                      "--output=" + (folder / "finish-%j.out").string()};
    if (tasks > 0) words.push_back("--dependency=afterok:@JOBS");
    words.insert(words.end(), options.options.begin(), options.options.end());
    words.push_back((folder / "finish.sh").string());
    out.commands.push_back(std::move(words));
  }
  return out;
}

std::vector<std::string> submit_slurm(const SlurmPlan& plan) {
  std::vector<std::string> jobs;
  for (std::vector<std::string> words : plan.commands) {
    std::string all;
    for (const std::string& one : jobs) all += (all.empty() ? "" : ":") + one;
    for (std::string& word : words) {
      if (const std::size_t at = word.find("@JOBS"); at != std::string::npos) word.replace(at, 5, all);
    }
    const std::string said = output_of(words);  // "1234" or "1234;cluster"
    jobs.push_back(said.substr(0, said.find_first_of(";\n")));
  }
  return jobs;
}

}  // namespace moonbeam::pipeline
