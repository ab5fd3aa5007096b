#pragma once

#include <memory>
#include <utility>

namespace penstock::reconcile::simulation {

/// A part of a world that worlds share until one of them changes it.
template <typename T>
class Cow {
 public:
  Cow() : value_(std::make_shared<T>()) {}
  explicit Cow(std::shared_ptr<T> value) : value_(std::move(value)) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  T& edit() {
    if (value_.use_count() > 1) value_ = std::make_shared<T>(*value_);
    return *value_;
  }
  /// The same object, thus the same value.
  [[nodiscard]] bool is(const Cow& other) const { return value_ == other.value_; }
  [[nodiscard]] const std::shared_ptr<T>& share() const { return value_; }

 private:
  std::shared_ptr<T> value_;
};

}  // namespace penstock::reconcile::simulation
