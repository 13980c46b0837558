"""The rules of a step: calls and their failures, crashes, retries, transactions, budgets, liveness."""

from __future__ import annotations

import pytest

from checker.errors import ModelError
from checker.ir.program import Budgets
from checker.ir.values import FrozenMap
from checker.semantics.state import State, StepKind

from .exploring import after, initial, machine_of, reachable, steps
from .small_models import (
    AllOrNothing,
    Asking,
    Breaking,
    Bumping,
    BumpingOnce,
    Crashing,
    DeadLocal,
    Handling,
    Idling,
    Locking,
    Restarting,
    TwoCounters,
    Updating,
)

CALL, FAIL, AMBIGUOUS, CRASH = StepKind.CALL, StepKind.FAIL, StepKind.AMBIGUOUS, StepKind.CRASH


def value(machine: object, state: State, name: str = "cell.value") -> object:
    program = machine.program  # type: ignore[attr-defined]
    return state.variables[[v.name for v in program.variables].index(name)]


# Steps and their order


def test_a_step_is_the_call_and_the_local_code_up_to_the_next_await() -> None:
    machine = machine_of(Updating, Worker=1)
    first = initial(machine)
    assert machine.label_of(first, 0).call.name == "cell.read"
    read = after(machine, first, CALL)
    assert machine.label_of(read, 0).call.name == "cell.write"
    # Arguments are evaluated when the process reaches the await: (0 + 1) % 3.
    assert read.processes[0].locals == (1,)
    written = after(machine, read, CALL)
    assert value(machine, written) == 1
    assert written.processes[0] == first.processes[0]


def test_successors_come_in_a_fixed_order() -> None:
    """Free actions, then calls with their failures process by process, then crashes, then faults."""
    machine = machine_of(Updating, Budgets(crash=1, fail=1, ambiguous=1), Worker=2)
    state = next(iter(steps(machine, initial(machine)).values()))[0]
    order = [(s.transition.kind, s.transition.process) for s in machine.successors(state)]
    assert order == [
        (CALL, 0),
        (FAIL, 0),
        (AMBIGUOUS, 0),  # applied
        (AMBIGUOUS, 0),  # not applied
        (CALL, 1),
        (FAIL, 1),
        (AMBIGUOUS, 1),
        (AMBIGUOUS, 1),
        (CRASH, 0),
    ]


def test_the_parameters_and_choices_of_a_transition_name_its_outcome() -> None:
    machine = machine_of(DeadLocal)
    outcomes = [s.transition.choices for s in machine.successors(initial(machine))]
    assert outcomes == [(0,), (1,)]


def test_a_false_guard_disables_the_call() -> None:
    machine = machine_of(Locking, Worker=2)
    (taken, _) = steps(machine, initial(machine))[CALL, "lock.acquire"]
    assert list(steps(machine, taken)) == [(CALL, "lock.release")]


def test_a_call_that_cannot_be_answered_yet_does_not_fail() -> None:
    machine = machine_of(Locking, Budgets(fail=1, ambiguous=1), Worker=2)
    (taken, _) = steps(machine, initial(machine))[CALL, "lock.acquire"]
    assert {s.transition.process for s in machine.successors(taken)} == {0}


# Budgets


def test_budgets_of_zero_disable_every_fault() -> None:
    for model in (Updating, Crashing, Handling, Restarting, Breaking):
        machine = machine_of(model)
        kinds = {kind for state in reachable(machine) for kind, _ in steps(machine, state)}
        assert kinds == {CALL}


def test_a_fault_spends_its_own_budget() -> None:
    budgets = Budgets(1, 2, 3, (("machine.break_down", 1),), 1)
    machine = machine_of(Breaking, budgets)
    first = initial(machine)
    assert first.budgets == (1, 2, 3, 1)
    spent = {kind: outcomes[0].budgets for (kind, _), outcomes in steps(machine, first).items()}
    assert spent == {
        CALL: (1, 2, 3, 1),
        FAIL: (1, 1, 3, 1),
        AMBIGUOUS: (1, 2, 2, 1),
        StepKind.FAULT: (1, 2, 3, 0),
    }


def test_nothing_is_enabled_once_it_is_broken() -> None:
    """A state is quiescent where neither an action nor a call is enabled; faults do not count."""
    machine = machine_of(Breaking, Budgets(fail=1, component=(("machine.break_down", 1),)))
    (broken,) = steps(machine, initial(machine))[StepKind.FAULT, "machine.break_down"]
    assert steps(machine, broken) == {}
    enabled = {kind for kind, _ in steps(machine, initial(machine))}
    assert {kind for kind in enabled if not kind.is_fault} == {CALL}


