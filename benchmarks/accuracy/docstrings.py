# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pairs of docstring summary and docstring body, from the sources of Python's standard library.

A docstring whose first paragraph is one line and that goes on after a blank line describes the same
thing twice: shortly, and at length. Finding the body that belongs to a summary is a retrieval task
with one right answer, on text that every machine with Python has.
"""

import ast
import inspect
import pathlib
import re
import sysconfig
from collections.abc import Iterator
from typing import NamedTuple

_MIN_SUMMARY_WORDS = 4
_MIN_BODY_WORDS = 12
_SKIPPED_FOLDERS = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3",
                    "turtledemo", "__pycache__"}


class Pair(NamedTuple):
    """A summary, the body that belongs to it, and `module:qualified name` of what they document."""

    name: str
    summary: str
    body: str


def _split(docstring: str) -> tuple[str, str] | None:
    """Summary and body as running text; None where the docstring is not of that form."""
    summary, _, body = inspect.cleandoc(docstring).partition("\n\n")
    summary, body = (re.sub(r"\s+", " ", text).strip() for text in (summary, body))
    if len(summary.split()) < _MIN_SUMMARY_WORDS or len(body.split()) < _MIN_BODY_WORDS:
        return None
    return summary, body


def _documented(tree: ast.AST, prefix: str) -> Iterator[tuple[str, str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            name = f"{prefix}{node.name}"
            if docstring := ast.get_docstring(node, clean=False):
                yield name, docstring
            yield from _documented(node, name + ".")


def read_pairs(library: pathlib.Path | None = None) -> list[Pair]:
    """All pairs of the library (default: this interpreter's), in the order of their names; each
    summary and each body once, so that every summary has one right answer."""
    library = library or pathlib.Path(sysconfig.get_path("stdlib"))
    pairs, seen = [], set()
    for path in sorted(library.rglob("*.py")):
        relative = path.relative_to(library)
        if _SKIPPED_FOLDERS & set(relative.parts):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        documented = list(_documented(tree, f"{relative.with_suffix('')}:"))
        if docstring := ast.get_docstring(tree, clean=False):
            documented.insert(0, (str(relative.with_suffix("")), docstring))
        for name, docstring in documented:
            split = _split(docstring)
            if split is None or seen & set(split):
                continue
            seen |= set(split)
            pairs.append(Pair(name, *split))
    return pairs
