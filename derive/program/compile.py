"""From the derivations of a layer to its program: every pass, in the order in which it runs.

The passes are the same for all functions, and for elementwise layers. Forward and backward go through them together
and are parted on the way; see derive.program.parted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile

from derive.calculus.adjoint import Adjoint, CalculusError
from derive.calculus.derivation import Derivation, derive
from derive.calculus.parts import Parted, by_parts
from derive.calculus.scalars import Derivative, Scalars
from derive.notation import expr as x
from derive.notation.define import REGISTRY
from derive.notation.expr import Expr, Op, Reduce, Ref
from derive.notation.functions import STOP
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.absent import with_absent
from derive.program.adjoints import pushed
from derive.program.arrays import with_arrays, with_numbers
from derive.program.cases import unless
from derive.program.common import computed_once
from derive.program.dependence import constants_inlined, reaching_back
from derive.program.draft import Draft, pruned
from derive.program.in_place import accumulated, begun
from derive.program.ir import Function, KernelProgram, Parameter, Role, Variant
from derive.program.memory import allocated, with_room
from derive.program.nothing import over_nothing
from derive.program.once import means, read_once, together
from derive.program.ordered import ordered
from derive.program.own import SCALAR, own_functions
from derive.program.parted import parted
from derive.program.products import in_pairs
from derive.program.reductions import named_reductions
from derive.program.roots import shared_roots
from derive.program.rows import Costs, grouped
from derive.program.runs import in_runs
from derive.program.schedule import scheduled
from derive.program.selected import selected
from derive.program.share import shared
from derive.program.stable import Stabiliser, divided, positive
from derive.program.typed import check
from derive.program.undivided import undivided

Pass = Callable[[Draft], Draft]


def let_go(draft: Draft) -> Draft:
    """What was held while there were derivatives to take is a value like others."""

    def value(e: Expr) -> Expr | None:
        if not any(isinstance(n, Op) and n.fn == STOP for n in x.walk(e)):
            return e
        if isinstance(e, Op) and e.fn == STOP:
            return let(e.args[0])
        return cancelled(x.add(*map(let, e.args))) if isinstance(e, Op) and e.fn == "add" else None

    def let(e: Expr) -> Expr:
        return x.transform(e, value)

    return draft.each_body(let)


def cancelled(e: Expr) -> Expr:
    """A sum without terms that stand there with either sign: ``x + (round(x) - x)`` is ``round(x)``, infinities aside.

    They stay where NaN would come from nothing else: of ``x + (sign(x) - x)``, for the sign of NaN is 0.
    """
    terms = list(x.terms(e))
    for t in x.terms(e):
        if t in terms and (other := x.neg(t)) in terms:
            rest = [r for r in terms if r not in (t, other)]
            if computed_with(t) <= {name for r in rest for name in computed_with(r)}:
                terms = rest
    return x.add(*terms)


def computed_with(e: Expr) -> set[str]:
    """The tensors in an expression, but for those of conditions."""
    match e:
        case Ref(name, _):
            return {name}
        case Op("iverson", _):
            return set()
        case Op("where", (_, *cases)):
            return {name for c in cases for name in computed_with(c)}
    return {name for c in x.children(e) for name in computed_with(c)}


def needed(draft: Draft) -> Draft:
    """Only the equations that results need."""
    return draft.with_equations(pruned(draft.equations, draft.results))


def accurate(draft: Draft) -> Draft:
    """Forms that do not lose accuracy; see derive.program.stable."""
    tensors = dict(draft.tensors)
    known = draft.unit_rows, positive(draft.layer), divided(draft.layer)
    stabiliser = Stabiliser(list(draft.equations), tensors, frozenset(draft.results), draft.layer, *known)
    return replace(draft, equations=tuple(stabiliser.run()), tensors=tensors, notes=tuple(stabiliser.notes))


def absent(draft: Draft) -> Draft:
    """What a condition has left out takes no part in sums, whatever stands beside it; see derive.program.absent."""
    return draft.with_equations(with_absent(draft.equations, draft.tensors, draft.results))


def added_in_place(draft: Draft) -> Draft:
    """A loop adds to an array that is there already; see derive.program.in_place."""
    return draft.each_function(accumulated)


def assigned_first(draft: Draft) -> Draft:
    """A backward loop assigns where it would add to zeros; see derive.program.in_place."""
    return draft.each_function(begun)


def passes(costs: Costs | None = None) -> tuple[Pass, ...]:
    """Every pass, in order: equations to equations, then to statements, then statements to statements.

    Args:
        costs: of a target that runs statements for some rows at a time.
    """

    def in_blocks(draft: Draft) -> Draft:
        """Statements that may run for some rows at a time, where that pays; see derive.program.rows."""
        if costs is None or draft.layer.sequence_axis:
            return draft
        return draft.each_function(
            lambda f: grouped(f, draft.layer, costs) if f.name in costs.in_blocks else f.statements
        )

    def roomy(draft: Draft) -> Draft:
        """In whose memory, or in memory like whose, a result may be; see derive.program.memory."""
        return with_room(draft, costs)

    return (
        let_go,
        own_functions,
        shared_roots,
        shared,
        with_numbers,
        constants_inlined,
        pushed,
        named_reductions,
        undivided,
        needed,
        accurate,
        absent,
        unless,
        selected,
        in_runs,
        in_pairs,
        parted,
        scheduled,
        computed_once,
        in_blocks,
        added_in_place,
        assigned_first,
        together,
        means,
        with_arrays,
        read_once,
        allocated,
        ordered,
        roomy,
        over_nothing,
    )


def stages(draft: Draft, costs: Costs | None = None) -> Iterator[tuple[str, Draft]]:
    """A draft after each pass, and the pass's name."""
    for step in passes(costs):
        draft = step(draft)
        yield step.__name__, draft


