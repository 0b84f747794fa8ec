/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the supervisor and the machine's PID 1 say to each other over one SOCK_SEQPACKET pair while the machine is set up. The
 * child's end is close-on-exec: its end of file after MESSAGE_EXEC says that the payload runs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum MessageKind {
        /* supervisor to child */
        MESSAGE_TREES = 1, /* ID maps are written; trees, as many as fit in one message, with their slots */
        MESSAGE_MOVED,     /* instead: the trees are in the staging directory, see staging.h */
        MESSAGE_GO,        /* the machine is on record: the payload may run */
        MESSAGE_HOOKED,    /* the answer to MESSAGE_HOOKS */
        /* child to supervisor */
        MESSAGE_NAMESPACES, /* those are complete that the child makes itself */
        MESSAGE_COPIED,     /* the answer to MESSAGE_MOVED */
        MESSAGE_CONSOLE,    /* of engine_enter(): the master of the console's pty */
        MESSAGE_EXEC,     /* execve(2) comes next; and what the supervisor keeps, all at once: each message costs it a wake-up */
        MESSAGE_HOOKS,    /* the mounts are made: PHASE_RUNTIME is due */
        MESSAGE_LISTENER, /* a filter is loaded next; slots[0]: the number of the descriptor that decides calls */
        MESSAGE_ERROR,    /* the start failed; error says why */
} MessageKind;

typedef enum MessageFd {                     /* descriptors that come with MESSAGE_EXEC */
                         MESSAGE_FD_CONSOLE, /* the master of the console's pty */
                         MESSAGE_FD_NOTIFY,  /* the sd_notify(3) socket */
                         MESSAGE_FD_KMSG,    /* the FIFO behind /proc/kmsg */
                         MESSAGE_FD_UNUSED, /* a mount that was of use for the assembly only: closing it takes the kernel a while */
                         _MESSAGE_FD_MAX,
} MessageFd;

#define MESSAGE_FDS_MAX 250U /* below the kernel's SCM_MAX_FD, 253 */

typedef struct Message {
        uint32_t kind; /* MessageKind */
        bool more;     /* MESSAGE_TREES: another message of them follows */
        union {
                int slots[MESSAGE_FDS_MAX]; /* MESSAGE_TREES: where each descriptor belongs; MESSAGE_EXEC: MessageFd of each */
                Error error;                /* MESSAGE_ERROR */
        };
} Message;

int message_send(int sock, MessageKind kind, const int *fds, size_t n_fds);
int message_send_trees(int sock, const int *slots, size_t n); /* all that are not -1 */
int message_send_exec(int sock, const MessageFd *as, const int *fds, size_t n);
int message_send_number(int sock, MessageKind kind, int number);
int message_send_error(int sock, const Error *error);
/* 1, 0 at the end of file, or -errno. Descriptors beyond max_fds are closed. */
int message_receive(int sock, Message *ret, int *fds, size_t max_fds, size_t *ret_n_fds);
