/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/libc.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/run-wants.h"
#include "sys/copy.h"
#include "sys/lock.h"

static bool machine_is_missing(const MachineHost *h, const char *name)
{
        StoreImage image = {0};
        Store *store = NULL;
        bool missing = store_open(h->machines_dir, &store, NULL) < 0 ||
                       store_find(store, STORE_MACHINE, name, &image, NULL) == -ENOENT;

        store_image_done(&image);
        store_close(store);
        return missing;
}

bool target_is_missing(const MachineHost *h, const MachineSpec *spec)
{
        if (!spec->template)
                return false;
        if (spec->directory)
                return access(spec->directory, F_OK) < 0 && errno == ENOENT;
        return spec->machine && machine_is_missing(h, spec->machine);
}

/* ---- a machine of the store ---- */

/* The store has made the directory; what it is like comes from the template as well. */
static int copy_into(const StoreBuild *b, const char *template, const Events *events, Error *e)
{
        if (unlinkat(b->work_fd, path_basename(b->path), AT_REMOVEDIR) < 0)
                return error_sys(e, -errno, "cannot make '%s'", b->path);
        return sys_copy_tree(AT_FDCWD, template, AT_FDCWD, b->path, events, e);
}

static int make_machine(const MachineHost *h, const MachineSpec *spec, Error *e)
{
        Store *store = NULL;
        StoreBuild b;
        int r = store_open(h->machines_dir, &store, e);

        if (r < 0)
                return r;
        r = store_build_begin(store, STORE_MACHINE, spec->machine, store_default_driver(store), &b, e);
        if (r >= 0) {
                r = copy_into(&b, spec->template, &h->events, e);
                if (r >= 0)
                        r = store_build_commit(&b, false, e);
                if (r < 0)
                        store_build_abort(&b);
        }
        store_close(store);
        return r;
}

/* ---- a directory anywhere ---- */

/* Under a hidden name beside it, which is locked, so that the next one knows what a killed one left. */
static int make_directory(const MachineHost *h, const MachineSpec *spec, Error *e)
{
        _cleanup_free_ char *parent = path_dirname(spec->directory);
        _cleanup_free_ char *name = xasprintf(".#%s.template", path_basename(spec->directory)),
                            *lock_name = xasprintf("%s.lck", name);
        _cleanup_close_ int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return error_sys(e, -errno, "cannot open '%s'", parent);
        _cleanup_close_ int lock = sys_lock_at(dir, lock_name, true, true);
        if (lock < 0)
                return error_sys(e, lock, "cannot lock '%s/%s'", parent, lock_name);

        int r = file_remove_tree_at(dir, name);
        if (r < 0)
                r = error_sys(e, r, "cannot remove '%s/%s', which is left of an interrupted copy", parent, name);
        if (r >= 0)
                r = sys_copy_tree(AT_FDCWD, spec->template, dir, name, &h->events, e);
        if (r >= 0 && renameat2(dir, name, dir, path_basename(spec->directory), RENAME_NOREPLACE) < 0 && errno != EEXIST)
                r = error_sys(e, -errno, "cannot make '%s'", spec->directory);
        (void)file_remove_tree_at(dir, name); /* not there any more unless that failed */
        (void)unlinkat(dir, lock_name, 0);
        return r;
}

int target_from_template(const MachineHost *h, const MachineSpec *spec, Error *e)
{
        struct stat st;

        if (!target_is_missing(h, spec))
                return 0;
        if (stat(spec->template, &st) < 0 || !S_ISDIR(st.st_mode))
                return error_set(e, -ENOENT, "the template '%s' is no directory", spec->template);
        return spec->directory ? make_directory(h, spec, e) : make_machine(h, spec, e);
}
