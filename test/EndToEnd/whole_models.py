#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""sprint-run on models that are more, or less, than one attention: which function runs, models
without attentions, attentions in loops, in functions and in branches.
"""

import json
import pathlib
import sys

import numpy as np

import harness

T = "tensor<4x4xf32>"


def normal(*shape):
    return np.random.default_rng(11).standard_normal(shape).astype(np.float32)


def function(name, op, visibility=""):
    """A function that applies an op of linalg to its argument."""
    return (f"func.func {visibility}@{name}(%x: {T}) -> {T} {{\n"
            f"  %y = linalg.{op} ins(%x : {T}) outs(%x : {T}) -> {T}\n"
            f"  return %y : {T}\n}}\n")


class Model:
    """A model in a folder, and its inputs."""

    def __init__(self, directory, text, *inputs):
        self.directory = directory
        self.path = directory / "model.mlir"
        self.path.write_text(text)
        self.inputs = harness.write_inputs(directory, *inputs)

    def run(self, *options, check=True):
        return harness.run("sprint-run", self.path, *self.inputs,
                           f"--output-dir={self.directory / 'out'}", *options, check=check)

    def output(self, index=0):
        return np.load(self.directory / "out" / f"{index}.npy")


# Which function runs -----------------------------------------------------------------------------


def check_entries(report, directory):
    x = normal(4, 4)

    def run(text, *options):
        model = Model(directory, text, x)
        return model, model.run(*options, check=False)

    for what, text, options, expected in (
            ("the only function", function("forward", "abs"), [], np.abs(x)),
            ("the only public function",
             function("helper", "square", "private ") + function("forward", "abs"), [], np.abs(x)),
            ("main of several", function("forward", "abs") + function("main", "square"), [],
             np.square(x)),
            ("the function asked for", function("forward", "abs") + function("main", "square"),
             ["--entry=forward"], np.abs(x))):
        model, done = run(text, *options)
        if report.check(done.returncode == 0, f"{what}: {done.stderr}"):
            report.same(what, model.output(), expected)
    for what, text, options, message in (
            ("two functions", function("one", "abs") + function("two", "square"), [],
             "expected a function 'main', or only one that is public, to run, got 'one', 'two'"),
            ("no public function", function("one", "abs", "private "), [],
             "expected a function 'main', or only one that is public, to run, got none"),
            ("no such function", function("one", "abs"), ["--entry=three"],
             "expected a function 'three' to run, got 'one'")):
        model, done = run(text, *options)
        report.check(done.returncode == 1 and message in done.stderr and
                     done.stderr.count("error:") == 1 and f"{model.path}:" in done.stderr,
                     f"{what}: expected {message!r}, got {done.stderr!r}")


# Without an attention ----------------------------------------------------------------------------


def check_without_attention(report, directory):
    x = normal(4, 4)
    model = Model(directory, function("main", "abs"), x)
    files = {name: directory / name for name in ("stats.json", "trace.json", "masks.npy",
                                                 "codes.npy", "thresholds.json")}
    stats, trace = files["stats.json"], files["trace.json"]

    def run(what, *options):
        for path in [*files.values(), directory / "out" / "0.npy"]:
            path.unlink(missing_ok=True)
        done = model.run(*options)
        report.same(what, model.output(), np.abs(x))
        report.check("model.mlir" in done.stdout and "no attention was found" in done.stdout,
                     f"{what}: expected to be told that there is no attention, got {done.stdout!r}")
        return done.stdout

    run("statistics", f"--stats={stats}", "--baseline")
    statistics = json.loads(stats.read_text())
    host = statistics["host"]
    report.check([entry["operation"] for entry in host] == ["model"] and
                 host[0]["reason"] == "no attention was found" and
                 "model.mlir" in host[0]["location"], f"statistics, host: {host}")
    report.check(statistics["cycles"] == 0 and statistics["attentions"] == [] and
                 statistics["baseline"]["cycles"] == 0, f"statistics: {statistics}")

    run("timeline", f"--trace={trace}")
    events = json.loads(trace.read_text())["traceEvents"]
    report.check(events and all(event["ph"] == "M" for event in events),
                 f"timeline: expected the names of rows alone, got {events}")

    said = run("dumps", f"--dump-masks={files['masks.npy']}", f"--dump-codes={files['codes.npy']}")
    for name in ("masks.npy", "codes.npy"):
        report.check(not files[name].exists(), f"{name}: expected none without an attention")
    report.check("--dump-masks" in said and "--dump-codes" in said, f"dumps: {said!r}")

    for level in ("attention", "scheduled", "tiled"):
        run(level, f"--level={level}")
    for policy in ("--threshold=0", "--prune-rate=0.5", "--keep-mass=0.5"):
        run(policy, policy)
        run(f"{policy}, artefacts", policy, f"--artifacts-dir={directory / 'artefacts'}")
    report.check((directory / "artefacts" / "stream.mlir").exists() and
                 not (directory / "artefacts" / "stream.sprint").exists(),
                 "artefacts: expected the IR, and no command stream")
    run("calibration", "--prune-rate=0.5", f"--calibrate={files['thresholds.json']}")
    kept = directory / "kept.json"
    files["thresholds.json"].rename(kept)
    run("thresholds", f"--thresholds={kept}")

    # What could not be compared is refused before the model runs.
    np.save(directory / "wide.npy", np.zeros((4, 5), np.float32))
    refused = model.run(f"--reference={directory / 'wide.npy'}", check=False)
    message = "wide.npy: expected an array of shape (4, 4), got (4, 5) (result 0 of 'main'"
    report.check(refused.returncode == 1 and message in refused.stderr,
                 f"reference: {refused.stderr}")


# In a loop ---------------------------------------------------------------------------------------

HEADS, TOKENS, CHANNELS, LAYERS = 2, 24, 8, 3
ROWS = f"tensor<1x{HEADS}x{TOKENS}x{CHANNELS}xf32>"
PRODUCTS = f"tensor<{HEADS}x{TOKENS}x{CHANNELS}xf32>"
WEIGHT = f"tensor<{HEADS}x{CHANNELS}x{CHANNELS}xf32>"
WEIGHTS = f"tensor<{LAYERS}x3x{HEADS}x{CHANNELS}x{CHANNELS}xf32>"
ALL = f"tensor<{LAYERS}x{HEADS}x{TOKENS}x{CHANNELS}xf32>"
CONSTANTS = f"""
  %f0 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %layers = arith.constant {LAYERS} : index
  %empty = tensor.empty() : {PRODUCTS}
  %zero = linalg.fill ins(%f0 : f32) outs(%empty : {PRODUCTS}) -> {PRODUCTS}
  %all = tensor.empty() : {ALL}
