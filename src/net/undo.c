/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "net/link.h"
#include "net/message.h"
#include "net/rules.h"
#include "net/zone.h"

void net_undo_of(const MachinePlan *plan, NetUndo *ret)
{
        bool ports = false;

        *ret = (NetUndo){};
        for (size_t i = 0; i < plan->n; i++) {
                const PlanOp *op = &plan->items[i];
                if (op->type == OP_NET_ZONE)
                        ret->zone = xstrdup(op->text);
                else if (op->type == OP_NET_VETH)
                        strv_push(&ret->links, op->text);
                else if (op->type == OP_NET_MOVE)
                        strv_pushf(&ret->moved, "%s %s", op->source, op->text);
                else if (op->type == OP_NET_MASQUERADE && !ret->zone)
                        strv_push(&ret->tables, op->path);
                else if (op->type == OP_NET_PORT)
                        ports = true;
        }
        if (ports)
                strv_pushf(&ret->tables, NET_PORTS_TABLE "%s", plan->name);
}

void net_undo_done(NetUndo *u)
{
        strv_free(u->links);
        strv_free(u->moved);
        strv_free(u->tables);
        free(u->zone);
        *u = (NetUndo){};
}

/* "INSIDE HOST" */
static int bring_home(int inside, int home, const char *pair)
{
        _cleanup_strv_ char **names = strv_split(pair, " ");
        NetLink l;

        if (strv_len(names) != 2)
                return -EBADMSG;
        int r = net_link_find(inside, names[0], &l);
        return r == -ENODEV ? 0 : r < 0 ? r : net_link_move(inside, l.index, home, names[1], 0);
}

/* In the opposite order: they may have changed names among each other. */
static int bring_all_home(char *const *moved, int netns_fd, Error *e)
{
        _cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        int result = 0;

        if (home < 0)
                return error_sys(e, -errno, "cannot open the host's network namespace");
        _cleanup_close_ int inside = net_socket_in(netns_fd, NETLINK_ROUTE, e);
        if (inside < 0)
                return inside;
        for (size_t i = strv_len(moved); i > 0; i--) {
                int r = bring_home(inside, home, moved[i - 1]);
                if (r < 0 && result >= 0)
                        result = error_sys(e, r, "cannot bring network interface '%s' back to the host",
                                           strchr(moved[i - 1], ' ') + 1);
        }
        return result;
}

static int remove_zone(int fd, const char *bridge, Error *e)
{
        int lock = net_zone_lock(e);

        if (lock < 0)
                return lock;
        int r = net_zone_remove(fd, bridge, e);
        net_zone_unlock(&lock);
        return r;
}

int net_undo(const NetUndo *u, int netns_fd, Error *e)
{
        int result = 0, gone = 0;

        if (!u->links && !u->moved && !u->tables && !u->zone)
                return 0;
        _cleanup_close_ int fd = net_open(NETLINK_ROUTE, e);
        if (fd < 0)
                return fd;
        if (u->moved && netns_fd >= 0)
                result = bring_all_home(u->moved, netns_fd, e);
        STRV_FOREACH (l, u->links) { /* the kernel takes them away with the machine's namespace, but in its own time */
                int r = net_link_delete(fd, *l);
                if (r < 0 && result >= 0)
                        result = error_sys(e, r, "cannot remove network interface '%s'", *l);
        }
        STRV_FOREACH (t, u->tables) {
                int r = net_rules_delete(*t);
                if (r < 0 && result >= 0)
                        result = error_sys(e, r, "cannot remove table '%s' of nftables", *t);
        }
        if (u->zone)
                gone = remove_zone(fd, u->zone, result < 0 ? NULL : e);
        return result < 0 ? result : gone;
}
