# Model Lifecycle Graph: `make dev` runs everything, `make test` checks everything. Only Python >= 3.11 and make are needed.
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCKS := requirements/bootstrap.txt requirements/base.txt requirements/dev.txt

.PHONY: help
help: ## List the targets
	@printf '\nModel Lifecycle Graph\n\n'
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  make PYTHON=python3.12 …     with another Python\n\n'

$(BIN)/uv: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(READY): $(BIN)/uv $(LOCKS) pyproject.toml
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes $(LOCKS)
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --offline -e .
	@touch $@

.PHONY: setup
setup: $(READY) ## Install only: locked Python packages, a Java runtime, JanusGraph's jars, the pages
	@$(BIN)/mlg store fetch
	@$(BIN)/mlg explorer build
	@$(BIN)/mlg graphiql fetch

.PHONY: dev
dev: $(READY) ## Run everything in the foreground: JanusGraph, the API, the demo estate
	@exec $(BIN)/mlg dev

.PHONY: lock
lock: $(BIN)/uv ## Resolve the requirements again and write the hashed locks
	for name in bootstrap base mlflow dev audit clients site sources; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--upgrade requirements/$$name.in -o requirements/$$name.txt; \
	done

.PHONY: clients
clients: $(READY) ## Generate the clients from the SDL: a wheel for Python, a package of npm for TypeScript, into dist/
	$(BIN)/python clients/python/build.py dist
	$(BIN)/python clients/typescript/build.py dist

SITE := $(VENV)-site/bin

$(SITE)/.ready: $(BIN)/uv requirements/site.txt
	$(PYTHON) -m venv $(VENV)-site
	$(BIN)/uv pip sync --quiet --python $(SITE)/python --require-hashes requirements/site.txt
	@touch $@

.PHONY: site
site: $(READY) $(SITE)/.ready ## Build the documentation as a site, and check each link: manual/results/html
	SITE=$(SITE) $(BIN)/python -m manual

.PHONY: format
format: $(READY) ## Format the sources
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

.PHONY: lint
lint: $(READY) ## Format, lint, types and imports, without changing anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

WORKERS ?= 3

.PHONY: test
test: lint ## Everything a change must pass, on a real JanusGraph; in WORKERS processes
	@$(BIN)/mlg store fetch
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: test-fast
test-fast: lint ## While working: lint and every test that needs no store; two minutes on two idle cores
	$(BIN)/pytest -n $(WORKERS) --dist worksteal tests/unit tests/architecture tests/contract/sdl

RUNS ?= 2000

.PHONY: test-coherence
test-coherence: $(READY) ## Random writes, failures and reads over the graph cache: make test-coherence RUNS=2000
	SEARCH=1 RUNS=$(RUNS) $(BIN)/pytest --timeout 0 tests/integration/app/graph/reading/level/test_cached_level.py

.PHONY: test-processes
test-processes: $(READY) ## Journeys and security tests over two processes of one store that respond in turns
	PROCESSES=2 $(BIN)/pytest -n $(WORKERS) --dist loadfile --timeout 600 tests/journeys tests/security

QUERIES ?= 20000

.PHONY: test-worlds
test-worlds: $(READY) ## Query two stores that differ only in hidden data: make test-worlds QUERIES=20000 SEED=2
	QUERIES=$(QUERIES) SEED=$(or $(SEED),1) $(BIN)/pytest --timeout 0 tests/security/test_non_interference.py

CALLS ?= 200

.PHONY: test-timing
test-timing: $(READY) ## Medians of calls with hidden and absent ids: make test-timing CALLS=200
	CALLS=$(CALLS) $(BIN)/pytest --timeout 0 -k the_same_time tests/security/test_hidden_like_absent.py

ROUNDS ?= 20

.PHONY: test-kills
test-kills: $(READY) ## Kill the API and its JVM during loads: make test-kills ROUNDS=20 SEED=2
	ROUNDS=$(ROUNDS) SEED=$(or $(SEED),1) ITEMS=5000 $(BIN)/pytest -s tests/recovery/test_kills.py

.PHONY: test-life
test-life: $(READY) ## Random writes to assets against a plain model: make test-life EXAMPLES=500
	EXAMPLES=$(or $(EXAMPLES),500) $(BIN)/pytest tests/integration/app/graph/writing/test_random_asset_life.py

OPERATIONS ?= 20000

.PHONY: test-fuzz
test-fuzz: $(READY) ## Random operations with odd values, as every persona: make test-fuzz OPERATIONS=20000 SEED=2
	OPERATIONS=$(OPERATIONS) SEED=$(or $(SEED),1) $(BIN)/pytest --timeout 0 -s tests/security/test_fuzzed_operations.py

.PHONY: test-equal
test-equal: $(READY) ## Queries over vectors against graphql-core, as every persona: make test-equal OPERATIONS=20000 SEED=2
	OPERATIONS=$(OPERATIONS) SEED=$(or $(SEED),1) $(BIN)/pytest --timeout 0 -s tests/security/test_vectored_like_stock.py

