/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/carry.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

#define CARRY_MAX 1024

void net_carry_done(NetCarry *c)
{
        free(c->items);
        *c = (NetCarry){};
}

/* ---- what there is ---- */

typedef struct List {
        NetCarry *carry;
        uint32_t index;
        int error;
} List;

static void copy(NetMessage *to, const struct nlmsghdr *from, size_t body, const uint16_t *types, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const struct nlattr *a = net_attribute(from, body, types[i]);
                /* None that is longer than this is an address's or a route's. */
                if (a && net_attribute_size(a) <= 256)
                        net_put(to, types[i], net_attribute_data(a), net_attribute_size(a));
        }
}

static NetMessage *push(List *l)
{
        if (l->carry->n >= CARRY_MAX) {
                l->error = -E2BIG;
                return NULL;
        }
        return vec_push(l->carry);
}

static void take_address(void *ctx, const struct nlmsghdr *h)
{
        static const uint16_t kept[] = {IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST, IFA_CACHEINFO, IFA_RT_PRIORITY};
        List *l = ctx;
        const struct ifaddrmsg *from = NLMSG_DATA(h);

        if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*from)) || from->ifa_index != l->index ||
            from->ifa_scope >= RT_SCOPE_LINK)
                return;
        if (!(from->ifa_flags & IFA_F_PERMANENT)) {
                l->carry->lent_ipv4 = l->carry->lent_ipv4 || from->ifa_family == AF_INET;
                l->carry->lent_ipv6 = l->carry->lent_ipv6 || from->ifa_family == AF_INET6;
                if (from->ifa_family == AF_INET6) /* the other interface hears the routers itself */
                        return;
        }
        const struct ifaddrmsg body = {.ifa_family = from->ifa_family,
                                       .ifa_prefixlen = from->ifa_prefixlen,
                                       .ifa_scope = from->ifa_scope,
                                       .ifa_flags = from->ifa_family == AF_INET6 ? IFA_F_NODAD : 0};
        NetMessage *m = push(l);
        if (!m)
                return;
        net_begin(m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
        copy(m, h, sizeof(body), kept, ELEMENTSOF(kept));
}

static uint32_t number(const struct nlattr *a)
{
        uint32_t v = 0;

        if (a && net_attribute_size(a) == sizeof(v))
                memcpy(&v, net_attribute_data(a), sizeof(v));
        return v;
}

static bool leads_over(const struct nlattr *ways, uint32_t index)
{
        int left = (int)net_attribute_size(ways); /* an attribute has at most 65535 bytes */

        for (const struct rtnexthop *w = net_attribute_data(ways); RTNH_OK(w, left); w = RTNH_NEXT(w)) {
                if ((uint32_t)w->rtnh_ifindex == index)
                        return true;
                left -= MIN(left, (int)NLMSG_ALIGN(w->rtnh_len));
        }
        return false;
}

static void take_route(void *ctx, const struct nlmsghdr *h)
{
        static const uint16_t kept[] = {RTA_DST,     RTA_GATEWAY, RTA_VIA,  RTA_PREFSRC,
                                        RTA_METRICS, RTA_TABLE,   RTA_PREF, RTA_PRIORITY};
        List *l = ctx;
        const struct rtmsg *from = NLMSG_DATA(h);

        if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof(*from)) || from->rtm_type != RTN_UNICAST ||
            from->rtm_protocol == RTPROT_KERNEL || from->rtm_protocol == RTPROT_RA || (from->rtm_flags & RTM_F_CLONED))
                return;
        const struct nlattr *ways = net_attribute(h, sizeof(*from), RTA_MULTIPATH);
        if (ways && leads_over(ways, l->index)) {
                l->error = -EXDEV; /* what it shares with other interfaces cannot be changed one by one */
                return;
        }
        if (number(net_attribute(h, sizeof(*from), RTA_OIF)) != l->index)
                return;
        if (number(net_attribute(h, sizeof(*from), RTA_NH_ID)) != 0) {
                l->error = -EXDEV;
                return;
        }
        struct rtmsg body = *from;
        body.rtm_flags &= RTNH_F_ONLINK;
        NetMessage *m = push(l);
        if (!m)
                return;
        net_begin(m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
        copy(m, h, sizeof(body), kept, ELEMENTSOF(kept));
        net_put_u32(m, RTA_OIF, l->index);
}

