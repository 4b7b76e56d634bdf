"""A folder of vectors: ``vectors.json``, its schema, and ``LAYER/CASE.npz`` or ``.safetensors``.

What an earlier call made may be made again; nothing else in the folder is touched, and a folder that holds
other things is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from derive.command.files import FileError, locked, replace, told
from derive.vectors import files
from derive.vectors.files import Unreadable, needed, read
from derive.vectors.made import Json, Vector, wanted

MANIFEST, SCHEMA = "vectors.json", "schema.json"
WRITERS = {"npz": files.npz, "safetensors": files.safetensors}
LONGEST = 1 << 28  # bytes of a manifest


def schema() -> Json:
    """The JSON schema of the manifest and, under ``$defs/case``, of what a file says of itself."""
    found: Json = json.loads(resources.files("derive.vectors").joinpath(SCHEMA).read_text(encoding="utf-8"))
    return found


def write(folder: Path, vectors: Sequence[Vector], manifest: Json, formats: Sequence[str]) -> list[Path]:
    """Write a folder of vectors; the files written.

    Raises:
        derive.command.files.FileError: something in the folder is not of an earlier call, or was changed since.
    """
    texts: dict[Path, bytes] = {}
    for vector in vectors:
        place = folder / vector.about["layer"]
        for form in formats:
            texts[place / f"{vector.about['case']}.{form}"] = WRITERS[form](vector.arrays, vector.about)
    for case in manifest["cases"]:
        place = folder / case["layer"]
        case["files"] = {form: _hash(texts[place / f"{case['case']}.{form}"]) for form in formats}
    texts[folder / SCHEMA] = (json.dumps(schema(), indent=2) + "\n").encode()
    texts[folder / MANIFEST] = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    with locked(folder):
        gone = _ours(folder) - texts.keys()
        replace(texts)
        for path in gone:
            with told(path):
                path.unlink()
    return list(texts)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _ours(folder: Path) -> set[Path]:
    """The files of an earlier call.

    Raises:
        FileError: there are others, or one of these is not as it was.
    """
    there = {p for p in folder.rglob("*") if not p.is_dir() or p.is_symlink()}
    if not there:
        return set()
    ours = {folder / MANIFEST, folder / SCHEMA}
    words = "give another folder with -o, nothing was written"
    if folder / MANIFEST not in there:
        raise FileError(f"{folder} holds other things than vectors ({_some(folder, there)}): {words}")
    try:
        for case, form, path in listed(folder, manifest_of(folder)):
            ours.add(path)
            if path in there and _hash(path.read_bytes()) != case["files"][form]:
                raise FileError(f"{path} was changed since it was made: {words}")
    except Unreadable as error:
        raise FileError(f"{error}: {words}") from error
    if others := there - ours:
        raise FileError(f"{folder} holds other things than vectors ({_some(folder, others)}): {words}")
    if (folder / SCHEMA) in there and json.loads((folder / SCHEMA).read_text(encoding="utf-8")) != schema():
        raise FileError(f"{folder / SCHEMA} is not the schema of this version: {words}")
    return ours & there


def _some(folder: Path, paths: set[Path]) -> str:
    names = sorted(p.relative_to(folder).as_posix() for p in paths)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


# ---- reading -------------------------------------------------------------------------------------------------


def manifest_of(folder: Path) -> Json:
    """What a folder says that it holds, checked against the schema.

    Raises:
        Unreadable: it is no folder of vectors, or its manifest is damaged.
    """
    path = folder / MANIFEST
    try:
        if path.stat().st_size > LONGEST:
            raise Unreadable(f"{path} is longer than {LONGEST} bytes")
        found: Json = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unreadable(f"{folder} is no folder of vectors: it has no {MANIFEST}") from None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} is no whole JSON file: {error}") from error
    valid(found, schema(), str(path))
    twice = [
        f"{c['layer']}/{c['case']}" for n, c in enumerate(found["cases"]) if _key(c) in map(_key, found["cases"][:n])
    ]
    if twice:
        raise Unreadable(f"{path} lists {twice[0]} twice")
    return found


def _key(case: Json) -> tuple[str, str]:
    return case["layer"], case["case"]


def valid(value: Any, schema: Json, what: str) -> None:
    """Check against a schema.

    Raises:
        Unreadable: says where it differs. derive.vectors.files.Missing: jsonschema is not installed.
    """
    validator = needed("jsonschema").Draft202012Validator(schema)
    error = next(iter(sorted(validator.iter_errors(value), key=lambda e: len(e.path))), None)
    if error is not None:
        where = "".join(f"[{p!r}]" for p in error.absolute_path)
        raise Unreadable(f"{what} is not as its schema says{' at ' + where if where else ''}: {error.message[:300]}")


def listed(folder: Path, manifest: Json) -> Iterator[tuple[Json, str, Path]]:
    """Every case, format and file of a folder."""
    for case in manifest["cases"]:
        for form in case.get("files", {}):
            yield case, form, folder / case["layer"] / f"{case['case']}.{form}"


def arrays_of(folder: Path, case: Json) -> dict[str, Any]:
    """All arrays of a case.

    Raises:
        Unreadable: a file is missing, damaged, or not what the manifest says.
    """
    own = wanted(case)
    for form in case.get("files", {}):
        path = folder / case["layer"] / f"{case['case']}.{form}"
        try:
            data = path.read_bytes() if path.stat().st_size <= files.MOST else b""
        except OSError as error:
            raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from error
        if _hash(data) != case["files"][form]:
            raise Unreadable(f"{path} is damaged: its checksum is not that of {MANIFEST}")
        found = read(path, own)
        if missing := own.keys() - found.keys():
            raise Unreadable(f"{path} has no {', '.join(sorted(missing))}")
        return found
    raise Unreadable(f"{folder / MANIFEST} names no file for {case['layer']}/{case['case']}")


def results_of(folder: Path, case: Json) -> Mapping[str, Any] | None:
    """What somebody computed at a case, as numbers by key; None where there is no file.

    Raises:
        Unreadable: the file is damaged, or an array is not as expected or missing.
    """
    own = wanted(case, everything=False)
    for form in WRITERS:
        path = folder / case["layer"] / f"{case['case']}.{form}"
        if path.is_file():
            found = read(path, own)
            for part in ("output", "gradient"):
                keys = [k for k in own if k.split(".")[0] == part]
                missing = [k for k in keys if k not in found]
                if missing and len(missing) < len(keys):
                    raise Unreadable(f"{path} has no {', '.join(missing)}; give all of its {part}s or none")
            if not found:
                raise Unreadable(f"{path} has no arrays; {', '.join(own)} are expected")
            return {k: files.numbers(v, own[k].format) for k, v in found.items()}
    return None
