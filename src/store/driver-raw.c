/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/driver.h"

/* Disk images, imported or made by others. Copies and states are whole copies, with shared blocks where the file system can, and without
 * what is not written in any case. */

static int raw_load(Store *s, StoreImage *i, int fd, Error *e)
{
        i->disk = true;
        return 0;
}

static int raw_usage(Store *s, const StoreImage *i, StoreUsage *ret, Error *e)
{
        struct stat st;

        if (stat(i->path, &st) < 0)
                return -errno;
        *ret = (StoreUsage){
                        .used = (uint64_t)st.st_blocks * 512,
                        .exclusive = STORE_UNKNOWN,
                        .limit = (uint64_t)st.st_size,
                        .exclusive_limit = STORE_UNKNOWN,
        };
        return 0;
}

static int raw_finish(StoreBuild *b, const Work *w, Error *e)
{
        if (renameat(w->fd, WORK_TREE "/" STORE_DISK, w->fd, WORK_NEW) < 0)
                return store_failed(b->store, -errno, e, "make", b->name);
        return 0;
}

const StoreDriver driver_raw = {
                .id = STORE_RAW,
                .name = "raw",
                .type = "raw",
                .suffix = ".raw",
                .is_file = true,
                .load = raw_load,
                .finish = raw_finish,
                .clone = copied_clone,
                .snapshot = copied_snapshot,
                .rollback = copied_rollback,
                .snapshot_remove = entries_snapshot_remove,
                .remove = entries_remove,
                .snapshot_find = entries_snapshot_find,
                .snapshots = entries_snapshots,
                .rename = entries_rename,
                .read_only = image_set_immutable,
                .usage = raw_usage,
};
