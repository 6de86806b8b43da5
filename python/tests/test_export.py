# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exporter against PyTorch, and what it says of models that it cannot export."""

import contextlib
import io
import os
import pathlib
import pty
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(pathlib.Path(__file__).resolve().parent)]

from sprint.export import cli  # noqa: E402
from torch_packages import MISSING, needs_torch  # noqa: E402

if not MISSING:
    import torch

    import export_models
    from sprint.export import cleanup, exporting, inputs, lowering, models, wrapping
    from sprint.zoo import families, forms

TINY_T5 = ["t5", "--config=num_layers=1", "--config=num_decoder_layers=1", "--config=d_model=32",
           "--config=num_heads=2", "--config=d_kv=16", "--config=d_ff=32", "--config=vocab_size=40"]
MLIR_OPT = shutil.which("mlir-opt", path=f"/usr/lib/llvm-22/bin:{os.environ.get('PATH', '')}")
SPRINT_OPT = shutil.which("sprint-opt", path=os.pathsep.join(
    [str(ROOT / "build" / "bin"), os.environ.get("PATH", "")]))
TINY_BERT = ["bert", "--config=num_hidden_layers=1", "--config=hidden_size=32",
             "--config=num_attention_heads=2", "--config=intermediate_size=32",
             "--config=vocab_size=40", "--config=max_position_embeddings=32"]


class FolderTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sprint-export-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.model = self.folder / "model.mlir"
        self.inputs = self.folder / "inputs"

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def export(self, *arguments):
        """Runs the command line, which must succeed, and returns the model's text."""
        errors = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            code = cli.main([*arguments, "-o", str(self.model),
                             "--inputs-dir", str(self.inputs)])
        self.assertEqual((code, errors.getvalue()), (0, ""))
        return self.model.read_text() if self.model.suffix == ".mlir" else ""

    def assert_refused(self, expected, *arguments):
        """The command line ends with 1 and one line, and leaves nothing behind."""
        before = self.files()
        errors = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            code = cli.main([*arguments])
        self.assertEqual(code, 1)
        self.assertRegex(errors.getvalue(), rf"\Aerror: [^\n]*{expected}[^\n]*\n\Z")
        self.assertEqual(self.files(), before)

    def arrays(self, prefix):
        files = sorted(self.inputs.glob(f"{prefix}[0-9].npy"))
        return [np.load(file) for file in files]


def signature(text):
    """The types of main's arguments and results."""
    found = re.search(r"func\.func @main\((.*?)\) -> (.*?) \{\n", text)
    return re.findall(r"tensor<(\S+)>", found[1]), re.findall(r"tensor<([^>]+)>", found[2])


class WithoutPackages(FolderTest):

    def test_a_missing_package_is_named(self):
        with unittest.mock.patch.dict(sys.modules, {"torch": None}):
            self.assert_refused("expected the package torch", "bert", "-o", str(self.model))

    def test_options_are_checked(self):
        output = ["-o", str(self.model)]
        self.assert_refused("argument --batch: expected a positive number, got '0'", "bert",
                            *output, "--batch=0")
        self.assert_refused("argument --config: expected KEY=VALUE, got 'x'", "bert", *output,
                            "--config=x")
        self.assert_refused("argument --axes: expected ARGUMENT=DIM:NAME", "bert", *output,
                            "--axes=x=y")
        self.assert_refused("argument --dtype: invalid choice: 'f8'", "bert", *output,
                            "--dtype=f8")
        self.assert_refused("the following arguments are required: -o", "bert")
        self.assert_refused("is a folder", "bert", "-o", str(self.folder))
        self.assert_refused("none/: is a folder", "bert", "-o", f"{self.folder}/none/")


