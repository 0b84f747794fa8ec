# SPDX-License-Identifier: LGPL-2.1-or-later
# A thin face over meson: `make` builds build/berth, `make help` lists the rest.

BUILD  ?= build
PREFIX ?= /usr/local
MESON  ?= meson
MESON_OPTIONS ?=

.PHONY: all help deps check-deps bench-deps demo check check-asan bench fuzz format install clean

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	$(MESON) setup $(BUILD) --prefix=$(PREFIX) $(MESON_OPTIONS)

help:
	@echo 'make              build $(BUILD)/berth'
	@echo 'sudo make deps    install what the build needs (apt, dnf, pacman, zypper, apk, emerge)'
	@echo 'sudo make demo    deps, build, and the main job with its output shown'
	@echo 'sudo make check   install what the tests need, and run all of them'
	@echo 'sudo make bench   side by side with the peers, into docs/benchmarks.md'
	@echo 'make fuzz         libFuzzer targets, FUZZ_SECONDS each (needs clang)'
	@echo 'make format       lay the sources out'
	@echo 'make install      honours DESTDIR and PREFIX'

deps:
	tools/deps build

check-deps:
	tools/deps build check

bench-deps:
	tools/deps build bench

demo: deps all
	tools/demo $(BUILD)/berth

check: check-deps all
	tests/run $(BUILD)

# The same suites against binaries with AddressSanitizer and UndefinedBehaviorSanitizer.
check-asan: check-deps
	[ -e $(BUILD)-asan/build.ninja ] || $(MESON) setup $(BUILD)-asan -Db_sanitize=address,undefined -Db_lundef=false
	ninja -C $(BUILD)-asan
	tests/run $(BUILD)-asan

bench: bench-deps
	[ -e $(BUILD)-release/build.ninja ] || $(MESON) setup $(BUILD)-release --buildtype=release
	ninja -C $(BUILD)-release
	bench/run $(BUILD)-release

fuzz:
	tools/fuzz $(BUILD)-fuzz

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

install: all
	DESTDIR=$(DESTDIR) $(MESON) install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-release $(BUILD)-fuzz
