# Every target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# With all that tests stand on.
RUNTIME := runtime[all,postgres-warehouse,ducklake,spark,s3,celery,k8s]
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
test test-all test-quick mutants: export PYTHONHASHSEED := 0

.DEFAULT_GOAL := help
.PHONY: lock dist docs docs-pictures docs-site help setup demo test test-all test-quick test-containers fuzz mutants lint format examples bench test-tools

help: ## List what there is.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## Make a complete environment in .venv.

$(READY): pyproject.toml constraints.txt runtime/pyproject.toml tools/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'DATAFLOW needs Python 3.11 or later. Name one: make setup PYTHON=python3.12'; exit 1; }
	@echo 'Setting up $(VENV) (a minute or two the first time) ...'
	@$(PYTHON) -m venv $(VENV) || \
		{ echo 'Python lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv'; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '$(RUNTIME)' --editable 'tools[static]' --group dev --group demo
	@touch $(READY)

lock: setup ## Write constraints.txt anew: the newest versions that fit together.
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'
	@head -2 constraints.txt >constraints.new
	@printf '%s\n' '--editable ./$(RUNTIME)' '--editable ./tools[static,template]' | \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
			--no-emit-package dataflow-runtime --no-emit-package dataflow-tools \
			--group pyproject.toml:dev --group pyproject.toml:demo - >>constraints.new
	@mv constraints.new constraints.txt

demo: setup ## Make a project, run two workflows on real data, build the dashboards.
	@$(BIN)/python examples/demo.py '$(DEMO)'

test: setup test-tools ## Run all tests; of long rows of like cases some.
	$(BIN)/pytest $(PYTEST_ARGS)

test-all: setup test-tools ## Run all tests in every case (an hour).
	$(BIN)/pytest --exhaustive $(PYTEST_ARGS)

test-quick: setup ## Run the tests that need neither Node nor a browser.
	$(BIN)/pytest -m 'not slow' $(PYTEST_ARGS)

test-containers: setup test-tools ## Run all tests of a project's images, with a Docker engine of their own; needs root.
	$(BIN)/pytest --exhaustive -n0 tests/containers

fuzz: setup ## Search for failing cases at random; a new one is left in .hypothesis/patches.
	@for round in $$(seq $(FUZZ_ROUNDS)); do \
		$(BIN)/pytest --quiet --hypothesis-profile fuzz $(FUZZ_ARGS) $(PYTEST_ARGS) || exit 1; \
	done

mutants: setup ## Break the code that moves data at random, and count what the tests notice.
	@$(BIN)/python -m tests.mutants --sample $(MUTANTS) --seed $(SEED) $(MUTANTS_ARGS)

bench: setup test-tools ## Measure everything into benchmarks/RESULTS.md (under an hour), and fail where a ratio got worse.
	@$(BIN)/python benchmarks/all.py $(BENCH_ARGS)

lint: setup ## Check formatting, code, layers and types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy

format: setup ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dist: setup ## Build wheels and sdists of both distributions into dist/, the same ones each time.
	@rm -rf dist
	@for part in runtime tools; do \
		SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 315532800) \
			$(BIN)/python -m build --no-isolation --outdir dist $$part >/dev/null || exit 1; \
	done
	@ls -l dist

docs: setup ## Write the reference pages anew after a change of a key or a setting.
	@$(BIN)/python docs/generate.py

docs-site: setup ## Build the site of docs/ into build/site; open build/site/index.html.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

docs-pictures: setup test-tools ## Take the pictures of the dashboards' reference anew after a change of it.
	DATAFLOW_DOCS_PICTURES=1 $(BIN)/pytest -n0 tests/tools/site/test_own_pages.py -k reference

examples: setup ## Render the example project anew after a change of the template.
	@$(BIN)/python examples/render.py

# Installs packages of Debian's, where that is possible.
apt = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes $(1) >/dev/null

test-tools: setup # What the tests use beside Python: a browser, Postgres and MariaDB, Redis, nginx, Java, Docker.
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
	@command -v redis-server >/dev/null || \
		{ $(call apt,--no-install-recommends redis-server); } || \
		echo 'Without Redis on this machine, the tests of runs on Celery workers are skipped.'
	@command -v nginx >/dev/null || ls /usr/sbin/nginx >/dev/null 2>&1 || \
		{ $(call apt,--no-install-recommends nginx-light); } || \
		echo 'Without nginx on this machine, the test of the login before the servers is skipped.'
	@command -v java >/dev/null || \
		{ $(call apt,--no-install-recommends openjdk-17-jre-headless); } || \
		echo 'Without Java on this machine, the tests of Spark are skipped.'
	@command -v docker-compose >/dev/null || \
		{ $(call apt,--no-install-recommends docker-compose); } || \
		echo 'Without docker-compose on this machine, the test that reads compose.yaml with it is skipped.'
	@command -v dockerd >/dev/null && command -v debootstrap >/dev/null || \
		{ $(call apt,--no-install-recommends docker.io debootstrap tini); } || \
		echo 'Without root, docker.io and debootstrap, the tests of containers are skipped.'
