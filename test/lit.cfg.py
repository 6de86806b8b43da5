# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What every lit test of the project runs with.

import os

import lit.formats
import lit.llvm
from lit.llvm.subst import ToolSubst

config.name = "Sprint"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.sprint_build_dir, "test")

lit.llvm.initialize(lit_config, config)
llvm = lit.llvm.llvm_config

# The whole suite again, with what every run of sprint-opt parses and prints also going through text and bytecode.
sprint_opt_arguments = []
if lit_config.params.get("verify-roundtrip") in ("", "1", "true"):
    sprint_opt_arguments = ["--verify-roundtrip"]
    config.available_features.add("verify-roundtrip")
    # Both may run at the same time.
    config.test_exec_root = os.path.join(config.test_exec_root, "roundtrip")
    # Where a test asks for it by itself, once is enough, and more is an error.
    config.substitutions.insert(0, ("--verify-roundtrip", ""))

tools = [os.path.join(config.sprint_build_dir, "bin"), config.llvm_tools_dir]
llvm.add_tool_substitutions(
    [
        ToolSubst("sprint-opt", extra_args=sprint_opt_arguments),
        "sprint-translate",
        "sprint-tblgen",
        ToolSubst("sprint-sim", unresolved="ignore"),
        ToolSubst("sprint-run", unresolved="ignore"),
        "mlir-opt",
        "FileCheck",
        "count",
        "mlir-runner",
        "not",
        "split-file",
    ],
    tools,
)
llvm.with_environment("PATH", tools, append_path=True)
llvm.with_environment(
    "PYTHONPATH", os.path.join(config.sprint_source_dir, "python"), append_path=True
)
# Runs `main` of what the Sprint ops of a test mean in upstream dialects; it prints what is checked.
lower_to_llvm = [
    "--convert-sprint-to-linalg",
    "--convert-elementwise-to-linalg",
    '--one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map"',
    "--convert-linalg-to-loops",
    "--expand-strided-metadata",
    "--lower-affine",
    "--convert-scf-to-cf",
    "--arith-expand",
    "--convert-math-to-llvm",
    "--convert-math-to-libm",
    "--convert-arith-to-llvm",
    "--convert-index-to-llvm",
    "--finalize-memref-to-llvm",
    "--convert-func-to-llvm",
    "--convert-cf-to-llvm",
    "--reconcile-unrealized-casts",
]
llvm_libs = os.path.join(os.path.dirname(config.llvm_tools_dir), "lib")
runner_libs = ",".join(
    os.path.join(llvm_libs, f"lib{name}.so") for name in ("mlir_runner_utils", "mlir_c_runner_utils")
)
# In front of the tools, which it names.
config.substitutions.insert(
    0,
    (
        "%run_values",
        f"sprint-opt %s {' '.join(lower_to_llvm)} | mlir-runner --entry-point-result=void --shared-libs={runner_libs}",
    ),
)
config.substitutions += [
    ("%python", config.python),
    ("%sprint_src", config.sprint_source_dir),
    ("%sprint_plugin", os.path.join(config.sprint_build_dir, "lib", "SprintPlugin.so")),
    ("%mlir_include", config.mlir_include_dir),
]
