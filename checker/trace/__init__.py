"""Traces: runs of a model with what happened at each step, their story, and their exchange format."""
