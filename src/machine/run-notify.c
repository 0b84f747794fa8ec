/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

#define TEXT_MAX 4096

/* A path, or "@name" in the abstract namespace. */
static int connect_to(const char *where)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t len = strlen(where);

        if ((*where != '/' && *where != '@') || len >= sizeof(address.sun_path))
                return -1;
        memcpy(address.sun_path, where, len);
        if (*where == '@')
                address.sun_path[0] = '\0';
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) >= 0)
                return fd;
        return fd_close(fd);
}

static uint64_t watchdog(void)
{
        const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
        uint64_t v = 0, of = 0;

        if (!usec || str_parse_u64(usec, &v) < 0)
                return 0;
        if (pid && (str_parse_u64(pid, &of) < 0 || of != (uint64_t)getpid()))
                return 0;
        return v / 2;
}

HostNotify host_notify_open(void)
{
        static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
        const char *socket = getenv(names[0]);
        HostNotify n = {.fd = socket ? connect_to(socket) : -1};

        n.watchdog_usec = n.fd >= 0 ? watchdog() : 0;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) /* they are for this process, not for hooks */
                (void)unsetenv(names[i]);
        return n;
}

void host_notify_close(HostNotify *n)
{
        n->fd = fd_close(n->fd);
}

/* A manager that does not listen misses something; the machine is not held up for that. */
static void tell(const HostNotify *n, const char *text)
{
        if (n->fd >= 0)
                (void)send(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void host_notify_created(const HostNotify *n, pid_t leader)
{
        char text[80];

        (void)snprintf(text, sizeof(text), "STATUS=Container running.\nX_NSPAWN_LEADER_PID=%d", leader);
        tell(n, text);
}

void host_notify_ready(const HostNotify *n)
{
        tell(n, "READY=1");
}

void host_notify_status(const HostNotify *n, const char *status)
{
        char text[TEXT_MAX];

        (void)snprintf(text, sizeof(text), "STATUS=Container running: %s", status);
        tell(n, text);
}

void host_notify_alive(const HostNotify *n)
{
        tell(n, "WATCHDOG=1");
}

void host_notify_end(const HostNotify *n, bool restart)
{
        tell(n, restart ? "STOPPING=1\nSTATUS=Restarting..." : "STOPPING=1\nSTATUS=Terminating...");
}
