"""`DynamoTable` of the model: a DynamoDB table with a hash key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from checker.lab.adapters.base import Bench, NothingToActOn, Operation, Plain, Resource, differences
from checker.lab.values import Minted, from_attribute, from_item, to_attribute, to_item
from checker.lab.wire import WireCall, table_name, transaction_items


class DynamoTableAdapter:
    """A table with a hash key.

    Environment steps: ``put`` (a row by model fields, with ``key`` where no field is the key attribute) and
    ``delete`` (``key``). Faults: ``ttl_expiry`` (the row of ``key`` is gone) and ``token_expiry`` (ten
    minutes pass: client tokens of transactions, on any table, count as new).
    """

    service = "dynamodb"
    operations: Mapping[str, Operation] = {
        "get": Operation("GetItem"),
        "put": Operation("PutItem", conditional=False),
        "put_if_absent": Operation("PutItem", conditional=True),
        "put_if": Operation("PutItem", conditional=True),
        "insert": Operation("PutItem"),  # the key is new, so a condition changes nothing
        "update": Operation("UpdateItem", conditional=False),
        "update_if": Operation("UpdateItem", conditional=True),
        "delete": Operation("DeleteItem", conditional=False),
        "delete_if": Operation("DeleteItem", conditional=True),
        "query": Operation("Query"),
        "scan": Operation("Scan"),
    }
    steps = ("put", "delete", "ttl_expiry", "token_expiry")

    def __init__(self, resource: Resource, bench: Bench) -> None:
        self.resource = resource
        self._bench = bench
        self._dynamodb = bench.clients.client("dynamodb", resource.region)
        self._minted = Minted(resource.minted) if resource.minted else None

    def create(self) -> None:
        """Make the table anew."""
        name, key = self.resource.name, self.resource.key
        if name in self._dynamodb.list_tables().get("TableNames", []):
            self._dynamodb.delete_table(TableName=name)
            self._dynamodb.get_waiter("table_not_exists").wait(TableName=name)
        created = self._dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": self.resource.key_type}],
            BillingMode="PAY_PER_REQUEST",
        )
        if created["TableDescription"]["TableStatus"] != "ACTIVE":
            self._dynamodb.get_waiter("table_exists").wait(TableName=name)

    # Rows

    def model_key(self, raw: Any) -> Any:
        """The model's name of a key: itself, or ``rowid-0``, ``rowid-1``, ... where consumers mint keys."""
        return self._minted.name(raw) if self._minted is not None else raw

    def decode(self, item: Mapping[str, Any]) -> Plain:
        """The plain row of an item, by model field."""
        row = from_item(item)
        if self.resource.fields is None:
            return {name: value for name, value in row.items() if name != self.resource.key}
        return {name: row.get(attribute) for name, attribute in self.resource.fields.items()}

    def sight(self, call: WireCall) -> None:
        """Number the minted keys that a write names, in the order in which writes take effect."""
        if self._minted is None:
            return
        for written in written_by(call, self.resource.name):
            if self.resource.key in written:
                self._minted.name(from_attribute(written[self.resource.key]))

    # Calls

    def mismatch(self, operation: str, call: WireCall, key: Any, values: Mapping[str, Any] | None) -> str:
        """Compare the condition's presence, the key (unless minted) and the fields of a put."""
        return self.mismatch_parameters(operation, call.parameters, key, values)

    def mismatch_parameters(
        self, operation: str, parameters: Mapping[str, Any], key: Any, values: Mapping[str, Any] | None
    ) -> str:
        """`mismatch` for the parameters of a call, or of one action of a transaction."""
        conditional = self.operations[operation].conditional
        has_condition = bool(parameters.get("ConditionExpression") or parameters.get("Expected"))
        if conditional is not None and conditional != has_condition:
            return "it carries no condition" if conditional else "it carries a condition"
        item = parameters.get("Item") or parameters.get("Key") or {}
        if key is not None and self._minted is None:
            actual = from_attribute(item.get(self.resource.key))
            if actual != key:
                return f"its key is {actual!r} instead of {key!r}"
        if values is not None and "Item" in parameters:
            return differences(values, self.decode(parameters["Item"]))
        return ""

    # Environment steps and faults

    def perform(self, step: str, values: Mapping[str, Any]) -> None:
        """Raises `NothingToActOn` when there is no such row."""
        match step:
            case "put":
                self._dynamodb.put_item(TableName=self.resource.name, Item=self._item(values))
            case "token_expiry":
                self._bench.backend.tokens.expire()
            case "delete" | "ttl_expiry":
                if "key" not in values:
                    raise NothingToActOn(f"`key` says which row of {self.resource.component}")
                key = {self.resource.key: to_attribute(values["key"])}
                deleted = self._dynamodb.delete_item(
                    TableName=self.resource.name, Key=key, ReturnValues="ALL_OLD"
                )
                if not deleted.get("Attributes"):
                    raise NothingToActOn(f"{self.resource.component} has no row of key {values['key']!r}")
            case _:
                raise NothingToActOn(f"a table has no step {step!r}; it has {', '.join(self.steps)}")

    def _item(self, values: Mapping[str, Any]) -> dict[str, Any]:
        row = {}
        for name, value in values.items():
            if name == "key":
                row[self.resource.key] = value
            elif self.resource.fields is None:
                row[name] = value
            elif name in self.resource.fields:
                row[self.resource.fields[name]] = value
            else:
                raise NothingToActOn(f"the wiring of {self.resource.component} maps no field {name!r}")
        if self.resource.key not in row:
            raise NothingToActOn(f"a row of {self.resource.component} needs its key: give `key`")
        return to_item(row)

    # Observation

    def observe(self) -> dict[Any, Plain]:
        """Rows by key, in the order of the keys' names; the order of a scan means nothing."""
        # A minted key that no write named is numbered by what its row holds, not by the random key.
        rows = sorted(
            self._items(), key=lambda item: (repr(self.decode(item)), repr(item[self.resource.key]))
        )
        named = {self.model_key(from_attribute(item[self.resource.key])): self.decode(item) for item in rows}
        return dict(sorted(named.items(), key=lambda pair: (len(str(pair[0])), str(pair[0]))))

    def census(self) -> dict[str, str]:
        """Every item by its key, as text."""
        return {
            str(from_attribute(item[self.resource.key])): json.dumps(item, sort_keys=True, default=repr)
            for item in self._items()
        }

    def _items(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        parameters: dict[str, Any] = {"TableName": self.resource.name, "ConsistentRead": True}
        while True:
            page = self._dynamodb.scan(**parameters)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def written_by(call: WireCall, table: str) -> list[Mapping[str, Any]]:
    """The items (or keys, of an update) that a call writes in ``table``, in the order of the request."""
    actions: list[Mapping[str, Any]] = [call.parameters]
    actions += [action for _, action in transaction_items(call.parameters)]
    written = [
        action.get("Item") or action.get("Key")
        for action in actions
        if table_name(str(action.get("TableName", ""))) == table
    ]
    for name, requests in (call.parameters.get("RequestItems") or {}).items():
        if table_name(name) == table and isinstance(requests, list):
            written += [request.get("PutRequest", {}).get("Item") for request in requests]
    return [attributes for attributes in written if isinstance(attributes, Mapping)]
