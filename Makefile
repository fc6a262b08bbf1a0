# make demo     a running product with demo data      make test     all tests but the slow ones; ALL=1 for these too
# make install  all that work on Heed needs           make quick    the tests of what changed, half a minute
# make check    linters, types, imports, documents    make docs     the documentation as a site, in site/
# make openapi  the API's description, and clients    make lock     versions with hashes, after requirements.txt
# make clean    forget what was generated

PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Warnings only: what every training of the demo's week says fills a screen.
DEMO_ENV := DEBUG=1 HEED_ADDRESS=http://127.0.0.1:$(PORT) LOG_LEVEL=$(or $(LOG_LEVEL),WARNING)

# Compiled once, found by the next run and by every process that a test starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo install test quick check docs clean browser openapi lock

demo: $(VENV)/installed
	@$(DEMO_ENV) $(BIN)/python manage.py migrate --verbosity 0
	@echo "Loading a catalog and a week of simulated people, one to four minutes the first time."
	@$(DEMO_ENV) $(BIN)/python manage.py load_demo
	@echo "Serving. Ctrl+C ends it; make demo begins it again."
	@$(DEMO_ENV) $(BIN)/gunicorn config.wsgi --bind 127.0.0.1:$(PORT) --workers 2 --threads 4 --log-level warning

install: $(VENV)/installed-dev node_modules/installed browser

# Five tests in a hundred take most of the time, two seconds or more each on a slow machine. ALL=1 runs them too, as .ci/run does.
test: $(VENV)/installed-dev browser
	DEBUG=1 $(BIN)/python -m pytest -n auto --dist worksteal $(if $(ALL),,-m "not slow") $(PYTEST_ARGS)

# The rule by which a changed file names its tests: tests/quick.py.
quick: $(VENV)/installed-dev
	@DEBUG=1 $(BIN)/python -m tests.quick

check: $(VENV)/installed-dev node_modules/installed docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=1 $(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/deptry .
	@# Of what nothing uses only code counts: fields are read by templates and written as JSON.
	! $(BIN)/vulture | grep -vE 'unused (variable|attribute) '
	npm run --silent check
	DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=0 SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(60))') ALLOWED_HOSTS=heed.example \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

# The description of the API that is checked in (docs/reference/api-stability.md).
openapi: $(VENV)/installed
	DEBUG=1 $(BIN)/python manage.py spectacular --format openapi-json --file docs/openapi.json
	.venv/bin/python clients/generate.py

# A link or a heading that is not there fails it.
docs: var/docs/installed
	@NO_MKDOCS_2_WARNING=1 var/docs/bin/mkdocs build --strict --quiet

# Versions and hashes of all that production installs, for Python 3.11 and newer. What only some need has locks of
# its own; each keeps to the versions of those before it, so that any of them live in one environment.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" --no-emit-index-url --no-emit-find-links

lock: $(VENV)/installed-dev
	$(LOCK) --output-file requirements.lock requirements.txt
	@kept="--constraint requirements.lock"; for name in mcp otel s3 spark dask two-tower text; do \
		$(LOCK) $$kept --output-file requirements-$$name.lock requirements-$$name.txt || exit; \
		kept="$$kept --constraint requirements-$$name.lock"; done
	@for name in audit docs; do $(LOCK) --output-file requirements-$$name.lock requirements-$$name.txt || exit; done
	$(BIN)/python .ci/licenses.py

browser:
	@sh .ci/install-browser

$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Heed needs Python 3.11 or newer; set PYTHON=python3.11.")'
	@echo "Installing $$(grep -c == requirements.lock) packages into $(VENV), half a minute to two."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# In a folder of its own: nothing of it is needed to run or to test.
var/docs/installed: requirements-docs.lock
	$(PYTHON) -m venv var/docs
	var/docs/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

node_modules/installed: package-lock.json
	@sh .ci/install-node
	npm ci --silent
	@touch $@

clean:
	rm -rf var site mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
