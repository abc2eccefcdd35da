// Plain C++, for any CPU, and the specification of the family.
#include "native/kernels/lookup/lookup.h"

namespace octavo {

void lookup_u8u8_portable(const LookupArgs& args) {
  for (size_t i = 0; i < args.count; ++i) args.y[i] = args.table[args.x[i]];
}

}  // namespace octavo
