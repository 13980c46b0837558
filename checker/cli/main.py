"""The command's entry: its verbs, and what happens to errors."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

import click

from checker.errors import InternalError, UserError

#: Each verb is the command ``<verb>_command`` of the module of its name, in the order of the help, with what
#: the help says of it: a module is imported when its verb is used, for some need much that others do not.
VERBS = {
    "check": "Check specs, and compare the verdicts with what they expect.",
    "prove": "Prove specs without a bound on the steps, with certificates.",
    "verify-certificate": "Check a certificate again.",
    "simulate": "Walk through specs at random.",
    "testgen": "Write pytest files from counterexamples.",
    "matrix": "Compare variants of a protocol under classes of faults.",
    "replay": "Step through a saved trace.",
    "graph": "Write all states and transitions of a spec into a file.",
    "show": "Show what was understood of a model.",
    "cache": "Show, or clear, the cache of compiled models.",
}
#: Bad input or a model error, as ``checker.spec.check.Status`` has it.
EXIT_BAD_INPUT = 2
#: What a shell expects of a program that Ctrl-C ended.
EXIT_INTERRUPTED = 130
#: A fault of quackcheck itself, as sysexits.h has it.
EXIT_INTERNAL = 70


class _Group(click.Group):
    """Finds the verbs, and turns the project's errors into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"checker.cli.{name}")
        command = getattr(module, f"{name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
            ctx.exit(EXIT_BAD_INPUT)
        except InternalError as error:
            click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
            ctx.exit(EXIT_INTERNAL)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(EXIT_INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort, OSError):
            raise
        except Exception as error:
            # Exit code 1 would say that a verdict differs, so that Python's own way to end will not do.
            traceback.print_exc()
            what = InternalError(f"{type(error).__name__}: {error}")
            click.echo(f"{click.style('error:', fg='red', bold=True)} {what}", err=True)
            ctx.exit(EXIT_INTERNAL)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all as expected, 1 a verdict differs, 2 bad input or a model error, "
    "3 undecided (a limit was reached), 70 a fault of quackcheck, 130 interrupted.",
)
@click.version_option(package_name="quackcheck")
def main() -> None:
    """Find the interleaving that loses an update or duplicates an order, and replay it for real.

    Run it where models/ and specs/ are.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
