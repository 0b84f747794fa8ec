/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-transfer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/lock.h"
#include "sys/process.h"

#define NOTE_EVERY    (USEC_PER_SEC / 5)
#define TEXT_MAX      65536
#define CANCEL_WAIT_S 5

static char *directory_of(const MachineHost *h)
{
        return path_join(h->run_dir, "transfers");
}

/* ---- the transfer's own side ---- */

/* Readers see the old text or the new one: it has the same length. */
static void note(TransferRecord *t, uint64_t done, uint64_t total)
{
        _cleanup_free_ char *line =
                        xasprintf("DONE=%020llu\nTOTAL=%020llu\n", (unsigned long long)done, (unsigned long long)total);

        if (t->fd >= 0)
                (void)!pwrite(t->fd, line, strlen(line), 0);
}

static void on_event(void *ctx, const Event *event)
{
        TransferRecord *t = ctx;
        uint64_t now = clock_monotonic();

        if (event->kind == EVENT_PROGRESS && now - t->noted >= NOTE_EVERY) {
                t->noted = now;
                note(t, event->done, event->total);
        }
        if (t->outer->func)
                t->outer->func(t->outer->ctx, event);
}

/* The lowest number that is free, so that people have little to type. */
static int take_id(const MachineHost *h, char **ret_path)
{
        _cleanup_free_ char *dir = directory_of(h);
        int r = file_mkdir_p(dir, 0755);

        for (unsigned id = 1; r >= 0; id++) {
                _cleanup_free_ char *path = xasprintf("%s/%u", dir, id);
                int fd = sys_lock_at(AT_FDCWD, path, true, false);
                if (fd >= 0)
                        *ret_path = TAKE_PTR(path);
                if (fd != -EAGAIN)
                        return fd;
        }
        return r;
}

static char *clean_word(const char *s) /* of one line */
{
        char *copy = xstrdup(s ?: "");

        for (char *p = copy; *p; p++)
                if ((unsigned char)*p < ' ')
                        *p = '?';
        return copy;
}

void transfer_begin(TransferRecord *t, const MachineHost *h, const char *kind, const char *local, const char *remote)
{
        _cleanup_free_ char *own_local = clean_word(local), *own_remote = clean_word(remote);
        uint64_t starttime = 0;

        *t = (TransferRecord){.host = *h, .outer = &h->events};
        t->host.events = (Events){.func = on_event, .ctx = t};
        t->fd = take_id(h, &t->path);
        if (t->fd < 0)
                return;
        (void)sys_process_starttime(getpid(), &starttime);
        _cleanup_free_ char *text = xasprintf("DONE=%020d\nTOTAL=%020d\nTYPE=%s\nLOCAL=%s\nREMOTE=%s\nPID=%d\nSTARTTIME=%llu\n",
                                              0, 0, kind, own_local, own_remote, getpid(), (unsigned long long)starttime);
        if (ftruncate(t->fd, 0) < 0 || fd_write_all(t->fd, text, strlen(text)) < 0)
                transfer_end(t);
}

void transfer_end(TransferRecord *t)
{
        if (t->fd >= 0)
                (void)unlink(t->path); /* under the lock */
        t->fd = fd_close(t->fd);
        free(t->path);
        t->path = NULL;
}

/* ---- the others' ---- */

static void parse(char *text, Transfer *ret)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");

        STRV_FOREACH (line, lines) {
                const char *v;
                uint64_t n;
                if ((v = str_startswith(*line, "TYPE=")))
                        ret->type = xstrdup(v);
                else if ((v = str_startswith(*line, "LOCAL=")))
                        ret->local = xstrdup(v);
                else if ((v = str_startswith(*line, "REMOTE=")))
                        ret->remote = xstrdup(v);
                else if ((v = str_startswith(*line, "DONE=")) && str_parse_u64(v, &n) >= 0)
                        ret->done = n;
                else if ((v = str_startswith(*line, "TOTAL=")) && str_parse_u64(v, &n) >= 0)
                        ret->total = n;
                else if ((v = str_startswith(*line, "STARTTIME=")) && str_parse_u64(v, &n) >= 0)
                        ret->starttime = n;
                else if ((v = str_startswith(*line, "PID=")))
                        (void)str_parse_i32(v, &ret->pid);
        }
}

/* -ENOENT: there is none; what a killed command left goes. */
static int load(const char *dir, const char *id, Transfer *ret)
{
        _cleanup_close_ int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        uint32_t number;

        *ret = (Transfer){0};
        if (dirfd < 0 || str_parse_u32(id, &number) < 0)
                return -ENOENT;
        int r = file_read_at(dirfd, id, TEXT_MAX, &text, NULL);
        if (r < 0)
                return r;
        _cleanup_close_ int lock = sys_lock_at(dirfd, id, true, false);
        if (lock >= 0) {
                (void)unlinkat(dirfd, id, 0);
                return -ENOENT;
        }
        parse(text, ret);
        ret->id = number;
        if (ret->type && ret->pid > 0)
                return 0;
        transfer_done(ret); /* just being written */
        return -ENOENT;
}

static int by_id(const void *a, const void *b)
{
        const Transfer *x = a, *y = b;

        return (x->id > y->id) - (x->id < y->id);
}

void machine_transfers(const MachineHost *h, Transfer **ret, size_t *ret_n)
{
        struct {
                Transfer *items;
                size_t n;
        } v = {0};
        _cleanup_free_ char *path = directory_of(h);
        _cleanup_closedir_ DIR *dir = opendir(path);
        Transfer t;

        for (struct dirent *d; dir && (d = readdir(dir));)
                if (load(path, d->d_name, &t) == 0)
                        *vec_push(&v) = t;
        if (v.n > 1)
                qsort(v.items, v.n, sizeof(*v.items), by_id);
        *ret = v.items;
        *ret_n = v.n;
}

void transfer_done(Transfer *t)
{
        free(t->type);
        free(t->local);
        free(t->remote);
        *t = (Transfer){0};
}

static int open_process(const Transfer *t)
{
        uint64_t starttime = 0;
        _cleanup_close_ int pidfd = sys_pidfd_open(t->pid);

        if (pidfd < 0)
                return pidfd;
        if (sys_process_starttime(t->pid, &starttime) < 0 || starttime != t->starttime)
                return -ESRCH;
        return TAKE_FD(pidfd);
}

static bool ends(int pidfd)
{
        struct pollfd end = {.fd = pidfd, .events = POLLIN};

        return poll(&end, 1, CANCEL_WAIT_S * 1000) > 0;
}

int machine_transfer_cancel(const MachineHost *h, const char *id, Error *e)
{
        _cleanup_(transfer_done) Transfer t = {0}, gone = {0};
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_free_ char *dir = directory_of(h);

        if (load(dir, id, &t) < 0)
                return error_set(e, -ENOENT, "there is no transfer '%s'; 'berth list-transfers' shows those that run", id);
        _cleanup_close_ int pidfd = open_process(&t);
        if (pidfd >= 0) {
                int r = sys_pidfd_send_signal(pidfd, SIGTERM);
                if (r >= 0 && !ends(pidfd))
                        r = sys_pidfd_send_signal(pidfd, SIGKILL);
                if (r < 0 && r != -ESRCH)
                        return error_sys(e, r, "cannot cancel transfer '%s'", id);
                (void)ends(pidfd);
        }
        (void)load(dir, id, &gone);                /* clears the record */
        return store_open(h->machines_dir, &s, e); /* and this what it had begun */
}
