"""Files of strangers: cut off anywhere, of other shapes, with objects, bombs and paths in them. All of it is said."""

from __future__ import annotations

import io
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive import cli
from derive.vectors import files, folder
from derive.vectors.files import Unreadable, Wanted, read

WANTED = {"output.y": Wanted((2, 3), "float32"), "gradient.x": Wanted((3,), "float32")}
GOOD = {"output.y": np.ones((2, 3), np.float32), "gradient.x": np.ones(3, np.float32)}


def of(arrays: dict[str, Any], form: str = "npz") -> bytes:
    return folder.WRITERS[form]({n: ("float32", a) for n, a in arrays.items()}, {"a": 1})


def npy(header: bytes, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + data


def zipped(*members: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", how) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def one(data: bytes) -> bytes:
    return zipped(("output.y.npy", data))


def shaped(shape: bytes) -> bytes:
    return b"{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + b", }\n"


def saved(array: Any, **how: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **how)
    return file.getvalue()


class Evil:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("it was unpickled",))


def bomb() -> bytes:
    """An array of the right header that unfolds to a hundred megabytes."""
    return zipped(("output.y.npy", npy(shaped(b"(2, 3)"), bytes(100 << 20))), how=zipfile.ZIP_DEFLATED)


def lying_bomb() -> bytes:
    """The same, that says of itself that it is short."""
    data = bytearray(bomb())
    short = struct.pack("<I", 200)
    for signature, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = bytes(data).rindex(signature) if at == 24 else 0
        data[place + at : place + at + 4] = short
    return bytes(data)


DAMAGED: tuple[tuple[str, bytes, str], ...] = (
    ("nothing", b"", "is no whole .npz file"),
    ("text", b"hello", "is no whole .npz file"),
    ("a pickle", pickle.dumps(GOOD), "is no whole .npz file"),
    ("objects", one(saved(np.array([Evil()] * 6, object).reshape(2, 3))), "Python objects"),
    ("a structure with objects", one(saved(np.zeros(2, [("a", "O")]))), "Python objects"),
    ("a pickle for an array", one(pickle.dumps(Evil())), "no array of NumPy's format"),
    ("another shape", one(saved(np.ones((3, 2), np.float32))), "float32 of shape [3, 2]; float32 of shape [2, 3] is"),
    ("another rank", one(saved(np.ones(6, np.float32))), "float32 of shape [6]; float32 of shape [2, 3]"),
    ("another format", one(saved(np.ones((2, 3)))), "is float64 of shape [2, 3]; float32"),
    ("text in an array", one(saved(np.full((2, 3), "a"))), "; float32 of shape [2, 3] is expected"),
    ("another name", zipped(("output.z.npy", saved(GOOD["output.y"]))), "'output.z', which is no name"),
    ("a path", zipped(("../../output.y.npy", saved(GOOD["output.y"]))), "'../../output.y', which is no name"),
    ("an absolute path", zipped(("/etc/passwd", b"")), "'/etc/passwd', which is no name"),
    ("a name of another system", zipped(("..\\output.y.npy", saved(GOOD["output.y"]))), "which is no name"),
    ("a folder", zipped(("output.y/", b"")), "which is no name"),
    ("a bomb", bomb(), "unfolds to"),
    ("a bomb that lies", lying_bomb(), ""),
    ("code for a shape", one(npy(shaped(b"(1 << 40,)"))), "no array of NumPy's format"),
    ("a huge shape", one(npy(shaped(b"(1099511627776,)"))), "of shape [1099511627776]"),
    ("a negative shape", one(npy(shaped(b"(-2, -3)"))), "of shape [-2, -3]"),
    ("code in a header", one(npy(b"{'descr': __import__('os').abort(), 'shape': (2, 3)}\n")), "no array of NumPy's"),
    ("a deep header", one(npy(b"(" * 9000 + b"\n")), "no array of NumPy's format"),
    ("an unknown version", one(npy(b"{}", version=b"\x09\x00")), "version (9, 0)"),
    ("too little", one(saved(GOOD["output.y"])[:-4]), "ends after 20 of 24 bytes"),
    ("too much", one(saved(GOOD["output.y"]) + b"more"), "longer than 24 bytes"),
    ("one name twice", zipped(*[("output.y.npy", saved(GOOD["output.y"]))] * 2), "output.y twice"),
    ("many members", zipped(*[(f"a{n}", b"") for n in range(5000)]), "has 5000 members"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "data", "words"), DAMAGED, ids=[k for k, *_ in DAMAGED])
def test_it_is_refused(kind: str, data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "0000.npz"
    path.write_bytes(data)
    with pytest.raises(Unreadable) as error:
        read(path, WANTED)
    assert words in str(error.value)
    assert str(path) in str(error.value)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_cut_off_anywhere_it_is_refused(form: str, tmp_path: Path) -> None:
    path, data = tmp_path / f"0000.{form}", of(GOOD, form)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(Unreadable):
            read(path, WANTED)
    path.write_bytes(data)
    assert {n: a.tolist() for n, a in read(path, WANTED).items()} == {n: a.tolist() for n, a in GOOD.items()}


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_a_changed_byte_is_refused_or_leaves_the_form_as_it_was(form: str, tmp_path: Path) -> None:
    """Numbers of safetensors have no checksum; whatever is read has the shapes and formats expected."""
    path, data = tmp_path / f"0000.{form}", of(GOOD, form)
    rng = np.random.default_rng(0)
    for place in range(len(data)):
        other = bytearray(data)
        other[place] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(other))
        try:
            found = read(path, WANTED)
        except Unreadable:
            continue
        assert all((a.shape, a.dtype) == (WANTED[n].shape, np.float32) for n, a in found.items())


