/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/supervise.h"

#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/macro.h"
#include "engine/hook.h"
#include "engine/message.h"
#include "engine/notify.h"
#include "engine/raw-syscall.h"
#include "engine/slim.h"
#include "sys/process.h"
#include "sys/pty.h"

enum { TAG_LEADER, TAG_SETUP, TAG_SIGNALS, TAG_NOTIFY, TAG_CONTROL, TAG_CONSOLE };

void supervisor_init(Supervisor *s, const MachinePlan *plan, const EngineIo *io, const EngineHooks *hooks)
{
        *s = (Supervisor){.plan = plan,
                          .io = io,
                          .hooks = hooks,
                          .pidfd = -1,
                          .sock = -1,
                          .epoll = -1,
                          .signals = -1,
                          .notify = -1,
                          .kmsg = -1,
                          .unused = -1};
        console_init(&s->console);
}

static int watch_for(Supervisor *s, int fd, uint32_t tag, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.u32 = tag};

        return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int watch(Supervisor *s, int fd, uint32_t tag)
{
        return watch_for(s, fd, tag, EPOLLIN);
}

/* What the child says last is read with its end: one wake-up less. Who asks for hooks waits for the answer. */
static uint32_t setup_events(const Supervisor *s)
{
        for (size_t i = 0; i < s->plan->n; i++)
                if (s->plan->items[i].type == OP_RUNTIME_HOOKS || s->listener.taken)
                        return EPOLLIN | EPOLLRDHUP;
        return EPOLLRDHUP;
}

int supervisor_open(Supervisor *s, Error *e)
{
        s->epoll = epoll_create1(EPOLL_CLOEXEC);
        int r = s->epoll < 0 ? -errno : watch(s, s->pidfd, TAG_LEADER);
        if (r >= 0)
                r = watch_for(s, s->sock, TAG_SETUP, setup_events(s));
        if (r >= 0)
                r = watch(s, s->signals, TAG_SIGNALS);
        if (r >= 0 && s->io->control >= 0)
                r = watch(s, s->io->control, TAG_CONTROL);
        return r < 0 ? error_sys(e, r, "cannot watch the machine") : 0;
}

static void kill_leader(Supervisor *s)
{
        s->killed = true;
        (void)sys_pidfd_send_signal(s->pidfd, SIGKILL); /* the whole PID namespace goes with it */
}

/* First politely, then not. */
static void request_stop(Supervisor *s)
{
        int polite = s->plan->stop_signal;

        if (polite == 0 && s->started && sys_process_listens(s->leader, SIGTERM))
                polite = SIGTERM;
        if (s->stops++ > 0 || !s->started || polite == 0 || polite == SIGKILL) {
                kill_leader(s);
                return;
        }
        (void)sys_pidfd_send_signal(s->pidfd, polite);
        if (s->plan->stop_timeout_usec != USEC_INFINITY)
                s->deadline = clock_monotonic() + s->plan->stop_timeout_usec;
}

static void on_ready(Supervisor *s)
{
        if (s->ready)
                return;
        s->ready = true;
        if (s->hooks->ready)
                s->hooks->ready(s->hooks->ctx);
}

static int open_console(Supervisor *s, int *take_master)
{
        const SpecConsole mode = s->plan->console;
        int in = mode == SPEC_CONSOLE_INTERACTIVE ? s->io->in : -1;
        int out = mode == SPEC_CONSOLE_INTERACTIVE || mode == SPEC_CONSOLE_READ_ONLY ? s->io->out : -1;

        int r = console_open(&s->console, take_master, in, out, s->io->console_log, s->epoll, TAG_CONSOLE);
        if (r >= 0 && s->console.terminal < 0 && s->plan->rows)
                (void)sys_pty_set_winsize(s->console.fds[CONSOLE_MASTER], s->plan->rows, s->plan->columns); /* a comfort, too */
        if (r >= 0 && s->plan->background)
                console_tint(&s->console, s->plan->background);
        return r;
}

/* ---- hooks ---- */

static const char *const hook_status[_PHASE_MAX] = {
                [PHASE_RUNTIME] = "creating", [PHASE_STARTED] = "running", [PHASE_STOPPED] = "stopped"};

int supervisor_run_hooks(Supervisor *s, PlanPhase phase, Error *e)
{
        const HookState state = {
                        .status = hook_status[phase],
                        .pid = phase == PHASE_STOPPED ? 0 : s->leader,
                        .interrupt = phase == PHASE_STOPPED ? -1 : s->signals,
        };

        for (size_t i = 0; i < s->plan->n; i++) {
                const PlanOp *op = &s->plan->items[i];
                Error error = {0};
                int r = op->phase == phase ? hook_run(op, &state, &error) : 0;
                if (r < 0 && op->optional && r != -EINTR) {
                        if (s->hooks->warning)
                                s->hooks->warning(s->hooks->ctx, error.message);
                } else if (r < 0) {
                        if (e)
                                *e = error;
                        return r;
                }
        }
        return 0;
}

