"""Provider against what payment providers document of idempotency keys, timeouts and callbacks.

| clause (API guides of payment providers)                     | test                                       |
|--------------------------------------------------------------|--------------------------------------------|
| the same key again has no effect and gets the same answer    | test_a_repeated_key_charges_once           |
| another key is another charge                                | test_another_key_is_another_charge         |
| a declined charge stays declined under its key               | test_a_declined_charge                     |
| keys are forgotten; then the same request is a new one       | test_a_forgotten_key_charges_again         |
| without an answer: carried out later, now, or never          | test_no_answer                             |
| the key protects against the late request, too               | test_a_late_charge_is_a_repetition         |
| ... unless it is forgotten                                   | test_a_late_charge_after_the_window        |
| a refund is idempotent by its key                            | test_a_refund_counts_once                  |
| an accepted charge is reported by a callback, in any order   | test_callbacks_come_in_any_order           |
| a callback comes again until it is acknowledged              | test_a_callback_comes_until_acknowledged   |
| an accepted repetition is reported, and not charged          | test_an_accepted_repetition                |
"""

from __future__ import annotations

from checker.components import Charged
from checker.dsl.lowering import lower
from checker.ir.program import Budgets
from tests.differential.comparison import compare
from tests.native.agreement import compare_steps

from .driving import Driver
from .provider_models import Call, Shop


class Shopping(Driver):
    """A shop and its provider, with two orders and two keys."""

    def __init__(self, **budgets: int) -> None:
        given = {f"bank.{name}": amount for name, amount in budgets.items()}
        super().__init__(Shop, given, Order=2, Attempt=2)

    def call(self, call: Call, key: int = 0, order: int = 0, choice: int | None = None) -> None:
        self.step("ask", list(Call).index(call), key, order)
        self.step("wishes.take", process=0)
        self.step(f"bank.{call.name.lower()}", process=0, choice=choice)

    def charge(self, key: int = 0, order: int = 0, choice: int | None = None) -> Charged:
        self.call(Call.CHARGE, key, order, choice)
        answer = int(self.value("answer"))
        return list(Charged)[answer]

    def charges(self) -> dict[int, int]:
        found = self.value("bank.charges")
        assert isinstance(found, dict)
        return found


def test_a_repeated_key_charges_once() -> None:
    shop = Shopping()
    assert [shop.charge(), shop.charge()] == [Charged.DONE, Charged.DONE]
    assert shop.charges() == {0: 1}
    shop.call(Call.WAS_CHARGED)
    assert shop.value("known") is True
    shop.call(Call.WAS_CHARGED, key=1)
    assert shop.value("known") is False


def test_another_key_is_another_charge() -> None:
    shop = Shopping()
    shop.charge(key=0)
    shop.charge(key=1)
    assert shop.charges() == {0: 2}
    assert not shop.can("bank.window_expiry"), "the budget is 0"


def test_a_declined_charge() -> None:
    shop = Shopping(decline=1)
    shop.step("bank.decline")
    assert [shop.charge(key=0), shop.charge(key=0)] == [Charged.DECLINED, Charged.DECLINED]
    assert shop.charges() == {}
    assert shop.charge(key=1) is Charged.DONE


def test_a_repetition_is_not_declined() -> None:
    shop = Shopping(decline=2)
    shop.charge()
    shop.step("bank.decline")
    assert not shop.can("bank.decline"), "it is the next charge already"
    assert shop.charge() is Charged.DONE
    assert shop.charge(key=1) is Charged.DECLINED


def test_a_forgotten_key_charges_again() -> None:
    shop = Shopping(window_expiry=1)
    shop.charge()
    shop.step("bank.window_expiry")
    assert shop.charge() is Charged.DONE
    assert shop.charges() == {0: 2}


def test_no_answer() -> None:
    """The first of both outcomes never arrives, the second is carried out when it pleases."""
    shop = Shopping(stall=2)
    shop.step("bank.stall")
    assert not shop.can("bank.stall"), "it hangs already"
    before = shop.state
    assert shop.charge(choice=0) is Charged.UNKNOWN
    assert not shop.can("bank.carry_out")
    shop.state = before
    assert shop.charge(choice=1) is Charged.UNKNOWN
    assert shop.charges() == {}
    shop.step("bank.carry_out")
    assert shop.charges() == {0: 1}
    assert shop.charge() is Charged.DONE
    assert shop.charges() == {0: 1}


def test_a_late_charge_is_a_repetition() -> None:
    shop = Shopping(stall=1)
    shop.step("bank.stall")
    shop.charge(choice=1)
    assert shop.charge() is Charged.DONE
    shop.step("bank.carry_out")
    assert shop.charges() == {0: 1}


def test_a_late_charge_after_the_window() -> None:
    shop = Shopping(stall=1, window_expiry=1)
    shop.step("bank.stall")
    shop.charge(choice=1)
    shop.charge()
    shop.step("bank.window_expiry")
    shop.step("bank.carry_out")
    assert shop.charges() == {0: 2}


def test_a_refund_counts_once() -> None:
    shop = Shopping()
    shop.charge()
    assert not shop.holds("nothing_is_due")
    shop.call(Call.REFUND)
    assert shop.holds("nothing_is_due")
    shop.call(Call.REFUND)
    assert shop.value("bank.refunds") == {0: 1}
    shop.charge(key=1, order=1)
    assert shop.holds("charged_once")


def test_callbacks_come_in_any_order() -> None:
    shop = Shopping()
    shop.call(Call.SUBMIT, key=0, order=0)
    shop.call(Call.SUBMIT, key=1, order=1)
    assert shop.charges() == {}
    reported = shop.outcomes("bank.report")
    assert len(reported) == 2
    shop.state = reported[1]
    assert shop.charges() == {1: 1}
    shop.call(Call.CALLBACK)
    assert shop.value("told") == 1


def test_a_callback_comes_until_acknowledged() -> None:
    shop = Shopping()
    shop.call(Call.SUBMIT)
    shop.step("bank.report")
    shop.call(Call.CALLBACK)
    shop.call(Call.CALLBACK)
    shop.call(Call.ACKNOWLEDGE)
    shop.call(Call.ACKNOWLEDGE)
    shop.step("ask", list(Call).index(Call.CALLBACK), 0, 0)
    shop.step("wishes.take", process=0)
    assert not shop.can("bank.callback", process=0)


def test_an_accepted_repetition() -> None:
    shop = Shopping()
    shop.call(Call.SUBMIT)
    shop.call(Call.SUBMIT)
    shop.step("bank.report")
    shop.step("bank.report")
    assert shop.charges() == {0: 1}
    assert shop.value("bank.callbacks") == {0: 2}


def test_three_executions_agree() -> None:
    faults = (("bank.window_expiry", 1), ("bank.stall", 1), ("bank.decline", 1))
    lowered = lower(Shop, {"Order": 1, "Attempt": 2}, Budgets(component=faults))
    found = compare(lowered, 80)
    assert found.transitions["fault"] > 0
    assert compare_steps(lowered, 400) > 1000
