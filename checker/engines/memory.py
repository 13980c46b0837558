"""Amounts of memory: as text with units, and what this process has."""

from __future__ import annotations

import os
import re
import resource
import sys

_UNITS = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}


def bytes_of(text: str) -> int:
    """The bytes that a text such as ``500 MB`` or ``1.5GiB`` means, at least 1; the case of units is free.

    Raises:
        ValueError: it has no unit, or is no amount; the message says what to write.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", text.strip(), re.ASCII)
    units = {name.lower(): factor for name, factor in _UNITS.items()}
    if match is None or match[2].lower() not in units:
        raise ValueError("write a number and a unit, such as 500MB or 2GiB")
    found = int(float(match[1]) * units[match[2].lower()])
    if not 1 <= found < 2**63:
        raise ValueError("write at least 1B, and less than 8000000TB")
    return found


def shown_bytes(amount: int) -> str:
    """An amount of memory for people: ``1.5 GB``, or ``2 GiB`` where that is exact."""
    for name in ("TiB", "GiB", "MiB", "KiB"):
        if amount % _UNITS[name] == 0 and 1 <= amount // _UNITS[name] < 1024:
            return f"{amount // _UNITS[name]} {name}"
    for name in ("TB", "GB", "MB", "kB"):
        if amount >= _UNITS[name]:
            return f"{amount / _UNITS[name]:.3g} {name}"
    return f"{amount} B"


def resident_bytes() -> int:
    """The memory that this process has now; where that cannot be told, the most it ever had."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
