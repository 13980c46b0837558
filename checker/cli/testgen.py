"""``quackcheck testgen``: write a pytest file for every counterexample."""

from __future__ import annotations

from pathlib import Path

import click

from checker.cli.files import write_whole
from checker.errors import UserError
from checker.spec import find_specs, load_spec
from checker.spec.check import Status, check
from checker.testgen.generate import FileState, TestFile, generate, orphans, state_of

_EXAMPLES = """\b
Examples:
  quackcheck testgen                                  for every spec with a [lab]
  quackcheck testgen specs/order_intake/naive.toml    for one spec
  quackcheck testgen --check                          write nothing; exit 1 if a file is stale
"""


@click.command("testgen", epilog=_EXAMPLES)
@click.argument("specs", nargs=-1, type=click.Path())
@click.option(
    "--out", type=click.Path(), default="generated_tests", show_default=True, help="Where tests go."
)
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if anything is not fresh.")
@click.pass_context
def testgen_command(
    context: click.Context, specs: tuple[str, ...], out: str, force: bool, only_check: bool
) -> None:
    """Write a pytest file for each violated property of SPECS (all of specs/ by default)."""
    paths = find_specs(specs)
    files: list[TestFile] = []
    for path in paths:
        spec = load_spec(path)
        if spec.lab is None and not specs:
            continue
        files += generate(check(spec), Path(out))
    states = {file.path: state_of(file) for file in files}
    extra = orphans(Path(out), paths, files)
    if only_check:
        _report(context, states, extra)
        return
    edited = [str(path) for path, state in states.items() if state is FileState.EDITED]
    if edited and not force:
        hint = "keep your changes under another name, or overwrite them with --force"
        raise UserError(
            "this file was edited by hand; nothing was written", where=", ".join(edited), hint=hint
        )
    for file in files:
        if states[file.path] is not FileState.FRESH:
            write_whole(file.path, file.text)
        click.echo(f"{states[file.path].value:>14}  {file.path}")
    for path in extra:
        path.unlink()
        click.echo(f"{'removed':>14}  {path}")
    if not files:
        click.echo("no property is violated: there is nothing to generate")


def _report(context: click.Context, states: dict[Path, FileState], extra: list[Path]) -> None:
    wrong = {path: state.value for path, state in states.items() if state is not FileState.FRESH}
    wrong.update(dict.fromkeys(extra, "no longer generated"))
    for path, state in wrong.items():
        click.echo(f"{state:>20}  {path}")
    if wrong:
        click.echo("run: quackcheck testgen")
        context.exit(int(Status.DIFFERS))
    click.echo(f"{len(states)} generated tests are fresh")
