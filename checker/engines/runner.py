"""Choosing an engine, and confirming what it found on the reference semantics before anyone sees it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checker.dsl.lowering import LoweredModel
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import (
    ALL_FOUND,
    DEADLOCK_FREE,
    Answer,
    Engine,
    Failure,
    Limits,
    Request,
    Result,
    Run,
    SearchOrder,
    Verdict,
)
from checker.engines.native.codegen.layout import Unsupported
from checker.engines.native.compile import CannotCompile
from checker.engines.native.engine import NativeEngine
from checker.engines.native.simulate import simulate as simulate_compiled
from checker.engines.racing import AutoEngine, Beside, agreed, is_decided
from checker.engines.reference import ReferenceMachine
from checker.engines.reference.engine import ReferenceEngine
from checker.engines.simulation import Simulation, SimulationRequest, Walker
from checker.engines.smt.engine import SmtEngine
from checker.engines.smt.errors import Unsupported as NotEncodable
from checker.errors import InternalError, ModelError, ModelErrorKind, UserError
from checker.ir.program import PropertyKind
from checker.semantics.machine import Machine
from checker.semantics.state import State

if TYPE_CHECKING:
    from checker.engines.smt.prove import Proof

ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (NativeEngine(), ExplicitEngine(), ReferenceEngine(), SmtEngine(), AutoEngine())
}
DEFAULT_ENGINE = NativeEngine.name


#: How long a proof may take where nothing is said of it.
PROOF_S = 60.0

#: How many states the explicit engine may look at to tell a run of the native one in the rules' order.
RETELL_STATES_MAX = 20_000


#: Spaces up to this size are searched by the explicit engine as well, and the results compared.
CROSS_CHECK_STATES_MAX = 5_000


def engine_named(name: str) -> Engine:
    """The engine of that name. Raises UserError."""
    if name not in ENGINES:
        close = difflib.get_close_matches(name, ENGINES, 1)
        hint = f"did you mean '{close[0]}'?" if close else f"engines: {', '.join(ENGINES)}"
        raise UserError(f"there is no engine '{name}'", hint=hint)
    return ENGINES[name]


def run(name: str, request: Request) -> Result:
    """Check with the engine of that name; every path in the result is confirmed.

    Where the native engine cannot work (no compiler, or a model that its layout cannot hold), or the
    symbolic one cannot encode the model, the explicit one does, and the result has a notice.

    Raises:
        UserError: no such engine, or one that does not know the order asked for.
        InternalError: the reference semantics disagree with what the engine found.
    """
    if request.order is not SearchOrder.BREADTH_FIRST and name != NativeEngine.name:
        what = f"the {name} engine searches breadth first only"
        raise UserError(what, hint=f"leave out --search, or use --engine {NativeEngine.name}")
    try:
        result = engine_named(name).check(request)
        if result.engine == NativeEngine.name:
            whole = _cross_checked(result, request)
            result = _retold(result, request, whole)
    except (CannotCompile, Unsupported, NotEncodable) as error:
        notice = f"the {name} engine is not used: {error}"
        if request.order is not SearchOrder.BREADTH_FIRST:
            notice += "; the explicit engine searches breadth first"
        result = replace(engine_named(ExplicitEngine.name).check(request), notice=notice)
    _confirm_all(request.lowered, result.verdicts, result.failure)
    return result


def prove(request: Request, explains: bool = False, method: str = "auto") -> Proof:
    """Prove what holds after any number of steps, by the symbolic engine; every path is confirmed.

    ``explains`` asks for every property why it is not inductive by itself; ``method`` is the only one that
    may prove, ``auto`` for those that are worth their time.

    Raises:
        UserError: the model cannot be encoded, or Z3 is missing or too old.
        InternalError: the reference semantics disagree with what was found, or a proof fails its check.
    """
    from checker.engines.smt.prove import Prover  # like all of that engine, seldom needed

    seconds = PROOF_S if request.limits.time_s_max is None else request.limits.time_s_max
    with Beside(request, seconds) as beside:
        try:
            proof = Prover(request, explains=explains, method=method, elsewhere=beside.found).run()
        except NotEncodable as error:
            hint = "`quackcheck check` exhausts its states instead"
            raise UserError(f"no proof can be tried: {error}", hint=hint) from None
        beside.found()
        proof = _with_exhausted(proof, beside.whole, request)
    _confirm_all(request.lowered, proof.result.verdicts, proof.result.failure)
    return proof


def _with_exhausted(proof: Proof, whole: Result | None, request: Request) -> Proof:
    """A proof, and what an exhaustive search beside it says of what it leaves open.

    Raises InternalError where they contradict each other.
    """
    result = proof.result
    if whole is None or whole.failure is not None or result.failure is not None:
        return proof
    if result.stopped != "interrupted":
        _cross_checked(whole, request)
    verdicts = []
    for ours, theirs in zip(result.verdicts, whole.verdicts, strict=True):
        best = agreed((ours, theirs), (result, whole))
        if best.answer is Answer.UNKNOWN or is_decided(ours):
            best = ours
        elif best.answer is Answer.HOLDS and best.path is None:
            method = f"exhausting {whole.statistics.states:,} states"
            best = replace(best, method=method, reason=ours.reason)
        verdicts.append(best)
    return replace(proof, result=replace(result, verdicts=tuple(verdicts)))


@dataclass(frozen=True, slots=True)
class Verified:
    """What a certificate claims, the number of its lemmas, and the obligations that fail."""

    proved: tuple[str, ...]
    lemmas: int
    failed: tuple[str, ...]


def verify_certificate(path: str, text: str, lowered_of: Callable[[str], LoweredModel]) -> Verified:
    """Check a certificate's file; ``lowered_of`` lowers the spec that it names.

    Raises:
        UserError: it is no certificate, was edited, or is for another program.
    """
    from checker.engines.smt.certificate import ANY_NUMBER, read_certificate, verified
    from checker.engines.smt.general_certificate import verified_for_any

    data = read_certificate(path, text)
    lowered = lowered_of(data["spec"])
    if data.get("kind") == ANY_NUMBER:
        failed = verified_for_any(data, lowered, path)
    else:
        failed = verified(data, lowered.program, path)
    return Verified(tuple(data["proved"]), len(data["lemmas"]), tuple(failed))


def simulate(request: SimulationRequest) -> Simulation:
    """Walk at random, in generated code where possible; every run in the result is confirmed.

    Raises:
        InternalError: the reference semantics disagree with what was found.
    """
    try:
        found = simulate_compiled(NativeEngine.name, request)
    except (CannotCompile, Unsupported) as error:
        notice = f"the native engine is not used: {error}"
        machine = Machine(request.lowered.program)
        found = replace(Walker(machine, request).simulate(ExplicitEngine.name), notice=notice)
    _confirm_all(request.lowered, found.verdicts, found.failure)
    return found


def _confirm_all(lowered: LoweredModel, verdicts: Sequence[Verdict], failure: Failure | None) -> None:
    reference = ReferenceMachine(lowered)
    for verdict in verdicts:
        if verdict.path is not None:
            _confirm(reference, verdict, verdict.path)
    if failure is not None:
        _confirm_failure(reference, failure)


def _retold(result: Result, request: Request, whole: Result | None) -> Result:
    """With the runs that the explicit engine gives, where it finds them among its first states.

    Of several shortest runs the native engine gives the one with the smallest packed states, the
    explicit one the first in the order of the rules, which reads better: ``worker 0`` before ``worker 1``,
    and no fault before it is needed. ``whole`` is what the explicit engine found, where it has searched.
    """
    deepest = max((len(v.path.transitions) for v in result.verdicts if v.path is not None), default=0)
    if whole is None and not request.retells:
        return result
    if deepest == 0 or result.stopped == "interrupted":
        return result
    limits = Limits(states_max=RETELL_STATES_MAX, depth_max=deepest)
    shallow = whole or engine_named(ExplicitEngine.name).check(Request(request.lowered, limits))
    if shallow.stopped == "interrupted":
        return replace(result, stopped="interrupted")
    told = {verdict.property: verdict.path for verdict in shallow.verdicts if verdict.path is not None}
    # What a search by depth has found is as short as can be, however the path was found at first.
    verdicts = [
        replace(verdict, path=told[verdict.property], is_shortest=True)
        if verdict.path is not None and verdict.property in told
        else verdict
        for verdict in result.verdicts
    ]
    return replace(result, verdicts=tuple(verdicts))


def _cross_checked(result: Result, request: Request) -> Result | None:
    """What the explicit engine finds in a small space, which it searches whole, too; None for larger ones.

    Raises:
        InternalError: they differ.
    """
    states = result.statistics.states_all
    if result.stopped is not None or states is None or states > CROSS_CHECK_STATES_MAX:
        return None
    again = engine_named(ExplicitEngine.name).check(Request(request.lowered, wanted=request.wanted))
    if again.stopped == "interrupted":
        raise KeyboardInterrupt
    if again.stopped == ALL_FOUND:
        # Its counts end in the middle of the last level; all that was asked for has been found by both.
        return again
    ours, theirs = _compared(result, request.wanted), _compared(again, request.wanted)
    if states != result.statistics.states or request.order is not SearchOrder.BREADTH_FIRST:
        # With symmetry only some of the transitions have been taken, and depth first some several times.
        ours, theirs = replace(ours, transitions=0), replace(theirs, transitions=0)
    if ours != theirs:
        raise InternalError(f"the native engine finds {ours}, the explicit engine {theirs}")
    return again


@dataclass(frozen=True)
class _Compared:
    """What engines have to agree on."""

    answers: tuple[Answer, ...]
    states: int | None
    transitions: int
    comes_to_rest: bool


def _compared(result: Result, wanted: frozenset[str] | None) -> _Compared:
    statistics = result.statistics
    return _Compared(
        tuple(v.answer for v in result.verdicts if wanted is None or v.property in wanted),
        statistics.states_all,
        statistics.transitions,
        wanted is None and statistics.comes_to_rest,
    )


def _followed(reference: ReferenceMachine, path: Run) -> list[State | ModelError]:
    """The states along a path as the reference semantics have them, the initial one first."""
    initial = next((s.outcome for s in reference.initial_states() if s.outcome == path.initial), None)
    if initial is None:
        raise InternalError("the reference semantics do not begin where the trace begins")
    states: list[State | ModelError] = [initial]
    for number, transition in enumerate(path.transitions, start=1):
        state = states[-1]
        if isinstance(state, ModelError):
            raise InternalError(f"the reference semantics end with {state} before step {number}")
        outcomes = (s.outcome for s in reference.successors(state) if s.transition == transition)
        following = next(outcomes, None)
        if following is None:
            raise InternalError(f"the reference semantics do not allow step {number}: {transition}")
        states.append(following)
    return states


def _confirm(reference: ReferenceMachine, verdict: Verdict, path: Run) -> None:
    states = _followed(reference, path)
    final = states[-1]
    if isinstance(final, ModelError):
        raise InternalError(f"the trace of {verdict.property} ends with {final}")
    if verdict.property == DEADLOCK_FREE:
        instances = range(len(reference.instances))
        agreed = _is_quiescent(reference, final) and any(
            not reference.label_of(final, instance).idle for instance in instances
        )
    else:
        agreed = _property_agrees(reference, verdict, states, final)
    if not agreed:
        raise InternalError(f"the reference semantics do not confirm the trace of {verdict.property}")


def _property_agrees(
    reference: ReferenceMachine, verdict: Verdict, states: list[State | ModelError], final: State
) -> bool:
    number = [prop.name for prop in reference.program.properties].index(verdict.property)
    kind = reference.program.properties[number].kind
    before = states[-2] if kind is PropertyKind.TRANSITION and len(states) > 1 else None
    assert not isinstance(before, ModelError)
    if (verdict.answer is Answer.HOLDS) != (kind is PropertyKind.REACHABLE):
        return False
    try:
        agreed = reference.holds(number, final, before) == (kind is PropertyKind.REACHABLE)
    except ModelError as error:
        raise InternalError(f"{verdict.property} has no value after its trace: {error}") from None
    return agreed and (kind is not PropertyKind.QUIESCENT or _is_quiescent(reference, final))


def _is_quiescent(reference: ReferenceMachine, state: State) -> bool:
    return all(successor.transition.kind.is_fault for successor in reference.successors(state))


def _confirm_failure(reference: ReferenceMachine, failure: Failure) -> None:
    if failure.path is None:
        found = [s.outcome for s in reference.initial_states() if isinstance(s.outcome, ModelError)]
    elif failure.error.kind is ModelErrorKind.LOOP:
        # CPython would follow an endless loop without end: only the run up to it is confirmed.
        _followed(reference, replace(failure.path, transitions=failure.path.transitions[:-1]))
        return
    else:
        states = _followed(reference, failure.path)
        final = states[-1]
        found = [final] if isinstance(final, ModelError) else _property_errors(reference, states)
    expected = failure.error
    if (expected.kind, _line(expected)) not in [(error.kind, _line(error)) for error in found]:
        given = ", ".join(map(str, found)) or "none"
        raise InternalError(f"the reference semantics give {given}, not the model error {expected}")


def _property_errors(reference: ReferenceMachine, states: list[State | ModelError]) -> list[ModelError]:
    """The model errors of the properties that are asked at the end of a run."""
    final = states[-1]
    before = states[-2] if len(states) > 1 else None
    assert not isinstance(final, ModelError)
    assert not isinstance(before, ModelError)
    found = []
    for number, prop in enumerate(reference.program.properties):
        if prop.kind is PropertyKind.TRANSITION and before is None:
            continue
        if prop.kind is PropertyKind.QUIESCENT and not _is_quiescent(reference, final):
            continue
        try:
            reference.holds(number, final, before if prop.kind is PropertyKind.TRANSITION else None)
        except ModelError as error:
            found.append(error)
    return found


def _line(error: ModelError) -> tuple[str, int] | None:
    return None if error.location is None else (error.location.path, error.location.line)
