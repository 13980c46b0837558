"""A project in a temporary folder: files are written into it, and the command runs in it."""

from __future__ import annotations

import importlib
import linecache
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

import checker
from checker.cli.main import main
from checker.spec import Spec, load_spec

ROOT = Path(checker.__file__).parents[1]
SAMPLES = ROOT / "tests" / "engines" / "sample_models.py"
#: The command in a process of its own.
COMMAND = (sys.executable, "-c", "from checker.cli.main import main; main(prog_name='quackcheck')")
#: What decides about colour, besides the terminal itself.
_COLOUR_VARIABLES = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM")


@dataclass(frozen=True)
class Outcome:
    """How a run of the command ended."""

    code: int
    out: str
    err: str


class Project:
    """A folder that is the working directory of the test."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> Path:
        """Write a file, its text dedented; a model is imported anew from then on."""
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(dedent(text), encoding="utf-8")
        sys.modules.pop(".".join(Path(path).with_suffix("").parts), None)
        importlib.invalidate_caches()
        linecache.clearcache()
        return full

    def sample(self, model: str, tables: str = "", name: str = "") -> str:
        """A spec of a sample model; returns its path."""
        if not (self.root / "models" / "samples.py").exists():
            self.write("models/samples.py", SAMPLES.read_text(encoding="utf-8"))
        path = f"specs/{name or model.lower()}.toml"
        self.write(path, f'model = "models/samples.py:{model}"\n' + dedent(tables))
        return path

    def copy(self, *paths: str) -> None:
        """Copy files of quackcheck's own project to the same place."""
        for path in paths:
            self.write(path, (ROOT / path).read_text(encoding="utf-8"))

    def load(self, path: str) -> Spec:
        return load_spec(Path(path))

    def run(self, *args: str) -> Outcome:
        """Run the command in this process."""
        result = CliRunner().invoke(main, args)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def spawn(self, *args: str, hash_seed: str = "random") -> Outcome:
        """Run the command in a process of its own."""
        command = [*COMMAND, *args]
        done = subprocess.run(
            command, cwd=self.root, env=environment(hash_seed), capture_output=True, text=True, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def files(self) -> dict[str, str]:
        """All files with their contents, byte code aside."""
        return {
            str(path.relative_to(self.root)): path.read_text(encoding="utf-8")
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.suffix != ".pyc"
        }

    def refuses(self, args: list[str], *parts: str) -> None:
        """Assert that the command rejects its input, says these things, and leaves all files as they are."""
        before = self.files()
        outcome = self.run(*args)
        assert outcome.code == 2, outcome
        assert outcome.out == ""
        assert outcome.err.startswith("error: ")
        assert "Traceback" not in outcome.err
        for part in (*parts, "\n  hint: "):
            assert part in outcome.err, outcome.err
        assert self.files() == before


def environment(hash_seed: str = "random") -> dict[str, str]:
    """The environment for a command in a process of its own, which finds quackcheck wherever it runs."""
    inherited = {name: value for name, value in os.environ.items() if name not in _COLOUR_VARIABLES}
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed, "TERM": "xterm-256color"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty project; afterwards its models are forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in _COLOUR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    known = set(sys.modules)
    shadowed = {
        name: sys.modules.pop(name) for name in known if name == "models" or name.startswith("models.")
    }
    yield Project(tmp_path)
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    for name in [name for name in sys.modules if name == "models" or name.startswith("models.")]:
        del sys.modules[name]
    sys.modules.update(shadowed)
    linecache.clearcache()
