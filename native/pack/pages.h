// Memory straight from the system.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

constexpr size_t kHugePage = 2 << 20;

// Zeroed memory that begins where a huge page may. Null where the system has none to give.
uint8_t* mapPages(size_t bytes);
// `bytes` as mapPages() got them.
void unmapPages(uint8_t* data, size_t bytes);

// Lets the memory within `data` lie on huge pages as far as it fills them, where it takes up none
// yet.
void useHugePages(uint8_t* data, size_t bytes);

// Takes the small pages that `data` lies on all at once, which is faster than one after the other
// as they are written. What is there already stays.
void takePages(uint8_t* data, size_t bytes);

// Reads from each small page: page tables of a virtual machine may be filled only then.
void touchPages(const uint8_t* data, size_t bytes);

// Whether there is memory where this lies. True where the system does not tell.
bool hasPage(uint8_t* data);

}  // namespace octavo