static int on_hooks(Supervisor *s, Error *e)
{
        int r = supervisor_run_hooks(s, PHASE_RUNTIME, e);

        if (r >= 0)
                (void)message_send(s->sock, MESSAGE_HOOKED, NULL, 0); /* of a child that died we hear why from itself */
        return r;
}

/* The end of the child's socket: it was executed, or it died. */
static int on_setup_end(Supervisor *s, Error *e)
{
        /* By itself it would be watched for as long as anybody has it open, and a process that hooks.created() left may still be about to
         * close what it inherited. */
        (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->sock, NULL);
        s->sock = fd_close(s->sock);
        if (!s->executing && s->killed)
                return 0; /* its end is the news */
        if (!s->executing)
                return error_set(e, -ECHILD, "the machine's first process died while it was being set up");
        s->started = true;
        int r = supervisor_run_hooks(s, PHASE_STARTED, e);
        if (r < 0)
                return r;
        if (!s->plan->notify_ready)
                on_ready(s);
        s->unused = fd_close(s->unused);
        return 0;
}

static int take_fd(Supervisor *s, MessageFd as, int *take_fd, Error *e)
{
        int r = 0;

        switch (as) {
        case MESSAGE_FD_CONSOLE:
                r = open_console(s, take_fd);
                return r < 0 ? error_sys(e, r, "cannot join the console") : 0;
        case MESSAGE_FD_NOTIFY:
                s->notify = TAKE_FD(*take_fd);
                r = watch(s, s->notify, TAG_NOTIFY);
                return r < 0 ? error_sys(e, r, "cannot watch the notification socket") : 0;
        case MESSAGE_FD_KMSG:
                s->kmsg = TAKE_FD(*take_fd);
                return 0;
        case MESSAGE_FD_UNUSED:
                s->unused = TAKE_FD(*take_fd);
                return 0;
        case _MESSAGE_FD_MAX:
                break;
        }
        return error_set(e, -EBADMSG, "the machine's first process sent what was not understood");
}

static int take_fds(Supervisor *s, const Message *m, int *fds, size_t n, Error *e)
{
        int r = 0;

        for (size_t i = 0; i < n; i++) {
                if (r >= 0)
                        r = take_fd(s, (MessageFd)m->slots[i], &fds[i], e);
                fds[i] = fd_close(fds[i]);
        }
        return r;
}

static int on_setup(Supervisor *s, Error *e)
{
        Message m;
        size_t n = 0;
        int fds[_MESSAGE_FD_MAX];
        int r = message_receive(s->sock, &m, fds, ELEMENTSOF(fds), &n);

        if (r == 0)
                return on_setup_end(s, e);
        if (r < 0)
                return error_sys(e, r, "cannot hear from the machine's first process");
        switch (m.kind) {
        case MESSAGE_EXEC:
                s->executing = true;
                return take_fds(s, &m, fds, n, e);
        case MESSAGE_HOOKS:
                return on_hooks(s, e);
        case MESSAGE_LISTENER:
                return listener_hand_on(&s->listener, listener_of(s->plan), s->leader, s->pidfd, m.slots[0], e);
        case MESSAGE_ERROR:
                if (e)
                        *e = m.error;
                return m.error.code;
        default:
                return error_set(e, -EBADMSG, "the machine's first process sent what was not understood");
        }
}

static void on_signals(Supervisor *s)
{
        struct signalfd_siginfo info;

        while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
                if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
                        request_stop(s);
                else if (info.ssi_signo == SIGHUP && s->plan->console != SPEC_CONSOLE_PASSIVE)
                        request_stop(s); /* the terminal is gone */
                else if (info.ssi_signo == SIGWINCH)
                        console_resize(&s->console);
                else if (info.ssi_signo == GNU_SIGRTMIN + 18)
                        slim_down();
        }
}

static void on_notify(Supervisor *s)
{
        char buf[NOTIFY_SIZE_MAX + 1];
        NotifyMessage m;

        while (notify_receive(s->notify, s->leader, buf, &m) > 0) {
                if (m.status && s->hooks->status)
                        s->hooks->status(s->hooks->ctx, m.status);
                if (m.ready)
                        on_ready(s);
        }
}

static void on_control(Supervisor *s)
{
        (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->io->control, NULL); /* it stays readable; once is enough */
        request_stop(s);
}

static void on_console(Supervisor *s, ConsoleEnd end, uint32_t events)
{
        bool ended = s->console.in_ended;

        switch (console_event(&s->console, end, events)) {
        case ESCAPE_KILL:
                kill_leader(s);
                break;
        case ESCAPE_POWEROFF:
                request_stop(s);
                break;
        case ESCAPE_REBOOT: /* who has no such signal is not disturbed */
                if (s->started && s->plan->reboot_signal > 0)
                        (void)sys_pidfd_send_signal(s->pidfd, s->plan->reboot_signal);
                break;
        case ESCAPE_NONE:
                break;
        }
        if (!ended && s->console.in_ended && s->console.restore)
                request_stop(s); /* the terminal was hung up */
}

