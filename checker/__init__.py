"""quackcheck: a model checker and test-harness generator for event-driven protocols."""
