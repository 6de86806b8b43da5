#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Time, energy and bytes of launches are what docs/machine.md says, exactly.

Attentions are compiled for machines of all kinds and run on the simulator; sprint.timing, which is
written from the page alone, gives the same numbers for the same commands and kept keys.
"""

import argparse
import dataclasses
import json
import pathlib
import re
import sys
from typing import Callable, Dict, List, Optional

import numpy as np

import harness
from sprint import reference, testing, timing
from sprint.reference import Band, Widths
from sprint.testing import KEEP_ALL, random_case

#: What a printed number may differ by, relative, from the exact one.
TOLERANCE = 1e-12

#: Machines beside the built-in ones: numbers that differ from those of `s`.
MACHINES: Dict[str, Dict[str, object]] = {
    # Nothing is a binary fraction, and every buffer overflows.
    "odd": {"corelets": 3, "key_buffer": 1536, "value_buffer": 999, "score_buffer": 7,
            "score_rows": 3, "multipliers": 24, "channels": 3, "banks_per_channel": 5,
            "clock": 1000, "memory_clock": 300, "tRCD": 7, "tCAS": 5, "tWP": 11, "tCWD": 3,
            "tRP": 3, "tCCD": 9, "threshold": 5, "qk_latency": 3, "softmax_latency": 11, "v_latency": 6,
            "division": 3, "qk": "3.06, low: 0.23", "softmax": "87, low: 86.5, high: 90.1"},
    # Fractions of cycles everywhere, one finer than a thousandth, and a bus that is always late.
    "slow_bus": {"corelets": 2, "key_buffer": 4096, "value_buffer": 700, "channels": 1, "bus": 8,
                 "clock": 700, "memory_clock": 900, "transfers_per_memory_cycle": 1,
                 "tRCD": 2.5, "tCAS": 1.2496, "tBURST": 0.5, "tWP": 3.75, "tCWD": 1.1,
                 "tRP": 0.7, "tCCD": 0.3,
                 "threshold": 2.3, "qk_latency": 4.7, "softmax_latency": 0.5, "v_latency": 2.25,
                 "division": 0.3, "score_buffer": 40, "query_buffer": 4},
    # Latencies of zero, a fast bus, long pulses, and room for one head, row and query.
    "eager": {"corelets": 5, "key_buffer": 5000, "value_buffer": 5000, "bus": 4096,
              "memory_clock": 1700, "tRCD": 0, "tCAS": 0, "tBURST": 0, "tWP": 100, "tCWD": 0,
              "tRP": 0, "tCCD": 0,
              "threshold": 0, "qk_latency": 0, "softmax_latency": 0, "v_latency": 0, "division": 0,
              "multipliers": 7, "score_rows": 1, "query_buffer": 1, "resident_heads": 1},
    # Early division and deep pipelines.
    "deep": {"widths": "paper", "qk_latency": 300, "softmax_latency": 90, "v_latency": 80,
             "division": 9, "memory_clock": 130, "resident_heads": 3, "key_buffer": 2000,
             "value_buffer": 640, "score_buffer": 30},
}
BUILT_IN = ("s", "m", "l", "s-paper-widths")
SCHEDULES = ("paper", "resident", "dense")


def write_machine(directory, name):
    """Writes a machine of `MACHINES` on base s; returns what `--arch` takes."""
    if name in BUILT_IN:
        return name
    known = (harness.ROOT / "runtime" / "arch" / "s.yaml").read_text()
    numbers = dict(MACHINES[name])
    lines = ["base: s", f"name: {name}"]
    if "widths" in numbers:
        lines.append(f"widths: {numbers.pop('widths')}")
    section, written = "", ""
    for line in known.splitlines():
        if re.match(r"\w+:$", line):
            section = line
        entry = re.match(r"  (\w+): .* unit: ([^,]*),", line)
        if entry and entry.group(1) in numbers:
            if written != section:
                lines.append(section)
                written = section
            lines.append(f"  {entry.group(1)}: {{value: {numbers.pop(entry.group(1))}, "
                         f"unit: {entry.group(2)}, source: made up}}")
    if numbers:
        raise harness.Failure(f"s.yaml has no {', '.join(numbers)}")
    path = pathlib.Path(directory) / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def widths_of(arch):
    return Widths.paper() if arch in ("s-paper-widths", "deep") else Widths.default()


@dataclasses.dataclass(eq=False)
class Job:
    case: testing.Case
    machine: str
    schedule: str
    dynamic: bool = False
    change: Optional[Callable[[str], str]] = None  #: of the text of the command stream

    @property
    def name(self):
        change = f", {self.change.__name__}" if self.change else ""
        return f"{self.case.name}, {self.machine}, {self.schedule}{change}"


def acquire_before_release(text):
    """A program whose key_fetch waits for the next query's slot before it says that a list was
    taken: that slot may come after all its commands have ended.
    """
    acquire = re.search(r" *sprint_isa\.acquire queue\(@query_slots\)\n", text).group()
    text = text.replace(acquire, "")
    text = re.sub(r"(?<=@query_slots credits\()\d+", "1", text)
    text = re.sub(r"(?<=@key_lists credits\()\d+", "1", text)
    return re.sub(r" *sprint_isa\.release queue\(@key_lists\)\n",
                  lambda release: acquire + release.group(), text)


def own_cases() -> List[testing.Case]:
    """Attentions beside those of sprint.testing: small, but beyond what small machines hold."""
    return [
        random_case("pruned", 2, 40, 70, 32, value_dim=48),
        random_case("high_threshold", 3, 25, 61, 24, batches=2, thresholds=2.5),
        random_case("retries", 2, 30, 60, 32, thresholds=1e30),
        random_case("groups_pruned", 6, 24, 50, 40, key_heads=2, batches=2),
        random_case("causal_window", 2, 60, 60, 16, value_dim=56,
                    band=Band(lower=-20, upper=0)),
        random_case("one_row", 4, 1, 200, 64, value_dim=32, key_heads=1),
        random_case("all", 2, 12, 130, 64, thresholds=KEEP_ALL),
    ]


def jobs() -> List[Job]:
    """Every case on one or two machines, so that every machine and schedule meets many cases."""
    cases = [case for case in testing.shapes() + testing.masks()
             if case.query.shape[1] * case.query.shape[2] * case.key.shape[2] < 60000]
    machines = (*BUILT_IN, *MACHINES)
    result = []
    for index, case in enumerate(cases):
        result.append(Job(case, machines[index % len(machines)], SCHEDULES[index % 3]))
        odd = list(MACHINES)[index % len(MACHINES)]
        if odd != result[-1].machine:
            result.append(Job(case, odd, SCHEDULES[(index + 1) % 3]))
    for case in own_cases():
        for index, machine in enumerate(MACHINES):
            result.append(Job(case, machine, SCHEDULES[(index + len(case.name)) % 3]))
    dynamic = random_case("open_lengths", 3, 31, 31, 32, key_heads=1, band=Band(upper=0))
    result += [Job(dynamic, "odd", schedule, dynamic=True) for schedule in SCHEDULES]
    result.append(Job(random_case("moved", 2, 20, 30, 32), "deep", "paper",
                      change=acquire_before_release))
    return result


def compare(report, name, stats, expected):
    """Compares the statistics of a launch as the tool prints them with those of sprint.timing."""

    def same(key, printed, exact):
        exact = float(exact)
        close = printed == exact or abs(printed - exact) <= TOLERANCE * abs(exact)
        return report.check(close, f"{name}: {key} is {printed!r}, the page says {exact!r}")

    same("cycles", stats["cycles"], expected.cycles)
    same("cycles_resident", stats["cycles_resident"], expected.cycles_resident)
    same("fetched_bytes", stats["fetched_bytes"], expected.fetched_bytes)
    same("written_bytes", stats["written_bytes"], expected.written_bytes)
    for group in ("utilization", "counts", "energy_pj", "energy_low_pj", "energy_high_pj"):
        numbers = getattr(expected, group)
        if report.check(set(stats[group]) == set(numbers),
                        f"{name}: {group} has {sorted(stats[group])}"):
            for key, number in numbers.items():
                same(f"{group}.{key}", stats[group][key], number)


def mask_rows(tensor):
    return 0 if tensor is None else tensor.shape[2]


def check(job, report):
    case = job.case
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        arch = write_machine(directory, job.machine)
        (directory / "model.mlir").write_text(harness.attention_mlir(case, job.dynamic))
        stream = directory / "model.stream"
        text = harness.compile_stream(directory / "model.mlir", stream,
                                      f"{arch} schedule={job.schedule}")
        if job.change:
            text = job.change(text)
            (directory / "changed.mlir").write_text(text)
            harness.run("sprint-translate", "--sprint-isa-to-stream", directory / "changed.mlir",
                        "-o", stream)
        harness.run("sprint-sim", stream, f"--arch={arch}", "--threads=1",
                    *harness.write_inputs(directory, *case.inputs()),
                    harness.write_thresholds(directory / "thresholds.json", case.thresholds),
                    f"--stats={directory / 'stats.json'}")
        stats = json.loads((directory / "stats.json").read_text())
        given = case.launch(dense=job.schedule == "dense", widths=widths_of(job.machine))
        program, = timing.parse_programs(text)
        launch = timing.Launch(given.kept, given.retries, mask_rows=mask_rows(case.mask),
                               bias_rows=mask_rows(case.bias))
        compare(report, job.name, stats["attentions"][0],
                timing.run(program, timing.load_machine(arch), launch))


def check_cache(job, report):
    """Launches of a program that add the keys and values of a case to a cache, a part at a time."""
    case, widths = job.case, widths_of(job.machine)
    keys = case.key.shape[2]
    parts = [0, 1, keys // 2, keys]
    with harness.temporary_directory() as place:
        directory = pathlib.Path(place)
        arch = write_machine(directory, job.machine)
        model = directory / "model.mlir"
        model.write_text(harness.attention_mlir(case, dynamic=True))
        outlined = harness.run("sprint-opt", f"--sprint-attach-machine=arch={arch}",
                               "--sprint-outline-programs", model).stdout
        program = re.search(r"^  sprint\.program .*?^  }$", outlined, re.DOTALL | re.MULTILINE)
        select = "select(all)" if job.schedule == "dense" else "select(pruned)"
        model.write_text(program.group().replace(" {\n", " resident_cache {\n", 1)
                         .replace("select(pruned)", select))
        schedule = "resident" if job.schedule == "dense" else job.schedule
        text = harness.compile_stream(model, directory / "cached.stream",
                                      f"{arch} schedule={schedule}")

        steps = reference.FrozenSteps(*(reference.quantize(tensor, widths).steps
                                        for tensor in (case.query, case.key, case.value)))
        cache = reference.Cache(steps)
        launches, given = [], []
        for first, last in zip(parts, parts[1:]):
            part = dataclasses.replace(
                case, key=case.key[:, :, first:last], value=case.value[:, :, first:last],
                **{name: getattr(case, name)[..., :last]
                   for name in ("key_valid", "mask", "bias", "key_segments")
                   if getattr(case, name) is not None})
            folder = directory / str(first)
            folder.mkdir()
            inputs = harness.write_inputs(folder, *part.inputs())
            launches.append({"program": "attention", "cache": "one",
                             "inputs": [path.removeprefix("--input=") for path in inputs]})
            given.append(part.launch(cache=cache, dense=job.schedule == "dense", widths=widths))
        (directory / "launches.json").write_text(json.dumps({
            "caches": {"one": {"steps": {
                name: getattr(steps, name).astype(float).tolist()
                for name in ("query", "key", "value")}}},
            "launches": launches}))
        harness.run("sprint-sim", directory / "cached.stream", f"--arch={arch}", "--threads=1",
                    f"--launches={directory / 'launches.json'}",
                    harness.write_thresholds(directory / "thresholds.json", case.thresholds),
                    f"--stats={directory / 'stats.json'}")
        stats = json.loads((directory / "stats.json").read_text())
        program, = timing.parse_programs(text)
        results = []
        for first, launch, printed in zip(parts, given, stats["attentions"]):
            results.append(timing.run(program, timing.load_machine(arch), timing.Launch(
                launch.kept, launch.retries, {"past": first}, mask_rows(case.mask),
                mask_rows(case.bias))))
            compare(report, f"{job.name}, cached from {first} on", printed, results[-1])
        compare(report, f"{job.name}, cached, the run", stats, timing.total(results))


def cached_jobs() -> List[Job]:
    cases = {case.name: case for case in testing.masks() + own_cases()}
    machines = ("s", "l", *MACHINES)
    names = ("everything", "mask_for_all", "added_mask_of_10000", "documents_causal",
             "groups_pruned", "one_row", "causal_window", "padding")
    return [Job(cases[name], machines[index % len(machines)], SCHEDULES[index % 3])
            for index, name in enumerate(names)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", help="run the jobs whose names match this pattern")
    options = parser.parse_args()
    report = harness.Report()
    todo = [(function, job) for function, listed in ((check, jobs()), (check_cache, cached_jobs()))
            for job in listed if not options.only or re.search(options.only, job.name)]
    harness.in_parallel(lambda entry: entry[0](entry[1], report), todo, report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
