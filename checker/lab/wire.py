"""HTTP messages as the interposer sees them, and the AWS call that a request spells."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from checker.lab.values import from_attribute, from_item

_SCOPE = re.compile(r"Credential=([^/,\s]+)/(\d+)/([^/,\s]*)/([^/,\s]+)/aws4_request")
_ATTEMPT = re.compile(r"attempt=(\d+)")
_TABLE_ARN = re.compile(r"^arn:[^:]*:dynamodb:[^:]*:[^:]*:table/([^/]+)")

# The service part of X-Amz-Target, for requests without a credential scope (unsigned, or an odd signer).
_TARGET_SERVICES = {
    "AmazonSQS": "sqs",
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodb",
    "Kinesis_20131202": "kinesis",
    "AWSEvents": "events",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as read from the socket; header order and spelling are kept."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        return header(self.headers, name)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response as the backend gave it, or as the interposer made it up."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def error(self) -> str | None:
        """The AWS error code of an error response (``ConditionalCheckFailedException``), else None."""
        return None if self.status < 400 else error_code(self)


@dataclass(frozen=True, slots=True)
class WireCall:
    """One AWS API call of one process, read from its request.

    Attributes:
        process: the consumer process, from the access key, else from the listener.
        resources: names of the queue or of the tables that it touches, in the order of the request.
        key: the plain key value of a single-item DynamoDB call, when it is known.
        attempt: from 1; an SDK's retry keeps ``invocation_id`` and counts up.
        parameters: the request's parameters as the service names them.
    """

    process: str
    region: str
    service: str
    operation: str
    resources: tuple[str, ...] = ()
    key: Any = None
    attempt: int = 1
    invocation_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def resource(self) -> str:
        """The queue or table; several are joined with ``+``."""
        return "+".join(self.resources)

    @property
    def action(self) -> str:
        """The call without its process: ``dynamodb PutItem orders``."""
        return " ".join(part for part in (self.service, self.operation, self.resource) if part)

    def __str__(self) -> str:
        retry = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        return f"{self.process}: {self.action}{retry}"


def header(headers: Iterable[tuple[str, str]], name: str) -> str:
    """The first value of a header, or an empty string."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), "")


def error_code(response: HttpResponse) -> str:
    """The AWS error code of an error response, in whichever of the usual places it stands."""
    query_error = header(response.headers, "x-amzn-query-error")
    typed = header(response.headers, "x-amzn-errortype")
    try:
        body = json.loads(response.body)
        named = str(body.get("__type") or body.get("code") or "") if isinstance(body, dict) else ""
    except ValueError:
        match = re.search(rb"<Code>([^<]+)</Code>", response.body)
        named = match[1].decode() if match else ""
    code = named or typed or query_error.partition(";")[0] or str(response.status)
    return code.rpartition("#")[2].partition(":")[0]


def parse(
    request: HttpRequest,
    *,
    listener: str,
    processes: Mapping[str, str] | None = None,
    key_attributes: Mapping[str, str] | None = None,
) -> WireCall:
    """Read the AWS call from a request.

    Args:
        listener: the process whose listener took the request; used where the access key names nobody.
        processes: access key id to process.
        key_attributes: table name to hash key attribute, to find the key of a PutItem.
    """
    scope = _SCOPE.search(request.header("authorization") or urllib.parse.unquote(request.path))
    target = request.header("x-amz-target")
    parameters = _parameters(request)
    prefix, _, operation = target.rpartition(".")
    service = scope[4] if scope else _TARGET_SERVICES.get(prefix, prefix.lower())
    if not operation:
        operation = str(
            parameters.get("Action") or f"{request.method} {urllib.parse.urlsplit(request.path).path}"
        )
    attempt = _ATTEMPT.search(request.header("amz-sdk-request"))
    return WireCall(
        process=(processes or {}).get(scope[1], listener) if scope else listener,
        region=scope[3] if scope else "",
        service=service or "unknown",
        operation=operation,
        resources=resources_of(service, parameters, request.path),
        key=_key_of(parameters, key_attributes or {}) if service == "dynamodb" else None,
        attempt=int(attempt[1]) if attempt else 1,
        invocation_id=request.header("amz-sdk-invocation-id"),
        parameters=parameters,
    )


def _parameters(request: HttpRequest) -> dict[str, Any]:
    """The JSON body, or the fields of a form (the query protocol of older SDKs)."""
    content_type = request.header("content-type")
    if "x-www-form-urlencoded" in content_type:
        return dict(urllib.parse.parse_qsl(request.body.decode(errors="replace")))
    try:
        body = json.loads(request.body) if request.body else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def resources_of(service: str, parameters: Mapping[str, Any], path: str = "") -> tuple[str, ...]:
    """Names of the queues or tables in the parameters, without repeats, in the order of the request."""
    if service == "sqs":
        url = parameters.get("QueueUrl") or (path if path.count("/") >= 2 else "")
        name = parameters.get("QueueName") or urllib.parse.urlsplit(str(url)).path.rpartition("/")[2]
        return (str(name),) if name else ()
    if service == "dynamodb":
        return tuple(dict.fromkeys(table_name(name) for name in _tables(parameters)))
    return ()


def _tables(parameters: Mapping[str, Any]) -> Iterable[str]:
    if "TableName" in parameters:
        yield str(parameters["TableName"])
    for _, action in transaction_items(parameters):
        yield str(action.get("TableName", ""))
    if isinstance(parameters.get("RequestItems"), Mapping):
        yield from parameters["RequestItems"]


def table_name(name_or_arn: str) -> str:
    """DynamoDB takes a table's ARN wherever it takes its name."""
    match = _TABLE_ARN.match(name_or_arn)
    return match[1] if match else name_or_arn


def transaction_items(parameters: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The (action, its parameters) pairs of TransactWriteItems or TransactGetItems; empty for other calls."""
    pairs: list[tuple[str, Mapping[str, Any]]] = []
    for item in parameters.get("TransactItems") or []:
        if isinstance(item, Mapping):
            pairs += [(kind, action) for kind, action in item.items() if isinstance(action, Mapping)]
    return pairs


def _key_of(parameters: Mapping[str, Any], key_attributes: Mapping[str, str]) -> Any:
    """The plain key of a single-item call; a composite key is a dict by attribute."""
    if isinstance(parameters.get("Key"), Mapping):
        key = from_item(parameters["Key"])
        return next(iter(key.values())) if len(key) == 1 else key
    attribute = key_attributes.get(table_name(str(parameters.get("TableName", ""))))
    item = parameters.get("Item")
    if attribute and isinstance(item, Mapping) and attribute in item:
        return from_attribute(item[attribute])
    return None
