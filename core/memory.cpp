#include "core/memory.hpp"

#include <malloc.h>

namespace penstock {

void give_large_buffers_their_own_pages() {
  (void)::mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

}  // namespace penstock
