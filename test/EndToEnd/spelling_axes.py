# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The axes along which spellings of an attention differ, and which of their values go together."""

#: The values of each axis; the first is what a case has that does not ask for another one.
AXES = {
    "type": ("f32", "f16", "bf16", "f16-softmax-f32", "bf16-softmax-f32"),
    "sizes": ("cross", "square", "even"),
    "layout": ("bhsd", "hsd", "sd", "bshd", "bshd-maps", "packed", "merged", "one-d", "units",
               "no-queries", "vector"),
    "rank": ("4", "3"),
    "scores": ("transpose", "maps", "generic", "generic-dk", "product-sum", "contract", "swapped",
               "scaled-in-body"),
    "keys": ("one", "two-flattened", "two"),
    "scale": ("mulf", "divf", "on-q", "on-k", "split", "rsqrt", "0d", "argument", "extract",
              "extract-in-body", "truncf", "unit-tensor", "none", "late-on-q"),
    "mask": ("none", "causal-select", "causal-lowest", "causal-constant", "causal-1e9", "bool",
             "bool-left", "additive", "bias", "window", "not-equal", "row-constant", "row-argument",
             "pad-left-lowest", "pad-right-lowest", "pad-left-1e4", "pad-right-1e4",
             "pad-left-1e5", "pad-right-1e6", "pad-right-1e9", "pad-left-65504", "pad-right-3e38",
             "all-pad-lowest", "all-pad-1e4", "all-pad-1e5", "all-pad-1e6", "all-pad-1e9",
             "all-pad-65504", "all-pad-3e38", "all-pad-select-1e9", "all-pad-select-1e4",
             "causal-pad-right", "causal-pad-left", "causal-and-pad-right-1e4", "empty-bool",
             "empty-additive", "absorbing-row", "after-exp", "after-exp-own-max"),
    "mask-constant": ("here", "extf", "truncf"),
    "maximum": ("maximumf", "right", "lowest", "maxnumf-nan", "maxnumf-inf", "select",
                "select-left", "arg-max", "reduce", "none", "absolute", "row-argument",
                "guard-zero", "guard-isinf", "guard-lowest", "over-head", "from-zero",
                "query-norm"),
    "rows": ("implicit", "keep-dim", "expand", "broadcast", "yield", "extract", "through-1d"),
    "exp": ("separate", "sub-exp", "fused", "exp2", "exp2-fused", "powf", "recomputed",
            "exp-and-sum", "online-row"),
    "sum": ("generic", "right", "reduce", "ones-vector", "ones-matrix", "f64", "f32", "minus-zero",
            "dense-zero", "add-zero"),
    "division": ("divf", "reciprocal", "reciprocal-powf", "late", "late-reciprocal",
                 "late-transposed", "logsumexp", "minus-log-sum", "log-softmax", "half-late"),
    "ops": ("generic", "named", "map", "elementwise", "in-place", "softmax"),
    "copies": ("none", "copy", "identity", "everywhere"),
    "values": ("batch-matmul", "generic", "v-first", "product-sum", "contract", "swapped",
               "v-transposed", "divided-in-body"),
    "reshape": ("none", "scores-1d", "probabilities-1d", "unit", "flat-softmax", "result-1d"),
    "safe": ("none", "and", "or", "maximum", "p-une", "p-uno", "sum-zero", "eps", "nan-to-num"),
    "after": ("none", "remask", "row-mask", "row-select", "head-factor", "dropout",
              "result-head-factor"),
    "functions": ("none", "softmax", "mask", "nested", "twice", "twice-values"),
}

#: Values of an axis of which refusing is as good as raising, as long as the value is right.
EITHER = {
    ("exp", "online-row"), ("mask", "absorbing-row"), ("maximum", "over-head"),
    ("maximum", "query-norm"), ("division", "half-late"), ("values", "divided-in-body"),
}

_EMPTY = {"empty-bool", "empty-additive"}
#: What ends the name of a mask says what it adds.
PAD_CONSTANTS = {"1e4": -1e4, "1e5": -1e5, "1e6": -1e6, "1e9": -1e9, "65504": -65504.0,
                 "3e38": -3.38e38}
#: Layouts whose queries have no dimension.
NO_QUERIES = ("no-queries", "vector")


def default():
    return {axis: values[0] for axis, values in AXES.items()}


