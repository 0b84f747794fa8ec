/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/link.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "base/str.h"
#include "net/message.h"

static void begin(NetMessage *m, uint16_t type, uint16_t flags, int index)
{
        const struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};

        net_begin(m, type, flags, &info, sizeof(info));
}

static void copy_text(const struct nlattr *a, char *ret, size_t size)
{
        size_t n = a ? MIN(net_attribute_size(a), size - 1) : 0;

        if (n > 0)
                memcpy(ret, net_attribute_data(a), n);
        ret[n] = '\0';
}

static void take_link(void *ctx, const struct nlmsghdr *h)
{
        NetLink *l = ctx;
        const struct ifinfomsg *info = NLMSG_DATA(h);

        if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
                return;
        const struct nlattr *about = net_attribute(h, sizeof(*info), IFLA_LINKINFO),
                            *master = net_attribute(h, sizeof(*info), IFLA_MASTER);
        *l = (NetLink){.index = info->ifi_index, .loopback = info->ifi_flags & IFF_LOOPBACK};
        copy_text(net_attribute(h, sizeof(*info), IFLA_IFNAME), l->name, sizeof(l->name));
        copy_text(about ? net_attribute_in(about, IFLA_INFO_KIND) : NULL, l->kind, sizeof(l->kind));
        const struct nlattr *mac = net_attribute(h, sizeof(*info), IFLA_ADDRESS),
                            *mtu = net_attribute(h, sizeof(*info), IFLA_MTU);
        if (master && net_attribute_size(master) == sizeof(uint32_t))
                memcpy(&l->master, net_attribute_data(master), sizeof(uint32_t));
        if (mac && net_attribute_size(mac) == sizeof(l->mac))
                memcpy(l->mac, net_attribute_data(mac), sizeof(l->mac));
        if (mtu && net_attribute_size(mtu) == sizeof(l->mtu))
                memcpy(&l->mtu, net_attribute_data(mtu), sizeof(l->mtu));
}

static int find_by(int fd, uint16_t attribute, const char *name, NetLink *ret)
{
        NetMessage m;

        begin(&m, RTM_GETLINK, 0, 0);
        net_put_str(&m, attribute, name);
        *ret = (NetLink){};
        int r = net_talk(fd, &m, take_link, ret);
        return r < 0 ? r : ret->index > 0 ? 0 : -ENODEV;
}

int net_link_find(int fd, const char *name, NetLink *ret)
{
        int r = strlen(name) < IFNAMSIZ ? find_by(fd, IFLA_IFNAME, name, ret) : -ENODEV;

        if (r == -ENODEV) /* before Linux 5.5 there are none */
                r = find_by(fd, IFLA_ALT_IFNAME, name, ret) < 0 ? -ENODEV : 0;
        return r;
}

/* The kernel looks the kind up, and loads its module, before it finds that the MTU is one that no interface can have: nothing is made. */
bool net_link_kind_exists(int fd, const char *kind)
{
        NetMessage m;

        begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        net_put_u32(&m, IFLA_MTU, UINT32_C(1) << 30);
        size_t info = net_nest(&m, IFLA_LINKINFO);
        net_put_str(&m, IFLA_INFO_KIND, kind);
        net_nest_end(&m, info);
        return net_talk(fd, &m, NULL, NULL) != -EOPNOTSUPP;
}

typedef struct Ports {
        uint32_t bridge;
        int n;
} Ports;

static void count_port(void *ctx, const struct nlmsghdr *h)
{
        Ports *p = ctx;
        NetLink l = {};

        take_link(&l, h);
        p->n += l.index > 0 && l.master == p->bridge;
}

int net_link_count_ports(int fd, int bridge)
{
        Ports p = {.bridge = (uint32_t)bridge};
        NetMessage m;

        begin(&m, RTM_GETLINK, NLM_F_DUMP, 0);
        net_put_u32(&m, IFLA_MASTER, (uint32_t)bridge); /* a kernel that does not sort them out itself has it done here */
        int r = net_talk(fd, &m, count_port, &p);
        return r < 0 ? r : p.n;
}

