/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/engine.h"
#include "machine/run-ready.h"
#include "machine/run-record.h"
#include "machine/run-registry.h"
#include "sys/process.h"

#define CLEANUP_USEC (10ULL * USEC_PER_SEC) /* for a supervisor to tidy up after its machine has ended */
#define LISTEN_MS    10                     /* between looks at an init that does not listen yet */
#define LISTEN_USEC  USEC_PER_SEC           /* it is asked all the same then */

/* The end of a machine is the end of its supervisor's work. When that was killed, its work is done here. */
static void wait_cleaned(const MachineHost *h, const Machine *m)
{
        uint64_t deadline = clock_monotonic() + CLEANUP_USEC;
        int lock;
        while ((lock = machine_record_lock(h, m->name)) == -EAGAIN && clock_monotonic() < deadline)
                usleep(5000);
        if (lock < 0)
                return;
        Machine now = {0};
        if (machine_record_read(h, m->name, &now) >= 0 && now.leader == m->leader)
                machine_registry_forget(h, &now);
        machine_done(&now);
        machine_record_unlock(h, m->name, &lock);
}

static int kill_now(const MachineHost *h, const Machine *m, int leader, Error *e)
{
        _cleanup_free_ char *cgroup = machine_payload_cgroup(m);
        int r = engine_stop(leader, cgroup, 0, 0, e);
        if (r < 0)
                return error_prefix(e, r, "cannot end machine '%s'", m->name);
        wait_cleaned(h, m);
        return 0;
}

int machine_terminate(const MachineHost *h, const char *name, Error *e)
{
        Machine m = {0};
        int r = machine_find(h, name, &m, e);
        if (r < 0)
                return r;
        _cleanup_close_ int leader = machine_open_leader(&m);
        if (leader == -ESRCH)
                wait_cleaned(h, &m); /* it ended by itself just now */
        else if (leader < 0)
                r = error_sys(e, leader, "cannot open the leader of machine '%s'", name);
        else
                r = kill_now(h, &m, leader, e);
        machine_done(&m);
        return r;
}

typedef struct Stopping {
        Machine machine;
        int leader; /* -1: not asked, or gone already */
        uint64_t begun;
        bool asked;
} Stopping;

/* The kernel drops signals for a PID 1 that has not set itself up for them: an init that was started just now is asked a moment later. */
static int signal_init(Stopping *s, Error *e)
{
        const Machine *m = &s->machine;
        if (s->asked || m->stop_signal == 0)
                return 0;
        if (!sys_process_listens(m->leader, m->stop_signal) && clock_monotonic() - s->begun < LISTEN_USEC)
                return 0;
        int r = sys_pidfd_send_signal(s->leader, machine_prepare_stop(m));
        if (r < 0 && r != -ESRCH)
                return error_sys(e, r, "cannot ask machine '%s' to power off", m->name);
        s->asked = true;
        return 0;
}

static int ask(const MachineHost *h, const char *name, Stopping *s, Error *e)
{
        int r = machine_find(h, name, &s->machine, e);
        if (r < 0)
                return r;
        Machine *m = &s->machine;
        s->leader = machine_open_leader(m);
        if (s->leader == -ESRCH)
                return 0;
        if (s->leader < 0)
                return error_sys(e, s->leader, "cannot open the leader of machine '%s'", name);
        if (machine_is_paused(m))
                (void)machine_pause(h, name, false, NULL); /* or it is killed when the time is up */
        free(m->state);
        m->state = xstrdup("closing");
        (void)machine_record_write(h, m, NULL);                             /* only shown */
        if (m->stop_signal == 0 && sys_process_listens(m->leader, SIGTERM)) /* a command, see plan.h */
                m->stop_signal = SIGTERM;
        return signal_init(s, e);
}

static int await(const MachineHost *h, Stopping *s, uint64_t timeout_usec, Error *e)
{
        const Machine *m = &s->machine;
        struct pollfd p = {.fd = s->leader, .events = POLLIN};
        uint64_t limit = timeout_usec == USEC_INFINITY ? m->stop_timeout_usec : timeout_usec;
        if (m->stop_signal == 0)
                limit = 0;
        while (s->leader >= 0 && sys_pidfd_alive(s->leader)) {
                uint64_t passed = clock_monotonic() - s->begun;
                if (passed >= limit)
                        return kill_now(h, m, s->leader, e);
                int r = signal_init(s, e);
                if (r < 0)
                        return r;
                (void)poll(&p, 1, (int)MIN((limit - passed) / 1000 + 1, s->asked ? (uint64_t)1000 : LISTEN_MS));
        }
        wait_cleaned(h, m);
        return 0;
}

int machine_poweroff(const MachineHost *h, char *const *names, uint64_t timeout_usec, Error *e)
{
        size_t n = strv_len(names);
        Stopping *s = xnew(Stopping, n);
        int result = 0;

        for (size_t i = 0; i < n; i++) {
                s[i].leader = -1;
                s[i].begun = clock_monotonic();
                int r = ask(h, names[i], s + i, e);
                result = r < 0 ? r : result;
        }
        for (size_t i = 0; i < n; i++) {
                int r = s[i].machine.name ? await(h, s + i, timeout_usec, e) : 0;
                result = r < 0 ? r : result;
                (void)fd_close(s[i].leader < 0 ? -1 : s[i].leader);
                machine_done(&s[i].machine);
        }
        free(s);
        return result;
}
