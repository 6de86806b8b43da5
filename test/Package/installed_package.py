# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Installs a build into a folder of its own, and uses it from there as those do who have nothing else: its tools, its plugin,
and projects in C and C++ outside of the repository.

usage: installed_package.py --build=DIR --version=VERSION [--cmake=FILE] [--option=-DNAME=VALUE...]
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "examples" / "sdpa.mlir"
SHAPE = (1, 4, 128, 64)
PRUNE_RATE = 0.75


def run(*command, **options):
    """What a command prints; ends the test where it fails."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout}")
    return done.stdout


def make_tensor(seed):
    """The elements of makeTensor in launch.c."""
    elements = np.empty(np.prod(SHAPE), np.float32)
    for i in range(elements.size):
        seed = (seed * 1664525 + 1013904223) % 2**32
        elements[i] = np.float32(seed >> 8) / np.float32(2**23) - np.float32(1)
    return elements.reshape(SHAPE)


def build_project(arguments, name, prefix, folder):
    """Builds a copy of a project against the package in `prefix`; gives the folder of its programs."""
    shutil.copytree(ROOT / "test" / "Package" / name, folder / name)
    build = folder / f"{name}-build"
    run(arguments.cmake, "-S", folder / name, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
        "-DCMAKE_BUILD_TYPE=Release", *arguments.option)
    run(arguments.cmake, "--build", build, "--parallel", "2")
    return build


def simulate(prefix, stream, machine, folder):
    """Statistics and output of the installed simulator on the inputs of launch.c."""
    inputs = []
    for i in range(3):
        np.save(folder / f"{i}.npy", make_tensor(i + 1))
        inputs.append(f"--input={folder / f'{i}.npy'}")
    run(prefix / "bin" / "sprint-sim", stream, *inputs, f"--arch={machine}", f"--prune-rate={PRUNE_RATE}",
        f"--output-dir={folder / 'sim'}", f"--stats={folder / 'stats.json'}")
    return json.loads((folder / "stats.json").read_text()), np.load(folder / "sim" / "0.npy")


def check(holds, message):
    if not holds:
        raise SystemExit(message)


def test_compiler(prefix, program, folder):
    """Compiles in C, launches with two thresholds, and breaks a model; against the installed sprint-run."""
    broken = folder / "broken.mlir"
    broken.write_text(MODEL.read_text().replace("linalg.", "linalgebra.", 1))
    thresholds = ["0.5", "-0.25"]
    done = subprocess.run([program, MODEL, broken, *thresholds], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{program}: exit code {done.returncode}\n{done.stderr}")
    check(re.search(r"broken\.mlir:\d+:\d+: error: ", done.stderr), f"expected a located diagnostic, got {done.stderr}")
    lines = done.stdout.splitlines()
    check(len(lines) == len(thresholds), f"expected a line for each threshold, got {lines}")
    for threshold, line in zip(thresholds, lines):
        inputs = [f"--input={folder / f'{i}.npy'}" for i in range(3)]
        run(prefix / "bin" / "sprint-run", MODEL, *inputs, f"--threshold={threshold}",
            f"--stats={folder / 'run.json'}", f"--output-dir={folder / 'run'}")
        expected = json.loads((folder / "run.json").read_text())
        cycles, energy, kept, last = line.split()
        check(float(cycles) == expected["cycles"] and float(energy) == expected["energy_pj"]["total"]
              and int(kept) == expected["kept_scores"], f"threshold {threshold}: got {line}, expected {expected}")
        check(np.float32(last) == np.load(folder / "run" / "0.npy").ravel()[-1], f"threshold {threshold}: another output")
    check(lines[0] != lines[1], f"expected other thresholds to do other work, got {lines}")


def test(arguments, folder):
    prefix = folder / "prefix"
    run(arguments.cmake, "--install", arguments.build, "--prefix", prefix)
    check(not any(str(arguments.build) in file.read_text()
                  for pattern in ("*.cmake", "*.h") for file in prefix.rglob(pattern)),
          "what is installed names the folder of the build")

    # The installed tools find their libraries by themselves.
    isa, stream = folder / "stream.mlir", folder / "stream.sprint"
    run(prefix / "bin" / "sprint-opt", MODEL, "--sprint-compile=arch=s", "-o", isa)
    run(prefix / "bin" / "sprint-translate", "--sprint-isa-to-stream", isa, "-o", stream)

    build = build_project(arguments, "c", prefix, folder)
    version, machines, plugin = (build / "package.txt").read_text().split()
    check(version == arguments.version, f"expected version {arguments.version}, got {version}")
    machine = pathlib.Path(machines) / "s.yaml"
    statistics, output = simulate(prefix, stream, machine, folder)
    for library in ("Runtime", "Compiler"):
        printed = json.loads(run(build / f"launch-{library}", stream, machine, folder / library))
        check(printed["cycles"] == statistics["cycles"] > 0,
              f"{library}: {printed['cycles']} cycles, {statistics['cycles']} from sprint-sim")
        check((folder / library).read_bytes() == output.tobytes(),
              f"{library}: another output than sprint-sim's")
    test_compiler(prefix, build / "compile", folder)
    raised = run("mlir-opt-22", MODEL, f"--load-dialect-plugin={plugin}", f"--load-pass-plugin={plugin}",
                 "--pass-pipeline=builtin.module(convert-linalg-to-sprint)")
    check("sprint.attention" in raised, f"mlir-opt-22 raised nothing:\n{raised}")

    build = build_project(arguments, "cxx", prefix, folder)
    run(build / "compile", MODEL, folder / "cxx.sprint")
    check((folder / "cxx.sprint").read_bytes() == stream.read_bytes(),
          "compile: another stream than sprint-translate's")
    described = run(build / "describe", stream)
    check(described == "attention s\n", f"describe: {described}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--cmake", default="cmake")
    parser.add_argument("--version", required=True)
    parser.add_argument("--option", action="append", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sprint-package-") as folder:
        test(arguments, pathlib.Path(folder))


if __name__ == "__main__":
    main()
