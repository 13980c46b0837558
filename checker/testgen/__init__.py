"""From counterexamples to pytest files that replay them against the real consumers."""
