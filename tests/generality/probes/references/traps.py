"""What stands in a definition, and not what it looks like."""

from __future__ import annotations

import math

from tests.generality.probes.cases import F, given, group, normal, positive, torch

case = group("traps")
for s in ((3, 4), (3, 3)):
    case("trap_log2", lambda x: torch.log(x) / math.log(2), positive(*s))
    case("trap_dx", lambda x, dx: x * dx, normal(*s), normal(*s))
    case("trap_saved", lambda a, b: a * b, normal(*s), normal(*s))
    case("trap_np", lambda a: a**2, normal(*s))
    case("trap_power", lambda x, p: x**p, positive(*s), normal(*s))
    case("trap_data_exponent", lambda x: x**x, positive(*s))
    case("trap_leaky", lambda x, w: w * F.leaky_relu(x, 0.3), normal(*s), normal(s[1]))
case("trap_backwards", lambda x: x.flip(0).cumsum(0).flip(0), normal(5))
case("trap_before_end", lambda x, w: x[-2] * w.sum(), normal(4), normal(4))
case("trap_before_end", lambda x, w: 0 * x.sum() * w.sum(), given([1.5]), given([-0.5]))
