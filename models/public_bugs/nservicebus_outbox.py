"""NServiceBus outbox: two nodes handle two copies of one message, and both miss the outbox record.

Reports (Particular/NServiceBus): #6583, #5648, #4086. The receiver looks for the outbox record of the
message, runs its handlers where there is none, then stores record and business data in one transaction. Two
copies that are handled at the same time both find nothing. One of the transactions is refused, but by then
both handlers have run, and what a handler does outside the transaction has been done twice.
"""

from __future__ import annotations

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Model,
    Set,
    TransactionCanceled,
    action,
    always,
    process,
    quiescent,
    reachable,
    record,
    transact,
    when,
)


class Message(Index, interchangeable=True):
    """Messages, by the id that all copies share."""


class Node(Index, interchangeable=True):
    """Instances of the endpoint."""


class RowId(Index):
    """Ids of invoices."""


class MailId(Index):
    """Mails that the mail service has accepted."""


@record
class Processed:
    """The outbox record: this message has been handled."""


@record
class Invoice:
    """The business data."""

    message: Message


@record
class Mail:
    """A mail that a customer gets."""

    message: Message


class Endpoint(Model):
    """What the variants share: messages come at least once; each makes one invoice and one mail."""

    sent: Set[Message]
    inbox: SqsQueue[Message]
    outbox: DynamoTable[Message, Processed]
    invoices: DynamoTable[RowId, Invoice]

    @action
    def send(self, message: Message) -> None:
        """A message is sent to the endpoint."""
        when(message not in self.sent)
        self.sent.add(message)
        self.inbox.send(message)

    def invoices_of(self, message: Message) -> int:
        return sum(1 for invoice in self.invoices.rows() if invoice.message == message)

    def mails_of(self, message: Message) -> int:
        """How many mails were sent; each variant has its own way."""
        return 0

    @always
    def one_invoice(self) -> bool:
        """What is committed is committed once."""
        return all(self.invoices_of(message) <= 1 for message in Message)

    @always
    def one_mail(self) -> bool:
        """No customer gets two mails."""
        return all(self.mails_of(message) <= 1 for message in Message)

    @quiescent
    def everything_is_done(self) -> bool:
        """No message is lost: it has its invoice and its mail."""
        return all(self.invoices_of(m) == 1 and self.mails_of(m) >= 1 for m in self.sent)

    @reachable
    def all_done(self) -> bool:
        """Every message can be sent and handled."""
        return all(self.invoices_of(m) == 1 and self.mails_of(m) == 1 for m in Message)


class MailFromTheHandler(Endpoint):
    """The handler sends the mail before the transaction that tells whether it should have."""

    mails: DynamoTable[MailId, Mail]

    def mails_of(self, message: Message) -> int:
        return sum(1 for mail in self.mails.rows() if mail.message == message)

    @process(instances=Node)
    async def node(self, me: Node) -> None:
        delivery = await self.inbox.receive()
        message = delivery.body
        if await self.outbox.get(message) is None:
            await self.mails.insert(Mail(message))
            try:
                await transact(
                    self.outbox.put_if_absent(message, Processed()),
                    self.invoices.insert(Invoice(message)),
                )
            except TransactionCanceled:
                return  # the message comes again, and the record is found
        await self.inbox.delete(delivery)


class MailFromTheOutbox(Endpoint):
    """The handler only writes the mail down, in the same transaction; it is sent under the message's id."""

    pending: DynamoTable[Message, Mail]
    mails: DynamoTable[Message, Mail]

    def mails_of(self, message: Message) -> int:
        return 1 if self.mails.has(message) else 0

    @process(instances=Node)
    async def node(self, me: Node) -> None:
        delivery = await self.inbox.receive()
        message = delivery.body
        if await self.outbox.get(message) is None:
            try:
                await transact(
                    self.outbox.put_if_absent(message, Processed()),
                    self.invoices.insert(Invoice(message)),
                    self.pending.put(message, Mail(message)),
                )
            except TransactionCanceled:
                return
        mail = await self.pending.get(message)
        if mail is not None:
            try:
                await self.mails.put_if_absent(message, mail)
            except ConditionalCheckFailed:
                pass  # another node has sent it
            await self.pending.delete(message)
        await self.inbox.delete(delivery)
