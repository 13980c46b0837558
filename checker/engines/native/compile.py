"""Compiling generated C with the system's compiler, and the cache of compiled models.

A compiled model is found by the hash of everything it is made from: source, runtime, compiler, flags. It
is written under another name and then renamed, so that neither an interrupted build nor another process
that builds the same model leaves half a library behind.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from checker.errors import QuackcheckError

RUNTIME = Path(__file__).parent / "runtime"
FLAGS = ("-std=gnu11", "-O2", "-w", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden")
#: The cache is kept below this size; what was used longest ago goes first.
CACHE_BYTES_MAX = 256 << 20
COMPILE_TIMEOUT_S = 300
_PREFIX, _SUFFIX = "model-", ".so"
#: A library ends with the digest of all before it, which loaders do not look at.
_DIGEST_BYTES = 32


#: Held while a library is built, by its name: another thread that wants it waits instead of building it, too.
_building: dict[str, threading.Lock] = {}


class CannotCompile(QuackcheckError):
    """No compiler, one that fails, or no place for its output; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler: its command, and what tells its version apart from others."""

    command: tuple[str, ...]
    version: str


@lru_cache(maxsize=1)
def find_compiler() -> Compiler:
    """The C compiler: ``$CC``, else ``cc``, ``gcc`` or ``clang``, else the ziglang package.

    Raises:
        CannotCompile: there is none.
    """
    given = os.environ.get("CC")
    candidates: list[tuple[str, ...]] = (
        [tuple(shlex.split(given))] if given else [("cc",), ("gcc",), ("clang",)]
    )
    if importlib.util.find_spec("ziglang") is not None and not given:
        candidates.append((sys.executable, "-m", "ziglang", "cc"))
    for command in candidates:
        if shutil.which(command[0]) is None:
            continue
        try:
            shown = subprocess.run(
                [*command, "--version"], capture_output=True, text=True, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if shown.returncode == 0:
            return Compiler(command, shown.stdout.partition("\n")[0])
    what = f"$CC is {given!r}, which does not run" if given else "there is no C compiler"
    raise CannotCompile(f"{what}: install gcc or clang, or 'pip install ziglang'")


def cache_folder() -> Path:
    """Where compiled models are kept: ``$XDG_CACHE_HOME/quackcheck``, else ``~/.cache/quackcheck``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "quackcheck"


@contextlib.contextmanager
def compiled(source: str) -> Iterator[Path]:
    """The shared library of a generated model, as long as the code inside runs.

    Where the cache cannot be written, the library lies in a temporary folder that is removed afterwards.

    Raises:
        CannotCompile: no compiler, or it fails.
    """
    compiler = find_compiler()
    name = f"{_PREFIX}{_digest(source, compiler)}{_SUFFIX}"
    try:
        found = _in_cache(source, compiler, name)
    except OSError:
        found = None
    if found is not None:
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="quackcheck-") as temporary:
        found = Path(temporary) / name
        try:
            _build(source, compiler, found)
        except OSError as error:
            raise CannotCompile(f"there is no room for a compiled model in {temporary}: {error}") from None
        yield found


def _in_cache(source: str, compiler: Compiler, name: str) -> Path:
    """The library in the cache, built where it is not there whole. Raises OSError where it cannot be."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / name
    with _building.setdefault(name, threading.Lock()):
        if found.exists() and _is_whole(found):
            found.touch()
        else:
            _build(source, compiler, found)
            _prune(folder, found)
    return found


def _is_whole(library: Path) -> bool:
    """Whether a library is what was written: loading one that was cut short would end this process."""
    data = library.read_bytes()
    return data[-_DIGEST_BYTES:] == hashlib.sha256(data[:-_DIGEST_BYTES]).digest()


def discard(library: Path) -> None:
    """Remove a library that does not load, so that it is built anew."""
    library.unlink(missing_ok=True)


def _digest(source: str, compiler: Compiler) -> str:
    digest = hashlib.sha256(repr((compiler, FLAGS, source)).encode())
    for file in sorted(RUNTIME.iterdir()):
        if file.suffix in (".c", ".h"):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:32]


def _build(source: str, compiler: Compiler, to: Path) -> None:
    """Compile into a folder of its own beside the target, then rename. Raises OSError where that fails."""
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".build-") as temporary:
        file = Path(temporary) / "model.c"
        file.write_text(source, encoding="utf-8")
        made = Path(temporary) / to.name
        command = [*compiler.command, *FLAGS, f"-I{RUNTIME}", str(file), "-o", str(made)]
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise CannotCompile(f"{shlex.join(compiler.command)} took over {COMPILE_TIMEOUT_S} s") from None
        if run.returncode != 0 or not made.exists():
            if run.returncode > 0 and os.strerror(errno.ENOSPC).lower() in run.stderr.lower():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(to.parent))
            tail = "\n".join(run.stderr.strip().splitlines()[:6])
            ended = f"was killed by signal {-run.returncode}" if run.returncode < 0 else "failed"
            raise CannotCompile(f"{shlex.join(compiler.command)} ({compiler.version}) {ended}:\n{tail}")
        data = made.read_bytes()
        with made.open("ab") as library:
            library.write(hashlib.sha256(data).digest())
        os.replace(made, to)


@dataclass(frozen=True, slots=True)
class Cached:
    """One file of the cache: its path, size and when it was used last (seconds since the epoch)."""

    path: Path
    size_bytes: int
    used: float


def cached_models() -> list[Cached]:
    """All compiled models, the one used last first."""
    found = []
    for path in cache_folder().glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append(Cached(path, status.st_size, status.st_mtime))
    return sorted(found, key=lambda cached: -cached.used)


def clear_cache() -> int:
    """Remove all compiled models; returns how many there were."""
    models = cached_models()
    for cached in models:
        cached.path.unlink(missing_ok=True)
    return len(models)


def _prune(folder: Path, keep: Path) -> None:
    total = 0
    for cached in cached_models():
        total += cached.size_bytes
        if total > CACHE_BYTES_MAX and cached.path != keep:
            cached.path.unlink(missing_ok=True)