int net_link_name(int fd, int index, NetLink *ret)
{
        NetMessage m;

        begin(&m, RTM_GETLINK, 0, index);
        *ret = (NetLink){};
        int r = net_talk(fd, &m, take_link, ret);
        return r < 0 ? r : ret->index > 0 ? 0 : -ENODEV;
}

typedef struct Links {
        NetLinkTake take;
        void *ctx;
} Links;

static void tell_link(void *ctx, const struct nlmsghdr *h)
{
        const Links *links = ctx;
        NetLink l = {};

        take_link(&l, h);
        if (l.index > 0)
                links->take(links->ctx, &l);
}

int net_links(int fd, NetLinkTake take, void *ctx)
{
        Links links = {take, ctx};
        NetMessage m;

        begin(&m, RTM_GETLINK, NLM_F_DUMP, 0);
        return net_talk(fd, &m, tell_link, &links);
}

static void put_mac(NetMessage *m, const uint8_t *mac)
{
        static const uint8_t none[6];

        if (mac && memcmp(mac, none, sizeof(none)) != 0)
                net_put(m, IFLA_ADDRESS, mac, 6);
}

static void put_veth(NetMessage *m, const NetNewLink *l)
{
        const struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
        size_t data = net_nest(m, IFLA_INFO_DATA), peer = net_nest(m, VETH_INFO_PEER);

        /* The peer is described as a link of its own, with its fixed part. */
        struct nlattr *a = (void *)(m->data + peer);
        a->nla_type = VETH_INFO_PEER;
        memcpy(m->data + m->len, &info, sizeof(info));
        m->len += NLA_ALIGN(sizeof(info));
        net_put_str(m, IFLA_IFNAME, l->peer);
        put_mac(m, l->peer_mac);
        if (l->mtu)
                net_put_u32(m, IFLA_MTU, l->mtu);
        if (l->netns_fd >= 0)
                net_put_u32(m, IFLA_NET_NS_FD, (uint32_t)l->netns_fd);
        net_nest_end(m, peer);
        net_nest_end(m, data);
}

static void put_kind_data(NetMessage *m, const NetNewLink *l)
{
        if (str_eq(l->kind, "veth")) {
                put_veth(m, l);
                return;
        }
        size_t data = net_nest(m, IFLA_INFO_DATA);
        if (str_eq(l->kind, "macvlan"))
                net_put_u32(m, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
        else if (str_eq(l->kind, "ipvlan")) {
                uint16_t mode = IPVLAN_MODE_L2;
                net_put(m, IFLA_IPVLAN_MODE, &mode, sizeof(mode));
        } else if (l->vlans_filtered) {
                const uint8_t on = 1;
                net_put(m, IFLA_BR_VLAN_FILTERING, &on, sizeof(on));
        }
        net_nest_end(m, data);
}

int net_link_new(int fd, const NetNewLink *l)
{
        NetMessage m;

        begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        net_put_str(&m, IFLA_IFNAME, l->name);
        put_mac(&m, l->mac);
        if (l->mtu)
                net_put_u32(&m, IFLA_MTU, l->mtu);
        if (l->parent > 0) {
                net_put_u32(&m, IFLA_LINK, (uint32_t)l->parent);
                if (l->netns_fd >= 0)
                        net_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)l->netns_fd);
        }
        size_t info = net_nest(&m, IFLA_LINKINFO);
        net_put_str(&m, IFLA_INFO_KIND, l->kind);
        put_kind_data(&m, l);
        net_nest_end(&m, info);
        return net_talk(fd, &m, NULL, NULL);
}

int net_link_delete(int fd, const char *name)
{
        NetMessage m;

        begin(&m, RTM_DELLINK, 0, 0);
        net_put_str(&m, IFLA_IFNAME, name);
        int r = net_talk(fd, &m, NULL, NULL);
        return r == -ENODEV ? 0 : r;
}

static void begin_up(NetMessage *m, int index)
{
        const struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

        net_begin(m, RTM_NEWLINK, 0, &info, sizeof(info));
}

int net_link_set_up(int fd, int index, uint32_t mtu)
{
        NetMessage m;

        begin_up(&m, index);
        if (mtu)
                net_put_u32(&m, IFLA_MTU, mtu);
        return net_talk(fd, &m, NULL, NULL);
}

