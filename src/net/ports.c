/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keeper of a machine's published ports, a process beside its supervisor: it outlives one that was killed, as the machine may,
 * and goes by itself when the machine's first process is gone. The rules are removed by whoever cleans up after the machine. */

#include "net/net.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "net/message.h"
#include "net/relay.h"
#include "sys/process.h"

typedef struct Listener {
        int fd;
        bool ipv6;
        const NetPort *port;
} Listener;

typedef struct Keeper {
        char *table;
        NetPort *ports;
        size_t n_ports;
        Listener *listeners; /* two for each port at most */
        size_t n_listeners;
        NetTargets targets;
        int leader;
        int dump, events; /* rtnetlink sockets in the machine's network */
        RelayFlow flows[RELAY_FLOWS];
} Keeper;

static void keeper_done(Keeper *k)
{
        for (size_t i = 0; i < k->n_listeners; i++)
                fd_close(k->listeners[i].fd);
        fd_close(k->dump);
        fd_close(k->events);
        free(k->listeners);
        free(k->ports);
        free(k->table);
}

static void take_ports(Keeper *k, const MachinePlan *plan)
{
        k->ports = xnew(NetPort, plan->n);
        for (size_t i = 0; i < plan->n; i++) {
                const PlanOp *op = &plan->items[i];
                if (op->type == OP_NET_PORT)
                        k->ports[k->n_ports++] = (NetPort){(uint8_t)op->number, (uint16_t)op->value, (uint16_t)op->value2};
        }
        k->table = xasprintf(NET_PORTS_TABLE "%s", plan->name);
}

static int open_listeners(Keeper *k, Error *e)
{
        k->listeners = xnew(Listener, 2 * k->n_ports);
        for (size_t i = 0; i < 2 * k->n_ports; i++) {
                Listener l = {.ipv6 = i % 2, .port = &k->ports[i / 2]};
                l.fd = relay_listen(l.ipv6, l.port);
                if (l.fd == -EAFNOSUPPORT)
                        continue;
                if (l.fd < 0)
                        return error_sys(e, l.fd, "cannot publish port %s:%u of the host",
                                         l.port->protocol == IPPROTO_UDP ? "udp" : "tcp", l.port->host);
                k->listeners[k->n_listeners++] = l;
        }
        return 0;
}

