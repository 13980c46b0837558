"""Accounts in two Regions: postings must be counted once each, whatever Region they reach.

Every posting has its own amount, a power of two, so that a balance tells which postings are in it.
"""

from __future__ import annotations

from typing import Annotated

from checker.components import GlobalTable, Region
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Range,
    action,
    always,
    process,
    quiescent,
    reachable,
    record,
    when,
)
from models.clients import Clients

#: How many postings an account gets at most; they are numbered from 1, by the account's owner.
POSTINGS = 2
#: The Region that decides alone, where there is one.
HOME = Region(0)

Number = Annotated[int, Range(0, POSTINGS)]
#: Room for every posting twice, so that an error shows as a wrong sum and not as a number out of range.
Amount = Annotated[int, Range(0, 15)]


class Account(Index, interchangeable=True):
    """Accounts."""


@record
class Posting:
    """The request to add to an account: the first posting adds 1, the second 2."""

    account: Account
    number: Number


def amount(posting: Posting) -> int:
    return 1 if posting.number == 1 else 2


class Accounts(Model):
    """What the variants share: owners send postings, one after the other, to any Region."""

    clients: Clients[Posting]
    sent: Map[Account, Number] = Map.filled(0)

    @action
    def send(self, account: Account, region: Region) -> None:
        """An owner sends the next posting of an account to a Region."""
        when(self.sent[account] < POSTINGS)
        self.sent[account] = self.sent[account] + 1
        self.clients.send(region, Posting(account, self.sent[account]))

    def balance(self, region: Region, account: Account) -> int:
        """The balance that a Region shows; each variant has its own way."""
        return 0

    def acknowledged(self, account: Account) -> int:
        return sum(amount(posting) for posting in self.clients.confirmed if posting.account == account)

    def expected(self, account: Account) -> int:
        """The sum of what was sent."""
        return 0 if self.sent[account] == 0 else (1 if self.sent[account] == 1 else 3)

    @always
    def nothing_is_counted_twice(self) -> bool:
        """No balance is more than all postings together."""
        return all(
            self.balance(region, account) <= self.expected(account)
            for region in Region
            for account in Account
        )

    @quiescent
    def balances_are_right(self) -> bool:
        """Once all is quiet, every Region shows the sum of what was acknowledged, so that they agree."""
        return all(
            self.balance(region, account) == self.acknowledged(account)
            for region in Region
            for account in Account
        )

    @quiescent
    def everything_is_acknowledged(self) -> bool:
        """No owner waits for ever."""
        return all(self.acknowledged(account) == self.expected(account) for account in Account)

    @reachable
    def all_is_posted_and_shown(self) -> bool:
        """Every posting of every account can be counted in every Region."""
        return all(self.balance(region, account) == 3 for region in Region for account in Account)


class LastWrite(Accounts):
    """Read the balance, add, and write it back: of two Regions' balances the later one stays."""

    balances: GlobalTable[Account, Amount]

    def balance(self, region: Region, account: Account) -> int:
        balance = self.balances.read(region, account)
        return 0 if balance is None else balance

    @process(instances=Region)
    async def teller(self, here: Region) -> None:
        posting = await self.clients.next_request(here)
        balance = await self.balances.get(here, posting.account)
        old = 0 if balance is None else balance
        await self.balances.put(here, posting.account, old + amount(posting))
        await self.clients.confirm(here, posting)


class CompareAndSet(Accounts):
    """Write only if the balance is as it was read: asked of the own Region, which knows no other writer."""

    balances: GlobalTable[Account, Amount]

    def balance(self, region: Region, account: Account) -> int:
        balance = self.balances.read(region, account)
        return 0 if balance is None else balance

    @process(instances=Region)
    async def teller(self, here: Region) -> None:
        posting = await self.clients.next_request(here)
        balance = await self.balances.get(here, posting.account)
        try:
            if balance is None:
                await self.balances.put_if_absent(here, posting.account, amount(posting))
            else:
                await self.balances.update_if(here, posting.account, balance, balance + amount(posting))
        except ConditionalCheckFailed:
            return
        await self.clients.confirm(here, posting)


class CompareAndSetAtHome(CompareAndSet):
    """Compare and set in the home Region: no update is lost, but a repeated request is counted again."""

    @process(instances=Region)
    async def teller(self, here: Region) -> None:
        posting = await self.clients.next_request(here)
        balance = await self.balances.get(HOME, posting.account)
        try:
            if balance is None:
                await self.balances.put_if_absent(HOME, posting.account, amount(posting))
            else:
                await self.balances.update_if(HOME, posting.account, balance, balance + amount(posting))
        except ConditionalCheckFailed:
            return
        await self.clients.confirm(here, posting)


@record
class Statement:
    """A balance, and the number of the last posting in it."""

    balance: Amount
    last: Number


class Statements(Accounts):
    """What the two ways to apply numbered postings share: the statement of the home Region counts."""

    statements: GlobalTable[Account, Statement]

    def balance(self, region: Region, account: Account) -> int:
        statement = self.statements.read(region, account)
        return 0 if statement is None else statement.balance


class SkippingApply(Statements):
    """Apply a posting whose number is higher than the last one's: an earlier one that is late is dropped."""

    @process(instances=Region)
    async def teller(self, here: Region) -> None:
        posting = await self.clients.next_request(here)
        old = await self.statements.get(HOME, posting.account)
        try:
            if old is None:
                new = Statement(amount(posting), posting.number)
                await self.statements.put_if_absent(HOME, posting.account, new)
            elif old.last < posting.number:
                new = Statement(old.balance + amount(posting), posting.number)
                await self.statements.update_if(HOME, posting.account, old, new)
        except ConditionalCheckFailed:
            return
        await self.clients.confirm(here, posting)


class VersionedApply(Statements):
    """Apply a posting if it is the next one; one that is too early waits until its client repeats it."""

    @process(instances=Region)
    async def teller(self, here: Region) -> None:
        posting = await self.clients.next_request(here)
        old = await self.statements.get(HOME, posting.account)
        last = 0 if old is None else old.last
        if last + 1 < posting.number:
            return
        try:
            if old is None:
                new = Statement(amount(posting), posting.number)
                await self.statements.put_if_absent(HOME, posting.account, new)
            elif old.last < posting.number:
                new = Statement(old.balance + amount(posting), posting.number)
                await self.statements.update_if(HOME, posting.account, old, new)
        except ConditionalCheckFailed:
            return
        await self.clients.confirm(here, posting)


class EventSourced(Accounts):
    """Store each posting under its own key, and add up what is there: nothing can meet or come twice."""

    events: GlobalTable[Posting, Amount]

    def balance(self, region: Region, account: Account) -> int:
        return sum(self.stored(region, Posting(account, number)) for number in range(1, 3))

    def stored(self, region: Region, posting: Posting) -> int:
        event = self.events.read(region, posting)
        return 0 if event is None else event

    @process(instances=Region)
    async def teller(self, here: Region) -> None:
        posting = await self.clients.next_request(here)
        try:
            await self.events.put_if_absent(here, posting, amount(posting))
        except ConditionalCheckFailed:
            pass
        await self.clients.confirm(here, posting)