@needs_torch
class Refusals(FolderTest):

    def refuse(self, expected, *arguments):
        self.assert_refused(expected, *arguments, "-o", str(self.model))

    def test_unknown_models(self):
        self.refuse("bertt: expected a folder with a config.json", "bertt")
        self.refuse("cannot import 'no_such_module'", "no_such_module:model")
        self.refuse("'export_models' has no attribute 'nothing'", "export_models:nothing")
        self.refuse("expected a torch.nn.Module, a path, or what returns one, got int",
                    "export_models:NUMBER")
        self.refuse("expected --inputs, because this is no transformers model",
                    "export_models:Unused")

    def test_broken_folders(self):
        self.refuse(f"{self.folder}: expected a model with a config.json", str(self.folder))
        config = self.folder / "config.json"
        config.write_text("{")
        self.refuse("config.json: Expecting property name", str(self.folder))
        config.write_text('{"model_type": "bert"}')
        weights = self.folder / "pytorch_model.bin"
        weights.touch()
        self.refuse("expected weights as .safetensors, got .bin", str(self.folder))
        config.write_text("[]")
        self.refuse("expected an object with the key 'model_type'", str(self.folder))

    def test_settings(self):
        self.refuse(r"the configuration has no setting 'layers'; \+layers adds it", *TINY_BERT,
                    "--config=layers=1")
        self.refuse("transformers has no model class 'NoModel'", *TINY_BERT, "--class=NoModel")
        self.refuse("expected a length of at most 32, got 33", *TINY_BERT, "--length=33")
        self.refuse("expected one of the results last_hidden_state, pooler_output, got 'x'",
                    *TINY_BERT, "--outputs=x")
        self.refuse("expected an argument attention_mask", *TINY_BERT, "--pooling=mean",
                    "--padding=none")
        self.refuse("2 or more in the dynamic dimension 'batch' of input_ids, got 1", *TINY_BERT,
                    "--dynamic", "--batch=1")
        self.refuse("expected dimensions below 2 for 'input_ids', got 2", *TINY_BERT,
                    "--axes=input_ids=2:length")

    def test_an_attention_that_the_model_has_not(self):
        self.refuse("does not support an attention implementation", "bloom", "--attention=sdpa",
                    "--config=n_layer=1", "--config=hidden_size=32", "--config=n_head=2")

    def test_an_operation_that_cannot_be_lowered_is_named(self):
        self.refuse("torch-mlir cannot lower torch.aten._linalg_eigh", "export_models:Unlowerable",
                    "--inputs=export_models:square")

    def test_tensors_without_values(self):
        self.refuse("expected values in 'linear.weight', got a tensor on the device meta: load",
                    "export_models:OnMeta", "--inputs=export_models:square")
        self.refuse("expected values in '0', got a tensor on the device meta",
                    "export_models:Buffered", "--inputs=export_models:on_meta")

    def test_sizes_of_0(self):
        """torch-mlir divides by them."""
        self.refuse(r"expected sizes of 1 or more for '0', got \[2, 0, 4\]",
                    "export_models:Buffered", "--inputs=export_models:empty")
        self.refuse(r"expected tensors with elements, got one of \[2, 0, 2\] "
                    r"\(at .*export_models.py:\d+\)", "export_models:NoRows",
                    "--inputs=export_models:square")

    def test_code_that_exits(self):
        self.refuse(r"expected it to return, but it ends the process by sys.exit\(3\) "
                    r"\(at .*export_models.py:\d+\)", "export_models:Exits",
                    "--inputs=export_models:square")
        self.refuse(r"expected it to return, .* by sys.exit\('no inputs'\)",
                    "export_models:Buffered", "--inputs=export_models:exits")

    def test_errors_of_python_have_a_type_and_a_place(self):
        self.refuse(r"TypeError: unsupported operand.* \(at .*export_models.py:\d+\)",
                    "export_models:WrongType", "--inputs=export_models:square")
        self.refuse(r"ZeroDivisionError: .* \(at .*modeling_bert.py:\d+\)", *TINY_BERT,
                    "--config=num_attention_heads=0")
        # The first line only introduces the next one.
        self.refuse("field 'num_hidden_layers': TypeError: .*expected int, got str", *TINY_BERT,
                    "--config=num_hidden_layers=two")

    def test_values_that_decide(self):
        self.refuse(r"the model decides by values of a tensor .*export_models.py:\d+.*: expected "
                    "what depends on sizes", "export_models:Chooses",
                    "--inputs=export_models:square")

    def test_flex_attention(self):
        self.refuse("cannot lower flex_attention: expected scaled_dot_product_attention",
                    "export_models:Flex", "--inputs=export_models:four_heads")

    def test_decoder_lengths(self):
        self.refuse("expected no --decoder-length", *TINY_BERT, "--decoder-length=3")
        self.refuse("expected a decoder's length of at most 20, got 21", *TINY_T5,
                    "--config=+max_position_embeddings=20", "--decoder-length=21")

    def test_outputs_destroy_nothing(self):
        source = pathlib.Path(export_models.__file__)
        before = source.read_bytes()
        self.assert_refused("is read as well, and would be replaced", "export_models:Buffered",
                            "--inputs=export_models:square", "-o", str(source))
        self.assertEqual(source.read_bytes(), before)
        config = self.folder / "config.json"
        config.write_text('{"model_type": "bert"}')
        self.assert_refused("config.json: is read as well", str(self.folder), "-o", str(config))
        self.assertEqual(config.read_text(), '{"model_type": "bert"}')
        given = self.folder / "given.mlir"
        given.write_text("module {}")
        self.assert_refused("given.mlir: is read as well", str(given), "-o", str(given))
        self.assert_refused("0.npy: is the file of another output", *TINY_BERT, "-o",
                            str(self.folder / "0.npy"), "--inputs-dir", str(self.folder))

    def test_sizes_that_cannot_be_dynamic(self):
        self.refuse("torch.export: .*length", "export_models:FixedLength", "--dynamic",
                    "--inputs=export_models:square", "--axes=0=0:length")

    def test_a_folder_that_cannot_be_made(self):
        (self.folder / "none").touch()
        self.assert_refused("cannot make the folder: .*none is no folder", *TINY_BERT, "-o",
                            str(self.folder / "none" / "model.mlir"))


