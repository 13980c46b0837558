"""The engines: each takes a lowered model and gives verdicts, behind one interface."""
