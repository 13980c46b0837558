"""The native engine: C generated from the IR, compiled with the system's compiler, searched in parallel."""
