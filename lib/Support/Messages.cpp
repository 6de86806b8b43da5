//===- Messages.cpp - Where tools print what is wrong ---------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sprint/Support/Messages.h"

#include "SprintRuntime/Progress.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace mlir;

namespace {

class MessageStream final : public raw_ostream {
public:
  MessageStream() : raw_ostream(/*unbuffered=*/true) {}

  // Colours are those of a tool, not of what it repeats.
  raw_ostream &changeColor(Colors colors, bool bold, bool bg) override {
    llvm::errs().changeColor(colors, bold, bg);
    return *this;
  }
  raw_ostream &resetColor() override {
    llvm::errs().resetColor();
    return *this;
  }
  raw_ostream &reverseColor() override {
    llvm::errs().reverseColor();
    return *this;
  }
  bool is_displayed() const override { return llvm::errs().is_displayed(); }
  bool has_colors() const override { return llvm::errs().has_colors(); }

private:
  void write_impl(const char *text, size_t size) override {
    ::sprint::wipeProgress();
    std::string clean(text, size);
    for (size_t index = 0; index < size; ++index) {
      auto byte = static_cast<unsigned char>(clean[index]);
      // Those of two bytes begin with 0xC2.
      bool isSecond = index > 0 && static_cast<unsigned char>(text[index - 1]) == 0xc2 &&
                      byte >= 0x80 && byte < 0xa0;
      if (isSecond)
        clean[index - 1] = '?';
      if (isSecond || byte == 0x7f || (byte < ' ' && byte != '\n' && byte != '\t'))
        clean[index] = '?';
    }
    llvm::errs() << clean;
  }
  uint64_t current_pos() const override { return llvm::errs().tell(); }
};

} // namespace

/// Ends a tool with one line, for which nothing is allocated. What outputs have begun the next run
/// clears up.
[[noreturn]] static void end(const char *tool, const char *reason) {
  for (const char *part : {tool, ": error: ", reason, "\n"})
    (void)!::write(STDERR_FILENO, part, std::strlen(part));
  ::_exit(EXIT_FAILURE);
}

void mlir::sprint::endWhenExhausted(const char *tool) {
  llvm::install_bad_alloc_error_handler(
      [](void *name, const char *, bool) {
        end(static_cast<const char *>(name), "not enough memory");
      },
      const_cast<char *>(tool));
  llvm::install_fatal_error_handler(
      [](void *name, const char *reason, bool) {
        // What pools of threads say; anything else is a fault of ours.
        if (StringRef(reason).starts_with("pthread_create failed"))
          end(static_cast<const char *>(name), "cannot start a thread");
        llvm::errs() << "LLVM ERROR: " << reason << "\n";
      },
      const_cast<char *>(tool));
}

raw_ostream &mlir::sprint::messages() {
  static MessageStream stream;
  return stream;
}