@needs_torch
class Models(FolderTest):

    def parse(self):
        if not MLIR_OPT:
            self.skipTest("needs mlir-opt")
        done = subprocess.run([MLIR_OPT, str(self.model), "-o", os.devnull], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_static_bert(self):
        text = self.export(*TINY_BERT, "--padding=right")
        self.assertEqual(signature(text), (["1x16xi64", "1x16xi64"], ["1x16x32xf32"]))
        self.assertIsNone(re.search(r"= torch\.", text))
        # What computes something is called by the module that does.
        place = re.search(r'^(#loc\d+) = loc\("encoder\.layer\.0\.attention\.self"\(#loc\d+\)\)$',
                          text, re.MULTILINE)
        self.assertIsNotNone(place)
        self.assertEqual(len(re.findall(rf"= linalg\.batch_matmul .* loc\({place[1]}\)$", text,
                                        re.MULTILINE)), 2)
        self.parse()
        tokens, mask = self.arrays("")
        self.assertEqual((tokens.shape, tokens.dtype), ((1, 16), np.int64))
        self.assertEqual(mask.tolist(), [[1] * 12 + [0] * 4])
        (reference,) = self.arrays("reference")
        self.assertEqual((reference.shape, reference.dtype), ((1, 16, 32), np.float32))

    def test_dynamic_bert(self):
        text = self.export(*TINY_BERT, "--dynamic", "--padding=left")
        self.assertEqual(signature(text), (["?x?xi64", "?x?xi64"], ["?x?x32xf32"]))
        self.parse()
        _, mask = self.arrays("")
        self.assertEqual(mask.tolist(), [[1] * 16, [0] * 4 + [1] * 12])

    def test_f16_and_bf16(self):
        text = self.export(*TINY_BERT, "--dtype=f16")
        self.assertEqual(signature(text)[1], ["1x16x32xf16"])
        self.assertEqual(self.arrays("reference")[0].dtype, np.float16)
        text = self.export(*TINY_BERT, "--dtype=bf16")
        self.assertEqual(signature(text)[1], ["1x16x32xf32"])
        self.assertIn("xbf16", text)
        self.assertEqual(self.arrays("reference")[0].dtype, np.float32)

    def test_the_seed_decides_everything(self):
        texts = [self.export(*TINY_BERT, f"--seed={seed}") for seed in (1, 1, 2)]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_a_folder_called_like_a_type(self):
        (self.folder / "bert").mkdir()
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        self.assertEqual(len(signature(self.export(*TINY_BERT))[0]), 2)
        self.assert_refused("bert: expected a model with a config.json", "./bert", "-o", "x.mlir")

    def test_the_length_of_a_decoder(self):
        text = self.export(*TINY_T5, "--length=9", "--decoder-length=11")
        self.assertEqual(signature(text), (["1x9xi64", "1x9xi64", "1x11xi64"], ["1x11x32xf32"]))

    def test_models_of_several_classes_and_of_videos(self):
        self.export("funnel", "--config=block_sizes=[1,1]", "--config=d_model=32",
                    "--config=n_head=2", "--config=d_head=16", "--config=d_inner=32",
                    "--config=vocab_size=40")
        text = self.export("timesformer", "--config=num_hidden_layers=1", "--config=hidden_size=32",
                           "--config=num_attention_heads=2", "--config=intermediate_size=32",
                           "--config=image_size=32", "--config=num_frames=3")
        self.assertEqual(signature(text)[0], ["1x3x3x32x32xf32"])

    def test_a_mask_that_the_model_generates(self):
        self.export("export_models:GeneratedMask", "--inputs=export_models:source_and_target")
        with torch.no_grad():
            expected = export_models.GeneratedMask().eval()(*export_models.source_and_target())
        np.testing.assert_allclose(self.arrays("reference")[0], expected.numpy(), atol=1e-5)

    def test_chosen_results(self):
        text = self.export(*TINY_BERT, "--outputs=pooler_output,attentions", "--attention=eager")
        self.assertEqual(signature(text)[1], ["1x32xf32", "1x2x16x16xf32"])
        self.assertEqual([array.shape for array in self.arrays("reference")],
                         [(1, 32), (1, 2, 16, 16)])

    def test_a_folder_with_weights(self):
        saved = self.folder / "saved"
        request = models.Request("bert", dict(map(cli._setting, (
            option.partition("=")[2] for option in TINY_BERT[1:]))))
        module = models._from_type(request)
        module.save_pretrained(saved)
        self.export(str(saved), "--padding=none")
        (tokens,), (reference,) = self.arrays(""), self.arrays("reference")
        with torch.no_grad():
            expected = module.eval()(input_ids=torch.from_numpy(tokens)).last_hidden_state
        np.testing.assert_allclose(reference, expected.numpy(), atol=1e-5)

    def test_mean_pooling(self):
        self.export(*TINY_BERT, "--padding=right", "--batch=3", "--seed=4")
        _, mask = self.arrays("")
        (tokens,) = self.arrays("reference")
        self.export(*TINY_BERT, "--padding=right", "--batch=3", "--seed=4", "--pooling=mean")
        (pooled,) = self.arrays("reference")
        for row, count in enumerate(mask.sum(1)):
            mean = tokens[row, :count].astype(np.float64).mean(0)
            np.testing.assert_allclose(pooled[row], mean / np.linalg.norm(mean), atol=1e-5)


@needs_torch
@unittest.skipIf(SPRINT_OPT is None, "needs sprint-opt in build/bin or PATH")
class Bytecode(FolderTest):
    """Bytecode has what the text has, with the same weights."""

    def text(self, path):
        """What sprint-opt prints of a file: its operations with their places, and its weights, which
        have no order, and in front of each how it is aligned.
        """
        done = subprocess.run([SPRINT_OPT, str(path), "--mlir-print-debuginfo",
                               "--mlir-print-local-scope"], capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        weights = subprocess.run([SPRINT_OPT, str(path)], capture_output=True, text=True,
                                 check=True).stdout
        found = dict(re.findall(r'^      ([\w.]+): "0x\w{8}(\w*)"', weights, re.MULTILINE))
        return done.stdout, found

    def check(self, *arguments):
        text = self.export(*arguments)
        # As each type has it; bytecode has 64 bytes.
        alignments = set(re.findall(r': "0x(\w\w)000000', text))
        self.assertLessEqual(alignments, {"02", "04", "08"} | ({"01"} if "xi8>" in text else set()))
        printed, weights = self.text(self.model)
        self.assertEqual(len(weights), len(set(re.findall(r"dense_resource<([\w.]+)>", text))))
        self.model = self.folder / "model.mlirbc"
        self.export(*arguments)
        self.assertTrue(self.model.read_bytes().startswith(b"ML\xefR"))
        self.assertEqual(self.text(self.model), (printed, weights))
        self.assertEqual(self.files(), ["inputs", "model.mlir", "model.mlirbc"])
        return weights

    def test_constants_of_every_kind(self):
        weights = self.check("export_models:Constants", "--inputs=export_models:rows")
        module = export_models.Constants()
        self.assertEqual(len(weights), 6)
        self.assertNotIn("second", weights)
        for name in ("first", "turned", "positions", "bytes", "mask"):
            tensor = getattr(module, name).detach().contiguous()
            elements = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
            name = name if name in weights else "constant"
            self.assertEqual(weights[name].lower(), elements.hex(), name)

    def test_a_dynamic_model(self):
        self.check(*TINY_BERT, "--dynamic", "--padding=left")

    def test_types(self):
        for dtype in ("f16", "bf16"):
            self.model = self.folder / "model.mlir"
            self.check(*TINY_BERT, f"--dtype={dtype}")
            for file in self.folder.glob("model.*"):
                file.unlink()

    def test_a_model_of_another_producer(self):
        model = self.folder / "given.mlir"
        model.write_text("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
                         "  return %x : tensor<2xf32>\n}\n")
        output = self.folder / "model.mlirbc"
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(cli.main([str(model), "-o", str(output)]), 0)
        self.assertIn("func.func @main", self.text(output)[0])

    def test_without_sprint_opt(self):
        with unittest.mock.patch("shutil.which", return_value=None):
            self.assert_refused("expected sprint-opt", *TINY_BERT, "-o",
                                str(self.folder / "model.mlirbc"))


@needs_torch
class Disks(FolderTest):

    def test_one_that_is_full(self):
        """torch-mlir and sprint-opt write as well; here no file may be longer than 8 KiB."""
        names = ["model.mlir", *(["model.mlirbc"] if SPRINT_OPT else [])]
        for name in names:
            output = self.folder / name
            done = subprocess.run(
                [sys.executable, "-m", "sprint.export", *TINY_BERT, "-o", str(output)],
                env={**os.environ, "PYTHONPATH": str(ROOT / "python")}, capture_output=True,
                text=True, check=False, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (8192, 8192)))
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (1, "", f"error: {output}: cannot be written: File too large\n"))
            self.assertEqual(self.files(), [])


