/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machine's PID 1 between clone3(2) and execve(2), and the process of engine_enter() after setns(2). Both run ops of a plan by the
 * same table. It is the copy of a program with one thread: the C library works, but nothing here parses, looks up names or allocates
 * in proportion to input. */

#include <stdbool.h>

#include "base/error.h"
#include "base/macro.h"
#include "engine/listener.h"
#include "engine/message.h"
#include "engine/profile.h"
#include "plan/plan.h"

/* What it makes of its namespaces itself: a control group's, as clone3(2) would take the one the caller is in for its root; and the
 * network's, which takes as long as all others, so that the supervisor makes the trees meanwhile. */
#define CHILD_NAMESPACES (CLONE_NEWCGROUP | CLONE_NEWNET)

typedef struct Child {
        const MachinePlan *plan;
        int sock;                    /* to the supervisor, close-on-exec */
        int root;                    /* the new root's mount, -1 before OP_ATTACH_ROOT; after the pivot it is "/" */
        int *slots;                  /* the trees of the plan, -1 = not here */
        int io[3];                   /* pipe mode: the payload's descriptors */
        int tty;                     /* slave of the console's pty, -1 = none */
        int handed[_MESSAGE_FD_MAX]; /* what goes to the supervisor with MESSAGE_EXEC */
        MessageFd handed_as[_MESSAGE_FD_MAX];
        size_t n_handed;
        int parent; /* the directory of child_open_parent()'s last path, as many are made side by side; -1 = none */
        const char *parent_path;
        size_t parent_len;
        bool die_with_supervisor;
        bool go;               /* MESSAGE_GO came early */
        pid_t pid_outside;     /* our own, as the host knows it */
        ProfileProgram filter; /* to be loaded at the last moment; without code: none */
        Listener listener;
        bool early_done; /* ops that need no trees ran while those were made */
} Child;

/* Runs the plan and executes the payload; never returns. */
_noreturn_ void child_main(Child *c);

/* Loads the filter, and sees to it that who decides calls can before there is one. */
int child_load_filter(Child *c, const ProfileProgram *program, Error *e);

/* All ops of a phase in order. */
int child_run_phase(Child *c, PlanPhase phase, Error *e);

/* Takes the descriptor. */
int child_hand_over(Child *c, MessageFd as, int *take_fd);

/* The directory that path is in, made when it is missing. The descriptor is the child's, and good until something is mounted. */
int child_open_parent(Child *c, const char *path, const char **ret_name);

/* One function per op type; 0 or -errno. When *e stays unset, the loop names op and path. */
int step_attach_root(Child *c, const PlanOp *op, Error *e);
int step_root_tmpfs(Child *c, const PlanOp *op, Error *e);
int step_sub_root(Child *c, const PlanOp *op, Error *e);
int step_overlay(Child *c, const PlanOp *op, Error *e);
int step_copy(Child *c, const PlanOp *op, Error *e);
int step_attach(Child *c, const PlanOp *op, Error *e);
int step_mount(Child *c, const PlanOp *op, Error *e);
int step_mount_parts(Child *c, const PlanOp *op, Error *e);
int step_bind(Child *c, const PlanOp *op, Error *e);
int step_setattr(Child *c, const PlanOp *op, Error *e);
int step_mask(Child *c, const PlanOp *op, Error *e);
int step_kmsg_fifo(Child *c, const PlanOp *op, Error *e);
int step_pivot(Child *c, const PlanOp *op, Error *e);

int step_mkdir(Child *c, const PlanOp *op, Error *e);
int step_symlink(Child *c, const PlanOp *op, Error *e);
int step_file(Child *c, const PlanOp *op, Error *e);
int step_mknod(Child *c, const PlanOp *op, Error *e);
int step_remove(Child *c, const PlanOp *op, Error *e);
int step_notify_socket(Child *c, const PlanOp *op, Error *e);
int step_console(Child *c, const PlanOp *op, Error *e);
int step_hostname(Child *c, const PlanOp *op, Error *e);
int step_link_up(Child *c, const PlanOp *op, Error *e);
int step_write(Child *c, const PlanOp *op, Error *e);

int step_keyring(Child *c, const PlanOp *op, Error *e);
int step_session(Child *c, const PlanOp *op, Error *e);
int step_rlimit(Child *c, const PlanOp *op, Error *e);
int step_oom_score(Child *c, const PlanOp *op, Error *e);
int step_affinity(Child *c, const PlanOp *op, Error *e);
int step_personality(Child *c, const PlanOp *op, Error *e);
int step_bounding(Child *c, const PlanOp *op, Error *e);
int step_user(Child *c, const PlanOp *op, Error *e);
int step_capabilities(Child *c, const PlanOp *op, Error *e);
int step_ambient(Child *c, const PlanOp *op, Error *e);
int step_address_families(Child *c, const PlanOp *op, Error *e);
int step_no_new_privs(Child *c, const PlanOp *op, Error *e);
int step_seccomp(Child *c, const PlanOp *op, Error *e);
int step_chdir(Child *c, const PlanOp *op, Error *e);
int step_stub_init(Child *c, const PlanOp *op, Error *e);
int step_exec(Child *c, const PlanOp *op, Error *e);

int step_device(Child *c, const PlanOp *op, Error *e);
int step_cover(Child *c, const PlanOp *op, Error *e);
int step_propagation(Child *c, const PlanOp *op, Error *e);
int step_sysctl(Child *c, const PlanOp *op, Error *e);
int step_hook(Child *c, const PlanOp *op, Error *e);
int step_runtime_hooks(Child *c, const PlanOp *op, Error *e);
int step_domainname(Child *c, const PlanOp *op, Error *e);
int step_scheduler(Child *c, const PlanOp *op, Error *e);
int step_io_priority(Child *c, const PlanOp *op, Error *e);
int step_memory_policy(Child *c, const PlanOp *op, Error *e);
int step_umask(Child *c, const PlanOp *op, Error *e);
int step_label(Child *c, const PlanOp *op, Error *e);
int step_capability_sets(Child *c, const PlanOp *op, Error *e);
int step_filter(Child *c, const PlanOp *op, Error *e);

/* Becomes root of the user namespace, whose maps are written. */
int child_become_root(void);
/* Those of whoever started the machine. */
int child_drop_groups(void);
