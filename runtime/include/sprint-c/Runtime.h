/*===- Runtime.h - C API of the runtime ----------------------------*- C -*-===*\
|*                                                                            *|
|* Part of the Sprint project.                                                *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Runs command streams on the simulated machine. What a function creates,    *|
|* the caller destroys; null may be destroyed. A function that can fail takes *|
|* `char **error`: where it fails, it returns null or false and stores there, *|
|* unless it is null, a message that sprintDestroyString frees. Pointers that *|
|* an accessor returns live as long as its object.                            *|
|*                                                                            *|
|* Structs begin with their size, which the caller sets to sizeof: they may   *|
|* grow at their end, and callers of an earlier or a later version of this    *|
|* header than the library's are served, too.                                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef SPRINT_C_RUNTIME_H
#define SPRINT_C_RUNTIME_H

#include "sprint-c/Inputs.h"
#include "sprint-c/Statistics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPRINT_EXPORT __attribute__((visibility("default")))

/** Programs of a module. */
typedef struct SprintStream SprintStream;
/** A machine description. */
typedef struct SprintMachine SprintMachine;
/** What a launch gives. */
typedef struct SprintResult SprintResult;
/** What thresholds would keep, gathered over launches. */
typedef struct SprintCalibration SprintCalibration;
/** A machine with what is in its memory. */
typedef struct SprintDevice SprintDevice;
/** Keys and values that stay in the memory of a device between launches. */
typedef struct SprintCache SprintCache;

/** Version of this interface: it changes with every change that callers can notice. */
SPRINT_EXPORT uint32_t sprintVersion(void);

SPRINT_EXPORT void sprintDestroyString(char *string);
SPRINT_EXPORT void sprintDestroyBytes(uint8_t *bytes);

/** Reads a stream from a file, or from `size` bytes. */
SPRINT_EXPORT SprintStream *sprintLoadStream(const char *path, char **error);
SPRINT_EXPORT SprintStream *sprintParseStream(const void *bytes, size_t size, char **error);
SPRINT_EXPORT void sprintDestroyStream(SprintStream *stream);
SPRINT_EXPORT size_t sprintNumPrograms(const SprintStream *stream);
/** Name of a program, and of the machine it was compiled for; null for an index that does not
 * exist. */
SPRINT_EXPORT const char *sprintProgramName(const SprintStream *stream, size_t program);
SPRINT_EXPORT const char *sprintProgramMachine(const SprintStream *stream, size_t program);
/** Replaces the thresholds of a program by `count` others, one or one a head, in logits: what
 * launches with SPRINT_THRESHOLDS_PROGRAM use from then on. None keep every allowed key. */
SPRINT_EXPORT bool sprintSetThresholds(SprintStream *stream, size_t program,
                                       const float *thresholds, size_t count, char **error);
/** The stream as bytes, thresholds included, for sprintParseStream or a file; their number is
 * stored in `size`, and sprintDestroyBytes frees them. */
SPRINT_EXPORT uint8_t *sprintSerializeStream(const SprintStream *stream, size_t *size,
                                             char **error);

/** A built-in machine by its name, or a file whose name ends in .yaml or .yml. */
SPRINT_EXPORT SprintMachine *sprintLoadMachine(const char *nameOrPath, char **error);
SPRINT_EXPORT void sprintDestroyMachine(SprintMachine *machine);

/** What is wrong with a program on a machine whatever it is launched with, and what cannot be
 * decided: a line each, which begins with "error: " or "undecided: "; an empty string where nothing
 * is found. sprintDestroyString frees it. */
SPRINT_EXPORT char *sprintCheckProgram(const SprintStream *stream, size_t program,
                                       const SprintMachine *machine, char **error);

/** Where a launch's thresholds come from. */
enum SprintThresholds {
  /** From the program. */
  SPRINT_THRESHOLDS_PROGRAM = 0,
  /** `thresholds`: `numThresholds` of them, one or one a head, in logits. */
  SPRINT_THRESHOLDS_GIVEN = 1,
  /** Calibrated on the operands, so that `fraction` of each head's allowed scores is dropped. */
  SPRINT_THRESHOLDS_PRUNE_RATE = 2,
  /** Calibrated on the operands, so that the kept keys hold at least `fraction` of the softmax, in
     the mean of each head's rows. */
  SPRINT_THRESHOLDS_KEEP_MASS = 3
};

/** Flags of SprintLaunch: what a result holds beside the output, and how its cycles are counted. */
enum SprintLaunchFlags {
  SPRINT_RECORD_MASKS = 1,
  SPRINT_RECORD_TRACE = 2,
  /** Every token by itself (docs/machine.md, "The detailed timing"); without it a formula for each
     command. Nothing but times depends on it. */
  SPRINT_DETAILED_TIMING = 4
};

/** A row-major tensor. */
struct SprintTensor {
  /** Null where there is none. */
  const void *data;
  /** As many sizes as it has dimensions. */
  int64_t shape[SPRINT_MAX_RANK];
};

