/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/run-registry.h"
#include "sys/cgroup.h"
#include "sys/process.h"

char *machine_payload_cgroup(const Machine *m)
{
        return m->cgroup ? path_join(m->cgroup, "payload") : NULL;
}

static int send_signal(const Machine *m, bool leader_only, int signal, Error *e)
{
        _cleanup_free_ char *cgroup = machine_payload_cgroup(m);
        int r;

        if (leader_only) {
                _cleanup_close_ int leader = machine_open_leader(m);
                r = leader < 0 ? leader : sys_pidfd_send_signal(leader, signal);
        } else if (cgroup)
                r = sys_cgroup_signal(cgroup, signal);
        else
                return error_set(e, -EOPNOTSUPP,
                                 "machine '%s' has no control group that would list its processes; use --kill-whom=leader",
                                 m->name);
        return r < 0 ? error_sys(e, r, "cannot send a signal to machine '%s'", m->name) : 0;
}

int machine_kill(const MachineHost *h, const char *name, bool leader_only, int signal, Error *e)
{
        Machine m = {0};
        int r = machine_find(h, name, &m, e);

        if (r >= 0)
                r = send_signal(&m, leader_only, signal ?: SIGTERM, e);
        machine_done(&m);
        return r;
}

/* ---- pause and resume ---- */

bool machine_is_paused(const Machine *m)
{
        _cleanup_free_ char *cgroup = machine_payload_cgroup(m);

        return cgroup && sys_cgroup_is_frozen(cgroup) > 0;
}

const char *machine_state(const Machine *m)
{
        return machine_is_paused(m) ? "paused" : m->state;
}

int machine_check_awake(const Machine *m, Error *e)
{
        return machine_is_paused(m) ? error_set(e, -EBUSY, "machine '%s' is paused; let it go on with 'berth resume %s'", m->name,
                                                m->name)
                                    : 0;
}

static int freeze(const Machine *m, bool on, Error *e)
{
        _cleanup_free_ char *cgroup = machine_payload_cgroup(m);

        if (!cgroup)
                return error_set(e, -EOPNOTSUPP,
                                 "machine '%s' has no control group of cgroup v2, which it could be held still by", m->name);
        int r = sys_cgroup_freeze(cgroup, on);
        if (r < 0 && on)
                (void)sys_cgroup_freeze(cgroup, false); /* what cannot be held still (NFS, FUSE) is not left half so */
        return r < 0 ? error_sys(e, r, "cannot %s machine '%s'", on ? "pause" : "resume", m->name) : 0;
}

int machine_pause(const MachineHost *h, const char *name, bool on, Error *e)
{
        Machine m = {0};
        int r = machine_find(h, name, &m, e);

        if (r >= 0)
                r = freeze(&m, on, e);
        machine_done(&m);
        return r;
}
