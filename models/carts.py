"""Carts in two Regions: shoppers add lines in any Region, and an acknowledged add must not get lost.

The table is a global one with multi-Region eventual consistency: a Region's shoppers see and change its
replica, and of two concurrent writes of one item the later replaces the other. What is one item
therefore decides what is lost.
"""

from __future__ import annotations

from enum import Enum

from checker.components import GlobalTable, Region
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Set,
    action,
    operation,
    process,
    quiescent,
    reachable,
    record,
    when,
)
from models.clients import Clients


class Cart(Index):
    """Carts, one for each shopper."""


class Tag(Index):
    """The id that a client mints for each add, and repeats with it."""


class Line(Enum):
    """What can be put into a cart."""

    TEA = "tea"
    COFFEE = "coffee"


@record
class CartLine:
    """A line of a cart."""

    cart: Cart
    line: Line


@record
class Add:
    """The request to add a line, and where it was made first."""

    tag: Tag
    wanted: CartLine
    region: Region


class Carts(Model):
    """What the variants share: shoppers add lines, and rely on what has been confirmed."""

    shoppers: Clients[Add]
    adds: Map[Tag, Add]

    @action
    def add(self, cart: Cart, line: Line, region: Region) -> None:
        """A shopper puts a line into the cart, once in a Region."""
        when(len(self.adds) < len(Tag))
        wanted = CartLine(cart, line)
        when(all(self.adds[tag].wanted != wanted or self.adds[tag].region != region for tag in self.adds))
        tag = self.adds.fresh_key()
        self.adds[tag] = Add(tag, wanted, region)
        self.shoppers.send(region, Add(tag, wanted, region))

    def shows(self, region: Region, wanted: CartLine) -> bool:
        """Whether a Region shows a line in a cart; each variant has its own way."""
        return False

    def is_removed(self, add: Add) -> bool:
        """Whether somebody has removed the line, knowing of this add."""
        return False

    @quiescent
    def no_add_is_lost(self) -> bool:
        """Once all is quiet, every Region shows every acknowledged add."""
        return all(
            self.is_removed(add) or all(self.shows(region, add.wanted) for region in Region)
            for add in self.shoppers.confirmed
        )

    @quiescent
    def carts_converge(self) -> bool:
        """Once all is quiet, all Regions show the same carts."""
        return all(
            self.shows(region, CartLine(cart, line)) == self.shows(Region(0), CartLine(cart, line))
            for region in Region
            for cart in Cart
            for line in Line
        )

    @reachable
    def both_regions_show_both_lines(self) -> bool:
        """Lines get into carts, are acknowledged, and get from one Region to the other."""
        return len(self.shoppers.waiting) == 0 and any(
            all(self.shows(region, CartLine(cart, line)) for region in Region for line in Line)
            for cart in Cart
        )


@record
class Contents:
    """A whole cart as one item."""

    tea: bool
    coffee: bool


def with_line(contents: Contents, line: Line) -> Contents:
    """The cart with one line more."""
    return Contents(contents.tea or line == Line.TEA, contents.coffee or line == Line.COFFEE)


class OneItem(Carts):
    """The cart is one item."""

    carts: GlobalTable[Cart, Contents]

    def shows(self, region: Region, wanted: CartLine) -> bool:
        contents = self.carts.read(region, wanted.cart)
        if contents is None:
            return False
        return contents.tea if wanted.line == Line.TEA else contents.coffee


class WholeCart(OneItem):
    """Read the cart, add the line, write the cart."""

    @process(instances=Region)
    async def service(self, here: Region) -> None:
        request = await self.shoppers.next_request(here)
        found = await self.carts.get(here, request.wanted.cart)
        contents = Contents(False, False) if found is None else found
        await self.carts.put(here, request.wanted.cart, with_line(contents, request.wanted.line))
        await self.shoppers.confirm(here, request)


class ConditionalCart(OneItem):
    """The same with a condition that nobody else has written: true of this Region's replica only."""

    @process(instances=Region)
    async def service(self, here: Region) -> None:
        request = await self.shoppers.next_request(here)
        found = await self.carts.get(here, request.wanted.cart)
        try:
            if found is None:
                contents = with_line(Contents(False, False), request.wanted.line)
                await self.carts.put_if_absent(here, request.wanted.cart, contents)
            else:
                contents = with_line(found, request.wanted.line)
                await self.carts.update_if(here, request.wanted.cart, found, contents)
        except ConditionalCheckFailed:
            return  # the shopper asks again
        await self.shoppers.confirm(here, request)


class LinePerRow(Carts):
    """Every line is an item of its own: adds of different lines do not meet."""

    rows: GlobalTable[CartLine, Tag]

    def shows(self, region: Region, wanted: CartLine) -> bool:
        return self.rows.has(region, wanted)

    @process(instances=Region)
    async def service(self, here: Region) -> None:
        request = await self.shoppers.next_request(here)
        await self.rows.put(here, request.wanted, request.tag)
        await self.shoppers.confirm(here, request)


@record
class Removal:
    """The request to remove a line, made in a Region that shows it."""

    wanted: CartLine
    region: Region