def element(s):
    return s["type"].split("-")[0]


def _plain_padding(mask):
    """Whether a mask is (1 - m) * c and nothing else."""
    return "pad" in mask and "select" not in mask and not mask.startswith("causal")


def settle(spelling, keep=()):
    """Makes the values of a spelling fit each other. What is in `keep` stays; of two others that do
    not fit, one becomes the default.
    """
    s = {**default(), **spelling}

    def reset(*axes):
        for axis in axes:
            if axis not in keep:
                s[axis] = AXES[axis][0]

    def need(axis, *allowed):
        if s[axis] not in allowed:
            s[axis] = allowed[0]

    kind = element(s)
    # Constants that a type does not hold.
    if kind == "f16" and any(s["mask"].endswith(c) for c in ("1e5", "1e6", "1e9", "3e38")):
        s["mask"] = s["mask"].rsplit("-", 1)[0] + "-1e4"
        need("mask", s["mask"] if s["mask"] in AXES["mask"] else "pad-left-1e4")
    if kind != "f16" and s["mask"].endswith("65504") and "mask" in keep and "type" not in keep:
        s["type"], kind = "f16", "f16"
    if kind != "f16" and s["mask"].endswith("65504"):
        s["mask"] = s["mask"].replace("65504", "1e4")
    if kind == "bf16" and s["mask"] in ("row-constant", "row-argument"):
        s["mask"] = "none"
    if kind != "f32" and s["mask"] == "absorbing-row":
        s["mask"] = "none"
    if kind == "bf16" and s["mask"].endswith("lowest"):
        s["mask"] = s["mask"].replace("lowest", "3e38") if "pad-" in s["mask"] else "causal-select"
        need("mask", *(m for m in (s["mask"],) if m in AXES["mask"]), "pad-right-3e38")
    if s["sum"] == "f32" and kind == "f32":
        reset("sum")
        if s["sum"] == "f32":
            s["type"] = "f16"
    # Empty rows are NaN where the text does nothing about them, and the other way round.
    if s["safe"] != "none" and s["mask"] not in _EMPTY and "safe" in keep:
        s["mask"] = "empty-bool"
    if s["maximum"].startswith("guard") and "maximum" in keep and s["mask"] == "none":
        s["mask"] = "bool"
    if s["mask"] in _EMPTY and s["safe"] == "none":
        s["safe"] = "and"
    if s["mask"] in _EMPTY:
        if s["safe"] in ("sum-zero", "eps"):
            need("maximum", "guard-zero", "guard-isinf", "guard-lowest")
        if s["safe"] == "maximum":
            need("maximum", "maximumf", "right", "reduce")
        if s["safe"] in ("p-une", "p-uno", "nan-to-num"):
            need("maximum", "maximumf", "right", "reduce", "maxnumf-inf")
        if s["ops"] == "softmax":
            need("safe", "and", "or", "p-une", "p-uno", "nan-to-num")
            need("maximum", "maximumf")
    if s["mask"] in _EMPTY and s["maximum"] == "maxnumf-nan":
        s["maximum"] = "maximumf"
    if s["mask"] in _EMPTY and s["exp"] == "online-row":
        s["exp"] = "separate"
    if s["mask"].startswith("after-exp"):
        reset("safe")
        s["safe"] = "none"
        if s["ops"] == "softmax":
            s["ops"] = "generic"
        need("division", "divf", "reciprocal", "reciprocal-powf", "late", "late-reciprocal",
             "late-transposed")
        need("exp", "separate", "sub-exp", "exp2", "powf", "exp2-fused")
        s["functions"] = "none" if s["functions"] == "mask" else s["functions"]
    # What is subtracted must not overflow.
    if s["maximum"] in ("none", "absolute", "row-argument", "query-norm", "over-head"):
        if s["mask"] not in ("none", "bias", "row-constant", "bool", "causal-select") or \
                s["maximum"] == "absolute":
            s["mask"] = "none"
        s["safe"] = "none"
        if kind == "f16":
            s["type"] = "f32"
    if s["maximum"] == "from-zero" and (s["mask"].startswith("all-pad") or s["safe"] != "none"
                                        or s["mask"] in ("absorbing-row", "row-constant",
                                                         "row-argument")):
        s["mask"], s["safe"] = "none", "none"
    if s["mask"] in ("absorbing-row",):
        s["reshape"] = "none"
    # A softmax in one operation has no spelling of its own inside.
    if s["ops"] == "softmax":
        reset("maximum", "exp", "sum", "division", "rows")
        if any(s[a] != AXES[a][0] for a in ("maximum", "exp", "sum", "division", "rows")):
            s["ops"] = "generic"
    # Forms that fix how much of the rest looks.
    if s["exp"] == "online-row":
        s["maximum"], s["sum"], s["rows"] = "maximumf", "generic", "implicit"
        s["division"] = "divf"
        if s["keys"] == "two":
            s["keys"] = "one"
        if s["ops"] in ("softmax",):
            s["ops"] = "generic"
    if s["exp"] == "exp-and-sum":
        need("sum", "generic", "right")
        if s["rows"] == "keep-dim":
            s["rows"] = "implicit"
        if s["keys"] == "two":
            s["keys"] = "one"
    if s["exp"] in ("exp2", "exp2-fused", "powf", "recomputed", "exp-and-sum", "online-row"):
        if s["division"] in ("logsumexp", "minus-log-sum", "log-softmax"):
            s["division"] = "divf"
    if s["exp"] == "recomputed":
        need("sum", "generic", "right", "minus-zero", "dense-zero")
    if s["exp"] == "exp2-fused" and s["mask"] not in ("none",):
        s["exp"] = "exp2"
    if s["exp"] == "exp2-fused" and s["scale"] not in ("mulf",):
        s["scale"] = "mulf"
    if s["exp"] == "fused":
        need("reshape", "none", "probabilities-1d", "result-1d")
        if s["functions"] in ("mask", "softmax", "nested"):
            s["functions"] = "none"
        s["safe"] = "none" if s["mask"] not in _EMPTY else s["safe"]
        s["keys"] = "one" if s["keys"] == "two-flattened" else s["keys"]
        s["copies"] = "none"
        if s["scale"] == "extract-in-body":
            s["scale"] = "mulf"
    if s["keys"] == "two":
        need("sum", "generic", "right", "reduce", "minus-zero", "dense-zero", "add-zero", "f64")
        need("maximum", "maximumf", "right", "lowest", "select", "reduce", "none", "guard-zero",
             "maxnumf-inf", "maxnumf-nan", "guard-isinf", "guard-lowest")
        need("values", "generic", "v-first", "product-sum", "contract")
        need("scores", "generic", "product-sum", "contract")
        s["reshape"] = "none"
        if s["ops"] in ("softmax",):
            s["ops"] = "generic"
        s["division"] = "divf" if s["division"] == "late-transposed" else s["division"]
        s["functions"] = "none" if s["functions"] in ("softmax", "nested") else s["functions"]
    if s["keys"] == "two-flattened":
        s["reshape"] = "none"
    if s["keys"] != "one":
        need("sizes", "even")
        if s["layout"] in ("one-d", "packed", "units", *NO_QUERIES):
            s["layout"] = "bhsd"
    if s["sum"] in ("ones-vector", "ones-matrix"):
        if s["rows"] == "keep-dim":
            s["rows"] = "implicit"
        if s["exp"] in ("recomputed", "exp-and-sum"):
            s["exp"] = "separate"
    if s["sum"] == "ones-matrix" and s["division"] not in ("divf", "reciprocal"):
        s["sum"] = "ones-vector"
    if s["sum"] == "ones-matrix" and s["safe"] in ("sum-zero", "eps"):
        s["sum"] = "ones-vector"
    if s["division"] == "late-transposed":
        need("layout", "bshd", "packed")
    if s["division"].startswith("late") or s["division"] == "half-late":
        s["after"] = "none" if s["after"] == "remask" else s["after"]
        s["safe"] = "none" if s["safe"] in ("and", "or", "maximum", "p-une", "p-uno",
                                            "nan-to-num") else s["safe"]
        if s["mask"] in _EMPTY and s["safe"] == "none":
            s["mask"] = "bool"
        if s["functions"] in ("softmax", "nested"):
            s["functions"] = "none"
    if s["division"] in ("logsumexp", "minus-log-sum", "log-softmax") and s["mask"] in _EMPTY:
        if s["safe"] in ("sum-zero", "eps"):
            s["safe"], s["mask"] = "none", "bool"
    if s["values"] == "divided-in-body":
        need("division", "divf")
        s["ops"] = "generic" if s["ops"] == "softmax" else s["ops"]
        s["exp"] = "separate" if s["exp"] == "online-row" else s["exp"]
        s["sum"] = "generic" if s["sum"] == "ones-matrix" else s["sum"]
        s["safe"] = "none" if s["safe"] not in ("none", "sum-zero", "eps") else s["safe"]
        s["mask"] = "bool" if s["mask"] in _EMPTY and s["safe"] == "none" else s["mask"]
        s["after"] = "none" if s["after"] == "remask" else s["after"]
        s["functions"] = "none" if s["functions"] in ("softmax", "nested") else s["functions"]
        s["type"] = s["type"].split("-")[0]
        s["keys"] = "one"
        s["reshape"] = "none" if s["reshape"] == "flat-softmax" else s["reshape"]
        need("layout", *(l for l in AXES["layout"] if l not in NO_QUERIES))
    if s["scores"] == "scaled-in-body":
        s["scale"] = "mulf"
        s["keys"] = "one"
    if s["division"] == "logsumexp" and (s["mask"].startswith("all-pad") or s["mask"] in
                                         ("causal-pad-left", "absorbing-row")):
        s["division"] = "minus-log-sum"  # The constant absorbs the logarithm, too.
    # Layouts.
    if s["layout"] == "sd":
        need("rank", "4")
    if s["layout"] in ("hsd", "sd", "vector") and s["mask"].startswith("all-pad"):
        s["layout"] = "bhsd"
    if s["layout"] in NO_QUERIES:
        need("scores", "transpose", "generic", "product-sum", "contract")
        need("values", "batch-matmul", "generic", "product-sum", "contract")
        need("rank", "4", "3")
        need("sizes", "cross")
        if s["mask"].startswith("causal") or s["mask"] == "window":
            s["mask"] = "bool"
        need("after", *(("none", "dropout") if s["layout"] == "vector" else
                        ("none", "head-factor", "dropout")))
    if s["layout"] == "bshd-maps":
        need("scores", "generic", "product-sum", "contract")
        need("values", "generic", "v-first", "product-sum", "contract")
        need("rank", "4")
    if s["rank"] == "3" and s["layout"] in ("hsd", "sd", "one-d", "vector"):
        s["rank"] = "4"
    if s["after"] == "remask" and s["mask"] not in ("bool", "bool-left", "empty-bool",
                                                    "causal-constant"):
        if s["maximum"] in ("absolute", "row-argument"):
            s["after"] = "none"
        else:
            s["mask"] = "bool"
            if s["layout"] in NO_QUERIES:
                s["after"] = "none"
    if s["maximum"] == "over-head" and s["layout"] == "vector":
        s["maximum"] = "maximumf"
    if s["mask"].startswith("after-exp") and s["keys"] == "two":
        s["keys"] = "one"
    if s["maximum"] == "query-norm" and s["division"] == "late-transposed":
        s["division"] = "late"
    if s["maximum"] == "query-norm":
        need("layout", "bhsd", "hsd")
        s["rank"] = "4"
        s["reshape"] = "none"
        s["keys"] = "one"
    if s["functions"] in ("softmax", "nested"):
        if s["after"] in ("remask",) or s["maximum"] in ("row-argument", "query-norm") \
                or s["mask"].startswith("after-exp"):
            s["functions"] = "none"
    if s["functions"] == "mask" and s["after"] == "remask":
        s["functions"] = "none"
    if s["functions"] == "mask" and s["mask"] == "none":
        s["mask"] = "bool"
        if s["maximum"] in ("absolute", "row-argument"):
            s["functions"] = s["mask"] = "none"
    if s["mask-constant"] != "here":
        if "mask-constant" in keep and not (_plain_padding(s["mask"])):
            s["mask"] = "pad-right-1e9" if kind == "f32" else "pad-right-1e4"
        if not (_plain_padding(s["mask"])):
            s["mask-constant"] = "here"
    if s["mask-constant"] == "extf" and kind != "f32":
        s["mask-constant"] = "truncf"
    return s


def fits(spelling, keep):
    """Whether settling leaves what is asked for."""
    settled = settle(spelling, keep)
    for _ in range(4):
        again = settle(settled, keep)
        if again == settled:
            break
        settled = again
    else:
        return None
    return settled if all(settled[axis] == spelling[axis] for axis in keep) else None