"""


def layer(place):
    """Layer `place`: `%o` is `%h` and the attention of its products with slices of `%ws`; `%put` is
    `%ys` with it at that place.
    """
    text = ""
    for number, name in enumerate("qkv"):
        text += f"""
    %w{name} = tensor.extract_slice %ws[{place}, {number}, 0, 0, 0]
        [1, 1, {HEADS}, {CHANNELS}, {CHANNELS}] [1, 1, 1, 1, 1] : {WEIGHTS} to {WEIGHT}
    %{name}3 = linalg.batch_matmul ins(%h, %w{name} : {PRODUCTS}, {WEIGHT})
        outs(%zero : {PRODUCTS}) -> {PRODUCTS}
    %{name} = tensor.expand_shape %{name}3 [[0, 1], [2], [3]]
        output_shape [1, {HEADS}, {TOKENS}, {CHANNELS}] : {PRODUCTS} into {ROWS}"""
    return text + f"""
    %init = tensor.empty() : {ROWS}
    %a = sprint.attention ins(%q, %k, %v : {ROWS}, {ROWS}, {ROWS})
        outs(%init : {ROWS}) scale(0.5) -> {ROWS}
    %a3 = tensor.collapse_shape %a [[0, 1], [2], [3]] : {ROWS} into {PRODUCTS}
    %o = linalg.add ins(%a3, %h : {PRODUCTS}, {PRODUCTS}) outs(%empty : {PRODUCTS}) -> {PRODUCTS}
    %put = tensor.insert_slice %o into %ys[{place}, 0, 0, 0]
        [1, {HEADS}, {TOKENS}, {CHANNELS}] [1, 1, 1, 1] : {PRODUCTS} into {ALL}
