/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way of sys_cgroup_kill() before Linux 5.14, for the tests: directory is the cgroup's full path, dir a descriptor of it. */
int cgroup_kill_until_empty(const char *directory, int dir);
