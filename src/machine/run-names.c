/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-zone.h"
#include "spec/value.h"
#include "sys/lock.h"
#include "sys/process.h"

#define FILE_MAX (1U << 20)

/* ---- run_dir/names/NAME ---- */

typedef struct Entry {
        char *machine, *zone, *mac, *host; /* zone: the bridge, and its IPv4 address with prefix; NULL without one */
        char **addresses;
} Entry;
typedef struct Entries {
        Entry *items;
        size_t n;
} Entries;

static void entries_done(Entries *list)
{
        for (size_t i = 0; i < list->n; i++) {
                Entry *e = &list->items[i];
                free(e->machine);
                free(e->zone);
                free(e->mac);
                free(e->host);
                strv_free(e->addresses);
        }
        free(list->items);
        *list = (Entries){};
}

static char *path_of(const MachineHost *h, const char *name)
{
        return xasprintf("%s/names/%s", h->run_dir, name);
}

static int lock(const MachineHost *h)
{
        _cleanup_free_ char *path = path_of(h, ".lock");

        return sys_lock_making_dirs_at(AT_FDCWD, path, true);
}

/* A guest that asks a DHCP server itself gets its IPv4 address again, and may give up all else: that one is sure to answer. */
static void add_addresses(Buf *b, const SpecAddresses *list)
{
        bool ipv4 = false;

        for (size_t i = 0; i < list->n; i++)
                ipv4 = ipv4 || list->items[i].family == AF_INET;
        for (size_t i = 0; i < list->n; i++) {
                _cleanup_free_ char *address = value_address_text(&list->items[i], false);
                if (!ipv4 || list->items[i].family == AF_INET)
                        buf_addf(b, "ADDRESS=%s\n", address);
        }
}

static char *text_of(const MachinePlan *p)
{
        const PlanOp *serve = NULL, *veth = NULL, *inside = NULL;
        bool own = false; /* berth's own network: of others it does not know who resolves their names */
        _cleanup_buf_ Buf b = {};

        for (size_t i = 0; i < p->n; i++) {
                const PlanOp *op = &p->items[i];
                serve = op->type == OP_NET_SERVE ? op : serve;
                veth = op->type == OP_NET_VETH && !veth ? op : veth;
                inside = op->type == OP_NET_CONFIGURE ? op : inside;
                own = own || op->type == OP_NET_MASQUERADE;
        }
        if (!own || !inside || !veth)
                return NULL;
        if (serve) {
                _cleanup_free_ char *host = value_address_text(&serve->addresses.items[0], true);
                buf_addf(&b, "ZONE=%s\nHOST=%s\n", serve->text, host);
        }
        buf_addf(&b, "MAC=%02x:%02x:%02x:%02x:%02x:%02x\n", veth->mac2[0], veth->mac2[1], veth->mac2[2], veth->mac2[3],
                 veth->mac2[4], veth->mac2[5]);
        add_addresses(&b, &inside->addresses);
        return buf_take(&b);
}

static void take_line(Entry *e, const char *line)
{
        const char *v;

        if ((v = str_startswith(line, "ZONE=")))
                e->zone = xstrdup(v);
        else if ((v = str_startswith(line, "HOST=")))
                e->host = xstrdup(v);
        else if ((v = str_startswith(line, "MAC=")))
                e->mac = xstrdup(v);
        else if ((v = str_startswith(line, "ADDRESS=")))
                strv_push(&e->addresses, v);
}

static void read_entries(const MachineHost *h, Entries *ret)
{
        _cleanup_free_ char *path = path_of(h, "");
        _cleanup_closedir_ DIR *d = opendir(path);

        *ret = (Entries){};
        for (struct dirent *entry; d && (entry = readdir(d));) {
                _cleanup_free_ char *text = NULL;
                if (!path_machine_name_is_valid(entry->d_name) ||
                    file_read_at(dirfd(d), entry->d_name, FILE_MAX, &text, NULL) < 0)
                        continue;
                _cleanup_strv_ char **lines = strv_split(text, "\n");
                Entry *e = vec_push(ret);
                e->machine = xstrdup(entry->d_name);
                STRV_FOREACH (line, lines)
                        take_line(e, *line);
        }
}

/* ---- /etc/hosts ---- */

#define BEGINS "# From here to the next such line: machines, kept by berth\n"
#define ENDS   "# Here ends what is kept by berth\n"

