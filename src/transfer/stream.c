/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "sys/process.h"
#include "transfer/digest.h"

#define MAGIC      "berth-stream-1\n"
#define MAGIC_LEN  (sizeof(MAGIC) - 1)
#define HEADER_MAX 65536U
#define CHUNK_MAX  (256U * 1024)
#define PIPE_SIZE  (1024 * 1024)

static uint32_t length_of(const uint8_t head[static 4])
{
        return (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
}

/* ---- out ---- */

static int put(int fd, DigestStream *d, const void *data, size_t len, Error *e)
{
        int r = d ? digest_stream_feed(d, data, len) : 0;

        if (r == 0)
                r = fd_write_all(fd, data, len);
        if (r == -EPIPE)
                return error_set(e, r, "nobody reads the stream any more");
        return r < 0 ? error_sys(e, r, "cannot write the stream") : 0;
}

static int put_chunk(int fd, DigestStream *d, const void *data, uint32_t len, Error *e)
{
        const uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
        int r = put(fd, d, head, sizeof(head), e);

        return r < 0 || len == 0 ? r : put(fd, d, data, len, e);
}

static int wrap(int in_fd, int out_fd, DigestStream *d, Error *e)
{
        _cleanup_free_ uint8_t *buf = xmalloc(CHUNK_MAX);
        Digest digest;

        for (;;) {
                ssize_t n = fd_read_full(in_fd, buf, CHUNK_MAX);
                if (n < 0)
                        return error_sys(e, (int)n, "cannot read what is to be sent");
                int r = put_chunk(out_fd, d, buf, (uint32_t)n, e);
                if (r < 0)
                        return r;
                if (n == 0)
                        break;
        }
        int r = digest_stream_end(d, &digest);
        return r < 0 ? error_sys(e, r, "cannot make a digest") : put(out_fd, NULL, digest.bytes, 32, e);
}

/* ---- in ---- */

static int get(int fd, DigestStream *d, void *data, size_t len, Error *e)
{
        ssize_t n = fd_read_full(fd, data, len);

        if (n < 0)
                return error_sys(e, (int)n, "cannot read the stream");
        if ((size_t)n != len)
                return error_set(e, -EBADMSG, "the stream ends too early: was the sender stopped?");
        int r = d ? digest_stream_feed(d, data, len) : 0;
        return r < 0 ? error_sys(e, r, "cannot make a digest") : 0;
}

static int get_length(int fd, DigestStream *d, uint32_t max, uint32_t *ret, Error *e)
{
        uint8_t head[4];
        int r = get(fd, d, head, sizeof(head), e);

        if (r < 0)
                return r;
        *ret = length_of(head);
        return *ret > max ? error_set(e, -EBADMSG, "the stream is damaged: it has a chunk of %u bytes", *ret) : 0;
}

/* The chunk before is handed on when the next one is there. */
static int unwrap(int in_fd, int out_fd, DigestStream *d, Error *e)
{
        _cleanup_free_ uint8_t *last = xmalloc(CHUNK_MAX), *next = xmalloc(CHUNK_MAX);
        uint32_t n_last = 0, n = 1;
        Digest digest, said = {.type = DIGEST_SHA256};

        while (n > 0) {
                int r = get_length(in_fd, d, CHUNK_MAX, &n, e);
                if (r == 0)
                        r = get(in_fd, d, next, n, e);
                if (r == 0 && n > 0) {
                        r = put(out_fd, NULL, last, n_last, NULL);
                        uint8_t *swap = last;
                        last = next;
                        next = swap;
                        n_last = n;
                }
                if (r < 0)
                        return r; /* who reads no more knows why */
        }
        int r = get(in_fd, NULL, said.bytes, 32, e);
        if (r == 0)
                r = digest_stream_end(d, &digest);
        if (r == 0 && !digest_eq(&digest, &said))
                return error_set(e, -EBADMSG, "the stream is damaged: its digest is another one");
        return r < 0 ? r : put(out_fd, NULL, last, n_last, NULL);
}

/* ---- the process between ---- */

typedef int (*Work)(int in_fd, int out_fd, DigestStream *d, Error *e);

static int by_number(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

_Noreturn static void child(Work work, int in_fd, int out_fd, int report, DigestStream *d)
{
        int keep[] = {in_fd, out_fd, report};
        Error e = {};

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        qsort(keep, ELEMENTSOF(keep), sizeof(*keep), by_number);
        (void)sys_close_all_fds(STDERR_FILENO + 1, keep, ELEMENTSOF(keep));
        int r = work(in_fd, out_fd, d, &e);
        if (r < 0) {
                e.code = r;
                (void)fd_write_all(report, &e, sizeof(e));
        }
        _exit(r < 0);
}

/* outer: the stream's descriptor. */
static int start(Work work, int outer, bool outward, DigestStream *d, Stream *ret, Error *e)
{
        int data[2], report[2], pidfd;

        if (pipe2(data, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        _cleanup_close_ int ours = data[outward ? 1 : 0], theirs = data[outward ? 0 : 1];
        (void)fcntl(ours, F_SETPIPE_SZ, PIPE_SIZE);
        if (pipe2(report, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        _cleanup_close_ int our_report = report[0], their_report = report[1];
        pid_t pid = sys_clone(0, -1, &pidfd);
        if (pid < 0)
                return error_sys(e, pid, "cannot start a process for the stream");
        if (pid == 0)
                child(work, outward ? theirs : outer, outward ? outer : theirs, their_report, d);
        *ret = (Stream){.fd = TAKE_FD(ours), .report = TAKE_FD(our_report), .pidfd = pidfd};
        return 0;
}

int stream_send(int out_fd, const char *header, Stream *ret, Error *e)
{
        __attribute__((cleanup(digest_stream_done))) DigestStream d = {0};
        int r = digest_stream_open(&d, DIGEST_SHA256);

        *ret = STREAM_NONE;
        (void)signal(SIGPIPE, SIG_IGN); /* who reads no more is an error with words */
        if (r < 0)
                return error_sys(e, r, "cannot make a digest");
        r = put(out_fd, &d, MAGIC, MAGIC_LEN, e);
        if (r == 0)
                r = put_chunk(out_fd, &d, header, (uint32_t)strlen(header), e);
        return r < 0 ? r : start(wrap, out_fd, true, &d, ret, e);
}

int stream_receive(int in_fd, char **ret_header, Stream *ret, Error *e)
{
        __attribute__((cleanup(digest_stream_done))) DigestStream d = {0};
        _cleanup_free_ char *header = NULL;
        char magic[MAGIC_LEN];
        uint32_t n = 0;
        int r = digest_stream_open(&d, DIGEST_SHA256);

        *ret = STREAM_NONE;
        if (r < 0)
                return error_sys(e, r, "cannot make a digest");
        r = get(in_fd, &d, magic, sizeof(magic), e);
        if (r == 0 && memcmp(magic, MAGIC, MAGIC_LEN) != 0)
                return error_set(e, -EBADMSG, "this is no stream of 'berth send'");
        if (r == 0)
                r = get_length(in_fd, &d, HEADER_MAX, &n, e);
        if (r < 0)
                return r;
        header = xmalloc(n + 1);
        r = get(in_fd, &d, header, n, e);
        header[n] = '\0';
        if (r == 0)
                r = start(unwrap, in_fd, false, &d, ret, e);
        if (r == 0)
                *ret_header = TAKE_PTR(header);
        return r;
}

static int theirs(Stream *s, Error *e)
{
        Error said = {};

        if (fd_read_full(s->report, &said, sizeof(said)) != sizeof(said) || said.code >= 0 || !said.message[0])
                return 0;
        said.message[ERROR_MESSAGE_MAX - 1] = '\0';
        return error_set(e, said.code, "%s", said.message);
}

static int reap(Stream *s, siginfo_t *ret)
{
        int r = s->pidfd < 0 ? 0 : sys_pidfd_wait(s->pidfd, ret);

        s->pidfd = fd_close(s->pidfd);
        return r;
}

int stream_finish(Stream *s, Error *e)
{
        siginfo_t info = {};

        s->fd = fd_close(s->fd);
        int r = theirs(s, e), k = reap(s, &info);
        if (r < 0)
                return r;
        if (k < 0 || info.si_code != CLD_EXITED || info.si_status != 0)
                return error_set(e, -EIO, "the stream was cut off");
        return 0;
}

int stream_failure(Stream *s, int code, Error *e)
{
        struct pollfd ready = {.fd = s->report, .events = POLLIN};
        Error why = {};

        s->fd = fd_close(s->fd);
        if (s->report >= 0 && poll(&ready, 1, 0) > 0 && theirs(s, &why) < 0) {
                if (e)
                        *e = why;
                return why.code;
        }
        return code;
}

void stream_done(Stream *s)
{
        if (s->pidfd >= 0)
                (void)sys_pidfd_send_signal(s->pidfd, SIGKILL);
        (void)reap(s, NULL);
        fd_close(s->fd);
        fd_close(s->report);
        *s = STREAM_NONE;
}
