/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "net/link.h"
#include "net/message.h"
#include "net/nft.h"

static bool exists(const char *format, const char *name)
{
        _cleanup_free_ char *path = xasprintf("%s%s", format, name);

        return access(path, F_OK) == 0;
}

/* udev looks after the interfaces of its own network namespace only. */
static bool is_unsettled(int index)
{
        char number[16];
        struct stat own, first;

        if (access("/run/udev/control", F_OK) < 0 || stat("/proc/self/ns/net", &own) < 0 || stat("/proc/1/ns/net", &first) < 0 ||
            own.st_ino != first.st_ino)
                return false;
        (void)snprintf(number, sizeof(number), "%d", index);
        return !exists("/run/udev/data/n", number);
}

static void want_link(int fd, const char *wanted, FactNetwork *n)
{
        NetLink l;
        struct {
                FactLink *items;
                size_t n;
        } list = {n->links, n->n_links};
        FactLink *f = vec_push(&list);

        n->links = list.items;
        n->n_links = list.n;
        f->wanted = xstrdup(wanted);
        if (net_link_find(fd, wanted, &l) < 0)
                return;
        _cleanup_free_ char *wireless = xasprintf("/sys/class/net/%s/phy80211", l.name);
        f->name = xstrdup(l.name);
        f->bridge = str_eq(l.kind, "bridge");
        f->loopback = l.loopback;
        f->wireless = access(wireless, F_OK) == 0;
        f->unsettled = is_unsettled(l.index);
}

static void want_links(int fd, const SpecLinks *list, FactNetwork *n)
{
        for (size_t i = 0; i < list->n; i++)
                want_link(fd, list->items[i].host, n);
}

static void take_route(void *ctx, const SpecAddress *network, const char *interface)
{
        FactNetwork *n = ctx;
        struct {
                FactRoute *items;
                size_t n;
        } list = {n->routes, n->n_routes};
        FactRoute *f = vec_push(&list);

        n->routes = list.items;
        n->n_routes = list.n;
        f->network = *network;
        memcpy(f->interface, interface, MIN(strlen(interface) + 1, sizeof(f->interface)));
        f->interface[sizeof(f->interface) - 1] = '\0';
}

/* networkd with systemd's own files for the interfaces of machines, which an administrator can mask. */
static bool networkd_looks_after(const char *name)
{
        static const char *const places[] = {"/etc/systemd/network/", "/run/systemd/network/", "/usr/local/lib/systemd/network/",
                                             "/usr/lib/systemd/network/", "/lib/systemd/network/"};
        struct stat st;

        if (access("/run/systemd/netif/state", F_OK) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *path = xasprintf("%s%s", places[i], name);
                if (stat(path, &st) >= 0)
                        return S_ISREG(st.st_mode) && st.st_size > 0; /* /dev/null masks it */
        }
        return false;
}

static bool has_ipv6(void)
{
        static const char *const switches[] = {"/proc/sys/net/ipv6/conf/all/disable_ipv6",
                                               "/proc/sys/net/ipv6/conf/default/disable_ipv6"};

        for (size_t i = 0; i < ELEMENTSOF(switches); i++) {
                _cleanup_free_ char *text = NULL;
                if (file_read_at(AT_FDCWD, switches[i], 64, &text, NULL) < 0 || !str_eq(str_strip(text), "0"))
                        return false;
        }
        return true;
}

static int find_zone_address(const char *bridge, FactNetwork *n, Error *e)
{
        _cleanup_close_ int fd = net_open(NETLINK_ROUTE, e);
        NetAddresses list = {};
        int r = fd < 0 ? fd : net_addresses_on(fd, &list);

        for (size_t i = 0; r >= 0 && i < list.n; i++) {
                const NetAddress *a = &list.items[i];
                if (str_eq(a->interface, bridge) && a->family == AF_INET && a->scope < RT_SCOPE_LINK &&
                    n->zone_address.family == 0) {
                        n->zone_address = (SpecAddress){.family = AF_INET, .prefix = a->prefix};
                        memcpy(n->zone_address.bytes, a->bytes, 4);
                }
        }
        free(list.items);
        return fd < 0 ? fd : r < 0 ? error_sys(e, r, "cannot list the addresses of the host") : 0;
}

int net_facts(const MachineSpec *s, FactNetwork *ret, Error *e)
{
        const bool veth = s->veth || s->bridge || s->zone;
        _cleanup_close_ int fd = net_open(NETLINK_ROUTE, e);
        int r = 0;

        if (fd < 0)
                return fd;
        ret->has_veth = (veth || s->veth_extras.n > 0) && net_link_kind_exists(fd, "veth");
        ret->has_bridge = s->zone && net_link_kind_exists(fd, "bridge");
        ret->has_macvlan = s->macvlans.n > 0 && net_link_kind_exists(fd, "macvlan");
        ret->has_ipvlan = s->ipvlans.n > 0 && net_link_kind_exists(fd, "ipvlan");
        ret->has_nftables = ((veth && !s->bridge) || s->ports.n > 0) && nft_exists();
        ret->has_tbf = s->receive_rate > 0 && net_link_can_limit(fd);
        ret->has_ipv6 = has_ipv6();
        if (s->bridge)
                want_link(fd, s->bridge, ret);
        want_links(fd, &s->interfaces, ret);
        want_links(fd, &s->macvlans, ret);
        want_links(fd, &s->ipvlans, ret);
        if (!veth || s->bridge)
                return 0;
        ret->has_networkd = networkd_looks_after(s->zone ? "80-container-vz.network" : "80-container-ve.network");
        r = net_routes(fd, take_route, ret);
        if (r < 0)
                return error_sys(e, r, "cannot list the routes of the host");
        _cleanup_free_ char *bridge = s->zone ? xasprintf("vz-%s", s->zone) : NULL;
        return bridge ? find_zone_address(bridge, ret, e) : 0;
}
