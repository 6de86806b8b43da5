#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs whose memory ends: each ends whole, or with one line that says so and nothing written.

The limit is raised from what a run of four tokens needs up to where that of 4,096 is whole, so that
memory ends wherever it is taken for them. (With less, MLIR writes through null while it starts.)
"""

import pathlib
import resource
import subprocess
import sys

import harness
import numpy as np

MIB = 1 << 20
STEPS = 12


def run(command, limit, stack=None):
    """Runs a command with an address space of at most `limit` bytes, and stacks of `stack`."""
    def set_limit():
        if stack:
            resource.setrlimit(resource.RLIMIT_STACK, (stack, stack))
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return subprocess.run(command, preexec_fn=set_limit, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120)


def smallest(works, least, most):
    """The smallest limit, to a few MiB, with which `works` holds."""
    while most - least > 4 * MIB:
        middle = (least + most) // 2
        if works(middle):
            most = middle
        else:
            least = middle
    return most


def check(report, name, command, few, many, folder):
    """Runs `command` with the inputs `few` and `many`; it writes into `folder`."""
    command = [harness.tool(command[0]), *map(str, command[1:]), f"--output-dir={folder}"]
    most = 8 << 30
    least = smallest(lambda limit: run([*command, *few], limit).returncode == 0, 0, most)
    command += many
    enough = smallest(lambda limit: run(command, limit).returncode == 0, least, most)
    ended = 0
    for step in range(STEPS):
        for path in folder.iterdir():
            path.unlink()
        # What a tool takes to start differs a little from run to run.
        limit = least + (enough - least) * (step + 1) // (STEPS + 1)
        done = run(command, limit)
        if done.returncode == 0:
            continue
        ended += 1
        lines = done.stderr.splitlines()
        report.check(done.returncode == 1 and len(lines) == 1 and "error:" in lines[0] and
                     "memory" in lines[0].lower() and not list(folder.iterdir()),
                     f"{name}, {limit // MIB} MiB: exit code {done.returncode}, "
                     f"{done.stderr[:300]!r}, {list(folder.iterdir())}")
    report.check(ended > STEPS // 2, f"{name}: {ended} of {STEPS} runs had too little memory")


def main():
    report = harness.Report()
    random = np.random.default_rng(3)
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        folder = directory / "out"
        folder.mkdir()
        tensor = "tensor<1x1x?x16xf32>"
        (directory / "model.mlir").write_text(f"""
func.func @main(%q: {tensor}, %k: {tensor}, %v: {tensor}, %out: {tensor}) -> {tensor} {{
  %0 = sprint.attention ins(%q, %k, %v : {tensor}, {tensor}, {tensor}) outs(%out : {tensor}) scale(0.25) -> {tensor}
  return %0 : {tensor}
}}
""")
        harness.compile_stream(directory / "model.mlir", directory / "stream")
        few, many = ([], [])
        for tokens, inputs in ((4, few), (4096, many)):
            for name in "qkvo":
                path = directory / f"{name}{tokens}.npy"
                np.save(path, random.standard_normal((1, 1, tokens, 16), dtype=np.float32))
                inputs.append(f"--input={path}")
        check(report, "sprint-sim", ["sprint-sim", directory / "stream", "--threshold=0.5",
                                     "--threads=1", f"--dump-masks={folder / 'masks.npy'}"],
              few[:3], many[:3], folder)
        check(report, "sprint-run", ["sprint-run", directory / "model.mlir", "--level=attention"],
              few, many, folder)
        # There is room for the process, and for no thread's stack.
        done = run([harness.tool("sprint-run"), str(directory / "model.mlir"), "--threshold=0.5",
                    *many], 2 << 30, stack=1 << 30)
        report.check(done.returncode in (0, 1) and "\n" not in done.stderr.rstrip("\n") and
                     (done.returncode == 0 or "error: cannot start a thread" in done.stderr),
                     f"no threads: exit code {done.returncode}, {done.stderr[:300]!r}")
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
