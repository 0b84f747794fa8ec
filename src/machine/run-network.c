/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-lan.h"
#include "machine/run-names.h"
#include "machine/run-record.h"
#include "net/net.h"
#include "spec/value.h"
#include "sys/command.h"
#include "sys/mount.h"

bool machine_network_is_wanted(const MachineSpec *s)
{
        return s->veth || s->bridge || s->zone || s->interfaces.n > 0 || s->macvlans.n > 0 || s->ipvlans.n > 0 ||
               s->veth_extras.n > 0;
}

void machine_facts_host_id(HostFacts *f)
{
        _cleanup_free_ char *text = NULL;

        if (!f->host_machine_id && file_read_at(AT_FDCWD, "/etc/machine-id", 256, &text, NULL) >= 0 &&
            str_is_hex(str_strip(text), 32))
                f->host_machine_id = xstrdup(str_strip(text));
}

/* ---- addresses that were given ----
 * run_dir/addresses/ADDRESS is a symbolic link, which is made as a whole or not at all, with the text "MACHINE INTERFACE"; of a zone's own
 * address, MACHINE is "-". */

static char *addresses_dir(const MachineHost *h)
{
        return path_join(h->run_dir, "addresses");
}

typedef struct Given {
        char machine[65], interface[16];
} Given;

static bool read_given(int dir, const char *address, Given *ret)
{
        char text[128];
        ssize_t n = readlinkat(dir, address, text, sizeof(text) - 1);

        if (n < 0)
                return false;
        text[n] = '\0';
        *ret = (Given){};
        return sscanf(text, "%64s %15s", ret->machine, ret->interface) == 2;
}

static bool is_alive(const MachineHost *h, const Given *g)
{
        _cleanup_free_ char *dir = machine_record_dir(h, g->machine);

        return str_eq(g->machine, "-") || access(dir, F_OK) >= 0;
}

static void read_taken(const Target *t, FactNetwork *n)
{
        _cleanup_free_ char *path = addresses_dir(t->host);
        _cleanup_closedir_ DIR *d = opendir(path);
        struct {
                FactTaken *items;
                size_t n;
        } list = {};

        for (struct dirent *entry; d && (entry = readdir(d));) {
                struct in_addr address;
                Given g;
                if (inet_pton(AF_INET, entry->d_name, &address) != 1 || !read_given(dirfd(d), entry->d_name, &g) ||
                    str_eq(g.machine, t->name))
                        continue;
                if (!is_alive(t->host, &g)) {
                        (void)unlinkat(dirfd(d), entry->d_name, 0);
                        continue;
                }
                FactTaken *f = vec_push(&list);
                f->address = ntohl(address.s_addr);
                memcpy(f->interface, g.interface, sizeof(f->interface));
        }
        n->taken = list.items;
        n->n_taken = list.n;
}

int machine_facts_network(const Target *t, HostFacts *f, Error *e)
{
        machine_facts_host_id(f);
        if (t->spec.zone || t->spec.veth)
                read_taken(t, &f->network);
        /* One of `berth network create` is there with its first machine, when nothing else makes it after a boot. */
        const char *bridge = t->record_lock >= 0 && !t->host->rootless ? t->spec.bridge : NULL;
        int r = bridge ? machine_lan_need(t->host, bridge, e) : 0;
        if (r < 0)
                return r;
        f->network.has_dnsmasq = t->spec.zone && sys_command_exists("dnsmasq");
        return net_facts(&t->spec, &f->network, e);
}

static int reserve(const MachineHost *h, const SpecAddress *a, const char *machine, const char *interface, Error *e)
{
        _cleanup_free_ char *dir = addresses_dir(h), *address = value_address_text(a, false), *path = path_join(dir, address),
                            *text = xasprintf("%s %s", machine, interface);
        Given g;
        int r = symlink(text, path) < 0 ? -errno : 0;

        if (r == -ENOENT && file_mkdir_p(dir, 0755) >= 0)
                r = symlink(text, path) < 0 ? -errno : 0;
        if (r != -EEXIST)
                return r < 0 ? error_sys(e, r, "cannot make '%s'", path) : 0;
        bool own = read_given(AT_FDCWD, path, &g) && str_eq(g.machine, machine) && str_eq(g.interface, interface);
        return own ? 0 : error_set(e, r, "address %s was given to another machine ('%s' says to which)", address, path);
}

int machine_network_reserve(const MachineHost *h, const MachinePlan *p, Error *e)
{
        const PlanOp *zone = NULL, *veth = NULL, *inside = NULL;
        bool own = false; /* berth's own network */
        int r = 0;

        for (size_t i = 0; i < p->n; i++) {
                const PlanOp *op = &p->items[i];
                zone = op->type == OP_NET_ZONE ? op : zone;
                veth = op->type == OP_NET_VETH && !veth ? op : veth;
                inside = op->type == OP_NET_CONFIGURE ? op : inside;
                own = own || op->type == OP_NET_MASQUERADE;
        }
        if (!own)
                return 0;
        const char *interface = zone ? zone->text : veth->text;
        if (zone && zone->addresses.n > 0)
                r = reserve(h, &zone->addresses.items[0], "-", interface, e);
        for (size_t i = 0; r >= 0 && inside && i < inside->addresses.n; i++)
                if (inside->addresses.items[i].family == AF_INET)
                        r = reserve(h, &inside->addresses.items[i], p->name, interface, e);
        return r;
}

