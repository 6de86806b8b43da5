#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long sprint-run takes to compile models of many arguments, attentions and layers.

Prints, for each model, the CPU time of a whole run beyond that of the smallest one, in seconds and
in milliseconds for each argument or attention: where it grows linearly, the latter stays the same.
CPU time, as other processes of the machine matter less to it. What runs is small, so compiling is
nearly all of it.
"""

import argparse
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARGUMENTS = (16, 32, 64, 128, 256, 500)
ATTENTIONS = (1, 10, 100, 300, 1000, 3000)
#: Heads, queries, keys and channels of an attention.
SIZES = (2, 8, 8, 16)


def write_model(folder: pathlib.Path, text: str, inputs: list[np.ndarray]) -> pathlib.Path:
    """Writes a model and its inputs; returns the path of the model."""
    folder.mkdir()
    for index, tensor in enumerate(inputs):
        np.save(folder / f"{index}.npy", tensor)
    model = folder.with_suffix(".mlir")
    model.write_text(text)
    return model


def arguments(count: int, folder: pathlib.Path) -> pathlib.Path:
    """As many arguments as results, each of which is 1 more than its argument."""
    tensor = "tensor<4x8xf32>"
    numbers = range(count)
    body = "".join(f"""
  %empty{i} = tensor.empty() : {tensor}
  %sum{i} = linalg.generic {{indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}}
      ins(%a{i} : {tensor}) outs(%empty{i} : {tensor}) {{
  ^bb0(%in: f32, %out: f32):
    %sum = arith.addf %in, %one : f32
    linalg.yield %sum : f32
  }} -> {tensor}""" for i in numbers)
    text = f"""#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @main({", ".join(f"%a{i}: {tensor}" for i in numbers)})
    -> ({", ".join([tensor] * count)}) {{
  %one = arith.constant 1.0 : f32{body}
  return {", ".join(f"%sum{i}" for i in numbers)} : {", ".join([tensor] * count)}
}}
"""
    values = np.random.default_rng(0).standard_normal((count, 4, 8), np.float32)
    return write_model(folder, text, list(values))


def attentions(count: int, folder: pathlib.Path) -> pathlib.Path:
    """A chain of attentions as torch-mlir prints them: each one's result is the next one's query,
    and all share keys and values."""
    heads, queries, keys, channels = SIZES
    text = (ROOT / "examples" / "sdpa.mlir").read_text()
    # There it is 4 heads, 128 queries and keys, 64 channels.
    name = {"4": heads, "128": queries, "64": channels}
    text = re.sub(r"(?<=[<x\[ ])(4|128|64)(?=[x\],])", lambda size: str(name[size[1]]), text)
    head, signature, body, tail = re.fullmatch(
        r"(.*?)(  func\.func @main[^\n]*\n)(.*?)(    return .*)", text, re.DOTALL).groups()
    constants = "".join(line + "\n" for line in body.splitlines() if " arith.constant " in line
                        and line.startswith("    %"))
    body = "".join(line + "\n" for line in body.splitlines() if line + "\n" not in constants)
    shared = set(re.findall(r"^ *(%\w+) =", constants, re.MULTILINE)) | {"%arg1", "%arg2"}
    result = re.search(r"return (%\w+)", tail)[1]
    last = "%arg0"

    def chain() -> Iterator[str]:
        nonlocal last
        for index in range(count):
            query = last
            yield re.sub(r"%\w+", lambda value: query if value[0] == "%arg0" else value[0] if value[0]
                         in shared else f"%l{index}_{value[0][1:]}", body)
            last = f"%l{index}_{result[1:]}"

    text = head + signature + constants + "".join(chain())
    text += tail.replace(result, last)
    values = np.random.default_rng(0).standard_normal
    return write_model(folder, text,
                       [values((1, heads, length, channels), np.float32)
                        for length in (queries, keys, keys)])


def decoder(layers: int, folder: pathlib.Path, python: str) -> pathlib.Path:
    """One step of a Llama, with its cache as arguments and results; `python` has the exporter."""
    here = pathlib.Path(__file__).parent
    model = folder.with_suffix(".mlir")
    path = os.pathsep.join([str(ROOT / "python"), str(here)])
    subprocess.run([python, "-m", "sprint.export", "decoder:step", "--inputs", "decoder:example", "-o",
                    str(model), "--inputs-dir", str(folder)], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PYTHONPATH": path, "LAYERS": str(layers)})
    for reference in folder.glob("reference*"):
        reference.unlink()
    return model


def seconds(run: pathlib.Path, model: pathlib.Path, runs: int) -> float:
    """The least CPU time of a run, user's and system's."""
    times = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([str(run), str(model), f"--input={model.with_suffix('')}", "--threshold=-inf"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=pathlib.Path, action="append", metavar="SPRINT-RUN",
                        help="a sprint-run to measure; several are compared")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--arguments", type=int, nargs="*", default=ARGUMENTS)
    parser.add_argument("--attentions", type=int, nargs="*", default=ATTENTIONS)
    parser.add_argument("--layers", type=int, nargs="*", default=(8, 16, 32),
                        help="of decoders; none needs no exporter")
    parser.add_argument("--python", help="a Python with the exporter; without it scripts/export-venv's")
    options = parser.parse_args()
    tools = options.run or [ROOT / "build" / "bin" / "sprint-run"]
    for tool in tools:
        if not tool.exists():
            sys.exit(f"error: {tool}: no such file")
    python = options.python
    if options.layers and not python:
        python = subprocess.run([str(ROOT / "scripts" / "export-venv")], check=True, text=True,
                                stdout=subprocess.PIPE).stdout.strip()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        smallest = arguments(1, folder / "smallest")
        base = [seconds(tool, smallest, options.runs) for tool in tools]
        columns = " s | ms a piece |" * len(tools)
        print(f"| model |{columns}\n| --- |" + " --- | --- |" * len(tools))

        def row(kind: str, count: int, model: pathlib.Path) -> None:
            cells = ""
            for tool, start in zip(tools, base):
                taken = seconds(tool, model, options.runs) - start
                cells += f" {taken:.2f} | {1000 * taken / count:.1f} |"
            print(f"| {count} {kind} |{cells}", flush=True)

        for count in options.arguments:
            row("arguments and results", count, arguments(count, folder / f"arguments{count}"))
        for count in options.attentions:
            row("attentions", count, attentions(count, folder / f"attentions{count}"))
        for layers in options.layers:
            row("layers", layers, decoder(layers, folder / f"decoder{layers}", python))


if __name__ == "__main__":
    main()