/* A route by a gateway is taken only when there is one to the gateway: those first. */
static int compare_routes(const void *a, const void *b)
{
        const struct nlmsghdr *x = (const void *)((const NetMessage *)a)->data, *y = (const void *)((const NetMessage *)b)->data;
        const bool by = net_attribute(x, sizeof(struct rtmsg), RTA_GATEWAY) || net_attribute(x, sizeof(struct rtmsg), RTA_VIA),
                   by2 = net_attribute(y, sizeof(struct rtmsg), RTA_GATEWAY) || net_attribute(y, sizeof(struct rtmsg), RTA_VIA);

        return (int)by - (int)by2;
}

int net_carry_list(int fd, int index, NetCarry *ret, Error *e)
{
        const struct ifaddrmsg addresses = {.ifa_family = AF_UNSPEC};
        const struct rtmsg routes = {.rtm_family = AF_UNSPEC};
        NetCarry carry = {};
        List l = {.carry = &carry, .index = (uint32_t)index};
        NetMessage m;

        net_begin(&m, RTM_GETADDR, NLM_F_DUMP, &addresses, sizeof(addresses));
        int r = net_talk(fd, &m, take_address, &l);
        const size_t first = carry.n;
        net_begin(&m, RTM_GETROUTE, NLM_F_DUMP, &routes, sizeof(routes));
        if (r >= 0)
                r = net_talk(fd, &m, take_route, &l);
        if (carry.n > first)
                qsort(carry.items + first, carry.n - first, sizeof(*carry.items), compare_routes);
        if (r < 0 || l.error < 0) {
                net_carry_done(&carry);
                if (l.error == -EXDEV)
                        return error_set(e, l.error, "it has a route that it shares with other interfaces; remove that first");
                return error_sys(e, r < 0 ? r : l.error, "cannot list its addresses and routes");
        }
        *ret = carry;
        return 0;
}

/* ---- to another interface ---- */

static bool is_address(const NetMessage *m)
{
        return ((const struct nlmsghdr *)(const void *)m->data)->nlmsg_type == RTM_NEWADDR;
}

static void set_index(NetMessage *m, uint32_t index)
{
        struct nlmsghdr *h = (void *)m->data;

        if (is_address(m)) {
                ((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_index = index;
                return;
        }
        const struct nlattr *a = net_attribute(h, sizeof(struct rtmsg), RTA_OIF);
        if (a && net_attribute_size(a) == sizeof(index))
                memcpy(m->data + ((const char *)net_attribute_data(a) - m->data), &index, sizeof(index));
}

int net_carry_add(int fd, const NetCarry *c, int index)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->n; i++) {
                NetMessage m = c->items[i];
                set_index(&m, (uint32_t)index);
                r = net_talk(fd, &m, NULL, NULL);
                r = r == -EEXIST ? 0 : r;
        }
        return r;
}

int net_carry_delete(int fd, const NetCarry *c, int index)
{
        int result = 0;

        for (size_t i = c->n; i > 0; i--) {
                NetMessage m = c->items[i - 1];
                struct nlmsghdr *h = (void *)m.data;
                set_index(&m, (uint32_t)index);
                h->nlmsg_type = is_address(&m) ? RTM_DELADDR : RTM_DELROUTE;
                h->nlmsg_flags = NLM_F_REQUEST;
                int r = net_talk(fd, &m, NULL, NULL);
                if (r < 0 && r != -ESRCH && r != -EADDRNOTAVAIL &&
                    result >= 0) /* the kernel takes routes with the address they need */
                        result = r;
        }
        return result;
}

/* ---- in a file ---- */

char *net_carry_text(const NetCarry *c)
{
        _cleanup_buf_ Buf b = {};

        for (size_t i = 0; i < c->n; i++) {
                if (i > 0)
                        buf_adds(&b, "/");
                for (size_t k = 0; k < c->items[i].len; k++)
                        buf_addf(&b, "%02x", (uint8_t)c->items[i].data[k]);
        }
        return buf_take(&b);
}

