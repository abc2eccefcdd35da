// Pages of outputs that another thread takes while a run is under way. Where the system is slow at
// that, as under nested virtualization, copying results to memory without pages takes longer than
// all else around a run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace octavo {

class PagesAhead {
 public:
  struct Memory {
    uint8_t* data;
    size_t bytes;
  };
  // Begins, if any of it is without pages and a run of so many threads leaves a CPU free.
  PagesAhead(const std::vector<Memory>& memories, size_t threads);
  // Ends: nobody looks at the memory any more.
  ~PagesAhead();
  PagesAhead(const PagesAhead&) = delete;
  PagesAhead& operator=(const PagesAhead&) = delete;

 private:
  enum Phase { kWaiting, kTaking, kEnded };
  struct Shared {
    std::vector<Memory> memories;
    std::atomic<Phase> phase{kWaiting};
    std::atomic<bool> isEnough{false};

    void take();
  };

  std::shared_ptr<Shared> shared_;  // null where nothing was begun
};

}  // namespace octavo
