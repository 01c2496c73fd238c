# Baton needs Python 3.11 or newer and make; `make help` lists the rest.

.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-input \
	--require-hashes

# Name one yourself where python3 is too old: make run PYTHON=python3.12
PYTHON := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)

# What `make test` hands to pytest: make test ARGS="tests/services -k pacing"
ARGS ?=
# Where the second run of the tests finds its services.
TEST_DATABASE_URL ?= postgres://postgres@127.0.0.1:5432/baton
TEST_BROKER_URL ?= redis://127.0.0.1:6379/9
PYTEST := $(PY) -m pytest -n 2 --dist loadgroup

.PHONY: help setup setup-dev venv run test test-sqlite test-postgres bench shots lint \
	format lock

help:
	@echo "make setup   make the environment .venv from the lock"
	@echo "make run     start Baton on this machine (PORT=8001 for another port)"
	@echo "make test    run all tests"
	@echo "make lint    check format, style, types, templates and settings"
	@echo "make format  format the code"
	@echo "make bench   measure, print a table"
	@echo "make shots   take a picture of every page into shots/"
	@echo "make lock    write the requirement files anew from pyproject.toml"

# The stamp of an installed lock is a copy of it: another lock installs again.
setup: venv
	@cmp -s requirements.txt $(VENV)/requirements.txt || { \
		echo "Installing what Baton needs into $(VENV) (once, about a minute)." && \
		$(PIP_INSTALL) -r requirements.txt && \
		cp requirements.txt $(VENV)/requirements.txt; }

setup-dev: setup
	@cmp -s requirements-dev.txt $(VENV)/requirements-dev.txt || { \
		echo "Installing what the tests need into $(VENV)." && \
		$(PIP_INSTALL) -r requirements-dev.txt && \
		cp requirements-dev.txt $(VENV)/requirements-dev.txt; }

venv:
	@if [ -e $(VENV)/.made ] && $(PY) -c '$(NEW_ENOUGH)' 2>/dev/null; then exit 0; fi; \
	for python in $(PYTHON); do \
		if $$python -c '$(NEW_ENOUGH)' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Baton needs Python 3.11 or newer, and none of these is:" \
			"$(PYTHON). Name another: make run PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "$$found cannot make environments: its venv module is missing." \
			"On Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; \
	fi; \
	if [ -e $(VENV) ] && ! $(PY) -c '$(NEW_ENOUGH)' 2>/dev/null; then \
		clear=--clear; \
	fi; \
	$$found -m venv $$clear $(VENV) && touch $(VENV)/.made

run: setup
	@$(PY) manage.py up

test: test-sqlite test-postgres

test-sqlite: setup-dev
	@echo "Tests on SQLite with the embedded broker:"
	@env -u DATABASE_URL -u CELERY_BROKER_URL $(PYTEST) $(ARGS)

# BATON_ALL=1: a missing service or browser is an error, not a reason to skip.
test-postgres: setup-dev
	@if $(PY) -m tests.reach "$(TEST_DATABASE_URL)" "$(TEST_BROKER_URL)"; then \
		echo "Tests on PostgreSQL with Redis:"; \
		DATABASE_URL="$(TEST_DATABASE_URL)" CELERY_BROKER_URL="$(TEST_BROKER_URL)" \
			$(PYTEST) $(ARGS); \
	elif [ -n "$(BATON_ALL)" ]; then exit 1; \
	else echo "Skipped the second run, on PostgreSQL with Redis."; fi

bench: setup
	@$(PY) -m bench.create_tasks

shots: setup-dev
	@$(PY) -m tests.browser.shots

lint: setup-dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/djlint --lint --quiet templates
	@DJANGO_SETTINGS_MODULE=config.settings.test \
		$(PY) manage.py makemigrations --check --dry-run
	@DEBUG=false ALLOWED_HOSTS=baton.example \
		SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))')" \
		CREDENTIAL_KEYS="$$($(PY) -c 'from cryptography.fernet import Fernet as F; print(F.generate_key().decode())')" \
		$(PY) manage.py check --deploy --fail-level WARNING

format: setup-dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# No address of an index may stand in these files: tests/house holds that.
LOCK := $(VENV)/bin/uv pip compile pyproject.toml --quiet --universal \
	--generate-hashes --no-header --python-version 3.11
lock: setup-dev
	$(LOCK) --output-file requirements.txt
	$(LOCK) --group dev --output-file requirements-dev.txt