static int digit(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_whole(const NetMessage *m)
{
        const struct nlmsghdr *h = (const void *)m->data;

        return m->len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)) && h->nlmsg_len == m->len &&
               (h->nlmsg_type == RTM_NEWADDR || (h->nlmsg_type == RTM_NEWROUTE && m->len >= NLMSG_LENGTH(sizeof(struct rtmsg))));
}

int net_carry_parse(const char *text, NetCarry *ret)
{
        NetCarry carry = {};

        while (*text) {
                NetMessage m = {};
                for (; *text && *text != '/'; text += 2) {
                        int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
                        if (low < 0 || m.len >= sizeof(m.data))
                                goto bad;
                        m.data[m.len++] = (char)(high << 4 | low);
                }
                if (!is_whole(&m) || carry.n >= CARRY_MAX)
                        goto bad;
                *(NetMessage *)vec_push(&carry) = m;
                text += *text == '/';
        }
        *ret = carry;
        return 0;
bad:
        net_carry_done(&carry);
        return -EBADMSG;
}

/* ---- for networkd ---- */

static void add_line(Buf *b, const char *key, int family, const struct nlattr *a, unsigned prefix)
{
        char text[INET6_ADDRSTRLEN];

        if (!a || !inet_ntop(family, net_attribute_data(a), text, sizeof(text)))
                return;
        buf_addf(b, "%s=%s", key, text);
        if (prefix > 0)
                buf_addf(b, "/%u", prefix);
        buf_adds(b, "\n");
}

static bool is_lent(const struct nlmsghdr *h)
{
        const struct nlattr *a = net_attribute(h, sizeof(struct ifaddrmsg), IFA_CACHEINFO);
        const struct ifa_cacheinfo *info = a && net_attribute_size(a) >= sizeof(*info) ? net_attribute_data(a) : NULL;

        return info && info->ifa_valid != UINT32_MAX;
}

static void add_address(Buf *b, const struct nlmsghdr *h)
{
        const struct ifaddrmsg *body = NLMSG_DATA(h);
        const struct nlattr *a = net_attribute(h, sizeof(*body), IFA_LOCAL) ?: net_attribute(h, sizeof(*body), IFA_ADDRESS);

        if (is_lent(h))
                return;
        buf_adds(b, "[Address]\n");
        add_line(b, "Address", body->ifa_family, a, body->ifa_prefixlen);
}

static void add_route(Buf *b, const struct nlmsghdr *h)
{
        const struct rtmsg *body = NLMSG_DATA(h);
        const struct nlattr *to = net_attribute(h, sizeof(*body), RTA_DST),
                            *metric = net_attribute(h, sizeof(*body), RTA_PRIORITY),
                            *table = net_attribute(h, sizeof(*body), RTA_TABLE);
        const uint32_t number_of_table = table ? number(table) : body->rtm_table;

        if (body->rtm_protocol == RTPROT_DHCP)
                return;
        buf_adds(b, "[Route]\n");
        add_line(b, "Destination", body->rtm_family, to, body->rtm_dst_len);
        if (!to)
                buf_addf(b, "Destination=%s\n", body->rtm_family == AF_INET ? "0.0.0.0/0" : "::/0");
        add_line(b, "Gateway", body->rtm_family, net_attribute(h, sizeof(*body), RTA_GATEWAY), 0);
        add_line(b, "PreferredSource", body->rtm_family, net_attribute(h, sizeof(*body), RTA_PREFSRC), 0);
        if (body->rtm_flags & RTNH_F_ONLINK)
                buf_adds(b, "GatewayOnLink=yes\n");
        if (body->rtm_scope == RT_SCOPE_LINK && body->rtm_family == AF_INET)
                buf_adds(b, "Scope=link\n");
        if (metric)
                buf_addf(b, "Metric=%u\n", number(metric));
        if (number_of_table != RT_TABLE_MAIN)
                buf_addf(b, "Table=%u\n", number_of_table);
}

char *net_carry_networkd(const NetCarry *c)
{
        _cleanup_buf_ Buf b = {};

        for (size_t i = 0; i < c->n; i++) {
                const struct nlmsghdr *h = (const void *)c->items[i].data;
                if (is_address(&c->items[i]))
                        add_address(&b, h);
                else
                        add_route(&b, h);
        }
        return buf_take(&b);
}
