"""What somebody may have meant by a word that is not there."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn


def meant(word: str, words: Iterable[str], otherwise: str = "") -> str:
    """``did you mean relu or gelu?`` of words like the given one; ``otherwise`` if there are none."""
    words = list(words)
    near = difflib.get_close_matches(word, words, 3, 0.6)
    near += [w for w in words if w.lower() == word.lower() and w not in near]
    return f"did you mean {' or '.join(near)}?" if near else otherwise


class Parser(argparse.ArgumentParser):
    """Says which words a mistyped one is like."""

    def error(self, message: str) -> NoReturn:
        if wrong := re.match(r"argument (.*): invalid choice: '(.*?)' \(choose from (.*)\)", message):
            words = re.findall(r"[\w-]+", wrong[3])
            what = wrong[1] if wrong[1].startswith("-") else "command"
            message = f"there is no {what} {wrong[2]!r}; {meant(wrong[2], words, 'there is ' + ', '.join(words))}"
        if wrong := re.match(r"unrecognized arguments: (.*)", message):
            options = [o for a in self._actions for o in a.option_strings]
            near = (meant(word.split("=")[0], options) for word in wrong[1].split() if word.startswith("-"))
            message = "; ".join([message, *filter(None, near)])
        super().error(message)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As always, but what is left over is an error of the command that it was given to."""
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            chosen = getattr(found, "command", None)
            inner = [p for name, p in self.commands() if chosen in (None, name)]
            next(iter(inner), self).error(f"unrecognized arguments: {' '.join(rest)}")
        return found

    def commands(self) -> Iterator[tuple[str, argparse.ArgumentParser]]:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from action.choices.items()
