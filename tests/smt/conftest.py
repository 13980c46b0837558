"""Fixtures of these tests."""

from __future__ import annotations

from tests.cli.project import project as project
