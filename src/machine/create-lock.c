/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/run-registry.h"
#include "sys/cgroup.h"
#include "sys/lock.h"

#define PREFIX "create-"

/* Where the plan of such a machine will have it; NULL without cgroup2. */
static char *cgroup_of(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *base = NULL;
        if (h->cgroup_parent)
                base = xstrdup(h->cgroup_parent);
        else if (sys_cgroup_base(&base) < 0)
                return NULL;
        return xasprintf("%s/berth-%s", str_eq(base, "/") ? "" : base, name);
}

int create_lock(const MachineHost *h, const char *name, Error *e)
{
        _cleanup_free_ char *dir = path_join(h->run_dir, "locks"), *path = path_join(dir, name), *cgroup = cgroup_of(h, name);
        int r = file_mkdir_p(dir, 0755);
        int fd = r < 0 ? r : sys_lock_at(AT_FDCWD, path, true, false);
        if (fd == -EAGAIN) {
                events_note(&h->events, "Another create builds the same source: waiting for it to finish");
                fd = sys_lock_at(AT_FDCWD, path, true, true);
        }
        if (fd < 0)
                return error_sys(e, fd, "cannot lock '%s'", path);
        if (cgroup && ftruncate(fd, 0) == 0)
                (void)fd_write_all(fd, cgroup, strlen(cgroup)); /* without it only an empty cgroup may stay */
        return fd;
}

void create_unlock(const MachineHost *h, const char *name, int *take_fd)
{
        _cleanup_free_ char *path = xasprintf("%s/locks/%s", h->run_dir, name);
        (void)unlink(path);
        *take_fd = fd_close(*take_fd);
}

static void clear(const MachineHost *h, const char *dir, const char *name)
{
        _cleanup_free_ char *path = path_join(dir, name), *cgroup = NULL;
        _cleanup_close_ int fd = sys_lock_at(AT_FDCWD, path, true, false);
        if (fd < 0)
                return;
        if (file_read_fd(fd, PATH_MAX, &cgroup, NULL) >= 0 && path_is_absolute(cgroup) && str_endswith(cgroup, name)) {
                (void)sys_cgroup_kill(cgroup);
                (void)sys_cgroup_remove(cgroup);
        }
        (void)unlink(path); /* under the lock */
}

void create_clear_killed(const MachineHost *h)
{
        _cleanup_free_ char *path = path_join(h->run_dir, "locks");
        _cleanup_closedir_ DIR *dir = opendir(path);
        bool any = false;

        for (struct dirent *d; dir && (d = readdir(dir));)
                if (str_startswith(d->d_name, PREFIX)) {
                        clear(h, path, d->d_name);
                        any = true;
                }
        if (any)
                machine_registry_remove_parent(h);
}
