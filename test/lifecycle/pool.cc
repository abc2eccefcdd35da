// The thread pool under load, to be built with -fsanitize=thread: jobs of the queue and calls from
// other threads, all of which fork at once, then one after the other with pauses in which workers
// fall asleep. Exits with 0 if every part ran once, no two calls shared scratch memory and no job
// was left lying; the sanitizer adds what it saw.
#include "native/threading/pool.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr size_t kForks = 400;
constexpr size_t kPauses = 60;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "pool: %s\n", what);
  std::exit(1);
}

// Long enough for sleeping workers to join in.
void work() {
  volatile int left = 3000;
  while (left > 0) left = left - 1;
}

// Forks of every size from none to more parts than threads.
void forkOften(size_t threads, size_t forks = kForks) {
  const auto team = octavo::makeTeam(threads);
  std::vector<size_t> scratch(team->size());  // plain memory: a race shows if workers share a place
  for (size_t fork = 0; fork < forks; fork++) {
    std::vector<size_t> calls(fork % 19);
    team->forEach(calls.size(), [&](size_t part, size_t worker) {
      scratch[worker] = part;
      calls[part]++;
      work();
      require(scratch[worker] == part, "two calls at once have one worker's number");
    });
    for (size_t count : calls) require(count == 1, "a part did not run exactly once");
  }
}

// One job after the other, each given to workers that may be hot, on their way to sleep or asleep.
void queueWithPauses() {
  for (size_t i = 0; i < kPauses; i++) {
    std::atomic<bool> ended{false};
    require(octavo::enqueue([&, i] {
              forkOften(1 + i % 3, 7);
              ended = true;
            }),
            "no thread for a job");
    while (!ended) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(i * 7));
  }
}

}  // namespace

int main() {
  constexpr size_t kJobs = 24;
  std::atomic<size_t> ended{0};
  std::vector<std::thread> callers;
  for (size_t i = 0; i < 4; i++) {
    callers.emplace_back([&, i] {
      for (size_t j = 0; j < kJobs / 4; j++) {
        require(octavo::enqueue([&, j] {
                  forkOften(1 + j % 5);
                  ended++;
                }),
                "no thread for a job");
      }
      forkOften(2 + i);
    });
  }
  for (std::thread& caller : callers) caller.join();
  while (ended < kJobs) std::this_thread::yield();
  queueWithPauses();
  std::puts("ended");
  // As a process does that exits: the pool's threads are still there.
  return 0;
}
