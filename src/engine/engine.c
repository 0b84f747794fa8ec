/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "engine/cgroup.h"
#include "engine/child.h"
#include "engine/join.h"
#include "engine/message.h"
#include "engine/staging.h"
#include "engine/supervise.h"
#include "engine/trees.h"
#include "sys/idmap.h"
#include "sys/process.h"

int setns(int fd, int nstype);    /* <sched.h> and <linux/sched.h> do not go together everywhere */
#define TIME_NAMESPACE 0x00000080 /* CLONE_NEWTIME: not every C library has it; made by join.c */

typedef struct Run {
        Supervisor supervisor;
        EngineCgroup cgroup;
        Staging staging;
        int child_sock;
        int *slots;
        bool ended; /* there was a PID 1 */
        sigset_t old_mask;
} Run;

static int block_signals(Run *run, Error *e)
{
        static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGWINCH, SIGCHLD, GNU_SIGRTMIN + 18};
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                sigaddset(&set, wanted[i]);
        if (sigprocmask(SIG_BLOCK, &set, &run->old_mask) < 0)
                return error_sys(e, -errno, "cannot block signals");
        sigdelset(&set, SIGCHLD); /* the leader's end comes by its pidfd */
        run->supervisor.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return run->supervisor.signals < 0 ? error_sys(e, -errno, "cannot receive signals") : 0;
}

static _noreturn_ void run_child(Run *run)
{
        const MachinePlan *plan = run->supervisor.plan;
        const EngineIo *io = run->supervisor.io;

        child_main(&(Child){
                        .plan = plan,
                        .sock = run->child_sock,
                        .root = -1,
                        .slots = run->slots,
                        .io = {io->in, io->out, io->err},
                        .tty = -1,
                        .parent = -1,
                        .listener = run->supervisor.listener,
                        .die_with_supervisor = plan->console != SPEC_CONSOLE_PASSIVE,
        });
}

/* A network namespace that is there already belongs to somebody with more rights than the machine's user namespace has, so the
 * machine is not let in but born in it. *ret_home brings the supervisor back. */
static int visit_network(const MachinePlan *plan, int *ret_home, Error *e)
{
        const char *path = plan->network_namespace;

        if (!path)
                return 0;
        _cleanup_close_ int there = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (there < 0)
                return error_sys(e, -errno, "cannot open network namespace '%s'", path);
        *ret_home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (*ret_home < 0)
                return error_sys(e, -errno, "cannot open the own network namespace");
        if (setns(there, CLONE_NEWNET) < 0)
                return errno == EINVAL ? error_set(e, -EINVAL, "'%s' is no network namespace; ip-netns(8) makes them", path)
                                       : error_sys(e, -errno, "cannot join network namespace '%s'", path);
        return 0;
}

/* A user namespace belongs to whoever makes it, and on that account goes what is used in it (the kernel's ucounts): were all of them
 * root's, the machines of a host would share one fs.inotify.max_user_instances. So it is made in the name of the machine's own root, if
 * nobody outside goes by that ID: the owner has all rights over it. */
static pid_t clone_leader(const MachinePlan *plan, uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
        const bool own = plan->ids_are_own && (flags & CLONE_NEWUSER);
        int r = own ? sys_act_as(plan->id_base) : 0;
        if (r < 0)
                return r;
        pid_t pid = sys_clone(flags, cgroup_fd, ret_pidfd);
        if (own && pid != 0)
                (void)sys_act_as(0);
        return pid;
}

