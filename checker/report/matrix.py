"""Matrices as text, Markdown and JSON-like data. What is written is the same on every run and machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from checker.report.text import bounds_text
from checker.spec.check import Finding, Status
from checker.spec.compare import Cell, Compared, Row
from checker.spec.price import Price

_COLOURS = {"holds": "green", "FAILS": "red", "undecided": "yellow", "model error": "red"}


def cell_text(cell: Cell | None) -> str:
    """``holds``, ``FAILS (8)`` with the steps of the shortest counterexample, or why there is neither."""
    if cell is None:
        return "not checked"
    if cell.checked is None:
        return "–"
    if cell.status is Status.BAD_INPUT:
        return "model error"
    if cell.violated:
        steps = _steps(cell.violated[0])
        bound = "" if cell.inherited is None else "≤ "
        return "FAILS" if steps is None else f"FAILS ({bound}{steps})"
    return "undecided" if cell.status is Status.UNDECIDED else "holds"


def _steps(finding: Finding) -> int | None:
    return None if finding.trace is None else len(finding.trace.steps)


def price_text(price: Price) -> str:
    """``4: inbox.receive, seen.get, 2 × orders.put``, or why there is no price."""
    if price.reason:
        return f"? ({price.reason})"
    kinds = ", ".join(name if count == 1 else f"{count} × {name}" for name, count in price.calls.items())
    never = "" if price.rests else " (never comes to rest)"
    return f"{price.total}: {kinds or 'no calls'}{never}"


def stories(row: Row) -> Iterator[tuple[str, Finding]]:
    """The violated properties of a variant with their stories, each under the classes that show it.

    Of several classes with the same property the one with the shortest counterexample tells it.
    """
    told: dict[str, Finding] = {}
    under: dict[str, list[str]] = {}
    for title, cell in row.cells.items():
        for finding in cell.violated if cell.inherited is None else ():
            under.setdefault(finding.name, []).append(title)
            known = told.get(finding.name)
            if known is None or (_steps(finding) or 0) < (_steps(known) or 0):
                told[finding.name] = finding
    for name, finding in told.items():
        yield ", ".join(under[name]), finding


def _told(under: str, finding: Finding) -> str:
    steps = _steps(finding)
    length = "" if steps is None else f", {steps} step{'' if steps == 1 else 's'}"
    return f"{finding.name} ({under}{length}): {finding.story}."


def _scope(compared: Compared) -> str:
    """The bounds that the cells cover, from the first that was checked."""
    for row in compared.rows:
        for cell in row.cells.values():
            if cell.checked is not None:
                text = bounds_text(cell.checked.spec.lowered.program)
                bounds, _, rest = text.partition("; faults: ")
                return f"{bounds}; {rest.partition('; ')[2]}"
    return ""


def print_matrix(console: Console, compared: Compared) -> None:
    """The table of a matrix, the stories of what fails, and the prices."""
    matrix = compared.matrix
    console.print(Text.assemble((str(matrix.path), "bold"), f"  {matrix.title}"))
    if matrix.description:
        console.print(f"  {matrix.description}")
    console.print(f"  {_scope(compared)}", style="dim")
    titles = list(matrix.faults)
    table = [[cell_text(row.cells.get(title)) for title in titles] for row in compared.rows]
    last = len(titles) - 1
    widths = [
        0 if i == last else max(len(t), *(len(line[i]) for line in table)) for i, t in enumerate(titles)
    ]
    first = max(len(row.variant.name) for row in compared.rows)
    head = "  ".join(f"{title:<{width}}" for title, width in zip(titles, widths, strict=True))
    console.print(f"  {'':<{first}}  {head}".rstrip(), style="dim")
    for row, line in zip(compared.rows, table, strict=True):
        parts: list[str | tuple[str, str]] = [f"  {row.variant.name:<{first}}"]
        for text, width in zip(line, widths, strict=True):
            parts.append(("  " + f"{text:<{width}}", _COLOURS.get(text.partition(" (")[0], "dim")))
        console.print(Text.assemble(*parts))
    for row in compared.rows:
        console.print()
        console.print(Text(f"  {row.variant.name}", style="bold"))
        console.print(f"    calls without faults: {price_text(row.price)}")
        for under, finding in stories(row):
            console.print(f"    {_told(under, finding)}")
        for title, cell in row.cells.items():
            if (reason := _trouble(cell)) is not None:
                console.print(f"    {title}: {reason}", style="yellow")
    console.print()


def _trouble(cell: Cell) -> str | None:
    """Why a cell is a model error, or undecided."""
    if cell.checked is None or cell.status is Status.AS_EXPECTED:
        return None
    failure = cell.checked.result.failure
    return f"model error: {failure.error}" if failure is not None else cell.checked.result.stopped


def markdown(compared: Compared) -> str:
    """The table of a matrix, then the prices and stories of its variants, as Markdown."""
    matrix = compared.matrix
    titles = list(matrix.faults)
    lines = [
        f"{matrix.description} ({_scope(compared)}; FAILS has the steps of the shortest counterexample.)",
        "",
    ]
    lines += [_line(["", *titles, "calls"]), _line(["---"] * (len(titles) + 2))]
    for row in compared.rows:
        cells = [cell_text(row.cells.get(title)).replace("FAILS", "**FAILS**") for title in titles]
        calls = "?" if row.price.reason else str(row.price.total)
        lines.append(_line([row.variant.name, *cells, calls]))
    lines.append("")
    for row in compared.rows:
        lines.append(f"- **{row.variant.name}**. {_sentence(row)}")
        lines += [f"  - `{f.name}` ({under}): {_plain(f.story)}." for under, f in stories(row)]
    return "\n".join(lines) + "\n"


def _sentence(row: Row) -> str:
    about = f"{row.variant.description} " if row.variant.description else ""
    return f"{about}Calls without faults: {_plain(price_text(row.price))}."


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_")


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def matrix_data(compared: Compared) -> dict[str, Any]:
    """A matrix as JSON-like data."""
    matrix = compared.matrix
    return {
        "matrix": str(matrix.path),
        "title": matrix.title,
        "faults": {title: dict(budgets) for title, budgets in matrix.faults.items()},
        "status": compared.status.name.lower(),
        "variants": [_row_data(row) for row in compared.rows],
    }


def _row_data(row: Row) -> dict[str, Any]:
    price = row.price
    return {
        "name": row.variant.name,
        "model": row.variant.model_reference,
        "price": {
            "calls": None if price.reason else price.total,
            "by_operation": dict(price.calls),
            "until": price.until,
            "comes_to_rest": price.rests,
            "reason": price.reason,
        },
        "cells": {title: _cell_data(cell) for title, cell in row.cells.items()},
    }


def _cell_data(cell: Cell) -> dict[str, Any]:
    answer = cell_text(cell).partition(" (")[0].lower()
    if cell.checked is None:
        return {"answer": "not applicable", "violated": [], "reason": None}
    program = cell.checked.spec.lowered.program
    return {
        "answer": answer,
        "inherited": cell.inherited,
        "reason": _trouble(cell),
        "bounds": {index.name: index.size for index in program.index_sets},
        "max_attempts": program.budgets.max_attempts,
        "engine": cell.checked.result.engine,
        "states": cell.checked.result.statistics.states,
        "asked": [finding.name for finding in cell.findings],
        "violated": [
            {"property": finding.name, "steps": _steps(finding), "story": finding.story}
            for finding in cell.violated
        ],
    }
