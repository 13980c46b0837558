"""What the emitters of all kinds of expressions share: names, error notes, and places."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from checker.engines.native.codegen.errors import ErrorSites
from checker.engines.native.codegen.layout import Layout
from checker.engines.native.codegen.packing import Packing
from checker.engines.native.codegen.values import CTypes
from checker.errors import Location, ModelErrorKind
from checker.ir.dependencies import OLD_PREFIX
from checker.ir.expressions import Apply, Expr, Local, Op, StateVar
from checker.ir.program import Program
from checker.ir.substitution import inlined
from checker.ir.totals import total_maps


class Emitter(ABC):
    """The state of emitting one function. ``names`` maps the IR's locals to C variables."""

    def __init__(
        self,
        program: Program,
        layout: Layout,
        types: CTypes,
        errors: ErrorSites,
        routine_names: Mapping[str, str],
    ) -> None:
        self.program = program
        self.layout = layout
        self.types = types
        self.errors = errors
        total = {str(layout.variables[name].offset) for name in total_maps(program)}
        self.packing = Packing(layout.capacities, types, self.fresh, total)
        self.routine_names = routine_names
        self.names: dict[str, str] = {}
        #: C variables that say whether a local has a value; absent for those that always have.
        self.flags: dict[str, str] = {}
        self.may_fail = False
        #: Whether the search stores one state of each orbit, so that nothing may depend on members' order.
        self.is_symmetric = False
        #: Whether what is being emitted is stored in the state at once: then a value out of range is an
        #: error here. In a local it would be none yet, and the packed form cannot hold it.
        self.is_storing = False
        self._counter = 0

    def fresh(self, stem: str) -> str:
        """A C name that nothing else has."""
        self._counter += 1
        return f"{stem}{self._counter}"

    def fail(self, kind: ModelErrorKind, location: Location | None) -> str:
        """The C statement that notes a model error."""
        self.may_fail = True
        return f"gen_error(c, {self.errors.number(kind, location)})"

    def out_of_range(self, location: Location | None) -> str:
        """The C statement that notes an element out of its collection's range."""
        if self.is_storing:
            return self.fail(ModelErrorKind.OVERFLOW, location)
        self.may_fail = True
        return "gen_error(c, QC_BEYOND)"

    @abstractmethod
    def value(self, expr: Expr) -> str:
        """A C expression for the value."""

    def inlined(self, expr: Expr) -> Expr:
        """A call of a routine that only returns an expression, as that expression."""
        return inlined(expr, self.program.routines, self.fresh)

    def place_of(self, expr: StateVar) -> tuple[str, str]:
        """Where a state variable lies: pointer and bit."""
        slot = self.layout.variables[expr.name.removeprefix(OLD_PREFIX)]
        return ("c->old" if expr.name.startswith(OLD_PREFIX) else "s"), str(slot.offset)

    def at(self, expr: Expr, use: Callable[[str, str], str]) -> str:
        """An expression on the place (pointer and bit) of a collection; ``use`` makes it from the place."""
        expr = self.inlined(expr)
        if isinstance(expr, StateVar):
            return use(*self.place_of(expr))
        if isinstance(expr, Apply) and expr.op is Op.COPY:
            return self.at(expr.args[0], use)
        if isinstance(expr, Local) and expr.name not in self.flags:
            return use(f"{self.value(expr)}.w", "0")
        v, name = self.fresh("v"), self.types.name(expr.type)
        return f"({{ {name} {v} = {self.value(expr)}; {use(f'{v}.w', '0')}; }})"
