//===- RunFiles.cpp - Files that runs leave behind ------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Driver/RunFiles.h"

#include "Sprint/Driver/TensorFiles.h"
#include "SprintRuntime/ThresholdFile.h"

#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::sprint;

std::string mlir::sprint::joinPath(StringRef folder, const Twine &name) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return std::string(path);
}

std::string mlir::sprint::getOutputPath(StringRef folder, size_t run, size_t runs, size_t index) {
  std::string ofRun = runs == 1 ? folder.str() : joinPath(folder, Twine(run));
  return joinPath(ofRun, Twine(index) + ".npy");
}

/// The path of the IR at a level, and of the command stream.
static std::string getLevelPath(StringRef folder, const LevelInfo &info) {
  return joinPath(folder, info.name + ".mlir");
}
static std::string getStreamPath(StringRef folder) { return joinPath(folder, "stream.sprint"); }

std::vector<std::string> mlir::sprint::getArtifactPaths(StringRef folder, Level level) {
  std::vector<std::string> paths;
  for (const LevelInfo &info : getLevels())
    if (info.level <= level)
      paths.push_back(getLevelPath(folder, info));
  if (level == Level::Stream)
    paths.push_back(getStreamPath(folder));
  return paths;
}

llvm::Error RunFiles::addText(const std::string &path, StringRef text) {
  std::string error;
  paths.push_back(path);
  if (!files.add(path, std::string_view(text), error))
    return llvm::createStringError(error);
  return llvm::Error::success();
}

llvm::Error RunFiles::addOutputs(StringRef folder, ArrayRef<std::vector<HostTensor>> outputs) {
  for (auto [run, tensors] : llvm::enumerate(outputs)) {
    for (auto [index, tensor] : llvm::enumerate(tensors)) {
      paths.push_back(getOutputPath(folder, run, outputs.size(), index));
      if (llvm::Error error = addTensor(files, paths.back(), tensor))
        return error;
    }
  }
  return llvm::Error::success();
}

llvm::Error RunFiles::addArtifacts(StringRef folder, const ScheduledModel &scheduled) {
  for (const LevelInfo &info : getLevels()) {
    ModuleOp module = scheduled.getModule(info.level);
    if (!module)
      continue;
    std::string text;
    llvm::raw_string_ostream os(text);
    module.print(os);
    if (llvm::Error error = addText(getLevelPath(folder, info), text + "\n"))
      return error;
  }
  if (!scheduled.getStream())
    return llvm::Error::success();
  std::vector<uint8_t> bytes = ::sprint::serialize(*scheduled.getStream());
  return addText(getStreamPath(folder),
                 StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
}

llvm::Error RunFiles::addThresholds(const std::string &path, const RunResult &result,
                                    ::sprint::ThresholdPolicy::Kind kind, double fraction,
                                    size_t inputs) {
  ::sprint::ThresholdFile file;
  file.thresholds = result.thresholds;
  for (const ProgramInfo &program : result.programs)
    file.attentions.push_back(program.name);
  file.kind = kind;
  file.fraction = fraction;
  file.inputs = static_cast<int64_t>(inputs);
  std::string error;
  paths.push_back(path);
  if (!::sprint::addThresholds(files, path, file, error))
    return llvm::createStringError(error);
  return llvm::Error::success();
}
