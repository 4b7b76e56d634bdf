"""The elementwise layers that an option names, each imported when it is first asked for."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType

from reference import layers

#: The names of the project's layers: nothing else is imported, whatever a caller passes.
NAMES = frozenset(module.name for module in pkgutil.iter_modules(layers.__path__))


def kernel(name: str) -> ModuleType:
    """The kernel of a layer of the project.

    Raises:
        KeyError: there is none of that name.
    """
    if name not in NAMES:
        raise KeyError(name)
    return importlib.import_module(f"{layers.__name__}.{name}")


class Activations(dict[str, ModuleType]):
    """Kernels of elementwise layers by their names: ``ACTIVATIONS["relu"].value(x)``.

    Args:
        own: those that stand beside the kernel that asks, in front of the project's of the same name.
        find: gives the kernel of any other layer; KeyError where there is none.
    """

    def __init__(self, own: Mapping[str, ModuleType] | None = None) -> None:
        super().__init__(own or {})
        self.find: Callable[[str], ModuleType] = kernel

    def __missing__(self, name: str) -> ModuleType:
        found = self.find(name)
        if not hasattr(found, "second_derivative"):  # it is no function of one number
            raise KeyError(name)
        self[name] = found
        return found

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self[name])
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        """Every name that may be asked for, to be shown; this imports them all."""
        return iter(sorted(name for name in NAMES.union(self.keys()) if name in self))
