/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-names.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
#include "machine/run-record.h"
#include "machine/run-scope.h"
#include "spec/value.h"
#include "sys/cgroup.h"
#include "sys/command.h"
#include "sys/lock.h"
#include "sys/process.h"

#define FILE_MAX  (1U << 20)
#define STEP_USEC 5000
#define STEPS_MAX 400

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
        int fd;

        do
                fd = sys_lock_making_dirs_at(AT_FDCWD, path, true);
        while (fd == -EINTR);
        return fd;
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

/* ---- dnsmasq ---- */

static char *zone_path(const MachineHost *h, const char *zone, const char *file)
{
        return xasprintf("%s/zones/%s/%s", h->run_dir, zone, file);
}

/* Its process: the number is its own as long as it has this file on its command line. */
static int find_server(const MachineHost *h, const char *zone)
{
        _cleanup_free_ char *path = zone_path(h, zone, "pid"), *text = NULL, *command_path = NULL, *command = NULL;
        int32_t pid;
        size_t n = 0;

        if (file_read_at(AT_FDCWD, path, 64, &text, NULL) < 0 || str_parse_i32(str_strip(text), &pid) < 0 || pid <= 1)
                return -1;
        _cleanup_close_ int fd = sys_pidfd_open(pid);
        command_path = xasprintf("/proc/%d/cmdline", pid);
        if (fd < 0 || file_read_at(AT_FDCWD, command_path, FILE_MAX, &command, &n) < 0)
                return -1;
        for (const char *word = command; word < command + n; word += strlen(word) + 1) {
                const char *value = str_startswith(word, "--pid-file=");
                if (value && str_eq(value, path))
                        return TAKE_FD(fd);
        }
        return -1;
}

static void stop_server(const MachineHost *h, const char *zone)
{
        _cleanup_close_ int fd = find_server(h, zone);

        if (fd < 0)
                return;
        (void)sys_pidfd_send_signal(fd, SIGTERM);
        for (unsigned i = 0; i < STEPS_MAX && sys_pidfd_alive(fd); i++)
                usleep(STEP_USEC);
        (void)sys_pidfd_send_signal(fd, SIGKILL);
}

static char *group_of(const MachineHost *h)
{
        return path_join(h->cgroup_parent ?: "/machine.slice", "berth-zones");
}

/* It outlives the machine that it was started for, so it may not be in its group. */
static void leave_group(const MachineHost *h, const char *zone)
{
        _cleanup_free_ char *unit = xasprintf("zone_%s", zone), *group = NULL;
        int fd = -1;

        if (scope_is_possible(h)) {
                (void)scope_enter(h, unit, NULL, NULL, &group, NULL);
                return;
        }
        group = group_of(h);
        if (sys_cgroup_mountpoint() && sys_cgroup_make(group, &fd) >= 0)
                (void)sys_cgroup_attach(group, getpid());
        fd_close(fd);
}

/* The network's address, as dnsmasq's range wants it. */
static void push_range(char ***argv, const char *host)
{
        SpecAddress a = {};

        if (value_address_read(host, false, &a, NULL) < 0)
                return;
        const uint32_t mask = a.prefix == 0 ? 0 : UINT32_MAX << (32 - a.prefix);
        strv_pushf(argv, "--dhcp-range=%u.%u.%u.%u,static,%u.%u.%u.%u,1h", a.bytes[0] & (mask >> 24),
                   a.bytes[1] & (mask >> 16 & 0xff), a.bytes[2] & (mask >> 8 & 0xff), a.bytes[3] & (mask & 0xff), mask >> 24,
                   mask >> 16 & 0xff, mask >> 8 & 0xff, mask & 0xff);
}

/* In a child, which may change its group. */
static int run_server(const MachineHost *h, const Entry *e)
{
        _cleanup_free_ char *pid = zone_path(h, e->zone, "pid"), *hosts = zone_path(h, e->zone, "hosts"),
                            *dhcp = zone_path(h, e->zone, "dhcp"), *output = NULL, *errors = NULL;
        _cleanup_strv_ char **argv = NULL;
        int status = 0;

        (void)unlink(pid);
        strv_push(&argv, "dnsmasq");
        strv_push(&argv, "--conf-file=/dev/null");
        strv_pushf(&argv, "--pid-file=%s", pid);
        strv_pushf(&argv, "--interface=%s", e->zone);
        strv_push(&argv, "--except-interface=lo");
        strv_push(&argv, "--bind-interfaces");
        strv_push(&argv, "--no-hosts");
        strv_push(&argv, "--domain-needed"); /* what has no dot is a machine or nobody: no server elsewhere is asked */
        strv_pushf(&argv, "--addn-hosts=%s", hosts);
        strv_pushf(&argv, "--dhcp-hostsfile=%s", dhcp);
        strv_push(&argv, "--dhcp-authoritative");
        strv_push(&argv, "--leasefile-ro"); /* each machine has its address for good: there is nothing to remember */
        push_range(&argv, e->host);
        (void)setsid();
        leave_group(h, e->zone);
        int r = sys_command(&(SysCommand){.argv = argv}, &output, &errors, &status);
        if (r == -ENOENT)
                return 0; /* removed since the plan was made */
        if (r < 0 || status != 0)
                events_warning(&h->events, "zone '%s' has no names and leases: %s", e->zone + strlen("vz-"),
                               r < 0 ? strerror(-r) : str_strip(errors));
        return 0;
}

static void start_server(const MachineHost *h, const Entry *e)
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(run_server(h, e));
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
}

static void write_zone_file(const MachineHost *h, const char *zone, const char *file, const char *text)
{
        _cleanup_free_ char *path = zone_path(h, zone, file), *dir = path_dirname(path);

        if (file_mkdir_p(dir, 0755) >= 0)
                (void)file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, false);
}

/* A machine that came is made known to the server; after one that went it starts anew, and has forgotten its lease. */
static void serve_zone(const MachineHost *h, const Entries *list, const Entry *first, bool anew)
{
        _cleanup_free_ char *hosts = host_lines(list, first->zone);
        _cleanup_buf_ Buf dhcp = {};

        for (size_t i = 0; i < list->n; i++)
                if (str_eq(list->items[i].zone, first->zone) && list->items[i].addresses)
                        buf_addf(&dhcp, "%s,%s,%s\n", list->items[i].mac, list->items[i].addresses[0], list->items[i].machine);
        write_zone_file(h, first->zone, "hosts", hosts);
        write_zone_file(h, first->zone, "dhcp", dhcp.data ?: "");
        if (anew)
                stop_server(h, first->zone);
        _cleanup_close_ int server = find_server(h, first->zone);
        if (server >= 0)
                (void)sys_pidfd_send_signal(server, SIGHUP);
        else
                start_server(h, first);
}

static void end_zone(const MachineHost *h, const char *zone)
{
        _cleanup_free_ char *dir = zone_path(h, zone, ""), *parent = path_join(h->run_dir, "zones"), *group = group_of(h);

        stop_server(h, zone);
        (void)file_remove_tree_at(AT_FDCWD, dir);
        (void)rmdir(parent); /* fails, as it shall, while there are other zones, as the next one does */
        if (sys_cgroup_mountpoint() && !scope_is_possible(h))
                (void)sys_cgroup_remove_empty(group);
}

/* ---- one comes, one goes ---- */

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
                end_zone(h, zone);
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
