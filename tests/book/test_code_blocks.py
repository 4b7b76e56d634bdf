"""Code blocks of the book are run as they stand; what is printed beneath one is what it prints."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from derive.calculus.derivation import derive
from derive.command.terminal import step_lines
from derive.evidence.ladder import LADDER
from derive.notation.define import load_file, load_project

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: Pages whose Python blocks are one program, and whose blocks without a language are together what it prints.
PROGRAMS = ("how-it-works",)


def blocks(page: str) -> list[tuple[str, str]]:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return [(m[1], m[2]) for m in BLOCK.finditer(text)]


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("page", PROGRAMS)
def test_a_page_that_is_a_program_runs_and_prints_what_it_shows(page: str) -> None:
    found = blocks(page)
    assert {language for language, _ in found} == {"python", ""}
    program = "".join(code for language, code in found if language == "python")
    done = run(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(code for language, code in found if not language)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('("times", cotangent, b))', '("times", cotangent, a))'),
        ('("number", -1.0), ("times", e, e)', '("number", 1.0), ("times", e, e)'),
        ("inner.index(axis) for axis in axes]", "axes.index(axis) for axis in inner]"),
        ("d{name} +=", "d{name} ="),
    ],
)
def test_the_small_engine_notices_what_is_wrong_in_it(right: str, wrong: str) -> None:
    program = "".join(code for language, code in blocks("how-it-works") if language == "python")
    assert right in program
    done = run(program.replace(right, wrong))
    assert "DIFFERS" in done.stdout or "ValueError" in done.stderr  # shapes that do not fit


def test_every_leg_of_the_evidence_is_said_and_has_a_column() -> None:
    text = (ROOT / "docs" / "what-is-proved.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \*\*([\w ]+)\*\* \|", text, re.MULTILINE)
    assert rows == list(LADDER)
    assert text.count("<!-- layers by legs -->") == 1


def test_tables_and_excerpts_that_the_site_makes_are_there(site: Path) -> None:
    proved = (site / "what-is-proved" / "index.html").read_text(encoding="utf-8")
    assert all(f'layers/{name}/">{name}</a>' in proved for name in load_project())
    read = re.sub(r"<[^>]+>", "", (site / "how-to-read" / "index.html").read_text(encoding="utf-8"))
    for line in step_lines(derive(load_project()["softmax"][0])):
        assert line.split("   (")[0].split(":  ")[-1] in read


PRELUDE = "import numpy as np\nx, dy = np.random.default_rng(0).normal(size=(2, 3, 4))\ngamma, beta = np.ones((2, 4))\n"


def test_the_blocks_of_home_run(tmp_path: Path) -> None:
    """The kernel is used as shown; the definition is a file that builds; the commands are the Makefile's."""
    use, definition = (code for language, code in blocks("index") if language == "python")
    done = run(PRELUDE + use)
    assert done.returncode == 0, done.stderr
    (tmp_path / "mine.py").write_text("from __future__ import annotations\nfrom derive import layer\n" + definition)
    assert "rms_norm" in load_file(tmp_path / "mine.py")
    (commands,) = (code for language, code in blocks("index") if not language)
    targets = re.findall(r"^\$ make(?: (\w+))? ", commands, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets == ["", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in filter(None, targets))


def test_the_example_of_home_is_the_definition_with_its_evidence(site: Path) -> None:
    """What was typed and what was recorded, as they are now; its links say where they lead."""
    home = (site / "index.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", home))
    definition = load_project()["layer_norm"][0].source.strip()
    assert all(line in text for line in definition.split("\n"))
    legs = json.loads((ROOT / "docs" / "assets" / "verification.json").read_text(encoding="utf-8"))["layer_norm"][
        "legs"
    ]
    assert len(legs) == home.count('href="layers/layer_norm/#accuracy"') > 8
    assert all(f"{leg['leg']}: {leg['text']}" in text for leg in legs)
    assert {"derivation", "kernel"} <= {*re.findall(r'href="layers/layer_norm/#(\w+)"', home)}


def test_the_small_engine_is_as_long_as_home_says() -> None:
    lines = sum(code.count("\n") for language, code in blocks("how-it-works") if language == "python")
    said = re.search(r"built again in some (\d+) lines", (ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    assert said
    assert abs(int(said[1]) - lines) < 10


def test_the_blocks_on_adding_a_layer_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its definitions are built by the command that stands below them, and their kernels are called as shown."""
    text = (ROOT / "docs" / "add-a-layer.md").read_text(encoding="utf-8")
    found = re.findall(r"^```(python[^\n]*|)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert {language for language, _ in found} == {"python", 'python title="my_layers.py"', ""}
    definitions = [code for language, code in found if "my_layers.py" in language]
    (command,) = (code for language, code in found if not language)
    use, parts = (code for language, code in found if language == "python")
    (tmp_path / "my_layers.py").write_text("\n\n".join(definitions))
    made = subprocess.run(
        [sys.executable, "-m", "derive.cli", *command.split()[1:], "--no-verify"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    done = run(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{PRELUDE}{use}")
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "my_kernels" / "feed_forward.py").read_text(encoding="utf-8")
    for line in parts.replace("...", "").split("\n"):
        assert line in written
