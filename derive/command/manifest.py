"""What ``gradbook build`` made in a folder, by a list that it keeps there: ``.gradbook.json``.

A file is written over or removed only if the list has it as made from the same definition file, and with the
content that was made. Whatever else is there is somebody's own, whatever words are in it.

The folder of the project's own list is the root of a checkout, and there the list, which is checked in, has
names alone: contents change with branches and merges. Instead, a build of the project keeps a copy of what it
replaces if it is not what the last build here made (see derive.command.build).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from derive.command.files import FileError, replace, text_of, told

NAME = ".gradbook.json"
SHARED = ""  # the source of what all definition files of a folder have in common
ABOUT = "what gradbook build made here, from which file; it writes over and removes nothing else"


@dataclass(frozen=True)
class Made:
    """From which definition file, and the SHA-256 of the contents it may have; None: it is not compared."""

    source: str
    digests: tuple[str, ...] | None


@dataclass
class Manifest:
    """The list of one folder: names in it (with / between folders) to how they were made."""

    folder: Path
    made: dict[str, Made] = field(default_factory=dict)
    compares: bool = True

    @classmethod
    def load(cls, folder: Path, compares: bool = True) -> Manifest:
        """The list of a folder, empty where there is none.

        Raises:
            FileError: there is something else of that name.
        """
        path = folder / NAME
        if not path.exists():
            return cls(folder, {}, compares)
        try:
            made = dict(entries(json.loads(text_of(path))["made"]))
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise FileError(
                f"{path} is not the list that gradbook build keeps of what it made ({error}); "
                "move it away, or use another folder"
            ) from error
        return cls(folder, made, compares)

    def text(self) -> str:
        by_source: dict[str, Any] = {}
        for name, made in sorted(self.made.items(), key=lambda item: (item[1].source, item[0])):
            if made.digests is None:
                by_source.setdefault(made.source, []).append(name)
            else:
                by_source.setdefault(made.source, {})[name] = list(made.digests)
        return json.dumps({"about": ABOUT, "made": by_source}, indent=1, ensure_ascii=False) + "\n"

    def name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def of(self, source: str) -> dict[Path, Made]:
        """What was made from one definition file."""
        return {self.folder / name: made for name, made in self.made.items() if made.source == source}

    def obstacle(self, path: Path, source: str) -> str:
        """Why a file that is there must stay as it is: a sentence, empty if it need not."""
        made = self.made.get(self.name(path))
        if not path.exists() and not path.is_symlink():
            return ""
        if path.is_dir():
            return f"{path} is a folder; move it away, or use another --out"
        if made is None:
            return (
                f"{path} was not made by gradbook ({self.folder / NAME} does not list it), so it is not written over; "
                "move it away, or use another --out"
            )
        if made.source != source:
            other = made.source or "all files of this folder"
            mend = "give the layer another name, or use another --out"
            if made.source and not (self.folder / made.source).exists():
                other, mend = f"{other}, which is not there any more", "remove it, or use another --out"
            return f"{path} was made from {other}, so it is not written over; {mend}"
        if made.digests is not None and digest(path) not in made.digests:
            return f"{path} was changed since gradbook made it, so it is not written over; move it away to build again"
        return ""

    def write(self, source: str, texts: Mapping[Path, bytes], gone: Iterable[Path] = ()) -> None:
        """Write and remove files, and list it: before that with both contents, so that an interrupt loses nothing.

        Raises:
            FileError: a file cannot be written or removed.
        """
        gone = list(gone)
        new = {self.name(p): Made(source, (sha256(text),) if self.compares else None) for p, text in texts.items()}
        before = dict(self.made)
        self.made = before | {
            n: Made(source, None if made.digests is None else (*_digests(before.get(n)), *made.digests))
            for n, made in new.items()
            if before.get(n) != made
        }
        self.save()
        changed = {p: text for p, text in texts.items() if not p.exists() or p.read_bytes() != text}
        replace(changed)
        for path in gone:
            with told(path):
                path.unlink(missing_ok=True)
        self.made = {n: m for n, m in (before | new).items() if self.folder / n not in gone}
        self.save()

    def save(self) -> None:
        path, text = self.folder / NAME, self.text().encode()
        if not path.exists() or path.read_bytes() != text:
            replace({path: text})


def _digests(made: Made | None) -> tuple[str, ...]:
    return (made.digests or ()) if made else ()


def entries(found: Mapping[str, Any]) -> Iterable[tuple[str, Made]]:
    """A list as it stands in its file, checked: names lie in the folder.

    Raises:
        ValueError: a name that does not.
    """
    for source, names in found.items():
        for name in names:
            parts = PurePosixPath(name).parts
            if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
                raise ValueError(f"{name!r} is not in this folder")
            yield name, Made(source, tuple(names[name]) if isinstance(names, dict) else None)


def digest(path: Path) -> str:
    return sha256(path.read_bytes())


def sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
