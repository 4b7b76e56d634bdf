"""Definitions that somebody might have typed: those of the project and of the seeds, with something changed in them.

A mutation takes a function's syntax tree (or its text), changes one thing at random and hands it back; what comes out
may be right, wrong, or no Python at all.
"""

from __future__ import annotations

import ast
import copy
import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import derive.layers

HEAD = 'from derive import layer\n\n\n@layer(cites="mutated")\n'
SEEDS = Path(__file__).with_name("seeds")


def several(text: str) -> tuple[str, ...]:
    """What stands between three spaces or line ends."""
    return tuple(part.strip().replace("|", "\n") for part in re.split(r" {3,}|\n", text) if part.strip())


#: Names that mean something to Python, to NumPy, to a kernel or to the notation.
NAMES = several("""
    np   self   dx   dy   d_x   x_   _x   _   dims   saved   pi   inf   out   Any   match   type   lambda_   λ   Σ   e
    i2   i10   t_x   ddx   sum   size   exp   max   axis   state   reduced   linear   relu   layer   Real   SIGNATURE
    Gradients   forward   backward   print   True_   __name__   cotangents   primals   tangents   dtype   rows   n_i
    mean   mask   l   I   O   None_   ﬁ   a_name_of_more_than_sixty_letters_that_does_not_fit_any_line_of_any_kernel
""")
NUMBERS = several("0   -1   1   2   0.5   1e-5   -0.75   3   1e400   10 ** 6   1j   True   'a'   None   1 / 3   0.0")
FUNCTIONS = several("exp   log   sqrt   erf   abs   relu   sigmoid   tanh   leaky_relu   size   softmax   sin   zeta")
KINDS = several("""
    Real   State   Integer   Boolean   Mask   Positive   Scalar   Probability   Fraction   Count   Natural   Flag   Axis
    Choice   Activation   Tensor   float
""")
ANNOTATIONS = several("""
    Real   Real[...]   Real[i]   Real[..., i]   Real[i, i]   Real[l][...]   Real[2]   Real[i * j]   Real[()]   Axis[i]
    Real[..., ...]   Integer[...]   Integer[i]   Mask[...]   Boolean[i]   State[i]   Real[...] > 0   Real[i:j]
    Count[i]   0 <= Real[i] < 1   Integer[...] < i   sum(i, Real[i]) == 1   Choice["a", "b"]   'Real[i]'
""")
#: Statements that somebody might write; a bar is a new line.
STATEMENTS = several("""
    pass   y = x   y[i] = x[i]   i = axis(3)   i = axis(size(i))   j = axis(2)   n = 2   return x   x[i] = 1   del x   x
    y[i] += x[i]   a = b = x[i]   h[-1] = 0   h[-1, ...] = x[...]   import os   y: Real[i] = x[i]   print(x)
    for i in x:|    y[i] = x[i]
    if x[i] > 0:|    y[i] = x[i]
    z = linear(x, x, x)   z = softmax(x)
""")
WRAPPINGS = several("""
    ({0})[0]   [{0}]   lambda: {0}   ({0}).T   np.exp({0})   not {0}   -{0}   ({0}, {0})   f'{{{0}}}'   {0} @ {0}
    sum(i, {0})   mean(..., {0})   max((i, j), {0})   sum(({0}, i), x[i])   max({0}, 0)   {0} if {0} > 0 else 0
    0 < {0} < 1   {0} and {0}   reduced('mean', {0})   max(i, {0}) - {0}   ({0}) ** 2   2 ** ({0})   [{0} for i in x]
""")
INDICES = several("""
    {0} + 1   {0} - 1   2 * {0}   {0} // 2   size({0}) - 1 - {0}   -1   0   ...   {0} + j   {0} / 2   1.5   {0} - 2
    -{0}   {0} * {0}   t[{0}]   size({0})   {0}:{0}   None   exp({0})   0 if {0} < 1 else {0}
""")
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.FloorDiv, ast.Mod, ast.MatMult, ast.BitOr, ast.LShift)
COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.Is)


