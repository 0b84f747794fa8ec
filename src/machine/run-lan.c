/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks that lead machines into the host's LAN: created, kept over a boot, deleted. The file is there before anything is changed and
 * says what is going on; whoever finds a half-done one undoes it. */

#include "machine/run-lan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-network.h"
#include "net/lan.h"
#include "net/net.h"
#include "spec/value.h"
#include "sys/lock.h"
#include "sys/process.h"

#define FILE_MAX (4U << 20)

/* ---- the files ---- */

static char *file_path(const MachineHost *h, const char *name)
{
        return xasprintf("%s/networks/%s", h->state_dir, name);
}

static int lock(const MachineHost *h, Error *e)
{
        _cleanup_free_ char *path = file_path(h, ".lock");
        int fd = sys_lock_making_dirs_at(AT_FDCWD, path, true);

        return fd < 0 ? error_sys(e, fd, "cannot lock '%s'", path) : fd;
}

static int check_name(const char *name, Error *e)
{
        if (value_interface_is_valid(name, false) && *name != '.')
                return 0;
        return error_set(
                        e, -EINVAL,
                        "'%s' cannot be the name of a network: it is that of an interface, at most 15 characters without blanks, "
                        "':', '/' or '%%'",
                        name);
}

static int read_file(const MachineHost *h, const char *name, LanFile *ret, Error *e)
{
        _cleanup_free_ char *path = file_path(h, name), *text = NULL;
        int r = check_name(name, e);

        if (r < 0)
                return r;
        r = file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL);
        if (r == -ENOENT)
                return error_set(e, r, "there is no network '%s'; 'berth network list' shows those that berth made", name);
        if (r >= 0)
                r = lan_file_parse(text, name, ret);
        return r < 0 ? error_sys(e, r, "cannot read '%s'", path) : 0;
}

static int write_file(const MachineHost *h, LanFile *f, LanHalf half, const NetCarry *carry, Error *e)
{
        _cleanup_free_ char *path = file_path(h, f->lan.name), *text = NULL;
        char boot_id[33];
        int r = sys_boot_id(boot_id);

        free(f->carry);
        free(f->boot_id);
        f->half = half;
        f->carry = half == LAN_WHOLE ? NULL : net_carry_text(carry);
        f->boot_id = half == LAN_WHOLE || r < 0 ? NULL : xstrdup(boot_id);
        text = lan_file_text(f);
        r = r < 0 ? r : file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, true);
        return r < 0 ? error_sys(e, r, "cannot write '%s'", path) : 0;
}

static void remove_file(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *path = file_path(h, name);

        (void)unlink(path);
}

/* ---- up and down ---- */