/* Those of a machine, or with "-" those of a zone itself. */
static void give_back(const MachineHost *h, const char *machine, const char *interface)
{
        _cleanup_free_ char *path = addresses_dir(h);
        _cleanup_closedir_ DIR *d = opendir(path);
        Given g;

        for (struct dirent *entry; d && (entry = readdir(d));)
                if (read_given(dirfd(d), entry->d_name, &g) && str_eq(g.machine, machine) &&
                    (!interface || str_eq(g.interface, interface)))
                        (void)unlinkat(dirfd(d), entry->d_name, 0);
        if (d)
                (void)rmdir(path); /* fails, as it shall, while others are in it */
}

/* ---- the record: words apart by '/', which is in no name of an interface, a machine or a table ---- */

static char *join(char *const *words)
{
        return words ? strv_join(words, "/") : NULL;
}

static char **split(const char *text)
{
        return text ? strv_split(text, "/") : NULL;
}

void machine_network_note(const MachinePlan *p, Machine *m)
{
        NetUndo u;

        net_undo_of(p, &u);
        m->network_links = join(u.links);
        m->network_moved = join(u.moved);
        m->network_tables = join(u.tables);
        m->network_zone = TAKE_PTR(u.zone);
        net_undo_done(&u);
}

/* ---- begin and end ---- */

/* An interface that was moved in goes with the namespace it is in; so that it can come home whatever happens to the supervisor, the
 * namespace is mounted beside the record. */
static char *pin_path(const MachineHost *h, const Machine *m)
{
        _cleanup_free_ char *dir = machine_record_dir(h, m->name);

        return path_join(dir, "netns");
}

static int pin(const MachineHost *h, const Machine *m, const char *netns, Error *e)
{
        _cleanup_free_ char *path = pin_path(h, m);
        _cleanup_close_ int file = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (file < 0)
                return error_sys(e, -errno, "cannot make '%s'", path);
        _cleanup_close_ int mount = sys_mount_clone(AT_FDCWD, netns, false);
        int r = mount < 0 ? mount : sys_mount_attach(mount, AT_FDCWD, path);
        return r < 0 ? error_sys(e, r, "cannot mount the machine's network namespace on '%s'", path) : 0;
}

static int open_pinned(const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        struct statfs fs;

        return fd >= 0 && fstatfs(fd, &fs) >= 0 && fs.f_type == NSFS_MAGIC ? TAKE_FD(fd) : -1;
}

int machine_network_begin(const MachineHost *h, const MachinePlan *p, const Machine *m, int leader_pidfd, int *ret_ports_pidfd,
                          Error *e)
{
        bool any = false;
        int r = 0;

        *ret_ports_pidfd = -1;
        for (size_t i = 0; !any && i < p->n; i++)
                any = p->items[i].phase == PHASE_NETWORK;
        if (!any)
                return 0;
        _cleanup_free_ char *path = xasprintf("/proc/%d/ns/net", m->leader); /* our own child: the number is its own */
        _cleanup_close_ int netns = open(path, O_RDONLY | O_CLOEXEC);
        if (netns < 0)
                return error_sys(e, -errno, "cannot open the machine's network namespace");
        if (m->network_moved)
                r = pin(h, m, path, e);
        if (r >= 0)
                r = net_setup(p, netns, e);
        if (r >= 0)
                machine_names_begin(h, p);
        return r < 0 ? r : net_ports_keep(p, leader_pidfd, netns, ret_ports_pidfd, e);
}

void machine_network_end(const MachineHost *h, const Machine *m)
{
        NetUndo u = {.links = split(m->network_links),
                     .moved = split(m->network_moved),
                     .tables = split(m->network_tables),
                     .zone = xstrdup(m->network_zone)};

        if (m->name && (u.links || u.moved || u.tables || u.zone)) {
                _cleanup_free_ char *pinned = pin_path(h, m);
                int netns = u.moved ? open_pinned(pinned) : -1;
                machine_names_end(h, m->name); /* first: who serves them has the bridge */
                /* What cannot be undone now could not be later either: the interface is gone, or its name was given away. */
                if (net_undo(&u, netns, NULL) == 1)
                        give_back(h, "-", u.zone);
                fd_close(netns);
                if (u.moved) {
                        (void)sys_umount(pinned);
                        (void)unlink(pinned);
                }
                give_back(h, m->name, NULL);
        }
        net_undo_done(&u);
}
