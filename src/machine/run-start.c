/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "machine/run-scope.h"
#include "machine/run-session.h"
#include "machine/run-wants.h"

/* As systemd-nspawn maps it: what the payload exited with; 0 after a power-off; 1 when it died of a signal. With --keep-unit 133 is what
 * the unit takes as the wish for a restart, so a payload's own does not go through; else it is a status like any other. */
static int exit_status(const Target *t, const EngineResult *end, int *ret_status, Error *e)
{
        switch (end->end) {
        case ENGINE_EXITED:
                *ret_status = end->status == 133 && t->spec.keep_unit ? 1 : end->status;
                return 0;
        case ENGINE_SIGNALED:
                return error_set(e, -EIO, "the payload of machine '%s' was ended by signal %d (%s)", t->name, end->status,
                                 strsignal(end->status));
        case ENGINE_REBOOT: /* only with --keep-unit does it come up to here */
                *ret_status = t->spec.keep_unit ? 133 : 0;
                return 0;
        case ENGINE_KILLED:
        case ENGINE_POWEROFF:
                *ret_status = 0;
                return 0;
        }
        return -EINVAL;
}

/* Where systemd's properties or machined are to hold, the machine has a unit of its own, as in the background. */
static int enter_scope(const Target *t, Session *s, Error *e)
{
        const MachineSpec *spec = &t->spec;
        bool registers = spec_is_set(spec, SPEC_FIELD_REGISTER) ? spec->register_machine : t->verb == MACHINE_NSPAWN;

        if (spec->keep_unit || !scope_is_possible(t->host) || (!spec->properties && !registers))
                return 0;
        return scope_enter(t->host, t->name, spec->slice, spec->properties, &s->cgroup, e);
}

static int run(Target *t, int *ret_status, Error *e)
{
        Session s = {.target = t};
        EngineResult end;
        int r = target_claim(t, e);
        if (r < 0)
                return r;
        r = target_plan(t, &s.plan, e);
        if (r < 0)
                return r;
        r = enter_scope(t, &s, e);
        if (r < 0)
                return r;
        const EngineIo io = {.in = STDIN_FILENO, .out = STDOUT_FILENO, .err = STDERR_FILENO, .console_log = -1, .control = -1};
        s.notify = host_notify_open();
        r = session_run(&s, &io, &end, e);
        host_notify_close(&s.notify);
        return r < 0 ? r : exit_status(t, &end, ret_status, e);
}

int machine_run(const MachineHost *h, MachineVerb verb, MachineSpec *spec, int *ret_status, Error *e)
{
        Target t;
        int r = target_from_template(h, spec, e);
        if (r < 0)
                return r;
        r = target_open(h, verb, spec, &t, e);
        if (r < 0)
                return r;
        r = run(&t, ret_status, e);
        target_release(&t);
        return r;
}
