"""``from derive import judge``: is this implementation of a layer right and, if not, what exactly is wrong?

The package is the function: ``judge("layer_norm", forward=f, backward=g)``; see derive.judge.decide.judge.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.judge.decide import judge as judge
    from derive.judge.isolate import Limits as Limits
    from derive.judge.report import Report as Report

__all__ = ["Limits", "Report", "judge"]
_HOMES = {"judge": "decide", "Limits": "isolate", "Report": "report"}


class _Judge(ModuleType):
    """A module that can be called."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        from derive.judge.decide import judge

        return judge(*args, **keywords)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"derive.judge.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'derive.judge' has no attribute {name!r}")


sys.modules[__name__].__class__ = _Judge