def compile(derivations: Iterable[Derivation], costs: Costs | None = None) -> KernelProgram:
    """The program of a layer.

    Args:
        derivations: of every variant of the layer, the default first.
        costs: what a target's operations cost; without, statements stand in the plainest order.

    Raises:
        TypeFault: the program is not sound; a fault of the compiler.
    """
    variants = tuple(map(by_parts, derivations))
    layer = variants[0].layer
    elementwise = tuple(sorted(n for n, v in REGISTRY.items() if v[0].elementwise))
    facts = unit_rows(variants[0])

    def run(draft: Draft) -> dict[str, Function]:
        draft = replace(draft, unit_rows=facts, elementwise=elementwise)
        *_, (_, draft) = stages(draft, costs)
        return {f.name: f for f in draft.functions}

    done = [{n: f for draft in first_order(d) for n, f in run(draft).items()} for d in variants]
    reason = next((f"{p.layer.name} has none" for d in variants for p in parts(d) if not has_second(p)), "")
    if not reason:
        try:
            seconds = [run(second_order(d)) for d in variants]
            done = [functions | second for functions, second in zip(done, seconds, strict=True)]
        except CalculusError as error:
            reason = str(error)
    every = (Variant(d.layer, functions) for d, functions in zip(variants, done, strict=True))
    program = KernelProgram(tuple(every), same_file(layer), reason)
    check(program, elementwise)
    return program


def program_of(name: str) -> KernelProgram:
    """The program of a layer, by its name.

    Raises:
        KeyError: no layer is called so.
    """
    return compile(map(derive, REGISTRY[name]))


def same_file(layer: Layer) -> tuple[str, ...]:
    """The elementwise layers that stand before a layer in its file."""
    before = takewhile(lambda name: name != layer.name, REGISTRY)
    return tuple(sorted(n for n in before if REGISTRY[n][0].elementwise and REGISTRY[n][0].file == layer.file))


