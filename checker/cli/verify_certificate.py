"""``quackcheck verify-certificate``: check a saved proof again, against the model as it is now."""

from __future__ import annotations

from pathlib import Path

import click

from checker.engines.runner import verify_certificate
from checker.errors import UserError
from checker.spec import load_spec


@click.command("verify-certificate", short_help="Check a certificate again.")
@click.argument("file", type=click.Path())
@click.pass_context
def verify_certificate_command(context: click.Context, file: str) -> None:
    """Check the certificate FILE against its spec's model as it is now.

    Z3's SMT core is asked whether the lemmas hold initially, are kept by every step, and exclude what
    was proved impossible. Exit codes: 0 where they do, 1 where they do not, 2 where the file was edited or is
    for another version of the model.
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        hint = "certificates are written by `quackcheck prove`"
        raise UserError(f"cannot read this certificate: {reason}", where=file, hint=hint) from None
    outcome = verify_certificate(file, text, lambda spec: load_spec(Path(spec)).lowered)
    for name in outcome.failed:
        click.echo(f"FAILED  {name}")
    for name in outcome.proved:
        click.echo(f"{'not proved' if outcome.failed else 'proved':10}  {name}")
    click.echo(f"{outcome.lemmas} lemmas; {'the certificate is wrong' if outcome.failed else 'verified'}")
    context.exit(1 if outcome.failed else 0)
