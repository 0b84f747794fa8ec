/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "machine/run-record.h"
#include "machine/run-registry.h"

#define LOG_MAX   (4u << 20)
#define KEPT      4   /* of each machine: NAME.log, and NAME.log.1 to 3 */
#define FOLLOW_MS 500 /* between looks at whether the machine has ended */

static char *kept_path(const MachineHost *h, const char *name, unsigned age)
{
        return age == 0 ? xasprintf("%s/%s.log", h->log_dir, name) : xasprintf("%s/%s.log.%u", h->log_dir, name, age);
}

static char *running_path(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *dir = machine_record_dir(h, name);

        return path_join(dir, "console.log");
}

/* A copy, as /run is another file system. A log is a comfort: whatever cannot be kept is lost without a word. */
void log_keep(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *from = running_path(h, name), *to = kept_path(h, name, 0), *text = NULL;
        size_t len = 0;

        if (file_read_at(AT_FDCWD, from, LOG_MAX, &text, &len) < 0 || len == 0 || file_mkdir_p(h->log_dir, 0700) < 0)
                return;
        for (unsigned age = KEPT - 1; age > 0; age--) {
                _cleanup_free_ char *newer = kept_path(h, name, age - 1), *older = kept_path(h, name, age);
                (void)rename(newer, older);
        }
        (void)file_write_atomic_at(AT_FDCWD, to, text, len, 0600, false);
}

void log_remove(const MachineHost *h, const char *name)
{
        for (unsigned age = 0; age < KEPT; age++) {
                _cleanup_free_ char *path = kept_path(h, name, age);
                (void)unlink(path);
        }
}

void log_rename(const MachineHost *h, const char *name, const char *new_name)
{
        for (unsigned age = 0; age < KEPT; age++) {
                _cleanup_free_ char *from = kept_path(h, name, age), *to = kept_path(h, new_name, age);
                (void)rename(from, to);
        }
}

/* ---- text of a terminal ---- */

/* ECMA-48: ESC [ … final byte; ESC ] and its kin up to BEL or ESC \; ESC and one byte. */
static bool keeps(LogFilter *f, unsigned char c)
{
        switch (f->state) {
        case LOG_ESCAPE:
                f->state = c == '[' ? LOG_CSI : c == ']' || c == 'P' || c == '_' || c == '^' ? LOG_STRING : LOG_TEXT;
                return false;
        case LOG_CSI:
                if (c >= 0x40 && c <= 0x7e)
                        f->state = LOG_TEXT;
                return false;
        case LOG_STRING:
                if (c == '\a')
                        f->state = LOG_TEXT;
                else if (c == '\033')
                        f->state = LOG_ESCAPE;
                else if (c == '\n') /* it was none */
                        f->state = LOG_TEXT;
                return c == '\n';
        case LOG_TEXT:
                break;
        }
        if (c == '\033')
                f->state = LOG_ESCAPE;
        return c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f);
}

size_t log_filter(LogFilter *f, char *text, size_t n)
{
        size_t kept = 0;

        for (size_t i = 0; i < n; i++)
                if (keeps(f, (unsigned char)text[i]))
                        text[kept++] = text[i];
        return kept;
}

/* ---- following ---- */

static off_t last_lines(int fd, off_t size, size_t lines)
{
        char buf[4096];
        size_t found = 0;

        for (off_t end = size; end > 0;) {
                off_t from = end > (off_t)sizeof(buf) ? end - (off_t)sizeof(buf) : 0;
                ssize_t n = pread(fd, buf, (size_t)(end - from), from);
                if (n <= 0)
                        return 0;
                for (ssize_t i = n; i > 0; i--)
                        if (buf[i - 1] == '\n' && from + i < size && ++found >= lines)
                                return from + i;
                end = from;
        }
        return 0;
}

int log_follow_open(LogFollow *f, const char *path, size_t lines)
{
        struct stat st;

        *f = (LogFollow){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), .watch = -1};
        if (f->fd < 0 || fstat(f->fd, &st) < 0)
                return -errno;
        f->at = lines == 0 ? st.st_size : last_lines(f->fd, st.st_size, lines);
        f->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK); /* without it there is the time between two looks */
        if (f->watch >= 0)
                (void)inotify_add_watch(f->watch, path, IN_MODIFY);
        return 0;
}

ssize_t log_follow_read(LogFollow *f, char *buf, size_t size)
{
        struct stat st;
        char events[4096];

        while (f->watch >= 0 && read(f->watch, events, sizeof(events)) > 0)
                ;
        if (fstat(f->fd, &st) == 0 && st.st_size < f->at)
                f->at = 0; /* it was full, and has begun anew */
        ssize_t n = pread(f->fd, buf, size, f->at);
        if (n > 0)
                f->at += n;
        return n < 0 ? -errno : n;
}

void log_follow_close(LogFollow *f)
{
        f->fd = fd_close(f->fd);
        f->watch = fd_close(f->watch);
}

static int show(LogFollow *f, LogFilter *filter, int out, Error *e)
{
        char buf[8192];
        ssize_t n;

        while ((n = log_follow_read(f, buf, sizeof(buf))) > 0) {
                size_t len = log_filter(filter, buf, (size_t)n);
                int r = len ? fd_write_all(out, buf, len) : 0;
                if (r < 0)
                        return error_sys(e, r, "cannot write to standard output");
        }
        return n < 0 ? error_sys(e, (int)n, "cannot read the console's log") : 0;
}

static bool is_running(const MachineHost *h, const char *name)
{
        Machine m = {0};
        bool running = machine_find(h, name, &m, NULL) >= 0;

        machine_done(&m);
        return running;
}

int machine_log(const MachineHost *h, const char *name, size_t lines, bool follow, int out, Error *e)
{
        _cleanup_free_ char *running = running_path(h, name), *kept = kept_path(h, name, 0);
        _cleanup_(log_follow_close) LogFollow f = {-1, -1, 0};
        LogFilter filter = {0};
        int r = machine_check_name(name, e);

        if (r < 0)
                return r;
        bool runs = is_running(h, name);
        r = log_follow_open(&f, runs ? running : kept, lines);
        if (r == -ENOENT)
                return error_set(e, r,
                                 runs ? "machine '%s' runs in the foreground, and its console is there"
                                      : "there is no log of machine '%s'",
                                 name);
        if (r < 0)
                return error_sys(e, r, "cannot read the log of machine '%s'", name);
        r = show(&f, &filter, out, e);
        while (r >= 0 && follow && runs) {
                struct pollfd p = {.fd = f.watch, .events = POLLIN};
                (void)poll(&p, 1, FOLLOW_MS);
                runs = is_running(h, name); /* before the last look */
                r = show(&f, &filter, out, e);
        }
        return r;
}