/* Clones the machine's PID 1 into its control group and its namespaces, but for those that it makes itself (child.c). */
static int spawn(Run *run, Error *e)
{
        Supervisor *s = &run->supervisor;
        const bool staged = run->staging.home >= 0;
        uint64_t flags = s->plan->namespaces & ~(uint64_t)(CHILD_NAMESPACES | TIME_NAMESPACE | (staged ? CLONE_NEWNS : 0));
        Joined joined = {};
        int socks[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
                return error_sys(e, -errno, "cannot make a socket");
        s->sock = socks[0];
        run->child_sock = socks[1];
        _cleanup_close_ int home = -1;
        int r = visit_network(s->plan, &home, e);
        if (r >= 0)
                r = join_enter(&joined, s->plan, e);
        if (r >= 0)
                s->leader = clone_leader(s->plan, flags | CLONE_CLEAR_SIGHAND, run->cgroup.payload_fd, &s->pidfd);
        else
                s->leader = -1;
        if (r >= 0 && s->leader == 0) {
                fd_close(s->sock);
                run_child(run);
        }
        if (home >= 0 && setns(home, CLONE_NEWNET) < 0)
                return error_sys(e, -errno, "cannot return to the own network namespace");
        run->child_sock = fd_close(run->child_sock);
        int left = join_leave(&joined);
        if (r < 0)
                return r;
        if (s->leader >= 0 && left < 0)
                return error_sys(e, left, "cannot return to the own namespaces");
        if (s->leader >= 0)
                return engine_cgroup_attach(&run->cgroup, s->leader, e);
        return s->leader < 0 ? error_sys(e, (int)s->leader, "cannot make the machine's namespaces") : 0;
}

static int write_maps(pid_t pid, const MachinePlan *plan)
{
        SysIdRange range = {.inside = 0, .outside = plan->id_base, .count = plan->id_count};
        IdMaps maps;

        if (plan->uids.n == 0)
                return sys_idmap_write(pid, &range, 1);
        id_maps_make(&maps, plan, 0);
        int r = sys_idmap_write_maps(pid, &maps.maps);
        id_maps_done(&maps);
        return r;
}

static int map_ids(Run *run, int *ret_userns, Error *e)
{
        const MachinePlan *plan = run->supervisor.plan;
        char path[sizeof("/proc//ns/user") + 12];

        if (!plan->user_namespace)
                return 0;
        int r = write_maps(run->supervisor.leader, plan);
        if (r < 0)
                return error_sys(e, r, "cannot map user and group IDs to %u…%u", plan->id_base,
                                 plan->id_base + plan->id_count - 1);
        snprintf(path, sizeof(path), "/proc/%d/ns/user", run->supervisor.leader);
        *ret_userns = open(path, O_RDONLY | O_CLOEXEC);
        return *ret_userns < 0 ? error_sys(e, -errno, "cannot open the machine's user namespace") : 0;
}

static int send_trees(Run *run, Error *e)
{
        int r = message_send_trees(run->supervisor.sock, run->slots, (size_t)run->supervisor.plan->n_slots);

        return r < 0 && r != -EPIPE ? error_sys(e, r, "cannot hand the trees over")
                                    : 0; /* why a child died we hear from itself */
}

static int move_trees(Run *run, Error *e)
{
        int r = staging_put(&run->staging, run->slots, (size_t)run->supervisor.plan->n_slots, e);

        return r < 0 || message_send(run->supervisor.sock, MESSAGE_MOVED, NULL, 0) < 0 ? r : 0;
}

/* The child says this next, or why it cannot. */
static int expect(const Run *run, MessageKind kind, Error *e)
{
        Message m;
        int r = message_receive(run->supervisor.sock, &m, NULL, 0, NULL);

        if (r > 0 && m.kind == MESSAGE_ERROR) {
                if (e)
                        *e = m.error;
                return m.error.code;
        }
        if (r <= 0 || m.kind != kind)
                return error_set(e, r < 0 ? r : -ECHILD, "the machine's first process died while it was being set up");
        return 0;
}

static int hand_over_trees(Run *run, Error *e)
{
        const MachinePlan *plan = run->supervisor.plan;
        _cleanup_close_ int userns = -1;
        int r = map_ids(run, &userns, e);

        if (r >= 0)
                r = trees_make(plan, userns, run->slots, e);
        if (r >= 0)
                r = run->staging.home >= 0 ? move_trees(run, e) : send_trees(run, e);
        if (r >= 0)
                r = expect(run, MESSAGE_NAMESPACES, e);
        if (r >= 0 && run->staging.home >= 0)
                r = expect(run, MESSAGE_COPIED, e);
        for (int i = 0; i < plan->n_slots; i++)
                run->slots[i] = fd_close(run->slots[i]);
        return r;
}

/* The record is made while the child is busy with the root; its payload waits for it. */
static int announce(Run *run, Error *e)
{
        Supervisor *s = &run->supervisor;
        EngineProcess process = {.leader = s->leader, .leader_pidfd = s->pidfd, .supervisor = getpid()};
        int r = sys_process_starttime(s->leader, &process.leader_starttime);

        if (r < 0)
                return error_sys(e, r, "cannot read the start time of process %d", s->leader);
        r = s->hooks->created ? s->hooks->created(s->hooks->ctx, &process, e) : 0;
        if (r < 0)
                return r;
        (void)message_send(s->sock, MESSAGE_GO, NULL, 0); /* of a child that died we hear why from itself */
        return 0;
}

static int start(Run *run, Error *e)
{
        const MachinePlan *plan = run->supervisor.plan;
        int r = listener_open(&run->supervisor.listener, plan, e);

        if (r >= 0)
                r = engine_cgroup_make(&run->cgroup, plan, e);
        if (r >= 0 && staging_needed(plan))
                r = staging_enter(&run->staging, e);
        if (r >= 0)
                r = spawn(run, e);
        if (r >= 0)
                r = hand_over_trees(run, e);
        int left = staging_leave(&run->staging);
        if (r >= 0 && left < 0)
                r = error_sys(e, left, "cannot return to the own mount namespace");
        if (r >= 0)
                r = supervisor_open(&run->supervisor, e);
        return r < 0 ? r : announce(run, e);
}

/* Ends what there is of the machine and collects its PID 1. */
static void reap(Run *run, bool kill_it, siginfo_t *ret)
{
        if (run->supervisor.pidfd < 0)
                return;
        if (kill_it)
                (void)sys_pidfd_send_signal(run->supervisor.pidfd, SIGKILL);
        (void)sys_pidfd_wait(run->supervisor.pidfd, ret);
}

static int run_plan(Run *run, EngineResult *ret, Error *e)
{
        Supervisor *s = &run->supervisor;
        siginfo_t info = {0};
        int r = block_signals(run, e);

        if (r >= 0)
                r = start(run, e);
        if (r >= 0)
                r = supervisor_run(s, e);
        reap(run, r < 0, &info);
        run->ended = s->pidfd >= 0;
        if (r >= 0)
                *ret = supervisor_result(&info, s->plan->namespaces & CLONE_NEWPID, s->killed);
        /* An init may be told by others, too, and take it for a reboot: busybox does that with the SIGTERM of a scope that systemd ends. */
        if (r >= 0 && ret->end == ENGINE_REBOOT && s->stops > 0)
                ret->end = ENGINE_POWEROFF;
        return r;
}

int engine_run(const MachinePlan *plan, const EngineIo *io, const EngineHooks *hooks, EngineResult *ret, Error *e)
{
        static const EngineHooks no_hooks;
        _cleanup_free_ int *slots = xnew(int, (size_t)plan->n_slots + 1);
        Run run = {.staging = {-1, -1, -1}, .child_sock = -1, .slots = slots, .cgroup.payload_fd = -1};

        for (int i = 0; i < plan->n_slots; i++)
                slots[i] = -1;
        supervisor_init(&run.supervisor, plan, io, hooks ?: &no_hooks);
        (void)sigprocmask(SIG_BLOCK, NULL, &run.old_mask);
        int r = run_plan(&run, ret, e);
        supervisor_close(&run.supervisor);
        engine_cgroup_remove(&run.cgroup);
        if (run.ended)
                (void)supervisor_run_hooks(&run.supervisor, PHASE_STOPPED, NULL); /* they can only warn */
        (void)sigprocmask(SIG_SETMASK, &run.old_mask, NULL);
        return r;
}
