/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/lan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "net/link.h"

void net_lan_done(NetLan *l)
{
        free(l->addresses.items);
        free(l->gateways.items);
        free(l->vlans.items);
        *l = (NetLan){};
}

void net_lan_state_done(NetLanState *s)
{
        strv_free(s->ports);
        *s = (NetLanState){};
}

/* ---- what there is ---- */

typedef struct Ports {
        uint32_t bridge;
        int uplink;
        NetLanState *state;
} Ports;

static void take_port(void *ctx, const NetLink *l)
{
        Ports *p = ctx;

        if (l->master != p->bridge)
                return;
        if (l->index == p->uplink)
                p->state->has_uplink = true;
        else
                strv_push(&p->state->ports, l->name);
}

static int read_state(int fd, const char *name, const char *uplink, NetLanState *ret)
{
        NetLink l, up = {};
        int r = net_link_find(fd, name, &l);

        *ret = (NetLanState){};
        if (r < 0)
                return r == -ENODEV ? 0 : r;
        ret->there = true;
        ret->is_bridge = str_eq(l.kind, "bridge");
        (void)net_link_find(fd, uplink, &up);
        if (!ret->is_bridge) {
                ret->has_uplink = up.index > 0;
                return 0;
        }
        Ports ports = {.bridge = (uint32_t)l.index, .uplink = up.index, .state = ret};
        return net_links(fd, take_port, &ports);
}

int net_lan_state(const char *name, const char *uplink, NetLanState *ret, Error *e)
{
        _cleanup_close_ int fd = net_open(NETLINK_ROUTE, e);
        int r = fd < 0 ? fd : read_state(fd, name, uplink, ret);

        return fd < 0 ? fd : r < 0 ? error_sys(e, r, "cannot list the network interfaces of the host") : 0;
}

/* ---- what cannot be ---- */

static int check_uplink(int fd, const NetLan *l, NetLink *up, Error *e)
{
        NetLink other;
        int r = net_link_find(fd, l->uplink, up);

        if (r == -ENODEV)
                return error_set(e, r, "there is no network interface '%s' on this host; 'ip link' lists those there are",
                                 l->uplink);
        if (r < 0)
                return error_sys(e, r, "cannot find network interface '%s'", l->uplink);
        if (up->loopback)
                return error_set(e, -EINVAL, "'%s' is the host's loopback, which leads to no LAN", l->uplink);
        _cleanup_free_ char *wireless = xasprintf("/sys/class/net/%s/phy80211", up->name);
        if (access(wireless, F_OK) >= 0)
                return error_set(
                                e, -EOPNOTSUPP,
                                "'%s' is a Wi-Fi interface: access points take no packets of others behind it; give the machines "
                                "a zone",
                                l->uplink);
        if (l->macvlan)
                return 0;
        if (str_eq(up->kind, "bridge"))
                return error_set(e, -EINVAL, "'%s' is a bridge itself; machines join it with --network-bridge=%s", l->uplink,
                                 l->uplink);
        if (up->master != 0)
                return error_set(e, -EBUSY,
                                 "'%s' is a port of '%s' already; machines join that with --network-bridge=", l->uplink,
                                 net_link_name(fd, (int)up->master, &other) < 0 ? "another interface" : other.name);
        return 0;
}

int net_lan_check(const NetLan *l, NetCarry *ret, uint8_t ret_mac[static 6], Error *e)
{
        _cleanup_close_ int fd = net_open(NETLINK_ROUTE, e);
        NetLink up, there;

        *ret = (NetCarry){};
        if (fd < 0)
                return fd;
        int r = check_uplink(fd, l, &up, e);
        if (r < 0)
                return r;
        if (net_link_find(fd, l->name, &there) >= 0)
                return error_set(e, -EEXIST,
                                 "the host has a network interface '%s' already; take another name, or remove it with 'ip link "
                                 "delete %s'",
                                 l->name, l->name);
        if (!net_link_kind_exists(fd, l->macvlan ? "macvlan" : "bridge"))
                return error_set(e, -EOPNOTSUPP, "this kernel has no %s", l->macvlan ? "macvlan interfaces" : "bridges");
        memcpy(ret_mac, up.mac, sizeof(up.mac));
        r = net_carry_list(fd, up.index, ret, e);
        return r < 0 ? error_prefix(e, r, "'%s'", l->uplink) : 0;
}

/* ---- making ---- */

/* Those of the calling process's network namespace; an older kernel, or one without IPv6, has not all of them. */
static void set_ipv6(const char *interface, const char *key, bool on)
{
        _cleanup_free_ char *path = xasprintf("/proc/sys/net/ipv6/conf/%s/%s", interface, key);

        (void)file_write_at(AT_FDCWD, path, on ? "1" : "0", 0);
}

/* An interface that nobody gave an address is not to get itself one. */
static void settle_ipv6(const NetLan *l, const NetCarry *carry)
{
        const bool speaks = l->take_over || l->accept_ra || l->addresses.n > 0;

        set_ipv6(l->name, "accept_ra", l->accept_ra);
        set_ipv6(l->name, "addr_gen_mode", !speaks); /* 1: no link-local one */
        if (l->take_over && l->accept_ra && carry->lent_ipv6)
                set_ipv6(l->uplink, "disable_ipv6", true); /* what routers gave it is not believed any more */
}

