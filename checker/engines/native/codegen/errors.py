"""Numbers in generated C for the places where a model error can happen."""

from __future__ import annotations

from checker.errors import Location, ModelErrorKind


class ErrorSites:
    """Numbers for the places where a model error can happen; the first four mean something else."""

    def __init__(self) -> None:
        self.sites: list[tuple[ModelErrorKind, Location | None]] = []

    def number(self, kind: ModelErrorKind, location: Location | None) -> int:
        """The number of an error of this kind at this place."""
        site = (kind, location)
        if site not in self.sites:
            self.sites.append(site)
        return self.sites.index(site) + 4

    def numbered(self) -> dict[int, tuple[ModelErrorKind, Location | None]]:
        """All places by their numbers."""
        return dict(enumerate(self.sites, start=4))
