"""Generated files: those in the repository are what is generated now, and what they contain."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from checker.spec import find_specs
from checker.testgen.generate import FileState, generate, is_untouched, orphans, state_of
from tests.cli.project import ROOT
from tests.trace.runs import checked

BROKEN = ("delete_first", "marker_first", "marker_first_lost_answer", "naive")
FOLDER = Path("generated_tests")


@pytest.fixture(autouse=True)
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("spec", BROKEN)
def test_the_files_in_the_repository_are_fresh(spec: str) -> None:
    files = generate(checked(spec), FOLDER)
    assert files
    for file in files:
        assert file.text == file.path.read_text(encoding="utf-8"), "run: quackcheck testgen"
        assert state_of(file) is FileState.FRESH
        assert is_untouched(file.text)


def test_every_file_in_the_repository_is_generated() -> None:
    files = [file for spec in BROKEN for file in generate(checked(spec), FOLDER)]
    assert orphans(FOLDER, find_specs([]), files) == {}
    assert sorted(file.path for file in files) == sorted(FOLDER.glob("test_*.py"))


@pytest.mark.parametrize("spec", BROKEN)
def test_generating_is_deterministic(spec: str) -> None:
    assert generate(checked(spec), FOLDER) == generate(checked(spec), FOLDER)


def test_a_file_reads_as_a_test() -> None:
    (file,) = generate(checked("marker_first_lost_answer"), FOLDER)
    tree = ast.parse(file.text)
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == [
        "schedule",
        "test_violates_every_placed_order_exists",
        "test_fix_holds",
    ]
    docstring = ast.get_docstring(tree) or ""
    assert docstring.startswith("MarkerFirst violates every_placed_order_exists.\n\nOrder 0 never reached")
    assert "The property: No placed order is lost." in docstring
    assert "The faults that it takes: 1 of 1 ambiguous." in docstring
    assert max(map(len, file.text.splitlines()[1:])) <= 110
    assert all(line == line.rstrip() for line in file.text.splitlines())


def test_a_spec_without_fixes_has_no_test_of_them() -> None:
    result = checked("delete_first")
    assert result.spec.lab is not None
    alone = replace(result, spec=replace(result.spec, lab=replace(result.spec.lab, fixed_by=())))
    for file in generate(alone, FOLDER):
        assert "FIXES" not in file.text
        assert "test_fix_holds" not in file.text
        ast.parse(file.text)
