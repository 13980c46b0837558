"""Error responses in the format of the service that would have sent them."""

from __future__ import annotations

import json
import uuid

from checker.lab.wire import HttpResponse, WireCall

_TYPE_PREFIX = {"dynamodb": "com.amazonaws.dynamodb.v20120810#", "sqs": "com.amazonaws.sqs#"}
_CONTENT_TYPE = {"sqs": "application/x-amz-json-1.0", "dynamodb": "application/x-amz-json-1.0"}

# What each service calls its own breakdown and its throttling; SDKs retry both.
INTERNAL_ERROR = {"dynamodb": "InternalServerError", "sqs": "InternalError"}
THROTTLE = {
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "sqs": ("RequestThrottled", 403),
}


def service_error(call: WireCall, code: str, message: str, status: int) -> HttpResponse:
    """An error response to ``call`` that its SDK parses into an exception with this code."""
    body = {"__type": _TYPE_PREFIX.get(call.service, "") + code, "message": message}
    side = "Receiver" if status >= 500 else "Sender"
    headers = [
        ("Content-Type", _CONTENT_TYPE.get(call.service, "application/x-amz-json-1.1")),
        ("x-amzn-RequestId", str(uuid.uuid4())),
        ("x-amzn-errortype", code),
    ]
    if call.service == "sqs":
        headers.append(("x-amzn-query-error", f"{code};{side}"))
    return HttpResponse(status, tuple(headers), json.dumps(body).encode())


def internal_error(call: WireCall) -> HttpResponse:
    """The service broke before it applied the call."""
    code = INTERNAL_ERROR.get(call.service, "InternalFailure")
    return service_error(call, code, "The request failed before it was applied.", 500)


def throttled(call: WireCall) -> HttpResponse:
    """The service refused the call because of its rate."""
    code, status = THROTTLE.get(call.service, ("ThrottlingException", 400))
    return service_error(call, code, "Rate exceeded.", status)


def json_response(call: WireCall, body: object) -> HttpResponse:
    """A success that the interposer answers itself."""
    headers = (
        ("Content-Type", _CONTENT_TYPE.get(call.service, "application/x-amz-json-1.1")),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    )
    return HttpResponse(200, headers, json.dumps(body).encode())
