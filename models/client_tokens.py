"""Payments into accounts: a transaction times out, and the client sends the payment again, minutes later.

The workers take a payment from any client who waits; each payment must be added to its account once.
"""

from __future__ import annotations

from typing import Annotated

from checker.components import CounterTable, DynamoTable, Region, TokenTable
from checker.dsl import (
    Index,
    Map,
    Model,
    Range,
    TransactionCanceled,
    action,
    always,
    operation,
    process,
    quiescent,
    reachable,
    record,
    transact,
    when,
)
from models.clients import Clients

#: All of it happens in one Region.
HERE = Region(0)

#: Room for payments that are counted more than once.
Amount = Annotated[int, Range(0, 7)]


class Account(Index):
    """Accounts."""


class Payment(Index):
    """Payments of 1, by the id that the client gave them."""


class Worker(Index, interchangeable=True):
    """Consumer processes."""


@record
class Deposit:
    """The request to add a payment to an account."""

    payment: Payment
    account: Account


@record
class Applied:
    """Says that a payment is in its balance."""


class Payments(Model):
    """What the variants share: payments arrive, again and again until they are confirmed."""

    clients: Clients[Deposit]
    sent: Map[Payment, Account]

    @action
    def pay(self, account: Account) -> None:
        """A client pays into an account."""
        when(len(self.sent) < len(Payment))
        payment = self.sent.fresh_key()
        self.sent[payment] = account
        self.clients.send(HERE, Deposit(payment, account))

    def balance(self, account: Account) -> int:
        """What an account holds; each variant has its own table."""
        return 0

    def expected(self, account: Account) -> int:
        return sum(1 for payment in self.sent if self.sent[payment] == account)

    @always
    def nothing_is_counted_twice(self) -> bool:
        """No account holds more than was paid."""
        return all(self.balance(account) <= self.expected(account) for account in Account)

    @quiescent
    def balances_are_right(self) -> bool:
        """Once all is quiet, every account holds what was paid."""
        return all(self.balance(account) == self.expected(account) for account in Account)

    @reachable
    def all_payments_are_in(self) -> bool:
        """Every payment can be confirmed and counted."""
        return len(self.clients.confirmed) == len(Payment) and all(
            self.balance(account) == 1 for account in Account
        )


class Balances(TokenTable[Account, Amount, Payment]):
    """Balances that grow by transactions with a client token."""

    @operation
    def add_once(self, token: Payment, account: Account) -> None:
        """TransactWriteItems with Update ADD 1, and the payment's id as the client token."""
        if token not in self.tokens:
            self.tokens.add(token)
            self.write(account, 1 if account not in self.items else self.items[account] + 1)


class TokenOnly(Payments):
    """Let the client token tell a repetition: ten minutes later it is a new request."""

    balances: Balances

    def balance(self, account: Account) -> int:
        return self.balances.items[account] if self.balances.has(account) else 0

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        deposit = await self.clients.next_request(HERE)
        await self.balances.add_once(deposit.payment, deposit.account)
        await self.clients.confirm(HERE, deposit)


class ConditionInside(Payments):
    """Keep a row for each payment, and write it, if it is absent, in the transaction: it never expires."""

    balances: CounterTable[Account, Amount]
    applied: DynamoTable[Payment, Applied]

    def balance(self, account: Account) -> int:
        return self.balances.items[account] if self.balances.has(account) else 0

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        deposit = await self.clients.next_request(HERE)
        try:
            await transact(
                self.applied.put_if_absent(deposit.payment, Applied()),
                self.balances.add(deposit.account, 1),
            )
        except TransactionCanceled:
            pass
        await self.clients.confirm(HERE, deposit)
