#include "native/binding/pagesahead.h"

#include <algorithm>
#include <utility>

#include "native/pack/pages.h"
#include "native/threading/os.h"
#include "native/threading/pool.h"

namespace octavo {
namespace {

// Less is not worth another thread's while.
constexpr size_t kLeastBytes = 64 << 10;
// Bytes between two looks whether it is enough.
constexpr size_t kPiece = 16 << 10;

bool isWorthTaking(const PagesAhead::Memory& memory) {
  return memory.bytes >= kLeastBytes && !hasPage(memory.data + memory.bytes / 2);
}

}  // namespace

PagesAhead::PagesAhead(const std::vector<Memory>& memories, size_t threads) {
  if (!hasSpareCpu(threads) || !std::any_of(memories.begin(), memories.end(), isWorthTaking)) {
    return;
  }
  auto shared = std::make_shared<Shared>();
  shared->memories = memories;
  if (enqueue([shared] { shared->take(); })) shared_ = std::move(shared);
}

PagesAhead::~PagesAhead() {
  if (shared_ == nullptr) return;
  shared_->isEnough = true;
  Phase phase = kWaiting;
  if (shared_->phase.compare_exchange_strong(phase, kEnded)) return;
  while (shared_->phase.load() == kTaking) relax();
}

void PagesAhead::Shared::take() {
  Phase before = kWaiting;
  if (!phase.compare_exchange_strong(before, kTaking)) return;
  for (const Memory& memory : memories) {
    for (size_t at = 0; at < memory.bytes && !isEnough; at += kPiece) {
      const size_t bytes = std::min(kPiece, memory.bytes - at);
      takePages(memory.data + at, bytes);
      touchPages(memory.data + at, bytes);
    }
  }
  phase = kEnded;
}

}  // namespace octavo
