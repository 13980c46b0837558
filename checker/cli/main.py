"""The command's entry: its verbs, and what happens to errors."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import click

from checker.cli.cache import cache_command
from checker.cli.check import check_command
from checker.cli.replay import replay_command
from checker.cli.show import show_command
from checker.cli.simulate import simulate_command
from checker.cli.testgen import testgen_command
from checker.errors import InternalError, UserError
from checker.spec.check import Status

#: What a shell expects of a program that Ctrl-C ended.
EXIT_INTERRUPTED = 130
#: A fault of quackcheck itself, as sysexits.h has it.
EXIT_INTERNAL = 70


class _Group(click.Group):
    """Turns the project's errors into messages and exit codes, for every verb."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
            ctx.exit(Status.BAD_INPUT)
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


main.add_command(check_command)
main.add_command(simulate_command)
main.add_command(testgen_command)
main.add_command(replay_command)
main.add_command(show_command)
main.add_command(cache_command)
