# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Coverage as a table of Markdown."""

from __future__ import annotations

import dataclasses
from typing import Dict, List, Sequence, Tuple

from .running import Outcome

COLUMNS = ("family", "attention", "static", "padded", "dynamic", "largest error", "what stayed on "
           "the host, and why")


@dataclasses.dataclass
class Totals:
    """Sums over all models that were exported."""

    models: int = 0
    attentions: int = 0
    raised: int = 0
    launched: int = 0
    wrong: int = 0
    failed: int = 0

    @property
    def raised_part(self) -> float:
        return self.raised / self.attentions if self.attentions else 0.0

    @property
    def launched_part(self) -> float:
        return self.launched / self.attentions if self.attentions else 0.0


def totals(outcomes: Sequence[Outcome]) -> Totals:
    """The sums. A model that is no right value has nothing raised or launched."""
    result = Totals()
    for outcome in outcomes:
        if not outcome.exported:
            continue
        result.models += 1
        result.attentions += outcome.attentions
        result.wrong += outcome.wrong
        result.failed += outcome.failed
        if not outcome.wrong and not outcome.failed:
            result.raised += min(outcome.raised, outcome.attentions)
            result.launched += min(outcome.launched, outcome.attentions)
    return result


def _column(outcome: Outcome) -> str:
    if outcome.info["dynamic"]:
        return "dynamic"
    return "padded" if "padding" in outcome.info["form"] else "static"


def _cell(outcome: Outcome) -> str:
    """`2 of 2` where every attention ran on the device."""
    if not outcome.exported:
        return "not exported"
    if outcome.failed:
        return "failed"
    if outcome.wrong:
        return "wrong"
    if outcome.raised == outcome.launched:
        return f"{outcome.launched} of {outcome.attentions}"
    return f"{outcome.launched} of {outcome.attentions}, {outcome.raised} raised"


def _error(outcomes: Sequence[Outcome]) -> str:
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    return f"{100 * max(errors):.2f} %" if errors else ""


def _row(names: Tuple[str, str], outcomes: Sequence[Outcome]) -> str:
    cells: Dict[str, str] = {_column(outcome): _cell(outcome) for outcome in outcomes}
    reasons = dict.fromkeys(reason for outcome in outcomes for reason in outcome.reasons)
    fields = [*names, *(cells.get(column, "") for column in COLUMNS[2:5]), _error(outcomes),
              "; ".join(reasons).replace("|", "\\|")]
    return "| " + " | ".join(fields) + " |"


def markdown(outcomes: Sequence[Outcome]) -> str:
    """One row for each family and attention, and the sums below."""
    rows: Dict[Tuple[str, str], List[Outcome]] = {}
    for outcome in outcomes:
        rows.setdefault((outcome.info["family"], outcome.info["attention"]), []).append(outcome)
    sums = totals(outcomes)
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += [_row(names, group) for names, group in rows.items()]
    lines += ["", f"{sums.models} models with {sums.attentions} attentions: "
              f"{100 * sums.raised_part:.1f} % raised, {100 * sums.launched_part:.1f} % launched "
              f"on the device; wrong results: {sums.wrong}, models that did not run: "
              f"{sums.failed}."]
    return "\n".join(lines) + "\n"
