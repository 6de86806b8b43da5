# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exporter of other models than PyTorch's, and what it says of those that it cannot export."""

import os
import pathlib
import subprocess
import sys
import unittest
import unittest.mock

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(pathlib.Path(__file__).resolve().parent)]

from sprint.export import cli  # noqa: E402
from sprint.export.errors import ExportError  # noqa: E402
from sprint.export.producers import choice, program  # noqa: E402
from test_export import MLIR_OPT, FolderTest, signature  # noqa: E402
from torch_packages import MISSING, missing, needs  # noqa: E402

needs_mlir = unittest.skipUnless(MLIR_OPT, "needs mlir-opt of MLIR 22")
SOFTMAX = """
func.func @main(%scores: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %empty = tensor.empty() : tensor<4x8xf32>
  %result = linalg.softmax dimension(1) ins(%scores : tensor<4x8xf32>)
    outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %result : tensor<4x8xf32>
}
"""
TOSA = """
func.func @main(%input: tensor<4x8xf32>) -> tensor<2x16xf32> {
  %shape = tosa.const_shape {values = dense<[2, 16]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %power = tosa.exp %input : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %result = tosa.reshape %power, %shape : (tensor<4x8xf32>, !tosa.shape<2>) -> tensor<2x16xf32>
  return %result : tensor<2x16xf32>
}
"""
STABLEHLO = """
func.func @main(%input: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %result = stablehlo.exponential %input : tensor<4x8xf32>
  return %result : tensor<4x8xf32>
}
"""