static int watch_addresses(Keeper *k, int netns_fd, Error *e)
{
        /* Bound, as the kernel tells its own news to no socket without an address. */
        const struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};

        k->dump = net_socket_in(netns_fd, NETLINK_ROUTE, e);
        if (k->dump < 0)
                return k->dump;
        k->events = net_socket_in(netns_fd, NETLINK_ROUTE, e);
        if (k->events < 0)
                return k->events;
        if (bind(k->events, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
                return error_sys(e, -errno, "cannot watch the addresses of the machine");
        return 0;
}

/* The first address of each family that others can reach. */
static int find_targets(const Keeper *k, NetTargets *ret)
{
        NetAddresses list = {};
        int r = net_addresses_on(k->dump, &list);

        *ret = (NetTargets){};
        for (size_t i = 0; r >= 0 && i < list.n; i++) {
                const NetAddress *a = &list.items[i];
                NetAddress *to = a->family == AF_INET ? &ret->ipv4 : &ret->ipv6;
                if (a->scope < RT_SCOPE_LINK && to->family == 0)
                        *to = *a;
        }
        free(list.items);
        return r;
}

static int update(Keeper *k)
{
        NetTargets now;
        int r = find_targets(k, &now);

        if (r < 0 || memcmp(&now, &k->targets, sizeof(now)) == 0)
                return r;
        k->targets = now;
        return net_rules_ports(k->table, k->ports, k->n_ports, &now);
}

static void on_addresses(Keeper *k)
{
        char data[8192];

        while (recv(k->events, data, sizeof(data), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
                ;
        (void)update(k); /* nobody is there to be told; the next change tries again */
}

#define FIXED 2 /* leader, addresses */

static int look(Keeper *k, struct pollfd *p)
{
        size_t n = FIXED;

        p[0] = (struct pollfd){.fd = k->leader, .events = POLLIN};
        p[1] = (struct pollfd){.fd = k->events, .events = POLLIN};
        for (size_t i = 0; i < k->n_listeners; i++)
                p[n++] = (struct pollfd){.fd = k->listeners[i].fd, .events = POLLIN};
        for (size_t i = 0; i < RELAY_FLOWS; i++)
                p[n++] = (struct pollfd){.fd = k->flows[i].fd, .events = POLLIN};
        return poll(p, n, -1);
}

static _noreturn_ void keep(Keeper *k)
{
        struct pollfd *p = xnew(struct pollfd, FIXED + k->n_listeners + RELAY_FLOWS);

        for (;;) {
                if (look(k, p) < 0 && errno != EINTR)
                        _exit(1);
                if (p[0].revents)
                        _exit(0);
                if (p[1].revents)
                        on_addresses(k);
                for (size_t i = 0; i < k->n_listeners; i++) {
                        const Listener *l = &k->listeners[i];
                        if (p[FIXED + i].revents && l->port->protocol == IPPROTO_TCP)
                                relay_accept(l->fd, l->ipv6, l->port, &k->targets, k->leader);
                        else if (p[FIXED + i].revents)
                                relay_datagram(k->flows, l->fd, l->ipv6, l->port, &k->targets);
                }
                for (size_t i = 0; i < RELAY_FLOWS; i++)
                        if (p[FIXED + k->n_listeners + i].revents && k->flows[i].fd == p[FIXED + k->n_listeners + i].fd)
                                relay_answer(&k->flows[i]);
        }
}

static int compare_ints(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

/* In the new process: nothing of the caller's stays open, and no signal meant for the caller's terminal or group reaches it. */
static _noreturn_ void become_keeper(Keeper *k)
{
        int *fds = xnew(int, 3 + k->n_listeners);
        sigset_t none;
        size_t n = 0;

        (void)setsid();
        (void)chdir("/");
        for (int fd = 0; fd < 3; fd++)
                fd_close(fd);
        fds[n++] = k->leader;
        fds[n++] = k->dump;
        fds[n++] = k->events;
        for (size_t i = 0; i < k->n_listeners; i++)
                fds[n++] = k->listeners[i].fd;
        qsort(fds, n, sizeof(*fds), compare_ints);
        (void)sys_close_all_fds(0, fds, n);
        (void)signal(SIGCHLD, SIG_IGN); /* the children of relay_accept() are nobody's business */
        (void)signal(SIGPIPE, SIG_IGN);
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)prctl(PR_SET_NAME, "berth: ports", 0, 0, 0);
        keep(k);
}

static int start(Keeper *k, int netns_fd, int *ret_pidfd, Error *e)
{
        int r = open_listeners(k, e);

        if (r >= 0)
                r = watch_addresses(k, netns_fd, e);
        if (r < 0)
                return r;
        r = net_forwarding_enable();
        if (r >= 0)
                r = update(k); /* those that were given from outside are known already */
        if (r < 0)
                return error_sys(e, r, "cannot write table '%s' of nftables", k->table);
        pid_t pid = sys_clone(0, -1, ret_pidfd);
        if (pid == 0)
                become_keeper(k);
        return pid < 0 ? error_sys(e, (int)pid, "cannot start a process for the published ports") : 0;
}

int net_ports_keep(const MachinePlan *plan, int leader_pidfd, int netns_fd, int *ret_pidfd, Error *e)
{
        Keeper k = {.leader = leader_pidfd, .dump = -1, .events = -1};
        int r = 0;

        *ret_pidfd = -1;
        for (size_t i = 0; i < RELAY_FLOWS; i++)
                k.flows[i].fd = -1;
        take_ports(&k, plan);
        if (k.n_ports > 0)
                r = start(&k, netns_fd, ret_pidfd, e);
        keeper_done(&k);
        return r;
}
