"""Pass a request on to the backend, its Host header kept, and bring the response back."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from checker.errors import UserError
from checker.lab.wire import HttpRequest, HttpResponse

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"}


class Forwarder:
    """Sends requests to one endpoint.

    The Host header stays the client's: a signature made for the interposer stays valid, and a backend that
    builds URLs from Host (QueueUrl) points its clients back at the interposer.
    """

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._timeout_s = timeout_s

    def send(self, request: HttpRequest) -> HttpResponse:
        """Forward one request.

        Raises:
            UserError: when the backend does not answer.
        """
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout_s)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.putheader("Connection", "close")
            connection.endheaders(request.body)
            response = connection.getresponse()
            body = response.read()
            return HttpResponse(response.status, tuple(response.getheaders()), body)
        except (OSError, http.client.HTTPException) as error:
            address = self._url.geturl()
            raise UserError(
                f"the backend at {address} failed on {request.method} {request.path}: {error}"
            ) from error
        finally:
            connection.close()


def with_parameters(request: HttpRequest, parameters: Mapping[str, Any]) -> HttpRequest:
    """The same request with another JSON body."""
    return HttpRequest(request.method, request.path, request.headers, json.dumps(parameters).encode())


def with_body(response: HttpResponse, body: object) -> HttpResponse:
    """The same response with another JSON body; checksums of the old one are dropped."""
    stale = {"content-length", "x-amz-crc32", "content-encoding"}
    headers = tuple((name, value) for name, value in response.headers if name.lower() not in stale)
    return HttpResponse(response.status, headers, json.dumps(body).encode())