char *names_hosts_text(const char *text, const char *lines)
{
        const char *begin = NULL, *end = strstr(text, ENDS);
        _cleanup_buf_ Buf b = {};

        for (const char *next = text; end && (next = strstr(next, BEGINS)) && next < end; next += strlen(BEGINS))
                begin = next;
        /* One without the other is somebody's who changed it. */
        end = begin ? end : NULL;
        buf_append(&b, text, end ? (size_t)(begin - text) : strlen(text));
        if (b.len > 0 && b.data[b.len - 1] != '\n')
                buf_adds(&b, "\n");
        if (*lines)
                buf_addf(&b, BEGINS "%s" ENDS, lines);
        if (end)
                buf_adds(&b, end + strlen(ENDS));
        return buf_take(&b);
}

static char *host_lines(const Entries *list, const char *zone)
{
        _cleanup_buf_ Buf b = {};

        for (size_t i = 0; i < list->n; i++)
                STRV_FOREACH (a, zone && !str_eq(zone, list->items[i].zone) ? NULL : list->items[i].addresses)
                        buf_addf(&b, "%s %s\n", *a, list->items[i].machine);
        return buf_take(&b);
}

static int write_hosts(const MachineHost *h, const Entries *list)
{
        _cleanup_free_ char *old = NULL, *lines = host_lines(list, NULL), *text = NULL;
        int r = file_read_at(AT_FDCWD, h->hosts_file, FILE_MAX, &old, NULL);

        if (r < 0 && r != -ENOENT)
                return r;
        text = names_hosts_text(old ?: "", lines);
        return str_eq(text, old ?: "") ? 0 : file_write_atomic_at(AT_FDCWD, h->hosts_file, text, strlen(text), 0644, false);
}

/* ---- one comes, one goes ---- */

static void serve_zone(const MachineHost *h, const Entries *list, const Entry *first, bool anew)
{
        _cleanup_free_ char *hosts = host_lines(list, first->zone);
        _cleanup_buf_ Buf dhcp = {};

        for (size_t i = 0; i < list->n; i++)
                if (str_eq(list->items[i].zone, first->zone) && list->items[i].addresses)
                        buf_addf(&dhcp, "%s,%s,%s\n", list->items[i].mac, list->items[i].addresses[0], list->items[i].machine);
        zone_serve(h, first->zone, first->host, hosts, dhcp.data ?: "", anew);
}

static const Entry *in_zone(const Entries *list, const char *zone)
{
        for (size_t i = 0; i < list->n; i++)
                if (str_eq(list->items[i].zone, zone))
                        return &list->items[i];
        return NULL;
}

static void update(const MachineHost *h, const char *zone, bool anew)
{
        Entries list;

        read_entries(h, &list);
        int r = write_hosts(h, &list);
        if (r < 0)
                events_warning(&h->events, "cannot keep the names of machines in '%s': %s", h->hosts_file, strerror(-r));
        const Entry *first = zone ? in_zone(&list, zone) : NULL;
        if (first)
                serve_zone(h, &list, first, anew);
        else if (zone)
                zone_end(h, zone);
        entries_done(&list);
}

/* Beside the start, which need not wait for it: who asks early asks again, as all resolvers and clients do. Nothing that is held for the
 * machine is held there. */
static void update_beside(const MachineHost *h, const char *zone)
{
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                if (fork() == 0) {
                        (void)sys_close_all_fds(3, NULL, 0);
                        _cleanup_close_ int lock_fd = lock(h);
                        if (lock_fd >= 0)
                                update(h, zone, false);
                }
                _exit(0);
        }
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
}

void machine_names_begin(const MachineHost *h, const MachinePlan *p)
{
        _cleanup_free_ char *path = path_of(h, p->name), *text = text_of(p);
        const char *zone = NULL;

        if (!text)
                return;
        int lock_fd = lock(h);
        for (size_t i = 0; i < p->n; i++)
                zone = p->items[i].type == OP_NET_SERVE ? p->items[i].text : zone;
        int r = lock_fd < 0 ? lock_fd : file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, false);
        lock_fd = fd_close(lock_fd);
        if (r >= 0)
                update_beside(h, zone);
        else
                events_warning(&h->events, "cannot write '%s': machine '%s' has no name on this host", path, p->name);
}

void machine_names_end(const MachineHost *h, const char *machine)
{
        _cleanup_free_ char *path = path_of(h, machine), *dir = path_of(h, ""), *lock_path = path_of(h, ".lock"), *zone = NULL;

        if (access(path, F_OK) < 0)
                return;
        _cleanup_close_ _unused_ int lock_fd = lock(h);
        Entries list;
        read_entries(h, &list);
        for (size_t i = 0; i < list.n; i++)
                if (str_eq(list.items[i].machine, machine) && list.items[i].zone)
                        zone = xstrdup(list.items[i].zone);
        const bool last = list.n <= 1;
        entries_done(&list);
        (void)unlink(path);
        update(h, zone, true);
        if (last) {
                (void)unlink(lock_path);
                (void)rmdir(dir);
        }
}