GRAPHS ?= 2000

.PHONY: test-walks
test-walks: $(READY) ## Lineage of random graphs against networkx: make test-walks GRAPHS=2000
	SEARCH=1 GRAPHS=$(GRAPHS) $(BIN)/pytest tests/journeys/test_random_lineage.py tests/journeys/test_lineage_while_writing.py

.PHONY: bench
bench: $(READY) ## Measure beside an older commit and a lower bound: make bench QUESTIONS=nested_list C=1 ESTATE=2k
	$(BIN)/python -m bench

EVENTS ?= 100000

.PHONY: bench-events
bench-events: $(READY) ## Events of OpenLineage from a file, or over HTTP with a kill: make bench-events EVENTS=30000 RATE=500
	EVENTS=$(EVENTS) $(BIN)/python -m bench.event_rates

.PHONY: bench-extremes
bench-extremes: $(READY) ## The longest callback for extreme values of each argument: make bench-extremes VALUES=all PLACES=search
	PYTHONPATH=tests $(BIN)/python -m bench.extremes

MINUTES ?= 30

.PHONY: soak
soak: $(READY) ## Mixed load at half of the capacity of two workers on the distributed store: make soak MINUTES=30
	PYTHONPATH=tests $(BIN)/python -m bench.soak $(MINUTES) --distributed

.PHONY: soak-embedded
soak-embedded: $(READY) ## The same on the embedded store: make soak-embedded MINUTES=10
	PYTHONPATH=tests $(BIN)/python -m bench.soak $(MINUTES)

AUDIT := $(VENV)-audit/bin

$(AUDIT)/.ready: $(BIN)/uv requirements/audit.txt
	$(PYTHON) -m venv $(VENV)-audit
	$(BIN)/uv pip sync --quiet --python $(AUDIT)/python --require-hashes requirements/audit.txt
	@touch $@

ADVISORIES ?= pypi

.PHONY: audit
audit: $(READY) $(AUDIT)/.ready ## Known weaknesses, licences, and the list of components: make audit ADVISORIES=osv
	AUDIT=$(AUDIT) ADVISORIES=$(ADVISORIES) $(BIN)/python -m audit

.PHONY: test-issuer
test-issuer: $(READY) ## The tests against a real Keycloak, which is fetched once (170 MB)
	$(BIN)/pytest -m issuer tests/issuer

SOURCES := $(VENV)-sources/bin

$(SOURCES)/.ready: $(BIN)/uv requirements/sources.txt
	$(PYTHON) -m venv $(VENV)-sources
	$(BIN)/uv pip sync --quiet --python $(SOURCES)/python --require-hashes requirements/sources.txt
	@touch $@

.PHONY: test-sources
test-sources: $(READY) $(SOURCES)/.ready ## The importers against MLflow, dbt and Feast themselves, installed once (0.9 GB)
	SOURCES=$(SOURCES) $(BIN)/pytest -m sources --timeout 900 tests/sources

DISTRIBUTED := tests/distributed tests/journeys/test_showcase.py tests/journeys/test_lineage.py \
	tests/journeys/test_random_lineage.py tests/journeys/test_idempotency.py tests/journeys/test_many_writers.py \
	tests/journeys/test_two_processes.py tests/journeys/test_own_writes.py tests/journeys/test_dry_runs.py tests/journeys/test_aliases.py \
	tests/journeys/test_as_of.py tests/journeys/test_search.py tests/journeys/test_unused_assets.py \
	tests/security/test_leaks_of_reads.py tests/security/test_leaks_of_search.py tests/security/test_pushdown.py \
	tests/integration/app/graph/driver/groovy/test_word_beginnings.py tests/integration/support/stores/test_janusgraph.py \
	tests/integration/app/graph/admin/elements/test_element_pages.py \
	tests/integration/app/graph/admin/test_schema_upgrade.py
SUITES ?= $(DISTRIBUTED)

.PHONY: test-distributed
test-distributed: $(READY) ## Suites on Cassandra, Elasticsearch and two JanusGraph servers, which are fetched once (200 MB)
	GRAPHS=20 ROUNDS=$(ROUNDS) $(BIN)/pytest --capture=sys --distributed -m 'not issuer and not sources and not upgrade' --timeout 900 $(SUITES)

.PHONY: test-alerts
test-alerts: $(READY) ## Alert rules on recorded series with promtool, and the dashboard in a Prometheus (19 MB, fetched once)
	$(BIN)/pytest -m monitoring tests/monitoring

.PHONY: test-upgrade
test-upgrade: $(READY) ## A rolling upgrade from the release before, and backups, under load: make test-upgrade OLD=v1.2
	OLD=$(OLD) $(BIN)/pytest -s -m upgrade tests/upgrade

.PHONY: check
check: test ## What CI runs
