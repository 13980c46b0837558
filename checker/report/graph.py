"""A graph of states as arrays in a file, as JSON, as a networkx graph, as GraphML and as DOT.

The ``.npz`` form is a zip archive of NumPy's ``.npy`` arrays, which need no NumPy to be written: ``states``
(uint64, one row of packed words a state), ``depths``, ``sources``, ``targets``, ``steps`` (uint32),
``step_names`` (text) and ``initial`` (uint32, the numbers of the initial states).
Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from checker.engines.native.graph import StateGraph
from checker.engines.search import fired_name
from checker.errors import InternalError
from checker.report.state import state_lines
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.trace.itf import state_data
from checker.trace.trace import replay

if TYPE_CHECKING:
    import networkx

#: Raised when a field of the JSON form changes its meaning or goes away.
GRAPH_VERSION = 1


def to_networkx(graph: StateGraph) -> networkx.MultiDiGraph[int]:
    """The graph for networkx: states by number with ``label``, ``depth`` and ``initial``.

    Edges have the ``step``'s name, and a ``label`` that also says who takes it and how it ends. Every state
    is read and expanded in Python: about a thousand a second.
    """
    import networkx

    built: networkx.MultiDiGraph[int] = networkx.MultiDiGraph(model=graph.program.name)
    depths, initial = graph.depths(), graph.initial
    for number, label in enumerate(_node_labels(graph)):
        built.add_node(number, label=label, depth=depths[number], initial=number in initial)
    for source, target, step, label in _labelled_edges(graph):
        built.add_edge(source, target, label=label, step=step)
    return built


def graphml(graph: StateGraph) -> str:
    """The graph as GraphML, with the attributes of ``to_networkx``."""
    import networkx

    return "\n".join(networkx.generate_graphml(to_networkx(graph))) + "\n"


def dot(graph: StateGraph) -> str:
    """The graph for Graphviz; initial states are drawn bold."""
    initial = graph.initial
    lines = [f"digraph {_quoted(graph.program.name)} {{", "  node [shape=box];"]
    for number, label in enumerate(_node_labels(graph)):
        bold = ", style=bold" if number in initial else ""
        lines.append(f"  {number} [label={_quoted(label)}{bold}];")
    lines += [f"  {s} -> {t} [label={_quoted(label)}];" for s, t, _, label in _labelled_edges(graph)]
    return "\n".join([*lines, "}", ""])


def graph_json(graph: StateGraph) -> str:
    """The graph as JSON, states as in ITF traces; edges are ``[source, target, position in step_names]``."""
    document: dict[str, Any] = {
        "version": GRAPH_VERSION,
        "model": graph.program.name,
        "whole": graph.depth_max is None,
        "depth_max": graph.depth_max,
        "initial": list(graph.initial),
        "step_names": list(graph.step_names),
        "depths": graph.depths().tolist(),
        "states": [state_data(graph.program, graph.state(number)) for number in range(len(graph))],
        "edges": [list(edge) for edge in zip(graph.sources, graph.targets, graph.steps, strict=True)],
    }
    return json.dumps(document) + "\n"


def npz(graph: StateGraph) -> bytes:
    """The graph as arrays, in the form that the module describes."""
    width = max(len(name) for name in graph.step_names)
    names = "".join(name.ljust(width, "\0") for name in graph.step_names).encode("utf-32-le")
    arrays = {
        "states": ("<u8", (len(graph), graph.words_per_state), _little(graph.words)),
        "depths": ("<u4", (len(graph),), _little(graph.depths())),
        "sources": ("<u4", (len(graph.sources),), _little(graph.sources)),
        "targets": ("<u4", (len(graph.targets),), _little(graph.targets)),
        "steps": ("<u4", (len(graph.steps),), _little(graph.steps)),
        "initial": ("<u4", (len(graph.initial),), _little(array("I", graph.initial))),
        "step_names": (f"<U{width}", (len(graph.step_names),), names),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (kind, shape, data) in arrays.items():
            # A fixed date: the same graph is the same file.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), _npy_header(kind, shape) + data)
    return file.getvalue()


def _npy_header(kind: str, shape: tuple[int, ...]) -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    # The data begin at a multiple of 64 bytes: 10 of them come before the header, a line end after it.
    padded = header.ljust(-(-(len(header) + 11) // 64) * 64 - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode("latin-1")


def _little(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _node_labels(graph: StateGraph) -> Iterator[str]:
    first = graph.state(0) if len(graph) else None
    for number in range(len(graph)):
        yield "\n".join([f"state {number}", *state_lines(graph.program, graph.state(number), first)])


def _labelled_edges(graph: StateGraph) -> Iterator[tuple[int, int, str, str]]:
    """Source, target, step name, and what a trace says of the step: ``worker 0: inbox.receive()``."""
    machine = Machine(graph.program)
    known: dict[tuple[str, State], list[str]] = {}
    previous = -1
    for source, target, step in zip(graph.sources, graph.targets, graph.steps, strict=True):
        if source != previous:
            known, previous = _steps_from(machine, graph.state(source)), source
        name = graph.step_names[step]
        labels = known.get((name, graph.state(target)))
        if not labels:
            raise InternalError(f"generated code has an edge from state {source} that the IR does not allow")
        yield source, target, name, labels.pop(0)


def _steps_from(machine: Machine, state: State) -> dict[tuple[str, State], list[str]]:
    found: dict[tuple[str, State], list[str]] = {}
    for successor in machine.successors(state):
        if isinstance(successor.outcome, State):
            (step,) = replay(machine, state, [successor.transition]).steps
            outcome = f" {step.outcome}" if step.outcome else ""
            key = fired_name(successor.transition), successor.outcome
            found.setdefault(key, []).append(f"{step.actor}: {step.title}{outcome}")
    return found


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\l")
    return f'"{escaped}\\l"' if "\n" in text else f'"{escaped}"'
