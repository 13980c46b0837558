"""``quackcheck graph``: every state and transition, in four forms, and clear limits."""

from __future__ import annotations

import ast
import json
import struct
import zipfile
from array import array
from pathlib import Path
from typing import Any

import networkx
import pytest

from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Limits, Request
from checker.engines.native.graph import state_graph
from checker.errors import UserError
from checker.report.graph import to_networkx
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.spec import load_spec
from checker.trace.itf import state_data
from tests.cli.project import Project
from tests.sampling import FEW_SPECS

SMALL = ["naive", "delete_first", "marker_first", "marker_first_lost_answer"]


@pytest.mark.parametrize("name", SMALL)
def test_the_graph_is_that_of_the_interpreter(name: str) -> None:
    lowered = load_spec(Path(f"specs/order_intake/{name}.toml")).lowered
    graph, machine = state_graph(lowered), Machine(lowered.program)
    states = [graph.state(number) for number in range(len(graph))]
    numbers = {state: number for number, state in enumerate(states)}
    assert len(numbers) == len(states)
    expected = sorted(
        (number, numbers[successor.outcome])
        for number, state in enumerate(states)
        for successor in machine.successors(state)
        if isinstance(successor.outcome, State)
    )
    assert sorted(zip(graph.sources, graph.targets, strict=True)) == expected
    assert {states[number] for number in graph.initial} == {s.outcome for s in machine.initial_states()}
    whole = ExplicitEngine().check(Request(lowered)).statistics
    assert (len(graph), len(graph.sources)) == (whole.states, whole.transitions)
    assert graph.depths()[-1] == whole.depth
    assert graph.depth_max is None


def test_a_graph_for_networkx() -> None:
    lowered = load_spec(Path("specs/order_intake/marker_first_lost_answer.toml")).lowered
    graph = state_graph(lowered)
    built = to_networkx(graph)
    assert (built.number_of_nodes(), built.number_of_edges()) == (17, 18)
    assert networkx.is_directed_acyclic_graph(built)
    assert built.nodes[0]["initial"]
    assert built.nodes[1]["label"].startswith("state 1\nplaced = {order 0}\n")
    assert max(graph.depths()) == 6
    lengths = networkx.single_source_shortest_path_length(built, 0)
    assert [lengths[number] for number in range(17)] == graph.depths().tolist()
    steps = {data["step"]: data["label"] for _, _, data in built.edges(data=True)}
    assert steps["place"] == "environment: place(order 0)"
    assert steps["orders.insert ambiguous"].endswith("is applied, but its answer is lost")


@pytest.mark.parametrize("path", FEW_SPECS)
def test_a_depth_cuts_the_graph(path: str) -> None:
    lowered = load_spec(Path(path)).lowered
    graph = state_graph(lowered, Limits(depth_max=4))
    assert graph.depth_max == 4
    assert max(graph.depths()) == 4
    assert max(graph.targets) < len(graph)
    assert state_graph(lowered, Limits(depth_max=4)).words == graph.words


def arrays_of(path: Path) -> dict[str, Any]:
    """What numpy.load would read, by the format's description."""
    read = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            assert data[:8] == b"\x93NUMPY\x01\x00"
            (length,) = struct.unpack("<H", data[8:10])
            assert (10 + length) % 64 == 0
            header = ast.literal_eval(data[10 : 10 + length].decode("latin-1"))
            assert not header["fortran_order"]
            body, kind = data[10 + length :], header["descr"]
            values: Any
            if kind.startswith("<U"):
                width = 4 * int(kind[2:])
                cells = [body[at : at + width] for at in range(0, len(body), width)]
                values = [cell.decode("utf-32-le").rstrip("\0") for cell in cells]
                assert header["shape"] == (len(values),)
            else:
                values = array({"<u8": "Q", "<u4": "I"}[kind])
                values.frombytes(body)
                rows, *columns = header["shape"]
                assert len(values) == rows * (columns[0] if columns else 1)
            read[name.removesuffix(".npy")] = values
    return read


