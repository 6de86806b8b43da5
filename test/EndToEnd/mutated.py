#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the checker says of programs with a fault put into them is what their launches show.

Programs of generated.py lose, gain, swap or move a command, or get other credits, depths, trip
counts, queues or operands. A program that the checker accepts must, on any machine of its structure
and at any open size, neither stand still, overrun a queue or a buffer, nor read what is not there;
other faults, such as a row that is stored twice, are not the checker's. A program that the checker
refuses must not run.
"""

import collections
import dataclasses
import itertools
import re
import sys

import numpy as np

import generated
import harness

#: Mutations of the programs of a group.
PER_GROUP = 15
#: What the checker answers for.
ANSWERED = re.compile(
    r"stands still|ends with|overruns|not in ReRAM|before they are written|"
    r"as many as ReRAM holds|in the query buffers|which holds at most")
#: What it does not: numbers of rows and heads that there are none of, and rows of others.
OTHERS = re.compile(
    r"expected a (batch element|head|key head|query) below|output rows; the first|twice|"
    r"expected a list of|in queue '|to be loaded, got|in the in-memory query buffer|"
    r"pruning vector|expected the (list|values|sums) of|would lose sums|"
    r"expected (this unit to fetch|to load key_valid)|could leave \+-2\^62|could run more|"
    r"a row of the launch")
CAPACITY = re.compile(r"(?<=\()\d+")
QUEUE = re.compile(r"@\w+")
OPERAND = re.compile(r"(batch|head|query|first|last)\(((?:[^()]|\([^()]*\))*)\)")
TRIP = re.compile(r"(?<=loop trip\()(.*)(?=\) \{)")


# Mutations ---------------------------------------------------------------------------------------


class Mutation:
    """Changes one thing in the lines of a program; what comes out may be none."""

    def __init__(self, rng, lines):
        self.rng = rng
        self.lines = list(lines)
        units = [index for index, line in enumerate(lines) if "sprint_isa.unit " in line]
        #: First line behind each unit's, and the line of its brace.
        self.bodies = [(index + 1, next(end for end in itertools.count(index)
                                        if lines[end] == "    }")) for index in units]
        self.commands = [index for begin, end in self.bodies for index in range(begin, end)
                         if "sprint_isa." in lines[index] and not lines[index].endswith("{")]
        self.syncs = [index for index in self.commands
                      if re.search(r"sprint_isa\.(acquire|release) ", lines[index])]

    def one_of(self, choices):
        choices = list(choices)
        return choices[int(self.rng.integers(len(choices)))]

    def one_command(self):
        return self.one_of(self.syncs if self.rng.random() < 0.6 else self.commands)

    def apply(self):
        kind = self.one_of([self.drop, self.duplicate, self.swap, self.move, self.move,
                            self.change_queue, self.change_capacity, self.change_capacity,
                            self.change_trip, self.change_operand, self.wrap, self.unwrap])
        kind()
        return self.lines

    def drop(self):
        del self.lines[self.one_command()]

    def duplicate(self):
        index = self.one_command()
        self.lines.insert(index, self.lines[index])

    def swap(self):
        pairs = [index for index in self.commands if index + 1 in self.commands]
        index = self.one_of(pairs)
        self.lines[index:index + 2] = self.lines[index + 1], self.lines[index]

    def move(self):
        index = self.one_command()
        begin, end = next(body for body in self.bodies if body[0] <= index < body[1])
        line = self.lines.pop(index)
        self.lines.insert(int(self.rng.integers(begin, end)), line)

    def change_queue(self):
        index = self.one_of(index for index in self.commands if "@" in self.lines[index])
        used = self.one_of(QUEUE.findall(self.lines[index]))
        kind = next(line.split()[0] for line in self.lines
                    if re.search(rf"_queue {used} ", line))
        others = [QUEUE.search(line).group() for line in self.lines if line.split()[0] == kind]
        self.lines[index] = self.lines[index].replace(used, self.one_of(others), 1)

    def change_capacity(self):
        index = self.one_of(index for index, line in enumerate(self.lines) if "_queue @" in line)
        known = int(CAPACITY.search(self.lines[index]).group())
        changed = self.one_of([known + 1, known - 1, known - 2, known + 7, 0, 1])
        self.lines[index] = CAPACITY.sub(str(max(0, changed)), self.lines[index])

    def change_trip(self):
        index = self.one_of(index for index, line in enumerate(self.lines) if TRIP.search(line))
        self.lines[index] = TRIP.sub(lambda match: self.other(match.group()), self.lines[index])

    def change_operand(self):
        index = self.one_of(index for index in self.commands if OPERAND.search(self.lines[index]))
        match = self.one_of(OPERAND.finditer(self.lines[index]))
        self.lines[index] = (self.lines[index][:match.start(2)] + self.other(match.group(2)) +
                             self.lines[index][match.end(2):])

    def other(self, expression):
        return self.one_of([f"{expression} + 1", f"{expression} - 1", "0", "1", "2", "i0", "i1",
                            "i2", "queries", "keys", "batches", "heads", "group"])

    def wrap(self):
        index = self.one_command()
        trip = self.one_of(["1", "2", "queries", "0"])
        self.lines[index:index + 1] = [f"sprint_isa.loop trip({trip}) {{", self.lines[index], "}"]

    def unwrap(self):
        begin = self.one_of(index for index, line in enumerate(self.lines) if TRIP.search(line))
        indent = re.match(" *", self.lines[begin]).group()
        end = next(index for index in range(begin, len(self.lines))
                   if self.lines[index] == indent + "}")
        del self.lines[end], self.lines[begin]


# Launches ----------------------------------------------------------------------------------------


def with_sizes(rng, case, dynamic):
    """The same attention with other open sizes."""

    def other(name, size):
        if name not in dynamic:
            return np.arange(size)
        return np.arange(int(rng.choice([1, 2, 3, 30]))) % size

    batches, queries, keys = (other("batch", case.query.shape[0]),
                              other("queries", case.query.shape[2]),
                              other("keys", case.key.shape[2]))

    def cut(tensor, *axes):
        """Takes along axes what there is of them."""
        for axis, kept in axes:
            if tensor is not None:
                tensor = np.ascontiguousarray(tensor.take(kept, axis))
        return tensor

    def cut_mask(mask):
        axes = ((0, batches), (2, queries), (3, keys))
        # What is the same for all stays so.
        return mask if mask is None else cut(
            mask, *((axis, kept) for axis, kept in axes if axis == 3 or mask.shape[axis] > 1))

    of_keys = ((0, batches), (2, keys))
    return dataclasses.replace(
        case, query=cut(case.query, (0, batches), (2, queries)), key=cut(case.key, *of_keys),
        value=cut(case.value, *of_keys), key_valid=cut(case.key_valid, (0, batches), (1, keys)),
        mask=cut_mask(case.mask), bias=cut_mask(case.bias))


class Runner:
    """Mutates the programs of groups and compares what the checker and launches say."""

    def __init__(self, seed, report):
        self.seed = seed
        self.report = report
        self.counts = collections.Counter()

    def __call__(self, numbers):
        with harness.temporary_directory() as name:
            first = numbers[0] // PER_GROUP * generated.GROUP
            group = generated.Group(self.seed, range(first, first + generated.GROUP), name)
            stream = group.compile_stream(group.outline(group.cases))
            self.check_sound(group, stream)
            text = harness.run("sprint-translate", "--stream-to-sprint-isa", stream).stdout
            programs = dict(self.split(text))
            mutants = {}
            for number in numbers:
                rng = generated.generator(self.seed, "mutation", number)
                mutants[f"m{number}"] = self.mutate(group, rng, programs, f"m{number}")
            self.judge(group, mutants)

    @staticmethod
    def split(text):
        """Names and lines of programs."""
        for program in re.findall(r"^  sprint_isa\.program .*?^  }$", text,
                                  re.DOTALL | re.MULTILINE):
            yield re.search(r"@(\w+)", program).group(1), program.splitlines()

    def check_sound(self, group, stream):
        done = harness.run("sprint-sim", "--check", stream, f"--arch={group.machine.arch}")
        self.report.check(not done.stderr, f"{group.what}: expected no findings, got {done.stderr}")

    def translate(self, group, programs, name):
        """The stream of programs, or None where they are none."""
        path = group.directory / f"{name}.mlir"
        path.write_text("module {\n" + "\n".join(programs) + "\n}\n")
        stream = group.directory / f"{name}.stream"
        done = harness.run("sprint-translate", "--sprint-isa-to-stream", path, "-o", stream,
                           check=False)
        self.report.check(done.returncode in (0, 1) and not harness.CRASH.search(done.stderr),
                          f"{group.what}, {name}: exit code {done.returncode}, "
                          f"{done.stderr[-600:]}")
        return stream if done.returncode == 0 else None

    def mutate(self, group, rng, programs, name):
        """The case of a program, and the text of a mutation of it that is one, too."""
        while True:
            case = group.cases[int(rng.integers(len(group.cases)))]
            lines = programs[case.name]
            for _ in range(1 + (rng.random() < 0.25)):
                lines = Mutation(rng, lines).apply()
            text = "\n".join(lines).replace(f"@{case.name} ", f"@{name} ", 1)
            if text.splitlines()[1:] != programs[case.name][1:] and self.translate(
                    group, [text], name):
                return case, text
            self.counts["that are no programs"] += 1

    def judge(self, group, mutants):
        stream = self.translate(group, [text for _, text in mutants.values()], "mutants")
        if not stream:
            raise harness.Failure(f"{group.what}: programs that are none together")
        checked = harness.run("sprint-sim", "--check", stream, f"--arch={group.machine.arch}",
                              check=False)
        verdicts = dict.fromkeys(mutants, "accepted")
        for verdict, name in re.findall(r"^sprint-sim: (error|undecided): .*?: program '(\w+)'",
                                        checked.stderr, re.MULTILINE):
            verdicts[name] = "refused" if verdict == "error" else "undecided"
        refused = "refused" in verdicts.values()
        self.report.check(
            checked.returncode == refused and not harness.CRASH.search(checked.stderr),
            f"{group.what}: --check ends with {checked.returncode}, {checked.stderr[-600:]}")
        for name, (case, text) in mutants.items():
            self.counts[verdicts[name]] += 1
            self.launch(group, stream, name, case, verdicts[name])

    def launch(self, group, stream, name, case, verdict):
        rng = generated.generator(self.seed, "launch", name)
        for attempt in range(1 if verdict == "refused" else 3):
            folder = f"{name}-{attempt}"
            launched = dataclasses.replace(
                case, case=with_sizes(rng, case.case, case.dynamic) if attempt else case.case)
            inputs = group.write_inputs(folder, [launched])
            arch = group.machine.arch
            if attempt:
                arch = generated.write_timing(group.directory / f"{folder}.yaml", arch, rng)
            done = harness.run("sprint-sim", stream, f"--entry={name}", f"--arch={arch}", *inputs,
                               check=False)
            what = f"{group.what}, {name} of {case.name}, {verdict}, launch {attempt}"
            self.report.check(done.returncode in (0, 1) and not harness.CRASH.search(done.stderr),
                              f"{what}: exit code {done.returncode}, {done.stderr[-600:]}")
            if verdict == "refused":
                self.report.check(done.returncode == 1, f"{what}: it runs")
            if verdict != "accepted" or done.returncode == 0:
                continue
            self.report.check(
                not ANSWERED.search(done.stderr) and OTHERS.search(done.stderr),
                f"{what}: {done.stderr}")
            self.counts["accepted with faults that are not the checker's"] += 1
            break


def main():
    options = generated.parse_arguments(__doc__, 100)
    report = harness.Report()
    return generated.run_groups(Runner(options.seed, report), options.case_numbers, PER_GROUP,
                                report)


if __name__ == "__main__":
    sys.exit(main())
