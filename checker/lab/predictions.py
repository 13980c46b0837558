"""Compares a parked call with the operation that the model predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from checker.errors import UserError
from checker.lab.adapters import Adapter, DynamoTableAdapter, SqsQueueAdapter
from checker.lab.wire import WireCall, table_name, transaction_items
from checker.lab.wiring import did_you_mean

TRANSACT = "transact"
_TRANSACTION_ACTIONS = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}


class Predictions:
    """The components of a run, and what their operations look like on the wire.

    Args:
        adapters: by component name; may still be filled after this object is made.
        where: the wiring file, for messages.
    """

    def __init__(self, adapters: Mapping[str, Adapter], where: str) -> None:
        self._adapters = adapters
        self._where = where

    def component(self, component: str) -> Adapter:
        """Raises UserError for a component that the wiring does not declare."""
        if component not in self._adapters:
            raise UserError(
                f"the wiring declares no resource {component!r}",
                where=self._where,
                hint=did_you_mean(component, self._adapters),
            )
        return self._adapters[component]

    def operation(self, operation: str) -> tuple[Adapter, str]:
        """The adapter and the operation's name of ``component.operation``; raises UserError if unknown."""
        component, _, name = operation.partition(".")
        adapter = self.component(component)
        if name not in adapter.operations:
            raise UserError(
                f"{component} ({adapter.resource.kind}) has no operation {name!r}",
                hint=did_you_mean(name, adapter.operations),
            )
        return adapter, name

    def spell(self, operation: str, writes: Sequence[str] = ()) -> str:
        """The prediction in words: ``orders.insert (dynamodb PutItem orders)``."""
        if operation == TRANSACT:
            return f"transact({', '.join(writes)}) (dynamodb TransactWriteItems)"
        adapter, name = self.operation(operation)
        return f"{operation} ({adapter.service} {adapter.operations[name].call} {adapter.resource.name})"

    def mismatch(
        self,
        call: WireCall,
        operation: str,
        *,
        key: Any = None,
        values: Mapping[str, Any] | None = None,
        writes: Sequence[str] = (),
        attempt: int | None = None,
    ) -> str:
        """Why ``call`` is not the predicted one, as a clause ("it called ..."); empty if it is."""
        if operation == TRANSACT:
            reason = self._transaction_mismatch(call, writes)
        else:
            reason = self._single_mismatch(call, operation, key, values)
        if not reason and attempt is not None and call.attempt != attempt:
            return f"it called {call.action} as attempt {call.attempt} instead of {attempt}"
        return reason

    def touched(self, call: WireCall) -> list[str]:
        """Components that the call names, in the order of the request."""
        return [
            component
            for name in call.resources
            for component, adapter in self._adapters.items()
            if (adapter.service, adapter.resource.name) == (call.service, name)
            and adapter.resource.region == (call.region or adapter.resource.region)
        ]

    def queue(self, call: WireCall) -> SqsQueueAdapter:
        """The queue of an SQS call."""
        return cast(SqsQueueAdapter, self._adapters[self.touched(call)[0]])

    def check_known(self, call: WireCall) -> None:
        """Raises UserError for a call to something that the wiring does not name."""
        if len(self.touched(call)) == len(call.resources) > 0:
            return
        names = [
            adapter.resource.name for adapter in self._adapters.values() if adapter.service == call.service
        ]
        unknown = next((name for name in call.resources if name not in names), "")
        if call.resources and not unknown:
            what = f"in region {call.region}, where the wiring has no such resource"
        elif unknown:
            what = f"but the wiring names no {call.service} resource {unknown!r}"
        else:
            what = "but the wiring names no resource of it"
        raise UserError(
            f"{call.process} calls {call.action}, {what}",
            where=self._where,
            hint=did_you_mean(unknown, names) if names else "the lab steers SQS and DynamoDB",
        )

    def _single_mismatch(
        self, call: WireCall, operation: str, key: Any, values: Mapping[str, Any] | None
    ) -> str:
        adapter, name = self.operation(operation)
        resource = adapter.resource
        predicted = (adapter.service, adapter.operations[name].call, resource.name, resource.region)
        if (call.service, call.operation, call.resource, call.region or resource.region) != predicted:
            return f"it called {call.action}"
        reason = adapter.mismatch(name, call, key, values)
        return f"it called {call.action} where {reason}" if reason else ""

    def _transaction_mismatch(self, call: WireCall, writes: Sequence[str]) -> str:
        if (call.service, call.operation) != ("dynamodb", "TransactWriteItems"):
            return f"it called {call.action}"
        left = list(transaction_items(call.parameters))
        for write in writes:
            adapter, name = self.operation(write)
            action = _TRANSACTION_ACTIONS.get(adapter.operations[name].call)
            for candidate in left:
                kind, parameters = candidate
                table = table_name(str(parameters.get("TableName")))
                if (kind, table) == (action, adapter.resource.name):
                    reason = cast(DynamoTableAdapter, adapter).mismatch_parameters(
                        name, parameters, None, None
                    )
                    if reason:
                        return f"its transaction has {kind} {table} where {reason}"
                    left.remove(candidate)
                    break
            else:
                return f"its transaction has no {write} ({action} {adapter.resource.name})"
        if writes and left:
            kind, parameters = left[0]
            return f"its transaction has another action too: {kind} {parameters.get('TableName')}"
        return ""