class RemovableLines(Carts):
    """Shoppers also remove lines that they see."""

    removers: Clients[Removal]
    asked: Set[Removal]
    #: The adds that some removal knew of.
    removed: Set[Tag]

    @action
    def remove(self, cart: Cart, line: Line, region: Region) -> None:
        """A shopper removes a line, once in a Region."""
        removal = Removal(CartLine(cart, line), region)
        when(removal not in self.asked and self.shows(region, removal.wanted))
        self.asked.add(removal)
        self.removers.send(region, removal)

    def is_removed(self, add: Add) -> bool:
        return add.tag in self.removed

    @reachable
    def something_is_removed(self) -> bool:
        """A line that was shown can be gone in all Regions."""
        return any(not self.shows(r, self.adds[tag].wanted) for tag in self.removed for r in Region)


class RemovedRow(RemovableLines):
    """A row for each line; a removal deletes the row, and with it an add that it has not seen."""

    rows: GlobalTable[CartLine, Tag]

    def shows(self, region: Region, wanted: CartLine) -> bool:
        return self.rows.has(region, wanted)

    @process(instances=Region)
    async def service(self, here: Region) -> None:
        request = await self.shoppers.next_request(here)
        await self.rows.put(here, request.wanted, request.tag)
        await self.shoppers.confirm(here, request)

    @process(instances=Region)
    async def remover(self, here: Region) -> None:
        removal = await self.removers.next_request(here)
        tag = await self.rows.get(here, removal.wanted)
        if tag is not None:
            self.removed.add(tag)
            for known in self.adds:
                # What was added here is known here, also where the other Region's add has replaced it.
                if self.adds[known].wanted == removal.wanted and self.adds[known].region == here:
                    self.removed.add(known)
            await self.rows.delete(here, removal.wanted)
        await self.removers.confirm(here, removal)


class LineRows(GlobalTable[Tag, CartLine]):
    """A row for each add, under its tag."""

    @operation
    def find(self, region: Region, wanted: CartLine) -> Tag | None:
        """Query: one of the rows of a line."""
        for tag in Tag:
            if self.read(region, tag) == wanted:
                return tag
        return None


class ObservedRemove(RemovableLines):
    """OR-Set: a row for each add, and a removal deletes the rows that it sees, one by one.

    A repeated add (its server crashed before the answer, or it was sent to another Region, too) may
    write a row again that a removal has deleted: the removed line is back. See ObservedRemoveTombstones.
    """

    rows: LineRows

    def shows(self, region: Region, wanted: CartLine) -> bool:
        return any(self.rows.read(region, tag) == wanted for tag in Tag)

    @quiescent
    def removed_stays_removed(self) -> bool:
        """Once all is quiet, no Region has a row of an add that some removal knew of."""
        return all(not self.rows.has(region, tag) for tag in self.removed for region in Region)

    @process(instances=Region)
    async def service(self, here: Region) -> None:
        request = await self.shoppers.next_request(here)
        await self.rows.put(here, request.tag, request.wanted)
        await self.shoppers.confirm(here, request)

    @process(instances=Region)
    async def remover(self, here: Region) -> None:
        removal = await self.removers.next_request(here)
        tag = await self.rows.find(here, removal.wanted)
        while tag is not None:
            self.removed.add(tag)
            await self.rows.delete(here, tag)
            tag = await self.rows.find(here, removal.wanted)
        await self.removers.confirm(here, removal)


@record
class Entry:
    """The key of an add's row, or of its tombstone."""

    tag: Tag
    removed: bool


class EntryRows(GlobalTable[Entry, CartLine]):
    """A row for each add, and one for each add that is removed."""

    @operation
    def find(self, region: Region, wanted: CartLine) -> Tag | None:
        """Query: one of the adds of a line that have a row and no tombstone."""
        for tag in Tag:
            if self.live(region, tag) and self.read(region, Entry(tag, False)) == wanted:
                return tag
        return None

    def live(self, region: Region, tag: Tag) -> bool:
        return self.has(region, Entry(tag, False)) and not self.has(region, Entry(tag, True))


class ObservedRemoveTombstones(RemovableLines):
    """OR-Set with tombstones: a removal writes an item of its own for each add, which no add replaces.

    A tombstone has to be kept longer than any client repeats an add; here they are kept for ever.
    A mark in the add's own item would not do: an add that is repeated in another Region replaces it.
    """

    rows: EntryRows

    def shows(self, region: Region, wanted: CartLine) -> bool:
        return any(
            self.rows.live(region, tag) and self.rows.read(region, Entry(tag, False)) == wanted for tag in Tag
        )

    @quiescent
    def removed_stays_removed(self) -> bool:
        """Once all is quiet, no Region shows an add that some removal knew of."""
        return all(not self.rows.live(region, tag) for tag in self.removed for region in Region)

    @process(instances=Region)
    async def service(self, here: Region) -> None:
        request = await self.shoppers.next_request(here)
        await self.rows.put(here, Entry(request.tag, False), request.wanted)
        await self.shoppers.confirm(here, request)

    @process(instances=Region)
    async def remover(self, here: Region) -> None:
        removal = await self.removers.next_request(here)
        tag = await self.rows.find(here, removal.wanted)
        while tag is not None:
            self.removed.add(tag)
            await self.rows.put(here, Entry(tag, True), removal.wanted)
            tag = await self.rows.find(here, removal.wanted)
        await self.removers.confirm(here, removal)