def made(project: Project) -> str:
    """A spec without its lab."""
    path = "specs/order_intake/marker_first.toml"
    project.copy("models/order_intake.py", path)
    project.write(path, project.files()[path].partition("[lab]")[0])
    return path


def test_the_forms(project: Project) -> None:
    spec = made(project)
    graph = state_graph(project.load(spec).lowered)
    outcome = project.run("graph", spec, "out/g.npz")
    assert outcome.code == 0
    assert outcome.out == f"out/g.npz: {len(graph):,} states, {len(graph.sources):,} transitions\n"
    arrays = arrays_of(project.root / "out/g.npz")
    for name in ("sources", "targets", "steps"):
        assert arrays[name] == getattr(graph, name)
    assert (arrays["states"], arrays["depths"]) == (graph.words, graph.depths())
    assert (arrays["step_names"], list(arrays["initial"])) == (list(graph.step_names), list(graph.initial))

    assert project.run("graph", spec, "g.json").code == 0
    document = json.loads((project.root / "g.json").read_text())
    program = graph.program
    states = [json.loads(json.dumps(state_data(program, graph.state(n)))) for n in range(len(graph))]
    assert document["states"] == states
    assert document["edges"] == [list(e) for e in zip(graph.sources, graph.targets, graph.steps, strict=True)]
    assert (document["whole"], document["depth_max"]) == (True, None)

    assert project.run("graph", spec, "g.graphml").code == 0
    read = networkx.read_graphml(project.root / "g.graphml", node_type=int)
    assert networkx.utils.graphs_equal(
        networkx.MultiDiGraph(read.edges()), networkx.MultiDiGraph(to_networkx(graph).edges())
    )

    assert project.run("graph", spec, "g.dot").code == 0
    lines = (project.root / "g.dot").read_text().splitlines()
    assert sum(" -> " in line and "[label=" in line for line in lines) == len(graph.sources)
    assert all(line.count('"') - line.count('\\"') == 2 for line in lines if "label" in line)


def test_the_same_graph_is_the_same_file(project: Project) -> None:
    spec = made(project)
    for name in ("a.npz", "b.npz"):
        project.run("graph", spec, name)
    assert (project.root / "a.npz").read_bytes() == (project.root / "b.npz").read_bytes()


def test_limits_and_mistakes(project: Project) -> None:
    spec = made(project)
    project.refuses(["graph", spec, "g.dot", "--states", "50"], "the graph has more than 50 states")
    project.refuses(["graph", spec, "g.png"], "g.png: the file's ending, '.png', names no form", ".npz")
    project.refuses(["graph", "specs/none.toml", "g.dot"], "specs/none.toml: there is no such spec")
    project.refuses(["graph", spec, "g.npz", "--seconds", "1e-9"], "there was no time left")
    overflow = project.sample("Overflow", "[bounds]\nOrder = 1\n")
    project.refuses(["graph", overflow, "g.dot"], "4 is outside int[0..3]", "quackcheck check")
    endless = project.sample("Endless")
    project.refuses(["graph", endless, "g.dot"], "a graph needs the native engine, which cannot be used")
    assert project.run("graph", spec, "g.dot", "--depth", "3").out.endswith(" transitions, up to depth 3\n")


def test_ctrl_c_leaves_no_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    spec = made(project)
    monkeypatch.setattr("checker.engines.native.graph.Search.edges", interrupted)
    outcome = project.run("graph", spec, "g.npz")
    assert outcome.code == 130
    assert "g.npz" not in project.files()


def test_no_compiler(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from checker.engines.native.compile import CannotCompile

    def none(*_: object) -> object:
        raise CannotCompile("there is no C compiler: install gcc")

    monkeypatch.setattr("checker.engines.native.graph.with_room_enough", none)
    with pytest.raises(UserError, match=r"a graph needs the native engine.*install gcc"):
        state_graph(project.load(project.sample("Ladder")).lowered)
