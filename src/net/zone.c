/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "net/link.h"
#include "net/rules.h"
#include "sys/lock.h"

#define LOCK "/run/systemd/nspawn-network-zone"

int net_zone_lock(Error *e)
{
        int fd = sys_lock_making_dirs_at(AT_FDCWD, LOCK, true);

        return fd < 0 ? error_sys(e, fd, "cannot lock '%s'", LOCK) : fd;
}

void net_zone_unlock(int *take_fd)
{
        if (*take_fd >= 0)
                (void)unlink(LOCK);
        *take_fd = fd_close(*take_fd);
}

typedef struct Clash {
        const char *bridge;
        const SpecAddress *address;
        char with[16];
} Clash;

static void find_clash(void *ctx, const SpecAddress *network, const char *interface)
{
        Clash *c = ctx;
        const unsigned prefix = MIN(network->prefix, c->address->prefix);
        bool same = network->family == c->address->family && !str_eq(interface, c->bridge);

        for (unsigned i = 0; same && i < prefix; i++)
                same = !((network->bytes[i / 8] ^ c->address->bytes[i / 8]) & (0x80 >> i % 8));
        if (same)
                memcpy(c->with, interface, strlen(interface) + 1);
}

static int make(int fd, const char *bridge, const uint8_t *mac, const SpecAddresses *addresses, NetLink *ret, Error *e)
{
        /* Between plan and now, another zone may have come to the same address. */
        if (addresses->n > 0) {
                Clash clash = {.bridge = bridge, .address = &addresses->items[0]};
                int r = net_routes(fd, find_clash, &clash);
                if (r < 0)
                        return error_sys(e, r, "cannot list the routes of the host");
                if (*clash.with)
                        return error_set(e, -EADDRINUSE,
                                         "the network chosen for '%s' was just taken by interface '%s'; try again", bridge,
                                         clash.with);
        }
        int r = net_link_new(fd, &(NetNewLink){.kind = "bridge", .name = bridge, .mac = mac, .netns_fd = -1});
        if (r >= 0)
                r = net_link_find(fd, bridge, ret);
        return r < 0 ? error_sys(e, r, "cannot make bridge '%s'", bridge) : 0;
}

int net_zone_make(int fd, const char *bridge, const uint8_t *mac, const SpecAddresses *addresses, Error *e)
{
        NetLink l;
        int r = net_link_find(fd, bridge, &l);

        if (r == -ENODEV)
                r = make(fd, bridge, mac, addresses, &l, e);
        else if (r < 0)
                return error_sys(e, r, "cannot find bridge '%s'", bridge);
        if (r < 0)
                return r;
        r = net_link_set_up(fd, l.index, 0);
        for (size_t i = 0; r >= 0 && i < addresses->n; i++)
                r = net_address_add(fd, l.index, &addresses->items[i]);
        return r < 0 ? error_sys(e, r, "cannot set bridge '%s' up", bridge) : 0;
}

int net_zone_remove(int fd, const char *bridge, Error *e)
{
        NetLink l;
        int r = net_link_find(fd, bridge, &l);

        if (r == -ENODEV)
                return 0;
        if (r >= 0)
                r = net_link_count_ports(fd, l.index);
        if (r > 0)
                return 0;
        if (r == 0)
                r = net_link_delete(fd, bridge);
        if (r < 0)
                return error_sys(e, r, "cannot remove bridge '%s'", bridge);
        _cleanup_free_ char *table = xasprintf(NET_ZONE_TABLE "%s", bridge + strlen("vz-"));
        (void)net_rules_delete(table); /* there is none where networkd does it */
        return 1;
}
