"""Leaves out what takes half an hour, unless it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path.name == "test_evidence.py" and not config.getoption("--evidence") else None
