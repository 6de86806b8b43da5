# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the end-to-end tests write models and inputs, run the tools and compare what comes out."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(ROOT / "python"))

from sprint import reference  # noqa: E402

#: What a crash leaves on stderr.
CRASH = re.compile(
    r"Stack dump|PLEASE submit|LLVM ERROR|Assertion|terminate called|Sanitizer|Segmentation|"
    r"Aborted|std::|Traceback|core dumped")


class Failure(Exception):
    """A tool did not do what its contract says."""


def tool(name):
    """Path of a tool; build/bin of this tree where PATH has none."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + f":{ROOT / 'build' / 'bin'}")
    if not found:
        raise Failure(f"{name}: not found in PATH, nor in {ROOT / 'build' / 'bin'}")
    return found


def run(name, *arguments, timeout=300, check=True):
    """Runs a tool; with `check`, a nonzero exit code is a Failure with what it printed."""
    command = [tool(name), *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}\n  did not end within {timeout} s") from None
    done.stdout = done.stdout.decode("utf-8", "replace")
    done.stderr = done.stderr.decode("utf-8", "replace")
    if check and done.returncode:
        raise Failure(f"{' '.join(command)}\n  exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done


def temporary_directory():
    return tempfile.TemporaryDirectory(prefix="sprint-")


# Models and inputs -------------------------------------------------------------------------------


def float_attribute(value):
    """An f64 as MLIR reads it, to the bit."""
    return f"{value:.17e}"


def attention_mlir(case, dynamic=False):
    """A function of one `sprint.attention` for a `sprint.testing.Case`, with static or dynamic
    lengths.
    """
    batches, heads, queries, head_dim = case.query.shape
    key_heads, keys, value_dim = case.value.shape[1:]
    if dynamic:
        queries = keys = "?"

    def tensor(heads, tokens, channels):
        return f"tensor<{batches}x{heads}x{tokens}x{channels}xf32>"

    query, output = tensor(heads, queries, head_dim), tensor(heads, queries, value_dim)
    key, value = tensor(key_heads, keys, head_dim), tensor(key_heads, keys, value_dim)
    arguments = [f"%q: {query}", f"%k: {key}", f"%v: {value}"]
    masks = ""
    for name, element in (("key_valid", "i1"), ("mask", "i1"), ("bias", "f32"),
                          ("query_segments", "i32"), ("key_segments", "i32")):
        mask = getattr(case, name)
        if mask is not None:
            sizes = list(mask.shape[:-1]) + [queries if name == "query_segments" else keys]
            if dynamic and mask.ndim == 4 and sizes[2] != 1:
                sizes[2] = queries
            kind = f"tensor<{'x'.join(map(str, sizes))}x{element}>"
            arguments.append(f"%{name}: {kind}")
            masks += f" {name}(%{name} : {kind})"
    band = ""
    if case.band:
        fields = [f"{bound} = {getattr(case.band, bound)}" for bound in ("lower", "upper")
                  if getattr(case.band, bound) is not None]
        if case.band.align != "start":
            fields.append(f"align = {case.band.align}")
        band = f" band(<{', '.join(fields)}>)"
    empty_row = ""
    if case.empty_row:
        empty_row = f" empty_row({case.empty_row.kind})"
        if case.empty_row.masked_logit is not None:
            number, kind = case.empty_row.masked_logit, case.empty_row.type
            infinity = {"f16": "0xFC00", "bf16": "0xFF80", "f32": "0xFF800000"}[kind]
            empty_row += f" masked_logit({infinity if np.isinf(number) else number} : {kind})"
    size = "%length" if dynamic else ""
    length = ("    %two = arith.constant 2 : index\n"
              f"    %length = tensor.dim %q, %two : {query}\n") if dynamic else ""
    return (f"func.func @main({', '.join(arguments)}) -> {output} {{\n"
            f"{length}"
            f"    %init = tensor.empty({size}) : {output}\n"
            f"    %o = sprint.attention ins(%q, %k, %v : {query}, {key}, {value}){masks}\n"
            f"        outs(%init : {output}) scale({float_attribute(case.scale)})"
            f"{band}{empty_row}\n"
            f"        -> {output}\n"
            f"    return %o : {output}\n"
            "}\n")


def write_inputs(directory, *tensors):
    """Saves tensors in argument order and returns the `--input` arguments."""
    paths = [pathlib.Path(directory) / f"input{index}.npy" for index in range(len(tensors))]
    for path, tensor in zip(paths, tensors):
        np.save(path, tensor)
    return [f"--input={path}" for path in paths]


def write_thresholds(path, *attentions):
    """A thresholds file: a row for each attention."""
    rows = [[float(x) for x in np.atleast_1d(np.asarray(row, np.float32))] for row in attentions]
    pathlib.Path(path).write_text(json.dumps({"thresholds": rows}))
    return f"--thresholds={path}"


def raised_scale(model):
    """The scale that the raiser finds in a model of one attention."""
    text = run("sprint-opt", "--convert-linalg-to-sprint", model).stdout
    scales = re.findall(r"sprint\.attention.*?scale\(([^)]*)\)", text, re.DOTALL)
    if len(scales) != 1:
        raise Failure(f"{model}: expected one sprint.attention after raising, got {len(scales)}")
    if scales[0].startswith("0x"):
        return struct.unpack(">d", int(scales[0], 16).to_bytes(8, "big"))[0]
    return float(scales[0])


def compile_stream(model, stream, arch="s"):
    """Compiles a model to a command stream by the two tools and returns the stream's text."""
    ir = pathlib.Path(stream).with_suffix(".isa.mlir")
    run("sprint-opt", f"--sprint-compile=arch={arch}", model, "-o", ir)
    run("sprint-translate", "--sprint-isa-to-stream", ir, "-o", stream)
    return run("sprint-translate", "--stream-to-sprint-isa", stream).stdout


# Comparisons -------------------------------------------------------------------------------------


def differences(actual, expected):
    """What separates two arrays that should be the same bytes, in one sentence, or nothing."""
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return (f"expected {expected.dtype} {list(expected.shape)}, "
                f"got {actual.dtype} {list(actual.shape)}")
    if actual.tobytes() == expected.tobytes():
        return None
    differ = np.ascontiguousarray(actual).view(f"u{actual.itemsize}") != \
        np.ascontiguousarray(expected).view(f"u{expected.itemsize}")
    first = tuple(int(n) for n in np.argwhere(differ)[0])
    return (f"{np.count_nonzero(differ)} of {differ.size} differ, the first at {list(first)}: "
            f"expected {expected[first]}, got {actual[first]}")


class Report:
    """Counts checks, prints failures as they come, and gives the exit code."""

    def __init__(self):
        self.checks = 0
        self.failures = 0
        self.start = time.monotonic()

    def check(self, condition, message):
        self.checks += 1
        if not condition:
            self.fail(message)
        return bool(condition)

    def fail(self, message):
        self.failures += 1
        print(f"FAIL: {message}", flush=True)

    def same(self, what, actual, expected):
        difference = differences(actual, expected)
        return self.check(difference is None, f"{what}: {difference}")

    def exit_code(self):
        seconds = time.monotonic() - self.start
        print(f"{self.checks} checks, {self.failures} failures, {seconds:.0f} s")
        return 1 if self.failures or not self.checks else 0


def in_parallel(function, jobs, report):
    """Calls `function(job)` for every job on all processors; a Failure is reported and the others
    go on.
    """

    def guarded(job):
        try:
            function(job)
        except Failure as failure:
            report.fail(str(failure))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for future in [pool.submit(guarded, job) for job in jobs]:
            future.result()