def test_what_means_the_same_is_read(tmp_path: Path) -> None:
    """Arrays column by column, of the other byte order, compressed."""
    path = tmp_path / "0000.npz"
    y = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.savez_compressed(path, **{"output.y": np.asfortranarray(y), "gradient.x": GOOD["gradient.x"].astype(">f4")})
    found = read(path, WANTED)
    assert np.array_equal(found["output.y"], y)
    assert np.array_equal(found["gradient.x"], GOOD["gradient.x"])


# ---- folders -----------------------------------------------------------------------------------------------------


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    place = tmp_path / "vectors"
    assert cli.main(["vectors", "relu", "--count", "2", "--format", "npz", "-o", str(place)]) == 0
    (tmp_path / "results").mkdir()
    return place


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def run(place: Path) -> None:
        manifest = json.loads((place / "vectors.json").read_text())
        change(manifest)
        (place / "vectors.json").write_text(json.dumps(manifest))

    return run


def cut(place: Path) -> None:
    text = (place / "vectors.json").read_text()
    (place / "vectors.json").write_text(text[: len(text) // 2])


def output(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["cases"][0]["outputs"]["results"][0]["arrays"][0]
    return found


FOLDERS: tuple[tuple[Callable[[Path], Any], str], ...] = (
    (lambda p: (p / "vectors.json").unlink(), "is no folder of vectors"),
    (cut, "is no whole JSON file"),
    (lambda p: (p / "vectors.json").write_bytes(b"\xff\xfe"), "is no whole JSON file"),
    (lambda p: (p / "vectors.json").write_text("[" * 100_000), "is no whole JSON file"),
    (lambda p: (p / "relu" / "0001.npz").unlink(), "0001.npz cannot be read"),
    (lambda p: (p / "relu" / "0001.npz").write_bytes(b"PK"), "is damaged: its checksum"),
    (edited(lambda m: m.pop("cases")), "not as its schema says: 'cases' is a required property"),
    (edited(lambda m: m.update(gradbook_vectors=2)), "at ['gradbook_vectors']: 1 was expected"),
    (edited(lambda m: m["cases"][0].update(layer="../../etc")), "at ['cases'][0]['layer']"),
    (edited(lambda m: m["cases"][0].update(case="/etc/passwd")), "at ['cases'][0]['case']"),
    (edited(lambda m: m["cases"][0]["inputs"][0]["arrays"][0].update(key="../x")), "'../x' does not match"),
    (edited(lambda m: m["cases"][0]["inputs"][0]["arrays"][0].update(shape=[-1])), "-1 is less than the minimum"),
    (edited(lambda m: m["cases"].append(m["cases"][0])), "lists relu/0000 twice"),
    (edited(lambda m: m["cases"][0].pop("files")), "names no file for relu/0000"),
    (edited(lambda m: output(m).update(shape=[7])), "float64 of shape [7] is expected"),
    (edited(lambda m: output(m).update(shape=[1 << 30, 1 << 30])), "is to have 9223372036854775808 bytes"),
    (edited(lambda m: m["cases"][0]["inputs"].append(m["cases"][0]["inputs"][0])), "two arrays of a case are called"),
)  # fmt: skip


@pytest.mark.parametrize(("damage", "words"), FOLDERS, ids=[w for _, w in FOLDERS])
def test_a_damaged_folder_is_told(
    damage: Callable[[Path], Any], words: str, vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for case in ("0000", "0001"):
        (vectors.parent / "results" / "relu").mkdir(exist_ok=True)
        (vectors.parent / "results" / "relu" / f"{case}.npz").write_bytes(of({}))
    damage(vectors)
    capsys.readouterr()
    assert cli.main(["vectors", "--check", str(vectors), str(vectors.parent / "results")]) == 2
    out, err = capsys.readouterr()
    assert words in out + err


def test_results_that_are_missing_or_damaged_are_told(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = vectors.parent / "results"

    def said() -> str:
        capsys.readouterr()
        assert cli.main(["vectors", "--check", str(vectors), str(results)]) == 2
        return capsys.readouterr().out

    assert "no results for 2 cases: relu/0000, relu/0001" in said()
    (results / "relu").mkdir()
    (results / "relu" / "0000.npz").write_bytes(b"PK\x03\x04")
    assert f"cannot be read: {results / 'relu' / '0000.npz'} is no whole .npz file" in said()
    (results / "relu" / "0000.npz").write_bytes(of({}))
    assert "has no arrays; output.y, gradient.x are expected" in said()


def test_some_results_of_a_part_are_not_enough(tmp_path: Path) -> None:
    place = tmp_path / "vectors"
    assert cli.main(["vectors", "linear", "--count", "1", "--format", "npz", "-o", str(place)]) == 0
    case = folder.manifest_of(place)["cases"][0]
    shapes = {k: w.shape for k, w in folder.wanted(case, everything=False).items()}
    (tmp_path / "results" / "linear").mkdir(parents=True)
    path = tmp_path / "results" / "linear" / "0000.npz"
    arrays = {k: np.zeros(s, np.float32) for k, s in shapes.items() if k != "gradient.W"}
    path.write_bytes(of(arrays))
    with pytest.raises(Unreadable, match=r"has no gradient.W; give all of its gradients or none"):
        folder.results_of(tmp_path / "results", case)
    path.write_bytes(of({"output.z": arrays["output.z"]}))
    assert set(folder.results_of(tmp_path / "results", case) or {}) == {"output.z"}


def test_no_pickle_is_asked_for() -> None:
    import ast
    import inspect

    names = {n.id for n in ast.walk(ast.parse(inspect.getsource(files))) if isinstance(n, ast.Name)}
    assert not names & {"pickle", "eval", "exec"}
