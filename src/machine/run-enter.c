/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strv.h"
#include "engine/engine.h"
#include "machine/run-facts.h"
#include "machine/run-registry.h"
#include "machine/run-rootless.h"
#include "plan/plan.h"
#include "sys/cgroup.h"
#include "sys/open.h"

/* The leader's own cgroup: with controllers a group that has children takes no processes, but where the leader is there is room. */
static char *leader_cgroup(const Machine *m)
{
        char *cgroup = NULL;
        return m->cgroup && sys_cgroup_of(m->leader, &cgroup) >= 0 ? cgroup : NULL;
}

/* CapBnd and NoNewPrivs of PID 1, from /proc/PID/status (proc(5)): who enters may do what the machine was started with, no more. */
static int leader_rights(const Machine *m, HostFacts *f, Error *e)
{
        _cleanup_free_ char *path = xasprintf("/proc/%d/status", m->leader), *text = NULL;
        unsigned long long bounding;
        int no_new_privs;
        int r = file_read_at(AT_FDCWD, path, 65536, &text, NULL);
        const char *cap = r < 0 ? NULL : strstr(text, "\nCapBnd:"), *nnp = r < 0 ? NULL : strstr(text, "\nNoNewPrivs:");

        if (!cap || !nnp || sscanf(cap, "\nCapBnd: %llx", &bounding) != 1 || sscanf(nnp, "\nNoNewPrivs: %d", &no_new_privs) != 1)
                return error_set(e, r < 0 ? r : -EBADMSG, "cannot read what PID 1 of machine '%s' may do from '%s'", m->name,
                                 path);
        f->leader_known = true;
        f->leader_bounding = bounding;
        f->leader_no_new_privs = no_new_privs;
        return 0;
}

static int enter_plan(const MachineHost *h, const Machine *m, const MachineSpec *spec, MachinePlan *ret, Error *e)
{
        /* The running tree, not the image: its passwd is what counts, with all that was mounted over it. */
        _cleanup_free_ char *root = xasprintf("/proc/%d/root", m->leader);
        StoreImage image = {.name = m->name, .driver = STORE_DIRECTORY, .path = root, .directory = root};
        HostFacts f = {0};
        machine_facts_host(h, &f);
        int r = machine_facts_image(&image, spec, &f, e);
        if (r >= 0)
                r = leader_rights(m, &f, e);
        if (r >= 0) {
                f.machine_name = xstrdup(m->name);
                f.id_base = m->id_base;
                _cleanup_strv_ char **calls = m->system_call_filter ? strv_split(m->system_call_filter, " ") : NULL;
                _cleanup_strv_ char **families = m->address_families ? strv_split(m->address_families, " ") : NULL;
                MachineSpec command = *spec; /* with the filters of the machine; borrowed members */
                command.system_call_filter = calls;
                command.address_families = families;
                command.suppress_sync = m->suppress_sync;
                r = plan_enter(&command, &f, ret, e);
        }
        facts_done(&f);
        return r;
}

static int enter(const MachineHost *h, const Machine *m, const MachineSpec *spec, int *ret_status, Error *e)
{
        MachinePlan plan = {0};
        int r = machine_check_awake(m, e);
        if (r < 0)
                return r;
        _cleanup_close_ int leader = machine_open_leader(m);
        if (leader < 0)
                return error_sys(e, leader, "cannot open the leader of machine '%s'", m->name);
        r = enter_plan(h, m, spec, &plan, e);
        if (r < 0)
                return r;
        _cleanup_free_ char *cgroup = leader_cgroup(m);
        _cleanup_strv_ char **cgroups_v1 = m->cgroup_v1 ? strv_split(m->cgroup_v1, "\n") : NULL;
        const EngineEnter en = {
                        .leader_pidfd = leader,
                        .cgroup = cgroup,
                        .cgroups_v1 = cgroups_v1,
                        .plan = &plan,
                        .pty = isatty(STDIN_FILENO),
                        .in = STDIN_FILENO,
                        .out = STDOUT_FILENO,
                        .err = STDERR_FILENO,
        };
        r = engine_enter(&en, ret_status, e);
        plan_done(&plan);
        return r;
}

int machine_shell(const MachineHost *h, const char *name, const MachineSpec *spec, int *ret_status, Error *e)
{
        Machine m = {0};
        int r = machine_find(h, name, &m, e);
        if (r < 0)
                return r;
        r = h->rootless ? machine_rootless_join(&m, e) : 0;
        if (r >= 0)
                r = enter(h, &m, spec, ret_status, e);
        machine_done(&m);
        return r;
}

/* ---- login ---- */

/* agetty shows /etc/issue and asks for the name; login(1) alone does what counts. */
typedef struct LoginRow {
        const char *path, *argument[3];
} LoginRow;
static const LoginRow logins[] = {
                {"/sbin/agetty", {"--noclear", "-"}},
                {"/usr/sbin/agetty", {"--noclear", "-"}},
                {"/usr/bin/agetty", {"--noclear", "-"}},
                {"/bin/login", {NULL}},
                {"/usr/bin/login", {NULL}},
};

static int login_command(const Machine *m, MachineSpec *s, Error *e)
{
        _cleanup_close_ int root = machine_open_root(m);

        for (size_t i = 0; root >= 0 && i < ELEMENTSOF(logins); i++) {
                _cleanup_close_ int program = sys_open_in_root(root, logins[i].path, O_PATH, 0);
                if (program < 0)
                        continue;
                _cleanup_strv_ char **command = NULL;
                strv_push(&command, logins[i].path);
                strv_extend(&command, (char *const *)logins[i].argument);
                spec_set_parameters(s, command, "berth login");
                return 0;
        }
        return error_set(e, -ENOENT, "machine '%s' has neither agetty nor login inside; use 'berth shell %s'", m->name, m->name);
}

int machine_login(const MachineHost *h, const char *name, int *ret_status, Error *e)
{
        _cleanup_spec_ MachineSpec s;
        Machine m = {0};

        spec_init(&s);
        if (!isatty(STDIN_FILENO))
                return error_set(e, -ENOTTY, "standard input is no terminal, which a login needs; use 'berth shell %s'", name);
        int r = machine_find(h, name, &m, e);
        if (r >= 0 && h->rootless)
                r = machine_rootless_join(&m, e);
        if (r >= 0)
                r = login_command(&m, &s, e);
        if (r >= 0)
                r = enter(h, &m, &s, ret_status, e);
        machine_done(&m);
        return r;
}
