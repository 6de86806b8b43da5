/*===- Compiler.h - C API of the compiler ---------------------------*- C -*-===*\
|*                                                                            *|
|* Part of the Sprint project.                                                *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Compiles models, linalg on tensors as torch-mlir prints it, and runs them. *|
|* A model is raised once, cut into host and device once, scheduled as often  *|
|* as asked for, and emitted as a stream, for the runtime's own interface, or *|
|* compiled, which runs the whole model. The conventions are those of         *|
|* sprint-c/Runtime.h; where the compiler fails, the message has a line for   *|
|* each of its errors: `FILE:LINE:COLUMN: error: ...`.                        *|
|*                                                                            *|
|* A model outlives what is made of it, and all that belongs to one thread at *|
|* a time. Different models may be compiled and run by different threads at   *|
|* the same time.                                                             *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef SPRINT_C_COMPILER_H
#define SPRINT_C_COMPILER_H

#include "sprint-c/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A model that has been raised. */
typedef struct SprintModel SprintModel;
/** A model with a schedule, on its way down. */
typedef struct SprintSchedule SprintSchedule;
/** A model that runs: a stream on the simulator, the rest on the host. */
typedef struct SprintExecutable SprintExecutable;
/** What a run of a model gives. */
typedef struct SprintRun SprintRun;

/** How a model is read. */
struct SprintModelOptions {
  /** sizeof(struct SprintModelOptions). */
  size_t size;
  /** The function to run; null for `main` or, where there is none, the only public one. */
  const char *entry;
  /** The machine to compile for, a built-in one or a file; null for `s`. */
  const char *arch;
};

/** Reads a model from a file, or from `numBytes` bytes of text or bytecode, which messages call
 * `name`, and raises its attentions. Null `options` are all null. */
SPRINT_EXPORT SprintModel *sprintLoadModel(const char *path,
                                           const struct SprintModelOptions *options, char **error);
SPRINT_EXPORT SprintModel *sprintParseModel(const void *bytes, size_t numBytes, const char *name,
                                            const struct SprintModelOptions *options, char **error);
SPRINT_EXPORT void sprintDestroyModel(SprintModel *model);

/** Cuts host and device apart; nothing where that is done. What follows does it where it has to. */
SPRINT_EXPORT bool sprintCutModel(SprintModel *model, char **error);
/** Finds the attentions that stay on the host, as far as is known: all of them once the model is
 * cut. Place and reason are those that were found last, null for an index that does not exist; they
 * live until they are found anew. */
SPRINT_EXPORT size_t sprintNumHostAttentions(SprintModel *model);
SPRINT_EXPORT const char *sprintHostAttentionLocation(SprintModel *model, size_t index);
SPRINT_EXPORT const char *sprintHostAttentionReason(SprintModel *model, size_t index);
/** The machine that the model is compiled for, as the caller's own. */
SPRINT_EXPORT SprintMachine *sprintModelMachine(SprintModel *model, char **error);

/** Chooses the schedule: an algorithm by its name, or `dense`, the baseline; null for `paper`. */
SPRINT_EXPORT SprintSchedule *sprintScheduleModel(SprintModel *model, const char *schedule,
                                                  char **error);
SPRINT_EXPORT void sprintDestroySchedule(SprintSchedule *schedule);
/** The IR at a level, by its name (docs/compiler.md), which sprintDestroyString frees. */
SPRINT_EXPORT char *sprintPrintLevel(SprintSchedule *schedule, const char *level, char **error);
/** The command stream, as the caller's own. An error where the model has no attention for the
 * machine. */
SPRINT_EXPORT SprintStream *sprintEmitStream(SprintSchedule *schedule, char **error);

/** Compiles the whole model. */
SPRINT_EXPORT SprintExecutable *sprintCompileModel(SprintSchedule *schedule, char **error);
SPRINT_EXPORT void sprintDestroyExecutable(SprintExecutable *executable);
/** The stream that runs, whose thresholds may be set without compiling again; it lives as long as
 * the executable. Null where the model has no attention for the machine. */
SPRINT_EXPORT SprintStream *sprintExecutableStream(SprintExecutable *executable);

/** Types of elements: a boolean is a byte, 0 or 1, an index 64 bits, a complex number its real
 * part, then its imaginary part. */
enum SprintElementType {
  SPRINT_TYPE_I1,
  SPRINT_TYPE_I8,
  SPRINT_TYPE_I16,
  SPRINT_TYPE_I32,
  SPRINT_TYPE_I64,
  SPRINT_TYPE_INDEX,
  SPRINT_TYPE_F16,
  SPRINT_TYPE_BF16,
  SPRINT_TYPE_F32,
  SPRINT_TYPE_F64,
  SPRINT_TYPE_COMPLEX_F32,
  SPRINT_TYPE_COMPLEX_F64
};

/** A row-major tensor of the model. */
struct SprintModelTensor {
  /** One of enum SprintElementType. */
  uint32_t elementType;
  uint32_t rank;
  const int64_t *shape;
  const void *data;
};

/** How a model runs. */
struct SprintRunOptions {
  /** sizeof(struct SprintRunOptions). */
  size_t size;
  /** One of enum SprintThresholds but SPRINT_THRESHOLDS_GIVEN, which are set in the stream. */
  uint32_t thresholdPolicy;
  /** Of enum SprintLaunchFlags. */
  uint32_t flags;
  double fraction;
};

/** Runs the model on `numInputs` inputs, the arguments of its function. Null `options` are all
 * zero. */
SPRINT_EXPORT SprintRun *sprintRunModel(SprintExecutable *executable,
                                        const struct SprintModelTensor *inputs, size_t numInputs,
                                        const struct SprintRunOptions *options, char **error);
SPRINT_EXPORT void sprintDestroyRun(SprintRun *run);
SPRINT_EXPORT size_t sprintNumOutputs(const SprintRun *run);
/** Stores a result of the model's function; false for an index that does not exist. */
SPRINT_EXPORT bool sprintRunOutput(const SprintRun *run, size_t index,
                                   struct SprintModelTensor *output);
/** The launches, in the order in which they ran; null for an index that does not exist. */
SPRINT_EXPORT size_t sprintNumLaunches(const SprintRun *run);
SPRINT_EXPORT const SprintResult *sprintRunLaunch(const SprintRun *run, size_t index);

/** Runs the model `numRuns` times, on `numInputs` inputs each, one run after another, with every
 * key kept, and sets the thresholds of its stream to those that `policy`,
 * SPRINT_THRESHOLDS_PRUNE_RATE or SPRINT_THRESHOLDS_KEEP_MASS, means for all runs together. */
SPRINT_EXPORT bool sprintCalibrateModel(SprintExecutable *executable,
                                        const struct SprintModelTensor *inputs, size_t numInputs,
                                        size_t numRuns, uint32_t policy, double fraction,
                                        char **error);

#ifdef __cplusplus
}
#endif

#endif /* SPRINT_C_COMPILER_H */
