"""The generated C itself: no warning that matters, and nothing that the sanitizers find."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel
from checker.engines.native.codegen.layout import Unsupported
from checker.engines.native.codegen.program import generate
from checker.engines.native.codegen.symmetry import MEMBERS_MAX
from checker.engines.native.compile import FLAGS, RUNTIME, find_compiler
from checker.ir.symmetry import symmetry_of
from checker.spec import load_spec
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.native.agreement import ROOMY
from tests.native_runtime.building import program_of
from tests.sampling import FEW_SPECS, SOME_SPECS, seeds

#: What generated code has by its nature: branches that are never taken, values that nobody reads. gcc guesses
#: wrongly about the former, that a field might cross into a word behind the state: sanitizers look at that.
HARMLESS = (
    "-Wno-tautological-compare",
    "-Wno-array-bounds",
    "-Wno-stringop-overflow",
    "-Wno-stringop-overread",
    "-Wno-unused",
    "-Wno-unused-parameter",
    "-Wno-unused-but-set-variable",
    "-Wno-type-limits",
    "-Wno-sign-compare",
)
WARNINGS = ("-Wall", "-Wextra", "-Wshift-overflow=2", "-Wuninitialized", *HARMLESS)


def written(lowered: LoweredModel, folder: Path, symmetric: bool = False) -> Path:
    sets = symmetry_of(lowered.program, MEMBERS_MAX).sets if symmetric else ()
    path = folder / "model.c"
    path.write_text(generate(lowered.program, ROOMY, sets).text, encoding="utf-8")
    return path


def warnings_of(source: Path, *unasked: str) -> str:
    flags = [flag for flag in FLAGS if flag != "-w"]

    command = [
        *find_compiler().command,
        *flags,
        *WARNINGS,
        *unasked,
        f"-I{RUNTIME}",
        str(source),
        "-o",
        "/dev/null",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stderr


@pytest.mark.parametrize("path", SOME_SPECS)
def test_no_warning_that_matters(path: str, tmp_path: Path) -> None:
    assert warnings_of(written(load_spec(Path(path)).lowered, tmp_path, symmetric=True)) == ""


def test_a_warning_would_be_noticed(tmp_path: Path) -> None:
    """The canary: a shift by more bits than there are, and a variable without a value."""
    source = written(load_spec(Path(FEW_SPECS[0])).lowered, tmp_path)
    bad = "\nint gen_bad(int *a) { int b; *a = 1 << 40; return b; }\n"
    source.write_text(source.read_text(encoding="utf-8") + bad, encoding="utf-8")
    told = warnings_of(source)
    assert "-Wshift-count-overflow" in told
    assert "uninitialized" in told


@pytest.mark.slow
def test_no_warning_in_random_models(tmp_path: Path) -> None:
    for seed in seeds(9000, 10):
        with lowered_from(random_model(seed), tmp_path) as lowered:
            try:
                source = written(lowered, tmp_path)
            except Unsupported:
                continue
        # Choices are written before they are read, in a way that gcc does not follow.
        assert warnings_of(source, "-Wno-maybe-uninitialized") == "", seed


def run_sanitized(source: Path, sanitizers: str, threads: str, states_max: str) -> None:
    flags = ("-O1", "-g", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all")
    program = program_of(source, flags)
    try:
        command = [str(program), threads, str((1 << 62) - 1), "200", states_max]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    finally:
        program.unlink()
    assert done.returncode == 0, done.stderr
    assert "descent status" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize(("sanitizers", "threads"), [("address,undefined", "1"), ("thread", "2")])
@pytest.mark.parametrize("path", FEW_SPECS[:3])
def test_sanitizers_find_nothing_in_specs(
    path: str, sanitizers: str, threads: str, symmetric: bool, tmp_path: Path
) -> None:
    source = written(load_spec(Path(path)).lowered, tmp_path, symmetric)
    run_sanitized(source, sanitizers, threads, "0")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_sanitizers_find_nothing_in_random_models(part: int, tmp_path: Path) -> None:
    ran = 0
    for seed in seeds(8000, 16, part, 4):
        with lowered_from(random_model(seed), tmp_path) as lowered:
            try:
                source = written(lowered, tmp_path)
            except Unsupported:
                continue
        run_sanitized(source, "address,undefined", "1", "3000")
        ran += 1
    assert ran >= 2


@pytest.mark.slow
def test_the_sanitizers_would_notice(tmp_path: Path) -> None:
    """The canary: generated code that reads behind the state."""
    source = written(load_spec(Path(FEW_SPECS[0])).lowered, tmp_path)
    text = source.read_text(encoding="utf-8")
    changed = text.replace(
        "uint64_t n[QC_WORDS];", "uint64_t n[QC_WORDS]; n[QC_WORDS + (state[0] & 0)] = 1;", 1
    )
    assert changed != text
    source.write_text(changed, encoding="utf-8")
    with pytest.raises(AssertionError, match=r"AddressSanitizer|runtime error"):
        run_sanitized(source, "address,undefined", "1", "3000")
