#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decoding against a cache: at every level, on the simulator and in NumPy the same bytes, which are
those of launches with the whole past and the same steps.

A model of tokens `[B, H, S, D]` adds them to a cache in a loop, a chunk at a time. sprint-sim runs
the same launches one by one from a file.
"""

import dataclasses
import json
import pathlib
import sys

import numpy as np

import harness
from sprint import reference
from sprint.reference import Band, Cache, FrozenSteps, Widths

WIDTHS = {"s": Widths.default(), "l": Widths.default(), "s-paper-widths": Widths.paper()}
SCALE = 0.1875
THRESHOLD = 0.5


@dataclasses.dataclass
class Decoding:
    """Tokens that are added to a cache in chunks."""

    name: str
    batches: int
    heads: int
    key_heads: int
    tokens: int
    chunk: int
    head_dim: int
    value_dim: int
    #: Each query up to its own key, and keys of padding at the front.
    causal: bool = False
    padded: bool = False

    def __post_init__(self):
        rng = np.random.default_rng(len(self.name))

        def numbers(heads, channels):
            shape = (self.batches, heads, self.tokens, channels)
            return rng.standard_normal(shape).astype(np.float32)

        self.query = numbers(self.heads, self.head_dim)
        self.key = numbers(self.key_heads, self.head_dim)
        self.value = numbers(self.key_heads, self.value_dim)
        # A few numbers are beyond 119 of these steps.
        self.steps = FrozenSteps(*(
            rng.uniform(0.018, 0.03, (self.batches, heads)).astype(np.float32)
            for heads in (self.heads, self.key_heads, self.key_heads)))
        self.key_valid = np.ones((self.batches, self.tokens), bool)
        self.key_valid[0, :self.tokens // 5] = False

    def launch(self, first, last, cache=None, widths=Widths()):
        """The chunk of these queries: on a cache, or with the whole past."""
        begin = 0 if cache is None else first
        return reference.launch(
            self.query[:, :, first:last], self.key[:, :, begin:last], self.value[:, :, begin:last],
            SCALE, THRESHOLD, band=Band(upper=0, align="end") if self.causal else None,
            key_valid=self.key_valid[:, :last] if self.padded else None, widths=widths,
            cache=cache, steps=self.steps if cache is None else None)

    def chunks(self):
        return [(first, first + self.chunk) for first in range(0, self.tokens, self.chunk)]

    def inputs(self):
        masks = [self.key_valid] if self.padded else []
        return [self.query, self.key, self.value, *masks, self.steps.query, self.steps.key,
                self.steps.value]

    def model(self, capacity="%n", first_cache="%past", arch="s"):
        """A function that adds the chunks in a loop."""
        b, h, g, d, e, c = (self.batches, self.heads, self.key_heads, self.head_dim, self.value_dim,
                            self.chunk)

        def tensor(*sizes, element="f32"):
            return f"tensor<{'x'.join(map(str, sizes))}x{element}>"

        def part(name, heads, channels):
            return (f"    %{name}i = tensor.extract_slice %{name}[0, 0, %i, 0] "
                    f"[{b}, {heads}, {c}, {channels}] [1, 1, 1, 1] : "
                    f"{tensor(b, heads, '?', channels)} to {tensor(b, heads, c, channels)}\n")

        out = tensor(b, h, "?", e)
        cache = (f"!sprint.cache<batches = {b}, heads = {h}, key_heads = {g}, head_dim = {d}, "
                 f"value_dim = {e}>")
        valid, device_valid, mask, operand, attended = "", "", "", "", ""
        if self.padded:
            valid = f"%valid: {tensor(b, '?', element='i1')}, "
            device_valid = f", key_valid %valid: {tensor(b, '?', element='i1')}"
            mask = (f"    %last = affine.apply affine_map<(i) -> (i + {c})>(%i)\n"
                    f"    %validi = tensor.extract_slice %valid[0, 0] [{b}, %last] [1, 1] : "
                    f"{tensor(b, '?', element='i1')} to {tensor(b, '?', element='i1')}\n")
            operand = f" key_valid(%validi : {tensor(b, '?', element='i1')})"
            attended = f" key_valid(%valid : {tensor(b, '?', element='i1')})"
        band = " band(<upper = 0, align = end>)" if self.causal else ""
        widths = WIDTHS[arch]
        codes = [tensor(b, h, c, d, element="i8"), tensor(b, g, "?", d, element="i8"),
                 tensor(b, g, "?", e, element="i8")]
        numbers = [tensor(b, h, element=element) for element in ("i32", "i64", "i64")]
        result = tensor(b, h, c, e, element="i32")
        return (
            f"func.func @main(%q: {tensor(b, h, '?', d)}, %k: {tensor(b, g, '?', d)}, "
            f"%v: {tensor(b, g, '?', e)}, {valid}%sq: {tensor(b, h)}, %sk: {tensor(b, g)}, "
            f"%sv: {tensor(b, g)}) -> {out} {{\n"
            "  %zero = arith.constant 0 : index\n  %two = arith.constant 2 : index\n"
            f"  %chunk = arith.constant {c} : index\n"
            f"  %few = arith.constant {c} : index\n"
            f"  %n = tensor.dim %q, %two : {tensor(b, h, '?', d)}\n"
            f"  %cache = sprint.create_cache capacity({capacity}) steps(%sq, %sk, %sv : "
            f"{tensor(b, h)}, {tensor(b, g)}, {tensor(b, g)}) : {cache}\n"
            f"  %init = tensor.empty(%n) : {out}\n"
            "  %o, %end = scf.for %i = %zero to %n step %chunk iter_args(%all = %init, "
            f"%past = %cache) -> ({out}, {cache}) {{\n"
            f"{part('q', h, d)}{part('k', g, d)}{part('v', g, e)}{mask}"
            f"    %oi, %grown = sprint.cached_launch @decode cache({first_cache}) "
            f"ins(%qi, %ki, %vi : {tensor(b, h, c, d)}, {tensor(b, g, c, d)}, "
            f"{tensor(b, g, c, e)}){operand} -> {tensor(b, h, c, e)}, {cache}\n"
            f"    %next = tensor.insert_slice %oi into %all[0, 0, %i, 0] [{b}, {h}, {c}, {e}] "
            f"[1, 1, 1, 1] : {tensor(b, h, c, e)} into {out}\n"
            f"    scf.yield %next, %grown : {out}, {cache}\n  }}\n"
            f"  return %o : {out}\n}}\n"
            f"sprint.program @decode(query %q: {codes[0]}, key %k: {codes[1]}, value %v: {codes[2]}, "
            f"threshold %t: {numbers[0]}, multiplier %m: {numbers[1]}, shift %s: {numbers[2]}"
            f"{device_valid}) -> {result} scale({harness.float_attribute(SCALE)}) "
            f"thresholds([{THRESHOLD}]) resident_cache {{\n"
            f"  %init = tensor.empty() : {result}\n"
            f"  %r = sprint.attend query(%q : {codes[0]}) key(%k : {codes[1]}) value(%v : {codes[2]}) "
            f"threshold(%t : {numbers[0]}) multiplier(%m : {numbers[1]}) shift(%s : {numbers[2]})"
            f"{attended} outs(%init : {result}) select(pruned){band} nibble({widths.nibble})\n"
            f"    widths(<exponent_fraction = {widths.exponent_fraction_bits}, "
            f"sum = {widths.sum_bits}, probability = {widths.probability_bits}, "
            f"accumulator = {widths.accumulator_bits}>) -> {result}\n"
            f"  sprint.return %r : {result}\n}}\n")


DECODINGS = [
    # The 256 steps of one query that each find all of the past.
    Decoding("one_by_one", 2, 6, 2, 256, 1, 32, 48),
    Decoding("chunks", 1, 4, 4, 96, 16, 64, 64, causal=True),
    Decoding("padded", 2, 4, 1, 60, 5, 16, 16, causal=True, padded=True),
]


def check_levels(job):
    decoding, arch, report = job
    cache = Cache(decoding.steps)
    widths = WIDTHS[arch]
    cached = [decoding.launch(*chunk, cache, widths) for chunk in decoding.chunks()]
    for (first, last), given in zip(decoding.chunks(), cached):
        whole = decoding.launch(first, last, widths=widths)
        report.same(f"{decoding.name}, {arch}: NumPy from {first} on", given.codes, whole.codes)
    expected = np.concatenate([given.output for given in cached], axis=2)
    name = f"{decoding.name}, {arch}"
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        model = directory / "model.mlir"
        model.write_text(decoding.model(arch=arch))
        inputs = harness.write_inputs(directory, *decoding.inputs())
        for level in ("scheduled", "tiled", "stream"):
            options = [f"--stats={directory / 'stats.json'}"] if level == "stream" else []
            harness.run("sprint-run", model, f"--arch={arch}", f"--level={level}",
                        f"--output-dir={directory}", *options, *inputs)
            report.same(f"{name}, level {level}", np.load(directory / "0.npy"), expected)
        stats = json.loads((directory / "stats.json").read_text())
        report.check(stats["saturated_codes"] == sum(given.saturated_codes for given in cached) > 0,
                     f"{name}: {stats['saturated_codes']} codes saturate")
        report.check(stats["kept_scores"] == sum(int(given.kept.sum()) for given in cached),
                     f"{name}: kept scores")
        # A step writes its own queries, keys and values, and the row of key_valid for each head.
        for (first, last), launch in zip(decoding.chunks(), stats["attentions"]):
            written = decoding.batches * decoding.chunk * (
                decoding.heads * decoding.head_dim +
                decoding.key_heads * (decoding.head_dim + decoding.value_dim))
            if decoding.padded:
                written += decoding.batches * decoding.heads * -(-last // 8)
            report.check(launch["written_bytes"] == written and launch["past"] == first,
                         f"{name}, from {first} on: wrote {launch['written_bytes']}, not {written}")


def steps_json(steps):
    return {name: getattr(steps, name).astype(float).tolist() for name in ("query", "key", "value")}


def check_sequence(job):
    """sprint-sim runs a prompt and single tokens on two caches, and a launch with the whole past."""
    decoding, report = job
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        (directory / "model.mlir").write_text(decoding.model())
        harness.compile_stream(directory / "model.mlir", directory / "cached.stream")
        launches, expected = [], []
        caches = {name: Cache(decoding.steps) for name in ("one", "other")}
        for first, last in decoding.chunks()[:20]:
            # The other cache misses every second token.
            for name in ("one",) if first % 2 else ("one", "other"):
                paths = []
                for kind in ("query", "key", "value"):
                    paths.append(f"{kind}{first}.npy")
                    np.save(directory / paths[-1], getattr(decoding, kind)[:, :, first:last])
                launches.append({"program": "decode", "cache": name, "inputs": paths})
                expected.append(reference.launch(
                    *(getattr(decoding, kind)[:, :, first:last] for kind in
                      ("query", "key", "value")), SCALE, THRESHOLD, cache=caches[name]))
        document = {"caches": {name: {"steps": steps_json(decoding.steps)} for name in caches},
                    "launches": launches}
        (directory / "launches.json").write_text(json.dumps(document))

        def simulate(**how):
            return harness.run("sprint-sim", directory / "cached.stream",
                               f"--launches={directory / 'launches.json'}",
                               f"--output-dir={directory / 'out'}",
                               f"--stats={directory / 'stats.json'}", **how)

        simulate()
        for index, given in enumerate(expected):
            report.same(f"launch {index}", np.load(directory / "out" / f"{index}.npy"),
                        given.output)
        stats = json.loads((directory / "stats.json").read_text())
        past = [launch["past"] for launch in stats["attentions"]]
        report.check(past[-1] == 19 and past[:3] == [0, 0, 1],
                     f"found {past} tokens in the caches")

        # The same steps without a cache.
        with_past = decoding.model().replace(" resident_cache {", " {")
        program = with_past[with_past.index("sprint.program"):]
        (directory / "whole.mlir").write_text(program)
        harness.compile_stream(directory / "whole.mlir", directory / "whole.stream")
        paths = []
        for kind in ("query", "key", "value"):
            paths.append(f"whole_{kind}.npy")
            np.save(directory / paths[-1],
                    getattr(decoding, kind)[:, :, 19 if kind == "query" else 0:20])
        whole = {"launches": [{"program": "decode", "inputs": paths,
                               "steps": steps_json(decoding.steps)}]}
        (directory / "whole.json").write_text(json.dumps(whole))
        harness.run("sprint-sim", directory / "whole.stream",
                    f"--launches={directory / 'whole.json'}", f"--output-dir={directory / 'out'}")
        report.same("the whole past", np.load(directory / "out" / "0.npy"), expected[-1].output)

        # What is wrong is refused by one message, and nothing is written.
        def refuse(change, message):
            wrong = json.loads(json.dumps(document))
            change(wrong)
            (directory / "launches.json").write_text(json.dumps(wrong))
            (directory / "stats.json").unlink(missing_ok=True)
            done = simulate(check=False)
            report.check(done.returncode == 1 and message in done.stderr and
                         not (directory / "stats.json").exists() and
                         not harness.CRASH.search(done.stderr),
                         f"expected '{message}', got {done.returncode}, {done.stderr}")

        def first_launch(**members):
            return lambda wrong: wrong["launches"][0].update(members)

        refuse(first_launch(cache="none"), "expected a cache of the file, got 'none'")
        refuse(first_launch(program="none"), "got 'none'")
        refuse(first_launch(inputs=["query0.npy"]), "expected 3 inputs of 'decode', got 1")
        refuse(first_launch(steps=steps_json(decoding.steps)),
               "expected no steps beside a cache, which has its own")
        refuse(first_launch(threshold=1), "expected no 'threshold' in a launch")
        refuse(lambda wrong: wrong["launches"][0].pop("cache"), "expected a cache, got none")
        refuse(lambda wrong: wrong.update(launches=[]), "expected 'launches' to be a list")
        refuse(lambda wrong: wrong.update(caches=[]), "expected 'caches' to be an object, got array")
        refuse(lambda wrong: wrong["caches"]["one"]["steps"].update(key=[[1.0], [2.0, 3.0]]),
               "expected steps of the key as a row of numbers for each batch element")
        refuse(lambda wrong: wrong["caches"]["one"]["steps"]["value"][0].__setitem__(0, 0),
               "expected finite steps of values of at least 2^-126, got 0.0")
        refuse(lambda wrong: wrong["caches"]["one"]["steps"]["value"][0].__setitem__(0, 1e300),
               "expected steps of the value")


def check_example(report):
    """examples/decode.mlir, whose thresholds are calibrated on all steps together."""
    rng = np.random.default_rng(7)
    tensors = [rng.standard_normal((1, heads, 48, 64)).astype(np.float32) for heads in (8, 2, 2)]
    steps = FrozenSteps(*(np.abs(tensor).max(axis=(2, 3)) / np.float32(119) for tensor in tensors))
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        inputs = harness.write_inputs(directory, *tensors, steps.query, steps.key, steps.value)
        for options, threshold in ((["--threshold=-inf"], None), (["--threshold=0.25"], 0.25),
                                   (["--prune-rate=0.75"], None)):
            harness.run("sprint-run", harness.EXAMPLES / "decode.mlir", *options, *inputs,
                        f"--output-dir={directory}", f"--stats={directory / 'stats.json'}")
            stats = json.loads((directory / "stats.json").read_text())
            if options == ["--prune-rate=0.75"]:
                threshold = stats["attentions"][0]["thresholds"]
                report.check(abs(stats["pruned_fraction"] - 0.75) < 0.02,
                             f"example: {stats['pruned_fraction']} pruned instead of 0.75")
            cache = Cache(steps)
            expected = [reference.launch(*(tensor[:, :, step:step + 1] for tensor in tensors), 0.125,
                                         threshold, cache=cache).output for step in range(48)]
            report.same(f"example, {options}", np.load(directory / "0.npy"),
                        np.concatenate(expected, axis=2))


def check_refusals(report):
    """What a model does to caches that the machine cannot."""
    decoding = DECODINGS[1]
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        inputs = harness.write_inputs(directory, *decoding.inputs())

        def refuse(what, text, message, levels=("scheduled", "tiled", "stream"), files=None):
            (directory / "model.mlir").write_text(text)
            for level in levels:
                done = harness.run("sprint-run", directory / "model.mlir", f"--level={level}",
                                   f"--output-dir={directory / 'none'}",
                                   *(inputs if files is None else files), check=False)
                report.check(done.returncode == 1 and message in done.stderr and
                             not harness.CRASH.search(done.stderr) and
                             not (directory / "none").exists(),
                             f"{what}, {level}: expected '{message}', got {done.returncode}, "
                             f"{done.stderr}")

        refuse("a capacity of one chunk", decoding.model(capacity="%few"),
               "expected a capacity of the cache for all tokens of its launches")
        refuse("the empty cache twice", decoding.model(first_cache="%cache"),
               "expected the cache as its last launch left it, with 16 tokens, got what it was "
               "with 0", levels=("stream",))
        steps = decoding.inputs()
        steps[-1] = np.zeros_like(steps[-1])
        zero = harness.write_inputs(directory, *steps)
        refuse("a step of zero", decoding.model(), "of at least 2^-126", files=zero)
        cached = decoding.model()
        begin, end = cached.index("%sq"), cached.index(") ->", cached.index("%sq"))
        argument = (cached[:begin] + "%cache: !sprint.cache<batches = 1, heads = 4, key_heads = 4, "
                    "head_dim = 64, value_dim = 64>" + cached[end:])
        lines = [line for line in argument.splitlines(True) if "create_cache" not in line]
        refuse("a cache as an argument", "".join(lines), "got '!sprint.cache<", files=[])
        # On the host a value of a cache stays what it was.
        (directory / "model.mlir").write_text(decoding.model(first_cache="%cache"))
        inputs = harness.write_inputs(directory, *decoding.inputs())
        harness.run("sprint-run", directory / "model.mlir", "--level=tiled",
                    f"--output-dir={directory}", *inputs)
        first, last = decoding.chunks()[-1]
        alone = reference.launch(*(tensor[:, :, first:last] for tensor in
                                   (decoding.query, decoding.key, decoding.value)), SCALE,
                                 THRESHOLD, band=Band(upper=0, align="end"), steps=decoding.steps)
        report.same("an empty cache taken again", np.load(directory / "0.npy")[:, :, first:last],
                    alone.output)


def main():
    report = harness.Report()
    jobs = [(decoding, arch, report) for decoding in DECODINGS for arch in WIDTHS
            if arch == "s" or decoding.tokens < 100]
    harness.in_parallel(check_levels, jobs, report)
    harness.in_parallel(check_sequence, [(DECODINGS[0], report)], report)
    harness.in_parallel(check_example, [report], report)
    harness.in_parallel(check_refusals, [report], report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
