"""Hypothesis profiles, picked by HYPOTHESIS_PROFILE: `dev` draws new inputs every run, `ci` the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# several workers share few cores: how long one example takes says nothing
_common = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _common)
settings.register_profile("ci", _common, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--evidence", action="store_true", help="also run every leg of the evidence on every probe")


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
