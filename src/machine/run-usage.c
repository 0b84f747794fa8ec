/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-registry.h"
#include "sys/cgroup.h"

/* One number of a file of a control group; with a key, of the line that begins with it. */
static int read_number(const char *directory, const char *file, const char *key, uint64_t *ret)
{
        _cleanup_free_ char *path = path_join(directory, file), *text = NULL;
        int r = file_read_at(AT_FDCWD, path, 65536, &text, NULL);

        if (r < 0)
                return r;
        const char *at = text;
        while (key && at && !(str_startswith(at, key) && at[strlen(key)] == ' ')) {
                at = strchr(at, '\n');
                at = at ? at + 1 : NULL;
        }
        if (!at)
                return -ENODATA;
        _cleanup_free_ char *number = xstrndup(at + (key ? strlen(key) + 1 : 0), strcspn(at + (key ? strlen(key) + 1 : 0), "\n"));
        return str_parse_u64(number, ret);
}

/* Of its groups in hierarchies of cgroup v1, the one that has this file. */
static int read_v1(const Machine *m, const char *file, const char *key, uint64_t *ret)
{
        _cleanup_strv_ char **directories = m->cgroup_v1 ? strv_split(m->cgroup_v1, "\n") : NULL;

        STRV_FOREACH (d, directories)
                if (read_number(*d, file, key, ret) >= 0)
                        return 0;
        return -ENODATA;
}

/* Without a controller that counts: what its processes have in memory, shared pages once for each. */
static uint64_t resident(char *const *processes)
{
        uint64_t sum = 0;

        STRV_FOREACH (pid, processes) {
                _cleanup_free_ char *path = xasprintf("/proc/%s/statm", *pid), *text = NULL;
                unsigned long long pages;
                if (file_read_at(AT_FDCWD, path, 4096, &text, NULL) >= 0 && sscanf(text, "%*s %llu", &pages) == 1)
                        sum += pages * (uint64_t)sysconf(_SC_PAGESIZE);
        }
        return sum;
}

int machine_usage(const Machine *m, MachineUsage *ret)
{
        _cleanup_free_ char *payload = machine_payload_cgroup(m);
        const char *top = sys_cgroup_mountpoint();
        _cleanup_free_ char *directory = payload && top ? path_join(top, payload) : NULL;
        _cleanup_strv_ char **processes = NULL, **threads = NULL;

        *ret = (MachineUsage){0};
        if (!directory)
                return -EOPNOTSUPP;
        int r = sys_cgroup_members(payload, "cgroup.procs", &processes);
        if (r >= 0)
                r = sys_cgroup_members(payload, "cgroup.threads", &threads);
        if (r < 0)
                return r;
        ret->processes = strv_len(processes);
        ret->tasks = strv_len(threads);
        (void)read_number(directory, "cpu.stat", "usage_usec", &ret->cpu_usec);
        if (read_number(directory, "memory.current", NULL, &ret->memory) < 0 &&
            read_v1(m, "memory.usage_in_bytes", NULL, &ret->memory) < 0)
                ret->memory = resident(processes);
        if (read_number(directory, "memory.events", "oom_kill", &ret->oom_kills) < 0)
                (void)read_v1(m, "memory.oom_control", "oom_kill", &ret->oom_kills);
        if (read_number(directory, "memory.max", NULL, &ret->memory_max) < 0 &&
            (read_v1(m, "memory.limit_in_bytes", NULL, &ret->memory_max) < 0 || ret->memory_max > INT64_MAX / 2))
                ret->memory_max = 0;
        if (read_number(directory, "pids.events", "max", &ret->forks_refused) < 0)
                (void)read_v1(m, "pids.events", "max", &ret->forks_refused);
        return 0;
}
