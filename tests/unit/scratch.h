/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A temporary directory as the state of a test: cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown). */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

typedef struct Scratch {
        char dir[64];
        int fd;
} Scratch;

static inline int scratch_setup(void **state)
{
        Scratch *s = xnew(Scratch, 1);

        snprintf(s->dir, sizeof(s->dir), "/tmp/berth-unit.XXXXXX");
        if (!mkdtemp(s->dir))
                return -1;
        s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *state = s;
        return s->fd < 0 ? -1 : 0;
}

static inline int scratch_teardown(void **state)
{
        Scratch *s = *state;

        close(s->fd);
        int r = file_remove_tree_at(AT_FDCWD, s->dir);
        free(s);
        return r;
}

static inline int scratch_fd(void **state)
{
        return ((Scratch *)*state)->fd;
}
