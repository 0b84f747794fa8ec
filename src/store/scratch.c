/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "store/work.h"

static int make_layer(int work, const StoreImage *i)
{
        _cleanup_close_ int root = store_image_open(i, "/", O_PATH | O_DIRECTORY);
        struct stat st;

        if (root < 0)
                return root;
        if (fstat(root, &st) < 0 || mkdirat(work, "data", 0700) < 0 || mkdirat(work, "work", 0700) < 0 ||
            fchownat(work, "data", st.st_uid, st.st_gid, 0) < 0 || fchmodat(work, "data", st.st_mode & 07777, 0) < 0)
                return -errno;
        return 0;
}

int store_scratch_begin(Store *s, const StoreImage *i, StoreScratch *ret, Error *e)
{
        Work w = WORK_NONE;
        int r;

        *ret = STORE_SCRATCH_NONE;
        {
                _cleanup_close_ int hold = store_hold(s, e);
                r = hold < 0 ? hold : work_begin(s, i->name, &w, e);
        }
        if (r < 0)
                return r;
        *ret = (StoreScratch){.path = path_join(s->root, w.path), .fd = w.fd};
        free(w.path);
        r = make_layer(w.fd, i);
        if (r < 0) {
                store_scratch_end(ret);
                return store_failed(s, r, e, "make room for the changes of", i->name);
        }
        return 0;
}

/* Needs no store: a supervisor that stays has closed it. */
void store_scratch_end(StoreScratch *x)
{
        if (x->path)
                (void)file_remove_tree_at(AT_FDCWD, x->path); /* what cannot go now is debris, tried again by every command */
        store_scratch_abandon(x);
}

void store_scratch_abandon(StoreScratch *x)
{
        fd_close(x->fd);
        free(x->path);
        *x = STORE_SCRATCH_NONE;
}