static int dispatch(Supervisor *s, const struct epoll_event *event, Error *e)
{
        switch (event->data.u32) {
        case TAG_LEADER:
                return 1;
        case TAG_SETUP:
                return on_setup(s, e);
        case TAG_SIGNALS:
                on_signals(s);
                return 0;
        case TAG_NOTIFY:
                on_notify(s);
                return 0;
        case TAG_CONTROL:
                on_control(s);
                return 0;
        default:
                on_console(s, (ConsoleEnd)(event->data.u32 - TAG_CONSOLE), event->events);
                return 0;
        }
}

#define IDLE_USEC USEC_PER_SEC

/* Milliseconds for epoll_wait(2), rounded up; -1 = no limit. */
static int time_left(const Supervisor *s)
{
        const uint64_t times[] = {s->deadline, s->next_beat};
        uint64_t left = s->slim_when_idle ? IDLE_USEC : USEC_INFINITY, now = s->deadline || s->next_beat ? clock_monotonic() : 0;

        for (size_t i = 0; i < ELEMENTSOF(times); i++)
                if (times[i] != 0)
                        left = now >= times[i] ? 0 : MIN(left, times[i] - now);
        return left == USEC_INFINITY ? -1 : (int)MIN((left + 999) / 1000, (uint64_t)3600000);
}

static int wait_for_event(const Supervisor *s, struct epoll_event *ret)
{
        return (int)raw_syscall(SYS_epoll_pwait, s->epoll, (long)ret, 1, time_left(s), 0, 0);
}

/* A supervisor of a machine that stays gives its memory back whenever nothing has happened for a while. */
static void on_event_or_idle(Supervisor *s, int n)
{
        if (n == 0 && s->slim_when_idle)
                slim_down();
        s->slim_when_idle = n > 0 && s->ready && (s->plan->boot || s->plan->console == SPEC_CONSOLE_PASSIVE);
}

static void beat(Supervisor *s)
{
        uint64_t now = s->hooks->beat ? clock_monotonic() : 0;

        if (!s->hooks->beat || now < s->next_beat)
                return;
        s->next_beat = now + s->hooks->beat_usec;
        s->hooks->beat(s->hooks->ctx);
}

static int run_until_gone(Supervisor *s, Error *e)
{
        for (;;) {
                struct epoll_event event;
                beat(s);
                int n = wait_for_event(s, &event);

                if (n < 0 && n != -EINTR)
                        return error_sys(e, n, "cannot watch the machine");
                if (s->deadline != 0 && clock_monotonic() >= s->deadline) {
                        s->deadline = 0;
                        kill_leader(s);
                }
                int r = n > 0 ? dispatch(s, &event, e) : 0;
                if (r < 0)
                        return r;
                if (r > 0)
                        break;
                on_event_or_idle(s, n);
        }
        /* The leader is gone; what it said on its way is still to be read. */
        while (s->sock >= 0) {
                int r = on_setup(s, e);
                if (r < 0)
                        return s->killed ? error_set(e, -EINTR, "the start was interrupted") : r;
        }
        return 0;
}

int supervisor_run(Supervisor *s, Error *e)
{
        int r = run_until_gone(s, e);

        if (r < 0)
                (void)sys_pidfd_send_signal(s->pidfd, SIGKILL);
        else if (s->notify >= 0)
                on_notify(s);
        console_close(&s->console);
        return r;
}

void supervisor_close(Supervisor *s)
{
        console_close(&s->console);
        listener_close(&s->listener);
        s->sock = fd_close(s->sock);
        s->epoll = fd_close(s->epoll);
        s->signals = fd_close(s->signals);
        s->notify = fd_close(s->notify);
        s->kmsg = fd_close(s->kmsg);
        s->unused = fd_close(s->unused);
        s->pidfd = fd_close(s->pidfd);
}

EngineResult supervisor_result(const siginfo_t *info, bool pid_namespace, bool killed)
{
        if (info->si_code == CLD_EXITED)
                return (EngineResult){.end = ENGINE_EXITED, .status = info->si_status};
        if (killed)
                return (EngineResult){.end = ENGINE_KILLED, .status = info->si_status};
        if (pid_namespace && info->si_code == CLD_KILLED && info->si_status == SIGINT)
                return (EngineResult){.end = ENGINE_POWEROFF};
        if (pid_namespace && info->si_code == CLD_KILLED && info->si_status == SIGHUP)
                return (EngineResult){.end = ENGINE_REBOOT};
        return (EngineResult){.end = ENGINE_SIGNALED, .status = info->si_status};
}
