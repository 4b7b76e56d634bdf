"""Hypothesis profiles, picked by HYPOTHESIS_PROFILE: `dev` draws new inputs every run, `ci` the same."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import sampling

ROOT = Path(__file__).resolve().parents[1]

# several workers share few cores: how long one example takes says nothing
_common = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _common)
settings.register_profile("ci", _common, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--evidence", action="store_true", help="also run every leg of the evidence on every probe")
    parser.addoption("--every-layer", action="store_true", help="no sample of layers: see tests/sampling.py")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sampled(layer, *by): on a sample of layers, another one for each of the others")
    sampling.seed()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    sampling.select(config, items)


@pytest.fixture(autouse=True)
def definitions_of_a_test() -> Iterator[None]:
    """What a test defines is forgotten after it: in the one registry there is, which every module may have imported."""
    module = sys.modules.get("derive.notation.define")
    if module:
        module.load_project()  # its modules are imported once, and would be missing ever after
        before = dict(module.REGISTRY)
    yield
    if module and before != module.REGISTRY:
        module.REGISTRY.clear()
        module.REGISTRY.update(before)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book, built as a reader gets it; GRADBOOK_SITE names one that is built already."""
    if built := os.environ.get("GRADBOOK_SITE"):
        return Path(built)
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"  # workers share one
    with alone(folder.with_suffix(".lock")):
        if not (done := folder.with_suffix(".done")).exists():
            build_site(folder)
            done.touch()
    return folder


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process after another."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_site(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