"""


SIGNATURE = f"func.func @main(%x: {PRODUCTS}, %ws: {WEIGHTS}) -> ({PRODUCTS}, {ALL}) {{{CONSTANTS}"
CALLS = "\n".join(
    f"  %i{n} = arith.constant {n} : index\n"
    f"  %h{n + 1}, %y{n + 1} = call @layer(%h{n}, %ws, %y{n}, %i{n})\n"
    f"      : ({PRODUCTS}, {WEIGHTS}, {ALL}, index) -> ({PRODUCTS}, {ALL})"
    for n in range(LAYERS))
RETURN = f"  return %last, %every : {PRODUCTS}, {ALL}\n}}\n"
CARRIED = f"(tensor<i32>, {WEIGHTS}, {PRODUCTS}, {ALL})"
LOOPS = {
    # Another function with an attention, which is not reached, is none of the run.
    "func.call": f"""
func.func private @layer(%h: {PRODUCTS}, %ws: {WEIGHTS}, %ys: {ALL}, %i: index)
    -> ({PRODUCTS}, {ALL}) {{{CONSTANTS}
  {layer("%i")}
  return %o, %put : {PRODUCTS}, {ALL}
}}
func.func @main(%h0: {PRODUCTS}, %ws: {WEIGHTS}) -> ({PRODUCTS}, {ALL}) {{
  %y0 = tensor.empty() : {ALL}
{CALLS}
  return %h{LAYERS}, %y{LAYERS} : {PRODUCTS}, {ALL}
}}
func.func @other(%q: {ROWS}) -> {ROWS} {{
  %a = sprint.attention ins(%q, %q, %q : {ROWS}, {ROWS}, {ROWS})
      outs(%q : {ROWS}) scale(0.5) -> {ROWS}
  return %a : {ROWS}
}}
""",
    "scf.for": SIGNATURE + f"""
  %last, %every = scf.for %i = %c0 to %layers step %c1
      iter_args(%h = %x, %ys = %all) -> ({PRODUCTS}, {ALL}) {{
    {layer("%i")}
    scf.yield %o, %put : {PRODUCTS}, {ALL}
  }}
""" + RETURN,
    # What JAX makes of a scan: all that the loop reads and writes is carried, in tensors.
    "scf.while": SIGNATURE.replace("%ws:", "%weights:") + f"""
  %first = arith.constant dense<0> : tensor<i32>
  %one = arith.constant 1 : i32
  %end, %same, %last, %every = scf.while (%n = %first, %ws = %weights, %h = %x, %ys = %all)
      : {CARRIED} -> {CARRIED} {{
    %m = tensor.extract %n[] : tensor<i32>
    %many = arith.constant {LAYERS} : i32
    %goes = arith.cmpi slt, %m, %many : i32
    scf.condition(%goes) %n, %ws, %h, %ys : {CARRIED[1:-1]}
  }} do {{
  ^bb0(%n: tensor<i32>, %ws: {WEIGHTS}, %h: {PRODUCTS}, %ys: {ALL}):
    %m = tensor.extract %n[] : tensor<i32>
    %i = arith.index_cast %m : i32 to index
    {layer("%i")}
    %next = arith.addi %m, %one : i32
    %count = tensor.from_elements %next : tensor<i32>
    scf.yield %count, %ws, %o, %put : {CARRIED[1:-1]}
  }}
