# A fresh machine needs Python 3.11 or newer, make, git and a C compiler; the rest comes by itself.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
unexport PYTHONDONTWRITEBYTECODE # else each of the commands that the tests start would compile its modules again
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PIP_COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/python -m piptools compile --quiet --strip-extras --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.PHONY: help serve test pytest lint format reference emoji bench mutation dist lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

serve: .venv/.runtime ## start a server here; options: make serve ARGS="--port 9000 --data data"
	@exec $(BIN)/chatty serve $(ARGS)

test: .venv/.test ## check and test everything; some tests only: make test ARGS="tests/server -k resume"
	tests/system/prepare
	@$(MAKE) --no-print-directory --jobs=2 lint pytest

pytest: .venv/.test
	$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/.test ## style, types, who imports whom, Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile

format: .venv/.test ## put the sources in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: .venv/.runtime ## write docs/reference.md and the manual page docs/chatty.1 from the commands
	$(BIN)/python -m chatty.cli.reference docs

emoji: .venv/.test ## write the short names of emoji from the package that has them
	$(BIN)/python -m tests.cli.join.rendering.emoji_table

bench: .venv/.test ## measure the figures of docs/performance.md on this machine
	$(BIN)/python -m benchmarks $(ARGS)

mutation: .venv/.test ## break the code line by line and see which tests notice; one module: make mutation ARGS=chatty/client/inbox.py
	nice -n 15 $(BIN)/python -m tests.mutation $(ARGS)

dist: .venv/.runtime ## build what is released: a wheel and the sources, into dist/
	@rm -rf dist
	@$(PIP) install "$$(sed -n 's/^requires = \["\(hatchling.*\)"\]/\1/p' pyproject.toml)"
	$(BIN)/python -m hatchling build

lock: .venv/.test ## pin the newest versions that pyproject.toml allows
	$(PIP) install pip-tools==7.6.2
	$(PIP_COMPILE) --upgrade --output-file requirements.lock pyproject.toml
	$(PIP_COMPILE) --upgrade --extra test --constraint requirements.lock \
		--output-file requirements-test.lock pyproject.toml

clean: ## remove what make made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/.runtime: requirements.lock pyproject.toml
	@echo "setting up .venv, once" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install -r requirements.lock
	@$(PIP) install --no-deps -e .
	@touch $@

.venv/.test: .venv/.runtime requirements-test.lock
	@$(PIP) install --no-compile -r requirements-test.lock
	@touch $@
