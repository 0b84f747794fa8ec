/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strv.h"
#include "machine/machine.h"

#define ADDRESSES_MAX 65536

static bool format(const struct ifaddrs *i, char ret[static INET6_ADDRSTRLEN])
{
        if (!i->ifa_addr || (i->ifa_flags & IFF_LOOPBACK))
                return false;
        if (i->ifa_addr->sa_family == AF_INET)
                return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, ret,
                                 INET6_ADDRSTRLEN);
        if (i->ifa_addr->sa_family != AF_INET6)
                return false;
        const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
        return !IN6_IS_ADDR_LINKLOCAL(a) && inet_ntop(AF_INET6, a, ret, INET6_ADDRSTRLEN);
}

/* In a child: setns(2) into the network of a machine changes the whole calling thread. */
static _noreturn_ void report(pid_t leader, int out)
{
        _cleanup_free_ char *path = xasprintf("/proc/%d/ns/net", leader);
        struct ifaddrs *list = NULL;
        char text[INET6_ADDRSTRLEN];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || setns(fd, CLONE_NEWNET) < 0 || getifaddrs(&list) < 0)
                _exit(1);
        for (const struct ifaddrs *i = list; i; i = i->ifa_next)
                if (format(i, text))
                        (void)dprintf(out, "%s\n", text);
        _exit(0);
}

void machine_addresses(Machine *m)
{
        int p[2];
        if (!m->network_private || geteuid() != 0 || pipe2(p, O_CLOEXEC) < 0)
                return;
        _cleanup_close_ int in = p[0], out = p[1];
        pid_t pid = fork();
        if (pid == 0)
                report(m->leader, out);
        out = fd_close(out);
        if (pid < 0)
                return;
        _cleanup_free_ char *text = NULL;
        size_t len;
        if (file_read_fd(in, ADDRESSES_MAX, &text, &len) >= 0)
                m->addresses = strv_split(text, "\n");
        (void)waitpid(pid, NULL, 0);
}
