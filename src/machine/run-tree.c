/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "machine/run-disk.h"
#include "machine/run-identity.h"

static int look(const MachineHost *h, const StoreImage *i, bool writable, Target *t, Error *e)
{
        *t = (Target)TARGET_NONE;
        t->host = h;
        t->view.writable = writable;
        t->image = (StoreImage){.name = xstrdup(i->name),
                                .driver = i->driver,
                                .path = xstrdup(i->path),
                                .disk = true,
                                .read_only = !writable};
        return target_disk_open(t, e);
}

int machine_tree_open(const MachineHost *h, Store *s, const StoreImage *i, MachineTree *ret, Error *e)
{
        *ret = MACHINE_TREE_NONE;
        int r = i->disk ? look(h, i, false, &ret->disk, e) : store_tree_begin(s, i, &ret->files, e);
        if (r < 0)
                machine_tree_close(ret);
        else
                ret->fd = i->disk ? ret->disk.view.root : ret->files.fd;
        return r;
}

void machine_tree_close(MachineTree *t)
{
        store_tree_end(&t->files);
        target_release(&t->disk);
        t->fd = -1;
}

/* It was written through a mount of its own, which is gone by now. */
static int flush(const StoreImage *made, Error *e)
{
        _cleanup_close_ int fd = open(made->path, O_RDONLY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? error_sys(e, -errno, "cannot write '%s'", made->path) : 0;
}

static int renew_disk(const Renewal *x, const StoreImage *made, Error *e)
{
        Error why = {0};
        Target t;
        int r = look(x->host, made, true, &t, &why);
        bool keeps = r < 0;

        if (r >= 0) {
                r = identity_renew(x->identity, &t.image, &why);
                keeps = r == -EROFS;
        }
        target_release(&t);
        if (keeps)
                events_warning(&x->host->events,
                               "machine '%s' keeps the machine-id, host keys and host name of what it is a copy of: %s",
                               made->name, why.message);
        else if (r < 0)
                *e = why;
        return keeps ? 0 : r < 0 ? r : flush(made, e);
}

int machine_renew(void *renewal, const StoreImage *made, Error *e)
{
        const Renewal *x = renewal;

        return made->disk ? renew_disk(x, made, e) : identity_renew(x->identity, made, e);
}
