# One door for everything: `make help` lists it. Needs Debian 12, git and make; the rest is fetched by `make deps`,
# which every target that needs it runs by itself.

# Which build a target works on: release, dev, asan or tsan (CMakePresets.json).
PRESET ?= release
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# Test programs at once: two more than cores, for they wait half of their time.
TEST_JOBS ?= $(shell expr $(JOBS) + 2)
# Handed to ctest as it is: make test TESTS='-R unit.core'
TESTS ?=
# Which PostgreSQL to run against: make test-postgres PG=18. Which tests, unless TESTS says so: those that
# meet the server in the most ways.
PG ?=
postgres_programs := integration_postgres integration_columns integration_pipeline e2e_cases e2e_lifecycle
postgres_tests := -R "^(integration[.](postgres|columns|pipeline([.]second)?)|e2e[.](cases|lifecycle([.]second)?))$$"
# Handed to the benchmark: make bench BENCH='--rows 6000000', or --help
BENCH ?=
build := build/$(PRESET)

# The histories, or random tables, to try, and more options: make test-histories SEEDS=1-200 HISTORIES='--kills'
SEEDS ?= 20
HISTORIES ?=
CASES ?= *

.DEFAULT_GOAL := help
.PHONY: help deps lint-deps build demo test test-browser test-cases test-chaos test-clients test-fuzz test-histories test-mutants test-postgres test-types test-nightly test-asan test-tsan engine-program bench check lint fmt fmt-check clean

help: ## Show this list
	@echo 'Penstock: PostgreSQL into ClickHouse, declared by a Pipe.'; echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | \
	  while IFS="$$(printf '\t')" read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done
	@echo; echo '  PRESET=dev|asan|tsan with build and test; JOBS=$(JOBS); TESTS="-R pattern" goes to ctest'

deps: ## Install what is missing: Debian packages, the embedded engine
	@scripts/deps.sh

lint-deps: deps
	@scripts/deps.sh lint

# Ninja watches the CMake files from then on, so this is needed once.
$(build)/build.ninja: | deps
	cmake --preset $(PRESET) $(CMAKE_ARGS)

build: deps $(build)/build.ninja ## Build everything: build/release/penstock
	@ninja -C $(build) -j$(JOBS)

demo: deps $(build)/build.ninja ## Load a shop into ClickHouse and follow it (ONCE=1: check the rows and end)
	@ninja -C $(build) -j$(JOBS) penstock
	@scripts/demo.sh $(if $(ONCE),--once) --penstock $(build)/penstock

test: build ## Build, then run all tests against real PostgreSQL, engine and kubectl
	@ctest --test-dir $(build) --output-on-failure --no-tests=error -j$(TEST_JOBS) $(TESTS)

test-cases: deps $(build)/build.ninja ## Try every small input that once went wrong (CASES=pattern)
	@ninja -C $(build) -j$(JOBS) penstock e2e_cases
	@$(build)/e2e_cases --gtest_filter='$(CASES)'

test-browser: deps $(build)/build.ninja ## Attack penstock dev from a web page in a real browser
	@ninja -C $(build) -j$(JOBS) penstock
	@scripts/test-browser.sh $(build)

test-clients: deps $(build)/build.ninja ## Run the official Python and JavaScript clients against the API
	@ninja -C $(build) -j$(JOBS) penstock
	@scripts/test-clients.sh $(build)/penstock

test-histories: deps $(build)/build.ninja ## Try random histories of a source (SEEDS=from-to or a count)
	@ninja -C $(build) -j$(JOBS) penstock penstock_histories
	@$(build)/penstock_histories --seeds $(SEEDS) --regressions tests/histories/regressions \
	  --keep tests/histories/regressions $(HISTORIES)

test-chaos: deps $(build)/build.ninja ## Try twenty pipes on servers that are sick at random (SECONDS=60, SEED=1)
	@ninja -C $(build) -j$(JOBS) penstock penstock_chaos
	@$(build)/penstock_chaos --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1)

