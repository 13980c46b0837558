"""The meaning of the IR: one interpreter, its living definition."""
