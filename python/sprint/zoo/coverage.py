# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`python -m sprint.zoo.coverage`: runs the zoo and writes the table of what is covered."""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import pathlib
import sys
from typing import List, Optional

from .running import Outcome, run_model
from .table import markdown, totals

#: Between these the page holds the table.
BEGIN = "<!-- coverage: begin, written by scripts/coverage -->\n"
END = "<!-- coverage: end -->\n"
#: The parts of all attentions that are to be raised and launched.
RAISED_BOUND = 0.95
LAUNCHED_BOUND = 0.90


def replace_table(page: str, table: str) -> Optional[str]:
    """The page with another table; nothing where it has no place for one."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return before + begin + table + end + after if begin and end else None


def _progress(outcome: Outcome) -> None:
    error = "" if outcome.error is None else f", error {100 * outcome.error:.2f} %"
    reasons = "".join(f"\n  {reason}" for reason in dict.fromkeys(outcome.reasons))
    print(f"{outcome.info['name']}: {outcome.attentions} attentions, {outcome.raised} raised, "
          f"{outcome.launched} launched{error}{reasons}", flush=True)


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs every model of a folder; returns 1 where a result is wrong or too little is covered."""
    parser = argparse.ArgumentParser(prog="python -m sprint.zoo.coverage", description=__doc__)
    parser.add_argument("zoo", type=pathlib.Path, help="the folder that sprint.zoo wrote")
    parser.add_argument("--tools", type=pathlib.Path, required=True, metavar="DIR",
                        help="the folder of sprint-run and sprint-opt")
    parser.add_argument("--page", type=pathlib.Path, metavar="FILE",
                        help="the page whose table is replaced")
    parser.add_argument("--only", default="*", metavar="PATTERN",
                        help="the models whose names match this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                        help="models that run at a time")
    options = parser.parse_args(arguments)
    folders = sorted(file.parent for file in options.zoo.glob(f"{options.only}/info.json"))
    page = options.page.read_text() if options.page else BEGIN + END
    if not folders or replace_table(page, "") is None:
        missing = f"{options.page}: has no place for the table" if folders else \
            f"{options.zoo}: has no model that matches '{options.only}'"
        print(f"error: {missing}", file=sys.stderr)
        return 1

    outcomes: List[Outcome] = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(lambda folder: run_model(folder, options.tools), folders):
            _progress(outcome)
            outcomes.append(outcome)
    table = markdown(outcomes)
    print(table)
    if options.page:
        # Read again, as it may have been edited while the models ran.
        page = replace_table(options.page.read_text(), table)
        if page is None:
            print(f"error: {options.page}: has no place for the table any more", file=sys.stderr)
            return 1
        options.page.write_text(page)
    sums = totals(outcomes)
    return int(sums.wrong > 0 or sums.raised_part < RAISED_BOUND or
               sums.launched_part < LAUNCHED_BOUND)


if __name__ == "__main__":
    sys.exit(main())
