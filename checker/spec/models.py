"""Importing models: ``models/order_intake.py:Naive``."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType

from checker.dsl.declarations import Model
from checker.dsl.source import displayed, excerpt
from checker.errors import Location, UserError
from checker.spec.tables import did_you_mean


def load_model(reference: str, where: str) -> type[Model]:
    """The model class that a reference names.

    Raises:
        UserError: no such file or class, or a file that does not import, with the line at fault.
    """
    path_text, _, name = reference.partition(":")
    if not name or not path_text.endswith(".py"):
        hint = 'write: model = "models/order_intake.py:Naive"'
        raise UserError(f"'{reference}' does not name a model", where=where, hint=hint)
    path = Path(path_text)
    if not path.is_file():
        known = [str(p) for p in sorted(path.parent.glob("*.py"))]
        raise UserError(
            f"there is no model file '{path_text}'", where=where, hint=did_you_mean(path_text, known)
        )
    module = _imported(path)
    found = getattr(module, name, None)
    if isinstance(found, type) and _is_model(found):
        return found
    models = [key for key, value in vars(module).items() if _is_model(value)]
    what = f"'{path_text}' has no model '{name}'"
    raise UserError(what, where=where, hint=did_you_mean(name, models))


def _is_model(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Model) and value is not Model


def _imported(path: Path) -> ModuleType:
    """The module of a file, imported under its dotted path from the working directory."""
    root = str(Path.cwd())
    if root not in sys.path:
        sys.path.insert(0, root)
    relative = displayed(str(path.resolve()))
    name = ".".join(Path(relative).with_suffix("").parts)
    loaded = sys.modules.get(name)
    if loaded is not None and Path(getattr(loaded, "__file__", "") or "").resolve() == path.resolve():
        return loaded
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, UserError | KeyboardInterrupt):
            raise
        raise import_error(path, error) from None
    return module


def import_error(path: Path, error: BaseException) -> UserError:
    """What to say of a model file whose source does not parse, or fails while it runs."""
    if isinstance(error, SyntaxError):
        column, end = error.offset or 0, error.end_offset or 0
        line, one_line = error.lineno or 1, error.end_lineno in (None, error.lineno)
        place = Location(displayed(error.filename or str(path)), line, column, end if one_line else 0)
        what, hint = f"the model does not parse: {error.msg}", "mend the line; it has to be Python"
        return UserError(what, where=place, hint=hint, excerpt=excerpt(place))
    return UserError(
        f"the model does not import: {type(error).__name__}: {error}",
        where=_line_in(path, error),
        hint="run the file with python to see the whole traceback",
    )


def _line_in(path: Path, error: BaseException) -> Location:
    """The last line of the model's own file in an error's traceback."""
    line = 1
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).resolve() == path.resolve():
            line = frame.lineno or line
    return Location(displayed(str(path)), line)