def unit_rows(d: Derivation) -> frozenset[str]:
    """The tensors that sum to 1 along their last axis, by a fact that was found on the way."""
    sums = (f.lhs for f in d.facts if f.body == x.ONE and isinstance(f.lhs, Reduce))
    return frozenset(s.body.tensor for s in sums if isinstance(s.body, Ref) and s.over == (x.plain(s.body.index[-1]),))


def parts(d: Derivation) -> list[Derivation]:
    """What was derived of the layers that a layer calls, each once."""
    return list({s.part.name: s.derivation for s in d.sites}.values()) if isinstance(d, Parted) else []


def has_second(part: Derivation) -> bool:
    """Whether a part has a double_backward: the passes can make one."""
    d = by_parts(part)
    if not all(map(has_second, parts(d))):
        return False
    try:
        return bool(list(stages(second_order(d))))
    except CalculusError:
        return False


# ---- what the passes begin with --------------------------------------------------------------------------------------


def first_order(d: Derivation) -> list[Draft]:
    """The functions of a variant but for double_backward."""
    drafts = [*scalar_functions(d.layer)] if d.layer.elementwise else []
    return [*drafts, forward_and_backward(d), jvp(d)]


def parameters(role: Role, names: Mapping[str, str]) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, role, of) for of, name in names.items())


def inputs(layer: Layer) -> tuple[Parameter, ...]:
    return parameters("input", {t.name: t.name for t in layer.inputs})


def of_derivation(
    d: Derivation, functions: Iterable[Function], equations: Iterable[Equation], tensors: dict[str, Tensor],
    adjoints: tuple[Adjoint, ...] = (),
) -> Draft:  # fmt: skip
    equations = tuple(equations)
    return Draft(d.layer, tuple(functions), equations, tensors, reaching_back(tensors, equations, adjoints))


def forward_and_backward(d: Derivation) -> Draft:
    results = tuple((o, o) for o in d.layer.outputs)
    forward = Function("forward", inputs(d.layer), {}, (), results, equations=tuple(d.layer.equations))
    gradients = tuple((t.name, d.gradients.get(t.name)) for t in d.layer.differentiable)
    given = parameters("cotangent", d.adjoint.cotangents)
    backward = Function("backward", given, {}, (), gradients, equations=tuple(d.backward))
    equations = (*d.equations, *d.adjoint.auxiliary, *d.backward)
    return of_derivation(d, (forward, backward), equations, d.tensors, (d.adjoint,))


def jvp(d: Derivation) -> Draft:
    names = d.tangent.names
    given = inputs(d.layer) + parameters("tangent", {t.name: names[t.name] for t in d.layer.differentiable})
    results = tuple((o, names.get(o)) for o in d.layer.differentiable_outputs)
    equations = d.equations + d.tangent.auxiliary + d.tangent.equations
    return of_derivation(d, [Function("jvp", given, {}, (), results)], equations, {**d.tensors, **d.tangent.tensors})


def second_order(d: Derivation) -> Draft:
    """double_backward: the gradient of the sum of directions times what backward gives."""
    second, cotangents = d.second, d.adjoint.cotangents
    along = {n: c for n, g in d.gradients.items() if (c := second.adjoint.cotangents.get(g))}
    given = parameters("cotangent", cotangents) + inputs(d.layer) + parameters("direction", along)
    wanted = {**cotangents, **{t.name: t.name for t in d.layer.differentiable}}
    results = tuple((field, second.names.get(name)) for field, name in wanted.items())
    return of_derivation(
        d,
        [Function("double_backward", given, {}, (), results)],
        second.equations,
        dict(second.tensors),
        (d.adjoint, second.adjoint),
    )


def scalar_functions(layer: Layer) -> Iterator[Draft]:
    """value, derivative and second_derivative of an elementwise layer."""
    equation, u = layer.equations[0], layer.inputs[0].ref()
    differentiate, body = Derivative(Scalars()), equation.body
    for name in SCALAR:
        function = Function(name, inputs(layer), {}, (), ((equation.target, equation.target),))
        yield Draft(layer, (function,), (replace(equation, body=body),), dict(layer.tensors))
        body = differentiate(body, u)
