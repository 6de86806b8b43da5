# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The comparisons and the table of the coverage of the zoo; needs no PyTorch."""

import math
import pathlib
import sys
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from sprint.zoo import coverage, running, table  # noqa: E402


def outcome(attention="sdpa", form="static", dynamic=False, attentions=2, **fields):
    info = {"name": "bert", "family": "bert", "attention": attention, "form": form,
            "dynamic": dynamic, "attentions": attentions}
    if "export_error" in fields:
        info["error"] = fields.pop("export_error")
    return running.Outcome(info, **fields)


class RelativeError(unittest.TestCase):

    def test_is_the_norm_of_the_difference(self):
        self.assertAlmostEqual(running.relative_error(np.array([3.0, 4.5]), np.array([3.0, 4.0])),
                               0.1)

    def test_equal_infinities_and_missing_numbers_agree(self):
        values = np.array([1.0, -np.inf, np.nan])
        self.assertEqual(running.relative_error(values, values), 0.0)

    def test_a_missing_number_is_infinitely_wrong(self):
        self.assertEqual(running.relative_error(np.array([np.nan]), np.array([1.0])), math.inf)
        self.assertEqual(running.relative_error(np.array([1.0]), np.array([np.nan])), math.inf)

    def test_other_shapes_are_infinitely_wrong(self):
        self.assertEqual(running.relative_error(np.zeros((1, 2)), np.zeros(2)), math.inf)


class Totals(unittest.TestCase):

    def test_sums_leave_out_what_was_not_exported(self):
        sums = table.totals([outcome(raised=2, launched=1, error=0.01),
                             outcome(export_error="no")])
        self.assertEqual((sums.models, sums.attentions, sums.raised, sums.launched, sums.wrong),
                         (1, 2, 2, 1, 0))

    def test_a_wrong_model_has_nothing_raised(self):
        sums = table.totals([outcome(raised=2, launched=2, error=0.03), outcome(raised=2)])
        self.assertEqual((sums.attentions, sums.raised, sums.launched, sums.wrong, sums.failed),
                         (4, 0, 0, 1, 1))


class Table(unittest.TestCase):

    def test_forms_of_one_family_share_a_row(self):
        text = table.markdown([
            outcome(raised=2, launched=2, error=0.001),
            outcome(form="static, right padding", raised=2, launched=1, error=0.0125,
                    reasons=["a | b"]),
            outcome(form="dynamic", dynamic=True, export_error="no", reasons=["no"])])
        rows = [line for line in text.splitlines() if line.startswith("| bert")]
        self.assertEqual(rows, ["| bert | sdpa | 2 of 2 | 1 of 2, 2 raised | not exported | "
                                "1.25 % | a \\| b; no |"])
        self.assertIn("2 models with 4 attentions: 100.0 % raised, 75.0 % launched", text)

    def test_a_wrong_value_is_no_attention_on_the_device(self):
        text = table.markdown([outcome(raised=2, launched=2, error=0.05)])
        self.assertIn("| bert | sdpa | wrong |  |  | 5.00 % |  |", text)

    def test_the_table_of_a_page_is_replaced(self):
        page = f"before\n{coverage.BEGIN}old\n{coverage.END}after\n"
        self.assertEqual(coverage.replace_table(page, "new\n"),
                         f"before\n{coverage.BEGIN}new\n{coverage.END}after\n")

    def test_a_page_without_a_place_is_refused(self):
        self.assertIsNone(coverage.replace_table("before\n", "new\n"))


if __name__ == "__main__":
    unittest.main()
