#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The raiser finds attentions in whatever spelling they come, and what it finds has the right value.

Writes attentions in many spellings (spelled_attention.py): each value of each axis alone, and random
combinations; and computations that look like attentions and are none (spelled_negatives.py). Each
goes through the raiser and through sprint-run with every key kept; the result is held against NumPy's
(2 %, 5 % for bf16). Masked keys do not count as allowed scores. A case that is not raised has one
remark that says so.

Prints a table by axis and value, and ends with 1 where any of this does not hold or what should be
raised is not.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import sys

import numpy as np

import harness
import spelled_attention
import spelled_negatives

BOUNDS = {"f32": 0.02, "f16": 0.02, "bf16": 0.05}
#: A row may be off by more than the whole, by the norm of the average row.
ROW_FACTOR = 5
#: What the host computes, where nothing is raised.
HOST_BOUNDS = {"f32": 1e-4, "f16": 0.01, "bf16": 0.05}
CHUNK = 24
REMARK = re.compile(r"^(?:.*?):(\d+):\d+: remark: (attention not raised: .*)$", re.MULTILINE)
#: A case is raised; not raised with a remark, with none, with more than one; raised, but masked keys
#: count as allowed; has a wrong value or number of attentions; or a tool fails.
OUTCOMES = ("raised", "refused", "silent", "several", "unmasked", "wrong", "failed")


class Outcome:
    def __init__(self, case):
        self.case = case
        self.attentions = None
        self.remarks = []
        self.problem = None
        self.kind = None

    def judge(self):
        """Where the case belongs in the table."""
        if self.kind in ("unmasked", "wrong", "failed"):
            return
        if self.attentions:
            self.kind = "raised"
            if self.case.expectation == "raise" and self.attentions != self.case.attentions:
                self.kind = "wrong"
                self.problem = (f"expected {self.case.attentions} attentions, "
                                f"got {self.attentions}")
        else:
            self.kind = "silent" if not self.remarks else \
                "refused" if len(self.remarks) <= self.case.attentions else "several"

    @property
    def bad(self):
        if self.kind in ("silent", "several"):
            return self.case.expectation == "raise" or not self.case.remark_optional
        return self.kind in ("unmasked", "wrong", "failed") or (
            self.case.expectation == "raise" and self.kind == "refused")


# The raiser --------------------------------------------------------------------------------------


def renamed(case, prefix):
    return re.sub(r"@(\w+)", lambda m: f"@{prefix}{m.group(1)}", case.text)


def count_attentions(text, prefix):
    """Attentions that a call of `main` reaches."""
    bodies = {}
    for match in re.finditer(r"func\.func (?:private )?@(\w+)\(.*?\n  }\n", text, re.DOTALL):
        bodies[match.group(1)] = match.group(0)

    def count(name):
        body = bodies.get(name, "")
        calls = re.findall(r"call @(\w+)\(", body)
        return body.count("= sprint.attention ") + sum(map(count, calls))

    return count(f"{prefix}main")


def raise_chunk(outcomes):
    """Raises several cases in one process; one by one where that fails."""
    text, starts = "", []
    for number, outcome in enumerate(outcomes):
        starts.append(text.count("\n") + 1)
        text += renamed(outcome.case, f"c{number}_")
    with harness.temporary_directory() as name:
        path = pathlib.Path(name) / "model.mlir"
        path.write_text(text)
        done = harness.run("sprint-opt", "--convert-linalg-to-sprint", path, check=False)
    if done.returncode or harness.CRASH.search(done.stderr):
        if len(outcomes) > 1:
            for outcome in outcomes:
                raise_chunk([outcome])
        else:
            outcomes[0].kind = "failed"
            outcomes[0].problem = f"sprint-opt: {done.stderr[-600:]}"
        return
    for line, remark in REMARK.findall(done.stderr):
        owner = max(n for n, start in enumerate(starts) if start <= int(line))
        outcomes[owner].remarks.append(remark)
    for number, outcome in enumerate(outcomes):
        outcome.attentions = count_attentions(done.stdout, f"c{number}_")


# The run -----------------------------------------------------------------------------------------


def write_case(case, directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "model.mlir").write_text(case.text)
    for number, array in enumerate(case.inputs):
        np.save(directory / f"in{number}.npy", array.astype(np.float32)
                if array.dtype == np.float64 else array)
    for number, array in enumerate(case.results):
        np.save(directory / f"ref{number}.npy", array.astype(np.float32))


def errors(actual, expected):
    """Relative error of the whole, and of the worst row against the average row."""
    if actual.shape != expected.shape:
        return np.inf, np.inf
    difference = actual.astype(np.float64) - expected
    if not np.isfinite(difference).all():
        return np.inf, np.inf
    rows = expected.reshape(-1, expected.shape[-1])
    row = np.sqrt((rows**2).sum(-1).mean()) or 1.0
    norms = np.sqrt((difference.reshape(rows.shape)**2).sum(-1))
    return np.linalg.norm(difference) / (np.linalg.norm(expected) or 1.0), norms.max() / row


