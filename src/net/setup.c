/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "net/link.h"
#include "net/message.h"
#include "net/rules.h"
#include "net/zone.h"

typedef struct Setup {
        int netns_fd;
        int host, inside; /* rtnetlink sockets; -1 until one is needed */
        int zone_lock;    /* from the zone's bridge to the end, so that nobody finds it without its port */
} Setup;

static int inside_socket(Setup *s, Error *e)
{
        if (s->inside < 0)
                s->inside = net_socket_in(s->netns_fd, NETLINK_ROUTE, e);
        return s->inside < 0 ? -EIO : 0;
}

static int find(Setup *s, const char *name, NetLink *ret, Error *e)
{
        int r = net_link_find(s->host, name, ret);

        return r < 0 ? error_sys(e, r, "cannot find network interface '%s'", name) : 0;
}

static int run_zone(Setup *s, const PlanOp *op, Error *e)
{
        s->zone_lock = net_zone_lock(e);
        return s->zone_lock < 0 ? s->zone_lock : net_zone_make(s->host, op->text, op->mac, &op->addresses, e);
}

static int run_veth(Setup *s, const PlanOp *op, Error *e)
{
        const NetNewLink l = {.kind = "veth",
                              .name = op->text,
                              .mac = op->mac,
                              .peer = op->source,
                              .peer_mac = op->mac2,
                              .mtu = (uint32_t)op->value,
                              .netns_fd = s->netns_fd};
        NetLink made;
        int r = net_link_new(s->host, &l);

        if (r == -EEXIST)
                return error_set(e, r, "the host has a network interface '%s' already; remove it with 'ip link delete %s'",
                                 op->text, op->text);
        if (r < 0)
                return error_sys(e, r, "cannot make network interface '%s'", op->text);
        if (op->alias && find(s, op->text, &made, NULL) >= 0)
                (void)net_link_add_alternative(s->host, made.index,
                                               op->alias); /* before Linux 5.5 there are none, and nothing goes by it */
        return 0;
}

static int run_join(Setup *s, const PlanOp *op, Error *e)
{
        NetLink port, bridge;
        int r = find(s, op->text, &port, e);

        if (r >= 0)
                r = find(s, op->source, &bridge, e);
        if (r < 0)
                return r;
        r = net_link_set_master(s->host, port.index, bridge.index);
        return r < 0 ? error_sys(e, r, "cannot make '%s' a port of bridge '%s'", op->text, op->source) : 0;
}

static int configure(int fd, int index, const PlanOp *op, Error *e)
{
        int r = net_link_set_up(fd, index, 0);

        for (size_t i = 0; r >= 0 && i < op->addresses.n; i++)
                r = net_address_add(fd, index, &op->addresses.items[i]);
        if (r < 0)
                return error_sys(e, r, "cannot give network interface '%s' its address", op->text);
        for (size_t i = 0; r >= 0 && i < op->gateways.n; i++)
                r = net_gateway_add(fd, index, &op->gateways.items[i]);
        return r < 0 ? error_sys(e, r, "cannot set the gateway of network interface '%s'", op->text) : 0;
}

static int run_up(Setup *s, const PlanOp *op, Error *e)
{
        NetLink l;
        int r = find(s, op->text, &l, e);

        return r < 0 ? r : configure(s->host, l.index, op, e);
}

static int run_rate(Setup *s, const PlanOp *op, Error *e)
{
        NetLink l;
        int r = find(s, op->text, &l, e);

        if (r < 0)
                return r;
        r = net_link_limit(s->host, l.index, op->value);
        return r < 0 ? error_sys(e, r, "cannot limit what leaves by network interface '%s'", op->text) : 0;
}

static int run_configure(Setup *s, const PlanOp *op, Error *e)
{
        NetLink l;
        int r = inside_socket(s, e);

        if (r < 0)
                return r;
        r = net_link_find(s->inside, op->text, &l);
        return r < 0 ? error_sys(e, r, "cannot find network interface '%s' in the machine", op->text)
                     : configure(s->inside, l.index, op, e);
}

