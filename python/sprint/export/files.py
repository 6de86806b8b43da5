# Part of the Sprint project.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that appear whole or not at all, and destroy nothing that a run did not mean to replace: what
docs/tools.md says of outputs, as runtime/lib/Support/OutputFiles.cpp does for the tools.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import io
import os
import pathlib
import re
import secrets
import shutil
import signal
import stat
import sys
import threading
from typing import (TYPE_CHECKING, Any, BinaryIO, Callable, Dict, Iterator, List, Mapping, Optional,
                    Sequence, Tuple)

import numpy as np

from .errors import Ended, ExportError

if TYPE_CHECKING:
    import torch

#: What folders of temporary files are called.
_FOLDER = re.compile(r"\.sprint-[0-9a-f]{8}")
#: Signals that end a run.
_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

#: What tells files apart: device, inode, and the rest of the path from there where the file does not
#: exist yet.
_Identity = Tuple[int, int, str]


def cannot_write(path: pathlib.Path, error: OSError) -> ExportError:
    """The error for a file that cannot be written."""
    return ExportError(f"{path}: cannot be written: {error.strerror}")


def _status(path: Any) -> Optional[os.stat_result]:
    try:
        return os.stat(path)
    except OSError:
        return None


@dataclasses.dataclass
class _Target:
    """Where the bytes for a path go."""

    #: Links followed.
    path: pathlib.Path
    identity: _Identity
    #: Whether it is there and no regular file.
    is_written_through: bool = False
    #: Of the regular file that is there.
    mode: Optional[int] = None


def _existing(path: pathlib.Path, status: os.stat_result) -> _Target:
    """The target of a path where something is."""
    if stat.S_ISDIR(status.st_mode):
        raise ExportError(f"{path}: is a folder")
    identity = (status.st_dev, status.st_ino, "")
    is_regular = stat.S_ISREG(status.st_mode)
    for descriptor, name in ((1, "standard output"), (2, "standard error")):
        stream = _status(descriptor)
        if is_regular and stream is not None and os.path.samestat(stream, status):
            raise ExportError(f"{path}: is the file of {name}")
    target = _Target(path, identity, not is_regular)
    if is_regular:
        target = _Target(path.resolve(), identity, mode=stat.S_IMODE(status.st_mode))
    for place in (path, target.path.parent) if is_regular else (path,):
        if not os.access(place, os.W_OK):
            raise ExportError(f"{path}: cannot be written: {os.strerror(errno.EACCES)}")
    return target


def _resolve(path: pathlib.Path) -> _Target:
    """Where a file that is written to `path` goes. Raises ExportError where none can be."""
    try:
        return _existing(path, os.stat(path))
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        pass
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ExportError(f"{path}: cannot be written: {reason}") from error
    # A link may lead to where nothing is yet.
    missing = pathlib.Path(os.path.realpath(path))
    nearest = missing.parent
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if not nearest.is_dir():
        raise ExportError(f"{path}: cannot make the folder: {nearest} is no folder")
    if not os.access(nearest, os.W_OK):
        raise ExportError(f"{path}: cannot be written: {os.strerror(errno.EACCES)}")
    folder = os.stat(nearest)
    return _Target(missing, (folder.st_dev, folder.st_ino, str(missing.relative_to(nearest))))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _lock(path: pathlib.Path) -> Optional[int]:
    """A descriptor of a folder that marks it as in use for as long as it is open; none where another
    run has it. Where folders cannot be locked, nobody does.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            os.close(descriptor)
            return None
    return descriptor


def _remove_stale(folder: pathlib.Path) -> None:
    """Removes temporary files that killed runs have left."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if not _FOLDER.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
                continue
            descriptor = _lock(pathlib.Path(entry.path))
            if descriptor is not None:
                shutil.rmtree(entry.path, ignore_errors=True)
                os.close(descriptor)


@dataclasses.dataclass
class _File:
    given: pathlib.Path
    target: _Target
    #: None of what is written through, whose `bytes` wait.
    temporary: Optional[pathlib.Path] = None
    bytes: bytes = b""


@dataclasses.dataclass
class _Folder:
    """A folder of temporary files, which a lock on its descriptor marks as in use."""

    path: pathlib.Path
    descriptor: int
    files: int = 0


