"""The tokens of a text, taken one after another."""

from __future__ import annotations

from tests.page.dialect import DialectError, tokenize


class Tokens:
    def __init__(self, tex: str) -> None:
        self.tex, self.tokens, self.at = tex, tokenize(tex), 0
        self.texts = tuple([t.text for t in self.tokens])

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.texts[at] if at < len(self.texts) else ""

    def fail(self, why: str, at: int | None = None) -> DialectError:
        at = self.at if at is None else at
        return DialectError(self.tex, self.tokens[at].at if at < len(self.tokens) else len(self.tex), why)

    def take(self, *expected: str) -> str:
        for text in expected:
            if self.peek() != text:
                raise self.fail(f"expected {text}, found {self.peek() or 'the end'}")
            self.at += 1
        return expected[-1]

    def accept(self, text: str) -> bool:
        found = self.peek() == text
        self.at += found
        return found
