// One pool of threads per process, and the fork/join that runs use. A run borrows a Team: its own
// thread and up to threads − 1 workers. A driver cuts its work into parts by size alone, never by
// the number of threads, so that results are the same at any thread count.
//
// There is one kind of thread. A worker that is idle takes a whole run from the queue, or joins a
// run of another thread for the length of one fork. So with one run in flight all help it, with as
// many as there are CPUs each has a thread to itself, and nobody ever waits for a worker. Between
// two steps, and between two runs in close succession, workers wait hot: waking one up takes as
// long as a small step.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>

namespace octavo {

// What a driver sees of the threads.
class Team {
 public:
  virtual ~Team() = default;

  // Calls body(context, part, worker) once for each part in [0, parts), on any thread of the team,
  // and returns when all have ended. worker < size() tells calls that run at the same time apart,
  // for scratch memory. Must not be called from inside a body. Nothing may be thrown by a body.
  virtual void run(size_t parts, void (*body)(void* context, size_t part, size_t worker),
                   void* context) = 0;

  // Threads of the team, the caller's included: at least 1.
  virtual size_t size() const = 0;

  // The same for any callable `body(size_t part, size_t worker)`.
  template <typename Body>
  void forEach(size_t parts, Body&& body) {
    using Callable = std::remove_reference_t<Body>;
    run(
        parts,
        [](void* context, size_t part, size_t worker) {
          (*static_cast<Callable*>(context))(part, worker);
        },
        const_cast<std::remove_const_t<Callable>*>(&body));
  }
};

// Most threads that a team can have.
constexpr size_t kMaxThreads = 256;

// A team of up to `threads` threads on the process-wide pool, for the calling thread. It stands for
// a run in flight: those share the CPUs.
std::unique_ptr<Team> makeTeam(size_t threads);

// Whether a run in flight with so many threads is the only one, and leaves a CPU to others.
bool hasSpareCpu(size_t threads);

// Runs `job` on a thread of the pool, soon, in the order of the calls. At most usableCpus() jobs
// run at once. False when no thread could be had; the job is then not run.
bool enqueue(std::function<void()> job);

}  // namespace octavo
