"""``quackcheck cache``: the models that the native engine has compiled."""

from __future__ import annotations

import time

import click

from checker.engines.native.compile import CACHE_BYTES_MAX, cache_folder, cached_models, clear_cache

_EXAMPLES = """\b
Examples:
  quackcheck cache            what is there
  quackcheck cache --clear    remove it; models are compiled again when needed
"""


@click.command("cache", epilog=_EXAMPLES)
@click.option("--clear", is_flag=True, help="Remove all compiled models.")
def cache_command(clear: bool) -> None:
    """Show, or clear, the cache of compiled models."""
    if clear:
        click.echo(f"{clear_cache()} compiled models removed from {cache_folder()}")
        return
    models = cached_models()
    total = sum(cached.size_bytes for cached in models)
    of = f"{_size(total)} of at most {_size(CACHE_BYTES_MAX)}"
    click.echo(f"{cache_folder()}: {len(models)} compiled models, {of}")
    for cached in models:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(cached.used))
        click.echo(f"  {_size(cached.size_bytes):>9}  last used {used}  {cached.path.name}")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"
