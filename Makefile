# make demo   a running product with demo data        make test    the whole suite
# make check  linters, types, imports, deploy check   make clean   forget what was generated

PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_ENV := DEBUG=1 HEED_ADDRESS=http://127.0.0.1:$(PORT)

.PHONY: demo test check clean browser

demo: $(VENV)/installed
	@$(DEMO_ENV) $(BIN)/python manage.py migrate --verbosity 0
	@$(DEMO_ENV) $(BIN)/python manage.py load_demo
	@$(DEMO_ENV) $(BIN)/gunicorn config.wsgi --bind 127.0.0.1:$(PORT) --workers 2 --threads 4 --log-level warning

test: $(VENV)/installed-dev browser
	DEBUG=1 $(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

check: $(VENV)/installed-dev node_modules/installed
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

browser:
	@sh .ci/install-browser

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Heed needs Python 3.11 or newer; set PYTHON=python3.11.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

node_modules/installed: package-lock.json
	@sh .ci/install-node
	npm ci --silent
	@touch $@

clean:
	rm -rf var mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
