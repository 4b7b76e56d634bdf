"""The worked example of a page: its inputs read from what is printed, its equations executed on them, and every number
that is printed compared with what they give, within its last digit.

    table `code | numbers | from` under the heading `numbers`; a line has a formula for each matrix,
    x = \\begin{pmatrix} 1 & -0.5 \\\\ 2 & 3 \\end{pmatrix}, a number, or W_{0} = ... for the first array of a list

The symbols table says in its column `in numbers` how large each array is there, and what each option is. The inputs
stand a second time in a program, the derivatives of the first output in the cells of a picture. A page may have none.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from itertools import product
from math import prod
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.page.arithmetic import EvaluationError
from tests.page.blocks import Block, Formula
from tests.page.compare import functions, run_kernel
from tests.page.dialect import DialectError
from tests.page.evaluator import Evaluator
from tests.page.matrices import SIZE, Array, Place, number, read_array, size, wrong_number
from tests.page.symbols import Row

if TYPE_CHECKING:
    from tests.page.reading import Reading

COLUMN = "in numbers"  # of the symbols table
HEADER = ("code", "numbers", "from")
DEFAULT = re.compile(r"default (\S+)$")
PICTURE = re.compile(r'<figure class="gb-jacobian" data-output="(\w+)" data-input="(\w+)".*?</figure>', re.DOTALL)
CELL = re.compile(r'<text[^>]* class="gb-cell">([^<]*)</text>')
PROGRAM = re.compile(r'<h2 id="numbers">.*?<h2 ', re.DOTALL)
CODE = re.compile(r"<pre[^>]*>.*?<code[^>]*>(.*?)</code></pre>", re.DOTALL)
STEP, SLACK = 1e-5, 1e-6  # of a difference


@dataclass
class Worked:
    """The example of a page that was read."""

    of: Reading
    seen: dict[Any, str] = field(default_factory=dict)

    @cached_property
    def lines(self) -> list[tuple[str, list[Formula]]]:
        """By the code's name, the formulas of its line."""
        cells = (b for b in self.of.found if b.heading == "numbers" and b.tag == "td" and b.header == HEADER)
        return [(b.row[0], b.formulas) for b in cells if len(b.row) == 1]

    @cached_property
    def sizes(self) -> dict[str, list[tuple[int, ...]]]:
        """By the code's name, the shape of its array, or those of a list."""
        return {code: shapes(block) for code, block in self.cells.items() if not self.option(code)}

    @cached_property
    def cells(self) -> dict[str, Block]:
        """By the code's name, the cell of the symbols table."""
        rows = (b for b in self.of.found if b.section == "symbols" and b.tag == "td" and sized(b))
        return {b.row[1]: b for b in rows}

    def option(self, code: str) -> bool:
        row = self.of.symbols.by_name.get(code) or next((r for r in self.of.symbols.rows if r.name == code), None)
        return row is not None and row.option

    @cached_property
    def computed(self) -> frozenset[str]:
        return frozenset(e.key for e in self.of.variant.equations)

    @cached_property
    def arrays(self) -> list[Array]:
        return [read_array(f.tex, self.of.symbols) for _, formulas in self.lines for f in formulas]

    @cached_property
    def codes(self) -> dict[str, str]:
        """By key, what the line's first column says."""
        return {read_array(f.tex, self.of.symbols).key: code for code, formulas in self.lines for f in formulas[:1]}

    # ---- what is wrong -------------------------------------------------------------------------------------

    def wrong(self) -> Iterator[str]:
        """All that is wrong with the example as a whole; single numbers have checks of their own."""
        if not self.lines:
            return
        try:
            yield from self.laid_out(self.arrays)
            yield from self.ranks_wrong()
            missing = {*self.computed} - {a.key for a in self.arrays} - {k for k in self.computed if k[:5] == "size "}
            if missing:
                yield f"no numbers of {', '.join(sorted(missing))}"
            yield from self.options_wrong()
            yield from self.program_wrong()
            yield from self.kernel_wrong()
            yield from self.picture_wrong()
        except (DialectError, EvaluationError, ValueError, KeyError) as error:
            yield f"the example in numbers: {error}"

    def laid_out(self, arrays: Sequence[Array]) -> Iterator[str]:
        """Whether there is a matrix for each place along the first axes, of the size that the table says."""
        for key in dict.fromkeys(a.key for a in arrays):
            own = [a for a in arrays if a.key == key]
            wanted = [
                (at, s[len(at) - offset :]) for offset, s, at in self.places(self.codes.get(key, key), own[0].row)
            ]
            got = [(a.at, a.shape) for a in own]
            fits = [(at, s if len(s) < 2 or s[0] > 1 else s[1:]) for at, s in wanted]  # one row is drawn as a vector
            if got != fits:
                yield f"{key} is printed as {got}, of the size {wanted}"

    def ranks_wrong(self) -> Iterator[str]:
        """Whether arrays have the axes that the table says; ``...`` is one of them, or none, on the whole page."""
        rows = {self.codes.get(a.key, a.key): a.row for a in self.arrays}
        leading = {
            len(shape) - len(row.slots)
            for code, row in rows.items()
            for shape in self.sizes[code]
            if ("...",) in row.slots
        }
        plain = {len(s) - len(r.slots) for c, r in rows.items() if ("...",) not in r.slots for s in self.sizes[c]}
        if len(leading) > 1 or plain - {0}:
            yield "arrays have other axes than the table says"

    def places(self, code: str, row: Row) -> Iterator[tuple[int, tuple[int, ...], Place]]:
        """What stands below a symbol, in order: whether the entry of a list does, the array's shape, and the places."""
        for n, shape in enumerate(self.sizes[code]):
            for at in product(*map(range, shape[:-2])):
                yield (1, shape, (n, *at)) if row.sequence else (0, shape, at)

    def values(self, arrays: Sequence[Array]) -> dict[str, Any]:
        """Inputs and cotangents as printed, in the shapes that the table says."""
        found: dict[str, Any] = {}
        for key in dict.fromkeys(a.key for a in arrays):
            if key in self.computed:
                continue
            own = [a for a in arrays if a.key == key]
            flat = [[number(n) for line in a.numbers for n in line] for a in own]
            kind = {"integer": np.int64, "boolean": bool}.get(own[0].row.kind, float)
            if kind is bool and not {v for vs in flat for v in vs} <= {0.0, 1.0}:
                raise EvaluationError(f"{key} is 1 where it holds and 0 where not")
            code = self.codes.get(key, key)
            if own[0].row.sequence:
                entries = [[v for a, vs in zip(own, flat, strict=True) if a.at[0] == n for v in vs] for n in
                           range(len(self.sizes[code]))]  # fmt: skip
                found[key] = [np.array(e, kind).reshape(s) for e, s in zip(entries, self.sizes[code], strict=True)]
            else:
                (shape,) = self.sizes[code]
                found[key] = np.array([v for vs in flat for v in vs], kind).reshape(shape)
        return found

    @cached_property
    def options(self) -> dict[str, Any]:
        """Options as the table says them."""
        kinds = {r.name: r.kind for r in self.of.symbols.rows if r.option}
        words = {n for n, kind in kinds.items() if kind in ("function", "choice")}
        cells = {code: block.text for code, block in self.cells.items() if code in kinds and block.text}
        return {code: text if code in words else ast.literal_eval(text) for code, text in cells.items()}

    def options_wrong(self) -> Iterator[str]:
        """An option is at its default, which the same row says."""
        for _, code, shape, meaning in self.of.table("symbols"):
            default = DEFAULT.search(meaning)
            if shape == "option" and default and str(self.options.get(code)) != default[1].strip("`\"'"):
                yield f"the option {code} is {self.options.get(code)} in numbers, by default {default[1]}"

    def evaluator(self, values: Mapping[str, Any]) -> Evaluator:
        equations, symbols = self.of.variant.equations, self.of.symbols
        called = functions(self.of.layer, SimpleNamespace(equations=equations, options=self.options))  # type: ignore[arg-type]
        return Evaluator(equations, symbols, {**values, **self.options, **called})

    @cached_property
    def truth(self) -> dict[tuple[str, Place], list[float]]:
        """What the equations give of the printed inputs: by key and place, in the order of the printed numbers."""
        return self.given_by(self.values(self.arrays))

    def given_by(self, values: Mapping[str, Any]) -> dict[tuple[str, Place], list[float]]:
        run = self.evaluator(values)
        found = {}
        for key in dict.fromkeys(a.key for a in self.arrays if a.key in self.computed):
            own = [a for a in self.arrays if a.key == key]
            whole = run.array(key)
            listed = own[0].row.sequence
            shapes = self.sizes[self.codes.get(key, key)]
            for n, (part, shape) in enumerate(zip(whole if listed else [whole], shapes, strict=True)):
                flat = np.asarray(part, float).reshape(shape)
                for at in product(*map(range, shape[:-2])):
                    found[key, (n, *at) if listed else at] = flat[at].ravel().tolist()
        return found

    def check(self, known: Formula, tex: str) -> str:
        """What is wrong with one formula, or with it misprinted."""
        try:
            array = read_array(tex, self.of.symbols)
            was = read_array(known.tex, self.of.symbols)
            if (array.key, array.at) != (was.key, was.at):
                return "another tensor than its line's"
            if was.key in self.computed:
                if array.shape != was.shape:
                    return "another size"
                texts = [n for line in array.numbers for n in line]
                return next(
                    (
                        f"{array.key} is {value}, printed {text}"
                        for text, value in zip(texts, self.truth[array.key, array.at], strict=True)
                        if wrong_number(text, value)
                    ),
                    "",
                )
            changed = [array if a == was else a for a in self.arrays]
            return next(self.laid_out(changed), "") or next(self.program_wrong(changed), "")
        except (DialectError, EvaluationError, ValueError, KeyError) as error:
            return f"not read: {error}"

    def check_size(self, block: Block, n: int, tex: str) -> str:
        """The n-th shape of a cell of the symbols table, against the numbers."""
        if not SIZE.fullmatch(tex):
            return "no size"
        code = block.row[1]
        formulas = dict(self.lines).get(code)
        if formulas is None:
            return f"there are no numbers of {code}"
        arrays = [read_array(f.tex, self.of.symbols) for f in formulas]
        kept = self.sizes[code]
        self.sizes[code] = [size(tex) if m == n else s for m, s in enumerate(kept)]
        try:
            return next(self.laid_out(arrays), "") or next(self.ranks_wrong(), "")
        except (ValueError, KeyError, IndexError) as error:
            return f"not read: {error}"
        finally:
            self.sizes[code] = kept

    # ---- the program, the kernel, the picture --------------------------------------------------------------

    @cached_property
    def program(self) -> dict[str, Any]:
        """The arrays that a program on the page makes, by name; nothing of it is run."""
        section = PROGRAM.search(self.of.html)
        text = CODE.search(section[0] if section else "")
        if not text:
            return {}
        tree = ast.parse(unescape(re.sub(r"<[^>]*>", "", text[1])))
        found: dict[str, Any] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name, value = node.targets[0].id, node.value
                if isinstance(value, ast.List):
                    found[name] = [literal(e) for e in value.elts]
                elif isinstance(value, ast.Call) and ast.unparse(value.func) == "np.array":
                    found[name] = literal(value)
        return found

    def program_wrong(self, arrays: Sequence[Array] | None = None) -> Iterator[str]:
        """The program begins with the numbers that are printed."""
        given = self.values(self.arrays if arrays is None else arrays)
        names = {self.codes.get(key, key): key for key in given}
        if names.keys() != self.program.keys():
            yield f"the program has {', '.join(sorted(self.program))}, the table {', '.join(sorted(names))}"
            return
        for name, key in names.items():
            mine, its = given[key], self.program[name]
            pairs = zip(mine, its, strict=True) if isinstance(mine, list) else [(mine, its)]
            if any(np.shape(a) != np.shape(b) or not np.array_equal(a, b) for a, b in pairs):
                yield f"the program has another {name} than the table"

    def kernel_wrong(self) -> Iterator[str]:
        """What the kernel makes of the printed inputs, against what is printed."""
        values = self.values(self.arrays)
        given = iter([v for k, v in values.items() if k.startswith("bar ")])
        symbols, equations = self.of.symbols, self.of.variant.equations
        tensors = {k: v for k, v in values.items() if not k.startswith("bar ")}
        drawn = SimpleNamespace(
            symbols=symbols, equations=equations, tensors=tensors, options=self.options, sizes={}, ties=False,
            cotangent=lambda like: next(given),
        )  # fmt: skip
        trial = run_kernel(self.of.layer, drawn)  # type: ignore[arg-type]
        for key, known in trial.kernel.items():
            flat = [v for part in known for v in part] if known and isinstance(known[0], list) else known
            printed = [n for a in self.arrays if a.key == key for line in a.numbers for n in line]
            if len(printed) != len(flat) or any(map(wrong_number, printed, flat)):
                yield f"the kernel gives another {key} than is printed"

    def picture_wrong(self, cells: Sequence[str] | None = None) -> Iterator[str]:
        """The cells of the picture, against differences of the page's equations."""
        picture = PICTURE.search(self.of.html)
        if not picture:
            return
        output, name = picture[1], picture[2]
        texts = [t.replace("\u2212", "-") for t in (CELL.findall(picture[0]) if cells is None else cells)]
        columns = [c for column in self.differences(output, name) for c in column]
        rows = len(columns) // (prod_of(self.sizes[name]) or 1)
        wanted = [columns[j * rows + i] for i in range(rows) for j in range(len(columns) // max(rows, 1))]
        if len(texts) != len(wanted):
            yield f"the picture has {len(texts)} cells for {len(wanted)} derivatives"
            return
        for text, value in zip(texts, wanted, strict=True):
            whole, _, decimals = text.partition(".")
            digit = 10.0 ** (max(len(whole.strip("-")) - 2, 0) if not decimals else -len(decimals))  # two are shown
            if not abs(float(text) - value) <= 0.5 * digit * (text != "0") + SLACK * max(1.0, abs(value)):
                yield f"a cell of the picture is {text}, the derivative {value}"

    def differences(self, output: str, name: str) -> list[list[float]]:
        """Central differences of all elements of an output by each of an input's."""
        key = output, name
        if key not in self.seen:
            self.seen[key] = self._differences(output, name)  # type: ignore[assignment]
        return self.seen[key]  # type: ignore[return-value]

    def _differences(self, output: str, name: str) -> list[list[float]]:
        values = self.values(self.arrays)
        several = isinstance(values[name], list)
        found = []
        for n, part in enumerate(values[name] if several else [values[name]]):
            for place in range(part.size):
                sides = []
                for h in (STEP, -STEP):
                    moved = part.copy()
                    moved.flat[place] += h
                    new = [moved if m == n else p for m, p in enumerate(values[name])] if several else moved
                    whole = self.evaluator({**values, name: new}).array(output)
                    sides.append([v for p in (whole if isinstance(whole, list) else [whole]) for v in p.ravel()])
                found.append([float(a - b) / (2 * STEP) for a, b in zip(*sides, strict=True)])
        return found


def prod_of(shapes_: Sequence[tuple[int, ...]]) -> int:
    return sum(map(prod, shapes_))


def literal(node: ast.expr) -> Any:
    """np.array of numbers."""
    assert isinstance(node, ast.Call)
    return np.array(ast.literal_eval(node.args[0]))


def sized(block: Block) -> bool:
    """Whether a cell of the symbols table is in the column about the example."""
    return len(block.row) < len(block.header) and block.header[len(block.row)] == COLUMN


def shapes(block: Block) -> list[tuple[int, ...]]:
    return [size(f.tex) for f in block.formulas] or [()] * max(1, block.text.count("a number"))  # of a list, each