/** What a launch is asked for. */
struct SprintLaunch {
  /** sizeof(struct SprintLaunch), which says how many inputs the caller knows. Those beyond what
   * the library knows have to be zero. */
  size_t size;
  /** Index of the program in the stream. */
  size_t program;
  /** One of enum SprintThresholds. */
  uint32_t thresholdPolicy;
  /** Of enum SprintLaunchFlags. */
  uint32_t flags;
  const float *thresholds;
  size_t numThresholds;
  double fraction;
  /** Gathers what thresholds would keep on these operands; null for nothing. */
  SprintCalibration *calibration;
  /** Where the program adds the keys and values among the inputs, of the device that it is launched
   * on; null where it takes no cache. What the inputs have for keys beside these has entries for
   * all that is in the cache then. */
  SprintCache *cache;
  /** By enum SprintInput; those that the program does not take are null. They stand last, as there
   * may be more of them in later versions. */
  struct SprintTensor inputs[SPRINT_NUM_INPUTS];
};

/** Runs a program on a machine with nothing in its memory, so without a cache. */
SPRINT_EXPORT SprintResult *sprintLaunch(const SprintStream *stream, const SprintMachine *machine,
                                         const struct SprintLaunch *launch, char **error);
SPRINT_EXPORT void sprintDestroyResult(SprintResult *result);

/** What a cache is for. */
struct SprintCacheOptions {
  /** sizeof(struct SprintCacheOptions). */
  size_t size;
  int64_t batches;
  /** Query heads of a batch element, and key heads, which divide them. */
  int64_t heads, keyHeads;
  /** Channels of a key and of a value. */
  int64_t headDim, valueDim;
  /** Steps that codes are made at, whatever the numbers of launches are: finite f32 of at least
   * 2^-126, of queries [batches, heads], of keys and of values [batches, keyHeads]. */
  const float *querySteps, *keySteps, *valueSteps;
};

/** A device: functions that take it, or one of its caches, are called one after another. */
SPRINT_EXPORT SprintDevice *sprintCreateDevice(const SprintMachine *machine, char **error);
SPRINT_EXPORT void sprintDestroyDevice(SprintDevice *device);
/** Runs a program on a device. A launch that fails leaves its cache as it was. */
SPRINT_EXPORT SprintResult *sprintLaunchOnDevice(SprintDevice *device, const SprintStream *stream,
                                                 const struct SprintLaunch *launch, char **error);

/** An empty cache. It takes arrays of the device's memory as it
 * grows, until it is destroyed, which may be after the device. */
SPRINT_EXPORT SprintCache *
sprintCreateCache(SprintDevice *device, const struct SprintCacheOptions *options, char **error);
SPRINT_EXPORT void sprintDestroyCache(SprintCache *cache);
/** Tokens that each key head of a cache has. */
SPRINT_EXPORT int64_t sprintCacheLength(const SprintCache *cache);

SPRINT_EXPORT SprintCalibration *sprintCreateCalibration(void);
SPRINT_EXPORT void sprintDestroyCalibration(SprintCalibration *calibration);
/** The thresholds that `policy`, SPRINT_THRESHOLDS_PRUNE_RATE or SPRINT_THRESHOLDS_KEEP_MASS, means
 * for all launches that were gathered, one a head; their number is stored in `count`. They live
 * until the next call or the calibration's end. */
SPRINT_EXPORT const float *sprintCalibratedThresholds(SprintCalibration *calibration,
                                                      uint32_t policy, double fraction,
                                                      size_t *count, char **error);

/** The output, `shape` of it stored in the four numbers there: [B, H, Sq, Dv]. */
SPRINT_EXPORT const float *sprintOutput(const SprintResult *result, int64_t shape[4]);
/** The output codes R of docs/numerics.md, of the same shape. */
SPRINT_EXPORT const int32_t *sprintOutputCodes(const SprintResult *result);
/** The thresholds that were used, one a head; their number is stored in `count`. */
SPRINT_EXPORT const float *sprintThresholds(const SprintResult *result, size_t *count);
/** Kept keys, 0 or 1, [B * H, Sq, Sk] stored in `shape`; null unless the launch asked for them. */
SPRINT_EXPORT const uint8_t *sprintMasks(const SprintResult *result, int64_t shape[3]);
/** Stores the statistics of a launch: as many as there are in `statistics->size` bytes and in this
 * version, and in `size` how many bytes these are, it included. Members behind them are left as
 * they are. */
SPRINT_EXPORT void sprintGetStatistics(const SprintResult *result,
                                       struct SprintStatistics *statistics);
/** The report of a launch with the same statistics, JSON (docs/tools.md). */
SPRINT_EXPORT const char *sprintStatistics(const SprintResult *result);
/** The timelines of launches one after another, Chrome trace JSON, which sprintDestroyString frees.
 * Null with an error for a launch that did not ask for it. */
SPRINT_EXPORT char *sprintTrace(const SprintResult *const *results, size_t count, char **error);

#ifdef __cplusplus
}
#endif

#endif /* SPRINT_C_RUNTIME_H */