@needs_torch
class OnATerminal(FolderTest):

    def test_progress(self):
        """A line that says what is being done, and is gone at the end; nothing of it in a pipe."""
        command = [sys.executable, "-m", "sprint.export", "export_models:Buffered",
                   "--inputs=export_models:square", "-o", str(self.model), "--inputs-dir",
                   str(self.inputs)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(
            [str(ROOT / "python"), str(pathlib.Path(__file__).resolve().parent)])}
        controller, terminal = pty.openpty()
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=terminal,
                              check=False)
        os.close(terminal)
        shown = os.read(controller, 1 << 16).decode()
        os.close(controller)
        self.assertEqual(done.returncode, 0)
        for step in ("loading packages", "loading the model", "lowering", "writing",
                     "computing the reference"):
            self.assertIn(f"\r\033[Kexport_models:Buffered: {step}, 0 s", shown)
        self.assertTrue(shown.endswith("\r\033[K"))
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


@needs_torch
class Modules(FolderTest):

    def test_arguments_that_no_result_needs_are_dropped(self):
        text = self.export("export_models:Unused", "--inputs=export_models:three")
        self.assertEqual(signature(text), (["2xf32", "3xf32"], ["2xf32", "3xf32"]))
        first, second = self.arrays("")
        self.assertEqual((first.tolist(), second.tolist()), ([1, 2], [6, 7, 8]))
        self.assertEqual([array.tolist() for array in self.arrays("reference")],
                         [[2, 4], [7, 8, 9]])

    def test_keyword_arguments_and_axes(self):
        text = self.export("export_models:Difference", "--inputs=export_models:keywords",
                           "--dynamic", "--axes=right=0:size", "--axes=left=0:size")
        self.assertEqual(signature(text)[0], ["?xf32", "?xf32"])
        self.assertEqual(self.arrays("reference")[0].tolist(), [10, 20, 30])

    def test_buffers_that_are_not_persistent(self):
        self.export("export_models:Buffered", "--inputs=export_models:square")
        square, = self.arrays("")
        np.testing.assert_array_equal(self.arrays("reference")[0], square + 5)

    def test_clearing_reaches_every_module(self):
        module = torch.nn.Sequential(export_models.Buffered(), export_models.Buffered())
        cleanup.clear_non_persistent_buffers(module)
        self.assertEqual(set(module.state_dict()), {"0.offset", "1.offset"})


