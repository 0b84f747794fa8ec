/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strv.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct {
        int type;
        const char *home; /* setns(2) with these moves the children-to-be back, too */
} kinds[] = {
                {CLONE_NEWPID, "/proc/self/ns/pid"},       {CLONE_NEWNET, "/proc/self/ns/net"},
                {CLONE_NEWIPC, "/proc/self/ns/ipc"},       {CLONE_NEWUTS, "/proc/self/ns/uts"},
                {CLONE_NEWCGROUP, "/proc/self/ns/cgroup"}, {CLONE_NEWTIME, "/proc/self/ns/time"},
};

static int remember_home(Joined *j, int type, Error *e)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                if (kinds[i].type != type)
                        continue;
                int fd = j->n < JOIN_MAX ? open(kinds[i].home, O_RDONLY | O_CLOEXEC) : -1;
                if (fd < 0)
                        return error_sys(e, -errno, "cannot open '%s'", kinds[i].home);
                j->home[j->n] = fd;
                j->types[j->n++] = type;
                return 0;
        }
        return error_set(e, -EOPNOTSUPP, "namespaces of this kind cannot be joined");
}

static int enter_path(Joined *j, const PlanJoin *join, Error *e)
{
        _cleanup_close_ int fd = open(join->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_sys(e, -errno, "cannot open namespace '%s'", join->path);
        int type = ioctl(fd, NS_GET_NSTYPE);
        if (type < 0)
                return error_set(e, -EINVAL, "'%s' is no namespace", join->path);
        if (type != (int)join->type)
                return error_set(e, -EINVAL, "'%s' is a namespace of another kind than is wanted", join->path);
        int r = remember_home(j, type, e);
        if (r < 0)
                return r;
        return setns(fd, type) < 0 ? error_sys(e, -errno, "cannot enter namespace '%s'", join->path) : 0;
}

/* Its offsets can be set until the first process is in it. */
static int make_time(Joined *j, const MachinePlan *plan, Error *e)
{
        _cleanup_free_ char *text = strv_join(plan->time_offsets, "\n");
        int r = remember_home(j, CLONE_NEWTIME, e);

        if (r < 0)
                return r;
        if (unshare(CLONE_NEWTIME) < 0)
                return error_sys(e, -errno, "cannot make a time namespace");
        if (!plan->time_offsets)
                return 0;
        r = file_write_at(AT_FDCWD, "/proc/self/timens_offsets", text, 0);
        return r < 0 ? error_sys(e, r, "cannot set the offsets of the machine's clocks") : 0;
}

int join_enter(Joined *j, const MachinePlan *plan, Error *e)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < plan->joins.n; i++)
                r = enter_path(j, &plan->joins.items[i], e);
        if (r >= 0 && (plan->namespaces & CLONE_NEWTIME))
                r = make_time(j, plan, e);
        return r;
}

int join_leave(Joined *j)
{
        int r = 0;

        while (j->n > 0) {
                j->n--;
                if (setns(j->home[j->n], j->types[j->n]) < 0)
                        r = -errno;
                fd_close(j->home[j->n]);
        }
        return r;
}
