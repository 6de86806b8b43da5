# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The model of time against a launch that is counted by hand, and its parser and buffers alone."""

import pathlib
import sys
import unittest
from fractions import Fraction

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from sprint import timing  # noqa: E402

PROGRAM = """
module {
  sprint_isa.program @"one row" parameters(batches = 1, queries = ?, keys = ?) {
    sprint_isa.counting_queue @select_ready credits(0)
    sprint_isa.counting_queue @fetch_ready credits(0)
    sprint_isa.counting_queue @query_ready credits(0)
    sprint_isa.index_queue @key_list depth(1)
    sprint_isa.index_queue @val_list depth(1)
    sprint_isa.index_queue @keys depth(1)
    sprint_isa.index_queue @values depth(1)
    sprint_isa.index_queue @scores depth(1)
    sprint_isa.index_queue @weights depth(1)
    sprint_isa.unit write {
      sprint_isa.write region(key) batch(0) head(0)
      sprint_isa.write region(value) batch(0) head(0)
      sprint_isa.write region(query) batch(0) head(0)
      sprint_isa.release queue(@select_ready)
      sprint_isa.release queue(@fetch_ready)
    }
    sprint_isa.unit select {
      sprint_isa.acquire queue(@select_ready)
      sprint_isa.loop trip(queries) {
        sprint_isa.copy_query batch(0) head(0) query(i0)
        sprint_isa.threshold batch(0) head(0) first(0) last(min(i0 + 1, keys))
        sprint_isa.read_pruning keys_to(@key_list) values_to(@val_list)
      }
    }
    sprint_isa.unit key_fetch {
      sprint_isa.acquire queue(@fetch_ready)
      sprint_isa.load_query batch(0) head(0) query(0)
      sprint_isa.release queue(@query_ready)
      sprint_isa.fetch region(key) residency(pinned) from(@key_list) to(@keys) batch(0) head(0)
    }
    sprint_isa.unit value_fetch {
      sprint_isa.fetch region(value) residency(pinned) from(@val_list) to(@values) batch(0) head(0)
    }
    sprint_isa.unit qk {
      sprint_isa.acquire queue(@query_ready)
      sprint_isa.score from(@keys) to(@scores) batch(0) head(0) query(0)
    }
    sprint_isa.unit softmax {
      sprint_isa.softmax from(@scores) to(@weights) batch(0) head(0)
    }
    sprint_isa.unit v {
      sprint_isa.accumulate weights(@weights) values(@values) batch(0) head(0)
      sprint_isa.store_output batch(0) head(0) query(0)
    }
  }
}
"""
SIZES = {"heads": 1, "head_dim": 64, "value_dim": 64, "group": 1}


class ByHand(unittest.TestCase):
    """One query and one key of 64 channels on machine s: a memory cycle is 2.5 cycles, the bus
    moves 25.6 bytes a cycle, so a token takes 2.5, and 10 on its channel; a read takes 40 until its
    first data. All are in bank 0, which each occupies for 27.5 + 10.
    """

    def setUp(self):
        program, = timing.parse_programs(PROGRAM)
        kept = np.ones((1, 1, 1), bool)
        self.given = timing.run(program, timing.load_machine("s"),
                                timing.Launch(kept, np.array([[2]]), SIZES))

    def test_cycles(self):
        # A write takes 10, its token and a pulse of 10, in whole cycles 23. Behind three of them
        # come 15 for the query, 24 for three thresholdings and 15 and a bit's time, whole, for the
        # pruning vector: 124. The query has been read meanwhile, from 69 on, and left the bank at
        # 106.5. The key has come at 174; its score is there after 9 more, 183, and its weight can
        # be taken after 8, 191. The value waits for the bank until 161.5 and is there at 211.5. It
        # is summed in a cycle and the latency: 220.5. Its row is divided from 212.5 on and ends at
        # 221.5.
        self.assertEqual(self.given.cycles, Fraction("221.5"))
        self.assertEqual(self.given.cycles_resident, Fraction("221.5") - 3 * 23)

    def test_utilization(self):
        work = {name: part * self.given.cycles for name, part in self.given.utilization.items()}
        self.assertEqual(work, {
            # Six tokens and a bit.
            "bus": 6 * Fraction("2.5") + Fraction(1, 8) / Fraction("25.6"), "write": 3 * 23,
            "select": 15 + 24 + 16, "key_fetch": 3 + 3, "value_fetch": 3, "qk": 1, "softmax": 1,
            "v": 1 + 1})

    def test_counts(self):
        self.assertEqual((self.given.written_bytes, self.given.fetched_bytes), (192, 128))
        machine = timing.load_machine("s")
        self.assertEqual(self.given.energy_pj["reram_write"],
                         192 * 8 * machine.energy["reram_write"])
        self.assertEqual(self.given.energy_pj["reram_read"],
                         (192 * 8 + 1) * machine.energy["reram_read"])
        self.assertEqual(self.given.energy_pj["in_memory"], 3 * 64 * machine.energy["in_memory"])


class Parts(unittest.TestCase):

    def test_expressions(self):
        parameters = {"keys": 10, "queries": 7}
        for text, expected in (("i1 * 2 + i0", 43), ("max(0, i0 + keys - queries - 10)", 0),
                               ("-i0 + 1", -2), ("keys - 3 * queries", -11), ("keys ceildiv 3", 4),
                               ("(keys + 1) floordiv 3", 3), ("(i0 - keys) mod 4", 1),
                               ("min(i0, keys, -5)", -5), ("keys -2", 8)):
            self.assertEqual(timing.parse_expr(text)([3, 20], parameters), expected, text)
        for text in ("keys +", "unknown", "(keys", "keys)", "keys $ 2"):
            with self.assertRaises(ValueError, msg=text):
                timing.parse_expr(text)

    def test_buffers(self):
        def fetch(buffer, tokens, head=0):
            done = buffer.fetch(np.array(tokens), (0, head))
            return (done.there.tolist(), done.stay.tolist(), done.leave.tolist(),
                    done.waits_for_room)

        # Two tokens on each of two CORELETs.
        buffer = timing.TokenBuffer(2, 2, 10, "previous_query")
        self.assertEqual(fetch(buffer, [0, 2, 4, 5]), ([], [0, 2, 5], [4], False))
        self.assertEqual(fetch(buffer, [1, 2, 4, 6]), ([2], [1, 4], [6], True))
        self.assertEqual(fetch(buffer, [7, 9]), ([], [7, 9], [], True))
        self.assertEqual(fetch(buffer, [7, 9], head=1), ([], [7, 9], [], True))
        buffer = timing.TokenBuffer(2, 2, 10, "pinned")
        self.assertEqual(fetch(buffer, [0]), ([], [0], [], False))
        self.assertEqual(fetch(buffer, [0, 2, 4, 5]), ([0], [2, 5], [4], False))
        self.assertEqual(fetch(buffer, [2, 4, 6, 9]), ([2], [9], [4, 6], False))


if __name__ == "__main__":
    unittest.main()
