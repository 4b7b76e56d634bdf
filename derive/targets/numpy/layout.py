"""Breaks long lines of generated code the way the project's formatter does."""

from __future__ import annotations

import re
import textwrap

WIDTH = 120
COMMENT = "  # "  # what follows in a line of generated code is no code: no string has a #
WHOLE = 120  # with its comment
OPEN, CLOSE = "([{", ")]}"
WORD = re.compile(r'[\w.]+|"[^"]*"')  # what many stand on a line of
#: Python's operators, those that bind least first: a line is broken at the loosest there is.
BINDING = (
    (" if ", " else "),
    (" or ",),
    (" and ",),
    (" == ", " != ", " < ", " <= ", " > ", " >= "),
    (" | ",),
    (" & ",),
    (" + ", " - "),
    (" * ", " / ", " // ", " @ "),
)


def wrap_code(line: str, width: int = WIDTH) -> list[str]:
    """One statement as lines no wider than ``width``, where it has places to break."""
    line, _, comment = line.partition(COMMENT)
    if comment:
        indent = line[: len(line) - len(line.lstrip())]
        code = wrap_code(line, width)
        if len(code) == 1 and len(line + COMMENT + comment) <= WHOLE:
            return [line + COMMENT + comment]
        above = textwrap.wrap(comment, width, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#     ")
        return [*above, *code]
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    body = line.strip()
    keyword = re.match(r"\w+=(?=[\[({])", body)
    if body.endswith(",") and keyword:  # an argument on a line of its own
        return broken(indent, keyword[0], body[keyword.end() : -1], ",", width)
    if body.startswith("return ") and len(items(body[7:])) > 1:
        return listed(indent, "return (", body[7:], ")", width)
    if body.startswith("return "):
        return broken(indent, "return ", body[7:], "", width)
    left, operator, right = assignment(body)
    head = right[: (call_open(right) or 0) + 1]  # what stays beside the left side at least
    if operator and len(f"{indent}{left} {operator} {head}") > width:  # a tuple of many names
        names = listed(indent, "(", left, ")", width)
        return [*names[:-1], *broken(indent, f") {operator} ", right, "", width)]
    if operator:
        return broken(indent, f"{left} {operator} ", right, "", width)
    if body.startswith("def ") and body.endswith(":"):
        at = body.index("(")
        close = matching(body, at)
        return listed(indent, body[: at + 1], body[at + 1 : close], body[close:], width)
    return broken(indent, "", body, "", width)


def assignment(body: str) -> tuple[str, str, str]:
    """``a = b = c`` split at the last operator outside all brackets."""
    depth = 0
    for n, c in reversed(list(enumerate(body))):
        depth += (c in CLOSE) - (c in OPEN)
        if depth == 0 and c == "=" and body[n + 1] == " " and body[n - 1] in " +-*/":
            start = n - 1 if body[n - 1] != " " else n
            return body[:start].rstrip(), body[start : n + 1], body[n + 2 :]
    return "", "", body


def broken(indent: str, head: str, code: str, tail: str, width: int) -> list[str]:
    """An expression in lines: a call by its arguments, a sum or product by its terms."""
    if len(indent + head + code + tail) <= width:
        return [indent + head + code + tail]
    if function := re.match(r"lambda[^:]*: ", code):
        return broken(indent, head + function[0], code[function.end() :], tail, width)
    if code.startswith("(") and matching(code, 0) == len(code) - 1:
        inner = code[1:-1]
        while inner.startswith("(") and matching(inner, 0) == len(inner) - 1:
            inner = inner[1:-1]
        if len(items(inner)) > 1:
            return listed(indent, head + "(", inner, ")" + tail, width)
        lines = parted(indent + "    ", inner, width) or broken(indent + "    ", "", inner, "", width)
        return [indent + head + "(", *lines, indent + ")" + tail]
    at = call_open(code)
    if at is not None:
        return listed(indent, head + code[: at + 1], code[at + 1 : -1], code[-1] + tail, width)
    group = largest_group(code)
    if group is not None:
        first, last = indent + head + code[: group[0] + 1], indent + code[group[1] :] + tail
        if len(first) <= width and len(last) <= width:
            inner = code[group[0] + 1 : group[1]]
            if len(items(inner)) > 1:
                return listed(indent, head + code[: group[0] + 1], inner, code[group[1] :] + tail, width)
            return [
                first,
                *(parted(indent + "    ", inner, width) or broken(indent + "    ", "", inner, "", width)),
                last,
            ]
    lines = parted(indent + "    ", code, width)
    if lines:
        return [indent + head + "(", *lines, indent + ")" + tail]
    round_ = (g for g in groups(code) if code[g[0]] == "(")
    at, close = max(round_, key=lambda g: g[1] - g[0], default=(0, 0))  # a method of what is called, and the like
    if not close:
        return [indent + head + code + tail]
    first, inside, last = head + code[: at + 1], code[at + 1 : close], code[close:] + tail
    if at and (code[at - 1].isalnum() or code[at - 1] in "_)]"):
        return listed(indent, first, inside, last, width)
    lines = parted(indent + "    ", inside, width) or broken(indent + "    ", "", inside, "", width)
    return [indent + first, *lines, indent + last]


def largest_group(code: str) -> tuple[int, int] | None:
    """Where the longest factor in brackets of a product begins and ends; none in what is no product."""
    if any(len(split(code, operators)) > 1 for operators in BINDING[:-1]):
        return None
    factors = (g for g in groups(code) if code[g[0]] == "(" and (g[0] == 0 or code[g[0] - 1] == " "))
    return max(factors, key=lambda g: g[1] - g[0], default=None)


def groups(code: str) -> list[tuple[int, int]]:
    """Where brackets open and close that stand in no others."""
    depth, found = 0, []
    for n, c in enumerate(code):
        if c in OPEN and depth == 0:
            found.append((n, matching(code, n)))
        depth += (c in OPEN) - (c in CLOSE)
    return found


def parted(indent: str, code: str, width: int) -> list[str]:
    """A sum or product by its terms, a case by its branches; nothing where there is none at the top."""
    if len(indent + code) <= width:
        return [indent + code]
    for operators in BINDING:
        parts = split(code, operators)
        if len(parts) > 1:
            lines: list[str] = []
            for part in parts:
                sign, _, rest = part.partition(" ")
                known = f" {sign} " in operators
                found = broken(indent, f"{sign} " if known else "", rest if known else part, "", width)
                if lines and len(f"{lines[-1]} {found[0].lstrip()}") <= width:
                    lines[-1] += f" {found.pop(0).lstrip()}"
                lines += found
            return lines
    return []


def listed(indent: str, head: str, inside: str, tail: str, width: int) -> list[str]:
    """The contents of a bracket: on one line if they fit, words on as few as they need, others one a line."""
    one = indent + "    " + inside
    if len(one) <= width:
        return [indent + head, one, indent + tail]
    lines = [indent + head]
    inside = inside.removesuffix(",")
    if all(WORD.fullmatch(item) for item in items(inside)):
        line = indent + "   "
        for item in items(inside):
            if len(line) + len(item) + 2 > width:
                lines, line = [*lines, line], indent + "   "
            line += f" {item},"
        return [*lines, line, indent + tail]
    for item in items(inside):
        lines += broken(indent + "    ", "", item.removeprefix(", "), ",", width)
    return [*lines, indent + tail]


def items(inside: str) -> list[str]:
    """The items of a list; a lambda's parameters stay with its body."""
    found: list[str] = []
    for item in split(inside, (", ",)):
        if found and found[-1].startswith("lambda ") and ":" not in found[-1]:
            found[-1] += f", {item}"
        else:
            found.append(item)
    return found


def call_open(code: str) -> int | None:
    """Where the bracket opens that the whole expression's end closes: ``f(...)``."""
    if not code or code[-1] not in CLOSE:
        return None
    depth = 0
    for n in range(len(code) - 1, -1, -1):
        depth += (code[n] in CLOSE) - (code[n] in OPEN)
        if depth == 0:
            name = code[:n]
            called = name or code[n] in "[{"
            return n if called and all(c.isalnum() or c in "._" for c in name) and n < len(code) - 2 else None
    return None


def matching(code: str, at: int) -> int:
    depth = 0
    for n in range(at, len(code)):
        depth += (code[n] in OPEN) - (code[n] in CLOSE)
        if depth == 0:
            return n
    raise ValueError(code)


def split(code: str, operators: tuple[str, ...]) -> list[str]:
    """Split at operators outside all brackets; each part but the first begins with its operator."""
    parts, depth, start, n = [], 0, 0, 0
    quoted = False
    while n < len(code):
        c = code[n]
        if c == '"':
            quoted = not quoted
        if not quoted:
            depth += (c in OPEN) - (c in CLOSE)
            found = next((o for o in operators if depth == 0 and code.startswith(o, n)), None)
            if found is not None and n > start:
                parts.append(code[start:n])
                start = n + (0 if found == ", " else 1)
                n += len(found)
                continue
        n += 1
    return (
        [p.strip() for p in [*parts, code[start:]]]
        if operators != (", ",)
        else [p.removeprefix(", ") for p in [*parts, code[start:]]]
    )
