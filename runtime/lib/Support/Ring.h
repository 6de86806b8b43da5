//===- Ring.h - Queues that keep their memory --------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_SUPPORT_RING_H
#define SPRINTRUNTIME_LIB_SUPPORT_RING_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sprint {

/// First in, first out. Unlike std::deque it allocates nothing once it has been as long as it gets:
/// every row passes through several.
template <typename Value> class Ring {
public:
  bool empty() const { return count == 0; }
  size_t size() const { return count; }
  Value &front() { return values[begin]; }
  const Value &front() const { return values[begin]; }
  /// The value `index` places behind the front.
  Value &operator[](size_t index) { return values[place(index)]; }
  const Value &operator[](size_t index) const { return values[place(index)]; }

  void push(Value value) {
    if (count == values.size())
      grow();
    values[place(count)] = std::move(value);
    ++count;
  }
  void pop() {
    begin = place(1);
    --count;
  }

private:
  /// The capacity is a power of two.
  size_t place(size_t index) const { return (begin + index) & (values.size() - 1); }

  void grow() {
    std::vector<Value> grown(values.empty() ? 4 : values.size() * 2);
    for (size_t index = 0; index < count; ++index)
      grown[index] = std::move(values[place(index)]);
    values = std::move(grown);
    begin = 0;
  }

  std::vector<Value> values;
  size_t begin = 0;
  size_t count = 0;
};

/// Runs of values, of any length, numbered from 0, from the first that somebody still needs. Like
/// Ring it allocates nothing once it has been as long as it gets; each run lies in one piece.
template <typename Value> class RunLog {
public:
  /// Adds a run of zeros. What it returns lasts until the next call.
  std::span<Value> append(size_t length) {
    begins.push(values.size());
    values.resize(values.size() + length);
    return std::span(values).last(length);
  }
  std::span<const Value> operator[](int64_t number) const {
    auto place = static_cast<size_t>(number - first);
    size_t end = place + 1 < begins.size() ? begins[place + 1] : values.size();
    return std::span(values).subspan(begins[place], end - begins[place]);
  }
  /// Drops the runs before that of this number.
  void dropBefore(int64_t number) {
    for (; first < number; ++first)
      begins.pop();
    if (begins.empty())
      values.clear();
    else if (begins.front() * 2 > values.size())
      compact();
  }

private:
  void compact() {
    size_t dropped = begins.front();
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(dropped));
    for (size_t place = 0; place < begins.size(); ++place)
      begins[place] -= dropped;
  }

  std::vector<Value> values;
  /// Where each run begins in `values`.
  Ring<size_t> begins;
  int64_t first = 0;
};

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_SUPPORT_RING_H
