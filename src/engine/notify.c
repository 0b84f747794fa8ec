/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/notify.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/str.h"

void notify_parse(char *buf, size_t n, NotifyMessage *ret)
{
        char *next;

        *ret = (NotifyMessage){0};
        buf[n] = '\0';
        for (char *line = buf; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                if (str_eq(line, "READY=1"))
                        ret->ready = true;
                else if (str_eq(line, "STOPPING=1"))
                        ret->stopping = true;
                else if (str_eq(line, "RELOADING=1"))
                        ret->reloading = true;
                else if (str_startswith(line, "STATUS="))
                        ret->status = line + strlen("STATUS=");
        }
}

static void close_sent_fds(const struct cmsghdr *c)
{
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                int fd;
                memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                fd_close(fd);
        }
}

/* The sender's pid, translated by the kernel into our PID namespace; 0 when it did not come. */
static pid_t read_control(struct msghdr *msg)
{
        pid_t pid = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
                if (c->cmsg_level != SOL_SOCKET)
                        continue;
                if (c->cmsg_type == SCM_RIGHTS)
                        close_sent_fds(c);
                if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
                        struct ucred creds;
                        memcpy(&creds, CMSG_DATA(c), sizeof(creds));
                        pid = creds.pid;
                }
        }
        return pid;
}

int notify_receive(int fd, pid_t sender, char buf[static NOTIFY_SIZE_MAX + 1], NotifyMessage *ret)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * 4)];
        } control;

        for (;;) {
                struct iovec iov = {.iov_base = buf, .iov_len = NOTIFY_SIZE_MAX};
                struct msghdr msg = {
                                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
                ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                pid_t pid = read_control(&msg);
                if (pid != sender || (msg.msg_flags & MSG_TRUNC))
                        continue;
                notify_parse(buf, (size_t)n, ret);
                return 1;
        }
}
