# make report   the three notebooks against the local stack, as reports under outputs/
# make test     the whole suite          make check   format, lint and types
# make lab      JupyterLab on notebooks/
# Everything is installed into .venv, .venv-lab and .venv-airflow, and reports go to outputs/. In the user's home only pip, uv
# and npm keep their caches, and JupyterLab the files of a running server.

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
RUN := .venv/bin
comma := ,
NOTEBOOKS := handshake_race event_success_rates auth_timing

.PHONY: setup report test check format lab benchmarks clean
.DEFAULT_GOAL := report

# $(call environment,FOLDER,EXTRA): a virtual environment, by uv when it is there, else by pip.
define environment
	@echo "Setting up $(1) ($(if $(UV),uv,pip)) …" >&2
	@if [ -n "$(UV)" ]; then "$(UV)" venv --quiet --allow-existing --python "$(PYTHON)" $(1); \
	elif ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "Python has no venv here. Install the package python3-venv (apt-get install python3-venv), or uv." >&2; exit 1; \
	else "$(PYTHON)" -m venv $(1); fi
	@if [ -n "$(UV)" ]; then "$(UV)" pip install --quiet --python $(1)/bin/python -c constraints.txt -e '.$(2)'; \
	else $(1)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.$(2)'; fi
endef

.venv/.run: pyproject.toml constraints.txt
	$(call environment,.venv,)
	@touch $@

.venv/.test: .venv/.run
	$(call environment,.venv,[bigquery$(comma)gcs$(comma)spark$(comma)test])
	@touch $@

.venv-lab/.lab: pyproject.toml constraints.txt
	$(call environment,.venv-lab,[lab])
	@touch $@

.venv-airflow/.airflow: deploy/airflow/constraints.txt
	@echo "Setting up .venv-airflow ($(if $(UV),uv,pip)) …" >&2
	@if [ -n "$(UV)" ]; then "$(UV)" venv --quiet --allow-existing --python "$(PYTHON)" .venv-airflow \
	  && "$(UV)" pip install --quiet --python .venv-airflow/bin/python -c $< apache-airflow; \
	else "$(PYTHON)" -m venv .venv-airflow \
	  && .venv-airflow/bin/python -m pip install --quiet --disable-pip-version-check -c $< apache-airflow; fi
	@touch $@

# axe-core, with which the tests ask whether everybody can read a report; from the registry that npm is set to.
.venv/.axe: package.json .venv/.run
	@command -v npm >/dev/null || { echo "npm is not installed. Install the package npm (apt-get install npm)." >&2; exit 1; }
	@echo "Setting up axe-core (npm) …" >&2
	@cp package.json .venv/package.json
	@npm install --prefix .venv --no-package-lock --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null
	@touch $@

setup: .venv/.run

# A run that worked ends 0 to 2, whatever it found; 3 and 4 are failures of the run itself.
report: .venv/.run
	@$(RUN)/gpkit run $(NOTEBOOKS) || [ $$? -le 2 ]

test: .venv/.test .venv/.axe .venv-lab/.lab .venv-airflow/.airflow
	$(RUN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: .venv/.test
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy

format: .venv/.test
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

lab: .venv-lab/.lab
	.venv-lab/bin/jupyter lab $(LAB_OPTIONS) --ServerApp.root_dir=. notebooks

benchmarks: .venv/.test
	for script in benchmarks/*.py; do $(RUN)/python "$$script" || exit 1; done

clean:
	rm -rf .venv .venv-lab .venv-airflow .mypy_cache .ruff_cache .pytest_cache
