"""The same calls on moto and on the model: the same answers, and the same items in the end."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from checker.lab.emulator import Emulator

from .table_models import Call
from .test_dynamo_table_kinds import Tables

REGION = "eu-central-1"
CALLS = [call for call in Call if call.value < Call.PUT_ONCE.value]
SEEDS = range(4)
CALLS_IN_A_RUN = 40


class Moto:
    """A table of numbers in moto, under the calls of the model's client."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self._client = emulator.client("dynamodb", REGION)
        self._name = name
        self._client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def call(self, call: Call, key: int, number: int) -> tuple[bool, Any]:
        """Whether it was done, and what it gave."""
        try:
            return True, self._made(call, key, number)
        except ClientError as error:
            refusals = ("ConditionalCheckFailedException", "TransactionCanceledException")
            if error.response["Error"]["Code"] not in refusals:
                raise
            return False, None

    def items(self) -> dict[int, int]:
        found = self._client.scan(TableName=self._name, ConsistentRead=True)["Items"]
        return {int(item["k"]["S"]): int(item["n"]["N"]) for item in found}

    def _made(self, call: Call, key: int, number: int) -> Any:
        at: dict[str, Any] = {"TableName": self._name, "Key": {"k": {"S": str(key)}}}
        given: dict[str, Any] = {":n": {"N": str(number)}}
        one: dict[str, Any] = {"ConditionExpression": "n = :one"}
        match call:
            case Call.GET:
                item = self._client.get_item(**at, ConsistentRead=True).get("Item")
                return None if item is None else int(item["n"]["N"])
            case Call.PUT:
                self._client.put_item(**self._put(key, number))
            case Call.PUT_IF_ABSENT:
                self._client.put_item(**self._put_new(key, number))
            case Call.UPDATE:
                self._client.update_item(**at, UpdateExpression="SET n = :n", ExpressionAttributeValues=given)
            case Call.UPDATE_IF:
                given[":one"] = {"N": "1"}
                self._client.update_item(
                    **at, **one, UpdateExpression="SET n = :n", ExpressionAttributeValues=given
                )
            case Call.DELETE:
                self._client.delete_item(**at)
            case Call.DELETE_IF:
                self._client.delete_item(**at, **one, ExpressionAttributeValues={":one": {"N": "1"}})
            case Call.ADD:
                answer = self._client.update_item(
                    **at,
                    UpdateExpression="ADD n :n",
                    ExpressionAttributeValues=given,
                    ReturnValues="ALL_NEW",
                )
                return int(answer["Attributes"]["n"]["N"])
            case Call.TAKE:
                self._client.update_item(**self._take(key, number))
            case Call.SCAN:
                return set(self.items().values())
            case Call.PUT_BOTH_NEW:
                self._transact({"Put": self._put_new(0, number)}, {"Put": self._put_new(1, number)})
            case Call.CHECK_AND_PUT:
                check = {
                    "TableName": self._name,
                    "Key": {"k": {"S": "1"}},
                    "ConditionExpression": "attribute_not_exists(k)",
                }
                self._transact({"Put": self._put(0, number)}, {"ConditionCheck": check})
            case Call.TAKE_AND_PUT:
                self._transact({"Update": self._take(0, 1)}, {"Put": self._put(1, number)})
        return None

    def _put(self, key: int, number: int) -> dict[str, Any]:
        return {"TableName": self._name, "Item": {"k": {"S": str(key)}, "n": {"N": str(number)}}}

    def _put_new(self, key: int, number: int) -> dict[str, Any]:
        return {**self._put(key, number), "ConditionExpression": "attribute_not_exists(k)"}

    def _take(self, key: int, number: int) -> dict[str, Any]:
        return {
            "TableName": self._name,
            "Key": {"k": {"S": str(key)}},
            "UpdateExpression": "SET n = n - :n",
            "ConditionExpression": "n >= :n",
            "ExpressionAttributeValues": {":n": {"N": str(number)}},
        }

    def _transact(self, *items: dict[str, Any]) -> None:
        self._client.transact_write_items(TransactItems=list(items))


def modelled(tables: Tables, call: Call, key: int, number: int) -> tuple[bool, Any]:
    """The same call in the model."""
    done = tables.call(call, key, number)
    result = set(tables.value("rows")) if call is Call.SCAN else tables.value("found")
    return done, result if done else None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_calls_have_the_same_outcome(emulator: Emulator, seed: int) -> None:
    chance = random.Random(seed)
    moto, tables = Moto(emulator, f"conformance-{seed}"), Tables()
    refused = 0
    for step in range(CALLS_IN_A_RUN):
        call, key, number = chance.choice(CALLS), chance.randrange(2), chance.randrange(3)
        if moto.items().get(key, 0) > 6:
            call = Call.DELETE
        expected = moto.call(call, key, number)
        assert modelled(tables, call, key, number) == expected, f"step {step}: {call.name} {key} {number}"
        assert tables.value("counters.items") == moto.items(), f"step {step}: {call.name}"
        refused += not expected[0]
    assert 0 < refused < CALLS_IN_A_RUN
