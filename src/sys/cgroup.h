/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's cgroup2 hierarchy: /sys/fs/cgroup itself (unified) or /sys/fs/cgroup/unified (hybrid); a v1-only host has none.
 * berth only ever makes and removes directories of its own below the cgroup it runs in (or below machine.slice at the root when
 * it runs in the root cgroup); it never mounts or remounts anything there. */

#include <stdbool.h>
#include <sys/types.h>

const char *sys_cgroup_mountpoint(void);  /* of cgroup2, NULL when there is none */
int sys_cgroup_of(pid_t pid, char **ret); /* a process's cgroup2 path, "/…" */
int sys_cgroup_self(char **ret);

/* Where berth makes its cgroups: the own cgroup, or "/machine.slice" when that is the root. */
int sys_cgroup_base(char **ret);

int sys_cgroup_make(const char *path, int *ret_fd); /* path below the mount point; parents are made; O_DIRECTORY fd */
/* Hands the controllers of path on to its children ("cgroup.subtree_control"), each that can be; a cgroup with processes of its
 * own cannot. */
int sys_cgroup_enable_controllers(const char *path);
/* Delegates: chowns the directory and the files that delegation needs (cgroups(7)). */
int sys_cgroup_own(const char *path, uid_t uid, gid_t gid);
int sys_cgroup_attach(const char *path, pid_t pid);
/* Of it and everything below: cgroup.kill (Linux 5.14), which does not wait, else SIGKILL by cgroup.procs until it is empty. */
int sys_cgroup_kill(const char *path);
int sys_cgroup_freeze(const char *path, bool on); /* waits until cgroup.events says so */
int sys_cgroup_is_frozen(const char *path);       /* by itself, not by one above it: 1, 0 or -errno */
/* To each process of it and of those below; one that is made meanwhile may be missed. */
int sys_cgroup_signal(const char *path, int signal);
/* The numbers in that file ("cgroup.procs", "cgroup.threads") of it and of those below, added to *ret. */
int sys_cgroup_members(const char *path, const char *file, char ***ret);
int sys_cgroup_populated(const char *path); /* 1, 0 or -errno */
/* Of one without processes and groups below: else -EBUSY, at once. */
int sys_cgroup_remove_empty(const char *path);
/* rmdir of it and everything below; waits up to 2 s for processes that are dying, then -EBUSY; 0 if absent. */
int sys_cgroup_remove(const char *path);
