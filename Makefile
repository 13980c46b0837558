# make check   sets up and checks every spec: the main job
# make test    sets up and runs all tests, generated ones included
# make lint    style, types, layer contracts, freshness of generated files
# make test-slow   the slow tier: repeats, large searches, hundreds of random models
# make test-thorough   the slow tier with twenty times as many random models (hours)
# make bench   speed beside SPIN, where it is installed (some minutes)
# make bench-smt   time to proof of published protocols, beside published times (some minutes)

PYTHON ?= python3
BIN := .venv/bin

.PHONY: check test test-slow test-thorough lint bench bench-smt setup clean

check: setup
	$(BIN)/quackcheck check

test: setup
	$(BIN)/pytest -n auto -m "not slow"

test-slow: setup
	$(BIN)/pytest -n auto -m slow

test-thorough: setup
	QUACKCHECK_TEST_TIMES=20 $(BIN)/pytest -n auto -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/quackcheck testgen --check
	$(BIN)/quackcheck matrix --update docs/strategy.md --check

bench: setup
	$(BIN)/python -m benchmarks.run

bench-smt: setup
	$(BIN)/python -m benchmarks.smt

setup: .venv/ready

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "quackcheck needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	@echo "setting up .venv (once, about half a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(BIN)/python -m compileall -q checker
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis traces
