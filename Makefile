# The doors to the tree: everything here only calls cmake, ctest and the scripts in tools/.
#
# CXX=clang++ builds in a folder of its own; MODEL=PATH lets `make demo` and `make bench` use other weights.

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
PICTURE ?= tests/data/starter/samples/s1.png
OBJECT ?= apple
MODEL ?=
TORCH ?=

# make has a CXX of its own: only one that was asked for counts.
ifeq ($(origin CXX),default)
  suffix :=
  compiler :=
else
  suffix := -$(notdir $(firstword $(CXX)))
  compiler := -DCMAKE_CXX_COMPILER=$(firstword $(CXX))
endif
clang := $(if $(findstring clang,$(suffix)),clang)

# What `make check` leaves out: big or slow weights, servers, browsers, hours of mutants.
OTHER_LABELS := model|slow|clients|cluster|browser|fuzz

moonbeam := build/release$(suffix)/apps/cli/moonbeam
use_model := $(if $(MODEL),-m $(MODEL))

# $(call build,PRESET[,TARGETS]): configures and builds in build/PRESET.
define build
	cmake --preset $(1) -B build/$(1)$(suffix) $(compiler) >build/$(1)$(suffix).log 2>&1 \
	  || { cat build/$(1)$(suffix).log; exit 1; }
	cmake --build build/$(1)$(suffix) -j $(JOBS) $(if $(2),--target $(2))
endef

# $(call test,PRESET,CTEST ARGUMENTS)
define test
	ctest --test-dir build/$(1)$(suffix) -j $(JOBS) --output-on-failure --no-tests=error $(2)
endef

.PHONY: help demo check check-all train asan tsan coverage aarch64 tidy format bench gate install clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

build:
	@mkdir -p build

demo: | build  ## install packages, build, caption and detect on a sample picture, write demo.png
	@tools/install-packages demo $(clang)
	@$(call build,release,moonbeam_cli)
	$(moonbeam) caption $(use_model) $(PICTURE)
	$(moonbeam) detect $(use_model) $(PICTURE) '$(OBJECT)' --draw demo.png
	@echo "wrote demo.png"

check: | build  ## install packages, build and run the quick tests
	@tools/install-packages check $(clang)
	@$(call build,ci)
	$(call test,ci,-LE '$(OTHER_LABELS)')

check-all: | build  ## every test; the ones on full-size weights need 10 GB of memory, one at a time
	@tools/install-packages check $(clang)
	@$(call build,ci)
	$(call test,ci,-LE model)
	$(call test,ci,-L model -j 1)

train: | build  ## build the trainer and test it; TORCH=FOLDER names the torch package where python3 has none
	@tools/install-packages train $(clang)
	@cmake --preset train -B build/train$(suffix) $(compiler) $(if $(TORCH),-DMOONBEAM_TORCH=$(TORCH)) \
	  >build/train$(suffix).log 2>&1 || { cat build/train$(suffix).log; exit 1; }
	cmake --build build/train$(suffix) -j $(JOBS) --target trainer moonbeam_cli
	$(call test,train,-L train)

asan: | build  ## the quick tests under AddressSanitizer and UBSan
	@tools/install-packages check $(clang)
	@$(call build,asan)
	$(call test,asan,-LE '$(OTHER_LABELS)')

tsan: | build  ## the quick tests under ThreadSanitizer
	@tools/install-packages check $(clang)
	@$(call build,tsan)
	$(call test,tsan,-LE '$(OTHER_LABELS)')

coverage: | build  ## lines of src/ that the quick tests run; fails under 90 %
	@tools/install-packages dev
	@$(call build,coverage)
	@find build/coverage -name '*.gcda' -delete
	$(call test,coverage,-LE '$(OTHER_LABELS)')
	gcovr --root . --object-directory build/coverage --filter 'src/' --exclude '.*_test\.cc' --exclude '.*/test_.*' \
	  --exclude-throw-branches --print-summary --fail-under-line 90

# Each processor tests the tables that the one before it does not have.
aarch64: | build  ## cross-build the arithmetic for 64-bit ARM and test it under qemu
	@tools/install-packages aarch64
	@cmake -B build/aarch64 -G Ninja -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake -DCMAKE_BUILD_TYPE=Release \
	  -DMOONBEAM_BUILD_APPS=OFF >build/aarch64.log 2>&1 || { cat build/aarch64.log; exit 1; }
	cmake --build build/aarch64 -j $(JOBS) --target kernels_test tensor_test ops_test limits_test
	for program in tensor kernels ops limits; do for cpu in cortex-a53 neoverse-n1 max; do \
	  echo "$${program}_test on $$cpu"; \
	  case $$cpu in \
	    cortex-a53) tests='*' ;; \
	    neoverse-n1) tests='-*/scalar:*/neon' ;; \
	    *) tests='-*/scalar:*/neon:*/neon_dotprod' ;; \
	  esac; \
	  qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu $$cpu build/aarch64/src/$$program/$${program}_test --gtest_brief=1 \
	    --gtest_filter="$$tests" || exit 1; \
	done; done

tidy: | build  ## clang-format and clang-tidy over our files
	@tools/install-packages dev
	tools/tidy $(JOBS)

format:  ## lay out our files with clang-format
	git ls-files '*.cc' '*.h' | xargs clang-format -i

bench: | build  ## build the benchmarks and time the kernels
	@tools/install-packages check $(clang)
	@$(call build,ci)
	build/ci$(suffix)/bench/bench_limits
	build/ci$(suffix)/bench/bench_kernels

# What a busy machine spoils once it rarely spoils in ten repeats; what others take of caches and memory it cannot know.
gate: | build  ## compare the kernels' rates with bench/baseline.txt, if that has this CPU
	@tools/install-packages check $(clang)
	@$(call build,ci,bench_kernels)
	@fell=0; for type in int8 bf16_packed; do \
	  build/ci$(suffix)/bench/bench_kernels --isa avx512bf16 --only gemm --type $$type --runs 9 --gate bench/baseline.txt \
	    >build/gate.log || fell=1; grep '^gate' build/gate.log; done; exit $$fell

install: | build  ## build and install under PREFIX (/usr/local), below DESTDIR if that is set
	@tools/install-packages demo $(clang)
	@cmake --preset release -B build/release$(suffix) $(compiler) -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build build/release$(suffix) -j $(JOBS)
	cmake --install build/release$(suffix)

clean:  ## remove everything that was built
	rm -rf build demo.png
