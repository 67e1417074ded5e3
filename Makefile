# Two commands: `make run` opens the program, `make test` checks it. Both install what is missing first.
SHELL := /bin/bash
PY := .venv/bin/python
STUDY ?=

.PHONY: run test setup setup-dev lint check bench format clean

run: setup
	@bash packaging/run.sh $(if $(STUDY),"$(STUDY)")

test: setup-dev
	@bash packaging/test.sh

setup:
	@bash packaging/setup.sh

setup-dev:
	@bash packaging/setup.sh dev

format: setup-dev
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .

bench: setup-dev
	@bash packaging/bench.sh

clean:
	rm -rf .venv build dist *.egg-info demo-output .pytest_cache .ruff_cache .hypothesis .import_linter_cache
