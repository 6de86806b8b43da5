#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The two timings of a launch side by side: the closed form, which is what a machine's cycles are,
and the detailed one (sprint-sim --timing), over the examples of the repository and launches that
are generated here, each with a name of its own.

Prints the cycles of both, and by how much the closed form is above or below. Ends with 1 where that
is more than --limit, as a part of one, of any launch that has the limit.
"""

import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import List, Optional, Tuple

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
MODEL = """
func.func @main(%q: TENSOR, %k: TENSOR, %v: TENSOR, %out: TENSOR) -> TENSOR {
  %0 = sprint.attention ins(%q, %k, %v : TENSOR, TENSOR, TENSOR) outs(%out : TENSOR)
       scale(SCALE)BAND -> TENSOR
  return %0 : TENSOR
}
"""


@dataclasses.dataclass(frozen=True)
class Launch:
    """One attention; a generated one has normally distributed queries, keys and values, neighbours
    of which have `alike` of their variance in common, as those of texts have."""
    name: str
    machine: str
    schedule: str
    rate: float  #: of scores that are dropped
    heads: int = 1
    tokens: int = 0
    channels: int = 64
    causal: bool = False
    alike: float = 0.5
    model: Optional[pathlib.Path] = None
    inputs: Tuple[pathlib.Path, ...] = ()


def examples() -> List[Launch]:
    launches = []
    for schedule in ("paper", "resident"):
        for layer in (0, 3, 5):
            launches.append(Launch(
                f"minilm-{layer}-{schedule}", "s", schedule, 0.75, 12, 256, 32,
                model=EXAMPLES / "minilm" / "attention.mlir",
                inputs=tuple(EXAMPLES / "minilm" / f"layer{layer}_{name}.npy" for name in "qkv")))
        launches.append(Launch(f"sdpa-{schedule}", "s", schedule, 0.75, heads=4, tokens=128,
                               model=EXAMPLES / "sdpa.mlir"))
        launches.append(Launch(f"sdpa-dyn-{schedule}", "m", schedule, 0.75, heads=4, tokens=300,
                               model=EXAMPLES / "sdpa_dyn.mlir"))
    return launches


GENERATED = [
    Launch("ant", "s", "paper", 0.75, 2, 64),
    Launch("bee", "s", "paper", 0.75, 2, 384),
    Launch("cat", "s", "paper", 0.75, 1, 1024),
    Launch("dog", "s", "paper", 0.9, 1, 2048),
    Launch("elk", "s", "resident", 0.0, 1, 512),
    Launch("fox", "s", "resident", 0.5, 2, 197),
    Launch("gnu", "s", "paper", 0.95, 2, 1024, 32),
    Launch("hen", "s", "paper", 0.5, 2, 256, 32),
    Launch("ibis", "s", "resident", 0.75, 2, 768, 80),
    Launch("jay", "s", "paper", 0.6, 1, 512, 128),
    Launch("kite", "m", "paper", 0.75, 2, 384),
    Launch("lynx", "m", "paper", 0.75, 1, 1024, causal=True),
    Launch("mole", "m", "resident", 0.0, 2, 300, causal=True),
    Launch("newt", "m", "resident", 0.9, 1, 2048, 32),
    Launch("owl", "m", "paper", 0.85, 2, 512, 80, causal=True),
    Launch("pika", "l", "paper", 0.75, 2, 384),
    Launch("quail", "l", "paper", 0.9, 1, 2048, alike=0.9),
    Launch("rat", "l", "resident", 0.3, 1, 1024, 128),
    Launch("seal", "l", "paper", 0.0, 2, 100, 32, causal=True),
    Launch("toad", "l", "resident", 0.95, 2, 640, 80, alike=0.0),
]


def tensors(launch: Launch, seed: int) -> List[np.ndarray]:
    """Query, key and value, each a walk that keeps a part of where it was."""
    random = np.random.default_rng(seed)
    kept = np.sqrt(launch.alike)
    result = []
    for _ in range(3):
        steps = random.standard_normal((1, launch.heads, launch.tokens, launch.channels))
        for token in range(1, launch.tokens):
            steps[:, :, token] = (kept * steps[:, :, token - 1] +
                                  np.sqrt(1 - launch.alike) * steps[:, :, token])
        result.append(steps.astype(np.float32))
    return result


class Runner:

    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path) -> None:
        self.binaries, self.folder = binaries, folder

    def model(self, launch: Launch) -> pathlib.Path:
        if launch.model:
            return launch.model
        tensor = f"tensor<1x{launch.heads}x{launch.tokens}x{launch.channels}xf32>"
        path = self.folder / f"{launch.name}.mlir"
        path.write_text(MODEL.replace("TENSOR", tensor)
                        .replace("SCALE", str(launch.channels**-0.5))
                        .replace("BAND", " band(<upper = 0>)" if launch.causal else ""))
        return path

    def stream(self, launch: Launch) -> pathlib.Path:
        lowered = self.folder / f"{launch.name}.lowered.mlir"
        stream = self.folder / f"{launch.name}.stream"
        subprocess.run([self.binaries / "sprint-opt",
                        f"--sprint-compile=arch={launch.machine} schedule={launch.schedule}",
                        self.model(launch), "-o", lowered], check=True)
        subprocess.run([self.binaries / "sprint-translate", "--sprint-isa-to-stream", lowered, "-o",
                        stream], check=True)
        return stream

    def inputs(self, launch: Launch) -> List[pathlib.Path]:
        if launch.inputs:
            return list(launch.inputs)
        seed = sum(ord(letter) * 31**index for index, letter in enumerate(launch.name))
        paths = []
        for name, tensor in zip("qkv", tensors(launch, seed)):
            paths.append(self.folder / f"{launch.name}_{name}.npy")
            np.save(paths[-1], tensor)
        return paths

    def cycles(self, launch: Launch) -> Tuple[float, float]:
        """Of the closed form and of the detailed timing."""
        stream, inputs = self.stream(launch), self.inputs(launch)
        report = self.folder / "statistics.json"
        both = []
        for timing in ("closed-form", "detailed"):
            subprocess.run([self.binaries / "sprint-sim", stream, f"--timing={timing}",
                            f"--prune-rate={launch.rate}", f"--stats={report}",
                            *(f"--input={path}" for path in inputs)], check=True,
                           stdout=subprocess.DEVNULL)
            both.append(json.loads(report.read_text())["cycles"])
        return both[0], both[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin",
                        help="folder of the tools")
    parser.add_argument("--only", nargs="*", help="names of the launches to run")
    parser.add_argument("--limit", type=float)
    arguments = parser.parse_args()
    launches = [launch for launch in examples() + GENERATED
                if not arguments.only or launch.name in arguments.only]
    print("| launch | machine | schedule | heads x tokens x channels | pruned | closed form "
          "| detailed | difference |\n| --- | --- | --- | --- | --- | ---: | ---: | ---: |")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(arguments.bin, pathlib.Path(folder))
        for launch in launches:
            closed, detailed = runner.cycles(launch)
            difference = closed / detailed - 1
            worst = max(worst, abs(difference))
            shape = f"{launch.heads} x {launch.tokens} x {launch.channels}"
            causal = ", causal" if launch.causal else ""
            print(f"| {launch.name} | {launch.machine} | {launch.schedule} | {shape}{causal} | "
                  f"{launch.rate:.2f} | {closed:,.0f} | {detailed:,.0f} | {difference:+.1%} |",
                  flush=True)
    print(f"\nworst: {worst:.1%}")
    return int(arguments.limit is not None and worst > arguments.limit)


if __name__ == "__main__":
    sys.exit(main())
