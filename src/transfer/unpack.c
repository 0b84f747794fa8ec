/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "sys/idmap.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "transfer/transfer.h"
#include "transfer/unpack-result.h"
#include "transfer/unpack-worker.h"

#define WORKER_NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define WORKERS_MAX       64U
#define ID_COUNT          65536U

typedef struct PoolWorker {
        int sock, pidfd;
        bool busy;
        UnpackJob job;
} PoolWorker;

struct Unpack {
        UnpackOptions options;
        bool idmap; /* the tree's file system can map IDs */
        int epoll;
        WorkerShared *shared;
        PoolWorker *workers;
        size_t n_workers, n_busy;
        struct {
                UnpackJob *items; /* label and path are copies */
                size_t n;
        } queue;
        size_t next; /* of the queue */
};

/* ---- birth ---- */

/* The tree as a mount of its own on which the worker's IDs are the tree's: whatever the worker makes as its ID n has ID
 * n on disk. Where the file system has no ID-mapped mounts the worker's IDs are the tree's by themselves, and the other
 * walls must do. */
static int make_tree_mount(const UnpackOptions *o, pid_t pid, bool idmap, Error *e)
{
        uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (idmap ? MOUNT_ATTR_IDMAP : 0);
        _cleanup_close_ int userns = -1;
        char path[64];

        if (idmap) {
                snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
                userns = open(path, O_RDONLY | O_CLOEXEC);
                if (userns < 0)
                        return error_sys(e, -errno, "cannot open the unpack worker's user namespace");
        }
        _cleanup_close_ int mount = sys_mount_clone(o->root_dirfd, "", false);
        if (mount < 0)
                return error_sys(e, mount, "cannot clone the mount of the new root");
        int r = sys_mount_setattr(mount, "", false, attrs, 0, MS_PRIVATE, userns);
        if (r < 0)
                return error_sys(e, r, "cannot map the IDs of the new root");
        return TAKE_FD(mount);
}

static int start_worker(const Unpack *u, PoolWorker *w, Error *e)
{
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_sys(e, -errno, "cannot make a socket pair");
        _cleanup_close_ int theirs = pair[1];
        w->sock = pair[0];

        pid_t pid = sys_clone(WORKER_NAMESPACES, -1, &w->pidfd);
        if (pid < 0)
                return error_sys(e, pid, "cannot start the unpack worker in namespaces of its own");
        if (pid == 0)
                unpack_worker_main(theirs, u->shared, u->options.limit_bytes);

        SysIdRange range = {.inside = 0, .outside = u->idmap ? u->options.id_base : 0, .count = ID_COUNT};
        int r = sys_idmap_write(pid, &range, 1);
        if (r < 0)
                return error_sys(e, r, "cannot map the IDs of the unpack worker");
        _cleanup_close_ int mount = make_tree_mount(&u->options, pid, u->idmap, e);
        if (mount < 0)
                return mount;
        WorkerRequest request = {.order = WORKER_ENTER};
        r = sys_send_fds(w->sock, &request, sizeof(request), &mount, 1);
        return r < 0 ? error_sys(e, r, "cannot talk to the unpack worker") : 0;
}

/* ---- answers ---- */

/* How a worker ended, once its socket is closed. */
static int describe_end(PoolWorker *w, Error *e)
{
        siginfo_t info = {};

        (void)sys_pidfd_send_signal(w->pidfd, SIGKILL); /* when it only closed its socket */
        if (sys_pidfd_wait(w->pidfd, &info) < 0)
                return error_set(e, -EIO, "the unpack worker is gone");
        w->pidfd = fd_close(w->pidfd);
        if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
                return error_set(e, -EIO, "the unpack worker was killed by signal %d (%s)%s", info.si_status,
                                 strsignal(info.si_status), info.si_status == SIGKILL ? "; is memory short?" : "");
        return error_set(e, -EIO, "the unpack worker ended unexpectedly");
}

