/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

/* The one message that the start of every machine needs (its "lo"), spelled out by linux/rtnetlink.h: loading a netlink library
 * for it would take longer than everything else here. Real network configuration is src/net's. */

typedef struct LinkUp {
        struct nlmsghdr header;
        struct ifinfomsg info;
        struct rtattr attribute;
        char name[IFNAMSIZ];
} LinkUp;

static int receive_ack(int fd)
{
        struct {
                struct nlmsghdr header;
                struct nlmsgerr error;
                char rest[1024]; /* the request may come back with it */
        } answer;
        ssize_t n;

        do
                n = recv(fd, &answer, sizeof(answer), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t)n < sizeof(answer.header) + sizeof(answer.error.error) || answer.header.nlmsg_type != NLMSG_ERROR)
                return -EPROTO;
        return answer.error.error;
}

int sys_link_up(const char *name, Error *e)
{
        size_t n = strlen(name);
        LinkUp up = {
                        .header = {.nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                        .info = {.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP},
                        .attribute = {.rta_type = IFLA_IFNAME},
        };

        if (n == 0 || n >= IFNAMSIZ)
                return error_set(e, -EINVAL, "'%s' is no name for a network interface", name);
        memcpy(up.name, name, n + 1);
        up.attribute.rta_len = (unsigned short)RTA_LENGTH(n + 1);
        up.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(up.info)) + RTA_SPACE(n + 1));

        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return error_sys(e, -errno, "cannot open a netlink socket");
        ssize_t sent;
        do
                sent = send(fd, &up, up.header.nlmsg_len, 0);
        while (sent < 0 && errno == EINTR);
        int r = sent < 0 ? -errno : receive_ack(fd);
        return r < 0 ? error_sys(e, r, "cannot bring network interface '%s' up", name) : 0;
}
