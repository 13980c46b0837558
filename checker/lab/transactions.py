"""ClientRequestToken of TransactWriteItems: a repeat within ten minutes is answered, not applied.

Source: DynamoDB API reference, TransactWriteItems, ClientRequestToken. Emulators apply a repeat twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from checker.lab.wire import HttpResponse

TOKEN_LIFETIME_S = 600.0


@dataclass(frozen=True, slots=True)
class _Applied:
    parameters: str
    response: HttpResponse
    at_s: float


class TokenMismatch(Exception):
    """The token was used for a transaction with other parameters."""


class TransactionTokens:
    """Remembers the successes of transactions by region and token.

    Only successes are kept: that a cancelled transaction may be tried again under its token is our reading,
    since the reference speaks of repeats of a successful call only.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._applied: dict[tuple[str, str], _Applied] = {}

    def earlier(self, region: str, parameters: Mapping[str, Any]) -> HttpResponse | None:
        """The response of the same transaction, if it was applied under its token; None to apply it.

        Raises:
            TokenMismatch: when the token belongs to other parameters.
        """
        token = parameters.get("ClientRequestToken")
        applied = self._applied.get((region, str(token))) if token else None
        if applied is None or self._clock_s() - applied.at_s >= TOKEN_LIFETIME_S:
            return None
        if applied.parameters != _canonical(parameters):
            raise TokenMismatch(str(token))
        return applied.response

    def applied(self, region: str, parameters: Mapping[str, Any], response: HttpResponse) -> None:
        """Remember a success."""
        token = parameters.get("ClientRequestToken")
        if token:
            self._applied[region, str(token)] = _Applied(_canonical(parameters), response, self._clock_s())

    def expire(self) -> None:
        """Ten minutes pass: every token is a new request again."""
        self._applied.clear()


def _canonical(parameters: Mapping[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True)
