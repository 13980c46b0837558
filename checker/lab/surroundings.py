"""The environment variables of a consumer: AWS means the interposer, and nothing else does."""

from __future__ import annotations

import os
from collections.abc import Mapping

# Anything inherited under these names could lead a consumer past the interposer, or slow it down.
_DROPPED_PREFIXES = ("AWS_", "BOTO_")
_DROPPED = {name for proxy in ("http_proxy", "https_proxy", "all_proxy") for name in (proxy, proxy.upper())}


def access_keys(processes: tuple[str, ...]) -> dict[str, str]:
    """Process to access key id: upper-case letters and digits, as some backends demand, and all distinct."""
    keys: dict[str, str] = {}
    for number, process in enumerate(processes):
        letters = "".join(
            character for character in process.upper() if character.isascii() and character.isalnum()
        )
        keys[process] = f"AKQUACK{number:04d}{letters}"
    return keys


def inherited_environment() -> dict[str, str]:
    """The lab's own environment without whatever says how to reach AWS."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_DROPPED_PREFIXES) and name not in _DROPPED
    }


def consumer_environment(
    *,
    endpoint: str,
    region: str,
    access_key: str,
    max_attempts: int,
    own: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of a consumer process; ``own`` (the wiring's) is put on top."""
    return {
        **inherited_environment(),
        "NO_PROXY": "*",
        "no_proxy": "*",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,  # boto3 reads this one, other SDKs the one above
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": "quackcheck",
        "AWS_MAX_ATTEMPTS": str(max_attempts),
        "AWS_RETRY_MODE": "standard",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONUNBUFFERED": "1",
        **own,
    }
