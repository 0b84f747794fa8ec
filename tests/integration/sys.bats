#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel operations below everything else, tried by themselves. The programs clean up after themselves; what is checked here is that they do.

load lib/berth

setup() {
        [ "$(id -u)" = 0 ] || skip "needs root"
        programs=$(dirname "$BERTH")/tests/unit/sys
        T=$(mktemp -d "${BERTH_TEST_PLACE:-/var/tmp}/berth-test.XXXXXX")
        chmod 755 "$T" # guests of the tests must get through
        export BERTH_TEST_PLACE=$T
}

teardown() {
        [ -n "${T-}" ] || return 0
        ! grep -F "$T" /proc/self/mountinfo
        rmdir "$T" # fails when anything was left in it
}

@test "guests write through overlays over ID-mapped layers" {
        "$programs/test-sys-privileged-overlay"
}

@test "cgroups, copies, mounts, interfaces and ID maps" {
        "$programs/test-sys-privileged-root"
}
