"""``quackcheck matrix``: variants of a protocol against classes of faults, and what each costs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from checker.cli.files import write_whole
from checker.cli.results import exit_code, progress_line
from checker.cli.terminal import console as new_console
from checker.engines.interface import Progress
from checker.engines.runner import ENGINES
from checker.errors import UserError
from checker.report.data import SCHEMA_VERSION
from checker.report.matrix import markdown, matrix_data, print_matrix
from checker.spec.check import Status
from checker.spec.compare import Compared, compare
from checker.spec.matrix import Matrix, find_matrices, load_matrix

_EXAMPLES = """\b
Examples:
  quackcheck matrix                                     every matrix in specs/matrix/
  quackcheck matrix specs/matrix/order_intake.toml      one matrix
  quackcheck matrix --markdown                          as Markdown
  quackcheck matrix --update docs/strategy.md           rewrite the tables between its markers
  quackcheck matrix --update docs/strategy.md --check   write nothing; exit 1 if a table is not fresh
"""
_BEGIN = re.compile(r"^<!-- quackcheck matrix (?P<path>\S+) -->$")
_END = "<!-- end of matrix -->"


@click.command(
    "matrix", epilog=_EXAMPLES, short_help="Compare variants of a protocol under classes of faults."
)
@click.argument("matrices", nargs=-1, type=click.Path())
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Use this engine for every cell.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of the native engine; all cores if not given."
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown on standard output.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output.")
@click.option("--update", type=click.Path(), help="Rewrite the tables between the markers of this file.")
@click.option(
    "--check", "only_check", is_flag=True, help="With --update: write nothing; exit 1 if not fresh."
)
@click.pass_context
def matrix_command(
    context: click.Context,
    matrices: tuple[str, ...],
    engine: str | None,
    threads: int | None,
    as_markdown: bool,
    as_json: bool,
    update: str | None,
    only_check: bool,
) -> None:
    """Check variants under classes of faults: MATRICES are files or folders, specs/matrix/ by default.

    A matrix compares; that a combination fails is no error. Exit codes: 0 everything decided, 1 with
    --check a table that is not fresh, 2 bad input or a model error, 3 undecided, 130 interrupted.
    """
    if only_check and update is None:
        raise UserError("--check needs --update", hint="add: --update docs/strategy.md")
    if sum([as_markdown, as_json, update is not None]) > 1:
        raise UserError("only one of --markdown, --json and --update is possible", hint="run it twice")
    if update is not None:
        if matrices:
            hint = "leave out the matrices: the file's markers name them"
            raise UserError("--update takes no matrices", where=matrices[0], hint=hint)
        _update(context, Path(update), only_check, engine, threads or 0)
        return
    loaded = [load_matrix(path) for path in find_matrices(matrices)]
    console = new_console(stderr=as_json or as_markdown)
    documents, statuses, interrupted = [], [], False
    for matrix in loaded:
        compared = _run(matrix, engine, threads or 0)
        documents.append(matrix_data(compared))
        statuses.append(compared.status)
        interrupted = compared.interrupted
        if as_markdown:
            click.echo(f"## {matrix.title}\n\n{markdown(compared)}")
        elif not as_json:
            print_matrix(console, compared)
        if interrupted:
            break
    code = 130 if interrupted else exit_code(statuses)
    if as_json:
        click.echo(
            json.dumps({"version": SCHEMA_VERSION, "exit_code": code, "matrices": documents}, indent=2)
        )
    context.exit(code)


def _run(matrix: Matrix, engine: str | None, threads: int) -> Compared:
    with progress_line(str(matrix.path)) as show:

        def report(variant: str, faults: str, now: Progress) -> None:
            show(f"{variant} × {faults}  {now.states:,} states  {now.seconds:.0f} s")

        return compare(matrix, engine, report, threads)


def _update(context: click.Context, file: Path, only_check: bool, engine: str | None, threads: int) -> None:
    """Rewrite what stands between the markers of a file, or say whether it is fresh."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "give a Markdown file with markers: <!-- quackcheck matrix specs/matrix/orders.toml -->"
        raise UserError(f"the file cannot be read: {what}", where=str(file), hint=hint) from None
    lines: list[str] = []
    compared: list[Compared] = []
    inside: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        begin = _BEGIN.match(line)
        if begin is not None and inside is not None:
            raise _unclosed(file, inside, number)
        if begin is not None:
            inside = begin["path"]
            found = _compared(f"{file}:{number}", inside, engine, threads)
            if found.interrupted:
                click.echo("interrupted; nothing was written", err=True)
                context.exit(130)
            compared.append(found)
            lines += [line, "", *markdown(found).rstrip("\n").split("\n"), ""]
        if line == _END:
            if inside is None:
                hint = "remove it, or add the marker that begins the table"
                raise UserError("a matrix ends here that never began", where=f"{file}:{number}", hint=hint)
            inside = None
        if inside is None:
            lines.append(line)
    if inside is not None:
        raise _unclosed(file, inside, None)
    if not compared:
        hint = "write: <!-- quackcheck matrix specs/matrix/orders.toml --> and <!-- end of matrix -->"
        raise UserError("there is no marker in this file", where=str(file), hint=hint)
    code = exit_code([found.status for found in compared])
    if code:
        wrong = ", ".join(str(f.matrix.path) for f in compared if f.status is not Status.AS_EXPECTED)
        click.echo(
            f"not every cell is decided; nothing was written; run: quackcheck matrix {wrong}", err=True
        )
        context.exit(code)
    _finish(context, file, text, "\n".join(lines), only_check, len(compared))


def _finish(context: click.Context, file: Path, old: str, new: str, only_check: bool, count: int) -> None:
    tables = "1 matrix" if count == 1 else f"{count} matrices"
    if old == new:
        click.echo(f"{file}: {tables}, fresh")
    elif only_check:
        click.echo(f"{file}: not fresh; run: quackcheck matrix --update {file}")
        context.exit(int(Status.DIFFERS))
    else:
        write_whole(file, new)
        click.echo(f"{file}: {tables}, rewritten")


def _compared(where: str, path: str, engine: str | None, threads: int) -> Compared:
    if not Path(path).is_file():
        raise UserError(f"there is no matrix '{path}'", where=where, hint="mend the marker's path")
    return _run(load_matrix(Path(path)), engine, threads)


def _unclosed(file: Path, path: str, number: int | None) -> UserError:
    where = str(file) if number is None else f"{file}:{number}"
    hint = f"close it with: {_END}"
    return UserError(f"the table of {path} does not end", where=where, hint=hint)
