// One pool of worker threads per process, and the fork/join that drivers use. A run borrows a Team: its
// own thread and up to threads − 1 workers. A driver cuts its work into parts by size alone, never by
// the number of threads, so that results are the same at any thread count.
#pragma once

#include <cstddef>
#include <memory>

namespace octavo {

// What a driver sees of the threads.
class Team {
 public:
  virtual ~Team() = default;

  // Calls body(context, part, worker) once for each part in [0, parts), on any thread of the team, and
  // returns when all have ended. worker < size() tells calls that run at the same time apart, for
  // scratch memory. Must not be called from inside a body. Nothing may be thrown by a body.
  virtual void run(size_t parts, void (*body)(void* context, size_t part, size_t worker),
                   void* context) = 0;

  // Threads of the team, the caller's included: at least 1.
  virtual size_t size() const = 0;

  // The same for any callable `body(size_t part, size_t worker)`.
  template <typename Body>
  void forEach(size_t parts, Body&& body) {
    run(parts, [](void* context, size_t part, size_t worker) {
      (*static_cast<std::remove_reference_t<Body>*>(context))(part, worker);
    }, &body);
  }
};

}  // namespace octavo