@cache
def seeds() -> tuple[ast.FunctionDef, ...]:
    """The project's definitions and those of the seeds; a seed's size is the number of its nodes."""
    files = [*sorted(Path(derive.layers.__path__[0]).glob("[a-z]*.py")), *sorted(SEEDS.glob("*.txt"))]
    found = [n for f in files for n in ast.parse(f.read_text(encoding="utf-8")).body if isinstance(n, ast.FunctionDef)]
    for node in found:
        node.name, node.decorator_list = "odd", []
        if ast.get_docstring(node) is not None and len(node.body) > 1:
            node.body = node.body[1:]
    return tuple(found)


def size(node: ast.AST) -> int:
    return sum(1 for _ in ast.walk(node))


@cache
def weights(largest: int) -> tuple[float, ...]:
    """Small definitions are taken more often: they are as telling, and quick."""
    return tuple(1 / size(s) if size(s) <= largest else 0.0 for s in seeds())


def mutant(seed: int, number: int, largest: int) -> str:
    """The text of the case of that number."""
    rng = random.Random(f"{seed} {number}")
    tree = copy.deepcopy(rng.choices(seeds(), weights(largest))[0])
    for _ in range(rng.choices((0, 1, 2, 3), (1, 12, 5, 2))[0]):
        change = rng.choices(list(MUTATIONS), list(MUTATIONS.values()))[0]
        try:
            change(tree, rng)
        except (IndexError, ValueError, SyntaxError, StopIteration):  # nothing there to be changed
            continue
    try:
        text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    except (ValueError, AttributeError, TypeError):  # a tree that no text has
        return mutant(seed, number + 10_000_019, largest)
    if rng.random() < 0.08:
        text = noise(text, rng)
    return HEAD + text


# ---- trees -----------------------------------------------------------------------------------------------------------


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def places(tree: ast.AST, kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> list[tuple[ast.AST, str, int | None]]:
    """Where nodes of a kind stand in a function's body: parent, field, and place in a list."""
    body = tree.body if isinstance(tree, ast.FunctionDef) else [tree]
    found: list[tuple[ast.AST, str, int | None]] = []
    for parent in (n for statement in body for n in ast.walk(statement)):
        for name, value in ast.iter_fields(parent):
            if isinstance(value, kind):
                found.append((parent, name, None))
            elif isinstance(value, list):
                found += [(parent, name, n) for n, v in enumerate(value) if isinstance(v, kind)]
    return found


def get(place: tuple[ast.AST, str, int | None]) -> ast.AST:
    parent, name, n = place
    value = getattr(parent, name)
    return value if n is None else value[n]  # type: ignore[no-any-return]


def put(place: tuple[ast.AST, str, int | None], node: ast.AST) -> None:
    parent, name, n = place
    if n is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[n] = node


def items(node: ast.Subscript) -> list[ast.expr]:
    """The indices of a reference, as a list that may be changed."""
    if not isinstance(node.slice, ast.Tuple):
        node.slice = ast.Tuple([node.slice], ast.Load())
    return node.slice.elts


def names(tree: ast.FunctionDef) -> list[str]:
    return sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | {a.arg for a in tree.args.args})


def shuffled(values: list[ast.AST], rng: random.Random) -> None:
    """Drop, double or exchange entries of a list."""
    n = rng.randrange(len(values))
    way = rng.randrange(4)
    if way == 0:
        del values[n]
    elif way == 1:
        values.insert(rng.randrange(len(values) + 1), copy.deepcopy(values[n]))
    else:
        m = rng.randrange(len(values))
        values[n], values[m] = values[m], values[n]


def rename_one(tree: ast.FunctionDef, rng: random.Random) -> None:
    node = get(rng.choice(places(tree, ast.Name)))
    assert isinstance(node, ast.Name)
    node.id = rng.choice(names(tree))


