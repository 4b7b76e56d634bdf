"""Folders of vectors: what is in them, that they are made again byte for byte, and what becomes of results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive import cli
from derive.judge.wire import bfloat16_bits, from_bfloat16
from derive.vectors import folder
from reference import layer_norm, relu

LAYERS = ("relu", "layer_norm")
SOURCE = Path(folder.__file__).with_name("linear.c")


def made(place: Path, *words: str) -> dict[str, Any]:
    assert cli.main(["vectors", *words, "-o", str(place)]) == 0
    return folder.manifest_of(place)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("vectors")
    made(place, *LAYERS)
    return place


def answered(vectors: Path, results: Path, change: Any = lambda case, arrays: arrays, form: str = "npz") -> None:
    """The results of our kernels, changed."""
    for case in folder.manifest_of(vectors)["cases"]:
        given = folder.arrays_of(vectors, case)
        kernel = {"relu": relu, "layer_norm": layer_norm}[case["layer"]]
        inputs = [given[t["arrays"][0]["key"]] for t in case["inputs"]]
        with np.errstate(all="ignore"):
            y, saved = kernel.forward(*inputs, **case["options"])
            gradients = kernel.backward(given["cotangent.y"], saved)
        arrays = {"output.y": y, **{f"gradient.{n}": v for n, v in gradients._asdict().items()}}
        arrays = change(case, arrays)
        path = results / case["layer"] / f"{case['case']}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(folder.WRITERS[form]({n: ("float32", a) for n, a in arrays.items()}, {}))


def checked(vectors: Path, results: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    status = cli.main(["vectors", "--check", str(vectors), str(results), *words])
    out, err = capsys.readouterr()
    return status, out + err


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_our_kernels_are_right(vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    answered(vectors, tmp_path, form=form)
    status, said = checked(vectors, tmp_path, capsys, "--strict")
    assert status == 0, said
    assert "right: " in said


def test_a_wrong_element_is_shown(vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(case: Any, arrays: Any) -> Any:
        if (case["layer"], case["case"]) == ("layer_norm", "0002"):
            arrays["gradient.gamma"] = arrays["gradient.gamma"].copy()
            arrays["gradient.gamma"][1] *= 1.001
        return arrays

    answered(vectors, tmp_path, change)
    status, said = checked(vectors, tmp_path, capsys)
    assert status == 1
    assert "layer_norm/0002: gradient.gamma[1] is " in said
    assert "times what is allowed (1 of " in said
    assert "layer_norm: output.y 0." in said
    status, said = checked(vectors, tmp_path, capsys, "--json")
    assert json.loads(said)["differences"][0]["at"] == [1]


def test_another_convention_is_a_difference_and_no_error(
    vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """relu's gradient at 0 is 1 for some; that at other places is none of a convention's business."""

    def at_zero(case: Any, arrays: Any) -> Any:
        if case["layer"] == "relu":
            given = folder.arrays_of(vectors, case)
            arrays["gradient.x"] = np.where(given["input.x"] == 0, given["cotangent.y"], arrays["gradient.x"])
        return arrays

    answered(vectors, tmp_path, at_zero)
    status, said = checked(vectors, tmp_path, capsys)
    assert status == 0, said
    assert "a convention: x = 0: value 0, gradient 0" in said
    assert checked(vectors, tmp_path, capsys, "--strict")[0] == 1

    def everywhere(case: Any, arrays: Any) -> Any:
        return {**arrays, "gradient.x": arrays["gradient.x"] + (case["why"] == "values that tie")}

    answered(vectors, tmp_path, everywhere)
    assert checked(vectors, tmp_path, capsys)[0] == 1


def test_a_case_says_what_it_is(vectors: Path) -> None:
    manifest = folder.manifest_of(vectors)
    assert set(manifest["layers"]) == set(LAYERS)
    words = {c["why"].split(" (")[0] for c in manifest["cases"]}
    assert {"all sizes different", "values that tie", "sizes of one", "constant rows"} <= words
    for case, form, path in folder.listed(vectors, manifest):
        own = {k: v for k, v in case.items() if k != "files"}
        if form == "npz":
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(bytes(file["about"]))
        else:
            data = path.read_bytes()
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            about = json.loads(header["__metadata__"]["about"])
        assert about == own
        folder.valid(about, {**folder.schema()["$defs"]["case"], "$defs": folder.schema()["$defs"]}, str(path))
    tied = next(c for c in manifest["cases"] if c["layer"] == "relu" and c["why"] == "values that tie")
    assert tied["outputs"]["class"] == "must hold"
    assert tied["gradients"]["class"] == "depends on a convention"
    assert tied["gradients"]["conventions"][0]["where"] == "x = 0"


def test_other_peoples_readers_read_them(vectors: Path) -> None:
    from safetensors.numpy import load_file

    for case in folder.manifest_of(vectors)["cases"][:3]:
        path = vectors / case["layer"] / case["case"]
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as file:
            arrays = {n: file[n] for n in file if n != "about"}
        other = load_file(path.with_suffix(".safetensors"))
        assert arrays.keys() == other.keys()
        assert all(np.array_equal(arrays[n], other[n], equal_nan=True) for n in arrays)


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        made(tmp_path / name, "relu", "--count", "3", "--seed", seed)
    one, two, three = ((tmp_path / n / "relu" / "0000.npz").read_bytes() for n in ("one", "two", "three"))
    assert one == two != three


def test_options_formats_counts_and_lists(tmp_path: Path) -> None:
    manifest = made(tmp_path / "a", "layer_norm", "--option", "epsilon=0.5", "--count", "60", "--format", "npz")
    assert {c["options"]["epsilon"] for c in manifest["cases"]} == {0.5}
    assert len(manifest["cases"]) == 60
    manifest = made(tmp_path / "b", "clip_by_global_norm", "--count", "2", "--dtype", "bfloat16", "--format", "npz")
    case = manifest["cases"][0]
    assert case["inputs"][0]["list"]
    assert len(case["inputs"][0]["arrays"]) > 1
    arrays = folder.arrays_of(tmp_path / "b", case)
    key = case["inputs"][0]["arrays"][0]["key"]
    assert arrays[key].dtype == np.uint16
    assert np.array_equal(bfloat16_bits(from_bfloat16(arrays[key])), arrays[key])


def test_a_layer_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "my_layers.py"
    path.write_text(
        "from derive import layer\n\n\n@layer(cites='a test')\ndef half(x: Real[...]):\n"
        "    '''Half of it.'''\n    y[...] = x[...] / 2\n    return y\n"
    )
    manifest = made(tmp_path / "v", f"{path}:half", "--count", "2", "--format", "npz")
    assert manifest["layers"]["half"]["equations"] == ["y[...] = x[...] / 2"]
    arrays = folder.arrays_of(tmp_path / "v", manifest["cases"][0])
    assert np.array_equal(arrays["output.y"], arrays["input.x"] / 2)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_example_in_c(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vectors, results = tmp_path / "vectors", tmp_path / "results"
    (results / "linear").mkdir(parents=True)
    manifest = made(vectors, "linear", "--format", "safetensors")
    for name, source in (
        ("right", SOURCE.read_text()),
        ("wrong", SOURCE.read_text().replace("DB[o] += g;", "DB[o] = g;")),
    ):
        (tmp_path / f"{name}.c").write_text(source)
        flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror"]
        subprocess.run(["cc", *flags, "-o", tmp_path / name, tmp_path / f"{name}.c", "-lm"], check=True)
        statuses = set()
        for case, _, path in folder.listed(vectors, manifest):
            words = [tmp_path / name, path, results / "linear" / f"{case['case']}.safetensors"]
            statuses.add(subprocess.run(words, stdout=subprocess.DEVNULL).returncode)
        status, said = checked(vectors, results, capsys)
        assert (status, max(statuses)) == ((0, 0) if name == "right" else (1, 1)), said
    assert "gradient.b WRONG" in said
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((vectors / "linear" / "0000.safetensors").read_bytes()[:-8])
    done = subprocess.run([tmp_path / "right", cut, tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "is cut off" in done.stderr


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_commands_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "judge-any-language.md").read_text(encoding="utf-8")
    commands = [b.strip().split("\n") for b in text.split("```\n")[1::2] if b.startswith("gradbook vectors")]
    assert len(commands) == 3
    monkeypatch.chdir(tmp_path)
    shutil.copy(SOURCE, tmp_path)
    assert cli.main([*commands[0][0].split()[1:], "--count", "1"]) == 0
    shutil.rmtree(tmp_path / "vectors")
    for words in (line.split() for line in commands[2]):
        if words[1:2] == ["--check"] or words[:2] == ["gradbook", "vectors"]:
            status = cli.main(words[1:])
            assert status == (2 if "--check" in words else 0)  # one case has results
        else:
            subprocess.run(words, check=True)


# ---- what is there already ---------------------------------------------------------------------------------------


def refused(place: Path, words: str, capsys: pytest.CaptureFixture[str], *more: str) -> None:
    before = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}
    assert cli.main(["vectors", "relu", "--count", "1", "--format", "npz", "-o", str(place), *more]) == 2
    assert words in capsys.readouterr().err
    assert {p: p.read_bytes() for p in place.rglob("*") if p.is_file()} == before


def test_nothing_of_the_users_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    refused(foreign, "holds other things than vectors (notes.txt)", capsys)

    own = tmp_path / "own"
    made(own, "relu", "--count", "3", "--format", "npz")
    made(own, "relu", "--count", "2", "--format", "npz")  # of an earlier call: what is not made again goes
    assert sorted(p.name for p in own.rglob("*.npz")) == ["0000.npz", "0001.npz"]
    (own / "relu" / "mine.txt").write_text("mine")
    refused(own, "relu/mine.txt", capsys)
    (own / "relu" / "mine.txt").unlink()
    (own / "relu" / "0001.npz").write_bytes(b"changed")
    refused(own, "was changed since it was made", capsys)
    os.remove(own / "relu" / "0001.npz")
    os.symlink(foreign / "notes.txt", own / "relu" / "0001.npz")
    refused(own, "was changed since it was made", capsys)
    assert (foreign / "notes.txt").read_text() == "mine"

    (tmp_path / "file").write_text("mine")
    assert cli.main(["vectors", "relu", "--count", "1", "-o", str(tmp_path / "file")]) == 2
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say which layers, and where to write"),
        (["relu"], "say which layers, and where to write"),
        (["rleu", "-o", "v"], "did you mean relu"),
        (["relu", "-o", "v", "--dtype", "float31"], "no format"),
        (["relu", "-o", "v", "--option", "alpha=2"], "has no option 'alpha'"),
        (["relu", "-o", "v", "--count", "0"], "at least one case"),
        (["relu", "--check", "v", "r"], "goes without layers"),
        (["--check", "v", "r"], "there is no folder r"),
    ],
)
def test_what_cannot_be_is_said(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["vectors", *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", ["jsonschema", "safetensors"])
def test_what_is_missing_is_said(
    module: str, vectors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(vectors, tmp_path, form="safetensors")
    monkeypatch.setitem(__import__("sys").modules, module, None)
    status, said = checked(vectors, tmp_path, capsys)
    assert status == 2
    assert f"this needs {module}: pip install 'gradbook[vectors]'" in said
