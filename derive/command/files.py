"""Files are written whole or not at all, by one process at a time.

A text is written beside the file it is for and takes its place in one step (``os.replace``): a full disk, an
interrupt or a crash leaves what was there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: no lock, but every file is still written whole
    fcntl = None  # type: ignore[assignment]

WAIT = 30.0  # seconds for another process's writing, which takes milliseconds


class FileError(ValueError):
    """A file that cannot be read or written: says which, why and how to mend it."""


def replace(texts: Mapping[Path, bytes]) -> None:
    """Put texts in the place of files: first every text beside its file, then one renaming after the other.

    Raises:
        FileError: a folder or file cannot be written; what was there is still there.
    """
    beside: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            with told(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                beside[path] = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
                with open(beside[path], "xb") as file:
                    file.write(text)
        for path in texts:
            with told(path):
                os.replace(beside[path], path)
    finally:  # those that did not get to their place
        for part in beside.values():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the system says into a sentence about the file."""
    try:
        yield
    except OSError as error:
        raise FileError(f"{path} cannot be written: {reason(error)}; what was there is unchanged") from error


def reason(error: OSError) -> str:
    """What the system says, with the folder or file it says it of where that is another one."""
    why = (error.strerror or str(error)).lower()
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename:
        return f"{error.filename} is a file, not a folder"
    return why


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other builds from writing here meanwhile; creates the folder, and leaves no file in it.

    Raises:
        FileError: another build does not come to an end, or the folder cannot be made.
    """
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY) if fcntl else -1
    try:
        if fcntl:
            acquire(handle, folder)
        yield
    finally:
        if handle >= 0:
            os.close(handle)


def acquire(handle: int, folder: Path) -> None:
    """Lock a folder, with patience."""
    until = time.monotonic() + WAIT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise FileError(f"another build is writing into {folder}; build again when it has ended") from None
            time.sleep(0.05)
        except OSError:  # a file system without locks: every file is still written whole
            return


def text_of(path: Path) -> str:
    """A file's text.

    Raises:
        FileError: it cannot be read, or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not text in UTF-8 (byte {error.start + 1}): is it the right file?") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
