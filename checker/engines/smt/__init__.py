"""The symbolic engine: the IR as a circuit, and SAT solvers that search it."""
