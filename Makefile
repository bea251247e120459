# make lab opens the course, make test checks it. Each sets up all it needs in .venv.
# Another Python: make lab PYTHON=python3.12

# Windows has other names; make needs the bash that comes with Git there.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
SCRIPTS := Scripts
else
PYTHON ?= python3
SCRIPTS := bin
endif
ARGS ?=
REPO ?=
SCENARIOS ?= notebooks/scenarios.toml
HUB ?=
BRANCH ?=

VENV := .venv
PY := $(VENV)/$(SCRIPTS)/python

# A set-up is done when its stamp is newer than pyproject.toml.
MADE := $(VENV)/made.stamp
LAB := $(VENV)/lab.stamp
TEST := $(VENV)/test.stamp
# What is only measured stays apart, so that the course is tested without it.
BENCH_VENV := .venv-bench
BENCH := $(BENCH_VENV)/made.stamp
# nbgrader adds menus to JupyterLab, so it stays apart from the course, too.
GRADE_VENV := .venv-assignment
GRADE := $(GRADE_VENV)/made.stamp
# What make newest sets up, anew each time.
NEWEST_VENV := .venv-newest
MUTANTS := $(VENV)/mutants.stamp
BROWSER := $(VENV)/browser.stamp
PAGES := $(VENV)/site.stamp
LITE_VENV := .venv-lite
LITE := $(LITE_VENV)/made.stamp
SLIDES := $(VENV)/slides.stamp

# Settings of the caller's shell must not change what a notebook prints.
unexport PYTHONPATH PYTHONSTARTUP PYTHONWARNINGS MPLBACKEND
# Every notebook starts a kernel; compiling its imports anew each time would slow the check.
unexport PYTHONDONTWRITEBYTECODE
# One encoding for every file and every pipe, on Windows too.
export PYTHONUTF8 := 1
# Nor must the caller's IPython profile, where a notebook is checked.
test notebooks: export IPYTHONDIR = $(CURDIR)/$(VENV)/ipython

# The notebook as the default address, not as an argument: that would hide the folders around it
# and leave it out of the printed address. tools/lab switches off the question about news.
LAB_FLAGS := --LabApp.default_url=/lab/tree/notebooks/00_index.ipynb --LabApp.app_settings_dir=tools/lab
ifeq ($(shell id -u),0)
LAB_FLAGS += --allow-root
endif
ifeq ($(shell uname -s)$(DISPLAY)$(WAYLAND_DISPLAY),Linux)
LAB_FLAGS += --no-browser
endif

# -W ignore: warnings of pytest's plug-ins say nothing about a notebook. One that the notebook
# itself raises lands in its stderr and fails the comparison.
NBVAL := -q -W ignore -p no:cacheprovider -n 2 --dist loadfile --nbval --nbval-current-env --nbval-cell-timeout=60 --nbval-sanitize-with tests/nbval_sanitize.cfg

MEASURE := -q -p no:cacheprovider

.DEFAULT_GOAL := help
.PHONY: help lab test newest fuzz test-browser site lite test-site links slides assignment test-assignment student test-student test-adapt binder-check binder-build bench kernels latency mutants notebooks diff format badges clean
.NOTPARALLEL:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

