#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random attentions on random machines with schedules written by hand give the reference's bytes.

Cases come in groups that share a machine, each group one module. It is cut into launches and
programs, schedules are written into the text, and what then runs, the stream on the simulator and
the levels above it on the host, is compared with the NumPy reference. Blocks of more than one row
run on the host alone; of the machine they are refused, as are schedules that are none.
"""

import argparse
import collections
import dataclasses
import pathlib
import re
import sys
import zlib
from typing import FrozenSet, List, Optional

import numpy as np

import harness
from sprint import reference, testing
from sprint.reference import Band, Widths

#: Cases that share a machine and a module.
GROUP = 10
#: Those of a group that run on the host, too, where compiling takes longest.
ON_HOST = 4
HEAD_SIZES = (1, 8, 17, 64, 80, 130)
MOST_TOKENS = 70
#: Rows of a case, so that none takes long.
MOST_ROWS = 480
BUILTIN_WIDTHS = {"s": Widths.default(), "m": Widths.default(), "l": Widths.default(),
                  "s-paper-widths": Widths.paper()}
#: Where a message about a model stands.
LOCATED = re.compile(r"\.mlir:\d+:\d+: error: ")


def generator(seed, *path):
    """Random numbers of one place; `path` tells places apart, numbers or words."""
    return np.random.default_rng(
        [seed, *(zlib.crc32(part.encode()) if isinstance(part, str) else part for part in path)])


# Machines ----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Machine:
    arch: str  #: name or path
    widths: Widths
    text: str = ""  #: of the file, if it is none that is built in


def random_widths(rng):
    fraction = int(rng.integers(1, 17))
    nibble = str(rng.choice(["centred", "truncated"]))
    if rng.random() < 0.5:
        # 2^7 keys fit.
        total = int(rng.integers(fraction + 8, 63))
        return Widths(nibble, fraction, total, 0, int(rng.integers(fraction + 15, 63)))
    probability = int(rng.integers(1, 17))
    return Widths(nibble, fraction, int(rng.integers(fraction + 1, 63)), probability,
                  int(rng.integers(2, probability + 10)))


def random_machine(rng):
    """A machine, small enough that buffers overflow and units wait, that holds every case."""
    if rng.random() < 0.4:
        name = str(rng.choice(list(BUILTIN_WIDTHS)))
        return Machine(name, BUILTIN_WIDTHS[name])
    most = max(HEAD_SIZES)
    corelets = int(rng.integers(1, 5))
    rows = int(rng.choice([7, 16, 64, 100, 256]))
    columns = -(-most // rows) + int(rng.choice([0, 1, 30, 128]))
    channels, banks, heads = (int(rng.integers(1, 4)) for _ in range(3))
    capacity = max(-(-MOST_TOKENS // (columns // -(-size // rows))) for size in HEAD_SIZES)
    arrays = -(-capacity * heads // (channels * banks)) + int(rng.choice([0, 1, 64]))
    numbers = {
        "corelets": corelets, "array_rows": rows, "array_columns": columns,
        "arrays_per_bank": arrays, "channels": channels, "banks_per_channel": banks,
        "key_buffer": corelets * int(rng.integers(most, 3000)),
        "value_buffer": corelets * int(rng.integers(most, 3000)),
        "query_buffer": int(rng.integers(1, 5)),
        "score_buffer": int(rng.choice([1, 2, 5, 20, 1024])),
        "score_rows": int(rng.integers(1, 7)), "resident_heads": heads,
        "multipliers": int(rng.choice([1, 7, 64, 1000])),
        **random_timing(rng)}
    widths = random_widths(rng)
    fields = {"nibble": widths.nibble, "exponent_fraction_bits": widths.exponent_fraction_bits,
              "sum_bits": widths.sum_bits, "probability_bits": widths.probability_bits,
              "accumulator_bits": widths.accumulator_bits}
    text = with_numbers((harness.ROOT / "runtime" / "arch" / "s.yaml").read_text(), numbers)
    text = re.sub(r"^name: .*", "name: random", text, flags=re.MULTILINE)
    text = re.sub(r"^widths: .*",
                  "widths: {" + ", ".join(f"{name}: {fields[name]}" for name in fields) + "}", text,
                  flags=re.MULTILINE)
    return Machine("", widths, text)


def random_timing(rng):
    """Clocks and latencies, which no result depends on."""
    return {"memory_clock": int(rng.choice([50, 400, 4000])), "bus": int(rng.choice([1, 64, 4096])),
            "tRCD": int(rng.integers(0, 40)), "tWP": int(rng.choice([0, 4, 1000])),
            "threshold": int(rng.choice([0, 8, 500])), "qk_latency": int(rng.choice([0, 8, 700])),
            "softmax_latency": int(rng.choice([0, 8, 700])),
            "v_latency": int(rng.choice([0, 8, 700])), "division": int(rng.choice([0, 1, 50]))}


def with_numbers(text, numbers):
    """A machine file with other numbers."""
    for name, number in numbers.items():
        text, count = re.subn(rf"^(  {name}: \{{value: )[^,]*", rf"\g<1>{number}", text,
                              flags=re.MULTILINE)
        if count != 1:
            raise harness.Failure(f"expected '{name}' once in the machine, got {count}")
    return text


def write_timing(path, arch, rng):
    """Writes a machine of the structure of `arch` with other timing; returns its path."""
    known = (harness.ROOT / "runtime" / "arch" / "s.yaml").read_text()
    lines = [f"base: {arch}", "name: timed", "timing:"]
    for name, number in random_timing(rng).items():
        unit = re.search(rf"^  {name}: .* unit: ([^,]*),", known, re.MULTILINE).group(1)
        lines.append(f"  {name}: {{value: {number}, unit: {unit}, source: random}}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


# Cases -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Schedule:
    heads: int
    queries: int
    ahead: int
    residency: str
    writes: List[str]

    def __str__(self):
        return (f"schedule(<heads = {self.heads}, queries = {self.queries}, ahead = {self.ahead}, "
                f"residency = {self.residency}, writes = [{', '.join(self.writes)}]>)")


@dataclasses.dataclass(eq=False)
class Generated:
    number: int
    case: testing.Case
    dynamic: FrozenSet[str]  #: sizes that the module leaves open: of batch, queries, keys
    dense: bool  #: whether nothing is pruned, whatever the thresholds are
    schedule: Optional[Schedule]  #: None takes that of the group's algorithm

    @property
    def name(self):
        return self.case.name

    @property
    def group(self):
        return self.case.query.shape[1] // self.case.key.shape[1]

    @property
    def has_blocks(self):
        return self.schedule is not None and self.schedule.heads * self.schedule.queries > 1


def pick(rng, *choices):
    """One of pairs of a weight and a value."""
    weights = np.array([weight for weight, _ in choices], float)
    return choices[rng.choice(len(choices), p=weights / weights.sum())][1]


def random_band(rng, queries, keys):
    def bound():
        return int(rng.integers(-keys, queries + 2) if rng.random() < 0.3 else rng.integers(-6, 7))

    align = str(rng.choice(["start", "end"]))
    kind = pick(rng, (4, "none"), (3, "causal"), (2, "window"), (1, "lower"), (1, "upper"))
    if kind == "none":
        return None
    if kind == "causal":
        return Band(upper=0, align=align)
    if kind == "window":
        lower = bound()
        return Band(lower, lower + int(rng.integers(0, 12)), align)
    return Band(lower=bound(), align=align) if kind == "lower" else Band(upper=bound(), align=align)


def random_bias(rng, shape):
    bias = rng.standard_normal(shape, dtype=np.float32)
    bias *= np.float32(pick(rng, (5, 1), (1, 0), (1, 300), (1, 1e6), (1, 1e35)))
    if rng.random() < 0.5:
        bias[rng.random(shape) < rng.choice([0.1, 0.9])] = -np.inf
    if rng.random() < 0.3:
        # What masks, and what is just above it.
        odd = np.array([-2.0**20, np.nextafter(np.float32(-2.0**20), np.float32(0)), -1e4,
                        np.finfo(np.float32).min, np.finfo(np.float32).max], np.float32)
        where = rng.random(shape) < 0.2
        bias[where] = rng.choice(odd, np.count_nonzero(where))
    if rng.random() < 0.3:
        bias[..., rng.random(shape[2]) < 0.3, :] = -np.inf
    return bias


def random_thresholds(rng, case, widths):
    """One or one a head: ordinary ones, infinite ones, and some that approximate scores meet."""
    heads = case.query.shape[1]
    q, k = (reference.quantize(tensor, widths) for tensor in (case.query, case.key))
    unit = reference.logit_unit(case.scale, q.steps, k.steps) * reference.APPROXIMATE_UNIT
    group = heads // case.key.shape[1]

    def one(head):
        batch = int(rng.integers(len(case.query)))
        q_row = reference.high_nibble(q.codes[batch, head, rng.integers(q.codes.shape[2])], widths)
        k_row = reference.high_nibble(
            k.codes[batch, head // group, rng.integers(k.codes.shape[2])], widths)
        score = int(q_row.astype(np.int64) @ k_row.astype(np.int64))
        with np.errstate(over="ignore"):
            return float(np.float32(pick(
                rng, (4, rng.uniform(-0.5, 1.5)), (1, -np.inf), (0.5, np.inf), (0.5, 1e30),
                (4, float(unit[batch, head]) * score))))

    return one(0) if rng.random() < 0.3 else [one(head) for head in range(heads)]


def random_case(seed, number, widths):
    rng = generator(seed, number)
    heads = int(rng.choice([1, 2, 3, 4, 6, 8]))
    key_heads = int(rng.choice([count for count in range(1, heads + 1) if heads % count == 0]))
    batches = pick(rng, (4, 1), (2, 2), (1, 3))
    queries = min(pick(rng, (1, 1), (4, int(rng.integers(1, 20))),
                       (2, int(rng.integers(1, MOST_TOKENS + 1)))),
                  max(1, MOST_ROWS // (batches * heads)))
    keys = pick(rng, (1, 1), (2, int(rng.integers(1, 9))),
                (6, int(rng.integers(1, MOST_TOKENS + 1))), (1, queries))
    head_dim, value_dim = (int(rng.choice(HEAD_SIZES)) for _ in range(2))
    case = testing.random_case(f"case{number}", heads, queries, keys, head_dim, value_dim, batches,
                               thresholds=0.0, band=random_band(rng, queries, keys),
                               seed=int(rng.integers(1 << 30)), key_heads=key_heads)
    case.query *= np.float32(pick(rng, (4, 1), (2, 6), (1, 1e-3)))
    if rng.random() < 0.1:
        tensor = pick(rng, (1, case.query), (1, case.key), (1, case.value))
        tensor[:, int(rng.integers(tensor.shape[1]))] = 0
    if rng.random() < 0.2:
        case.scale = float(10.0**rng.uniform(-4, 1.5))

    def broadcast():
        sizes = (batches, heads, queries)
        return [size if rng.random() < 0.6 else 1 for size in sizes] + [keys]

    if rng.random() < 0.3:
        lengths = [int(rng.integers(0, keys + 1)) for _ in range(batches)]
        case.key_valid = testing.padding(lengths, keys)
        if rng.random() < 0.4:
            case.key_valid = case.key_valid[:, ::-1].copy()
    if rng.random() < 0.3:
        case.mask = rng.random(broadcast()) < rng.choice([0.05, 0.4, 0.9])
        if rng.random() < 0.3:
            case.mask[..., rng.random(case.mask.shape[2]) < 0.3, :] = False
    if rng.random() < 0.3:
        case.bias = random_bias(rng, broadcast())
    case.thresholds = random_thresholds(rng, case, widths)

    dynamic = frozenset(
        name for name, chance in (("batch", 0.2), ("queries", 0.4), ("keys", 0.4))
        if rng.random() < chance)
    return Generated(number, case, dynamic, dense=bool(rng.random() < 0.2),
                     schedule=random_schedule(rng, case) if rng.random() < 0.8 else None)


def random_schedule(rng, case):
    writes = ["key", "value", "query"] + [
        name for name in ("key_valid", "mask", "bias") if getattr(case, name) is not None]
    group = case.query.shape[1] // case.key.shape[1]
    heads, queries = 1, 1
    if rng.random() < 0.4:
        heads = int(rng.choice([count for count in range(1, group + 1) if group % count == 0]))
        queries = int(rng.integers(1, 64 // heads + 1 if rng.random() < 0.3 else 6))
    return Schedule(heads, queries, int(rng.integers(0, 6)),
                    str(rng.choice(["previous_query", "pinned"])),
                    [str(name) for name in rng.permutation(writes)])


def wrong_schedule(rng, generated):
    """A schedule that the attention cannot have on the machine, and a part of the message."""
    right = dataclasses.replace(generated.schedule or random_schedule(rng, generated.case), heads=1,
                                queries=1)
    absent = [name for name in ("key_valid", "mask", "bias")
              if getattr(generated.case, name) is None]
    choices = [
        (1, (dataclasses.replace(right, heads=generated.group + 1), "divide")),
        (1, (dataclasses.replace(right, queries=65), "at most 64 rows")),
        (1, (dataclasses.replace(right, ahead=-1), "'ahead'")),
        (1, (dataclasses.replace(right, queries=0), "'queries'")),
        (1, (dataclasses.replace(right, writes=right.writes + right.writes[:1]), "twice")),
        (2, (dataclasses.replace(right, writes=right.writes[1:]), "among the writes"))]
    if absent:
        choices.append((1, (dataclasses.replace(right, writes=right.writes + absent[:1]),
                            "that the attention reads")))
    return pick(rng, *choices)


# Modules -----------------------------------------------------------------------------------------


def float_element(value):
    """An f32 as MLIR reads it, to the bit."""
    return f"0x{np.float32(value).view(np.uint32):08X}"


def attention_mlir(generated):
    """Types of the arguments, lines that compute %o<number> of %<number>_0, ..., and its type."""
    case, number = generated.case, generated.number
    batches, heads, queries, head_dim = case.query.shape
    key_heads, keys, value_dim = case.value.shape[1:]
    sizes = {"batch": batches, "queries": queries, "keys": keys}
    shown = {name: "?" if name in generated.dynamic else size for name, size in sizes.items()}

    def tensor(*shape, element="f32"):
        return f"tensor<{'x'.join(map(str, shape))}x{element}>"

    def broadcast(mask):
        # A static 1 is the same for all; that of a single one may be open, too.
        full = (batches, heads, queries)
        names = (shown["batch"], heads, shown["queries"])
        return [name if size == whole and (whole != 1 or number % 2) else 1
                for size, whole, name in zip(mask.shape, full, names)] + [shown["keys"]]

    query = tensor(shown["batch"], heads, shown["queries"], head_dim)
    key = tensor(shown["batch"], key_heads, shown["keys"], head_dim)
    value = tensor(shown["batch"], key_heads, shown["keys"], value_dim)
    output = tensor(shown["batch"], heads, shown["queries"], value_dim)
    types = [query, key, value]
    masks = ""
    for name, element in (("key_valid", "i1"), ("mask", "i1"), ("bias", "f32")):
        mask = getattr(case, name)
        if mask is not None:
            shape = [shown["batch"], shown["keys"]] if name == "key_valid" else broadcast(mask)
            masks += f" {name}(%a{number}_{len(types)} : {tensor(*shape, element=element)})"
            types.append(tensor(*shape, element=element))
    lines, dims = [], []
    for name, dim in (("batch", 0), ("queries", 2)):
        if name in generated.dynamic:
            lines += [f"%i{number}_{dim} = arith.constant {dim} : index",
                      f"%d{number}_{dim} = tensor.dim %a{number}_0, %i{number}_{dim} : {query}"]
            dims.append(f"%d{number}_{dim}")
    band = ""
    if case.band:
        fields = [f"{bound} = {getattr(case.band, bound)}" for bound in ("lower", "upper")
                  if getattr(case.band, bound) is not None]
        fields += ["align = end"] if case.band.align == "end" else []
        band = f" band(<{', '.join(fields)}>)"
    thresholds = ", ".join(map(float_element, np.atleast_1d(case.thresholds)))
    select = " select(all)" if generated.dense else ""
    lines += [
        f"%e{number} = tensor.empty({', '.join(dims)}) : {output}",
        f"%o{number} = sprint.attention @{generated.name} ins(%a{number}_0, %a{number}_1, "
        f"%a{number}_2 : {query}, {key}, {value}){masks} outs(%e{number} : {output}) "
        f"scale({harness.float_attribute(case.scale)}){band} thresholds([{thresholds}]){select} "
        f"-> {output}"]
    return types, lines, output


def module_mlir(cases):
    """A function that computes all cases, one behind the other."""
    arguments, lines, outputs = [], [], []
    for generated in cases:
        types, body, output = attention_mlir(generated)
        arguments += [f"%a{generated.number}_{index}: {kind}" for index, kind in enumerate(types)]
        lines += body
        outputs.append(output)
    results = ", ".join(outputs)
    values = ", ".join(f"%o{generated.number}" for generated in cases)
    body = "".join(f"  {line}\n" for line in lines)
    return (f"func.func @main({', '.join(arguments)}) -> ({results}) {{\n{body}"
            f"  return {values} : {results}\n}}\n")


def with_schedules(text, schedules):
    """A module of programs with schedules, by name of the program, written into it."""
    for name, schedule in schedules.items():
        begin = text.index(f"sprint.program @{name}(")
        end = text.index("\n", text.index("sprint.attend ", begin))
        head, arrow, kind = text[begin:end].rpartition(" -> ")
        text = f"{text[:begin]}{head} {schedule}{arrow}{kind}{text[end:]}"
    return text


# Groups ------------------------------------------------------------------------------------------


class Group:
    """Cases of one machine, and their files in a folder."""

    def __init__(self, seed, numbers, directory):
        self.directory = pathlib.Path(directory)
        self.rng = generator(seed, "group", numbers[0] // GROUP)
        self.machine = random_machine(self.rng)
        if self.machine.text:
            self.machine.arch = str(self.directory / "machine.yaml")
            pathlib.Path(self.machine.arch).write_text(self.machine.text)
        #: What schedules the cases that have no schedule.
        self.algorithm = str(self.rng.choice(["paper", "resident"]))
        self.host_algorithm = str(self.rng.choice(["paper", "resident", "blocked"]))
        self.level = str(self.rng.choice(["scheduled", "tiled"]))
        self.cases = [random_case(seed, number, self.machine.widths) for number in numbers]
        self.what = f"seed {seed}, " + (self.machine.text and "random ") + "machine" + (
            "" if self.machine.text else f" {self.machine.arch}")

    def write_inputs(self, name, cases):
        folder = self.directory / name
        folder.mkdir()
        return harness.write_inputs(
            folder, *[tensor for generated in cases for tensor in generated.case.inputs()])

    def outline(self, cases):
        """The module of cases with a program for each."""
        model = self.directory / "model.mlir"
        model.write_text(module_mlir(cases))
        done = harness.run("sprint-opt", f"--sprint-attach-machine=arch={self.machine.arch}",
                           "--sprint-outline-programs", model)
        if "stays on the host" in done.stderr:
            raise harness.Failure(f"{self.what}: {done.stderr}")
        return done.stdout

    def write(self, name, text, schedules):
        path = self.directory / name
        path.write_text(with_schedules(text, schedules))
        return path

    def compile_arguments(self):
        return f"--sprint-compile=arch={self.machine.arch} schedule={self.algorithm}"

    def compile_stream(self, text):
        """Compiles all cases with blocks of one row."""
        stream = self.directory / "stream"
        done = harness.run("sprint-opt", self.compile_arguments(),
                           self.write("rows.mlir", text, self.row_schedules()), "-o",
                           self.directory / "isa.mlir")
        # The checker has nothing to say of what comes out.
        if done.stderr:
            raise harness.Failure(f"{self.what}: {done.stderr}")
        harness.run("sprint-translate", "--sprint-isa-to-stream", self.directory / "isa.mlir", "-o",
                    stream)
        return stream

    def row_schedules(self):
        return {generated.name: dataclasses.replace(generated.schedule, heads=1, queries=1)
                for generated in self.cases if generated.schedule}


class Runner:
    """Runs groups of cases and compares."""

    def __init__(self, seed, report):
        self.seed = seed
        self.report = report
        self.counts = collections.Counter()

    def __call__(self, numbers):
        with harness.temporary_directory() as name:
            group = Group(self.seed, numbers, name)
            expected = {generated: generated.case.launch(widths=group.machine.widths,
                                                         dense=generated.dense)
                        for generated in group.cases}
            text = group.outline(group.cases)
            self.run_on_machine(group, text, expected)
            self.run_on_host(group, expected)
            self.check_refusals(group, text)

    def run_on_machine(self, group, text, expected):
        folder = group.directory
        harness.run("sprint-sim", group.compile_stream(text), f"--arch={group.machine.arch}",
                    *group.write_inputs("inputs", group.cases),
                    f"--output-dir={folder / 'stream-out'}",
                    f"--dump-codes={folder / 'codes.npy'}", f"--dump-masks={folder / 'masks.npy'}")
        for index, (generated, launch) in enumerate(expected.items()):
            number = f".{index}" if len(expected) > 1 else ""
            for part, path, right in (("output", f"stream-out/{index}.npy", launch.output),
                                      ("codes", f"codes{number}.npy", launch.codes),
                                      ("masks", f"masks{number}.npy", launch.kept)):
                self.report.same(f"{group.what}, {generated.name}, stream: {part}",
                                 np.load(folder / path), right)
        self.counts["streams"] += len(expected)

    def run_on_host(self, group, expected):
        cases = sorted(group.cases, key=lambda generated: not generated.has_blocks)[:ON_HOST]
        schedules = {generated.name: generated.schedule for generated in cases
                     if generated.schedule}
        folder = group.directory / "host-out"
        harness.run("sprint-run", group.write("host.mlir", group.outline(cases), schedules),
                    f"--arch={group.machine.arch}", f"--schedule={group.host_algorithm}",
                    f"--level={group.level}", *group.write_inputs("host-inputs", cases),
                    f"--output-dir={folder}")
        for index, generated in enumerate(cases):
            self.report.same(f"{group.what}, {generated.name}, level {group.level}: output",
                             np.load(folder / f"{index}.npy"), expected[generated].output)
            self.counts["on the host with blocks" if generated.has_blocks else "on the host"] += 1

    def check_refusals(self, group, text):
        rows = group.row_schedules()
        refused = [(generated, generated.schedule, "blocks of one row")
                   for generated in group.cases if generated.has_blocks][:1]
        generated = group.cases[int(group.rng.integers(len(group.cases)))]
        refused.append((generated, *wrong_schedule(group.rng, generated)))
        for generated, schedule, message in refused:
            path = group.write("refused.mlir", text, {**rows, generated.name: schedule})
            done = harness.run("sprint-opt", group.compile_arguments(), path, check=False)
            self.report.check(
                done.returncode == 1 and not harness.CRASH.search(done.stderr)
                and LOCATED.search(done.stderr) and message in done.stderr,
                f"{group.what}, {generated.name}, {schedule}: expected a located error with "
                f"'{message}', got exit code {done.returncode} and {done.stderr[:600]!r}")
            self.counts["refused schedules"] += 1


def parse_arguments(description, count):
    """The options of a test over numbered cases; `case_numbers` are those that run."""
    parser = argparse.ArgumentParser(description=description.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=count, help="cases")
    parser.add_argument("--case", type=int, help="only this one")
    options = parser.parse_args()
    options.case_numbers = range(options.count) if options.case is None else [options.case]
    return options


def run_groups(runner, numbers, size, report):
    """Runs cases, `size` of them at a time, prints how many of what there were, and returns the
    exit code.
    """
    groups = {}
    for number in numbers:
        groups.setdefault(number // size, []).append(number)
    harness.in_parallel(runner, groups.values(), report)
    print(", ".join(f"{number} {what}" for what, number in sorted(runner.counts.items())))
    return report.exit_code()


def main():
    options = parse_arguments(__doc__, 200)
    report = harness.Report()
    return run_groups(Runner(options.seed, report), options.case_numbers, GROUP, report)


if __name__ == "__main__":
    sys.exit(main())
