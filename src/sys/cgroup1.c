/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/cgroup1.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"

#define FILE_LIMIT      65536
#define REMOVE_ROUNDS   40
#define REMOVE_ROUND_MS 50

/* A new cpuset is empty; the parent's stands for it. */
static int inherit(const char *directory, const char *file)
{
        _cleanup_free_ char *path = path_join(directory, file), *parent = path_dirname(directory),
                            *from = path_join(parent, file), *own = NULL, *text = NULL;
        int r = file_read_at(AT_FDCWD, path, FILE_LIMIT, &own, NULL);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (*str_strip(own))
                return 0;
        r = file_read_at(AT_FDCWD, from, FILE_LIMIT, &text, NULL);
        return r < 0 ? r : file_write_at(AT_FDCWD, path, str_strip(text), 0);
}

int sys_cgroup1_make(const char *directory)
{
        struct stat st;

        if (stat(directory, &st) == 0)
                return 0;
        _cleanup_free_ char *parent = path_dirname(directory);
        if (str_eq(parent, "/"))
                return -ENOENT;
        int r = sys_cgroup1_make(parent);
        if (r < 0)
                return r;
        if (mkdir(directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        r = inherit(directory, "cpuset.cpus");
        return r < 0 ? r : inherit(directory, "cpuset.mems");
}

int sys_cgroup1_attach(const char *directory, pid_t pid)
{
        _cleanup_free_ char *path = path_join(directory, "cgroup.procs");
        char text[16];

        snprintf(text, sizeof(text), "%d", pid);
        return file_write_at(AT_FDCWD, path, text, 0);
}

int sys_cgroup1_remove(const char *directory)
{
        int r = -EBUSY;

        for (unsigned tries = 0; r == -EBUSY && tries < REMOVE_ROUNDS; tries++) {
                if (tries > 0)
                        (void)poll(NULL, 0, REMOVE_ROUND_MS);
                r = file_remove_dirs_at(AT_FDCWD, directory);
        }
        return r;
}
