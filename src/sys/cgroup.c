/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/cgroup-private.h"

#define READ_LIMIT      (1024 * 1024)
#define PROCS_LIMIT     (64 * 1024 * 1024)
#define FREEZE_WAIT_MS  10000
#define KILL_ROUNDS     200
#define KILL_ROUND_MS   50
#define MAKE_ROUNDS     10
#define REMOVE_ROUNDS   40
#define REMOVE_ROUND_MS 50

static bool is_cgroup2(const char *path)
{
        struct statfs s;

        return statfs(path, &s) == 0 && (uint32_t)s.f_type == CGROUP2_SUPER_MAGIC;
}

const char *sys_cgroup_mountpoint(void)
{
        static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
        static const char *found; /* file systems are not mounted there while we run */

        for (size_t i = 0; !found && i < ELEMENTSOF(places); i++)
                if (is_cgroup2(places[i]))
                        found = places[i];
        return found;
}

int sys_cgroup_of(pid_t pid, char **ret)
{
        _cleanup_free_ char *text = NULL, *path = pid ? xasprintf("/proc/%d/cgroup", pid) : xstrdup("/proc/self/cgroup");
        int r = file_read_at(AT_FDCWD, path, READ_LIMIT, &text, NULL);

        if (r < 0)
                return r;
        for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                const char *cgroup = str_startswith(line, "0::");
                if (!cgroup)
                        continue;
                *ret = xstrndup(cgroup, strcspn(cgroup, "\n"));
                return 0;
        }
        return -ENODATA;
}

int sys_cgroup_self(char **ret)
{
        return sys_cgroup_of(0, ret);
}

int sys_cgroup_base(char **ret)
{
        _cleanup_free_ char *self = NULL;
        int r = sys_cgroup_self(&self);

        if (r < 0)
                return r;
        *ret = str_eq(self, "/") ? xstrdup("/machine.slice") : TAKE_PTR(self);
        return 0;
}

/* The directory of a cgroup in the file system. The root is nobody's to change, and ".." leads to what is not ours. */
static int cgroup_path(const char *path, char **ret)
{
        const char *mountpoint = sys_cgroup_mountpoint();

        if (!mountpoint)
                return -EOPNOTSUPP;
        if (!path_is_normalized(path) || str_eq(path, "/"))
                return -EINVAL;
        *ret = path_join(mountpoint, path);
        return 0;
}

static int cgroup_open(const char *path)
{
        _cleanup_free_ char *dir = NULL;
        int r = cgroup_path(path, &dir);

        if (r < 0)
                return r;
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int sys_cgroup_make(const char *path, int *ret_fd)
{
        _cleanup_free_ char *dir = NULL;
        int r = cgroup_path(path, &dir);

        if (r < 0)
                return r;
        r = -ENOENT;
        for (unsigned tries = 0; r == -ENOENT && tries < MAKE_ROUNDS; tries++) /* the last one out removes the parent meanwhile */
                r = file_mkdir_p(dir, 0755);
        if (r < 0 || !ret_fd)
                return r;
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

int sys_cgroup_enable_controllers(const char *path)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **controllers = NULL;
        _cleanup_close_ int dir = cgroup_open(path);

        if (dir < 0)
                return dir;
        int r = file_read_at(dir, "cgroup.controllers", READ_LIMIT, &text, NULL);
        if (r < 0)
                return r;
        controllers = strv_split(text, " \n");
        STRV_FOREACH (c, controllers) {
                _cleanup_free_ char *word = xasprintf("+%s", *c);
                int one = file_write_at(dir, "cgroup.subtree_control", word, 0);
                if (r == 0)
                        r = one; /* the others are tried all the same */
        }
        return r;
}

int sys_cgroup_own(const char *path, uid_t uid, gid_t gid)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **files = NULL;
        _cleanup_close_ int dir = cgroup_open(path);

        if (dir < 0)
                return dir;
        if (fchown(dir, uid, gid) < 0)
                return -errno;
        if (file_read_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", READ_LIMIT, &text, NULL) < 0)
                files = strv_split("cgroup.procs cgroup.threads cgroup.subtree_control", " ");
        else
                files = strv_split(text, "\n");
        STRV_FOREACH (f, files)
                if (fchownat(dir, *f, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT) /* those of absent controllers */
                        return -errno;
        return 0;
}

int sys_cgroup_attach(const char *path, pid_t pid)
{
        _cleanup_close_ int dir = cgroup_open(path);
        char text[16];

        if (dir < 0)
                return dir;
        snprintf(text, sizeof(text), "%d", pid);
        return file_write_at(dir, "cgroup.procs", text, 0);
}

/* One of the numbers of cgroup.events: "populated 1". */
static int event_value(int events, const char *key)
{
        char text[256];
        ssize_t n = pread(events, text, sizeof(text) - 1, 0);

        if (n < 0)
                return -errno;
        text[n] = '\0';
        for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                const char *value = str_startswith(line, key);
                if (value && *value == ' ')
                        return value[1] == '1';
        }
        return -ENODATA;
}

/* The kernel wakes pollers of cgroup.events when a number in it changes. */
static int wait_event(int dir, const char *key, int value, int timeout_ms)
{
        _cleanup_close_ int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
        uint64_t end = clock_monotonic() + (uint64_t)timeout_ms * 1000;

        if (events < 0)
                return -errno;
        for (;;) {
                int r = event_value(events, key);
                if (r < 0 || r == value)
                        return r < 0 ? r : 0;
                uint64_t now = clock_monotonic();
                if (now >= end)
                        return -ETIMEDOUT;
                struct pollfd p = {.fd = events, .events = POLLPRI};
                if (poll(&p, 1, (int)((end - now) / 1000) + 1) < 0 && errno != EINTR)
                        return -errno;
        }
}

int sys_cgroup_populated(const char *path)
{
        _cleanup_close_ int dir = cgroup_open(path);
        if (dir < 0)
                return dir;
        _cleanup_close_ int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
        if (events < 0)
                return -errno;
        return event_value(events, "populated");
}

int sys_cgroup_freeze(const char *path, bool on)
{
        _cleanup_close_ int dir = cgroup_open(path);

        if (dir < 0)
                return dir;
        int r = file_write_at(dir, "cgroup.freeze", on ? "1" : "0", 0);
        return r < 0 ? r : wait_event(dir, "frozen", on, FREEZE_WAIT_MS);
}

int sys_cgroup_is_frozen(const char *path)
{
        _cleanup_close_ int dir = cgroup_open(path);
        char c = '0';

        if (dir < 0)
                return dir;
        _cleanup_close_ int file = openat(dir, "cgroup.freeze", O_RDONLY | O_CLOEXEC);
        return file < 0 || read(file, &c, 1) < 0 ? -errno : c == '1';
}

static int signal_listed(int dir, int signal)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **pids = NULL;
        int r = file_read_at(dir, "cgroup.procs", PROCS_LIMIT, &text, NULL);

        if (r < 0)
                return r;
        pids = strv_split(text, "\n");
        STRV_FOREACH (p, pids) {
                int32_t pid;
                if (str_parse_i32(*p, &pid) < 0 || pid <= 0) /* 0: not of our PID namespace */
                        continue;
                if (kill(pid, signal) < 0 && errno != ESRCH)
                        return -errno;
        }
        return 0;
}

