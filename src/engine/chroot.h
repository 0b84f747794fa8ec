/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A command in a tree as chroot(8) gives it, for rescue and by-hand installations: all rights, the host's devices and network. The mounts
 * are in a mount namespace of their own and all processes in a PID namespace, which ends with the command or with its caller, even by
 * SIGKILL: nothing is ever mounted on the host, and nothing is left. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct EngineChroot {
        const char *name;         /* for messages */
        const char *directory;    /* the tree, with what is mounted in it; NULL: a stack of */
        char *const *layers;      /* these, topmost first, */
        const char *upper, *work; /* and of the writable one; NULL: none */
        uint32_t shift;           /* the user ID on disk that is root's */
        bool read_only;
        const char *boot;        /* block device, or image of a file system, that is mounted on /boot; NULL: none */
        const char *resolv_conf; /* the host's file, to be mounted on /etc/resolv.conf where that is; NULL: none */
        const char *home;        /* where it starts, if it is there */
        char *const *argv, *const *env;
        const char *program; /* argv[0] may differ: "-sh" */
} EngineChroot;

/* SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1 and SIGUSR2 meanwhile go to the command. *ret_status: as a shell has it. */
int engine_chroot(const EngineChroot *c, int *ret_status, Error *e);
