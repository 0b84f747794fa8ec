/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Datagrams of the sd_notify(3) protocol: lines of NAME=VALUE. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NOTIFY_SIZE_MAX 4096

typedef struct NotifyMessage {
        bool ready, stopping, reloading;
        const char *status; /* within the buffer, NULL when absent */
} NotifyMessage;

/* Cuts buf (n bytes and room for a NUL behind them) into lines. */
void notify_parse(char *buf, size_t n, NotifyMessage *ret);

/* The next datagram of process `sender`: 1 and *ret, which lives in buf; 0 when none is left; -errno. Others' are dropped. */
int notify_receive(int fd, pid_t sender, char buf[static NOTIFY_SIZE_MAX + 1], NotifyMessage *ret);