int net_link_set_master(int fd, int index, int bridge)
{
        NetMessage m;

        begin_up(&m, index);
        net_put_u32(&m, IFLA_MASTER, (uint32_t)bridge);
        return net_talk(fd, &m, NULL, NULL);
}

int net_link_add_vlans(int fd, int port, uint16_t first, uint16_t last, bool own)
{
        const struct ifinfomsg info = {.ifi_family = AF_BRIDGE, .ifi_index = port};
        const struct bridge_vlan_info begins = {.flags = BRIDGE_VLAN_INFO_RANGE_BEGIN, .vid = first},
                                      ends = {.flags = BRIDGE_VLAN_INFO_RANGE_END, .vid = last},
                                      one = {.flags = own ? BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED : 0, .vid = first};
        NetMessage m;

        net_begin(&m, RTM_SETLINK, 0, &info, sizeof(info));
        size_t list = net_nest(&m, IFLA_AF_SPEC);
        if (first == last)
                net_put(&m, IFLA_BRIDGE_VLAN_INFO, &one, sizeof(one));
        else {
                net_put(&m, IFLA_BRIDGE_VLAN_INFO, &begins, sizeof(begins));
                net_put(&m, IFLA_BRIDGE_VLAN_INFO, &ends, sizeof(ends));
        }
        net_nest_end(&m, list);
        return net_talk(fd, &m, NULL, NULL);
}

static size_t begin_limit(NetMessage *m, int index)
{
        const struct tcmsg body = {.tcm_family = AF_UNSPEC, .tcm_ifindex = index, .tcm_parent = TC_H_ROOT};

        net_begin(m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
        net_put_str(m, TCA_KIND, "tbf");
        return net_nest(m, TCA_OPTIONS);
}

#define BURST_MIN 16384 /* bytes: the largest frame of an interface that puts packets together, in a few turns */
int net_link_limit(int fd, int index, uint64_t rate)
{
        const uint64_t bytes = rate / 8;
        /* A hundredth of a second passes at once, a tenth waits. */
        const uint64_t burst = MAX(bytes / 100, (uint64_t)BURST_MIN * 4), waiting = MAX(bytes / 10, burst);
        const struct tc_tbf_qopt options = {
                        .rate = {.rate = (uint32_t)MIN(bytes, (uint64_t)UINT32_MAX), .linklayer = TC_LINKLAYER_ETHERNET},
                        .limit = (uint32_t)MIN(waiting, (uint64_t)INT32_MAX)};
        NetMessage m;
        size_t list = begin_limit(&m, index);

        net_put(&m, TCA_TBF_PARMS, &options, sizeof(options));
        if (bytes > UINT32_MAX)
                net_put(&m, TCA_TBF_RATE64, &bytes, sizeof(bytes));
        net_put_u32(&m, TCA_TBF_BURST, (uint32_t)MIN(burst, (uint64_t)INT32_MAX));
        net_nest_end(&m, list);
        return net_talk(fd, &m, NULL, NULL);
}

/* One without a rate is refused, and nothing is made; a kernel that does not know the kind says that there is none. */
bool net_link_can_limit(int fd)
{
        NetLink lo;
        NetMessage m;

        if (net_link_find(fd, "lo", &lo) < 0)
                return false;
        size_t list = begin_limit(&m, lo.index);
        net_nest_end(&m, list);
        return net_talk(fd, &m, NULL, NULL) == -EINVAL;
}

int net_link_add_alternative(int fd, int index, const char *name)
{
        NetMessage m;

        begin(&m, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, index);
        size_t list = net_nest(&m, IFLA_PROP_LIST);
        net_put_str(&m, IFLA_ALT_IFNAME, name);
        net_nest_end(&m, list);
        return net_talk(fd, &m, NULL, NULL);
}

int net_link_move(int fd, int index, int netns_fd, const char *name, uint32_t mtu)
{
        NetMessage m;

        begin(&m, RTM_NEWLINK, 0, index);
        net_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)netns_fd);
        net_put_str(&m, IFLA_IFNAME, name);
        if (mtu)
                net_put_u32(&m, IFLA_MTU, mtu);
        return net_talk(fd, &m, NULL, NULL);
}

/* ---- addresses and routes ---- */

static size_t bytes_of(const SpecAddress *a)
{
        return a->family == AF_INET ? 4 : 16;
}

