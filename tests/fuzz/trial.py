"""What a worker might be asked to do, for the test of what becomes of it."""

from __future__ import annotations

import os
import time

from tests.fuzz.worker import Outcome


def answer(text: str) -> Outcome:
    """What a worker might be asked to do."""
    if text == "hang":
        while True:
            time.perf_counter()
    if text == "die":
        os._exit(3)
    return Outcome("agrees", text)
