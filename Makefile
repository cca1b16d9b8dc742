# Every target makes what it needs, the virtual environment included.
PYTHON ?= python3
PROFILE ?= thorough
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test slow hunt notebooks pairs lint docs bench contest figures wheel clean

demo: $(READY)
	$(BIN)/ftc demo

test: $(READY)
	$(BIN)/pytest -n auto -m "not slow"

# the site that a slow test builds shows the figures
slow: figures
	$(BIN)/pytest -n auto -m slow

# puts every claim of the zoo on trial; PROFILE=ci takes less than a minute
hunt: $(READY)
	$(BIN)/ftc hunt --profile $(PROFILE)

# runs every notebook from a fresh kernel; with its outputs it is in build/notebooks, and in the site then
notebooks: $(READY)
	mkdir -p build/notebooks
	cp notebooks/*.ipynb build/notebooks
	$(BIN)/pytest -n auto --nbmake --overwrite --nbmake-timeout=300 build/notebooks/*.ipynb

# after a change in notebooks/*.py: the .ipynb beside it, without outputs
pairs: $(READY)
	$(BIN)/jupytext --to ipynb --update notebooks/*.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# the trusted kernel alone, in one file that any Python runs: python -I -S verify.pyz CERT
verify.pyz: $(shell find verify -name '*.py')
	rm -rf build/pyz && mkdir -p build/pyz/verify
	cp -r verify/__init__.py verify/__main__.py verify/kernel build/pyz/verify/
	rm -rf build/pyz/verify/kernel/__pycache__
	$(PYTHON) -m zipapp build/pyz -m verify.__main__:main -o $@

# the site in site/: open site/index.html
docs: figures notebooks
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(READY)
	$(BIN)/python benchmarks/report.py

# this project's patch beside other ways to repair a model: benchmarks/results/patching.md
contest: $(READY)
	$(BIN)/python -m benchmarks.patching

# every figure of the documentation
figures: $(READY)
	$(BIN)/ftc figures -o docs/figures

wheel: $(READY)
	rm -rf build/lib
	$(BIN)/python -m build --wheel --outdir dist

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist demo site verify.pyz *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f $(filter-out docs/figures/bounds.svg, $(wildcard docs/figures/*)) # the README shows that one
