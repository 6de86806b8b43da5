//===- BuiltinMachines.h - The files of runtime/arch -------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_MACHINE_BUILTINMACHINES_H
#define SPRINTRUNTIME_LIB_MACHINE_BUILTINMACHINES_H

#include <span>
#include <string_view>

namespace sprint {

/// A file of runtime/arch, taken into the library when it is built.
struct BuiltinMachine {
  std::string_view name;
  std::string_view text;
};

std::span<const BuiltinMachine> builtinMachineFiles();

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_MACHINE_BUILTINMACHINES_H
