# Ochre: `make demo` runs it, `make test` tests it. Needs only Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := $(CURDIR)
# Half of a start is compiling; with the bytecode kept it is done once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint format bench torture mutation clean secrets

demo: $(VENV)/.installed
	@$(BIN)/python -m web.cli.main demo

test: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# One part alone: make bench ARGS=webhooks
bench: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.bench $(ARGS)

# The long proofs; one of them alone: make torture ARGS=facts; so many histories of the sync: make torture SEEDS=10000
torture: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.torture $(or $(ARGS),$(if $(SEEDS),convergence))

# Changes the derivation of facts in a thousand small ways; each must make a test fail.
mutation: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.mutation $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# uv installs in seconds what takes pip most of a minute; where it can't be had or can't install, pip does it.
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Ochre needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.12 demo" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Making a virtual environment in $(VENV)"; $(PYTHON) -m venv --without-pip $(VENV); }
	@echo "Installing the pinned packages"
	@test -x $(BIN)/uv \
	  || $(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python install --constraint constraints.txt uv 2>/dev/null \
	  || { $(BIN)/python -m ensurepip >/dev/null && $(PIP) install --constraint constraints.txt uv 2>/dev/null; } || true
	@$(UV) --editable . 2>/dev/null || { $(BIN)/python -m ensurepip >/dev/null; $(PIP) install --constraint constraints.txt --editable .; }
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the packages for tests"
	@$(UV) --editable '.[dev]' 2>/dev/null || { $(BIN)/python -m ensurepip >/dev/null; $(PIP) install --constraint constraints.txt --editable '.[dev]'; }
	@touch $@

# Random passwords and keys for docker-compose.yml, made once; files that exist are kept. The folder is closed to
# other users of this machine, the files are readable because the containers' user has another number.
secrets:
	@mkdir -p secrets && chmod 700 secrets
	@for name in secret_key encryption_keys postgres_password ochre_password redis_password; do \
	  test -s secrets/$$name || $(PYTHON) -c 'import secrets; print(secrets.token_hex(32))' > secrets/$$name; done
	@test -s secrets/database_url || echo "postgresql://ochre:$$(cat secrets/ochre_password)@postgres/ochre" > secrets/database_url
	@test -s secrets/redis_url || echo "redis://:$$(cat secrets/redis_password)@valkey:6379/0" > secrets/redis_url
	@touch secrets/stripe_secret_key secrets/stripe_webhook_secrets
	@chmod 644 secrets/*
	@echo "Secrets are in ./secrets"
