/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/process.h"

/* In the child: a socket belongs for good to the namespace it was made in. */
static int make_and_send(int netns_fd, int protocol, int out)
{
        if (setns(netns_fd, CLONE_NEWNET) < 0)
                return -errno;
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        return fd < 0 ? -errno : sys_send_fds(out, "", 1, &fd, 1);
}

int net_socket_in(int netns_fd, int protocol, Error *e)
{
        int pair[2], fd = -1, status = 0;
        size_t n = 0;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_sys(e, -errno, "cannot make a socket");
        _cleanup_close_ int in = pair[0], out = pair[1];
        pid_t pid = fork();
        if (pid < 0)
                return error_sys(e, -errno, "cannot make a process");
        if (pid == 0)
                _exit(-make_and_send(netns_fd, protocol, out));
        out = fd_close(out);

        char byte;
        ssize_t r = sys_recv_fds(in, &byte, sizeof(byte), &fd, 1, &n);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (r > 0 && n == 1)
                return fd;
        int code = r < 0 ? (int)r : WIFEXITED(status) && WEXITSTATUS(status) != 0 ? -WEXITSTATUS(status) : -EIO;
        return error_sys(e, code, "cannot enter the network namespace");
}
