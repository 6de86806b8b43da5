/*===- compile.c - Compiles a model and launches it -----------------*- C -*-===*\
|*                                                                            *|
|* Part of the Sprint project.                                                *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* usage: compile MODEL BROKEN THRESHOLD... . Compiles MODEL once, a single   *|
|* attention of [1, 4, 128, 64], launches it with each THRESHOLD, and prints  *|
|* a line of cycles, energy and kept scores for each; then what the compiler  *|
|* says of BROKEN, to stderr.                                                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "sprint-c/Compiler.h"

#include <stdio.h>
#include <stdlib.h>

enum { NUM_HEADS = 4, NUM_TOKENS = 128, NUM_CHANNELS = 64 };
enum { NUM_ELEMENTS = NUM_HEADS * NUM_TOKENS * NUM_CHANNELS };

static void fail(const char *message) {
  fprintf(stderr, "error: %s\n", message ? message : "out of memory");
  exit(1);
}

/** Elements that a small generator gives, between -1 and 1. */
static const float *makeTensor(uint32_t seed) {
  float *elements = malloc(NUM_ELEMENTS * sizeof(float));
  if (!elements)
    fail(NULL);
  for (size_t i = 0; i < NUM_ELEMENTS; ++i) {
    seed = seed * 1664525u + 1013904223u;
    elements[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
  return elements;
}

int main(int argc, char **argv) {
  if (argc < 4)
    fail("expected MODEL BROKEN THRESHOLD...");
  char *error = NULL;
  const struct SprintModelOptions options = {.size = sizeof(options), .arch = "s"};
  SprintModel *model = sprintLoadModel(argv[1], &options, &error);
  SprintSchedule *schedule = model ? sprintScheduleModel(model, NULL, &error) : NULL;
  SprintExecutable *executable = schedule ? sprintCompileModel(schedule, &error) : NULL;
  if (!executable)
    fail(error);
  SprintStream *stream = sprintExecutableStream(executable);

  const int64_t shape[] = {1, NUM_HEADS, NUM_TOKENS, NUM_CHANNELS};
  struct SprintModelTensor inputs[3];
  for (uint32_t i = 0; i < 3; ++i)
    inputs[i] = (struct SprintModelTensor){SPRINT_TYPE_F32, 4, shape, makeTensor(i + 1)};
  for (int i = 3; i < argc; ++i) {
    const float threshold = strtof(argv[i], NULL);
    if (!sprintSetThresholds(stream, 0, &threshold, 1, &error))
      fail(error);
    SprintRun *run = sprintRunModel(executable, inputs, 3, NULL, &error);
    if (!run)
      fail(error);
    struct SprintStatistics statistics = {.size = sizeof(statistics)};
    struct SprintModelTensor output;
    if (sprintNumLaunches(run) != 1 || !sprintRunOutput(run, 0, &output) || output.rank != 4)
      fail("expected one launch and one output");
    sprintGetStatistics(sprintRunLaunch(run, 0), &statistics);
    printf("%.17g %.17g %lld %.9g\n", statistics.cycles, statistics.energyPjTotal,
           (long long)statistics.keptScores, ((const float *)output.data)[NUM_ELEMENTS - 1]);
    sprintDestroyRun(run);
  }
  for (uint32_t i = 0; i < 3; ++i)
    free((void *)inputs[i].data);
  sprintDestroyExecutable(executable);
  sprintDestroySchedule(schedule);
  sprintDestroyModel(model);

  if (sprintLoadModel(argv[2], NULL, &error))
    fail("expected an error of a broken model");
  fprintf(stderr, "%s\n", error);
  sprintDestroyString(error);
  return 0;
}
