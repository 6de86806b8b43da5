# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs models of the zoo through sprint-run and compares the results with those of their producers.
"""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import re
import subprocess
import tempfile
from typing import Any, Dict, List, Optional

import numpy as np

#: The relative error (Frobenius) that results may have with every key kept.
ERROR_BOUND = 0.02
#: Stands for the norm of results that are all zero.
SMALLEST_NORM = 1e-30
#: Seconds that one tool may take for one model.
TIMEOUT = 300


@dataclasses.dataclass
class Outcome:
    """What became of one model."""

    info: Dict[str, Any]
    #: Attentions that became sprint.attention, and those of them that ran on the device.
    raised: int = 0
    launched: int = 0
    #: The largest relative error of a result.
    error: Optional[float] = None
    #: Why it was not exported, did not run, or what stayed on the host.
    reasons: List[str] = dataclasses.field(default_factory=list)

    @property
    def exported(self) -> bool:
        return "error" not in self.info

    @property
    def attentions(self) -> int:
        return self.info["attentions"]

    @property
    def failed(self) -> bool:
        """Whether it did not run."""
        return self.exported and self.error is None

    @property
    def wrong(self) -> bool:
        """Whether it computed something else than its producer."""
        return self.exported and self.error is not None and not self.error <= ERROR_BOUND


class ToolFailure(Exception):
    """A tool did not end with exit code 0; the message is its own."""


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """The Frobenius norm of the difference by that of what is expected; infinite where shapes
    differ or a number is missing.
    """
    if actual.shape != expected.shape:
        return math.inf
    actual, expected = actual.astype(np.float64), expected.astype(np.float64)
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, actual - expected)
    scale = np.linalg.norm(expected[np.isfinite(expected)])
    error = float(np.linalg.norm(difference) / max(scale, SMALLEST_NORM))
    return error if math.isfinite(error) else math.inf


def _run_tool(*command: Any) -> str:
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise ToolFailure(f"did not end within {TIMEOUT} s") from None
    if done.returncode:
        text = done.stderr.decode("utf-8", "replace")
        errors = re.findall(r"error: (.*)", text)
        raise ToolFailure(errors[0] if errors else f"exit code {done.returncode}")
    return done.stdout.decode("utf-8", "replace")


def _numbered(folder: pathlib.Path, prefix: str) -> List[pathlib.Path]:
    """`PREFIX0.npy`, `PREFIX1.npy`, and so on as far as they go."""
    files: List[pathlib.Path] = []
    while (file := folder / f"{prefix}{len(files)}.npy").exists():
        files.append(file)
    return files


def _count_raised(tools: pathlib.Path, model: pathlib.Path) -> int:
    text = _run_tool(tools / "sprint-opt", "--convert-linalg-to-sprint",
                     "--mlir-elide-resource-strings-if-larger=1",
                     "--mlir-elide-elementsattrs-if-larger=16", model)
    return len(re.findall(r"= sprint\.attention\b", text))


def run_model(folder: pathlib.Path, tools: pathlib.Path) -> Outcome:
    """Runs the model of a folder of the zoo with every key kept, by the tools in `tools`."""
    outcome = Outcome(json.loads((folder / "info.json").read_text()))
    if not outcome.exported:
        outcome.reasons.append(outcome.info["error"])
        return outcome
    model = folder / "model.mlir"
    with tempfile.TemporaryDirectory(prefix="sprint-zoo-") as temporary:
        output = pathlib.Path(temporary)
        try:
            outcome.raised = _count_raised(tools, model)
            _run_tool(tools / "sprint-run", model,
                      *[f"--input={file}" for file in _numbered(folder, "")],
                      "--threshold=-inf", f"--output-dir={output}",
                      f"--stats={output / 'stats.json'}")
            statistics = json.loads((output / "stats.json").read_text())
            # In a loop, one of them is launched several times.
            outcome.launched = len({launch["program"] for launch in statistics["attentions"]})
            outcome.reasons += [entry["reason"] for entry in statistics.get("host", [])]
            expected = [np.load(file) for file in _numbered(folder, "reference")]
            actual = [np.load(file) for file in _numbered(output, "")]
            outcome.error = max(map(relative_error, actual, expected), default=math.inf) \
                if len(actual) == len(expected) else math.inf
        except ToolFailure as failure:
            outcome.reasons.append(str(failure).replace(f"{folder}/", ""))
    return outcome
