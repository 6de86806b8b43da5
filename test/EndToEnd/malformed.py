#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Malformed input ends in one clear message and exit code 1: MLIR, streams, machine descriptions,
.npy, thresholds, arguments.

Each input is one thing wrong with something that is right otherwise. The tool has to exit with code
1, print exactly one message that names the file (or the argument), leave no file behind, and end
within the time limit.
"""

import argparse
import dataclasses
import io
import pathlib
import random
import re
import sys

import numpy as np

import harness
from sprint import testing

TIME_LIMIT = 20
#: What command line parsers add to their message.
HINT = re.compile(r"did you mean|^run with --help", re.IGNORECASE)
#: Single-byte changes of a stream that are tried.
FLIPS = 48


@dataclasses.dataclass
class Trial:
    """One run that has to fail; `{dir}` in arguments stands for its folder."""

    name: str
    tool: str
    arguments: list
    #: What the message has to contain.
    names: str
    #: Files the folder holds, by name.
    files: dict
    #: A change that may turn out to be harmless: then the tool has to succeed.
    may_succeed: bool = False


class Good:
    """An attention with everything it needs to run, all of it right."""

    def __init__(self, directory):
        self.case = testing.random_case("good", heads=2, queries=6, keys=6, head_dim=8)
        self.model = harness.attention_mlir(self.case)
        path = directory / "model.mlir"
        path.write_text(self.model)
        # The text of the stream is the ISA program alone, without the host's part.
        self.isa = harness.compile_stream(path, directory / "good.stream")
        self.stream = (directory / "good.stream").read_bytes()
        self.machine = (harness.ROOT / "runtime" / "arch" / "s.yaml").read_text()
        self.files = {"model.mlir": self.model, "good.stream": self.stream,
                      **{f"{name}.npy": npy(tensor) for name, tensor in
                         zip("qkv", (self.case.query, self.case.key, self.case.value))}}


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def npy_header(header, body=b"", version=(1, 0)):
    """A .npy file with this text as its header."""
    text = header.encode() + b"\n"
    length = len(text).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + length + text + body


def replaced(text, old, new):
    """`text` with one thing changed; a Failure where it is not there to be changed."""
    if old not in text:
        raise harness.Failure(f"expected {old!r} in the input that is made malformed")
    return text.replace(old, new, 1)


INPUTS = ["--input={dir}/q.npy", "--input={dir}/k.npy", "--input={dir}/v.npy"]
OUTPUTS = ["--output-dir={dir}/out", "--stats={dir}/stats.json"]


# Kinds -------------------------------------------------------------------------------------------


def bad_mlir(good):
    tensor = "tensor<1x2x6x8xf32>"
    head, arguments = good.model.split("{\n", 1)[0], INPUTS + OUTPUTS
    models = {
        "empty": "",
        "prose": "this is not MLIR\n",
        "every byte": bytes(range(256)),
        "zeros": bytes(64),
        "cut in the middle": good.model[:len(good.model) // 2],
        "unclosed function": good.model.rstrip()[:-1],
        "unknown op": replaced(good.model, "sprint.attention", "sprint.attend"),
        "unknown dialect": replaced(good.model, "sprint.attention", "sprinter.attention"),
        "undefined value": replaced(good.model, "ins(%q,", "ins(%w,"),
        "key of another width": good.model.replace(f"%k: {tensor}", "%k: tensor<1x2x6x9xf32>")
                                .replace(f"ins(%q, %k, %v : {tensor}, {tensor}",
                                         f"ins(%q, %k, %v : {tensor}, tensor<1x2x6x9xf32>"),
        "key of other heads": good.model.replace(f"%k: {tensor}", "%k: tensor<1x3x6x8xf32>")
                              .replace(f"ins(%q, %k, %v : {tensor}, {tensor}",
                                       f"ins(%q, %k, %v : {tensor}, tensor<1x3x6x8xf32>"),
        "rank of 3": good.model.replace(tensor, "tensor<2x6x8xf32>"),
        "f64": good.model.replace(tensor, "tensor<1x2x6x8xf64>"),
        "scale of zero": re.sub(r"scale\([^)]*\)", "scale(0.0)", good.model),
        "negative scale": re.sub(r"scale\([^)]*\)", "scale(-0.125)", good.model),
        "scale that is no number": re.sub(r"scale\([^)]*\)", "scale(0x7FF8000000000000)",
                                          good.model),
        "band without a key": re.sub(r"(scale\([^)]*\))", r"\1 mask(<lower = 3, upper = -3>)",
                                     good.model),
        "three thresholds for two heads": re.sub(
            r"(scale\([^)]*\))", r"\1 thresholds([0.0, 1.0, 2.0])", good.model),
        "threshold that is no number": re.sub(
            r"(scale\([^)]*\))", r"\1 thresholds([0x7FC00000])", good.model),
        "output of another length": re.sub(r"tensor\.dim %q, %two : \S+",
                                           "arith.constant 3 : index",
                                           harness.attention_mlir(good.case, dynamic=True)),
        "declaration alone": head.replace("func.func @", "func.func private @")
                             .replace("%q: ", "").replace("%k: ", "").replace("%v: ", ""),
        "two functions, none of them main": good.model.replace("@main", "@one") +
                                            good.model.replace("@main", "@two"),
    }
    for name, text in models.items():
        files = {**good.files, "bad.mlir": text}
        yield Trial(name, "sprint-run", ["{dir}/bad.mlir", *arguments], "bad.mlir", files)
        # MLIR reads a file of zeros as it reads an empty one; others are wrong only as they run.
        if name not in ("empty", "zeros", "output of another length", "declaration alone",
                        "two functions, none of them main"):
            yield Trial(name, "sprint-opt",
                        ["--sprint-compile=arch=s", "{dir}/bad.mlir", "-o", "{dir}/out.mlir"],
                        "bad.mlir", files)

    programs = {
        "prose": "this is not MLIR\n",
        "cut in the middle": good.isa[:len(good.isa) // 2],
        "undefined queue": re.sub(r"acquire queue\(@\w+\)", "acquire queue(@nowhere)",
                                  good.isa, count=1),
        "unknown unit": replaced(good.isa, "sprint_isa.unit softmax", "sprint_isa.unit hardmax"),
        "command of another unit": replaced(
            good.isa, "sprint_isa.unit softmax {",
            "sprint_isa.unit softmax {\nsprint_isa.copy_query batch(0) head(0) query(0)"),
        "counter of no loop": replaced(
            good.isa, "sprint_isa.unit write {",
            "sprint_isa.unit write {\nsprint_isa.write region(key) batch(i7) head(0)"),
        "unknown parameter": replaced(good.isa, "trip(heads)", "trip(haeds)"),
        "negative credits": re.sub(r"credits\(\d+\)", "credits(-1)", good.isa, count=1),
        "queue of depth zero": re.sub(r"depth\(\d+\)", "depth(0)", good.isa, count=1),
        "negative parameter": re.sub(r"heads = \d+", "heads = -2", good.isa, count=1),
        "scale of zero": re.sub(r"scale\([^)]*\)", "scale(0.0)", good.isa),
    }
    for name, text in programs.items():
        if text == good.isa:
            raise harness.Failure(f"ISA text, {name}: expected something to change")
        yield Trial(name, "sprint-translate",
                    ["--sprint-isa-to-stream", "{dir}/bad.mlir", "-o", "{dir}/out.stream"],
                    "bad.mlir", {"bad.mlir": text})


def bad_streams(good):
    stream = good.stream
    streams = {
        "empty": b"",
        "one byte": stream[:1],
        "eight bytes": stream[:8],
        "half": stream[:len(stream) // 2],
        "without the last byte": stream[:-1],
        "with a byte more": stream + b"\0",
        "twice": stream + stream,
        "zeros": bytes(len(stream)),
        "ones": b"\xff" * len(stream),
        "without its identifier": stream.replace(stream[4:8], b"NONE", 1),
        "an offset beyond the end": b"\xf0\xff\xff\x7f" + stream[4:],
        "backwards": stream[::-1],
        "MLIR text": good.model.encode(),
        "noise": random.Random(1).randbytes(4096),
        "a long tail of zeros": stream + bytes(1 << 20),
    }
    changes = random.Random(2)
    for n in range(FLIPS):
        place = changes.randrange(len(stream))
        value = stream[place] ^ (1 << changes.randrange(8))
        streams[f"flip {n} of byte {place}"] = stream[:place] + bytes([value]) + stream[place + 1:]
    for name, content in streams.items():
        files = {**good.files, "bad.stream": content}
        harmless = name.startswith("flip")
        yield Trial(name, "sprint-sim", ["{dir}/bad.stream", *INPUTS, *OUTPUTS], "bad.stream",
                    files, harmless)
        yield Trial(name, "sprint-translate",
                    ["--stream-to-sprint-isa", "{dir}/bad.stream", "-o", "{dir}/out.mlir"],
                    "bad.stream", files, harmless)


def bad_machines(good):
    text = good.machine

    def value_of(key, new):
        changed, count = re.subn(rf"(\b{key}: {{value: )[^,]*", rf"\g<1>{new}", text)
        if count != 1:
            raise harness.Failure(f"s.yaml: expected one {key}, found {count}")
        return changed

    machines = {
        "empty": "",
        "a number": "7\n",
        "a list": "- name\n- s\n",
        "unclosed bracket": text.replace("}", "", 1),
        "tab for indent": text.replace("  corelets", "\tcorelets", 1),
        "every byte": bytes(range(256)),
        "cut in the middle": text[:len(text) // 2],
        "unknown field": text + "colour: red\n",
        "unknown structure field": text.replace("structure:\n", "structure:\n  wheels: "
                                                "{value: 4, unit: wheels, source: choice}\n"),
        "missing field": re.sub(r"\n  array_rows: .*", "", text),
        "missing section": text[:text.index("energy:")],
        "field twice": re.sub(r"(\n  array_rows: .*)", r"\1\1", text),
        "zero rows": value_of("array_rows", 0),
        "negative buffer": value_of("key_buffer", -8192),
        "fraction of a CORELET": value_of("corelets", 1.5),
        "rows in words": value_of("array_rows", "many"),
        "beyond 64 bits": value_of("key_buffer", "1" + "0" * 30),
        "product beyond 64 bits": value_of("channels", 1 << 62),
        "clock of zero": value_of("clock", 0),
        "clock that is no number": value_of("clock", ".nan"),
        "infinite energy": value_of("reram_read", ".inf"),
        "negative energy": value_of("softmax", -1),
        "wrong unit": text.replace("unit: MHz", "unit: GHz", 1),
        "missing value": re.sub(r"array_rows: {value: \d+, ", "array_rows: {", text),
        "unknown widths": text.replace("widths: default", "widths: broad"),
        "unknown base": "base: t\nname: x\n",
        "based on itself": "base: bad.yaml\nname: x\n",
        "aliases that multiply": "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "deep nesting": "[" * 20000,
    }
    for name, content in machines.items():
        files = {**good.files, "bad.yaml": content}
        yield Trial(name, "sprint-run",
                    ["{dir}/model.mlir", "--arch={dir}/bad.yaml", *INPUTS, *OUTPUTS], "bad.yaml",
                    files)
        yield Trial(name, "sprint-opt",
                    ["--sprint-attach-machine=arch={dir}/bad.yaml", "{dir}/model.mlir", "-o",
                     "{dir}/out.mlir"], "bad.yaml", files)


def bad_arrays(good):
    key = good.case.key
    right = npy(key)
    nan, infinity = key.copy(), key.copy()
    nan[0, 1, 2, 3] = np.nan
    infinity[0, 0, 5, 7] = -np.inf

    def shaped(shape, descr="<f4", order="False"):
        return npy_header(f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}",
                          key.tobytes())

    arrays = {
        "empty": b"",
        "magic alone": right[:6],
        "cut in the header": right[:40],
        "without the last byte": right[:-1],
        "without data": right[:128],
        "text": b"1.0 2.0 3.0\n",
        "other magic": b"\x93NUMPZ" + right[6:],
        "version 9": right[:6] + b"\x09\x00" + right[8:],
        "header longer than the file": right[:8] + b"\xff\xff" + right[10:],
        "header of prose": npy_header("this is no dictionary", key.tobytes()),
        "header without shape": npy_header("{'descr': '<f4', 'fortran_order': False}",
                                           key.tobytes()),
        "unclosed header": npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2",
                                      key.tobytes()),
        "f64": npy(key.astype(np.float64)),
        "i32": npy(key.astype(np.int32)),
        "big-endian": npy(key.astype(">f4")),
        "objects": npy(np.array([None, {}], object)),
        "records": npy(np.zeros(3, [("a", "<f4")])),
        "rank of 3": npy(key[0]),
        "scalar": npy(np.float32(1)),
        "other shape": npy(np.zeros((1, 2, 6, 9), np.float32)),
        "other heads": npy(np.zeros((1, 3, 6, 8), np.float32)),
        "length of zero": npy(np.zeros((1, 2, 0, 8), np.float32)),
        "negative length": shaped("(1, 2, -6, 8)"),
        "lengths beyond 64 bits": shaped("(9223372036854775807, 9223372036854775807, 9, 9)"),
        "lengths that wrap to the right size": shaped("(4294967296, 4294967296, 6, 16)"),
        "NaN": npy(nan),
        "infinity": npy(infinity),
    }
    for name, content in arrays.items():
        files = {**good.files, "bad.npy": content}
        inputs = ["--input={dir}/q.npy", "--input={dir}/bad.npy", "--input={dir}/v.npy"]
        # A model's inputs may be floats of any width.
        if name != "f64":
            yield Trial(name, "sprint-run", ["{dir}/model.mlir", *inputs, *OUTPUTS], "bad.npy",
                        files)
        # Alone, a program takes operands without a batch, too.
        if name != "rank of 3":
            yield Trial(name, "sprint-sim", ["{dir}/good.stream", *inputs, *OUTPUTS], "bad.npy",
                        files)


def bad_thresholds(good):
    texts = {
        "empty": "",
        "prose": "thresholds\n",
        "cut": '{"thresholds": [[0.1, ',
        "a list": "[[0.1, 0.2]]",
        "no thresholds": '{"theta": [[0.1, 0.2]]}',
        "numbers without rows": '{"thresholds": [0.1, 0.2]}',
        "a row too many": '{"thresholds": [[0.1, 0.2], [0.1, 0.2]]}',
        "no row": '{"thresholds": []}',
        "three for two heads": '{"thresholds": [[0.1, 0.2, 0.3]]}',
        "words": '{"thresholds": [["low", "high"]]}',
        "null": '{"thresholds": [[null, 0.2]]}',
        "NaN": '{"thresholds": [[NaN, 0.2]]}',
        "deep nesting": '{"thresholds": ' + "[" * 100000,
    }
    for name, text in texts.items():
        files = {**good.files, "bad.json": text}
        for tool, subject in (("sprint-run", "model.mlir"), ("sprint-sim", "good.stream")):
            yield Trial(name, tool, [f"{{dir}}/{subject}", "--thresholds={dir}/bad.json", *INPUTS,
                                     *OUTPUTS], "bad.json", files)


def bad_arguments(good):
    run = ["{dir}/model.mlir", *INPUTS]
    simulate = ["{dir}/good.stream", *INPUTS]
    trials = [
        ("unknown option", "sprint-run", [*run, "--colour=red", *OUTPUTS], "--colour"),
        ("no such model", "sprint-run", ["{dir}/none.mlir", *INPUTS, *OUTPUTS], "none.mlir"),
        ("folder for a model", "sprint-run", ["{dir}", *INPUTS, *OUTPUTS], "{dir}"),
        ("no such machine", "sprint-run", [*run, "--arch=xxl", *OUTPUTS], "xxl"),
        ("no such machine file", "sprint-run", [*run, "--arch={dir}/none.yaml", *OUTPUTS],
         "none.yaml"),
        ("no such level", "sprint-run", [*run, "--level=cellar", *OUTPUTS], "cellar"),
        ("no such schedule", "sprint-run", [*run, "--schedule=never", *OUTPUTS], "never"),
        ("no such entry", "sprint-run", [*run, "--entry=side", *OUTPUTS], "side"),
        ("threshold in words", "sprint-run", [*run, "--threshold=low", *OUTPUTS], "threshold"),
        ("threshold NaN", "sprint-run", [*run, "--threshold=nan", *OUTPUTS], "threshold"),
        ("prune rate above 1", "sprint-run", [*run, "--prune-rate=1.5", *OUTPUTS], "prune-rate"),
        ("negative prune rate", "sprint-run", [*run, "--prune-rate=-0.1", *OUTPUTS], "prune-rate"),
        ("prune rate NaN", "sprint-run", [*run, "--prune-rate=nan", *OUTPUTS], "prune-rate"),
        ("threshold and prune rate", "sprint-run",
         [*run, "--threshold=0", "--prune-rate=0.5", *OUTPUTS], "prune-rate"),
        ("two inputs of three", "sprint-run", [*run[:-1], *OUTPUTS], "input"),
        ("four inputs of three", "sprint-run", [*run, INPUTS[0], *OUTPUTS], "input"),
        ("no such input", "sprint-run",
         [*run[:-1], "--input={dir}/none.npy", *OUTPUTS], "none.npy"),
        ("folder for an input", "sprint-run", [*run[:-1], "--input={dir}", *OUTPUTS], "{dir}"),
        ("output folder that is a file", "sprint-run", [*run, "--output-dir={dir}/q.npy"], "q.npy"),
        ("statistics into a folder", "sprint-run", [*run, "--stats={dir}"], "{dir}"),
        ("timeline below a file", "sprint-run", [*run, "--trace={dir}/q.npy/t.json"], "q.npy"),
        ("reference of another shape", "sprint-run",
         [*run, "--reference={dir}/other.npy", *OUTPUTS], "other.npy"),
        ("too many references", "sprint-run",
         [*run, *["--reference={dir}/q.npy"] * 2, *OUTPUTS], "--reference"),
        ("no stream", "sprint-sim", [*INPUTS, *OUTPUTS], "STREAM"),
        ("unknown option", "sprint-sim", [*simulate, "--colour=red", *OUTPUTS], "--colour"),
        ("no such stream", "sprint-sim", ["{dir}/none.stream", *INPUTS, *OUTPUTS], "none.stream"),
        ("two inputs of three", "sprint-sim", [*simulate[:-1], *OUTPUTS], "input"),
        ("no such input", "sprint-sim",
         [*simulate[:-1], "--input={dir}/none.npy", *OUTPUTS], "none.npy"),
        ("no such thresholds", "sprint-sim",
         [*simulate, "--thresholds={dir}/none.json", *OUTPUTS], "none.json"),
        ("output folder that is a file", "sprint-sim",
         [*simulate, "--output-dir={dir}/q.npy"], "q.npy"),
        ("no such pass", "sprint-opt", ["--sprint-compose", "{dir}/model.mlir"], "sprint-compose"),
        ("no such machine", "sprint-opt",
         ["--sprint-compile=arch=xxl", "{dir}/model.mlir", "-o", "{dir}/out.mlir"], "xxl"),
        ("no such file", "sprint-opt", ["{dir}/none.mlir"], "none.mlir"),
        ("no such translation", "sprint-translate", ["--stream-to-poem", "{dir}/good.stream"],
         "stream-to-poem"),
        ("no such file", "sprint-translate", ["--stream-to-sprint-isa", "{dir}/none.stream"],
         "none.stream"),
    ]
    for name, tool, arguments, names in trials:
        yield Trial(name, tool, arguments, names,
                    {**good.files, "other.npy": npy(np.zeros((2, 2), np.float32))})


KINDS = {"MLIR": bad_mlir, "stream": bad_streams, "YAML": bad_machines, "npy": bad_arrays,
         "thresholds": bad_thresholds, "arguments": bad_arguments}


# Trials ------------------------------------------------------------------------------------------


def messages(stderr):
    """The messages on stderr: its lines with `error:`, or where none has that, all of them but
    hints.
    """
    lines = [line for line in stderr.splitlines() if line.strip()]
    return ([line for line in lines if "error:" in line]
            or [line for line in lines if not HINT.search(line)])


def files_below(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def complaint(trial, directory):
    """What is wrong with how a tool took a malformed input, or nothing."""
    for name, content in trial.files.items():
        (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = files_below(directory)
    arguments = [argument.replace("{dir}", str(directory)) for argument in trial.arguments]
    done = harness.run(trial.tool, *arguments, timeout=TIME_LIMIT, check=False)
    if harness.CRASH.search(done.stderr):
        return f"crashed:\n{done.stderr[-1000:]}"
    if done.returncode == 0 and trial.may_succeed:
        return None
    if done.returncode != 1:
        return f"expected exit code 1, got {done.returncode}\n{done.stderr[-500:]}"
    said = messages(done.stderr)
    if len(said) != 1:
        return f"expected one message, got {len(said)}\n{done.stderr[-1000:]}"
    names = trial.names.replace("{dir}", str(directory))
    if names not in said[0]:
        return f"expected a message that names {names!r}, got {said[0]!r}"
    if left := files_below(directory) - before:
        return f"left behind: {', '.join(sorted(left))}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kind", choices=KINDS, action="append", help="only inputs of this kind")
    options = parser.parse_args()
    report = harness.Report()

    def attempt(job):
        kind, trial = job
        with harness.temporary_directory() as name:
            wrong = complaint(trial, pathlib.Path(name))
        report.check(wrong is None, f"{kind}, {trial.tool}, {trial.name}: {wrong}")

    try:
        with harness.temporary_directory() as name:
            good = Good(pathlib.Path(name))
        trials = [(kind, trial) for kind in options.kind or KINDS for trial in KINDS[kind](good)]
    except harness.Failure as failure:
        report.fail(str(failure))
        return report.exit_code()
    harness.in_parallel(attempt, trials, report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