def test_only_actions_and_calls_have_to_happen() -> None:
    assert [kind.name for kind in StepKind if not kind.is_fault] == ["ACTION", "CALL"]
    assert {kind for kind, _ in steps(machine_of(TwoCounters), initial(machine_of(TwoCounters)))} == {
        StepKind.ACTION
    }


# Crashes


def test_a_crash_loses_the_locals_and_begins_again() -> None:
    machine = machine_of(Updating, Budgets(crash=1), Worker=1)
    first = initial(machine)
    read = after(machine, first, CALL)
    crashed = after(machine, read, CRASH)
    assert crashed.processes == first.processes
    assert crashed.variables == read.variables
    assert crashed.budgets[0] == 0


def test_an_idle_process_does_not_crash() -> None:
    machine = machine_of(Updating, Budgets(crash=1), Worker=1)
    assert machine.label_of(initial(machine), 0).idle
    assert {kind for kind, _ in steps(machine, initial(machine))} == {CALL}


def test_every_label_that_an_iteration_may_begin_with_is_idle() -> None:
    machine = machine_of(Idling)
    (process,) = machine.program.processes
    idle = {label.location.line: label.idle for label in process.labels}
    assert [idle[line] for line in sorted(idle)] == [True, True, False]


# Failures and lost answers


def test_one_attempt_that_fails() -> None:
    """The first failure is the last: the process sees it."""
    machine = machine_of(Handling, Budgets(fail=1, ambiguous=1, max_attempts=1))
    failed = after(machine, initial(machine), FAIL)
    assert value(machine, failed, "outcome") == 3
    assert value(machine, failed, "cell.claimed") is False


def test_one_attempt_without_an_answer() -> None:
    """The process sees a timeout, and the call was applied, or it was not."""
    machine = machine_of(Handling, Budgets(ambiguous=1, max_attempts=1))
    found = steps(machine, initial(machine))
    unanswered = [state for (kind, _), states in found.items() if kind is AMBIGUOUS for state in states]
    assert [value(machine, state, "outcome") for state in unanswered] == [4, 4]
    assert [value(machine, state, "cell.claimed") for state in unanswered] == [True, False]


@pytest.mark.parametrize("kind", [FAIL, AMBIGUOUS])
def test_two_attempts(kind: StepKind) -> None:
    """The SDK tries again in silence; the process sees only what the second attempt gives."""
    machine = machine_of(Handling, Budgets(fail=1, ambiguous=1, max_attempts=2))
    failed = after(machine, initial(machine), kind)
    assert value(machine, failed, "outcome") == 0
    assert failed.processes[0].attempt == 1
    assert not failed.processes[0].applied
    retried = after(machine, failed, CALL)
    # The lost answer was of a claim that took effect, so that the retry meets it.
    assert value(machine, retried, "outcome") == (2 if kind is AMBIGUOUS else 1)
    assert retried.processes[0].attempt == 0


def test_both_attempts_fail() -> None:
    machine = machine_of(Handling, Budgets(fail=2, max_attempts=2))
    once = after(machine, initial(machine), FAIL)
    twice = after(machine, once, FAIL)
    assert value(machine, twice, "outcome") == 3
    assert twice.processes[0].attempt == 0


def test_an_error_that_nobody_catches_begins_the_process_again() -> None:
    machine = machine_of(Restarting)
    first = initial(machine)
    assert value(machine, first, "began") == 1
    claimed = after(machine, after(machine, first, CALL), CALL)
    assert value(machine, claimed, "began") == 2
    refused = after(machine, after(machine, claimed, CALL), CALL)
    assert value(machine, refused, "began") == 3
    assert machine.label_of(refused, 0).call.name == "cell.read"


def test_an_operation_that_answers_with_an_error_has_no_effect() -> None:
    machine = machine_of(Handling)
    claimed = after(machine, initial(machine), CALL)
    refused = after(machine, claimed, CALL)
    assert value(machine, refused, "outcome") == 2
    assert value(machine, refused) == value(machine, claimed) == 1


