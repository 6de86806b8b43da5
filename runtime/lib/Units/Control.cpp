//===- Control.cpp - Loops and credits ------------------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Commands that every unit may run. They take no time and cost nothing.
//
//===----------------------------------------------------------------------===//

#include "Timing/TimingModel.h"
#include "Walk/Walk.h"

#include <algorithm>

using namespace sprint;

bool Walk::run(Unit &unit, const LoopCommand &command) {
  unit.cursor.beginLoop(command);
  return true;
}

bool Walk::run(Unit &unit, const EndLoopCommand &) {
  unit.cursor.endLoop();
  return true;
}

bool Walk::run(Unit &unit, const AcquireCommand &command) {
  int64_t &held = credits[static_cast<size_t>(command.queue)];
  if (held == 0) {
    unit.waitsFor = program.name(command.queue);
    return false;
  }
  --held;
  finish(unit, AcquireEvent{command.queue});
  return true;
}

bool Walk::run(Unit &unit, const ReleaseCommand &command) {
  int64_t &held = credits[static_cast<size_t>(command.queue)];
  if (held == kMaxQueueCapacity)
    fail(unit, "overruns queue '" + program.name(command.queue) + "', which holds at most " +
                   std::to_string(kMaxQueueCapacity) + " credits");
  ++held;
  finish(unit, ReleaseEvent{command.queue});
  return true;
}

bool TimingModel::run(Unit &unit, const AcquireEvent &event) {
  TimedCredits &held = credits[static_cast<size_t>(event.queue)];
  if (held.initial > 0) {
    --held.initial;
    return true;
  }
  if (held.times.empty())
    return wait(unit, held.waiting);
  if (options.explained)
    noteWait(unit, "a credit of '" + std::string(held.name) + "'", held.times.front());
  unit.time = std::max(unit.time, held.times.front());
  held.times.pop();
  return true;
}

bool TimingModel::run(Unit &unit, const ReleaseEvent &event) {
  TimedCredits &held = credits[static_cast<size_t>(event.queue)];
  // A unit is followed further ahead than in the walk.
  if (held.count() == kMaxQueueCapacity)
    fail(unit, "overruns queue '" + std::string(held.name) + "', which holds at most " +
                   std::to_string(kMaxQueueCapacity) + " credits");
  held.times.push(std::max(unit.time, unit.ended));
  wake(held.waiting);
  return true;
}
