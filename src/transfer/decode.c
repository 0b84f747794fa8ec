/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "sys/process.h"
#include "transfer/decode-worker.h"
#include "transfer/transfer.h"

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define PIPE_SIZE  (1024 * 1024) /* decompressing goes on while the other end waits for the disk */

struct Decode {
        int output, report, pidfd;
};

int decode_open(int fd, Decode **ret, Error *e)
{
        __attribute__((cleanup(decode_closep))) Decode *d = xnew(Decode, 1);
        int data[2], report[2];

        *d = (Decode){.output = -1, .report = -1, .pidfd = -1};
        if (pipe2(data, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        d->output = data[0];
        _cleanup_close_ int theirs = data[1];
        (void)fcntl(theirs, F_SETPIPE_SZ, PIPE_SIZE);
        if (pipe2(report, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        d->report = report[0];
        _cleanup_close_ int their_report = report[1];

        pid_t pid = sys_clone(NAMESPACES, -1, &d->pidfd);
        if (pid < 0)
                return error_sys(e, pid, "cannot start the decompressor in namespaces of its own");
        if (pid == 0)
                decode_worker_main(fd, theirs, their_report);
        *ret = TAKE_PTR(d);
        return 0;
}

int decode_output(const Decode *d)
{
        return d->output;
}

static int drain(const Decode *d, uint64_t limit, Error *e)
{
        char buf[65536];
        uint64_t seen = 0;

        for (;;) {
                ssize_t n = read(d->output, buf, sizeof(buf));
                if (n == 0)
                        return 0;
                if (n < 0 && errno != EINTR)
                        return error_sys(e, -errno, "cannot read what was decompressed");
                seen += n > 0 ? (uint64_t)n : 0;
                if (limit > 0 && seen > limit)
                        return error_set(e, -E2BIG, "more than %llu bytes follow behind its end", (unsigned long long)limit);
        }
}

/* It has seen hostile bytes: what it says is taken as text only. */
static int theirs(const Decode *d, Error *e)
{
        Error said;

        if (fd_read_full(d->report, &said, sizeof(said)) != sizeof(said) || said.code >= 0)
                return 0;
        said.message[ERROR_MESSAGE_MAX - 1] = '\0';
        return error_set(e, said.code < -4095 ? -EIO : said.code, "%s", said.message);
}

/* It reports before it closes the pipe, at whose end the reader failed. */
int decode_failure(const Decode *d, int code, Error *e)
{
        struct pollfd ready = {.fd = d->report, .events = POLLIN};
        Error why = {};

        if (poll(&ready, 1, 0) > 0 && theirs(d, &why) < 0 && why.code != -EPIPE && e)
                *e = why;
        return e && e->code < 0 ? e->code : code;
}

int decode_finish(Decode *d, uint64_t limit, Error *e)
{
        siginfo_t info = {};
        int r = drain(d, limit, e);

        if (r < 0)
                return r;
        r = theirs(d, e);
        if (sys_pidfd_wait(d->pidfd, &info) < 0)
                return error_set(e, -EIO, "the decompressor is gone");
        d->pidfd = fd_close(d->pidfd);
        if (r < 0)
                return r;
        if (info.si_code != CLD_EXITED || info.si_status != 0)
                return error_set(e, -EIO, "the decompressor was killed%s", info.si_status == SIGKILL ? "; is memory short?" : "");
        return 0;
}

Decode *decode_close(Decode *d)
{
        if (!d)
                return NULL;
        if (d->pidfd >= 0) {
                (void)sys_pidfd_send_signal(d->pidfd, SIGKILL);
                (void)sys_pidfd_wait(d->pidfd, NULL);
        }
        fd_close(d->pidfd);
        fd_close(d->output);
        fd_close(d->report);
        free(d);
        return NULL;
}