static int run_vlan(Setup *s, const PlanOp *op, Error *e)
{
        const char *kind = op->type == OP_NET_MACVLAN ? "macvlan" : "ipvlan";
        NetLink parent;
        int r = find(s, op->text, &parent, e);

        if (r < 0)
                return r;
        r = net_link_new(s->host, &(NetNewLink){.kind = kind,
                                                .name = op->source,
                                                .mac = op->mac2,
                                                .parent = parent.index,
                                                .mtu = (uint32_t)op->value,
                                                .netns_fd = s->netns_fd});
        return r < 0 ? error_sys(e, r, "cannot make %s '%s' on network interface '%s'", kind, op->source, op->text) : 0;
}

/* The kernel takes them away from an interface that changes its namespace. */
static int give_addresses(Setup *s, const PlanOp *op, unsigned old_index, const NetAddresses *all, Error *e)
{
        NetLink l;
        int r = inside_socket(s, e);

        if (r < 0)
                return r;
        r = net_link_find(s->inside, op->source, &l);
        if (r >= 0)
                r = net_link_set_up(s->inside, l.index, 0);
        for (size_t i = 0; r >= 0 && i < all->n; i++) {
                const NetAddress *from = &all->items[i];
                SpecAddress a = {.family = from->family, .prefix = from->prefix};
                memcpy(a.bytes, from->bytes, sizeof(a.bytes));
                if (from->index == old_index && from->scope == RT_SCOPE_UNIVERSE && from->permanent)
                        r = net_address_add(s->inside, l.index, &a);
        }
        return r < 0 ? error_sys(e, r, "cannot set up network interface '%s' in the machine", op->source) : 0;
}

static int run_move(Setup *s, const PlanOp *op, Error *e)
{
        NetAddresses all = {};
        NetLink l;
        int r = find(s, op->text, &l, e);

        if (r < 0)
                return r;
        if (op->options)
                r = net_addresses_on(s->host, &all);
        if (r >= 0)
                r = net_link_move(s->host, l.index, s->netns_fd, op->source, (uint32_t)op->value);
        if (r < 0)
                (void)error_sys(e, r, "cannot move network interface '%s' into the machine", op->text);
        else if (op->options)
                r = give_addresses(s, op, (unsigned)l.index, &all, e);
        free(all.items);
        return r;
}

static int run_masquerade(Setup *s, const PlanOp *op, Error *e)
{
        int r = net_forwarding_enable();

        if (r < 0)
                return error_sys(e, r,
                                 "cannot make the host pass packets on (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding)");
        r = net_rules_masquerade(op->path, &op->addresses);
        return r < 0 ? error_sys(e, r, "cannot write table '%s' of nftables", op->path) : 0;
}

typedef int (*Run)(Setup *s, const PlanOp *op, Error *e);

static Run run_of(PlanOpType type)
{
        static const struct {
                PlanOpType type;
                Run run;
        } rows[] = {
                        {OP_NET_RATE, run_rate},
                        {OP_NET_ZONE, run_zone},
                        {OP_NET_VETH, run_veth},
                        {OP_NET_JOIN, run_join},
                        {OP_NET_UP, run_up},
                        {OP_NET_MACVLAN, run_vlan},
                        {OP_NET_IPVLAN, run_vlan},
                        {OP_NET_MOVE, run_move},
                        {OP_NET_CONFIGURE, run_configure},
                        {OP_NET_MASQUERADE, run_masquerade},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].type == type)
                        return rows[i].run;
        return NULL; /* OP_NET_PORT */
}

int net_setup(const MachinePlan *plan, int netns_fd, Error *e)
{
        Setup s = {.netns_fd = netns_fd, .host = -1, .inside = -1, .zone_lock = -1};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < plan->n; i++) {
                const PlanOp *op = &plan->items[i];
                Run run = op->phase == PHASE_NETWORK ? run_of(op->type) : NULL;
                if (!run)
                        continue;
                if (s.host < 0)
                        r = s.host = net_open(NETLINK_ROUTE, e);
                if (r >= 0)
                        r = run(&s, op, e);
        }
        net_zone_unlock(&s.zone_lock);
        fd_close(s.host);
        fd_close(s.inside);
        return r;
}