static int make(int fd, const NetLan *l, const NetLink *up, NetLink *ret, Error *e)
{
        const NetNewLink link = {.kind = l->macvlan ? "macvlan" : "bridge",
                                 .name = l->name,
                                 .mac = l->macvlan ? l->mac : up->mac, /* else it would change with the ports that come and go */
                                 .parent = l->macvlan ? up->index : 0,
                                 .mtu = l->macvlan ? 0 : up->mtu,
                                 .vlans_filtered = l->vlans_filtered,
                                 .netns_fd = -1};
        int r = net_link_new(fd, &link);

        if (r == -EOPNOTSUPP && l->vlans_filtered)
                return error_set(e, r, "this kernel's bridges do not know VLANs (CONFIG_BRIDGE_VLAN_FILTERING)");
        if (r >= 0)
                r = net_link_find(fd, l->name, ret);
        return r < 0 ? error_sys(e, r, "cannot make network interface '%s'", l->name) : 0;
}

static int join_uplink(int fd, const NetLan *l, const NetLink *up, const NetLink *made, Error *e)
{
        int r = net_link_set_master(fd, up->index, made->index);

        if (r < 0)
                return error_sys(e, r, "cannot make '%s' a port of bridge '%s'", l->uplink, l->name);
        for (size_t i = 0; r >= 0 && i < l->vlans.n; i++)
                r = net_link_add_vlans(fd, up->index, l->vlans.items[i].first, l->vlans.items[i].last, false);
        return r < 0 ? error_sys(e, r, "cannot let the VLANs of bridge '%s' through '%s'", l->name, l->uplink) : 0;
}

static int configure(int fd, const NetLan *l, const NetLink *made, const NetCarry *carry, Error *e)
{
        int r = net_link_set_up(fd, made->index, 0);

        if (r < 0)
                return error_sys(e, r, "cannot set network interface '%s' up", l->name);
        r = net_carry_add(fd, carry, made->index);
        if (r < 0)
                return error_sys(e, r, "cannot give '%s' the addresses and routes of '%s'", l->name, l->uplink);
        for (size_t i = 0; r >= 0 && i < l->addresses.n; i++)
                r = net_address_add(fd, made->index, &l->addresses.items[i]);
        for (size_t i = 0; r >= 0 && i < l->gateways.n; i++)
                r = net_gateway_add(fd, made->index, &l->gateways.items[i]);
        return r < 0 ? error_sys(e, r, "cannot give network interface '%s' its addresses", l->name) : 0;
}

int net_lan_up(const NetLan *l, const NetCarry *carry, Error *e)
{
        _cleanup_close_ int fd = net_open(NETLINK_ROUTE, e);
        NetLink up, made;

        if (fd < 0)
                return fd;
        int r = check_uplink(fd, l, &up, e);
        if (r < 0)
                return r;
        r = make(fd, l, &up, &made, e);
        if (r < 0)
                return r; /* nothing was changed */
        settle_ipv6(l, carry);
        r = net_link_set_up(fd, up.index, 0);
        if (r < 0)
                r = error_sys(e, r, "cannot set network interface '%s' up", l->uplink);
        if (r >= 0 && !l->macvlan)
                r = join_uplink(fd, l, &up, &made, e);
        if (r >= 0) {
                r = net_carry_delete(fd, carry, up.index);
                r = r < 0 ? error_sys(e, r, "cannot take the addresses and routes of '%s'", l->uplink)
                          : configure(fd, l, &made, carry, e);
        }
        if (r < 0)
                (void)net_lan_undo(l, carry, NULL);
        return r;
}

int net_lan_undo(const NetLan *l, const NetCarry *carry, Error *e)
{
        _cleanup_close_ int fd = net_open(NETLINK_ROUTE, e);
        NetLink up;

        if (fd < 0)
                return fd;
        int r = net_link_delete(fd, l->name); /* the uplink is nobody's port then */
        if (r < 0)
                return error_sys(e, r, "cannot remove network interface '%s'", l->name);
        r = net_link_find(fd, l->uplink, &up);
        if (r == -ENODEV)
                return 0; /* unplugged meanwhile */
        if (l->take_over && l->accept_ra)
                set_ipv6(l->uplink, "disable_ipv6", false);
        if (r >= 0)
                r = net_carry_add(fd, carry, up.index);
        return r < 0 ? error_sys(e, r, "cannot give '%s' its addresses and routes back", l->uplink) : 0;
}

int net_lan_holdings(const NetLan *l, NetCarry *ret, Error *e)
{
        _cleanup_close_ int fd = net_open(NETLINK_ROUTE, e);
        NetLanState s = {};
        NetLink made;

        *ret = (NetCarry){};
        if (fd < 0)
                return fd;
        int r = read_state(fd, l->name, l->uplink, &s);
        _cleanup_free_ char *ports = s.ports ? strv_join(s.ports, ", ") : NULL;
        const bool there = s.there;
        net_lan_state_done(&s);
        if (r < 0)
                return error_sys(e, r, "cannot list the network interfaces of the host");
        if (ports)
                return error_set(e, -EBUSY, "network '%s' is in use by %s; stop the machines first", l->name, ports);
        if (!there || !l->take_over || net_link_find(fd, l->name, &made) < 0)
                return 0;
        r = net_carry_list(fd, made.index, ret, e);
        return r < 0 ? error_prefix(e, r, "'%s'", l->name) : 0;
}
