# Every target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Where `make demo` puts its project.
DEMO ?= $(HOME)/dataflow-demo
# As many files of tests at a time as the machine has cores.
PYTEST_ARGS ?= --numprocesses auto --dist loadfile

# What `make bench` is told, such as --quick.
BENCH_ARGS ?=
# How often `make fuzz` draws anew, and from which tests.
FUZZ_ROUNDS ?= 3
FUZZ_ARGS ?= -m 'hypothesis and not slow'
# How many mutants of each package `make mutants` tries, which sample of them that is, and which
# packages: make mutants MUTANTS_ARGS='warehouse stages'.
MUTANTS ?= 40
SEED ?= 9
MUTANTS_ARGS ?=

# The order of sets of texts, which Python otherwise draws anew in each process.
test test-quick mutants: export PYTHONHASHSEED := 0

.DEFAULT_GOAL := help
.PHONY: docs docs-pictures help setup demo test test-quick fuzz mutants lint format examples bench test-tools

help: ## List what there is.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## Make a complete environment in .venv.

$(READY): pyproject.toml runtime/pyproject.toml tools/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'DATAFLOW needs Python 3.11 or later. Name one: make setup PYTHON=python3.12'; exit 1; }
	@echo 'Setting up $(VENV) (a minute or two the first time) ...'
	@$(PYTHON) -m venv $(VENV) || \
		{ echo 'Python lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv'; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable 'runtime[all,postgres-warehouse,ducklake,s3,celery,k8s]' --editable 'tools[static]' --group dev --group demo
	@touch $(READY)

demo: setup ## Make a project, run two workflows on real data, build the dashboards.
	@$(BIN)/python examples/demo.py '$(DEMO)'

test: setup test-tools ## Run all tests.
	$(BIN)/pytest $(PYTEST_ARGS)

test-quick: setup ## Run the tests that need neither Node nor a browser.
	$(BIN)/pytest -m 'not slow' $(PYTEST_ARGS)

fuzz: setup ## Search for failing cases at random; a new one is left in .hypothesis/patches.
	@for round in $$(seq $(FUZZ_ROUNDS)); do \
		$(BIN)/pytest --quiet --hypothesis-profile fuzz $(FUZZ_ARGS) $(PYTEST_ARGS) || exit 1; \
	done

mutants: setup ## Break the code that moves data at random, and count what the tests notice.
	@$(BIN)/python -m tests.mutants --sample $(MUTANTS) --seed $(SEED) $(MUTANTS_ARGS)

bench: setup test-tools ## Measure everything into benchmarks/RESULTS.md (half an hour).
	@$(BIN)/python benchmarks/all.py $(BENCH_ARGS)

lint: setup ## Check formatting, code, layers and types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy

format: setup ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## Write the reference pages anew after a change of a key or a setting.
	@$(BIN)/python docs/generate.py

docs-pictures: setup test-tools ## Take the pictures of the dashboards' reference anew after a change of it.
	DATAFLOW_DOCS_PICTURES=1 $(BIN)/pytest -n0 tests/tools/site/test_own_pages.py -k reference

examples: setup ## Render the example project anew after a change of the template.
	@$(BIN)/python examples/render.py

# Installs packages of Debian's, where that is possible.
apt = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes $(1) >/dev/null

test-tools: setup # What the tests use beside Python: a browser, Postgres and MariaDB to read from, nginx, docker-compose.
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
		command -v google-chrome >/dev/null || \
		{ $(call apt,chromium); } || \
		$(BIN)/playwright install chromium || \
		{ echo 'The dashboard tests need Chromium. Install it, then run make test again.'; exit 1; }
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
		{ $(call apt,postgresql); } || \
		echo 'Without PostgreSQL (initdb) on this machine, the tests that read from it are skipped.'
	@command -v mariadbd >/dev/null || ls /usr/sbin/mariadbd >/dev/null 2>&1 || \
		{ $(call apt,--no-install-recommends mariadb-server); } || \
		echo 'Without MariaDB on this machine, the tests that read from it are skipped.'
	@command -v nginx >/dev/null || ls /usr/sbin/nginx >/dev/null 2>&1 || \
		{ $(call apt,--no-install-recommends nginx-light); } || \
		echo 'Without nginx on this machine, the test of the login before the servers is skipped.'
	@command -v docker-compose >/dev/null || \
		{ $(call apt,--no-install-recommends docker-compose); } || \
		echo 'Without docker-compose on this machine, the test that reads compose.yaml with it is skipped.'
