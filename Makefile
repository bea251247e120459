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
SCENARIOS ?= notebooks/scenarios.toml

# What a caller writes reaches programs as it stands, through the environment: neither make nor the
# shell runs what stands in it.
GIVEN := PYTHON ARGS REPO HUB BRANCH SCENARIOS FOLDER
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)

VENV := .venv
PY := $(VENV)/$(SCRIPTS)/python
# A set-up of its own: what must not have the course beside it, or could hold back its packages.
BENCH := .venv-bench
LITE := .venv-lite
# nbgrader adds menus to JupyterLab.
GRADE := .venv-assignment
NEWEST := .venv-newest
OLDEST := .venv-oldest

# Settings of the caller's shell must not change what a notebook prints.
unexport PYTHONPATH PYTHONSTARTUP PYTHONWARNINGS MPLBACKEND
# Every notebook starts a kernel; compiling its imports anew each time would slow the check.
unexport PYTHONDONTWRITEBYTECODE
# One encoding for every file and every pipe, on Windows too.
export PYTHONUTF8 := 1
# Nor must the caller's IPython profile, where a notebook is checked.
test notebooks: export IPYTHONDIR = $(CURDIR)/$(VENV)/ipython

# The caller's Python; and a set-up of a folder with parts of pyproject.toml.
python = @command -v "$$PYTHON" > /dev/null || { echo "There is no program '$$PYTHON'. Name a Python 3.11 or newer: make $(firstword $(MAKECMDGOALS)) PYTHON=python3.12" >&2; exit 1; }; "$$PYTHON"
set_up = $(python) -m tools.setup
pytest = PYTEST_ADDOPTS="$$PYTEST_ADDOPTS $$ARGS" $(1)/$(SCRIPTS)/python -m pytest -q
# -W ignore: warnings of pytest's plug-ins say nothing about a notebook. One that the notebook
# itself raises lands in its stderr and fails the comparison.
NBVAL := -q -W ignore -p no:cacheprovider -p tools.notebooks.ports -n 2 --dist loadfile --nbval --nbval-current-env --nbval-cell-timeout=600 --nbval-kernel-startup-timeout=600 --nbval-sanitize-with tests/nbval_sanitize.cfg

.DEFAULT_GOAL := help
.PHONY: app update oldest set-up set-up-bench set-up-lite set-up-assignment help lab test newest test-browser site test-site test-lite links slides assignment test-assignment handouts student test-student test-adapt results gains cards binder-check binder-build bench soak mutants notebooks diff format badges pictures clean
.NOTPARALLEL:

# set-up, set-up-test, set-up-test-browser: .venv with these parts. tools/setup.py says how.
set-up:
	$(set_up) $(VENV)
set-up-%:
	$(set_up) $(VENV) $(subst -, ,$*)
set-up-bench:
	$(set_up) $(BENCH) bench
set-up-lite:
	$(set_up) $(LITE) lite
set-up-assignment:
	$(set_up) $(GRADE) test assignment

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

lab: set-up ## open the course in JupyterLab (ARGS="--port=9000" and the like are passed on)
	$(PY) -m tools.lab

app: set-up-app ## open your_account as an app: check your own position (ARGS as for lab)
	cd notebooks && ../$(PY) -m voila your_account.ipynb $$ARGS

update: ## take the newest course; what you have changed is kept beside it, in mine/
	$(python) -m tools.update

test: set-up-test ## check style, type hints, library and every notebook
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/$(SCRIPTS)/lint-imports
	$(call pytest,$(VENV)) -n 2 --dist worksteal
	$(PY) -m pytest $(NBVAL) notebooks instructors/solutions

# What says that the bounds hold cannot hold beyond them.
newest: set-up-test ## make test with the newest packages, beyond our upper bounds, in a set-up of its own
	rm -rf $(NEWEST)
	mkdir -p build
	$(PY) -m tools.newest > build/newest.txt
	UV_OVERRIDE=build/newest.txt $(MAKE) test VENV=$(NEWEST) ARGS="--deselect tests/repo/test_setup.py::test_installed_version_is_within_the_bounds"

# The packages that the bounds name are as old as these allow; what they need in turn is not. Only
# pyparsing is: matplotlib of that age calls it by names that it has since given up. Its hints say
# less of axes, too, than the checker of the examples wants.
oldest: override PYTHON := python3.11
oldest: export UV_RESOLUTION := lowest-direct
oldest: export UV_CONSTRAINT := build/oldest.txt
oldest: ## make test's part for the library, with the oldest packages and Python, in a set-up of its own
	rm -rf $(OLDEST)
	mkdir -p build
	echo "pyparsing<3.3" > build/oldest.txt
	$(set_up) $(OLDEST) test
	$(call pytest,$(OLDEST)) -n 2 tests/margin margin_lib --deselect tests/margin/test_types.py::test_a_checker_knows_right_use_from_wrong_use_and_accepts_the_examples

test-browser: set-up-test-browser slides handouts ## open every notebook in Chromium and move every lab (8 minutes)
	$(call pytest,$(VENV)) -p no:cacheprovider -n 2 --dist loadscope --no-loadscope-reorder tests/browser --ignore-glob='*/test_site*.py' --ignore-glob='*/test_lite*.py'

