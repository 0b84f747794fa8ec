/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* clone3(2) (Linux 5.3) with a pidfd and, when cgroup_fd >= 0, CLONE_INTO_CGROUP (Linux 5.7; fallback: none, the caller
 * writes cgroup.procs when -EOPNOTSUPP or -EINVAL comes back). Returns the pid in the parent, 0 in the child, -errno. The pid is
 * the parent's view. */
pid_t sys_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd);

/* Changes the effective user alone, of a process whose real one is root: all capabilities stay, and so does its view of itself in /proc. */
int sys_act_as(uid_t uid);

int sys_pidfd_open(pid_t pid); /* Linux 5.3 */
int sys_pidfd_send_signal(int pidfd, int sig);
int sys_pidfd_wait(int pidfd, siginfo_t *ret); /* waitid(P_PIDFD), blocking, children only */
bool sys_pidfd_alive(int pidfd);               /* poll: not yet exited */

/* Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat): with the pid, an identity that survives
 * reuse of the number. */
int sys_process_starttime(pid_t pid, uint64_t *ret);
/* Whether a process would take notice of a signal: it has a handler for it, blocks it, or waits in sigtimedwait(2). To a PID 1 that does
 * none of these (yet) the kernel does not deliver it at all. True for sure; false also when the kernel does not tell where it waits. */
bool sys_process_listens(pid_t pid, int sig);
int sys_boot_id(char ret[static 33]); /* 32 hex digits of /proc/sys/kernel/random/boot_id */

/* What ps(1) shows of the calling process instead of its command line. */
int sys_set_title(const char *title);

/* close_range(2) from first upwards, except the n fds in keep (sorted ascending). */
int sys_close_all_fds(unsigned first, const int *keep, size_t n);

/* One datagram or stream message with up to 250 descriptors over a unix socket. */
int sys_send_fds(int sock, const void *data, size_t len, const int *fds, size_t n_fds);
ssize_t sys_recv_fds(int sock, void *data, size_t len, int *fds, size_t max_fds, size_t *ret_n_fds); /* close-on-exec */