test-mutants: deps $(build)/build.ninja ## Put faults back that the histories are to find
	@ninja -C $(build) -j$(JOBS) penstock penstock_histories
	@scripts/test-mutants.sh $(build)

test-postgres: deps $(build)/build.ninja ## Run tests against another PostgreSQL (PG=13 to 18; TESTS as with test)
	@[ -n "$(PG)" ] || { echo "test-postgres: say which with PG=, one of" $$(scripts/postgres-versions.sh) >&2; exit 2; }
	@ninja -C $(build) -j$(JOBS) $(if $(TESTS),all,penstock $(postgres_programs))
	@scripts/test-postgres.sh $(PG) $(build) -j$(TEST_JOBS) $(if $(TESTS),$(TESTS),$(postgres_tests))

test-types: deps $(build)/build.ninja ## Try random tables of every type, loaded and streamed (SEEDS=from-to)
	@ninja -C $(build) -j$(JOBS) penstock penstock_types
	@$(build)/penstock_types --seeds $(SEEDS)

# Clang's own build: the parsers of foreign bytes alone.
SECONDS ?=
TARGETS ?=
test-fuzz: deps ## Let a fuzzer loose on every parser of foreign bytes (SECONDS each; TARGETS="pgoutput ...")
	@scripts/deps.sh fuzz
	@[ -f build/fuzz/build.ninja ] || cmake --preset fuzz $(CMAKE_ARGS)
	@ninja -C build/fuzz -j$(JOBS)
	@scripts/test-fuzz.sh build/fuzz $(or $(SECONDS),15) $(TARGETS)

# What takes hours: all that the others try a slice of.
nightly_versions := 13 14 16 17 18
test-nightly: ## Everything that takes hours: all cases, 1000 histories, all types, fuzzing, PostgreSQL 13 to 18, sanitizers
	@PENSTOCK_NIGHTLY=1 PENSTOCK_KILLS=60 PENSTOCK_SEARCH=5 $(MAKE) --no-print-directory test test-cases test-clients
	@$(MAKE) --no-print-directory test-histories SEEDS=1-1000
	@$(MAKE) --no-print-directory test-histories SEEDS=1001-1200 HISTORIES=--kills
	@$(MAKE) --no-print-directory test-chaos SECONDS=600
	@$(MAKE) --no-print-directory test-mutants
	@$(MAKE) --no-print-directory test-types SEEDS=1-400
	@$(MAKE) --no-print-directory test-fuzz SECONDS=1200
	@for version in $(nightly_versions); do $(MAKE) --no-print-directory test-postgres PG=$$version || exit; done
	@$(MAKE) --no-print-directory test-asan
	@$(MAKE) --no-print-directory test-tsan

# The engine's library cannot be loaded beside a sanitizer: the release build's program runs it for these tests.
test-asan test-tsan: engine-program
test-asan: ; @$(MAKE) --no-print-directory test PRESET=asan ## The same under AddressSanitizer and UBSan
test-tsan: ; @$(MAKE) --no-print-directory test PRESET=tsan ## The same under ThreadSanitizer

engine-program: deps
	@[ -f build/release/build.ninja ] || cmake --preset release $(CMAKE_ARGS)
	@ninja -C build/release -j$(JOBS) penstock

bench: deps $(build)/build.ninja ## Measure load and stream beside their limits and peers
	@ninja -C $(build) -j$(JOBS) penstock penstock_bench
	@$(build)/penstock_bench $(BENCH)

check: fmt-check lint test ## What must pass before a change goes in: format, lint, tests

lint: lint-deps $(build)/build.ninja ## Run clang-tidy on the files that changed since they last passed
	@ninja -C $(build) -j$(JOBS)
	@scripts/lint.sh $(build)

fmt: lint-deps ## Format the sources
	@git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format-14 -i

fmt-check: lint-deps
	@git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format-14 --dry-run --Werror

clean: ## Remove what was built (deps stay)
	rm -rf build .penstock
