/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* OP_FILTER with a listener: calls that somebody outside decides (seccomp_unotify(2)). Once its filter is loaded the child must make no
 * call that might have to be decided before anybody listens: it only waits, by a word of memory, until the supervisor has taken the
 * descriptor out of it and handed it on. */

#include <stdbool.h>

#include "base/error.h"
#include "plan/plan.h"

typedef struct Listener {
        _Atomic int *taken; /* shared by supervisor and child; NULL: the plan has no listener */
} Listener;

const PlanOp *listener_of(const MachinePlan *plan); /* NULL: none */

/* Before the child is made; nothing for a plan without a listener. */
int listener_open(Listener *l, const MachinePlan *plan, Error *e);
void listener_close(Listener *l);

/* In the child: the number that the next descriptor gets; and after that one was made, the wait. */
int listener_number(void);
void listener_wait(const Listener *l);

/* In the supervisor: takes descriptor `number` out of the child as soon as it is there, and sends it, with the state of the machine as the
 * runtime specification has it, to the op's socket. 0 also when the child is gone: it says itself why. */
int listener_hand_on(const Listener *l, const PlanOp *op, pid_t pid, int pidfd, int number, Error *e);