def rename_all(tree: ast.FunctionDef, rng: random.Random) -> None:
    """Everything of one name gets a hostile one."""
    old, new = rng.choice(names(tree)), rng.choice(NAMES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
        elif isinstance(node, ast.arg) and node.arg == old:
            node.arg = new


def rename_layer(tree: ast.FunctionDef, rng: random.Random) -> None:
    tree.name = rng.choice(NAMES)


def operator(tree: ast.FunctionDef, rng: random.Random) -> None:
    node = get(rng.choice(places(tree, (ast.BinOp, ast.Compare))))
    if isinstance(node, ast.BinOp):
        node.op = rng.choice(OPERATORS)()
        if rng.random() < 0.3:
            node.left, node.right = node.right, node.left
    elif isinstance(node, ast.Compare):
        node.ops[0] = rng.choice(COMPARISONS)()


def number(tree: ast.FunctionDef, rng: random.Random) -> None:
    put(rng.choice(places(tree, ast.Constant)), expression(rng.choice(NUMBERS)))


def exchange(tree: ast.FunctionDef, rng: random.Random) -> None:
    """One expression in the place of another."""
    found = [p for p in places(tree, ast.expr) if p[1] not in ("targets", "ctx", "func")]
    put(rng.choice(found), copy.deepcopy(get(rng.choice(found))))


def wrap(tree: ast.FunctionDef, rng: random.Random) -> None:
    found = [p for p in places(tree, ast.expr) if p[1] not in ("targets", "func", "elts", "slice")]
    place = rng.choice(found)
    text = ast.unparse(get(place))
    wrapped = rng.choice(WRAPPINGS).format(text) if rng.random() < 0.6 else f"{rng.choice(FUNCTIONS)}({text})"
    put(place, expression(wrapped))


def unwrap(tree: ast.FunctionDef, rng: random.Random) -> None:
    """An expression's part in the place of the whole."""
    place = rng.choice([p for p in places(tree, (ast.BinOp, ast.Call, ast.UnaryOp, ast.IfExp)) if p[1] != "targets"])
    put(place, rng.choice([n for n in ast.iter_child_nodes(get(place)) if isinstance(n, ast.expr)]))


def argument(tree: ast.FunctionDef, rng: random.Random) -> None:
    """Arguments of a call dropped, doubled, exchanged; a keyword added; another function."""
    call = get(rng.choice(places(tree, ast.Call)))
    assert isinstance(call, ast.Call)
    way = rng.randrange(5)
    if way == 0:
        word = rng.choice(["alpha", "axis", "where", "base", "epsilon", "i", None])
        call.keywords.append(ast.keyword(word, expression(rng.choice(NUMBERS))))
    elif way == 1:
        call.func = expression(rng.choice([*FUNCTIONS, "sum", "mean", "max", "reduced", "linear", "state", "axis"]))
    elif way == 2 and call.keywords:
        shuffled(call.keywords, rng)  # type: ignore[arg-type]
    elif way == 3:
        call.args.append(expression(rng.choice(NUMBERS)))
    else:
        shuffled(call.args, rng)  # type: ignore[arg-type]


def index(tree: ast.FunctionDef, rng: random.Random) -> None:
    """An index changed, or indices dropped, doubled, exchanged; on either side of an equation."""
    node = get(rng.choice(places(tree, ast.Subscript)))
    assert isinstance(node, ast.Subscript)
    inside = items(node)
    n = rng.randrange(len(inside))
    if rng.random() < 0.6:
        inside[n] = ast.parse(f"x[{rng.choice(INDICES).format(ast.unparse(inside[n]))}]", mode="eval").body.slice  # type: ignore[attr-defined]
    else:
        shuffled(inside, rng)  # type: ignore[arg-type]
    if len(inside) == 1:
        node.slice = inside[0]


def statement(tree: ast.FunctionDef, rng: random.Random) -> None:
    shuffled(tree.body, rng)  # type: ignore[arg-type]


def foreign_statement(tree: ast.FunctionDef, rng: random.Random) -> None:
    lines = ast.parse("def f():\n    " + rng.choice(STATEMENTS).replace("\n", "\n    ")).body[0]
    assert isinstance(lines, ast.FunctionDef)
    tree.body.insert(rng.randrange(len(tree.body) + 1), lines.body[0])


def returned(tree: ast.FunctionDef, rng: random.Random) -> None:
    node = next(n for n in tree.body if isinstance(n, ast.Return))
    own = rng.choice(names(tree))
    text = ast.unparse(node.value) if node.value else "x"
    ways = [own, f"{text}, {own}", f"state({own})", f"{text}, state({own})", f"{text} + 1", "()", f"{text}, {text}"]
    node.value = expression(rng.choice(ways))


def annotation(tree: ast.FunctionDef, rng: random.Random) -> None:
    a = rng.choice(tree.args.args)
    way = rng.randrange(5)
    if way == 0:
        a.annotation = expression(rng.choice(ANNOTATIONS))
    elif way == 1:
        a.annotation = copy.deepcopy(rng.choice(tree.args.args).annotation)
    elif way == 2:
        a.annotation = None
    else:
        node = a.annotation
        while isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript) and rng.random() < 0.5:
            node = node.value
        if isinstance(node, ast.Subscript) and way == 3:
            shuffled(items(node), rng)  # type: ignore[arg-type]
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            node.value.id = rng.choice(KINDS)


