/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/driver.h"

/* Disk images that others made. They run; copies and states of them are not kept here. */

static int raw_load(Store *s, StoreImage *i, int fd, Error *e)
{
        i->disk = true;
        return 0;
}

const StoreDriver driver_raw = {
                .id = STORE_RAW,
                .name = "raw",
                .type = "raw",
                .suffix = ".raw",
                .is_file = true,
                .load = raw_load,
                .remove = entries_remove,
                .rename = entries_rename,
                .read_only = image_set_immutable,
};
