//===- Messages.h - What messages are made of --------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_MESSAGES_H
#define SPRINTRUNTIME_MESSAGES_H

#include <exception>
#include <string>

namespace sprint {

/// A message that quotes foreign text, made one line of at most 1,000 bytes: control characters
/// become '?'.
std::string oneLine(std::string message);

/// What a message says of an exception: of one about memory that there is not enough.
std::string reasonOf(const std::exception &exception);

} // namespace sprint

#endif // SPRINTRUNTIME_MESSAGES_H