def default(tree: ast.FunctionDef, rng: random.Random) -> None:
    if tree.args.defaults and rng.random() < 0.8:
        word = rng.choice([*NUMBERS, '"relu"', "relu", "(1, 2)"])
        tree.args.defaults[rng.randrange(len(tree.args.defaults))] = expression(word)
    else:
        tree.args.defaults.append(expression(rng.choice(NUMBERS)))


def signature(tree: ast.FunctionDef, rng: random.Random) -> None:
    """Arguments dropped, doubled, exchanged, added, starred."""
    way = rng.randrange(4)
    if way == 0:
        tree.args.vararg = ast.arg("rest", None)
    elif way == 1:
        tree.args.args.insert(0, ast.arg(rng.choice(NAMES), expression(rng.choice(ANNOTATIONS))))
    elif way == 2:
        tree.args.kwonlyargs.append(ast.arg("k", expression("Scalar")))
        tree.args.kw_defaults.append(expression(rng.choice(NUMBERS)))
    else:
        shuffled(tree.args.args, rng)  # type: ignore[arg-type]
        del tree.args.defaults[: max(0, len(tree.args.defaults) - len(tree.args.args))]


Mutation = Callable[[ast.FunctionDef, random.Random], None]
MUTATIONS: dict[Mutation, int] = {
    rename_one: 4,
    rename_all: 4,
    rename_layer: 1,
    operator: 4,
    number: 3,
    exchange: 4,
    wrap: 5,
    unwrap: 4,
    argument: 4,
    index: 8,
    statement: 4,
    foreign_statement: 2,
    returned: 2,
    annotation: 4,
    default: 2,
    signature: 2,
}


def noise(text: str, rng: random.Random) -> str:
    """A character or a line dropped, doubled or put in."""
    at = rng.randrange(len(text))
    way = rng.randrange(4)
    if way == 0:
        return text[:at] + text[at + 1 :]
    if way == 1:
        return text[:at] + rng.choice("()[]:,.=*'\"\\\n\t #@é\x00") + text[at:]
    lines = text.split("\n")
    n = rng.randrange(len(lines))
    return "\n".join(lines[:n] + lines[n + 1 :] if way == 2 else lines[: n + 1] + lines[n:])