site: set-up-site set-up-lite ## write the course as pages, and as a site that runs it in the reader's browser, to build/site
	$(PY) -m tools.publish.site
	$(LITE)/$(SCRIPTS)/python -m tools.publish.lite

test-site: set-up-test-browser site ## make both, and open them in Chromium (8 minutes)
	$(call pytest,$(VENV)) -p no:cacheprovider -n 2 --dist loadscope --no-loadscope-reorder tests/browser/test_site*.py tests/browser/test_lite.py

test-lite: set-up-test-browser set-up-lite ## run every notebook in the reader's browser, with a real Pyodide from the registries (20 minutes)
	$(LITE)/$(SCRIPTS)/python -m tools.publish.lite
	$(call pytest,$(VENV)) -rs -s -p no:cacheprovider tests/browser/test_lite_runs.py

links: set-up-site ## ask every address that the course names whether it is still there (needs the network)
	$(PY) -m tools.publish.links

slides: set-up-slides ## make slides of every notebook, for a browser without a network, in build/slides
	$(PY) -m tools.publish.slides

assignment: set-up-assignment ## make an nbgrader course from the exercises, in build/assignment (SCENARIOS=file for other numbers)
	$(GRADE)/$(SCRIPTS)/python -m tools.handout.assignment --scenarios "$$SCENARIOS"

test-assignment: set-up-assignment ## grade a perfect, an empty and a typical submission (2 minutes)
	$(call pytest,$(GRADE)) -W ignore -p no:cacheprovider tests/grading

handouts: set-up-browser ## one page to hand out for each notebook, in build/handouts
	$(PY) -m tools.handout.sheets

student: set-up ## pack the course for students, without outputs, in build/student.zip
	$(PY) -m tools.handout.student

test-student: set-up-test student ## unpack that, set it up with pip, and run every notebook (2 minutes)
	$(call pytest,$(VENV)) -p no:cacheprovider tests/handout

test-adapt: set-up-test ## do what instructors/adapt.md says, on a copy, and test that (5 minutes)
	$(call pytest,$(VENV)) -p no:cacheprovider tests/adapt

results: set-up ## put your answers before and after the course into a file without a name, in build/
	$(PY) -m tools.notebooks.results

gains: set-up ## what a class has learnt, from a folder of such files (FOLDER=path)
	$(PY) -m tools.notebooks.gains "$$FOLDER"

cards: set-up ## write glossary and quizzes as cards for Anki, build/cards.txt
	$(PY) -m tools.notebooks.cards

binder-check: set-up-test ## set up what Binder and Colab would, without them, and run the notebooks (1 minute)
	$(PY) -m tools.publish.binder

# Binder tells each phase on a line of its own, and at least a word every half minute.
binder-build: ## let mybinder.org build the course before somebody waits for it (REPO=owner/name; needs the network)
	curl -fsSN --speed-limit 1 --speed-time 300 "https://mybinder.org/build/gh/$$REPO/HEAD" | grep -m 1 -E '"phase": "(built|launching|ready)"'

# pytest's 5: of these tests, ARGS wants none.
bench: set-up-test-browser set-up-bench ## measure the library, two other packages beside it, the labs and the notebooks (30 minutes)
	$(call pytest,$(VENV)) -p no:cacheprovider benchmarks --ignore=benchmarks/test_peers.py || [ $$? = 5 ]
	$(call pytest,$(BENCH)) -p no:cacheprovider benchmarks/test_peers.py || [ $$? = 5 ]

# Less of it: ARGS="-k kernel", or ACCOUNTS=100 BOOKS=100 MOVES=1000 ROUNDS=1 before make.
soak: set-up-test ## 10,000 random accounts against a search, 100,000 moves of labs, kernels interrupted (30 minutes)
	ACCOUNTS="$${ACCOUNTS:-10000}" BOOKS="$${BOOKS:-3000}" $(call pytest,$(VENV)) -n 2 -p no:cacheprovider \
		tests/soak tests/margin/test_oracle.py tests/margin/test_books.py

mutants: set-up-test-mutants ## change the mathematics in 6,000 places, one by one: do the tests notice? (1 hour; ARGS="--sample 500", ARGS="--of margin_course")
	$(PY) -m tools.mutants

notebooks: set-up ## run every notebook and solution again, and store the outputs in the one normal form
	$(PY) -m tools.notebooks.run

# In a set-up that is thrown away: nbdime adds buttons to the JupyterLab that it finds.
diff: set-up ## show how the notebooks' text and code differ from main (BRANCH=name for another)
	$(PY) -m uv tool run --quiet --from 'nbdime>=4,<5' nbdiff --sources "$${BRANCH:-main}"

format: set-up-test ## format the code and repair what ruff can repair
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

pictures: set-up ## put every lab and every printed picture on one sheet, build/pictures.png, to look at; draw README's film anew
	$(PY) -m tools.pictures
	$(PY) -m tools.publish.plane

badges: ## print all links; make badges REPO=owner/name writes the name into README.md first
	$(python) -m tools.publish.badges $${REPO:+"$$REPO"}

clean: ## remove what was set up, and everything that can be made again
	rm -rf .venv .venv-* .venv*.lock build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +
