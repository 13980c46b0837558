"""boto3 clients of the lab itself, untouched by the user's AWS profile and configuration files."""

from __future__ import annotations

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# Setting name to (name in a configuration file, environment variable, default, conversion).
_ISOLATED: dict[str, tuple[str | None, str | None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def lab_client(service: str, region: str, endpoint: str, access_key: str, attempts: int = 1) -> Any:
    """A client for one service at one endpoint; by default it never retries."""
    core = botocore.session.Session(session_vars=_ISOLATED)
    return boto3.session.Session(botocore_session=core).client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key="quackcheck",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": attempts}, proxies={}, inject_host_prefix=False
        ),
    )