class ProducerTest(FolderTest):

    def refuse(self, expected, *arguments):
        self.assert_refused(expected, *arguments, "-o", str(self.model))

    def file(self, name, text):
        """A file beside the folder of the results, which tests look into."""
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def parse(self):
        if MLIR_OPT:
            done = subprocess.run([MLIR_OPT, str(self.model), "-o", os.devnull],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def export_file(self, path, *options):
        """As export, of a file whose results nobody computes."""
        self.assertEqual(cli.main([path, "-o", str(self.model), *options]), 0)
        self.parse()
        return self.model.read_text()


class Choice(ProducerTest):

    def test_a_name_tells_the_producer(self):
        self.assertEqual(choice.producer_of("bert"), "torch")
        self.assertEqual(choice.producer_of("module:function"), "torch")
        self.assertEqual(choice.producer_of("model.onnx"), "onnx")
        for name, text in (("tosa", TOSA), ("stablehlo", STABLEHLO), ("linalg", SOFTMAX)):
            self.assertEqual(choice.producer_of(self.file("model.mlir", text)), name)
        folder = self.folder / "saved.onnx"
        folder.mkdir()
        self.assertEqual(choice.producer_of(str(folder)), "torch")

    def test_options_of_others_are_refused(self):
        tosa = self.file("tosa.mlir", TOSA)
        self.refuse("expected no --dtype of a model from tosa", tosa, "--dtype=f16")
        self.refuse("expected no --inputs-dir of a model from tosa", tosa, "--inputs-dir=x")
        self.refuse("expected no --softmax of a model from tosa", tosa, "--softmax=iree")
        self.refuse("expected no --dynamic of a model from jax", "module:function", "--from=jax",
                    "--dynamic")
        self.refuse("expected no --softmax of a model from torch", "bert", "--softmax=iree")
        self.refuse("argument --from: invalid choice: 'keras'", "bert", "--from=keras")

    def test_files_that_are_missing(self):
        self.refuse("none.mlir: No such file or directory", "none.mlir")

    def test_a_missing_package_is_named(self):
        with unittest.mock.patch.dict(sys.modules, {"jax": None}):
            self.refuse("expected the package jax of the dependency group producers",
                        "module:function", "--from=jax", "--inputs=module:inputs")

    def test_what_a_tool_leaves_is_named(self):
        text = '  %0 = util.global.load @x\n  iree_linalg_ext.yield %1\n  "stablehlo.sort"(%2)\n'
        with self.assertRaisesRegex(
                ExportError,
                "cannot lower util.global.load, iree_linalg_ext.yield, stablehlo.sort"):
            program.Program(text, [])
        program.Program("  %0 = linalg.fill ins(%cst : f32) // util.x\n", [])

    def test_numbers_that_files_do_not_hold(self):
        self.assertEqual(program.storable(np.asarray(3, np.uint32)).dtype, np.int32)
        self.assertEqual(program.storable(np.asarray(3, np.int32)).shape, ())
        self.assertEqual(program.storable(np.zeros(2, bool)).dtype, np.bool_)


@needs_mlir
class Upstream(ProducerTest):

    def test_tosa(self):
        text = self.export_file(self.file("tosa.mlir", TOSA))
        self.assertEqual(signature(text), (["4x8xf32"], ["2x16xf32"]))
        self.assertNotIn("tosa", text)

    def test_softmax(self):
        text = self.export_file(self.file("softmax.mlir", SOFTMAX))
        self.assertNotIn("linalg.softmax", text)
        self.assertIn("arith.maxnumf", text)

    def test_an_error_has_its_place(self):
        path = self.file("tosa.mlir", TOSA.replace("tosa.exp", "tosa.expo"))
        self.refuse("tosa.mlir:4:12: mlir-opt: custom op 'tosa.expo' is unknown", path)


@needs("jax")
class Jax(ProducerTest):

    def export_function(self, name, inputs):
        text = self.export(f"producer_models:{name}", "--from=jax",
                           f"--inputs=producer_models:{inputs}")
        self.parse()
        return text

    def test_weights_are_in_the_model(self):
        text = self.export_function("weighted", "tokens")
        self.assertRegex(text, r"func.func public @main\(%arg0: tensor<1x2xf32>\)")
        self.assertEqual(self.arrays("")[0].tolist(), [[1, 2]])
        self.assertEqual(self.arrays("reference")[0].tolist(), [[6, 9, 12]])

    def test_trees_are_flat_and_every_argument_stays(self):
        text = self.export_function("tree", "branches")
        self.assertRegex(text, r"@main\(%arg0: tensor<3x2xf32>, %arg1: tensor<3x2xf32>, "
                         r"%arg2: tensor<4xi8>, %arg3: tensor<i32>\)")
        left, right, unused, position = self.arrays("")
        self.assertEqual((unused.dtype, position.shape), (np.int8, ()))
        row, total = self.arrays("reference")
        self.assertEqual(row.tolist(), [2, 3])
        np.testing.assert_array_equal(total, left + right)

    def test_bf16(self):
        text = self.export_function("half", "brain")
        self.assertIn("tensor<2xbf16>", text)
        self.assertEqual(self.arrays("")[0].dtype, np.float32)
        self.assertEqual(self.arrays("reference")[0].tolist(), [3, 5])

    def test_functions_and_loops(self):
        from sprint.export.producers.from_jax import CONVERSION, translate
        import producer_models

        text = self.export_function("called", "square")
        self.assertIn("scf.for", text)
        self.assertNotIn("private", text)
        kept = translate(producer_models.called, producer_models.square(), passes=CONVERSION)
        self.assertIn("func.func private @tril", kept.text)

    def test_refusals(self):
        inputs = ("--from=jax", "--inputs=producer_models:tokens")
        self.refuse("expected module:function", "bert", *inputs)
        self.refuse("expected module:function", "producer_models:NUMBER", *inputs)
        self.refuse("expected --inputs, its example arguments", "producer_models:half",
                    "--from=jax")
        self.refuse("producer_models:broken: no such layer", "producer_models:broken", *inputs)
        self.refuse("producer_models:scattered: iree-opt cannot lower stablehlo.scatter",
                    "producer_models:scattered", *inputs)


@needs("stablehlo")
class Iree(ProducerTest):

    def test_stablehlo(self):
        text = self.export_file(self.file("stablehlo.mlir", STABLEHLO))
        self.assertIn("math.exp", text)

    def test_softmax(self):
        path = self.file("softmax.mlir", SOFTMAX)
        apart = self.export_file(path, "--softmax=iree").count("math.exp")
        fused = self.export_file(path, "--softmax=iree-fused").count("math.exp")
        self.assertEqual((apart, fused), (1, 2))


@needs("onnx")
class Onnx(ProducerTest):

    def saved(self, shape, operator="Softmax"):
        import onnx
        from onnx import TensorProto, helper

        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                  for name in ("input", "output")]
        node = helper.make_node(operator, ["input"], ["output"])
        graph = helper.make_graph([node], "graph", values[:1], values[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = self.folder / "model.onnx"
        onnx.save(model, path)
        return str(path)

    def test_random_inputs(self):
        text = self.export(self.saved((4, 8)))
        self.assertEqual(signature(text), (["4x8xf32"], ["4x8xf32"]))
        self.parse()
        (array,), (reference,) = self.arrays(""), self.arrays("reference")
        powers = np.exp(array)
        np.testing.assert_allclose(reference, powers / powers.sum(-1, keepdims=True), rtol=1e-5)

    def test_dynamic_sizes_need_inputs(self):
        path = self.saved(("rows", 8))
        text = self.export_file(path)
        self.assertEqual(signature(text)[0], ["?x8xf32"])
        self.model.unlink()
        self.refuse("expected --inputs, because 'input' has a dimension 'rows' of any size", path,
                    f"--inputs-dir={self.folder}")

    def test_refusals(self):
        broken = self.folder / "broken.onnx"
        broken.write_bytes(b"no model")
        self.refuse("broken.onnx: ", str(broken))
        self.refuse("torch-mlir cannot lower onnx.StringNormalizer",
                    self.saved((4, 4), "StringNormalizer"))


@unittest.skipIf(MISSING or missing("jax") or missing("onnx") or not MLIR_OPT,
                 "needs every package")
class Zoo(FolderTest):

    def entries(self):
        from sprint.zoo import jax_forms, mlir_forms, onnx_forms

        return [*jax_forms.entries(), *onnx_forms.entries(), *mlir_forms.entries()]

    def test_names_are_unique(self):
        names = [entry.name for entry in self.entries()]
        self.assertEqual(len(names), len(set(names)))

    def test_one_of_each_producer(self):
        from sprint.zoo.writing import write

        wanted = {"jax-dpa-causal", "onnx-nan-safe", "tosa-plain", "linalg-softmax-by-iree-masked"}
        for entry in self.entries():
            if entry.name in wanted:
                info = write(entry, self.folder)
                self.assertEqual((info.get("error"), info["attentions"]), (None, 1))
                files = {path.name for path in (self.folder / entry.name).iterdir()}
                self.assertGreaterEqual(files, {"model.mlir", "info.json", "0.npy", "2.npy",
                                                "reference0.npy"})
                wanted.remove(entry.name)
        self.assertEqual(wanted, set())


if __name__ == "__main__":
    unittest.main()
