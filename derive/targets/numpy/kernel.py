"""One generated module a layer: forward, backward, jvp and double_backward, as a careful person would write them."""

from __future__ import annotations

from collections.abc import Iterator

from derive.targets.numpy.costs import COSTS
from derive.targets.numpy.functions import Functions
from derive.targets.numpy.header import GENERATED, Header, definition_path
from derive.targets.numpy.layout import wrap_code
from derive.targets.numpy.names import spelled


class Kernel(Functions, Header):
    """Prints the module of one layer from its program."""

    def source(self) -> str:
        self.scalars = self.scalar_functions() if self.layer.elementwise else ""
        (ahead, self.forward_rows), (back, self.backward_rows) = self.folded("forward"), self.folded("backward")
        bodies = [(f, b, [*v.functions["forward"].saved]) for f, b, v in zip(ahead, back, self.variants, strict=True)]
        saved = list(dict.fromkeys(n for _, _, names_ in bodies for n in names_))
        given = {t.name for t in self.layer.inputs}
        for forward, _, _ in bodies:  # what only another choice keeps
            forward.lines += [f"    {n} = None" for n in saved if n not in given.union(forward.program.needed)]
        kept_options = [
            o.name for o in self.layer.options
            if o.kind == "Choice" or any(o.name in b.used for _, b, _ in bodies)
            or (o.kind == "Activation" and any(o.name in b.used for _, b, _ in bodies))
        ]  # fmt: skip
        self.kept = self.keeps(bodies, saved, kept_options)
        parts = self.sizes_function(bodies[0][0])
        parts += [self.forward(bodies, saved, kept_options), self.backward(bodies, saved, kept_options)]
        parts.append(self.jvp())
        second = self.double_backward()
        if second:
            parts.append(second)
        parts[:0] = (self.helpers[name] for name in sorted(self.helpers, key=lambda n: (n[:1] != "f", n)))
        if self.scalars:
            parts.insert(0, self.scalars)
        self.uses_math, self.uses_numpy = (any(name in part for part in parts) for name in ("math.", "np."))
        self.functions = {f for f in self.functions if any(f in part for part in parts)}
        head = self.header()
        text = head + "\n\n\n" + "\n\n\n".join(parts) + "\n"
        text = "\n".join(self.wrapped(text))
        return spelled(text, self.alphabet)

    def wrapped(self, text: str) -> Iterator[str]:
        """The lines of a module, long ones of code broken; in a docstring, where no line of code is, they stay."""
        code = True
        for line in text.split("\n"):
            quotes = line.count('"""')
            inside, code = quotes or not code, code == (quotes != 1)
            breaks = line.startswith(("    ", "def ", "@", "ACTIVATIONS", "Second"))
            yield from [line] if inside or not breaks else wrap_code(line)


__all__ = ["COSTS", "GENERATED", "Kernel", "definition_path"]
