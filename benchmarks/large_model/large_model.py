#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A decoder of TinyLlama's sizes, 1.1 G parameters, through the exporter and sprint-run with every
key kept: time and peak memory of both, and how far the result is from PyTorch's.

Weights are random, as the training of TinyLlama starts: linear layers and embeddings with a variance
of 2/5 divided by the number of their inputs, the last ones of the feed-forward parts smaller by the
number of layers (`_init_weights` of lit_gpt/model.py in github.com/jzhang38/TinyLlama).

Needs the Python of scripts/export-venv, 10 GB in the folder of temporary files, and as much memory.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: Says to the process that exports which sizes its model has.
SIZES = "SPRINT_LARGE_MODEL_SIZES"


@dataclasses.dataclass
class Sizes:
    """Of a decoder; the defaults are TinyLlama's."""

    layers: int = 22
    hidden: int = 2048
    intermediate: int = 5632
    heads: int = 32
    key_heads: int = 4
    vocabulary: int = 32000

    def parameters(self) -> int:
        head_dim = self.hidden // self.heads
        attention = 2 * self.hidden * (self.heads + self.key_heads) * head_dim
        layer = attention + 3 * self.hidden * self.intermediate + 2 * self.hidden
        return 2 * self.vocabulary * self.hidden + self.layers * layer + self.hidden


@dataclasses.dataclass
class Step:
    """What a process took."""

    seconds: float
    #: Bytes of its largest resident set, or that of a process which it started.
    peak: int
    output: str


def model():
    """What sprint.export calls: the decoder, of the sizes in the environment."""
    import torch
    import transformers
    from transformers.initialization import no_init_weights

    sizes = Sizes(*map(int, os.environ[SIZES].split(",")))
    # The weights are drawn once, below.
    with no_init_weights():
        decoder = transformers.LlamaForCausalLM(transformers.LlamaConfig(
            num_hidden_layers=sizes.layers, hidden_size=sizes.hidden,
            intermediate_size=sizes.intermediate, num_attention_heads=sizes.heads,
            num_key_value_heads=sizes.key_heads, vocab_size=sizes.vocabulary,
            max_position_embeddings=2048, rms_norm_eps=1e-5))
    generator = torch.Generator().manual_seed(0)
    for name, parameter in decoder.named_parameters():
        if parameter.ndim == 1:
            parameter.data.fill_(1)
            continue
        deviation = (2 / 5 / parameter.shape[1]) ** 0.5
        if name.endswith("down_proj.weight"):
            deviation = parameter.shape[1] ** -0.5 / sizes.layers
        parameter.data.normal_(std=deviation, generator=generator)
    return decoder


def run(command, sizes: Sizes) -> Step:
    """Runs a process, which must succeed."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'python'}:{pathlib.Path(__file__).parent}",
                   SIZES: ",".join(map(str, dataclasses.astuple(sizes)))}
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(part) for part in command], env=environment, stdout=output,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {text[-2000:]}")
    return Step(time.perf_counter() - begin, usage.ru_maxrss * 1024, text)


def export(sizes: Sizes, length: int, folder: pathlib.Path) -> Step:
    """Writes `model.mlirbc` and, in `inputs`, an input and PyTorch's result."""
    return run([sys.executable, "-m", "sprint.export", "large_model:model", f"--length={length}",
                "--padding=none", "-o", folder / "model.mlirbc", "--inputs-dir", folder / "inputs"],
               sizes)


def execute(sizes: Sizes, folder: pathlib.Path) -> Step:
    """Runs what `export` wrote, with every key kept."""
    tool = os.environ.get("SPRINT_RUN", ROOT / "build" / "bin" / "sprint-run")
    return run([tool, folder / "model.mlirbc", f"--input={folder / 'inputs' / '0.npy'}",
                f"--reference={folder / 'inputs' / 'reference0.npy'}", "--threshold=-inf"], sizes)


def error(step: Step) -> float:
    """The relative error that sprint-run printed."""
    return float(re.search(r"relative error ([\d.]+) %", step.output)[1]) / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=Sizes.layers, help="fewer than TinyLlama's 22")
    parser.add_argument("--length", type=int, default=128, help="tokens (default 128)")
    options = parser.parse_args()
    sizes = Sizes(layers=options.layers)
    print(f"{sizes.parameters() / 1e9:.2f} G parameters, {options.length} tokens")
    with tempfile.TemporaryDirectory(prefix="sprint-large-model-") as name:
        folder = pathlib.Path(name)
        steps = {"export": export(sizes, options.length, folder)}
        size = (folder / "model.mlirbc").stat().st_size
        print(f"model.mlirbc: {size / 1e9:.2f} GB, {size / sizes.parameters():.2f} bytes a parameter")
        steps["run"] = execute(sizes, folder)
    for what, step in steps.items():
        print(f"{what}: {step.seconds:.0f} s, {step.peak / 1e9:.2f} GB at the peak, "
              f"{step.peak / sizes.parameters():.2f} bytes a parameter")
    print(f"error of the result: {100 * error(steps['run']):.2f} %")


if __name__ == "__main__":
    main()