static char *mac_text(const uint8_t m[static 6])
{
        return xasprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void choose_mac(LanFile *f, const uint8_t uplink[static 6])
{
        HostFacts facts = {};
        uint8_t own[6] = {};

        if (f->lan.macvlan && !f->mac) { /* the same one after each boot, so that leases survive */
                machine_facts_host_id(&facts);
                plan_link_mac(PLAN_MAC_MACVLAN, facts.host_machine_id ?: "00000000000000000000000000000000", f->lan.name, 0, own);
                f->mac = mac_text(own);
                facts_done(&facts);
        } else if (!f->lan.macvlan) {
                free(f->mac);
                f->mac = mac_text(uplink);
        }
}

/* By the holder of the lock. */
static int raise_lan(const MachineHost *h, LanFile *f, LanHalf half, Error *e)
{
        const NetCarry none = {};
        uint8_t uplink[6] = {};
        NetCarry carry = {};
        NetLan net;
        int r = lan_to_net(f, &net, e);

        if (r < 0)
                return r;
        r = net_lan_check(&net, &carry, uplink, e);
        if (r >= 0)
                r = lan_check_carry(f, &carry, e);
        if (r >= 0) {
                const NetCarry *taken = f->lan.take_over ? &carry : &none;
                f->lent_ipv4 = taken->lent_ipv4;
                choose_mac(f, uplink);
                (void)plan_parse_mac(f->mac, net.mac);
                r = write_file(h, f, half, taken, e);
                if (r >= 0)
                        r = net_lan_up(&net, taken, e);
                if (r >= 0 && f->networkd && half == LAN_CREATING) {
                        r = lan_networkd_write(f, taken, e);
                        if (r < 0) {
                                lan_networkd_remove(f);
                                (void)net_lan_undo(&net, taken, NULL);
                        }
                }
        }
        net_lan_done(&net);
        net_carry_done(&carry);
        return r;
}

/* What a command that was killed left half done: back to where it began, and a deletion to its end. */
static int recover(const MachineHost *h, LanFile *f, Error *e)
{
        char boot_id[33];
        NetCarry carry = {};
        NetLan net;
        int r = 0;

        if (f->half == LAN_WHOLE)
                return 0;
        if (sys_boot_id(boot_id) >= 0 && str_eq(boot_id, f->boot_id)) {
                r = lan_to_net(f, &net, e);
                if (r >= 0 && net_carry_parse(f->carry ?: "", &carry) >= 0)
                        r = net_lan_undo(&net, &carry, e);
                net_lan_done(&net);
                net_carry_done(&carry);
        }
        if (r < 0)
                return r;
        if (f->half == LAN_RAISING)
                return write_file(h, f, LAN_WHOLE, NULL, e);
        lan_networkd_remove(f);
        remove_file(h, f->lan.name);
        return 0;
}

typedef struct Files {
        LanFile *items;
        size_t n;
} Files;

static void files_done(Files *files)
{
        for (size_t i = 0; i < files->n; i++)
                lan_file_done(&files->items[i]);
        free(files->items);
        *files = (Files){};
}

static int compare(const void *a, const void *b)
{
        return strcmp(((const LanFile *)a)->lan.name, ((const LanFile *)b)->lan.name);
}

/* Those that are whole; half-done ones are undone when *may_change. */
static int read_all(const MachineHost *h, bool may_change, Files *ret, Error *e)
{
        _cleanup_free_ char *path = file_path(h, "");
        _cleanup_closedir_ DIR *d = opendir(path);
        Files files = {};

        *ret = files;
        if (!d && errno != ENOENT)
                return error_sys(e, -errno, "cannot read '%s'", path);
        for (struct dirent *entry; d && (entry = readdir(d));) {
                LanFile f = {};
                Error error = {};
                if (*entry->d_name == '.')
                        continue;
                if (read_file(h, entry->d_name, &f, &error) < 0 || (may_change && recover(h, &f, &error) < 0))
                        events_warning(&h->events, "%s", error.message);
                if (f.lan.name && f.half == LAN_WHOLE)
                        *(LanFile *)vec_push(&files) = f;
                else
                        lan_file_done(&f);
        }
        if (files.n > 0)
                qsort(files.items, files.n, sizeof(*files.items), compare);
        *ret = files;
        return 0;
}

static LanFile *find(const Files *files, const char *name)
{
        for (size_t i = 0; i < files->n; i++)
                if (str_eq(files->items[i].lan.name, name))
                        return &files->items[i];
        return NULL;
}

static void copy_wanted(const MachineLan *from, MachineLan *to)
{
        *to = (MachineLan){.name = xstrdup(from->name),
                           .uplink = xstrdup(from->uplink),
                           .macvlan = from->macvlan,
                           .dhcp = from->dhcp,
                           .take_over = from->take_over,
                           .accept_ra = from->accept_ra,
                           .vlans = xstrdup(from->vlans),
                           .addresses = strv_copy(from->addresses),
                           .gateways = strv_copy(from->gateways)};
}

static int create(const MachineHost *h, LanFile *f, Error *e)
{
        Files files;
        int r = read_all(h, true, &files, e);

        if (r >= 0 && find(&files, f->lan.name))
                r = error_set(e, -EEXIST, "there is a network '%s' already; 'berth network delete %s' removes it", f->lan.name,
                              f->lan.name);
        files_done(&files);
        if (r < 0)
                return r;
        r = raise_lan(h, f, LAN_CREATING, e);
        if (r < 0) {
                remove_file(h, f->lan.name);
                return r;
        }
        r = write_file(h, f, LAN_WHOLE, NULL, e);
        if (r >= 0 && f->networkd)
                lan_networkd_tell(h);
        return r;
}

int machine_lan_create(const MachineHost *h, const MachineLan *wanted, Error *e)
{
        LanFile f = {.networkd = lan_networkd_runs()};
        int r = check_name(wanted->name, e);

        if (r >= 0 && !value_interface_is_valid(wanted->uplink, true))
                r = error_set(e, -EINVAL, "'%s' cannot be the name of a network interface", wanted->uplink);
        if (r >= 0)
                r = lan_check_options(wanted, f.networkd, e);
        if (r < 0)
                return r;
        _cleanup_close_ int lock_fd = lock(h, e);
        if (lock_fd < 0)
                return lock_fd;
        copy_wanted(wanted, &f.lan);
        f.uplink_file = f.networkd ? lan_networkd_uplink_file(wanted) : NULL;
        r = create(h, &f, e);
        lan_file_done(&f);
        return r;
}

int machine_lan_delete(const MachineHost *h, const char *name, Error *e)
{
        _cleanup_close_ int lock_fd = lock(h, e);
        NetCarry carry = {};
        NetLan net = {};
        LanFile f = {};

        if (lock_fd < 0)
                return lock_fd;
        int r = read_file(h, name, &f, e);
        if (r >= 0)
                r = f.half == LAN_RAISING ? recover(h, &f, e) : 0; /* of the others nothing stays anyway */
        if (r >= 0 && f.half == LAN_WHOLE) {
                r = lan_to_net(&f, &net, e);
                if (r >= 0)
                        r = net_lan_holdings(&net, &carry, e);
                if (r >= 0)
                        r = write_file(h, &f, LAN_DELETING, &carry, e);
        }
        const bool networkd = f.networkd;
        if (r >= 0)
                r = recover(h, &f, e);
        if (r >= 0 && networkd)
                lan_networkd_tell(h);
        net_lan_done(&net);
        net_carry_done(&carry);
        lan_file_done(&f);
        return r;
}

/* ---- after a boot ---- */

/* By the holder of the lock. 1: it was made. */
static int up_one(const MachineHost *h, LanFile *f, Error *e)
{
        NetLanState s = {};
        int r = net_lan_state(f->lan.name, f->lan.uplink, &s, e);
        const bool there = s.there;

        net_lan_state_done(&s);
        if (r < 0 || there)
                return r;
        r = raise_lan(h, f, LAN_RAISING, e);
        Error ignored;
        int saved = write_file(h, f, LAN_WHOLE, NULL, r < 0 ? &ignored : e);
        return r < 0 ? r : saved < 0 ? saved : 1;
}

int machine_lan_up(const MachineHost *h, char *const *names, Error *e)
{
        _cleanup_close_ int lock_fd = lock(h, e);
        Files files;
        int r = lock_fd < 0 ? lock_fd : read_all(h, true, &files, e);

        if (r < 0)
                return r;
        for (char *const *n = names; r >= 0 && n && *n; n++)
                if (!find(&files, *n))
                        r = error_set(e, -ENOENT, "there is no network '%s'; 'berth network list' shows those that berth made",
                                      *n);
        for (size_t i = 0; r >= 0 && i < files.n; i++)
                if (names ? strv_contains(names, files.items[i].lan.name) : !files.items[i].networkd)
                        r = up_one(h, &files.items[i], e);
        files_done(&files);
        return r < 0 ? r : 0;
}

int machine_lan_need(const MachineHost *h, const char *name, Error *e)
{
        _cleanup_free_ char *path = file_path(h, name);
        LanFile f = {};

        if (!value_interface_is_valid(name, false) || access(path, F_OK) < 0)
                return 0;
        _cleanup_close_ int lock_fd = lock(h, e);
        int r = lock_fd < 0 ? lock_fd : read_file(h, name, &f, e);
        if (r >= 0)
                r = recover(h, &f, e);
        if (r >= 0 && f.half == LAN_WHOLE && f.lan.name)
                r = up_one(h, &f, e);
        lan_file_done(&f);
        return r;
}

/* ---- what there is ---- */

static void add_addresses(MachineLan *l)
{
        _cleanup_close_ int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        NetAddress *v = NULL;
        size_t n = 0;

        if (netns < 0 || net_addresses(netns, &v, &n, NULL) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                char text[NET_ADDRESS_TEXT_MAX];
                if (str_eq(v[i].interface, l->name) && v[i].scope == RT_SCOPE_UNIVERSE)
                        strv_pushf(&l->has, "%s/%u", net_address_text(&v[i], text), v[i].prefix);
        }
        free(v);
}

static void add_state(MachineLan *l)
{
        NetLanState s = {};

        if (net_lan_state(l->name, l->uplink, &s, NULL) < 0)
                return;
        l->there = s.there;
        l->ports = TAKE_PTR(s.ports);
        if (s.there)
                add_addresses(l);
}

int machine_lans(const MachineHost *h, MachineLan **ret, size_t *ret_n, Error *e)
{
        const bool may_change = !h->rootless;
        struct {
                MachineLan *items;
                size_t n;
        } list = {};
        Files files;
        _cleanup_close_ int lock_fd = may_change ? lock(h, e) : -1;
        int r = may_change && lock_fd < 0 ? lock_fd : read_all(h, may_change, &files, e);

        *ret = NULL;
        *ret_n = 0;
        if (r < 0)
                return r;
        for (size_t i = 0; i < files.n; i++) {
                add_state(&files.items[i].lan);
                *(MachineLan *)vec_push(&list) = files.items[i].lan;
                files.items[i].lan = (MachineLan){};
        }
        files_done(&files);
        *ret = list.items;
        *ret_n = list.n;
        return 0;
}

void machine_lans_free(MachineLan *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                machine_lan_done(&v[i]);
        free(v);
}

int machine_lan_find(const MachineHost *h, const char *name, MachineLan *ret, Error *e)
{
        MachineLan *v;
        size_t n;
        int r = machine_lans(h, &v, &n, e);

        if (r < 0)
                return r;
        r = error_set(e, -ENOENT, "there is no network '%s'; 'berth network list' shows those that berth made", name);
        for (size_t i = 0; i < n; i++)
                if (str_eq(v[i].name, name)) {
                        *ret = v[i];
                        v[i] = (MachineLan){};
                        r = 0;
                }
        machine_lans_free(v, n);
        return r;
}
