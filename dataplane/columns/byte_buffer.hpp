#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace penstock {

/// Bytes that grow at their end, for column data: unlike std::string it grows without filling and by realloc
/// (large buffers move by remapping pages), and an append of known size is a few instructions. Not
/// thread-safe. Throws std::bad_alloc only.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

  /// Keeps the first `size` bytes, which must be there, and the capacity.
  void shrink(std::size_t size) { size_ = size; }

  /// A place for `extra` bytes at the end, valid until the next call; grown() takes over what was written
  /// there.
  [[nodiscard]] char* room(std::size_t extra) {
    if (capacity_ - size_ < extra) reallocate(extra);
    return data_.get() + size_;
  }
  void grown(std::size_t written) { size_ += written; }

  void append(const void* bytes, std::size_t size) {
    char* const end = room(size);
    if (size != 0) std::memcpy(end, bytes, size);  // an empty view may be null, which memcpy forbids
    size_ += size;
  }
  void append_byte(char byte) {
    *room(1) = byte;
    ++size_;
  }
  void append_zeros(std::size_t size) {
    char* const end = room(size);
    if (size != 0) std::memset(end, 0, size);
    size_ += size;
  }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  void reallocate(std::size_t extra);

  std::unique_ptr<char, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace penstock
