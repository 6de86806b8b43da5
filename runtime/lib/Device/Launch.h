//===- Launch.h - Launches without a check -----------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_DEVICE_LAUNCH_H
#define SPRINTRUNTIME_LIB_DEVICE_LAUNCH_H

#include "SprintRuntime/Device.h"

#include <optional>
#include <string>

namespace sprint {

/// Device::launch on a device with that memory; without the checks of `check`, unless `isChecked`.
std::optional<LaunchResult> launchOn(Device::Memory &memory, const Program &program,
                                     const LaunchOperands &operands, const LaunchOptions &options,
                                     bool isChecked, std::string &error) noexcept;

/// `launch` of a program that `check` may find errors in: what the simulator itself says of them.
/// No end of a queue is shared between units, and no command takes twice from one.
std::optional<LaunchResult> launchUnchecked(const Program &program, const Machine &machine,
                                            const LaunchOperands &operands,
                                            const LaunchOptions &options,
                                            std::string &error) noexcept;

} // namespace sprint

#endif // SPRINTRUNTIME_LIB_DEVICE_LAUNCH_H
