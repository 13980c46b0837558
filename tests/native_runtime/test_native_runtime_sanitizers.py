"""The whole runtime under the sanitizers: search, paths and walks, with one and with several threads."""

from __future__ import annotations

import subprocess

import pytest

from tests.native_runtime.building import program


@pytest.mark.slow
@pytest.mark.parametrize("sanitizers", ["address,undefined", "thread"])
@pytest.mark.parametrize(
    ("model", "definitions"),
    [
        ("order_intake", ("QC_HAS_STEP_CHECK=1",)),
        ("order_intake", ("QC_HAS_STEP_CHECK=1", "QC_WORDS=3")),
        ("two_phase", ()),
        ("fan", ()),
    ],
)
def test_sanitizers_find_nothing_and_change_nothing(
    sanitizers: str, model: str, definitions: tuple[str, ...]
) -> None:
    flags = (f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-g")
    instrumented = program(model, *definitions, flags=flags)
    plain = program(model, *definitions, flags=())
    properties = "1" if model == "fan" else "63"
    expected = subprocess.run([plain, "1", properties, "200"], capture_output=True, text=True, check=True)
    for threads in ("1", "2", "4"):
        command = [instrumented, threads, properties, "200"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == expected.stdout