""" + RETURN}


def reference_layers(x, weights):
    rows, every = x.astype(np.float64), []
    for query, key, value in weights.astype(np.float64):
        scores = 0.5 * (rows @ query) @ (rows @ key).transpose(0, 2, 1)
        probabilities = np.exp(scores - scores.max(-1, keepdims=True))
        probabilities /= probabilities.sum(-1, keepdims=True)
        rows = rows + probabilities @ (rows @ value)
        every.append(rows)
    return rows, np.stack(every)


def check_loop(report, directory, kind):
    x = normal(HEADS, TOKENS, CHANNELS)
    weights = normal(LAYERS, 3, HEADS, CHANNELS, CHANNELS) / 3
    model = Model(directory, LOOPS[kind], x, weights)
    stats, trace, masks = (directory / name for name in ("stats.json", "trace.json", "masks.npy"))
    expected = reference_layers(x, weights)
    model.run("--threshold=-inf", f"--stats={stats}", f"--trace={trace}", f"--dump-masks={masks}",
              "--baseline", f"--artifacts-dir={directory / 'artefacts'}")
    for index, wanted in enumerate(expected):
        error = np.linalg.norm(model.output(index) - wanted) / np.linalg.norm(wanted)
        report.check(error < 0.02, f"{kind}: result {index} is {error:.2%} off")
    statistics = json.loads(stats.read_text())
    launches = statistics["attentions"]
    report.check([launch["program"] for launch in launches] == ["attention"] * LAYERS,
                 f"{kind}: expected {LAYERS} launches, got {launches}")
    report.check(statistics["cycles"] == sum(launch["cycles"] for launch in launches) and
                 len(statistics["baseline"]["attentions"]) == LAYERS and statistics["host"] == [],
                 f"{kind}: statistics {statistics}")
    for index in range(LAYERS):
        kept = np.load(directory / f"masks.{index}.npy")
        report.check(kept.shape == (HEADS, TOKENS, TOKENS) and kept.all(),
                     f"{kind}: masks of launch {index}")
    events = json.loads(trace.read_text())["traceEvents"]
    last = max(event["ts"] + event.get("dur", 0) for event in events if "ts" in event)
    report.check(last > 2 / 3 * statistics["cycles"] / 1000, f"{kind}: timeline ends at {last} us")

    # One program has one set of thresholds, which the launches agree on; written, they do the same.
    model.run("--prune-rate=0.5", f"--stats={stats}", "--baseline")
    pruned = json.loads(stats.read_text())
    thresholds = [launch["thresholds"] for launch in pruned["attentions"]]
    report.check(all(row == thresholds[0] for row in thresholds) and
                 0.4 < pruned["pruned_fraction"] < 0.6 and "speedup" in pruned,
                 f"{kind}: thresholds {thresholds}, pruned {pruned['pruned_fraction']}")
    outputs = [model.output(index) for index in range(2)]
    file = directory / "thresholds.json"
    for options in (["--prune-rate=0.5", f"--calibrate={file}"], [f"--thresholds={file}"],
                    ["--prune-rate=0.5", "--level=scheduled"]):
        model.run(*options)
        for index, wanted in enumerate(outputs):
            report.same(f"{kind}, {options[-1]}: result {index}", model.output(index), wanted)


def check_branch(report, directory):
    """An attention that is not reached is said to be, and takes part in nothing."""
    text = f"""
func.func @main(%q: {ROWS}, %both: i1) -> {ROWS} {{
  %a = sprint.attention ins(%q, %q, %q : {ROWS}, {ROWS}, {ROWS})
      outs(%q : {ROWS}) scale(0.5) -> {ROWS}
  %b = scf.if %both -> {ROWS} {{
    %c = sprint.attention ins(%a, %q, %q : {ROWS}, {ROWS}, {ROWS})
      outs(%q : {ROWS}) scale(0.5) -> {ROWS}
    scf.yield %c : {ROWS}
  }} else {{
    scf.yield %a : {ROWS}
  }}
  return %b : {ROWS}
}}
"""
    x = normal(1, HEADS, TOKENS, CHANNELS)
    file = directory / "thresholds.json"
    for both in (False, True):
        model = Model(directory, text, x, np.bool_(both))
        for options in (["--prune-rate=0.5"], ["--prune-rate=0.5", f"--calibrate={file}"],
                        [f"--thresholds={file}", "--baseline"]):
            said = model.run(*options).stdout
            report.check(("attention_1: was not reached" in said) != both, f"{options}: {said!r}")
        rows = json.loads(file.read_text())["thresholds"]
        report.check(len(rows) == 2 and (rows[1] == ["-inf"]) != both, f"thresholds {rows}")


# What stays on the host --------------------------------------------------------------------------


def check_refused(report, directory):
    """Each attention that stays on the host is listed once, however often the model is compiled,
    and wherever its producer says that it stands.
    """
    rows, fixed = "tensor<1x?x6x8xf32>", "tensor<1x2x6x8xf32>"
    text = f"""
