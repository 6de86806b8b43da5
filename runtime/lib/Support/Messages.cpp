//===- Messages.cpp - What messages are made of ---------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SprintRuntime/Messages.h"

#include <cctype>
#include <new>
#include <stdexcept>

using namespace sprint;

std::string sprint::oneLine(std::string message) {
  constexpr size_t kMaxBytes = 1000;
  if (message.size() > kMaxBytes)
    message.replace(kMaxBytes - 3, std::string::npos, "...");
  for (char &character : message)
    if (std::iscntrl(static_cast<unsigned char>(character)))
      character = '?';
  return message;
}

std::string sprint::reasonOf(const std::exception &exception) {
  // The latter of a container that would be larger than any memory.
  if (dynamic_cast<const std::bad_alloc *>(&exception) ||
      dynamic_cast<const std::length_error *>(&exception))
    return "not enough memory";
  return exception.what();
}
