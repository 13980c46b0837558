"""Specs: one check each, a TOML file with a model, bounds, faults, limits and expected verdicts."""

from checker.spec.load import Spec, find_specs, load_spec

__all__ = ["Spec", "find_specs", "load_spec"]
