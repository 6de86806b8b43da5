#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""All integer levels, the stream on the simulator and the NumPy reference give the same bytes.

Every case of sprint.testing is compiled and run at each level by sprint-run, and compared with the
reference: outputs at all levels; masks, output codes and counts where the machine runs. Then each
mutation of one rounding of the reference has to differ from what the simulator gave.
"""

import argparse
import json
import pathlib
import re
import sys

import numpy as np

import harness
from sprint import reference, testing
from sprint.reference import Widths

HOST_LEVELS = ("scheduled", "tiled")
WIDTHS = {"s": Widths.default(), "m": Widths.default(), "l": Widths.default(),
          "s-paper-widths": Widths.paper()}
#: Shapes whose levels are compiled with dynamic lengths, too (their queries and keys are as many).
DYNAMIC = ("d80_length129", "d32_heads12_length127", "causal", "length1_heads12")

#: Cases and blocks, heads of a group and queries, that are written into the schedule by hand. Lengths
#: that they do not divide leave a smaller last block. The machine takes single rows alone.
BLOCKS = (("causal", 1, 4), ("groups", 3, 2), ("one_key_head", 12, 4), ("everything", 2, 3),
          ("padding_causal", 1, 40), ("mask_of_heads", 1, 7),
          ("documents", 2, 6))


def write_schedule(model, arch, heads, queries, thresholds, text):
    """Cuts `text`, a model of one attention, into launch and program, with a schedule of blocks."""
    model.write_text(text)
    text = harness.run("sprint-opt", f"--sprint-compile=arch={arch} level=scheduled", model).stdout
    text, schedules = re.subn(r"(?<=schedule\(<)heads = 1, queries = 1,",
                              f"heads = {heads}, queries = {queries},", text)
    words = ", ".join(f"0x{word:08X}"
                      for word in np.atleast_1d(np.asarray(thresholds, np.float32)).view(np.uint32))
    text, programs = re.subn(r"(sprint\.program .* scale\([^)]*\)) \{",
                             rf"\1 thresholds([{words}]) {{", text)
    if (schedules, programs) != (1, 1):
        raise harness.Failure(f"expected one schedule and program, got {schedules}, {programs}")
    model.write_text(text)


class Comparison:
    """Runs cases and keeps what the simulator gave."""

    def __init__(self, report):
        self.report = report
        self.expected = {}
        self.simulated = {}

    def prepare(self, cases):
        for case in cases:
            for preset in (Widths.default(), Widths.paper()):
                self.expected[case.name, preset] = case.launch(widths=preset)

    def __call__(self, job):
        case, arch, level, dynamic, block = job
        what = f"{case.name}, arch {arch}, level {level}" + (", dynamic" if dynamic else "")
        what += f", blocks of {block[0]} heads x {block[1]} queries" if block else ""
        expected = self.expected[case.name, WIDTHS[arch]]
        with harness.temporary_directory() as name:
            directory = pathlib.Path(name)
            model = directory / "model.mlir"
            text = harness.attention_mlir(case, dynamic)
            model.write_text(text)
            if block:
                write_schedule(model, arch, *block, case.thresholds, text)
            arguments = [model, f"--arch={arch}", f"--level={level}",
                         f"--output-dir={directory / 'out'}",
                         *harness.write_inputs(directory, *case.inputs())]
            if block:
                pass  # It has them.
            elif np.ndim(case.thresholds) == 0:
                arguments.append(f"--threshold={case.thresholds!r}")
            else:
                arguments.append(harness.write_thresholds(directory / "t.json", case.thresholds))
            if level == "stream":
                arguments += [f"--stats={directory / 'stats.json'}",
                              f"--dump-masks={directory / 'masks.npy'}",
                              f"--dump-codes={directory / 'codes.npy'}"]
            harness.run("sprint-run", *arguments)
            output = np.load(directory / "out" / "0.npy")
            self.report.same(f"{what}: output", output, expected.output)
            if level != "stream":
                return
            kept = np.load(directory / "masks.npy")
            if not dynamic:
                self.simulated[case.name, arch] = (output, kept)
            self.report.same(f"{what}: masks", kept, expected.kept)
            self.report.same(f"{what}: codes", np.load(directory / "codes.npy"), expected.codes)
            self.check_statistics(what, json.loads((directory / "stats.json").read_text()), case,
                                  expected)

    def check_statistics(self, what, stats, case, expected):
        attention = stats["attentions"][0]
        heads = case.query.shape[1]
        thresholds = np.broadcast_to(np.asarray(case.thresholds, np.float32), heads)
        self.report.same(f"{what}: thresholds",
                         np.asarray(attention["thresholds"], np.float32), thresholds)
        for place, numbers in (("run", stats), ("attention", attention)):
            self.report.check(numbers["retried_rows"] == expected.retried_rows,
                              f"{what}: retried_rows of the {place}: expected "
                              f"{expected.retried_rows}, got {numbers['retried_rows']}")
            self.report.check(abs(numbers["pruned_fraction"] - expected.pruned_fraction) < 1e-9,
                              f"{what}: pruned_fraction of the {place}: expected "
                              f"{expected.pruned_fraction}, got {numbers['pruned_fraction']}")

    def check_mutations(self, cases):
        """Each mutation shows against what the simulator gave, outputs or kept keys."""

        def differs(got, simulated):
            output, kept = simulated
            return got.output.tobytes() != output.tobytes() or (got.kept != kept).any()

        cases = [case for case in cases
                 if all((case.name, arch) in self.simulated for arch in ("s", "s-paper-widths"))]
        for name, rounding in reference.mutations():
            shown = any(
                differs(case.launch(widths=WIDTHS[arch], rounding=rounding),
                        self.simulated[case.name, arch])
                for arch in ("s", "s-paper-widths") for case in cases)
            self.report.check(shown, f"mutation {name}: the outputs do not tell it from the page")


def jobs(shapes, masks, roundings, everything):
    """(case, machine, level, dynamic lengths, block): what tells most for its time, or all there is."""
    for case in shapes + masks + roundings:
        for arch in WIDTHS:
            for level in (*HOST_LEVELS, "stream"):
                # Machines differ in how arrays are cut and keys dealt out, widths in the recompute
                # alone.
                wanted = (arch == "s"
                          or (arch == "s-paper-widths" and level in ("scheduled", "stream"))
                          or (arch in ("m", "l") and level == "stream" and case not in roundings)
                          or (arch == "l" and level == "tiled" and case in shapes))
                if wanted or everything:
                    yield case, arch, level, False, None
                if case.name in DYNAMIC and (arch == "s" or everything):
                    yield case, arch, level, True, None
    for case in shapes + masks:
        for name, *block in BLOCKS:
            if case.name == name:
                for level in HOST_LEVELS:
                    yield case, "s", level, False, block
                yield case, "s-paper-widths", "tiled", case.name == "causal", block


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--all", action="store_true",
                        help="every case at every level on every machine")
    parser.add_argument("--case", help="only cases whose name contains this; no mutations")
    options = parser.parse_args()

    shapes, masks, roundings = (
        [case for case in group() if not options.case or options.case in case.name]
        for group in (testing.shapes, testing.masks, testing.roundings))
    report = harness.Report()
    comparison = Comparison(report)
    comparison.prepare(shapes + masks + roundings)
    harness.in_parallel(comparison, jobs(shapes, masks, roundings, options.all), report)
    if not options.case:
        comparison.check_mutations(roundings)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
