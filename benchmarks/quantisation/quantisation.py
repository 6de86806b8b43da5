#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the choice of nibble and of steps does to real tensors: layers 0, 3 and 5 of MiniLM
(examples/minilm).

Prints a Markdown table. Errors are of the output against the dense float output (Frobenius, in %);
mass is the part of the float softmax that lies on the kept keys, averaged over queries. Thresholds
are calibrated for each head so that the rate of allowed scores is dropped. The integer softmax is
left out: it adds less than 0.02 %.
"""

import argparse
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from sprint import reference  # noqa: E402
from sprint.reference import Widths  # noqa: E402

SCALE = 32.0**-0.5
RATES = (0.5, 0.75)


def quantize(tensor, widths, granularity):
    """Codes `[S, D]` as f64 and their steps `[S, 1]`, of one head's `[S, D]`."""
    # A token alone in its head gets a step of its own.
    shaped = tensor[None, None] if granularity == "head" else tensor[None, :, None]
    codes = reference.quantize(shaped, widths)
    steps = np.broadcast_to(codes.steps.reshape(-1, 1), (len(tensor), 1))
    return codes.codes.reshape(tensor.shape), steps.astype(np.float64)


def softmax(logits, kept=None):
    logits = logits if kept is None else np.where(kept, logits, -np.inf)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def calibrate(scores, rate):
    """The threshold whose dropped fraction of `scores` comes nearest to `rate`."""
    values, counts = np.unique(scores, return_counts=True)
    dropped = np.concatenate([[0], np.cumsum(counts)[:-1]]) / scores.size
    return values[np.abs(dropped - rate).argmin()]


def approximate_mask(q, k, q_steps, k_step, widths, rate):
    """Keys kept by thresholding the product of high nibbles, in units of the logit."""
    approximate = (reference.high_nibble(q, widths).astype(np.int64)
                   @ reference.high_nibble(k, widths).T.astype(np.int64))
    unit = 256 * SCALE * q_steps * k_step
    theta = calibrate(approximate * unit, rate)
    # Keep a hair below the calibrated value, which is itself a product of these factors.
    threshold = np.ceil(theta / unit[:, 0] - 1e-9).astype(np.int64)
    return reference.prune(approximate, np.ones(approximate.shape, bool), threshold)[0]


def measure(layer, nibble, q_steps, v_steps):
    """Row of figures: error with everything kept, then error, mass and pruned fraction for each
    rate.

    `nibble` "exact" prunes by the exact float logits instead: the best a threshold for each head
    can do.
    """
    q, k, v, o = layer
    widths = Widths() if nibble != "truncated" else Widths.paper()
    rows = []
    for h in range(q.shape[1]):
        q_codes, q_step = quantize(q[0, h], widths, q_steps)
        k_codes, k_step = quantize(k[0, h], widths, "head")
        v_codes, v_step = quantize(v[0, h], widths, v_steps)
        values = v_codes * v_step
        logits = (q_codes.astype(np.float64) @ k_codes.T) * (SCALE * q_step * k_step[0, 0])
        exact = SCALE * (q[0, h].astype(np.float64) @ k[0, h].T)
        results = [(softmax(logits) @ values, 1.0, 0.0)]
        for rate in RATES:
            if nibble == "exact":
                kept = exact >= np.minimum(calibrate(exact, rate),
                                           exact.max(axis=1, keepdims=True))
            else:
                kept = approximate_mask(q_codes, k_codes, q_step, k_step[0, 0], widths, rate)
            mass = (softmax(exact) * kept).sum(axis=1).mean()
            results.append((softmax(logits, kept) @ values, mass, 1 - kept.mean()))
        rows.append(results)
    figures = []
    for n in range(1 + len(RATES)):
        output = np.stack([row[n][0] for row in rows])[None]
        figures.append(100 * reference.relative_error(output, o))
        if n:
            figures.append(100 * np.mean([row[n][1] for row in rows]))
            figures.append(100 * np.mean([row[n][2] for row in rows]))
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--per-layer", action="store_true",
                        help="a row for each layer, not the mean")
    options = parser.parse_args()
    layers = {n: [np.load(ROOT / "examples" / "minilm" / f"layer{n}_{name}.npy")
                  for name in "qkvo"] for n in (0, 3, 5)}

    print("| layer | nibble | q steps | v steps | error % |"
          + "".join(f" error % at {r:g} | mass % | pruned % |" for r in RATES))
    print("|" + " --- |" * (5 + 3 * len(RATES)))
    variants = [(nibble, q_steps, v_steps) for nibble in ("centred", "truncated")
                for q_steps in ("head", "token") for v_steps in ("head", "token")]
    for variant in variants + [("exact", "head", "head")]:
        figures = {n: measure(layer, *variant) for n, layer in layers.items()}
        if not options.per_layer:
            figures = {"mean": np.mean(list(figures.values()), axis=0)}
        for name, row in figures.items():
            print(f"| {name} | " + " | ".join(variant) + " | "
                  + " | ".join(f"{x:.2f}" for x in row) + " |")


if __name__ == "__main__":
    main()
