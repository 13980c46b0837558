"""``quackcheck testgen``: write a pytest file for every counterexample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from checker.cli.files import write_whole
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Answer, Limits
from checker.errors import UserError
from checker.spec import Spec, find_specs, load_spec
from checker.spec.check import Checked, Status, check
from checker.testgen.generate import FileState, TestFile, generate, orphans, state_of, unobservable

#: What was done about a file, by the state in which it was found.
_DONE = {
    FileState.FRESH: "fresh",
    FileState.MISSING: "written",
    FileState.STALE: "rewritten",
    FileState.EDITED: "overwritten",
}
_EXAMPLES = """\b
Examples:
  quackcheck testgen                                  for every spec with a [lab]
  quackcheck testgen specs/order_intake/naive.toml    for one spec
  quackcheck testgen --check                          write nothing; exit 1 if a file is stale
"""


@click.command("testgen", epilog=_EXAMPLES, short_help="Write a pytest file for every counterexample.")
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
    files: list[TestFile] = []
    complete: list[Path] = []
    left_out: list[str] = []
    for path in find_specs(specs):
        spec = load_spec(path)
        if spec.lab is None and not specs:
            complete.append(path)
            continue
        checked = _checked(spec)
        files += generate(checked, Path(out))
        left_out += [
            f"{path}: {name} is violated, but looks at {what}, which the lab does not see"
            for name, what in unobservable(checked).items()
        ]
        if checked.result.stopped is None:
            complete.append(path)
    _require_distinct(files)
    states = {file.path: state_of(file) for file in files}
    extra = orphans(Path(out), complete, files)
    if only_check:
        _report(context, states, extra)
        return
    edited = [str(path) for path, state in (states | extra).items() if state is FileState.EDITED]
    if edited and not force:
        which = "this file was" if len(edited) == 1 else "these files were"
        hint = "keep your changes under another name, or give them up with --force"
        raise UserError(f"{which} edited by hand; nothing was written", where=", ".join(edited), hint=hint)
    for file in files:
        if states[file.path] is not FileState.FRESH:
            write_whole(file.path, file.text)
        click.echo(f"{_DONE[states[file.path]]:>14}  {file.path}")
    for path in extra:
        path.unlink()
        click.echo(f"{'removed':>14}  {path}")
    for line in left_out:
        click.echo(f"{'left out':>14}  {line}")
    if not files:
        click.echo("there is nothing to generate")


def _checked(spec: Spec) -> Checked:
    """Check a spec whose counterexamples are wanted. Raises UserError where the model fails."""
    checked = check(spec)
    if checked.result.stopped == "interrupted":
        raise KeyboardInterrupt
    if checked.result.failure is not None:
        hint = f"see the run into it: quackcheck check {spec.path}"
        what = f"model error: {checked.result.failure.error}"
        raise UserError(what, where=str(spec.path), hint=hint)
    return _canonical(checked)


def _canonical(checked: Checked) -> Checked:
    """With the counterexamples of the explicit engine, which every machine has.

    Which of several shortest runs an engine gives is its own order, and a committed test must not
    depend on whether there was a compiler.
    """
    found = [f for f in checked.findings if f.verdict.answer is Answer.VIOLATED and f.trace is not None]
    if checked.result.engine == ExplicitEngine.name or not found:
        return checked
    deepest = max(len(f.trace.steps) for f in found if f.trace is not None)
    shallow = check(checked.spec, ExplicitEngine.name, Limits(depth_max=max(deepest, 1)))
    if shallow.result.stopped == "interrupted":
        raise KeyboardInterrupt
    traced = {f.name: f for f in shallow.findings if f.verdict.answer is Answer.VIOLATED}
    return replace(checked, findings=tuple(traced.get(f.name, f) for f in checked.findings))


def _require_distinct(files: list[TestFile]) -> None:
    paths = [file.path for file in files]
    for path in paths:
        if paths.count(path) > 1:
            hint = "rename one of the specs, or its folder"
            raise UserError("two counterexamples would be written here", where=str(path), hint=hint)


def _report(context: click.Context, states: dict[Path, FileState], extra: dict[Path, FileState]) -> None:
    wrong = {path: state.value for path, state in states.items() if state is not FileState.FRESH}
    wrong.update(dict.fromkeys(extra, "no longer generated"))
    for path, state in wrong.items():
        click.echo(f"{state:>20}  {path}")
    if wrong:
        click.echo("run: quackcheck testgen")
        context.exit(int(Status.DIFFERS))
    what = "1 generated file is" if len(states) == 1 else f"{len(states)} generated files are"
    click.echo(f"{what} fresh")
