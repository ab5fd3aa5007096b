# One door for everything: `make help` lists it. Needs Debian 12, git and make; the rest is fetched by `make deps`,
# which every target that needs it runs by itself.

# Which build a target works on: release, dev, asan or tsan (CMakePresets.json).
PRESET ?= release
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# Test programs at once: one more than cores, for they wait half of their time.
TEST_JOBS ?= $(shell expr $(JOBS) + 1)
# Handed to ctest as it is: make test TESTS='-R unit.core'
TESTS ?=
# Handed to the benchmark: make bench BENCH='--rows 6000000', or --help
BENCH ?=
build := build/$(PRESET)

.DEFAULT_GOAL := help
.PHONY: help deps lint-deps build demo test test-asan test-tsan engine-program bench check lint fmt fmt-check clean

help: ## Show this list
	@echo 'Penstock: PostgreSQL into ClickHouse, declared by a Pipe.'; echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | \
	  while IFS="$$(printf '\t')" read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done
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