class OutputFiles:
    """The files of a run, a context manager. Each is written into a folder `.sprint-` and eight
    hexadecimal digits beside its place, and moved there in `commit`; what is not committed goes at
    the end, also where a signal ends the run, and what killed runs have left goes with the next one
    that writes into the same folder.

    A regular file that is there is replaced and keeps its mode; links are followed. Anything else
    that is there is written to. Files are told apart by what they are: none replaces one that the
    run reads, another output, or the file of a standard stream. Everything raises ExportError.
    """

    def __init__(self) -> None:
        self._inputs: Dict[_Identity, pathlib.Path] = {}
        self._planned: Dict[pathlib.Path, _Target] = {}
        self._files: List[_File] = []
        self._folders: Dict[pathlib.Path, _Folder] = {}
        self._handlers: Dict[int, Any] = {}

    def __enter__(self) -> "OutputFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    # Which files ----------------------------------------------------------------------------------

    def add_input(self, path: Any) -> None:
        """Notes a file that the run reads, where there is one."""
        status = _status(path)
        if status is None or stat.S_ISDIR(status.st_mode):
            return
        identity = (status.st_dev, status.st_ino, "")
        self._inputs[identity] = pathlib.Path(path)
        for given, target in self._planned.items():
            self._check_unread(given, target)

    def _check_unread(self, path: pathlib.Path, target: _Target) -> None:
        if not target.is_written_through and target.identity in self._inputs:
            raise ExportError(f"{path}: is read as well, and would be replaced")

    @staticmethod
    def check(path: pathlib.Path) -> None:
        """Raises where no file can be written, as far as can be told before there is one."""
        _resolve(path)

    def plan(self, path: pathlib.Path) -> None:
        """The same for this run, which may not plan the file a second time."""
        target = _resolve(path)
        self._check_unread(path, target)
        for given, other in self._planned.items():
            if not target.is_written_through and other.identity == target.identity:
                name = "" if given == path else f", {given}"
                raise ExportError(f"{path}: is the file of another output{name}")
        self._planned[path] = target

    # Temporary files ------------------------------------------------------------------------------

    def _folder(self, folder: pathlib.Path) -> _Folder:
        """The folder of temporary files in `folder`, which is made where it does not exist."""
        if folder in self._folders:
            return self._folders[folder]
        os.makedirs(folder, exist_ok=True)
        _remove_stale(folder)
        self._handle_signals()
        while True:
            path = folder / f".sprint-{secrets.token_hex(4)}"
            with _undisturbed():
                try:
                    os.mkdir(path, 0o700)
                except FileExistsError:
                    continue
                descriptor = _lock(path)
                # Until it is locked, another run may take it for one that is left over.
                if descriptor is None:
                    continue
                made = _status(path)
                if made is None or not os.path.samestat(made, os.fstat(descriptor)):
                    os.close(descriptor)
                    continue
                self._folders[folder] = _Folder(path, descriptor)
                return self._folders[folder]

    def scratch(self, path: pathlib.Path) -> pathlib.Path:
        """A path for a file that is needed while the output `path` is made; it goes at the end."""
        target = self._planned.get(path) or _resolve(path)
        # Beside a device or a pipe there is no place for files.
        beside = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) if target.is_written_through \
            else target.path.parent
        try:
            folder = self._folder(beside)
        except OSError as error:
            raise cannot_write(path, error) from error
        folder.files += 1
        return folder.path / str(folder.files)

    def add(self, path: pathlib.Path, write: Callable[[BinaryIO], object]) -> None:
        """Adds what `write` writes. Plans the file where that has not been done."""
        if path not in self._planned:
            self.plan(path)
        target = self._planned[path]
        if target.is_written_through:
            waiting = io.BytesIO()
            write(waiting)
            self._files.append(_File(path, target, bytes=waiting.getvalue()))
            return
        temporary = self.scratch(path)
        try:
            with open(temporary, "xb") as file:
                write(file)
        except OSError as error:
            raise cannot_write(path, error) from error
        self._add_written(path, target, temporary)

    def add_file(self, path: pathlib.Path, make: Callable[[pathlib.Path], object]) -> None:
        """Adds the file that `make` makes at the path that it is given."""
        if path not in self._planned:
            self.plan(path)
        target = self._planned[path]
        temporary = self.scratch(path)
        make(temporary)
        if target.is_written_through:
            self._files.append(_File(path, target, bytes=temporary.read_bytes()))
        else:
            self._add_written(path, target, temporary)

    def _add_written(self, path: pathlib.Path, target: _Target, temporary: pathlib.Path) -> None:
        if any(file.given == path for file in self._files):
            raise ExportError(f"{path}: is the file of another output")
        if target.mode is not None:
            os.chmod(temporary, target.mode)
        self._files.append(_File(path, target, temporary))

    def add_text(self, path: pathlib.Path, text: str) -> None:
        self.add(path, lambda file: file.write(text.encode()))

    def add_array(self, path: pathlib.Path, array: np.ndarray) -> None:
        self.add(path, lambda file: np.save(file, array))

    def add_arrays(self, path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
        """An .npz of named arrays."""
        self.add(path, lambda file: np.savez(file, **arrays))

    # The end --------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Gives all files their names."""
        # What cannot be taken back comes first, as it may fail.
        for file in self._files:
            if file.temporary is None:
                try:
                    with open(os.open(file.target.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY),
                              "wb", buffering=0) as stream:
                        waiting = memoryview(file.bytes)
                        while waiting:
                            waiting = waiting[stream.write(waiting):]
                except OSError as error:
                    raise cannot_write(file.given, error) from error
        with _undisturbed():
            for file in self._files:
                if file.temporary is None:
                    continue
                try:
                    os.replace(file.temporary, file.target.path)
                except OSError as error:
                    raise cannot_write(file.given, error) from error
        self._remove()
        self._planned.clear()

    def _remove(self) -> None:
        """Removes what is not committed."""
        with _undisturbed():
            for folder in self._folders.values():
                shutil.rmtree(folder.path, ignore_errors=True)
                os.close(folder.descriptor)
            self._folders.clear()
            self._files.clear()
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers.clear()

    def _handle_signals(self) -> None:
        """Has signals that would end the process raise Ended instead while there is something to
        remove.
        """
        if self._handlers or threading.current_thread() is not threading.main_thread():
            return

        def end(number: int, _frame: object) -> None:
            raise Ended(number)

        for number in _ENDING:
            # One that is ignored, as nohup has it, stays so, and one that somebody handles.
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._handlers[number] = signal.signal(number, end)


def add_tensors(files: OutputFiles, directory: pathlib.Path, prefix: str,
                tensors: Sequence[torch.Tensor]) -> None:
    """Adds tensors as `PREFIX0.npy`, `PREFIX1.npy`, and so on."""
    for index, tensor in enumerate(tensors):
        array = tensor.detach().contiguous().numpy()
        files.add_array(directory / f"{prefix}{index}.npy", array)
