// Finding memory for pages that are about to be written.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octavo {

// Whether the system finds huge pages quickly, as far as is known. Where it does, what is read over
// and over should lie on them. Where it does not, as on a virtual machine whose host takes free
// memory back by the huge page, a model would be waiting for its memory most of the time that it
// takes to load.
bool areHugePagesCheap();

// Takes the pages that `data` lies on all at once: huge ones as long as those are cheap, as far as
// they lie within `room`. What is there already stays. Returns where what has been taken ends:
// behind `data`, or behind the huge page that holds the end of it.
uint8_t* supplyPages(uint8_t* data, size_t bytes, uint8_t* room, size_t roomBytes);

}  // namespace octavo
