/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/message.h"

#include <errno.h>

#include "sys/process.h"

int message_send(int sock, MessageKind kind, const int *fds, size_t n_fds)
{
        uint32_t word = kind;

        return sys_send_fds(sock, &word, sizeof(word), fds, n_fds);
}

int message_send_trees(int sock, const int *slots, size_t n)
{
        Message m = {.kind = MESSAGE_TREES};
        int fds[MESSAGE_FDS_MAX], r;
        size_t i = 0;

        do {
                size_t filled = 0;
                for (; i < n && filled < MESSAGE_FDS_MAX; i++)
                        if (slots[i] >= 0) {
                                m.slots[filled] = (int)i;
                                fds[filled++] = slots[i];
                        }
                m.more = i < n;
                r = sys_send_fds(sock, &m, offsetof(Message, slots) + filled * sizeof(int), fds, filled);
        } while (r >= 0 && m.more);
        return r;
}

int message_send_exec(int sock, const MessageFd *as, const int *fds, size_t n)
{
        Message m = {.kind = MESSAGE_EXEC};

        for (size_t i = 0; i < n; i++)
                m.slots[i] = (int)as[i];
        return sys_send_fds(sock, &m, offsetof(Message, slots) + n * sizeof(int), fds, n);
}

int message_send_number(int sock, MessageKind kind, int number)
{
        Message m = {.kind = kind, .slots = {number}};

        return sys_send_fds(sock, &m, offsetof(Message, slots) + sizeof(int), NULL, 0);
}

int message_send_error(int sock, const Error *error)
{
        Message m = {.kind = MESSAGE_ERROR, .error = *error};

        return sys_send_fds(sock, &m, sizeof(m), NULL, 0);
}

int message_receive(int sock, Message *ret, int *fds, size_t max_fds, size_t *ret_n_fds)
{
        ssize_t n = sys_recv_fds(sock, ret, sizeof(*ret), fds, max_fds, ret_n_fds);

        if (n == -ECONNRESET) /* the peer died with unread messages of ours; that is told first, then what it said before */
                n = sys_recv_fds(sock, ret, sizeof(*ret), fds, max_fds, ret_n_fds);
        if (n == -ECONNRESET)
                return 0;
        if (n <= 0)
                return (int)n;
        if ((size_t)n < sizeof(ret->kind))
                return -EBADMSG;
        return 1;
}
