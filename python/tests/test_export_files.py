# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What outputs of the exporter do to what is there (docs/tools.md)."""

import errno
import fcntl
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python")]

from sprint.export.errors import ExportError  # noqa: E402
from sprint.export.files import OutputFiles  # noqa: E402


class Outputs(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sprint-files-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.files = OutputFiles()

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())

    def path(self, name, text=None):
        path = self.folder / name
        if text is not None:
            path.write_text(text)
        return path

    def assert_refused(self, name, message):
        with self.assertRaises(ExportError) as raised:
            self.files.plan(self.path(name))
        self.assertEqual(str(raised.exception), f"{self.path(name)}: {message}")

    def test_all_or_none(self):
        old = self.path("old", "old")
        with OutputFiles() as dropped:
            dropped.add_text(old, "new")
            dropped.add_text(self.path("deep/er/file"), "new")
        self.assertEqual((self.names(), old.read_text()), (["deep", "old"], "old"))
        with self.files as files:
            files.add_text(old, "new")
            files.add_array(self.path("array"), np.arange(3))
            self.assertEqual(old.read_text(), "old")
            files.commit()
        self.assertEqual((self.names(), old.read_text()), (["array", "deep", "old"], "new"))
        self.assertEqual(np.load(self.path("array")).tolist(), [0, 1, 2])

    def test_nothing_replaces_what_is_read(self):
        model = self.path("model", "model")
        self.path("link").symlink_to("model")
        os.link(model, self.path("twin"))
        self.files.add_input(self.path("link"))
        for name in ("model", "link", "twin", "./model"):
            self.assert_refused(name, "is read as well, and would be replaced")
        # Also where it is read after outputs are known.
        late = self.path("late", "late")
        self.files.plan(late)
        with self.assertRaisesRegex(ExportError, "late: is read as well, and would be replaced"):
            self.files.add_input(late)

    def test_no_two_are_one_file(self):
        self.path("old", "old")
        self.path("link").symlink_to("old")
        self.path("dangling").symlink_to("new")
        self.path("here").symlink_to(".")
        for name in ("old", "new", "folder/file"):
            self.files.plan(self.path(name))
        self.assert_refused("old", "is the file of another output")
        self.assert_refused("link", f"is the file of another output, {self.path('old')}")
        self.assert_refused("dangling", f"is the file of another output, {self.path('new')}")
        self.assert_refused("here/new", f"is the file of another output, {self.path('new')}")

    def test_links_are_followed(self):
        self.path("old", "old")
        self.path("link").symlink_to("old")
        self.path("dangling").symlink_to("folder/new")
        with self.files as files:
            files.add_text(self.path("link"), "one")
            files.add_text(self.path("dangling"), "two")
            files.commit()
        self.assertTrue(self.path("link").is_symlink() and self.path("dangling").is_symlink())
        self.assertEqual(self.path("old").read_text(), "one")
        self.assertEqual(self.path("folder/new").read_text(), "two")
        self.path("a").symlink_to("b")
        self.path("b").symlink_to("a")
        self.assert_refused("a", "cannot be written: Too many levels of symbolic links")

    def test_modes_are_kept(self):
        old = self.path("old", "old")
        old.chmod(0o640)
        mask = os.umask(0o027)
        self.addCleanup(os.umask, mask)
        with self.files as files:
            files.add_text(old, "new")
            files.add_text(self.path("made"), "new")
            files.add_file(self.path("other"), lambda path: path.write_text("new"))
            files.commit()
        self.assertEqual([stat.S_IMODE(self.path(name).stat().st_mode)
                          for name in ("old", "made", "other")], [0o640, 0o640, 0o640])

    def test_folders_are_no_files(self):
        self.path("folder").mkdir()
        self.path("file", "")
        self.assert_refused("folder", "is a folder")
        for name in ("file/x", "file/x/y"):
            self.assert_refused(name, f"cannot make the folder: {self.path('file')} is no folder")

    @unittest.skipIf(os.geteuid() == 0, "root may write everything")
    def test_read_only(self):
        self.path("file", "").chmod(0o444)
        self.assert_refused("file", "cannot be written: Permission denied")

    def test_writes_into_a_pipe(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        read = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
        reader.start()
        with self.files as files:
            files.add_text(pipe, "through")
            files.add_text(self.path("file"), "beside")
            files.commit()
        reader.join()
        self.assertEqual(read, ["through"])
        self.assertTrue(pipe.is_fifo())

    def test_devices_stay(self):
        try:
            for name, minor in (("null", 3), ("full", 7)):
                os.mknod(self.path(name), stat.S_IFCHR | 0o666, os.makedev(1, minor))
            os.close(os.open(self.path("null"), os.O_WRONLY))
        except OSError as error:
            self.skipTest(f"devices cannot be made: {error}")
        with self.files as files:
            files.add_text(self.path("null"), "one")
            files.add_file(self.path("null"), lambda path: path.write_text("two"))
            files.commit()
        self.assertTrue(self.path("null").is_char_device())
        # A fault there leaves nothing of the other files.
        with self.assertRaisesRegex(ExportError, "full: cannot be written: No space left"):
            with OutputFiles() as files:
                files.add_text(self.path("file"), "one")
                files.add_text(self.path("full"), "two")
                files.commit()
        self.assertEqual(self.names(), ["full", "null"])

    def test_a_full_disk(self):
        def fail(_file):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        old = self.path("old", "old")
        with self.assertRaisesRegex(ExportError, "old: cannot be written: No space left"):
            with self.files as files:
                files.add(old, fail)
        self.assertEqual((self.names(), old.read_text()), (["old"], "old"))

    def test_standard_output(self):
        script = (f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r})\n"
                  "from sprint.export.files import OutputFiles\n"
                  "OutputFiles().plan(__import__('pathlib').Path(sys.argv[1]))\n")
        with open(self.path("log"), "w", encoding="utf-8") as log:
            done = subprocess.run([sys.executable, "-c", script, str(self.path("log"))],
                                  stdout=log, stderr=subprocess.PIPE, text=True, check=False)
        self.assertIn("log: is the file of standard output", done.stderr)

    def test_removes_what_killed_runs_have_left(self):
        for name in (".sprint-0123abcd", ".sprint-fedcba98", ".sprint-other", ".other"):
            self.path(name).mkdir()
            self.path(f"{name}/0", "left")
        in_use = os.open(self.path(".sprint-fedcba98"), os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, in_use)
        fcntl.flock(in_use, fcntl.LOCK_EX)
        with self.files as files:
            files.add_text(self.path("file"), "new")
            files.commit()
        self.assertEqual(self.names(), [".other", ".sprint-fedcba98", ".sprint-other", "file"])

    def test_signals(self):
        """They end the run as if nobody handled them, and leave nothing behind; one that is ignored
        stays so.
        """
        self.path("old", "old")
        script = f"""
import pathlib, sys, time
sys.path.insert(0, {str(ROOT / 'python')!r})
from sprint.export.errors import exit_code
from sprint.export.files import OutputFiles
def run(_):
    with OutputFiles() as files:
        files.add_text(pathlib.Path("old"), "new")
        files.add_text(pathlib.Path("folder/made"), "new")
        print("written", flush=True)
        time.sleep(60)
sys.exit(exit_code(run, None))
"""
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            # What runs in the background may ignore some.
            process = subprocess.Popen(
                [sys.executable, "-c", script], cwd=self.folder, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, preexec_fn=lambda number=number: signal.signal(
                    number, signal.SIG_DFL))
            self.assertEqual(process.stdout.readline(), b"written\n")
            self.assertEqual(len([name for name in self.names() if "sprint" in name]), 1)
            process.send_signal(number)
            _, errors = process.communicate()
            self.assertEqual((process.returncode, errors), (-number, b""))
            self.assertEqual(self.names(), ["folder", "old"])
            self.assertEqual(list((self.folder / "folder").iterdir()), [])
        self.assertEqual(self.path("old").read_text(), "old")
        with OutputFiles() as files:
            ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
            self.addCleanup(signal.signal, signal.SIGHUP, ignored)
            files.add_text(self.path("file"), "")
            self.assertEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)
        self.assertEqual(signal.getsignal(signal.SIGTERM), signal.SIG_DFL)


if __name__ == "__main__":
    unittest.main()
