/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stacks of layers on disk, in the layout of systemd.mstack(7), and the shared layers they point to. */

#include <stdbool.h>
#include <stddef.h>

#include "store/work.h"

typedef struct StackLayer {
        char *entry;  /* layer@N */
        char *id;     /* of a shared layer, else NULL */
        char *target; /* where the symlink of another's layer points; NULL with id NULL: a directory of the stack's own */
} StackLayer;

typedef struct Stack {
        StackLayer *items; /* lowest first */
        size_t n;
        bool writable;
} Stack;

#define STACK_DEPTH_WARN 64
#define STACK_DEPTH_MAX  500 /* OVL_MAX_STACK of the kernel */

int stack_load(int dirfd, const char *path, Stack *ret, Error *e); /* path is for messages */
void stack_done(Stack *s);
void stack_push(Stack *s, const char *id);
/* Makes the directory `name` below w, or completes it, with the stack's symlinks as they must read in `dir` (relative to the
 * store's root). */
int stack_write(const Work *w, const char *name, const Stack *stack, const char *dir);

void layer_new_id(char ret[static 33]);
char *layer_path(const char *id); /* relative to the store's root */
/* Moves every layer without a user into w. Under store_hold(). */
int layers_collect(Store *s, const Work *w);
int layers_unused(Store *s, char ***ret); /* their IDs */
/* Completes what overlay's freeze() began. Under store_hold(), when no other transaction is at it. */
int layers_settle(Store *s);