static int receive(PoolWorker *w, int *ret_report, Error *e)
{
        WorkerReply answer;
        int fd = -1;
        size_t n_fds = 0;
        ssize_t n = sys_recv_fds(w->sock, &answer, sizeof(answer), &fd, 1, &n_fds);

        *ret_report = n > 0 && n_fds > 0 ? fd : -1;
        if (n == 0 || n == -ECONNRESET)
                return describe_end(w, e);
        if (n != sizeof(answer))
                return error_set(e, -EIO, "the unpack worker answers nonsense");
        if (answer.error.code >= 0)
                return 0;
        /* The worker has seen hostile bytes: its text is taken as text only. */
        answer.error.message[ERROR_MESSAGE_MAX - 1] = '\0';
        return error_set(e, answer.error.code < -4095 ? -EIO : answer.error.code, "%s", answer.error.message);
}

/* Into memory of our own before a byte is looked at: the worker could still write to the file. */
static int read_report(int fd, UnpackResult *ret, Error *e)
{
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return error_set(e, -EIO, "the unpack worker sent no report");
        if (st.st_size < 0 || (uint64_t)st.st_size > UNPACK_REPORT_MAX)
                return error_set(e, -E2BIG, "the unpack worker's report is too large");

        size_t size = (size_t)st.st_size;
        _cleanup_free_ char *data = malloc(size + 1);
        if (!data)
                return error_set(e, -ENOMEM, "out of memory");
        for (size_t at = 0; at < size;) {
                ssize_t n = pread(fd, data + at, size - at, (off_t)at);
                if (n <= 0)
                        return error_set(e, -EIO, "the unpack worker's report cannot be read");
                at += (size_t)n;
        }
        int r = unpack_report_parse(data, size, ret);
        return r < 0 ? error_sys(e, r, "the unpack worker's report is broken") : 0;
}

/* ---- the pool ---- */

static int start_all(Unpack *u, Error *e)
{
        for (size_t i = 0; i < u->n_workers; i++)
                u->workers[i] = (PoolWorker){.sock = -1, .pidfd = -1};
        for (size_t i = 0; i < u->n_workers; i++) {
                int r = start_worker(u, &u->workers[i], e);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < u->n_workers; i++) {
                PoolWorker *w = &u->workers[i];
                struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};
                int report, r = receive(w, &report, e);

                fd_close(report);
                if (r < 0)
                        return r;
                if (epoll_ctl(u->epoll, EPOLL_CTL_ADD, w->sock, &event) < 0)
                        return error_sys(e, -errno, "cannot watch the unpack worker");
        }
        return 0;
}

