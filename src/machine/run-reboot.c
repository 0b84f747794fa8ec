/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A restart that is asked for from outside: the init reboots, and its supervisor starts it in its place. Who cannot be asked, does not
 * follow, or has no supervisor any more, is stopped and started. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-ready.h"
#include "machine/run-record.h"
#include "machine/run-registry.h"
#include "sys/process.h"

#define LISTEN_MS   10
#define LISTEN_USEC USEC_PER_SEC
#define STEP_USEC   10000

typedef struct Restart {
        Machine machine;
        int leader;
        uint64_t begun;
        bool asked;
        bool found;
} Restart;

static int ask(Restart *s, Error *e)
{
        const Machine *m = &s->machine;

        if (s->asked || (!sys_process_listens(m->leader, m->reboot_signal) && clock_monotonic() - s->begun < LISTEN_USEC))
                return 0;
        int r = sys_pidfd_send_signal(s->leader, m->reboot_signal);
        if (r < 0 && r != -ESRCH)
                return error_sys(e, r, "cannot ask machine '%s' to restart", m->name);
        s->asked = true;
        return 0;
}

static int begin(const MachineHost *h, const char *name, Restart *s, Error *e)
{
        int r = machine_find(h, name, &s->machine, e);

        if (r < 0)
                return r;
        s->found = true;
        if (machine_is_paused(&s->machine))
                r = machine_pause(h, name, false, e);
        if (r < 0)
                return r;
        s->leader = machine_open_leader(&s->machine);
        if (s->leader < 0 && s->leader != -ESRCH)
                return error_sys(e, s->leader, "cannot open the leader of machine '%s'", name);
        if (s->leader >= 0 && s->machine.reboot_signal == 0)
                s->machine.reboot_signal = machine_prepare_reboot(&s->machine);
        return s->leader < 0 || s->machine.reboot_signal == 0 ? 0 : ask(s, e);
}

/* 1: in time; 0: not */
static int await_end(Restart *s, uint64_t timeout_usec, Error *e)
{
        struct pollfd p = {.fd = s->leader, .events = POLLIN};
        uint64_t limit = timeout_usec == USEC_INFINITY ? s->machine.stop_timeout_usec : timeout_usec;

        while (s->leader >= 0 && sys_pidfd_alive(s->leader)) {
                uint64_t passed = clock_monotonic() - s->begun;
                if (passed >= limit)
                        return 0;
                int r = ask(s, e);
                if (r < 0)
                        return r;
                (void)poll(&p, 1, (int)MIN((limit - passed) / 1000 + 1, s->asked ? (uint64_t)1000 : LISTEN_MS));
        }
        return 1;
}

/* 1: it is up again; 0: it has ended for good, or its supervisor is gone. */
static int await_start(const MachineHost *h, const Machine *before)
{
        for (;; usleep(STEP_USEC)) {
                Machine now = {0};
                bool there = machine_record_read(h, before->name, &now) >= 0;
                bool other = there && (now.leader != before->leader || now.leader_starttime != before->leader_starttime);
                bool up = other && str_eq(now.state, "running");
                machine_done(&now);
                if (up)
                        return 1;
                int lock = machine_record_lock(h, before->name);
                if (lock == -EAGAIN)
                        continue;
                machine_record_unlock(h, before->name, &lock);
                return 0;
        }
}

static int await(const MachineHost *h, Restart *s, uint64_t timeout_usec, Error *e)
{
        const Machine *m = &s->machine;

        if (m->reboot_signal == 0) {
                int r = machine_poweroff(h, (char *const[]){m->name, NULL}, timeout_usec, e);
                return r < 0 ? r : machine_start_name(h, m->name, e);
        }
        int r = await_end(s, timeout_usec, e);
        if (r == 0)
                r = machine_terminate(h, m->name, e);
        else if (r > 0 && await_start(h, m) > 0)
                return 0;
        return r < 0 ? r : machine_start_name(h, m->name, e);
}

int machine_reboot(const MachineHost *h, char *const *names, uint64_t timeout_usec, Error *e)
{
        size_t n = strv_len(names);
        Restart *s = xnew(Restart, n);
        int result = 0;

        for (size_t i = 0; i < n; i++) {
                s[i] = (Restart){.leader = -1, .begun = clock_monotonic()};
                int r = begin(h, names[i], s + i, e);
                if (r < 0) {
                        result = r;
                        s[i].found = false;
                }
        }
        for (size_t i = 0; i < n; i++) {
                int r = s[i].found ? await(h, s + i, timeout_usec, e) : 0;
                result = r < 0 ? r : result;
                (void)fd_close(MAX(s[i].leader, -1));
                machine_done(&s[i].machine);
        }
        free(s);
        return result;
}
