/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"

#define ANSWER_MAX    32768
#define ADDRESSES_MAX 65536 /* a machine decides how many it has; we decide how many we look at */

/* The local address where there is one (IFA_ADDRESS is the peer's on point-to-point links). */
static void take_attribute(const struct rtattr *a, NetAddress *address, size_t size)
{
        if ((a->rta_type == IFA_ADDRESS || a->rta_type == IFA_LOCAL) && RTA_PAYLOAD(a) == size)
                memcpy(address->bytes, RTA_DATA(a), size);
}

static void parse_address(const struct nlmsghdr *h, NetAddresses *list)
{
        const struct ifaddrmsg *m = NLMSG_DATA(h);
        const size_t size = m->ifa_family == AF_INET ? 4 : 16;
        NetAddress address = {.family = m->ifa_family,
                              .index = m->ifa_index,
                              .prefix = m->ifa_prefixlen,
                              .scope = m->ifa_scope,
                              .permanent = m->ifa_flags & IFA_F_PERMANENT};
        int left = (int)IFA_PAYLOAD(h);

        if ((m->ifa_family != AF_INET && m->ifa_family != AF_INET6) || list->n >= ADDRESSES_MAX)
                return;
        /* IFA_ADDRESS comes before IFA_LOCAL (linux/if_addr.h), which is to win. */
        for (const struct rtattr *a = IFA_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left))
                take_attribute(a, &address, size);
        *vec_push(list) = address;
}

int net_parse_addresses(const void *data, size_t n, NetAddresses *list)
{
        size_t left = n;

        for (const struct nlmsghdr *h = data; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                if (h->nlmsg_type == NLMSG_DONE)
                        return 1;
                if (h->nlmsg_type == NLMSG_ERROR)
                        return h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))
                                               ? ((const struct nlmsgerr *)NLMSG_DATA(h))->error
                                               : -EBADMSG;
                if (h->nlmsg_type == RTM_NEWADDR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
                        parse_address(h, list);
        }
        return 0;
}

static int ask(int fd)
{
        struct {
                struct nlmsghdr header;
                struct ifaddrmsg message;
        } request = {
                        .header = {.nlmsg_len = sizeof(request),
                                   .nlmsg_type = RTM_GETADDR,
                                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                        .message = {.ifa_family = AF_UNSPEC},
        };

        return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* IPv6 addresses carry no label, IPv4 ones an alias at times: SIOCGIFNAME on the same socket knows the names of its namespace. */
static void name_interface(int fd, NetAddress *a)
{
        struct ifreq request = {.ifr_ifindex = (int)a->index};

        if (ioctl(fd, SIOCGIFNAME, &request) >= 0)
                memcpy(a->interface, request.ifr_name, sizeof(a->interface));
        a->interface[sizeof(a->interface) - 1] = '\0';
}

static int receive_all(int fd, NetAddresses *list)
{
        _cleanup_free_ char *answer = xmalloc(ANSWER_MAX);

        for (;;) {
                ssize_t n = recv(fd, answer, ANSWER_MAX, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                int r = net_parse_addresses(answer, (size_t)n, list);
                if (r != 0)
                        return r;
        }
}

int net_addresses_on(int fd, NetAddresses *list)
{
        int r = ask(fd);

        if (r >= 0)
                r = receive_all(fd, list);
        for (size_t i = 0; i < list->n; i++)
                name_interface(fd, &list->items[i]);
        return r;
}

int net_addresses(int netns_fd, NetAddress **ret, size_t *ret_n, Error *e)
{
        NetAddresses list = {0};
        _cleanup_close_ int fd = net_socket_in(netns_fd, NETLINK_ROUTE, e);
        if (fd < 0)
                return fd;

        int r = net_addresses_on(fd, &list);
        if (r < 0) {
                free(list.items);
                return error_sys(e, r, "cannot list the network addresses");
        }
        *ret = list.items;
        *ret_n = list.n;
        return 0;
}

char *net_address_text(const NetAddress *a, char buf[static NET_ADDRESS_TEXT_MAX])
{
        if (!inet_ntop(a->family, a->bytes, buf, NET_ADDRESS_TEXT_MAX))
                buf[0] = '\0';
        return buf;
}