int unpack_open(const UnpackOptions *o, Unpack **ret, Error *e)
{
        __attribute__((cleanup(unpack_closep))) Unpack *u = xnew(Unpack, 1);
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        unsigned workers = o->workers > 0 ? o->workers : cpus > 0 ? (unsigned)cpus : 1;

        u->options = *o;
        u->idmap = sys_idmap_supported(o->root_dirfd) > 0;
        u->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (u->epoll < 0)
                return error_sys(e, -errno, "cannot make an epoll descriptor");
        u->shared = mmap(NULL, sizeof(*u->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (u->shared == MAP_FAILED) {
                u->shared = NULL;
                return error_sys(e, -errno, "cannot share memory with the unpack workers");
        }
        u->workers = xnew(PoolWorker, MIN(workers, WORKERS_MAX));
        u->n_workers = MIN(workers, WORKERS_MAX);
        int r = start_all(u, e);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(u);
        return 0;
}

int unpack_fd(const Unpack *u)
{
        return u->epoll;
}

static int send_job(const UnpackJob *job, int sock, Error *e)
{
        static const WorkerOrder orders[_UNPACK_FORMAT_MAX] = {[UNPACK_TAR] = WORKER_TAR,
                                                               [UNPACK_DEB] = WORKER_DEB,
                                                               [UNPACK_XPAK] = WORKER_XPAK,
                                                               [UNPACK_GPKG] = WORKER_GPKG};
        WorkerRequest request = {.order = orders[job->format], .limit = job->limit};
        _cleanup_close_ int own = job->path ? openat(job->dirfd, job->path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;

        if (job->path && own < 0)
                return error_sys(e, -errno, "%s: cannot open '%s'", job->label, job->path);
        int r = sys_send_fds(sock, &request, sizeof(request), job->path ? &own : &job->fd, 1);
        return r >= 0 || r == -EPIPE || r == -ECONNRESET ? r
                                                         : error_sys(e, r, "%s: cannot hand it to the unpack worker", job->label);
}

static int hand_out(Unpack *u, Error *e)
{
        for (size_t i = 0; i < u->n_workers && u->next < u->queue.n; i++) {
                PoolWorker *w = &u->workers[i];

                if (w->busy)
                        continue;
                w->job = u->queue.items[u->next++];
                w->busy = true;
                u->n_busy++;
                int r = send_job(&w->job, w->sock, e);
                if (r == -EPIPE || r == -ECONNRESET)
                        return error_prefix(e, describe_end(w, e), "%s", w->job.label);
                if (r < 0)
                        return r;
        }
        return 0;
}

int unpack_submit(Unpack *u, const UnpackJob *job, Error *e)
{
        UnpackJob *slot = vec_push(&u->queue);

        *slot = *job;
        slot->label = xstrdup(job->label ? job->label : "archive");
        slot->path = xstrdup(job->path);
        return hand_out(u, e);
}

static int take_result(Unpack *u, PoolWorker *w, Error *e)
{
        __attribute__((cleanup(unpack_result_done))) UnpackResult result = {0};
        _cleanup_close_ int report = -1;
        UnpackJob job = w->job;
        int r = receive(w, &report, e);

        if (r >= 0)
                r = w->busy ? read_report(report, &result, e) : error_set(e, -EIO, "the unpack worker speaks unasked");
        if (r < 0)
                return w->busy ? error_prefix(e, r, "%s", job.label) : r;

        w->busy = false;
        u->n_busy--;
        r = hand_out(u, e); /* first: the worker shall not wait for the caller */
        return r >= 0 && u->options.done ? u->options.done(u->options.ctx, &job, &result, e) : r;
}

static int dispatch(Unpack *u, int timeout, Error *e)
{
        struct epoll_event events[WORKERS_MAX];
        int n = epoll_wait(u->epoll, events, WORKERS_MAX, timeout);

        if (n < 0)
                return errno == EINTR ? 0 : error_sys(e, -errno, "cannot wait for the unpack workers");
        for (int i = 0; i < n; i++) {
                int r = take_result(u, events[i].data.ptr, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

int unpack_dispatch(Unpack *u, Error *e)
{
        return dispatch(u, 0, e);
}

int unpack_finish(Unpack *u, Error *e)
{
        while (u->n_busy > 0) {
                int r = dispatch(u, -1, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

uint64_t unpack_bytes(const Unpack *u)
{
        return u->shared->used;
}

Unpack *unpack_close(Unpack *u)
{
        if (!u)
                return NULL;
        for (size_t i = 0; i < u->n_workers; i++)
                if (u->workers[i].pidfd >= 0)
                        (void)sys_pidfd_send_signal(u->workers[i].pidfd, SIGKILL);
        for (size_t i = 0; i < u->n_workers; i++) {
                if (u->workers[i].pidfd >= 0)
                        (void)sys_pidfd_wait(u->workers[i].pidfd, NULL);
                fd_close(u->workers[i].pidfd);
                fd_close(u->workers[i].sock);
        }
        for (size_t i = 0; i < u->queue.n; i++) {
                free((char *)u->queue.items[i].label);
                free((char *)u->queue.items[i].path);
        }
        if (u->shared)
                (void)munmap(u->shared, sizeof(*u->shared));
        fd_close(u->epoll);
        free(u->queue.items);
        free(u->workers);
        free(u);
        return NULL;
}
