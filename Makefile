# Trục: `make demo` plays a business day, `make serve` keeps the hub up. Needs Python 3.11 or newer, and nothing else.

VENV := var/venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
# The first of these that is new enough; `make PYTHON=…` chooses another.
PYTHON ?= $(shell for one in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$one -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$one && break; done)
DEVELOP := $(VENV)/.develop
PRODUCT := $(VENV)/.product

.DEFAULT_GOAL := help
.PHONY: help demo serve stop clean test check lock bench

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

demo: $(PRODUCT) ## install, start everything, play one business day, print its summary, stop
	@$(BIN)/truc day

serve: $(PRODUCT) ## keep the whole hub up, with the partners' stand-ins, until Ctrl-C
	@$(BIN)/truc serve --with-sandbox

stop: ## stop what `make serve` or `make demo` left running in another terminal
	@if [ -x $(BIN)/truc ]; then $(BIN)/truc stop; fi

clean: ## stop, then delete everything generated: data, secrets, logs, the virtual environment
	@if [ -x $(BIN)/truc ]; then $(BIN)/truc clean --yes; fi
	@rm -rf var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache truc.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

test: check ## style, types, import contracts, and every test
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEVELOP) ## style, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(DEVELOP) ## run the benchmarks
	@$(BIN)/python -m bench

lock: ## compile requirements/*.in to lock files with hashes
	@$(PYTHON) -m venv var/lock
	@var/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	@cd requirements && ../var/lock/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes \
		product.in -o product.lock
	@cd requirements && ../var/lock/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes \
		-c product.lock develop.in -o develop.lock
	@cd requirements && ../var/lock/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes \
		peers.in -o peers.lock

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Trục needs Python 3.11 or newer; none found (try: make PYTHON=/path/to/python3)" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Trục needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@echo "… creating $(VENV)"
	@mkdir -p var
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 has no venv module here (Debian: apt-get install python3-venv)" >&2; exit 1; }

# The egg-info that an editable install leaves would make Airflow find our entry points twice.
define install
	@echo "… installing $(1) (first time: a minute or two)"
	@$(PIP) install --require-hashes --no-deps --only-binary :all: --no-binary pyspark -r requirements/$(1)
	@$(PIP) install --no-deps --no-build-isolation -e .
	@rm -rf truc.egg-info build
endef

$(PRODUCT): requirements/product.lock setup.cfg pyproject.toml | $(BIN)/python
	$(call install,product.lock)
	@touch $@

$(DEVELOP): requirements/develop.lock requirements/product.lock setup.cfg pyproject.toml | $(BIN)/python
	$(call install,develop.lock)
	@touch $@ $(PRODUCT)
