"""The wheel, installed into a fresh environment with what it requires and nothing else, away from the checkout.

What it requires is linked from the environment that runs the tests, found from the wheel's own metadata; with
GRADBOOK_FROM_INDEX=1 (as in .ci/run) pip installs it from the index.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import pytest

from derive.command.files import locked

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def checked(*words: str | Path, **settings: object) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@dataclass
class Installed:
    """A fresh environment that has the wheel, and a folder of somebody's own."""

    environment: Path
    folder: Path

    @property
    def packages(self) -> Path:
        return next((self.environment / "lib").glob("python3*")) / "site-packages"

    def run(self, *words: str, status: int = 0, program: str = "gradbook") -> tuple[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV", "PYTEST"))}
        done = subprocess.run(
            [self.environment / "bin" / program, *words],
            cwd=self.folder,
            env=clean | {"PYTHONDONTWRITEBYTECODE": "1", "VIRTUAL_ENV": str(self.environment)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout, done.stderr

    def state(self) -> dict[str, str]:
        """What is in the environment."""
        own = (self.packages / name for name in ("derive", "reference"))
        files = [*self.packages.iterdir(), *(p for folder in own for p in folder.rglob("*"))]
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "" for p in files}


def required(wheel: PathDistribution | None, done: set[str]) -> set[str]:
    """The distributions that one requires, and those that these do."""
    for line in (wheel.requires or []) if wheel else []:
        name = re.split(r"[^A-Za-z0-9._-]", line)[0]
        if (
            "extra ==" not in line
            and name not in done
            and not re.search(r"python_version|platform|implementation", line)
        ):
            done.add(name)
            required(distribution(name), done)  # type: ignore[arg-type]
    return done


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; workers of the same run share it."""
    place = tmp_path_factory.getbasetemp()
    place = (place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "wheel"
    with locked(place):
        if not (place / "ready").exists():
            install(place)
            (place / "ready").touch()
    return place / "fresh"


def install(place: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    checked(*pip, "wheel", ROOT, "--no-deps", *isolation, "-w", place / "dist")
    (wheel,) = (place / "dist").glob("*.whl")
    checked(sys.executable, "-m", "venv", "--without-pip", place / "fresh")
    from_index = bool(os.environ.get("GRADBOOK_FROM_INDEX"))
    python = place / "fresh" / "bin" / "python"
    checked(*pip, "--python", python, "install", *([] if from_index else ["--no-deps"]), wheel)
    if not from_index:
        packages = Installed(place / "fresh", place).packages
        (metadata,) = packages.glob("gradbook-*.dist-info")
        for name in required(PathDistribution(metadata), set()):
            files = distribution(name).files or []
            for top in {f.parts[0] for f in files if f.parts[0] not in ("..", "bin", "__pycache__")}:
                (packages / top).symlink_to(Path(str(distribution(name).locate_file(top))))


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    return Installed(environment, tmp_path)


def block(beginning: str) -> str:
    """A block of the README's."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return next(b for b in blocks if b.startswith(beginning))


def test_required_alone(installed: Installed) -> None:
    """The test is worth nothing if the environment has more than it should."""
    for module in ("flint", "mkdocs", "sklearn", "matplotlib", "hypothesis", "pytest"):
        out, _ = installed.run("-c", f"import importlib.util as u; print(u.find_spec('{module}'))", program="python")
        assert out == "None\n"


def test_the_readmes_example(installed: Installed) -> None:
    before = installed.state()
    (installed.folder / "my_layers.py").write_text(block("# my_layers.py"))
    command = block("$ gradbook build my_layers.py").split("\n")[0].removeprefix("$ gradbook ")
    out, _ = installed.run(*command.split())
    assert "✗" not in out
    assert "exact ✓" in out
    assert "enclosure –" in out
    assert "page –" in out
    assert "pip install gradbook[oracle]" in out
    page = (installed.folder / "my_kernels" / "rms_norm.md").read_text()
    assert "FAILED" not in page
    assert "not run" in page
    prepared = "import numpy as np\nx, gamma, dy = np.ones((2, 3)), np.ones(3), np.ones((2, 3))\n"
    use = prepared + block("from my_kernels import rms_norm") + "print(grads.x.shape, grads.gamma.shape)\n"
    assert installed.run("-c", use, program="python")[0] == "(2, 3) (3,)\n"
    assert installed.run(*command.split(), "--check")[0]
    out, _ = installed.run("show", "my_layers.py:rms_norm", "--steps")
    assert "gamma[i] * x_hat[..., i]" in out
    assert installed.state() == before, "nothing is written into the installation"
    made = {p.name for p in installed.folder.iterdir()}
    assert made == {"my_layers.py", "my_kernels"}


def test_the_readmes_kernels(installed: Installed) -> None:
    prepared = "import numpy as np\nQ = K = V = dO = np.ones((2, 3, 4))\n"  # README's names
    installed.run("-c", prepared + block("from reference import attention"), program="python")
    only = "import sys, reference.layers.relu; print({'sympy', 'rich', 'derive'} & set(sys.modules))"
    assert installed.run("-c", only, program="python")[0] == "set()\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--version"], 0, "gradbook"),
        (["list"], 0, "layer_norm"),
        (["show", "layer_norm"], 0, "def forward"),
        (["verify", "relu"], 0, "not recorded"),
        (["build"], 2, "there is no project here"),
        (["build", "softmax"], 2, "there is no project here"),
        (["build", "--check"], 2, "there is no project here"),
        (["build", "sofmax"], 2, "did you mean softmax"),
        (["train", "digits", "--epochs", "1"], 2, "pip install"),
        (["train", "digits", "--epochs", "1", "--picture", "p.png"], 2, "pip install"),
    ],
)
def test_every_command(installed: Installed, words: list[str], status: int, said: str) -> None:
    before, own = installed.state(), sorted(installed.folder.rglob("*"))
    out, err = installed.run(*words, status=status)
    assert said in (err if status else out)
    assert "✗" not in out
    if status:
        assert len(err.splitlines()) == 1
    assert installed.state() == before
    assert sorted(installed.folder.rglob("*")) == own
