#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an attention is called: by the producer, else by its number, never by its place in a file.

Two attentions of one place in the source, on different data, are calibrated each for itself, and take
the thresholds that a file has under their names, in whichever order. Program, report, statistics and
timeline call them the same.
"""

import dataclasses
import json
import pathlib
import sys

import numpy as np

import harness
from sprint import testing

HEADS = 2
TOKENS = 40
CHANNELS = 16
RATE = 0.5
#: Scores of 4-bit codes are equal here and there.
RATE_TOLERANCE = 0.01
TENSOR = f"tensor<1x{HEADS}x{TOKENS}x{CHANNELS}xf32>"


def make_cases():
    """Two attentions that need other thresholds: the logits of the second are 8 times as large."""
    first, second = (testing.random_case(f"case{seed}", HEADS, TOKENS, TOKENS, CHANNELS, seed=seed)
                     for seed in (1, 2))
    second.query = second.query * np.float32(8)
    return first, second


def two_attentions(cases, location):
    """A function of two attentions with the location of each."""
    arguments = ", ".join(f"%{name}{index}: {TENSOR}" for index in range(2) for name in "qkv")
    ops = "".join(
        f"  %o{index} = sprint.attention ins(%q{index}, %k{index}, %v{index} : "
        f"{TENSOR}, {TENSOR}, {TENSOR})\n      outs(%init : {TENSOR}) "
        f"scale({harness.float_attribute(case.scale)}) -> {TENSOR} loc({location})\n"
        for index, case in enumerate(cases))
    return (f"func.func @main({arguments}) -> ({TENSOR}, {TENSOR}) {{\n"
            f"  %init = tensor.empty() : {TENSOR}\n{ops}"
            f"  return %o0, %o1 : {TENSOR}, {TENSOR}\n}}\n")


def check_timeline(events, location, names, report):
    """The rows that say whose attention's time it is agree, and so does every interval beside
    them.
    """
    rows = {(event["pid"], event["tid"]): event["args"]["name"] for event in events
            if event["name"] == "thread_name"}
    when = {}
    for event in events:
        row = rows.get((event["pid"], event.get("tid")))
        if event["ph"] == "X" and row in ("attention", "launches"):
            when.setdefault(event["pid"], []).append((event["name"], event["ts"], event["dur"]))
    # Memory, CORELETs and the launches.
    expected = when[max(when)]
    report.check([name for name, _, _ in expected] == names and len(when) == 3 and
                 all(intervals == expected for intervals in when.values()),
                 f"{location}: expected {names} in each process of the timeline, got {when}")
    limits = {name: (begin, begin + duration) for name, begin, duration in expected}
    counts = dict.fromkeys(names, 0)
    for event in events:
        if event["ph"] not in "Xb" or rows.get((event["pid"], event["tid"])) in ("attention",
                                                                                 "launches"):
            continue
        name = event["args"].get("attention")
        if not report.check(name in names, f"{location}: expected the attention of {event}"):
            return
        begin, end = limits[name]
        report.check(begin - 1e-6 <= event["ts"] and
                     event["ts"] + event.get("dur", 0) <= end + 1e-6,
                     f"{location}: expected {event} between {begin} and {end}")
        counts[name] += event["name"] == "score" and "keys" in event["args"] and \
            0 <= event["args"]["head"] < HEADS and 0 <= event["args"]["query"] < TOKENS
    report.check(set(counts.values()) == {HEADS * TOKENS},
                 f"{location}: expected a score for each row, got {counts}")


def check_files(launch, expected, printed, report):
    """The statistics and what is printed say which files of masks and codes are a launch's."""
    name = launch["program"]
    report.same(f"{name}: masks", np.load(launch["masks"]),
                expected.kept.reshape(HEADS, TOKENS, TOKENS))
    report.same(f"{name}: codes", np.load(launch["codes"]), expected.codes)
    for path in (launch["masks"], launch["codes"]):
        report.check(f"written: {path} ({name})\n" in printed,
                     f"{name}: expected {path} to be printed with its name, got {printed}")