/* Appends the cgroups right below dir to the list of paths. */
static int list_children(const char *path, char ***list)
{
        _cleanup_closedir_ DIR *dir = opendir(path);

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (;;) {
                errno = 0;
                const struct dirent *d = readdir(dir);
                if (!d)
                        return -errno;
                if (d->d_type == DT_DIR && d->d_name[0] != '.')
                        strv_consume(list, path_join(path, d->d_name));
        }
}

/* Once through the subtree, breadth first. */
static int signal_tree(const char *path, int signal)
{
        _cleanup_strv_ char **list = NULL;

        strv_push(&list, path);
        for (size_t i = 0; list[i]; i++) {
                _cleanup_close_ int dir = open(list[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (dir < 0) {
                        if (errno == ENOENT)
                                continue;
                        return -errno;
                }
                int r = signal_listed(dir, signal);
                if (r == 0)
                        r = list_children(list[i], &list);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Before Linux 5.14: again and again, because processes fork while they are being listed. */
int cgroup_kill_until_empty(const char *path, int dir)
{
        for (unsigned tries = 0; tries < KILL_ROUNDS; tries++) {
                int r = signal_tree(path, SIGKILL);
                if (r < 0)
                        return r;
                r = wait_event(dir, "populated", 0, KILL_ROUND_MS);
                if (r != -ETIMEDOUT)
                        return r;
        }
        return -ETIMEDOUT;
}

int sys_cgroup_kill(const char *path)
{
        _cleanup_free_ char *directory = NULL;
        int r = cgroup_path(path, &directory);
        if (r < 0)
                return r;
        _cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;

        r = file_write_at(dir, "cgroup.kill", "1", 0);
        return r == -ENOENT ? cgroup_kill_until_empty(directory, dir) : r;
}

int sys_cgroup_signal(const char *path, int signal)
{
        _cleanup_free_ char *directory = NULL;
        int r = cgroup_path(path, &directory);

        return r < 0 ? r : signal_tree(directory, signal);
}

int sys_cgroup_members(const char *path, const char *file, char ***ret)
{
        _cleanup_free_ char *directory = NULL;
        _cleanup_strv_ char **list = NULL;
        int r = cgroup_path(path, &directory);

        if (r < 0)
                return r;
        strv_push(&list, directory);
        for (size_t i = 0; list[i]; i++) {
                _cleanup_free_ char *name = path_join(list[i], file), *text = NULL;
                r = file_read_at(AT_FDCWD, name, PROCS_LIMIT, &text, NULL);
                if (r >= 0) {
                        _cleanup_strv_ char **numbers = strv_split(text, "\n");
                        strv_extend(ret, numbers);
                        r = list_children(list[i], &list);
                }
                if (r < 0 && (i == 0 || r != -ENOENT)) /* one below may go meanwhile */
                        return r;
        }
        return 0;
}

int sys_cgroup_remove_empty(const char *path)
{
        _cleanup_free_ char *directory = NULL;
        int r = cgroup_path(path, &directory);

        if (r < 0)
                return r;
        return rmdir(directory) < 0 ? -errno : 0;
}

int sys_cgroup_remove(const char *path)
{
        _cleanup_free_ char *directory = NULL;
        int r = cgroup_path(path, &directory);

        if (r < 0)
                return r;
        for (unsigned tries = 0; tries < REMOVE_ROUNDS; tries++) {
                r = file_remove_dirs_at(AT_FDCWD, directory);
                if (r != -EBUSY)
                        return r;
                _cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (dir < 0)
                        return errno == ENOENT ? 0 : -errno;
                if (wait_event(dir, "populated", 0, REMOVE_ROUND_MS) == 0)
                        (void)poll(NULL, 0, 5); /* the last process has gone, and its cgroup is still being released */
        }
        return -EBUSY;
}
