/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Machines that start with the host. Where systemd is PID 1 each is a unit, berth@NAME.service; elsewhere a file in the state directory,
 * autostart/NAME, which `berth autostart` goes by: the lines after=MACHINE and delay=MICROSECONDS. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/macro.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-autostart.h"
#include "machine/run-ready.h"
#include "machine/run-registry.h"
#include "machine/run-scope.h"
#include "sys/command.h"

#define FILE_MAX  65536
#define STEP_USEC 50000

static char *entry_path(const MachineHost *h, const char *name)
{
        return xasprintf("%s/autostart/%s", h->state_dir, name);
}

/* ---- enable and disable ---- */

static int systemctl(const char *verb, const char *name, bool now, Error *e)
{
        _cleanup_free_ char *unit = xasprintf("berth@%s.service", name), *output = NULL, *errors = NULL;
        const char *argv[] = {"systemctl", verb, unit, now ? "--now" : NULL, NULL};
        int status = 0;
        int r = sys_command(&(SysCommand){.argv = (char *const *)argv}, &output, &errors, &status);

        if (r < 0)
                return error_sys(e, r, "cannot run systemctl");
        if (status == 0)
                return 0;
        errors[strcspn(errors, "\n")] = '\0';
        return error_set(e, -EIO, "systemctl %s %s failed: %s", verb, unit, errors);
}

static int check_exists(const MachineHost *h, const char *name, Error *e)
{
        MachineSpec s;
        int r = machine_check_name(name, e);

        spec_init(&s);
        if (r >= 0)
                r = machine_settings(h, name, &s, e);
        spec_done(&s);
        return r;
}

static int write_entry(const MachineHost *h, const char *name, const MachineAutostart *how, Error *e)
{
        _cleanup_free_ char *path = entry_path(h, name), *dir = path_dirname(path);
        _cleanup_buf_ Buf b = {0};

        STRV_FOREACH (other, how->after) {
                int r = machine_check_name(*other, e);
                if (r < 0)
                        return r;
                buf_addf(&b, "after=%s\n", *other);
        }
        buf_addf(&b, "delay=%llu\n", (unsigned long long)how->delay_usec);
        int r = file_mkdir_p(dir, 0755);
        if (r >= 0)
                r = file_write_atomic_at(AT_FDCWD, path, b.data, b.len, 0644, true);
        return r < 0 ? error_sys(e, r, "cannot write '%s'", path) : 0;
}

static bool runs(const MachineHost *h, const char *name)
{
        Machine m = {0};
        bool there = machine_find(h, name, &m, NULL) >= 0;

        machine_done(&m);
        return there;
}

int machine_enable(const MachineHost *h, const char *name, const MachineAutostart *how, bool now, Error *e)
{
        int r = check_exists(h, name, e);

        if (r < 0)
                return r;
        if (scope_is_possible(h)) {
                if (how->after || how->delay_usec)
                        return error_set(e, -EOPNOTSUPP,
                                         "systemd starts machines on this host: say After= in a drop-in, 'systemctl edit "
                                         "berth@%s'",
                                         name);
                return systemctl("enable", name, now, e);
        }
        r = write_entry(h, name, how, e);
        return r < 0 || !now || runs(h, name) ? r : machine_start_name(h, name, e);
}

int machine_disable(const MachineHost *h, const char *name, bool now, Error *e)
{
        int r = machine_check_name(name, e);

        if (r < 0)
                return r;
        if (scope_is_possible(h))
                return systemctl("disable", name, now, e);
        _cleanup_free_ char *path = entry_path(h, name);
        if (unlink(path) < 0 && errno != ENOENT)
                return error_sys(e, -errno, "cannot remove '%s'", path);
        return now && runs(h, name) ? machine_poweroff(h, (char *const[]){(char *)name, NULL}, USEC_INFINITY, e) : 0;
}

void autostart_remove(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *path = entry_path(h, name);

        (void)unlink(path);
}

void autostart_rename(const MachineHost *h, const char *name, const char *new_name)
{
        _cleanup_free_ char *from = entry_path(h, name), *to = entry_path(h, new_name);

        (void)rename(from, to);
}

/* ---- autostart ---- */

typedef enum { WAITS, STARTS, DONE } State;

typedef struct Entry {
        char *name;
        MachineAutostart how;
        uint64_t due; /* monotonic; 0: the delay has not begun */
        pid_t starter;
        State state;
} Entry;

typedef struct Entries {
        Entry *items;
        size_t n;
        const MachineHost *host;
        unsigned starting;
        int result;
} Entries;

static void entries_done(Entries *a)
{
        for (size_t i = 0; i < a->n; i++) {
                free(a->items[i].name);
                strv_free(a->items[i].how.after);
        }
        free(a->items);
}

