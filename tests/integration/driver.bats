#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# One behaviour for all drivers: the list in lib/behaviours.bash on those that need no file system of their own. store-btrfs and store-zfs have
# it on theirs.

load lib/berth
load lib/behaviours

setup() { berth_setup; }
teardown() { berth_teardown; }

@test "one behaviour: directory" { behave directory; berth_no_debris; }
@test "one behaviour: overlay" { behave overlay; berth_no_debris; }
@test "one behaviour: raw" { behave raw; berth_no_debris; }