def test_losing_the_answer_of_an_operation_that_raises() -> None:
    """Nothing was applied: a retry makes that the same as a failure, without one the process times out."""
    machine = machine_of(Handling, Budgets(fail=1, ambiguous=1, max_attempts=2))
    claimed = after(machine, initial(machine), CALL)
    assert {kind for kind, _ in steps(machine, claimed)} == {CALL, FAIL}
    machine = machine_of(Handling, Budgets(ambiguous=1))
    claimed = after(machine, initial(machine), CALL)
    timed_out = after(machine, claimed, AMBIGUOUS)
    assert value(machine, timed_out, "outcome") == 4


def test_a_base_class_catches_the_error_of_an_async_helper() -> None:
    machine = machine_of(Asking)
    refused = after(machine, initial(machine), CALL)
    assert value(machine, refused, "refused") is True


def test_a_retry_applies_a_call_again() -> None:
    machine = machine_of(Bumping, Budgets(ambiguous=1, max_attempts=2))
    lost = after(machine, initial(machine), AMBIGUOUS)
    assert value(machine, lost) == 1
    assert not lost.processes[0].applied
    assert value(machine, after(machine, lost, CALL)) == 2


def test_a_retry_of_a_call_that_is_applied_once_only_answers() -> None:
    machine = machine_of(BumpingOnce, Budgets(ambiguous=2, max_attempts=2))
    lost = after(machine, initial(machine), AMBIGUOUS)
    assert value(machine, lost) == 1
    assert lost.processes[0].applied
    assert value(machine, after(machine, lost, CALL)) == 1
    # The answer of the retry can be lost, too; it changes nothing.
    assert value(machine, after(machine, lost, AMBIGUOUS)) == 1


def test_a_call_that_was_applied_once_can_still_fail() -> None:
    machine = machine_of(BumpingOnce, Budgets(fail=1, ambiguous=1, max_attempts=2))
    lost = after(machine, initial(machine), AMBIGUOUS)
    failed = after(machine, lost, FAIL)
    assert value(machine, failed) == 1
    assert not failed.processes[0].applied


# Transactions


def test_a_transaction_is_one_step() -> None:
    machine = machine_of(AllOrNothing)
    done = after(machine, initial(machine), CALL)
    assert value(machine, done, "other.value") == 1
    assert value(machine, done, "cell.claimed") is True


def test_a_transaction_whose_part_fails_has_no_effect() -> None:
    machine = machine_of(AllOrNothing)
    done = after(machine, initial(machine), CALL)
    canceled = after(machine, done, CALL)
    assert value(machine, canceled, "canceled") is True
    assert value(machine, canceled, "other.value") == 1
    assert value(machine, canceled, "cell.value") == 1


def test_a_transaction_is_applied_once() -> None:
    machine = machine_of(AllOrNothing, Budgets(ambiguous=1, max_attempts=2))
    lost = after(machine, initial(machine), AMBIGUOUS)
    assert lost.processes[0].applied
    answered = after(machine, lost, CALL)
    assert value(machine, answered, "other.value") == 1
    assert value(machine, answered, "canceled") is False


# Liveness


def test_paths_that_differ_in_a_dead_local_merge() -> None:
    """Two choices, one state; `way` and `picked` are not kept at the second call."""
    machine = machine_of(DeadLocal)
    (process,) = machine.program.processes
    assert [label.live for label in process.labels] == [(), ()]
    one, other = steps(machine, initial(machine))[CALL, "cell.read"]
    assert one == other
    assert len(reachable(machine)) == 2


def test_a_live_local_is_kept() -> None:
    machine = machine_of(Crashing)
    (process,) = machine.program.processes
    assert [label.live for label in process.labels] == [(), (), ("kept",)]


# Properties


def test_properties_read_the_state() -> None:
    machine = machine_of(Breaking, Budgets(component=(("machine.break_down", 1),)))
    first = initial(machine)
    (broken,) = steps(machine, first)[StepKind.FAULT, "machine.break_down"]
    assert machine.holds(0, first)
    assert not machine.holds(0, broken)


def test_a_model_error_is_an_outcome_of_its_transition() -> None:
    machine = machine_of(TwoCounters)
    wrong = initial(machine)._replace(variables=(3, 0))
    assert all(not isinstance(s.outcome, ModelError) for s in machine.successors(wrong))
    assert len(list(machine.successors(wrong))) == 1


def test_states_are_values() -> None:
    machine = machine_of(Updating, Worker=2)
    first, again = initial(machine), initial(machine_of(Updating, Worker=2))
    assert first == again
    assert hash(first) == hash(again)
    assert first.variables == (0, False, FrozenMap())
