"""The same input gives the same output, in every process: hash seeds and addresses have no part in it."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.project import Project

SMALL = ("marker_first", "delete_first", "marker_first_lost_answer")


def without_seconds(text: str) -> Any:
    document = json.loads(text)
    for spec in document["specs"]:
        del spec["seconds"]
    return document


def test_hash_seeds_change_nothing(project: Project) -> None:
    project.copy("models/order_intake.py", *(f"specs/order_intake/{name}.toml" for name in SMALL))
    for name in ("keyed", "transactional"):  # what the others name as their fix
        project.write(f"specs/order_intake/{name}.toml", "")
    specs = [f"specs/order_intake/{name}.toml" for name in SMALL]
    specs += [
        project.sample(model, "[bounds]\nOrder = 2\nWorker = 2\n")
        for model in ("Overwriter", "Needy", "Chooser")
    ]
    specs.append(project.sample("EveryType", "[bounds]\nOrder = 2\n"))
    outputs, traces = [], []
    for seed in ("0", "1", "4294967295"):
        outcome = project.spawn("check", "--json", *specs, hash_seed=seed)
        assert (outcome.code, outcome.err) == (1, "")
        outputs.append(without_seconds(outcome.out))
        traces.append({path: text for path, text in project.files().items() if path.startswith("traces/")})
    assert outputs[0] == outputs[1] == outputs[2]
    assert traces[0] == traces[1] == traces[2]
    assert len(traces[0]) > 10