#where = loc("model.py":7:3)
func.func @main(%q: {rows}, %p: {fixed}, %valid: tensor<1x6xi1>)
    -> ({rows}, {fixed}, {fixed}) {{
  %a = sprint.attention ins(%q, %q, %q : {rows}, {rows}, {rows}) outs(%q : {rows}) scale(0.5)
      -> {rows} loc(#where)
  %b = sprint.attention ins(%q, %q, %a : {rows}, {rows}, {rows}) outs(%q : {rows}) scale(0.5)
      -> {rows} loc(#where)
  %c = sprint.attention ins(%p, %p, %p : {fixed}, {fixed}, {fixed}) outs(%p : {fixed}) scale(0.5)
      -> {fixed} loc(#where)
  %d = sprint.attention ins(%p, %p, %c : {fixed}, {fixed}, {fixed})
      key_valid(%valid : tensor<1x6xi1>) outs(%p : {fixed}) scale(0.5) -> {fixed} loc(#where)
  return %b, %c, %d : {rows}, {fixed}, {fixed}
}}
"""
    model = Model(directory, text, normal(1, 3, 6, 8), normal(1, 2, 6, 8), np.ones((1, 6), bool))
    stats = directory / "stats.json"
    done = model.run("--prune-rate=0.5", "--baseline", f"--stats={stats}",
                     f"--artifacts-dir={directory / 'artefacts'}")
    reason = "attention stays on the host: expected static numbers of heads"
    host = json.loads(stats.read_text())["host"]
    report.check(len(host) == 2 and
                 all(entry["operation"] == "attention" and entry["location"] == "model.py:7:3" and
                     entry["reason"].startswith(reason) for entry in host), f"host: {host}")
    report.check(done.stderr.count(reason) == 2, f"remarks: {done.stderr}")
    report.check(done.stdout.count(reason) == 2 and "no attention was found" not in done.stdout,
                 f"table: {done.stdout}")
    # Two at the same place have masks and thresholds of their own.
    report.check([line.split()[8] for line in done.stdout.splitlines()
                  if line.startswith("attention_")] == ["none", "padding"], f"table: {done.stdout}")
    compiled = (directory / "artefacts" / "attention.mlir").read_text()
    report.check(compiled.count("thresholds(") == 2, f"artefacts: {compiled}")


# Masks with a row for each query ------------------------------------------------------------------


def check_quadratic(report, directory):
    rows = "tensor<2x2x6x8xf32>"
    for name, sizes, bytes_expected in (("mask", (1, 1, 6, 6), 36), ("mask", (2, 1, 1, 6), 0),
                                        ("bias", (1, 2, 6, 6), 288), ("bias", (1, 2, 1, 6), 0)):
        mask = np.ones(sizes, bool if name == "mask" else np.float32)
        element = f"tensor<{'x'.join(map(str, sizes))}x{'i1' if name == 'mask' else 'f32'}>"
        kind = f"{name}(%m : {element})"
        text = (f"func.func @main(%q: {rows}, %m: {element}) -> {rows} {{\n"
                f"  %a = sprint.attention ins(%q, %q, %q : {rows}, {rows}, {rows}) {kind}\n"
                f"      outs(%q : {rows}) scale(0.5) -> {rows}\n  return %a : {rows}\n}}\n")
        model = Model(directory, text, normal(2, 2, 6, 8), mask)
        said = model.run(f"--stats={directory / 'stats.json'}").stdout
        statistics = json.loads((directory / "stats.json").read_text())
        report.check(statistics["host_quadratic_bytes"] == bytes_expected and
                     statistics["attentions"][0]["host_quadratic_bytes"] == bytes_expected,
                     f"{kind}: {statistics}")
        note = f"attention: {bytes_expected} bytes of masks and biases"
        report.check((note in said) == (bytes_expected != 0), f"{kind}: {said!r}")


def main():
    report = harness.Report()

    def attempt(job):
        check, *arguments = job
        with harness.temporary_directory() as name:
            check(report, pathlib.Path(name), *arguments)

    checks = (check_entries, check_without_attention, check_branch, check_refused, check_quadratic)
    harness.in_parallel(attempt, [*((check,) for check in checks),
                                  *((check_loop, kind) for kind in LOOPS)], report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
