"""AWS Regions, as far as all components that are spread over several of them share them."""

from __future__ import annotations

from checker.dsl import Index, ServiceError


class Region(Index):
    """The Regions that a system runs in; a spec sizes it: ``[bounds] Region = 2``."""


class RegionUnavailable(ServiceError):
    """The service's endpoint in that Region does not serve the call; nothing was applied."""
