/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a service manager that runs berth in the foreground is told by sd_notify(3), in the words of systemd-nspawn, and that its watchdog
 * is fed. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct HostNotify {
        int fd;                 /* -1: nobody asked */
        uint64_t watchdog_usec; /* between two signs of life; 0: none are wanted */
} HostNotify;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment. Failures are those of who asked: nothing is told then. */
HostNotify host_notify_open(void);
void host_notify_close(HostNotify *n);

void host_notify_created(const HostNotify *n, pid_t leader);
void host_notify_ready(const HostNotify *n);
void host_notify_status(const HostNotify *n, const char *text); /* of the payload's PID 1 */
void host_notify_alive(const HostNotify *n);
void host_notify_end(const HostNotify *n, bool restart);