def check_location(location, names, cases, report):
    with harness.temporary_directory() as name:
        directory = pathlib.Path(name)
        model = directory / "model.mlir"
        model.write_text(two_attentions(cases, location))
        inputs = harness.write_inputs(directory, *cases[0].inputs(), *cases[1].inputs())
        stats, trace = directory / "stats.json", directory / "trace.json"

        def run(*options):
            """Outputs, and what is printed."""
            printed = harness.run("sprint-run", model, *inputs, f"--output-dir={directory}",
                                  *options).stdout
            return [np.load(directory / f"{index}.npy") for index in range(2)], printed

        masks, codes = directory / "masks.npy", directory / "codes.npy"
        outputs, printed = run(f"--prune-rate={RATE}", f"--stats={stats}", f"--trace={trace}",
                               f"--dump-masks={masks}", f"--dump-codes={codes}")
        launches = {launch["program"]: launch
                    for launch in json.loads(stats.read_text())["attentions"]}
        if not report.check(list(launches) == names, f"{location}: expected the launches {names}, "
                            f"got {list(launches)}"):
            return
        rows = [line.split()[0] for line in printed.splitlines()[1:3]]
        report.check(rows == names, f"{location}: expected rows of {names}, got {rows}")
        check_timeline(json.loads(trace.read_text())["traceEvents"], location, names, report)

        # Each has the thresholds of its own data, in the order of the arguments.
        for case, output, name in zip(cases, outputs, names):
            thresholds = launches[name]["thresholds"]
            expected = dataclasses.replace(case, thresholds=thresholds).launch()
            report.same(f"{location}: {name}", output, expected.output)
            check_files(launches[name], expected, printed, report)
            rates = 1 - expected.kept.reshape(HEADS, -1).mean(axis=1)
            report.check(np.abs(rates - RATE).max() < RATE_TOLERANCE,
                         f"{location}: {name}: expected every head to drop {RATE}, got {rates}")
        first, second = (launches[name]["thresholds"] for name in names)
        report.check(first != second, f"{location}: expected thresholds of its own for each, got "
                     f"{first} and {second}")

        # A file has them by name: its order does not matter.
        file = directory / "thresholds.json"

        def write(**keys):
            file.write_text(json.dumps(keys))
            return f"--thresholds={file}"

        by_name = write(thresholds=[second, first], attentions=names[::-1])
        for level in ("stream", "scheduled"):
            again, _ = run(by_name, f"--level={level}")
            for name, output, expected in zip(names, again, outputs):
                report.same(f"{location}: {name}, by name, {level}", output, expected)
        run(f"--prune-rate={RATE}", f"--calibrate={file}")
        written = json.loads(file.read_text())["attentions"]
        report.check(written == names, f"{location}: expected a file for {names}, got {written}")
        again, _ = run(write(thresholds=[first, second]))
        for name, output, expected in zip(names, again, outputs):
            report.same(f"{location}: {name}, by position", output, expected)
        for attentions, message in (
                (["another", names[0]], f"expected thresholds of attention '{names[1]}', got none"),
                ([*names, "another"],
                 "expected thresholds of attentions that run, got those of 'another'")):
            option = write(thresholds=[first] * len(attentions), attentions=attentions)
            refused = harness.run("sprint-run", model, *inputs, option, check=False)
            report.check(refused.returncode == 1 and f"thresholds.json: {message}" in refused.stderr,
                         f"{location}: expected '{message}', got {refused.stderr}")


def main():
    report = harness.Report()
    cases = make_cases()
    for location, names in (("unknown", ["attention_0", "attention_1"]),
                            ('"model.py":7:3', ["attention_0", "attention_1"]),
                            ('"layers.self_attn"', ["layers.self_attn", "layers.self_attn.1"])):
        check_location(location, names, cases, report)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
