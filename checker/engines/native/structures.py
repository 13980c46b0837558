"""`runtime/qc_api.h` for ctypes: its structs field by field, and the functions of a compiled model.

`ABI` guards against a library compiled with another version of that file.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from checker.errors import InternalError

#: The version of the interface, QC_ABI in qc_api.h.
ABI = 3
#: Properties that one search can follow.
PROPERTIES_MAX = 64
#: The depth limit of a search that has none, QC_NO_LIMIT_DEPTH in qc_api.h.
NO_LIMIT_DEPTH = 0xFFFFFFFF

U32, U64, F64 = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_double
WORDS = ctypes.POINTER(ctypes.c_uint64)


class QcConfig(ctypes.Structure):
    _fields_ = (
        ("threads", U32),
        ("depth_max", U32),
        ("properties", U64),
        ("states_max", U64),
        ("memory_bytes_max", U64),
        ("time_s_max", F64),
        ("stop_when_all_hit", U32),
        ("reserved", U32),
    )


class QcProgress(ctypes.Structure):
    _fields_ = (
        ("states", U64),
        ("transitions", U64),
        ("depth", U64),
        ("frontier", U64),
        ("frontier_done", U64),
        ("resident_bytes", U64),
        ("table_slots", U64),
        ("walks", U64),
    )


class QcError(ctypes.Structure):
    _fields_ = (("id", U32), ("origin", U32), ("depth", U32), ("step", U32))


class QcResult(ctypes.Structure):
    _fields_ = (
        ("status", U32),
        ("levels", U32),
        ("states", U64),
        ("transitions", U64),
        ("depth_complete", U32),
        ("step_names", U32),
        ("level_states", WORDS),
        ("coverage", WORDS),
        ("hits", U64),
        ("hit_depths", ctypes.POINTER(U32)),
        ("hit_origins", ctypes.POINTER(U32)),
        ("hit_states", WORDS),
        ("hit_befores", WORDS),
        ("error", QcError),
        ("error_state", WORDS),
        ("seconds", F64),
        ("bytes_peak", U64),
        ("represented", U64),
    )


class QcSimulation(ctypes.Structure):
    _fields_ = (
        ("properties", U64),
        ("seed", U64),
        ("walks_max", U64),
        ("time_s_max", F64),
        ("depth_max", U32),
        ("reserved", U32),
    )


class QcWalks(ctypes.Structure):
    _fields_ = (
        ("status", U32),
        ("depth_reached", U32),
        ("walks", U64),
        ("steps", U64),
        ("hits", U64),
        ("hit_walks", U64 * PROPERTIES_MAX),
        ("hit_depths", U32 * PROPERTIES_MAX),
        ("hit_origins", U32 * PROPERTIES_MAX),
        ("error", QcError),
        ("error_walk", U64),
        ("seconds", F64),
    )


class Library:
    """A compiled model. Cheap to keep; several searches may be open at a time.

    Raises:
        InternalError: the file is no such library, or one of another interface version.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.functions = ctypes.CDLL(str(path))
            self._declare()
        except (OSError, AttributeError) as error:
            raise InternalError(f"{path} is no compiled model: {error}") from error
        found = self.functions.qc_abi()
        if found != ABI:
            raise InternalError(f"{path} has interface version {found}, expected {ABI}")
        #: 64-bit words of a packed state.
        self.words = int(self.functions.qc_words())
        #: Step names are 0 to this, exclusive.
        self.step_names = int(self.functions.qc_step_names())

    def _declare(self) -> None:
        search, words = ctypes.c_void_p, ctypes.POINTER(WORDS)
        signatures: dict[str, tuple[object, list[object]]] = {
            "qc_abi": (U32, []),
            "qc_words": (U32, []),
            "qc_step_names": (U32, []),
            "qc_open": (search, [ctypes.POINTER(QcConfig)]),
            "qc_run": (ctypes.c_int, [search]),
            "qc_progress_of": (ctypes.POINTER(QcProgress), [search]),
            "qc_result_of": (ctypes.POINTER(QcResult), [search]),
            "qc_stop": (None, [search]),
            "qc_close": (None, [search]),
            "qc_descend": (ctypes.c_int, [search, U32]),
            "qc_deepest": (U32, [search]),
            "qc_forgotten": (U64, [search]),
            "qc_descent_path": (WORDS, [search, U32, ctypes.POINTER(U32)]),
            "qc_paths": (ctypes.c_int, [search, U32, words, ctypes.POINTER(U32), words]),
            "qc_state_at": (WORDS, [search, U64]),
            "qc_index_of": (ctypes.c_int64, [search, WORDS]),
            "qc_representative": (None, [WORDS, WORDS, ctypes.POINTER(ctypes.c_uint8)]),
            "qc_successors": (U64, [search, WORDS, U64, WORDS, ctypes.POINTER(U32)]),
            "qc_edges": (U64, [search, WORDS, U64, *[ctypes.POINTER(U32)] * 3]),
            "qc_simulate": (ctypes.c_int, [search, ctypes.POINTER(QcSimulation), ctypes.POINTER(QcWalks)]),
            "qc_walk": (U32, [search, U64, U64, U32, WORDS]),
        }
        for name, (returned, arguments) in signatures.items():
            function = getattr(self.functions, name)
            function.restype = returned
            function.argtypes = arguments