@needs_torch
class Cleanup(unittest.TestCase):

    def prepared(self, module, shapes, *examples):
        program = torch.export.export(module, examples, dynamic_shapes=shapes)
        return cleanup.prepare(program, lowering._decompositions(False))

    def test_indices_that_share_a_dynamic_dimension(self):
        size, length = torch.export.Dim("size", min=2), torch.export.Dim("length", min=2)
        program = self.prepared(export_models.Gather(), ({0: size, 1: length}, {0: size}),
                                torch.zeros(3, 5, 2), torch.tensor([1, 2, -1]))
        table = torch.arange(4 * 6 * 2.0).reshape(4, 6, 2)
        columns = torch.tensor([5, -6, 2, -1])
        expected = torch.stack([table[row, column] for row, column in enumerate(columns)])
        self.assertTrue(torch.equal(program.module()(table, columns), expected))
        indexed = [node for node in program.graph.nodes
                   if node.target == torch.ops.aten.index.Tensor]
        self.assertEqual([len(node.args[1]) for node in indexed], [1])

    def test_group_normalisation_of_a_dynamic_batch(self):
        module = torch.nn.GroupNorm(2, 4).eval()
        program = self.prepared(module, ({0: torch.export.Dim("batch", min=2)},),
                                torch.zeros(3, 4, 5))
        images = torch.arange(2 * 4 * 5.0).reshape(2, 4, 5)
        torch.testing.assert_close(program.module()(images), module(images))
        self.assertNotIn(torch.ops.aten.as_strided.default,
                         [node.target for node in program.graph.nodes])

    def test_functions_of_sizes(self):
        program = self.prepared(export_models.Shortest(),
                                ({0: torch.export.Dim("a", min=2, max=64)},
                                 {0: torch.export.Dim("b", min=2, max=64)}),
                                torch.zeros(5), torch.zeros(7))
        self.assertNotIn(torch.sym_min, [node.target for node in program.graph.nodes])

    def test_sizes_that_have_one_value(self):
        program = self.prepared(export_models.Excess(), ({0: torch.export.Dim("rows", min=2)},),
                                torch.zeros(3, 8))
        (rows,) = (node for node in program.graph.nodes
                   if node.target == torch.ops.aten.slice.Tensor)
        self.assertEqual(rows.args[2], 0)
        self.assertEqual(list(rows.meta["val"].shape), [1, 8])
        tensor = torch.ones(4, 8)
        torch.testing.assert_close(program.module()(tensor), tensor + torch.arange(8.0))

    def test_padding(self):
        self.assertEqual(inputs.attention_mask(3, 8, "left").sum(1).tolist(), [8, 7, 6])
        self.assertEqual(inputs.attention_mask(1, 8, "right").tolist(), [[1] * 6 + [0] * 2])
        self.assertEqual(inputs.attention_mask(2, 8, "full").sum().item(), 16)

    def test_results_without_names(self):
        self.assertEqual(len(wrapping.select_results((torch.zeros(1), torch.zeros(1)), None)), 2)
        self.assertEqual(len(wrapping.select_results(
            {"a": torch.zeros(1), "past_key_values": (torch.zeros(1),),
             "count": torch.zeros(1, dtype=torch.int64)}, None)), 1)


@needs_torch
class Zoo(FolderTest):

    def test_names_are_unique(self):
        names = [entry.name for entry in [*families.entries(), *forms.entries()]]
        self.assertEqual(len(names), len(set(names)))

    def test_forms_are_the_same_each_time(self):
        def compute():
            (form,) = (entry for entry in forms.entries() if entry.name == "form-projections")
            model = form.load().model
            return model.module(*model.examples())[0]

        self.assertTrue(torch.equal(compute(), compute()))

    def test_attentions_are_counted(self):
        wanted = {"bert-eager", "gpt2-sdpa", "t5-sdpa", "form-decoder-layer"}
        for entry in [*families.entries(), *forms.entries()]:
            if entry.name in wanted:
                lowered = exporting.lower(entry.load().model)
                self.assertEqual(lowered.attentions, entry.attentions, entry.name)
                wanted.remove(entry.name)
        self.assertEqual(wanted, set())


if __name__ == "__main__":
    unittest.main()