static void read_entry(const MachineHost *h, const char *name, MachineAutostart *ret)
{
        _cleanup_free_ char *path = entry_path(h, name), *text = NULL;

        if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0)
                return;
        _cleanup_strv_ char **lines = strv_split(text, "\n");
        STRV_FOREACH (line, lines) {
                const char *after = str_startswith(*line, "after="), *delay = str_startswith(*line, "delay=");
                if (after)
                        strv_push(&ret->after, after);
                else if (delay && str_parse_u64(delay, &ret->delay_usec) < 0)
                        ret->delay_usec = 0;
        }
}

static int read_entries(const MachineHost *h, Entries *ret, Error *e)
{
        _cleanup_free_ char *path = entry_path(h, ".");
        _cleanup_closedir_ DIR *dir = opendir(path);
        _cleanup_strv_ char **names = NULL;

        if (!dir)
                return errno == ENOENT ? 0 : error_sys(e, -errno, "cannot read '%s'", path);
        for (struct dirent *d; (d = readdir(dir));)
                if (path_machine_name_is_valid(d->d_name))
                        strv_push(&names, d->d_name);
        strv_sort(names);
        STRV_FOREACH (name, names) {
                Entry n = {.name = xstrdup(*name), .state = runs(h, *name) ? DONE : WAITS};
                read_entry(h, *name, &n.how);
                *vec_push(ret) = n;
        }
        return 0;
}

/* Of those that start with the host, the ones before it must be ready; one that failed, or is not among them, is not waited for. */
static bool may_start(const Entries *a, const Entry *n)
{
        STRV_FOREACH (other, n->how.after)
                for (size_t i = 0; i < a->n; i++) {
                        if (!str_eq(a->items[i].name, *other) || &a->items[i] == n)
                                continue;
                        Machine m = {0};
                        bool there = a->items[i].state == DONE && machine_find(a->host, *other, &m, NULL) >= 0;
                        bool wait = a->items[i].state != DONE || (there && !machine_is_ready(&m));
                        machine_done(&m);
                        if (wait)
                                return false;
                }
        return true;
}

static void start_entry(Entries *a, Entry *n)
{
        pid_t pid = fork();

        if (pid == 0) {
                Error e = {0};
                int r = machine_start_name(a->host, n->name, &e);
                if (r < 0)
                        events_warning(&a->host->events, "%s", e.message);
                _exit(r < 0);
        }
        n->starter = pid;
        n->state = pid > 0 ? STARTS : DONE;
        a->starting += pid > 0;
        if (pid < 0)
                a->result = -errno;
}

static void reap(Entries *a)
{
        for (size_t i = 0; i < a->n; i++) {
                Entry *n = a->items + i;
                int status;
                if (n->state != STARTS || waitpid(n->starter, &status, WNOHANG) <= 0)
                        continue;
                n->state = DONE;
                a->starting--;
                if (status != 0)
                        a->result = -EIO;
        }
}

/* Whether anything is left to do. */
static bool step(Entries *a, unsigned parallel)
{
        size_t waiting = 0;

        reap(a);
        for (size_t i = 0; i < a->n; i++) {
                Entry *n = a->items + i;
                if (n->state != WAITS)
                        continue;
                waiting++;
                if (!may_start(a, n))
                        continue;
                if (n->due == 0)
                        n->due = clock_monotonic() + n->how.delay_usec;
                if (a->starting < parallel && clock_monotonic() >= n->due)
                        start_entry(a, n);
        }
        return waiting > 0 || a->starting > 0;
}

/* -ELOOP with who waits for whom. */
static int check_order(const Entries *a, Error *e)
{
        bool *placed = xnew(bool, MAX(a->n, (size_t)1));
        size_t left = a->n, before;

        for (size_t i = 0; i < a->n; i++)
                placed[i] = false;
        do {
                before = left;
                for (size_t i = 0; i < a->n; i++) {
                        bool free_to_go = !placed[i];
                        STRV_FOREACH (other, a->items[i].how.after)
                                for (size_t k = 0; k < a->n; k++)
                                        free_to_go = free_to_go && (placed[k] || !str_eq(a->items[k].name, *other));
                        placed[i] = placed[i] || free_to_go;
                        left -= free_to_go;
                }
        } while (left > 0 && left < before);
        const char *name = NULL;
        for (size_t i = 0; i < a->n && !name; i++)
                name = placed[i] ? NULL : a->items[i].name;
        free(placed);
        return name ? error_set(e, -ELOOP,
                                "machine '%s' is to start after itself, by way of others; say 'berth enable %s --after=…' anew",
                                name, name)
                    : 0;
}

int machine_autostart(const MachineHost *h, Error *e)
{
        _cleanup_(entries_done) Entries a = {.host = h};
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        Error network = {0};

        if (machine_lan_up(h, NULL, &network) < 0) /* who needs it says so, the others start */
                events_warning(&h->events, "%s", network.message);
        int r = read_entries(h, &a, e);

        if (r >= 0)
                r = check_order(&a, e);
        while (r >= 0 && step(&a, (unsigned)MAX(2 * cpus, 4L)))
                usleep(STEP_USEC);
        return r < 0 ? r : a.result;
}
