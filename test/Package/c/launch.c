/*===- launch.c - Launches a program of a command stream -----------*- C -*-===*\
|*                                                                            *|
|* Part of the Sprint project.                                                *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* usage: launch STREAM MACHINE OUTPUT. The stream's first program takes      *|
|* [1, 4, 128, 64]; the statistics are printed, the output goes to a file.    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "sprint-c/Runtime.h"

#include <stdio.h>
#include <stdlib.h>

enum { NUM_HEADS = 4, NUM_TOKENS = 128, NUM_CHANNELS = 64 };
enum { NUM_ELEMENTS = NUM_HEADS * NUM_TOKENS * NUM_CHANNELS };

static void fail(const char *message) {
  fprintf(stderr, "error: %s\n", message);
  exit(1);
}

/** Elements that a small generator gives, between -1 and 1. */
static const float *makeTensor(uint32_t seed) {
  float *elements = malloc(NUM_ELEMENTS * sizeof(float));
  if (!elements)
    fail("out of memory");
  for (size_t i = 0; i < NUM_ELEMENTS; ++i) {
    seed = seed * 1664525u + 1013904223u;
    elements[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
  return elements;
}

int main(int argc, char **argv) {
  if (argc != 4)
    fail("expected STREAM MACHINE OUTPUT");
  char *error = NULL;
  SprintStream *stream = sprintLoadStream(argv[1], &error);
  SprintMachine *machine = stream ? sprintLoadMachine(argv[2], &error) : NULL;
  if (!machine)
    fail(error);

  struct SprintLaunch launch = {.size = sizeof(struct SprintLaunch),
                                .thresholdPolicy = SPRINT_THRESHOLDS_PRUNE_RATE,
                                .fraction = 0.75};
  const enum SprintInput inputs[] = {SPRINT_INPUT_QUERY, SPRINT_INPUT_KEY, SPRINT_INPUT_VALUE};
  for (uint32_t i = 0; i < 3; ++i)
    launch.inputs[inputs[i]] =
        (struct SprintTensor){makeTensor(i + 1), {1, NUM_HEADS, NUM_TOKENS, NUM_CHANNELS}};
  SprintResult *result = sprintLaunch(stream, machine, &launch, &error);
  if (!result)
    fail(error);
  puts(sprintStatistics(result));

  int64_t shape[4];
  const float *output = sprintOutput(result, shape);
  FILE *file = fopen(argv[3], "wb");
  if (!file || fwrite(output, sizeof(float), NUM_ELEMENTS, file) != NUM_ELEMENTS || fclose(file))
    fail("cannot write the output");

  for (uint32_t i = 0; i < 3; ++i)
    free((void *)launch.inputs[inputs[i]].data);
  sprintDestroyResult(result);
  sprintDestroyMachine(machine);
  sprintDestroyStream(stream);
  return 0;
}
