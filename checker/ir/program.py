"""A lowered model: state variables, routines, actions, processes as control-flow graphs, properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from checker.errors import Location
from checker.ir.expressions import Expr
from checker.ir.statements import Stmt
from checker.ir.types import IndexType, Type
from checker.ir.values import Value


@dataclass(frozen=True, slots=True)
class Variable:
    """A durable variable; ``component`` is the owner's name, empty for the model itself."""

    name: str
    type: Type
    initial: Value
    component: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a routine, or of an action, where it is a nondeterministic choice."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Routine:
    """Atomic code with parameters: an action's body, an operation, a helper, a property."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Stmt, ...]
    returns: Type
    location: Location
    pure: bool = False
    #: Whether it is an operation of a component: a call, when a process makes it.
    is_operation: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A step of the environment, or a component's fault; enabled for each value of its parameters.

    ``budget`` names the budget that one firing spends; None is a step that is always free.
    """

    name: str
    routine: str
    parameters: tuple[Parameter, ...]
    location: Location
    component: str = ""
    budget: str | None = None


@dataclass(frozen=True, slots=True)
class OperationCall:
    """One call on the wire. Its parts run atomically; more than one part is a transaction."""

    parts: tuple[OperationPart, ...]
    #: Raised where a part of a transaction raises; None for a single operation.
    cancelled: str | None = None
    #: A retry carries what identifies the first attempt (a client token, a minted id): once applied, it
    #: is answered without being applied again.
    applied_once: bool = False

    @property
    def name(self) -> str:
        """``seen.get``, or ``transact(seen.put_if_absent, orders.insert)``."""
        names = [part.name for part in self.parts]
        return names[0] if self.cancelled is None else f"transact({', '.join(names)})"


@dataclass(frozen=True, slots=True)
class OperationPart:
    """An operation of one component with the arguments that it is called with."""

    component: str
    operation: str
    routine: str
    args: tuple[Expr, ...]
    raises: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``component.operation``."""
        return f"{self.component}.{self.operation}"


@dataclass(frozen=True, slots=True)
class Handler:
    """Where control goes when a call raises one of ``errors``."""

    errors: tuple[str, ...]
    block: int


@dataclass(frozen=True, slots=True)
class Label:
    """A place where a process waits for one call on the wire.

    ``live`` are the locals that are needed from here on; all others are reset. ``idle`` marks labels
    at which an iteration of the process begins. ``frames`` are the positions (line, column, end line,
    end column) of the await in the source, outermost frame first, by which CPython's place is found;
    ``prefixes`` are what the names of those frames' locals begin with in the IR.
    """

    id: int
    call: OperationCall
    result: str | None
    resume: int
    handlers: tuple[Handler, ...]
    location: Location
    frames: tuple[tuple[int, int, int, int], ...]
    prefixes: tuple[str, ...]
    idle: bool = False
    live: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on at a block."""

    block: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Go on at one of two blocks."""

    condition: Expr
    then: int
    orelse: int
    location: Location


@dataclass(frozen=True, slots=True)
class Await:
    """End the step: the process waits at a label."""

    label: int


@dataclass(frozen=True, slots=True)
class End:
    """The iteration is over: the process begins again at its entry."""


@dataclass(frozen=True, slots=True)
class Fail:
    """A service error that nobody catches: the process dies and begins again at its entry."""

    error: str


Terminator: TypeAlias = Goto | Branch | Await | End | Fail


@dataclass(frozen=True, slots=True)
class Block:
    """Straight-line code and where it goes next."""

    id: int
    body: tuple[Stmt, ...]
    terminator: Terminator


@dataclass(frozen=True, slots=True)
class Process:
    """A process and its instances; ``index`` is None where there is one instance without a parameter.

    ``first_instance`` is the number of its first instance among all process instances of the model.
    """

    name: str
    parameter: str | None
    index: IndexType | None
    first_instance: int
    entry: int
    blocks: tuple[Block, ...]
    labels: tuple[Label, ...]
    locals: Mapping[str, Type]
    location: Location

    @property
    def instances(self) -> int:
        """How many instances run."""
        return 1 if self.index is None else self.index.size


class PropertyKind(Enum):
    """When a property is asked."""

    ALWAYS = "always"
    TRANSITION = "transition"
    QUIESCENT = "quiescent"
    REACHABLE = "reachable"
    #: Asked as ALWAYS is; its author believes that it helps a proof.
    LEMMA = "lemma"


@dataclass(frozen=True, slots=True)
class Property:
    """A named property; ``routine`` returns a bool.

    A TRANSITION property's routine reads the old state through variables named ``old.<variable>``.
    """

    name: str
    kind: PropertyKind
    routine: str
    description: str
    location: Location


@dataclass(frozen=True, slots=True)
class Budgets:
    """How often each fault may happen in one run of the model, and how often the SDK tries a call.

    ``component`` holds the budgets of components' own faults by ``component.fault``.
    """

    crash: int = 0
    fail: int = 0
    ambiguous: int = 0
    component: tuple[tuple[str, int], ...] = ()
    max_attempts: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """All budgets in the order in which a state keeps what is left of them."""
        return ("crash", "fail", "ambiguous", *(name for name, _ in self.component))

    @property
    def amounts(self) -> tuple[int, ...]:
        """The full budgets, in the order of ``names``."""
        return (self.crash, self.fail, self.ambiguous, *(amount for _, amount in self.component))


@dataclass(frozen=True, slots=True)
class Program:
    """A model lowered for one set of bounds. Immutable; checked by ``checker.ir.verifier``."""

    name: str
    description: str
    location: Location
    index_sets: tuple[IndexType, ...]
    variables: tuple[Variable, ...]
    routines: Mapping[str, Routine]
    actions: tuple[Action, ...]
    processes: tuple[Process, ...]
    properties: tuple[Property, ...]
    budgets: Budgets

    @property
    def process_count(self) -> int:
        """The number of process instances."""
        return sum(process.instances for process in self.processes)

    def variable(self, name: str) -> Variable:
        """The variable of that name. Raises KeyError."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    def process_of(self, instance: int) -> tuple[Process, int]:
        """The process and the index in it of a process instance, counted over the whole model."""
        for process in self.processes:
            if instance < process.first_instance + process.instances:
                return process, instance - process.first_instance
        raise IndexError(instance)

    def instance_name(self, instance: int) -> str:
        """``worker 1``, or ``relay`` where the process has one instance."""
        process, index = self.process_of(instance)
        return process.name if process.index is None else f"{process.name} {index}"