int net_address_add(int fd, int index, const SpecAddress *a)
{
        /* Nobody else can have it, so no IPv6 neighbour is asked whether it does: it can be used at once. */
        const struct ifaddrmsg body = {.ifa_family = (uint8_t)a->family,
                                       .ifa_prefixlen = a->prefix,
                                       .ifa_flags = a->family == AF_INET6 ? IFA_F_NODAD : 0,
                                       .ifa_index = (uint32_t)index};
        NetMessage m;

        net_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
        net_put(&m, IFA_LOCAL, a->bytes, bytes_of(a));
        net_put(&m, IFA_ADDRESS, a->bytes, bytes_of(a));
        if (a->family == AF_INET && a->prefix < 31) {
                uint8_t all[4];
                for (unsigned i = 0; i < 4; i++) {
                        unsigned bits = a->prefix >= 8 * (i + 1) ? 0 : a->prefix <= 8 * i ? 0xff : 0xffU >> (a->prefix - 8 * i);
                        all[i] = (uint8_t)(a->bytes[i] | bits);
                }
                net_put(&m, IFA_BROADCAST, all, sizeof(all));
        }
        int r = net_talk(fd, &m, NULL, NULL);
        return r == -EEXIST ? 0 : r;
}

int net_gateway_add(int fd, int index, const SpecAddress *gateway)
{
        const struct rtmsg body = {.rtm_family = (uint8_t)gateway->family,
                                   .rtm_table = RT_TABLE_MAIN,
                                   .rtm_protocol = RTPROT_STATIC,
                                   .rtm_scope = RT_SCOPE_UNIVERSE,
                                   .rtm_type = RTN_UNICAST};
        NetMessage m;

        net_begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
        net_put(&m, RTA_GATEWAY, gateway->bytes, bytes_of(gateway));
        net_put_u32(&m, RTA_OIF, (uint32_t)index);
        int r = net_talk(fd, &m, NULL, NULL);
        return r == -EEXIST ? 0 : r;
}

typedef struct Names { /* of interfaces, by index: asked for once */
        int fd;
        NetRouteTake take;
        void *ctx;
        struct Found {
                SpecAddress network;
                uint32_t index;
        } * items;
        size_t n;
} Names;

static void take_route(void *ctx, const struct nlmsghdr *h)
{
        Names *names = ctx;
        const struct rtmsg *route = NLMSG_DATA(h);
        const struct nlattr *to = h->nlmsg_type == RTM_NEWROUTE && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*route))
                                                  ? net_attribute(h, sizeof(*route), RTA_DST)
                                                  : NULL;
        const struct nlattr *over = to ? net_attribute(h, sizeof(*route), RTA_OIF) : NULL;

        if (!to || route->rtm_dst_len == 0 || route->rtm_type == RTN_BROADCAST || route->rtm_type == RTN_MULTICAST ||
            names->n >= 65536)
                return;
        struct Found *f = vec_push(names);
        f->network.family = route->rtm_family;
        f->network.prefix = route->rtm_dst_len;
        memcpy(f->network.bytes, net_attribute_data(to), MIN(net_attribute_size(to), sizeof(f->network.bytes)));
        if (over && net_attribute_size(over) == sizeof(f->index))
                memcpy(&f->index, net_attribute_data(over), sizeof(f->index));
}

static void tell_route(Names *names, const struct Found *f)
{
        NetLink l = {};
        NetMessage m;

        begin(&m, RTM_GETLINK, 0, (int)f->index);
        if (f->index > 0)
                (void)net_talk(names->fd, &m, take_link, &l); /* gone in between: without a name */
        names->take(names->ctx, &f->network, l.name);
}

int net_routes(int fd, NetRouteTake take, void *ctx)
{
        const struct rtmsg body = {.rtm_family = AF_INET};
        Names names = {.fd = fd, .take = take, .ctx = ctx};
        NetMessage m;

        net_begin(&m, RTM_GETROUTE, NLM_F_DUMP, &body, sizeof(body));
        int r = net_talk(fd, &m, take_route, &names);
        for (size_t i = 0; r >= 0 && i < names.n; i++)
                tell_route(&names, &names.items[i]);
        free(names.items);
        return r;
}
