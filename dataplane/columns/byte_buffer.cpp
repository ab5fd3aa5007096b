#include "dataplane/columns/byte_buffer.hpp"

#include <algorithm>
#include <new>

namespace penstock {

void ByteBuffer::reallocate(std::size_t extra) {
  constexpr std::size_t kFirstCapacity = 64;
  const std::size_t capacity = std::max({kFirstCapacity, capacity_ * 2, size_ + extra});
  char* const moved = static_cast<char*>(std::realloc(data_.get(), capacity));
  if (moved == nullptr) throw std::bad_alloc();
  (void)data_.release();  // realloc has taken the old block over
  data_.reset(moved);
  capacity_ = capacity;
}

}  // namespace penstock