lab: $(LAB) ## open the course in JupyterLab (ARGS="--port=9000" and the like are passed on)
	@$(PY) -m nbformat.sign --log-level=ERROR notebooks/*.ipynb > /dev/null
	$(PY) -m jupyterlab $(LAB_FLAGS) $(ARGS)

test: $(TEST) ## check style, type hints, library and every notebook
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/$(SCRIPTS)/lint-imports
	$(PY) -m pytest -q -n 2 $(ARGS)
	$(PY) -m pytest $(NBVAL) notebooks instructors/solutions

# What says that the bounds hold cannot hold beyond them.
newest: $(LAB) ## make test with the newest packages, beyond our upper bounds, in a set-up of its own
	rm -rf $(NEWEST_VENV)
	mkdir -p build
	$(PY) -m tools.newest > build/newest.txt
	UV_OVERRIDE=build/newest.txt $(MAKE) test VENV=$(NEWEST_VENV) ARGS="--deselect tests/repo/test_setup.py::test_installed_version_is_within_the_bounds"

fuzz: $(TEST) ## move every lab at random, 300 times over (3 minutes)
	SEQUENCES=300 $(PY) -m pytest -q -n 2 tests/course/test_labs.py -k random_moves

test-browser: $(TEST) $(BROWSER) $(SLIDES) ## open every notebook in Chromium and move every lab (7 minutes)
	$(PY) -m pytest -q -p no:cacheprovider tests/browser --ignore=tests/browser/test_site.py --ignore=tests/browser/test_lite.py $(ARGS)

site: $(PAGES) ## write the course as pages to read, with or without a network, to build/site
	$(PY) -m tools.publish.site

lite: $(LITE) ## write the course as a site that runs it in the reader's browser, to build/site/lite
	$(LITE_VENV)/$(SCRIPTS)/python -m tools.publish.lite

test-site: $(TEST) $(BROWSER) site lite ## make both, and open them in Chromium (2 minutes)
	$(PY) -m pytest -q -p no:cacheprovider tests/browser/test_site.py tests/browser/test_lite.py $(ARGS)

links: $(PAGES) ## ask every address that the course names whether it is still there (needs the network)
	$(PY) -m tools.publish.links

test-adapt: $(TEST) ## do what instructors/adapt.md says, on a copy, and test that (15 minutes)
	$(PY) -m pytest -q -p no:cacheprovider tests/adapt $(ARGS)

bench: $(TEST) $(BROWSER) $(BENCH) ## measure the library, two other packages beside it, and the labs (10 minutes)
	$(PY) -m pytest $(MEASURE) benchmarks/test_library.py benchmarks/test_latency.py benchmarks/test_kernels.py $(ARGS)
	$(BENCH_VENV)/$(SCRIPTS)/python -m pytest $(MEASURE) benchmarks/test_peers.py $(ARGS)

kernels: $(TEST) ## of these, only the memory and the seconds that each notebook takes (1 minute)
	$(PY) -m pytest $(MEASURE) benchmarks/test_kernels.py $(ARGS)

latency: $(TEST) $(BROWSER) ## of these, only how long a reader waits for each lab, and what it leaves behind
	$(PY) -m pytest $(MEASURE) benchmarks/test_latency.py $(ARGS)

mutants: $(MUTANTS) ## change the mathematics in 3,500 places, one by one: do the tests notice? (15 minutes)
	$(PY) -m tools.mutants $(ARGS)

notebooks: $(LAB) ## run every notebook and solution again, and store the outputs in the one normal form
	$(PY) -m tools.notebooks.run

# In a set-up that is thrown away: nbdime adds buttons to the JupyterLab that it finds.
diff: $(LAB) ## show how the notebooks' text and code differ from main (BRANCH=name for another)
	$(PY) -m uv tool run --quiet --from 'nbdime>=4,<5' nbdiff --sources $(or $(BRANCH),main)

format: $(TEST) ## format the code and repair what ruff can repair
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

assignment: $(GRADE) ## make an nbgrader course from the exercises, in build/assignment (SCENARIOS=file for other numbers)
	$(GRADE_VENV)/$(SCRIPTS)/python -m tools.handout.assignment --scenarios "$(SCENARIOS)"

test-assignment: $(GRADE) ## grade a perfect, an empty and a typical submission (2 minutes)
	$(GRADE_VENV)/$(SCRIPTS)/python -m pytest -q -W ignore -p no:cacheprovider tests/grading $(ARGS)

student: $(LAB) ## pack the course for students, without outputs, in build/student.zip
	$(PY) -m tools.handout.student

test-student: $(TEST) student ## unpack that, set it up with pip, and run every notebook (2 minutes)
	$(PY) -m pytest -q -p no:cacheprovider tests/handout $(ARGS)

slides: $(SLIDES) ## make slides of every notebook, for a browser without a network, in build/slides
	$(PY) -m tools.publish.slides

badges: ## print all links; make badges REPO=owner/name writes the name into README.md first
	@HUB="$(HUB)" BRANCH="$(BRANCH)" $(PYTHON) -m tools.publish.badges $(if $(REPO),"$(REPO)")

binder-check: $(TEST) ## set up what Binder and Colab would, without them, and run the notebooks (1 minute)
	$(PY) -m tools.publish.binder

binder-build: ## let mybinder.org build the course before somebody waits for it (needs the network)
	$(PYTHON) -m tools.publish.prebuild $(REPO)

clean: ## remove what was set up, and everything that can be made again
	rm -rf $(VENV) $(BENCH_VENV) $(LITE_VENV) $(GRADE_VENV) $(NEWEST_VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "This course needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one, for example: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(LAB): $(MADE) pyproject.toml
	$(PY) -m uv pip install --quiet --python $(PY) --editable .
	@touch $@

# The test set-up holds all of the other one.
$(TEST): $(MADE) pyproject.toml
	$(PY) -m uv pip install --quiet --python $(PY) --editable '.[test]'
	@touch $(LAB) $@

$(BENCH): $(MADE) pyproject.toml
	$(PYTHON) -m venv $(BENCH_VENV)
	$(PY) -m uv pip install --quiet --python $(BENCH_VENV)/$(SCRIPTS)/python --editable '.[bench]'
	@touch $@

$(GRADE): $(MADE) pyproject.toml
	$(PYTHON) -m venv $(GRADE_VENV)
	$(PY) -m uv pip install --quiet --python $(GRADE_VENV)/$(SCRIPTS)/python --editable '.[test,assignment]'
	@touch $@

$(BROWSER): $(LAB)
	$(PY) -m uv pip install --quiet --python $(PY) --editable '.[browser]'
	@touch $@

$(PAGES): $(LAB)
	$(PY) -m uv pip install --quiet --python $(PY) --editable '.[site]'
	@touch $@

# Without margin_lib, which needs a JupyterLab: only what stands in the extra.
$(LITE): $(MADE) pyproject.toml
	$(PYTHON) -m venv $(LITE_VENV)
	$(PY) -m uv pip install --quiet --python $(LITE_VENV)/$(SCRIPTS)/python --group lite
	@touch $@

$(SLIDES): $(LAB)
	$(PY) -m uv pip install --quiet --python $(PY) --editable '.[slides]'
	@touch $@

$(MUTANTS): $(TEST)
	$(PY) -m uv pip install --quiet --python $(PY) --editable '.[test,mutants]'
	@touch $@