def run_case(outcome):
    case = outcome.case
    with harness.temporary_directory() as name:
        directory = pathlib.Path(name)
        write_case(case, directory)
        done = harness.run(
            "sprint-run", directory / "model.mlir", "--threshold=-inf",
            *(f"--input={directory / f'in{n}.npy'}" for n in range(len(case.inputs))),
            f"--output-dir={directory / 'out'}", f"--stats={directory / 'stats.json'}",
            check=False)
        if done.returncode:
            outcome.kind = "failed"
            outcome.problem = f"sprint-run: {done.stderr[-600:].strip()}"
            return
        stats = json.loads((directory / "stats.json").read_text())
        on_device = len(stats["attentions"])
        whole = row = 0.0
        for number, expected in enumerate(case.results):
            actual = np.load(directory / "out" / f"{number}.npy")
            w, r = errors(actual, expected)
            whole, row = max(whole, w), max(row, r)
        outcome.error = whole
        bound = (BOUNDS if on_device else HOST_BOUNDS)[case.kind]
        if not (whole <= bound and row <= ROW_FACTOR * bound):
            outcome.kind = "wrong"
            outcome.problem = (f"{'device' if on_device else 'host'}: {whole:.2%} off, "
                               f"worst row {row:.2%}")
        elif on_device and case.allowed_scores not in (None, stats["allowed_scores"]):
            outcome.kind = "unmasked"
            outcome.problem = (f"expected {case.allowed_scores} allowed scores, "
                               f"got {stats['allowed_scores']}")


# The table ---------------------------------------------------------------------------------------


def print_table(outcomes):
    table = collections.defaultdict(collections.Counter)
    for outcome in outcomes:
        table["all"][outcome.kind] += 1
        for axis, value in outcome.case.values.items():
            table[f"{axis}={value}"][outcome.kind] += 1
    width = max(map(len, table))
    print(f"{'':{width}}  " + "  ".join(f"{kind:>8}" for kind in OUTCOMES))
    for key, counts in table.items():
        print(f"{key:{width}}  " + "  ".join(f"{counts[kind] or '':>8}" for kind in OUTCOMES))


def wanted(case, pattern):
    return any(fnmatch.fnmatchcase(name, pattern) for name in
               (case.name, *(f"{axis}={value}" for axis, value in case.values.items())))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", default="*", metavar="PATTERN",
                        help="only cases whose name fits this, such as 'never-*', or one of whose "
                        "choices does, such as 'mask=pad-*'")
    parser.add_argument("--samples", type=int, default=0, metavar="N",
                        help="random combinations")
    parser.add_argument("--seed", type=int, default=0, help="of the random combinations")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR",
                        help="folder that gets model.mlir, inputs and results of what fails")
    parser.add_argument("--keep-all", action="store_true", help="with --keep: of every case")
    parser.add_argument("--verbose", action="store_true", help="say what became of every case")
    parser.add_argument("--list", action="store_true", help="print the names alone")
    parser.add_argument("--no-run", action="store_true", help="raise only; no values")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()

    cases = [case for group in (spelled_attention.single_axis_cases(),
                                spelled_attention.paired_cases(),
                                spelled_negatives.cases(),
                                spelled_attention.random_cases(options.samples, options.seed))
             for case in group if wanted(case, options.only)]
    if options.list:
        print("\n".join(case.name for case in cases))
        return 0
    outcomes = [Outcome(case) for case in cases]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(raise_chunk, [outcomes[n:n + CHUNK]
                                    for n in range(0, len(outcomes), CHUNK)]))
        if not options.no_run:
            list(pool.map(run_case, outcomes))
    for outcome in outcomes:
        outcome.judge()
        if options.verbose or outcome.bad or outcome.kind == "several":
            expected = "" if outcome.case.expectation != "raise" else "expected to be raised, "
            note = outcome.problem or "; ".join(outcome.remarks)
            values = " ".join(f"{a}={v}" for a, v in outcome.case.values.items())
            start = "FAIL: " if outcome.bad else ""
            print(f"{start}{outcome.case.name} [{values}]: {expected}{outcome.kind}"
                  + (f": {note}" if note else ""), flush=True)
        if options.keep and (outcome.bad or options.keep_all):
            directory = options.keep / re.sub(r"[^\w.=-]", "_", outcome.case.name)
            write_case(outcome.case, directory)
    print_table(outcomes)
    bad = sum(outcome.bad for outcome in outcomes)
    print(f"{len(outcomes)} cases, {bad} failures")
    return 1 if bad or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
