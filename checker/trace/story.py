"""The one-sentence story of a counterexample: which entity, which processes, at which steps, and why.

The sentence is built from the trace alone: the values for which the property fails, the steps that
wrote what the property looks at, what both sides had read before, and the faults on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.ir.dependencies import OLD_PREFIX, variables_read
from checker.ir.program import Program, Property, PropertyKind
from checker.ir.types import INT, BagType, FifoType, IndexType, MapType, OptionType, RecordType, SetType, Type
from checker.ir.values import Value, in_order, index_label, show
from checker.semantics.machine import Machine
from checker.semantics.state import StepKind
from checker.trace.trace import Change, Step, Trace


def tell(machine: Machine, prop: Property, trace: Trace) -> str:
    """The story of a violated property; a sentence without its full stop."""
    number = machine.program.properties.index(prop)
    before = trace.before_final if prop.kind is PropertyKind.TRANSITION else None
    bindings = machine.failing_bindings(number, trace.final, before)
    story = _Story(machine.program, prop, trace, list(bindings.values()))
    match prop.kind:
        case PropertyKind.QUIESCENT:
            return story.of_what_is_missing()
        case PropertyKind.TRANSITION:
            return story.of_a_change()
        case _:
            return story.of_writers()


def tell_deadlock(machine: Machine, trace: Trace) -> str:
    """The story of a state in which nothing can happen and some process is stuck."""
    stuck = []
    for instance in range(len(machine.instances)):
        label = machine.label_of(trace.final, instance)
        if not label.idle:
            stuck.append(f"{machine.program.instance_name(instance)} waits for {label.call.name}")
    return f"nothing more can happen, but {_listing(stuck)}"


class _Story:
    """The facts from which a story is told."""

    def __init__(
        self, program: Program, prop: Property, trace: Trace, bound: list[tuple[Type, Value]]
    ) -> None:
        self._program = program
        self._property = prop
        self._trace = trace
        self._entities = [(t, v) for pair in bound for t, v in entities_in(*pair)]
        names = {name.removeprefix(OLD_PREFIX) for name in variables_read(program, prop.routine)}
        in_components = {name for name in names if program.variable(name).component}
        # The model's own fields tell of the environment; they are the subject only where nothing else is.
        self._names = in_components or names

    def of_writers(self) -> str:
        """An ALWAYS property: who wrote what it looks at, and what they had read."""
        writers = [step for step in self._trace.steps if self._writes(step)]
        subject = self._subject()
        if not writers:
            when = f"after step {self._length}" if self._length else "in the initial state"
            return f"{self._property.name} is false{subject and f' for {subject}'} {when}"
        times = {1: "", 2: " twice"}.get(len(writers), f" {len(writers)} times")
        by = _by(writers)
        where = _listing(list(dict.fromkeys(self._written_to(step) for step in writers)))
        what = f"{subject} was written to {where}" if subject else f"{where} was written"
        return f"{what}{times}: {by}{self._race(writers)}"

    def of_what_is_missing(self) -> str:
        """A QUIESCENT property: what was never written, and what happened last."""
        subject = self._subject() or "the state"
        writers = [step for step in self._trace.steps if self._writes(step)]
        if writers or not self._names:
            by = _by(writers)
            written = f", written {by}" if writers else ""
            return f"nothing more can happen, and {self._property.name} is false for {subject}{written}"
        last = _listing(list(_deeds(self._decisive())))
        where = _listing([f"`{name}`" for name in sorted({self._place(name) for name in self._names})])
        return f"{subject} never reached {where}, and nothing more can happen: {last}"

    def of_a_change(self) -> str:
        """A TRANSITION property: the step that made the change, and who wrote before it."""
        last = self._trace.steps[-1]
        earlier = [step for step in self._trace.steps[:-1] if self._writes(step)]
        where = self._written_to(last)
        subject = self._subject()
        story = f"{last.actor} changed {f'{subject} in ' if subject else ''}{where} at step {last.number}"
        if earlier:
            by = earlier[-1]
            story += f", which {by.actor} had written at step {by.number}"
        return story + self._race([*earlier[-1:], last])

    @property
    def _length(self) -> int:
        return len(self._trace.steps)

    def _subject(self) -> str:
        return _listing(list(dict.fromkeys(show(type_, value) for type_, value in self._entities)))

    def _writes(self, step: Step) -> bool:
        """Whether a step changes what the property looks at, for the entities that it is false for."""
        return any(change.name in self._names and self._concerns(change) for change in step.changes)

    def _place(self, name: str) -> str:
        """What a variable is called in a story: its component, or itself where the model owns it."""
        return self._program.variable(name).component or name

    def _concerns(self, change: Change) -> bool:
        return concerns(change, self._entities)

    def _written_to(self, step: Step) -> str:
        places = [self._place(change.name) for change in step.changes if change.name in self._names]
        return _listing([f"`{place}`" for place in dict.fromkeys(places)])

    def _race(self, writers: list[Step]) -> str:
        """What made it possible: both had read something before either wrote it, or the faults."""
        actors = list(dict.fromkeys(step.actor for step in writers))
        if len(actors) == 2 and (read := self._read_by_both(actors, writers)):
            return f"; both read `{read}` before either wrote it"
        faults = [step for step in self._trace.steps if step.kind.is_fault]
        if not faults:
            return ""
        return "; " + _listing([f"{_fault_text(step)} at step {step.number}" for step in faults])

    def _read_by_both(self, actors: list[str], writers: list[Step]) -> str | None:
        """The component that both actors read before either of them wrote it, if there is one."""
        steps = [step for step in self._trace.steps if step.actor in actors]
        written = {self._place(name) for name in self._names}
        for component in dict.fromkeys(call.component for step in steps for call in step.calls):
            if component in written:
                continue
            reads = [self._last_read(actor, component, writers) for actor in actors]
            if any(number is None for number in reads):
                continue
            last = max(number for number in reads if number is not None)
            if not any(_changes_component(step, component) for step in steps if step.number <= last):
                return component
        return None

    def _last_read(self, actor: str, component: str, writers: list[Step]) -> int | None:
        """The last step before its write at which an actor called a component without changing it."""
        own = max(step.number for step in writers if step.actor == actor)
        for step in reversed(self._trace.steps[: own - 1]):
            called = any(call.component == component for call in step.calls)
            if step.actor == actor and called and not _changes_component(step, component):
                return step.number
        return None

    def _decisive(self) -> list[Step]:
        """The steps worth telling when something is missing: faults, and what processes then did."""
        steps = [step for step in self._trace.steps if step.kind is not StepKind.ACTION]
        first_fault = next((i for i, step in enumerate(steps) if step.kind.is_fault), None)
        if first_fault is None:
            return steps[-3:]
        return [step for step in steps[max(first_fault - 1, 0) :] if step.kind.is_fault or _acts(step)][:5]


def _by(writers: list[Step]) -> str:
    """Who wrote when: ``by worker 0 at step 4 and by worker 1 at step 8``."""
    if len(writers) > 1 and len({step.actor for step in writers}) == 1:
        return f"by {writers[0].actor} at steps {_listing([str(step.number) for step in writers])}"
    return _listing([f"by {step.actor} at step {step.number}" for step in writers])


def _deeds(steps: list[Step]) -> Iterator[str]:
    """What each step did, naming an actor only where it changes."""
    actor = None
    for step in steps:
        who = "" if step.actor == actor else f"{step.actor} "
        yield f"{who}{_did(step)} at step {step.number}"
        actor = step.actor


def _changes_component(step: Step, component: str) -> bool:
    return any(change.owner == component and change.type is not None for change in step.changes)


def concerns(change: Change, entities: list[tuple[Type, Value]]) -> bool:
    """Whether a change adds or removes something that mentions one of some entities; with none, always."""
    if not entities:
        return True
    assert change.type is not None
    old, new = set(_parts(change.type, change.before)), set(_parts(change.type, change.after))
    touched = [found for type_, value in old ^ new for found in entities_in(type_, value)]
    return any(entity in touched for entity in entities)


def _acts(step: Step) -> bool:
    """Whether a step says something: a call that changed something, or was refused."""
    if any(call.error is not None for call in step.calls):
        return True
    return bool(step.calls) and any(change.type is not None and "." in change.name for change in step.changes)


def _did(step: Step) -> str:
    match step.kind:
        case StepKind.CRASH:
            return "crashed"
        case StepKind.FAIL:
            return f"called {step.transition.name} (which failed)"
        case StepKind.AMBIGUOUS:
            return f"called {step.transition.name} (its answer was lost)"
        case StepKind.CALL if any(call.error is not None for call in step.calls):
            return f"was refused by {step.transition.name}"
        case StepKind.CALL:
            return f"called {step.transition.name}"
        case _:
            return step.transition.name.rpartition(".")[2].replace("_", " ")


def _fault_text(step: Step) -> str:
    match step.kind:
        case StepKind.CRASH:
            return f"{step.actor} crashed"
        case StepKind.FAIL:
            return f"{step.actor}'s {step.transition.name} failed"
        case StepKind.AMBIGUOUS:
            return f"the answer to {step.actor}'s {step.transition.name} was lost"
        case _:
            return f"{step.transition.name} happened"


def _listing(parts: list[str]) -> str:
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def entities_in(type_: Type, value: Value) -> Iterator[tuple[Type, Value]]:
    """The members of index sets inside a value, process numbers aside."""
    match type_:
        case IndexType(name, _):
            if index_label(name) != "process":
                yield type_, value
        case OptionType(inner):
            if value is not None:
                yield from entities_in(inner, value)
        case RecordType(_, fields):
            # Of a row, the first index is what it is about; the others are who wrote it, and the like.
            for (_, field_type), part in zip(fields, value, strict=True):
                found = list(entities_in(field_type, part))
                if found:
                    yield from found
                    return
        case SetType(element) | FifoType(element) | BagType(element):
            parts = value if isinstance(type_, FifoType) else in_order(element, value)
            for part in parts:
                yield from entities_in(element, part)
        case MapType(key, inner):
            for k in in_order(key, value):
                yield from entities_in(key, k)
                yield from entities_in(inner, value[k])
        case _:
            return


def _parts(type_: Type, value: Value) -> Iterator[tuple[Type, Value]]:
    """What a collection consists of, as typed values; a map's entry counts as a record."""
    match type_:
        case MapType(key, inner):
            entry = RecordType("entry", (("value", inner), ("key", key)))
            yield from ((entry, (v, k)) for k, v in value.items())
        case BagType(element):
            counted = RecordType("copies", (("element", element), ("count", INT)))
            yield from ((counted, pair) for pair in value.items())
        case SetType(element) | FifoType(element):
            yield from ((element, part) for part in value)
        case _:
            yield type_, value
