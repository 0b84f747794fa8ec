/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/process.h"
#include "transfer/disk-worker.h"
#include "transfer/transfer.h"

#define NAMESPACES    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define POLL_MS       200
#define DISK_SIZE_MAX (64ULL << 40) /* where nobody says anything else: no file system takes larger ones */

typedef struct Writer {
        const DiskImport *o;
        Decode *decode;
        int pidfd, report;
        uint64_t total; /* of the archive; 0: unknown */
} Writer;

static void writer_done(Writer *w)
{
        if (w->pidfd >= 0) {
                (void)sys_pidfd_send_signal(w->pidfd, SIGKILL);
                (void)sys_pidfd_wait(w->pidfd, NULL);
        }
        fd_close(w->pidfd);
        fd_close(w->report);
        decode_close(w->decode);
}

/* A disk has no checksum to say that its first bytes are not by chance those of a compressed file; but then no boot loader begins so. */
static bool is_compressed(const uint8_t *head, size_t n)
{
        static const struct {
                const char *bytes;
                size_t n;
        } magic[] = {{"\xfd"
                      "7zXZ\0",
                      6},
                     {"\x1f\x8b\x08", 3},
                     {"BZh", 3},
                     {"\x28\xb5\x2f\xfd", 4},
                     {"\x04\x22\x4d\x18", 4}};

        for (size_t i = 0; i < ELEMENTSOF(magic); i++)
                if (n >= magic[i].n && memcmp(head, magic[i].bytes, magic[i].n) == 0)
                        return true;
        return false;
}

/* A raw image on the same file system, which can share blocks: nothing is copied. */
static bool share_blocks(const DiskImport *o, const uint8_t *head, size_t n, const struct stat *st)
{
        if ((n >= 4 && memcmp(head, "QFI\xfb", 4) == 0) || lseek(o->fd, 0, SEEK_CUR) != 0 ||
            (o->limit_size > 0 && (uint64_t)st->st_size > o->limit_size))
                return false;
        return ioctl(o->out_fd, FICLONE, o->fd) == 0;
}

static int start(Writer *w, Error *e)
{
        int report[2];

        if (pipe2(report, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        w->report = report[0];
        _cleanup_close_ int theirs = report[1];
        const DiskWork work = {.in = w->decode ? decode_output(w->decode) : w->o->fd,
                               .out = w->o->out_fd,
                               .spool = w->o->spool_fd,
                               .report = theirs,
                               .data_limit = w->o->limit_bytes,
                               .size_limit = w->o->limit_size > 0 ? w->o->limit_size : DISK_SIZE_MAX};
        pid_t pid = sys_clone(NAMESPACES, -1, &w->pidfd);
        if (pid < 0)
                return error_sys(e, pid, "cannot start the disk worker in namespaces of its own");
        if (pid == 0)
                disk_worker_main(work);
        return 0;
}

/* It has seen hostile bytes: what it says is taken as text only. */
static int take_end(Writer *w, Error *e)
{
        siginfo_t info = {};
        Error said;

        if (sys_pidfd_wait(w->pidfd, &info) < 0)
                return error_set(e, -EIO, "the disk worker is gone");
        w->pidfd = fd_close(w->pidfd);
        if (info.si_code != CLD_EXITED)
                return error_set(e, -EIO, "the disk worker was killed by signal %d%s", info.si_status,
                                 info.si_status == SIGKILL ? "; is memory short?" : "");
        if (info.si_status == 0)
                return 0;
        if (fd_read_full(w->report, &said, sizeof(said)) != sizeof(said) || said.code >= 0)
                return error_set(e, -EIO, "the disk worker ended unexpectedly");
        said.message[ERROR_MESSAGE_MAX - 1] = '\0';
        return error_set(e, said.code < -4095 ? -EIO : said.code, "%s", said.message);
}

static int run(Writer *w, Error *e)
{
        struct pollfd end = {.fd = w->pidfd, .events = POLLIN};

        for (;;) {
                int n = poll(&end, 1, POLL_MS);
                off_t at = w->total > 0 ? lseek(w->o->fd, 0, SEEK_CUR) : 0;
                if (n < 0 && errno != EINTR)
                        return error_sys(e, -errno, "cannot wait for the disk worker");
                if (at > 0)
                        events_progress(w->o->events, (uint64_t)at < w->total ? (uint64_t)at : w->total, w->total);
                if (n > 0)
                        break;
        }
        int r = take_end(w, e);
        if (!w->decode)
                return r;
        return r < 0 ? decode_failure(w->decode, r, e) : decode_finish(w->decode, w->o->limit_bytes, e);
}

int disk_import(const DiskImport *o, Error *e)
{
        __attribute__((cleanup(writer_done))) Writer w = {.o = o, .pidfd = -1, .report = -1};
        uint8_t head[8] = {0};
        struct stat st;
        bool file = fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode);
        ssize_t n = file ? pread(o->fd, head, sizeof(head), lseek(o->fd, 0, SEEK_CUR)) : -1;
        int r = 0;

        if (file && n < 0)
                return error_sys(e, -errno, "cannot read it");
        bool decode = n < 0 || is_compressed(head, (size_t)n);
        if (!decode && share_blocks(o, head, (size_t)n, &st))
                return 0;
        w.total = file ? (uint64_t)st.st_size : 0;
        if (decode)
                r = decode_open(o->fd, &w.decode, e);
        if (r >= 0)
                r = start(&w, e);
        return r < 0 ? r : run(&w, e);
}
