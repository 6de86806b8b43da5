//===- Registration.cpp - Translations of command streams -----------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Dialect/SprintISA/IR/SprintISA.h"
#include "Sprint/Target/CommandStream.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mlir::sprint_isa;

static void registerDialects(DialectRegistry &registry) { registry.insert<SprintISADialect>(); }

void mlir::sprint_isa::registerToCommandStreamTranslation() {
  TranslateFromMLIRRegistration registration(
      "sprint-isa-to-stream", "Encode the programs of a module as a command stream",
      [](ModuleOp module, raw_ostream &os) -> LogicalResult {
        FailureOr<::sprint::CommandStream> stream = translateToCommandStream(module);
        if (failed(stream))
          return failure();
        std::vector<uint8_t> bytes = ::sprint::serialize(*stream);
        if (bytes.size() > ::sprint::kMaxStreamBytes)
          return module.emitError() << "expected a command stream of at most "
                                    << ::sprint::kMaxStreamBytes << " bytes, got " << bytes.size();
        os.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
        return success();
      },
      registerDialects);
}

void mlir::sprint_isa::registerFromCommandStreamTranslation() {
  TranslateToMLIRRegistration registration(
      "stream-to-sprint-isa", "Print a command stream as a module",
      [](llvm::SourceMgr &sources, MLIRContext *context) -> OwningOpRef<Operation *> {
        context->loadDialect<SprintISADialect>();
        const llvm::MemoryBuffer *buffer = sources.getMemoryBuffer(sources.getMainFileID());
        Location location = FileLineColLoc::get(context, buffer->getBufferIdentifier(), 0, 0);
        std::string error;
        std::optional<::sprint::CommandStream> stream = ::sprint::parse(
            {reinterpret_cast<const uint8_t *>(buffer->getBufferStart()), buffer->getBufferSize()},
            error);
        if (!stream) {
          emitError(location) << error;
          return nullptr;
        }
        return translateFromCommandStream(*stream, location).release().getOperation();
      },
      registerDialects);
}
