/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"
#include "store/names.h"
#include "store/zfs.h"

/* In order of precedence: what nobody else claims is the directory driver's. */
static const StoreDriver *const drivers[] = {&driver_overlay, &driver_raw, &driver_zfs, &driver_btrfs, &driver_directory};
static_assert(ELEMENTSOF(drivers) == _STORE_DRIVER_MAX, "every driver has its row");

/* What new machines get: the first that is available. */
static const StoreDriver *const preferred[] = {&driver_zfs, &driver_btrfs, &driver_overlay};

const char *const entry_suffixes[] = {"", ".mstack", ".raw", NULL};

const StoreDriver *driver_at(size_t precedence)
{
        return precedence < ELEMENTSOF(drivers) ? drivers[precedence] : NULL;
}

const StoreDriver *driver_by_id(StoreDriverId id)
{
        for (size_t i = 0; i < ELEMENTSOF(drivers); i++)
                if (drivers[i]->id == id)
                        return drivers[i];
        return NULL;
}

bool driver_takes_trees(const StoreDriver *d)
{
        return !d->is_file && (d->finish || d->commit);
}

const char *store_driver_name(StoreDriverId id)
{
        const StoreDriver *d = driver_by_id(id);

        return d ? d->name : NULL;
}

const char *store_driver_type(StoreDriverId id)
{
        const StoreDriver *d = driver_by_id(id);

        return d ? d->type : NULL;
}

int store_driver_from_name(const char *name, StoreDriverId *ret, Error *e)
{
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(drivers); i++) {
                if (str_eq(drivers[i]->name, name)) {
                        *ret = drivers[i]->id;
                        return 0;
                }
                if (driver_takes_trees(drivers[i]))
                        strv_push(&names, drivers[i]->name);
        }
        _cleanup_free_ char *list = strv_join(names, ", ");
        return error_set(e, -EINVAL, "there is no driver '%s'; there are %s", name, list);
}

const StoreDriver *driver_of_entry(Store *s, const char *dir, const char *entry, int fd, char **ret_name)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(drivers); i++) {
                const StoreDriver *d = drivers[i];
                const char *end = str_endswith(entry, d->suffix);
                if (!end || end == entry || (d->is_file ? !S_ISREG(st.st_mode) : !S_ISDIR(st.st_mode)) ||
                    (d->claims && !d->claims(s, dir, entry, fd)))
                        continue;
                *ret_name = xstrndup(entry, (size_t)(end - entry));
                return d;
        }
        return NULL;
}

StoreDriverId store_default_driver(Store *s)
{
        for (size_t i = 0; i < ELEMENTSOF(preferred); i++)
                if (preferred[i]->available(s))
                        return preferred[i]->id;
        return STORE_DIRECTORY;
}

int store_check_driver(Store *s, StoreDriverId id, Error *e)
{
        const StoreDriver *d = driver_by_id(id);

        if (!driver_takes_trees(d))
                return error_set(e, -EOPNOTSUPP,
                                 "the %s driver makes no new machines of trees; 'berth import-raw' takes disk images", d->name);
        if (d->available && !d->available(s))
                return error_set(e, -EOPNOTSUPP,
                                 "the file system of '%s' cannot carry machines of the %s driver; '%s' can be used", s->root,
                                 d->name, store_driver_name(store_default_driver(s)));
        return 0;
}

int store_ready(Store *s, StoreImage *i, bool ask, Error *e)
{
        const StoreDriver *d = driver_by_id(i->driver);

        return d->ready ? d->ready(s, i, ask, e) : 0;
}

int store_use_zfs_properties(Store *s, StoreDriverId id, char *const *properties, Error *e)
{
        if (!properties)
                return 0;
        if (id != STORE_ZFS)
                return error_set(e, -EOPNOTSUPP,
                                 "--zfs-property= is for machines on the zfs driver, and this one is on the %s driver",
                                 store_driver_name(id));
        Zfs *z = zfs_of(s);
        strv_free(z->properties);
        z->properties = strv_copy(properties);
        return 0;
}

bool store_can_carry_overlay(Store *s)
{
        return driver_overlay.available(s);
}

static int open_root(const char *root, bool make, Store **ret, Error *e)
{
        if (!path_is_absolute(root))
                return error_set(e, -EINVAL, "the store '%s' is not an absolute path", root);
        int r = make ? file_mkdir_p(root, 0700) : 0;
        _cleanup_close_ int fd = r < 0 ? r : open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_sys(e, r < 0 ? r : -errno, "cannot open the store '%s'", root);

        Store *s = xnew(Store, 1);
        *s = (Store){.root = path_simplify(xstrdup(root)), .root_fd = TAKE_FD(fd)};
        *ret = s;
        return 0;
}

int store_open(const char *root, Store **ret, Error *e)
{
        int r = open_root(root, true, ret, e);

        if (r == 0)
                work_clear_debris(*ret);
        return r;
}

int store_open_as_is(const char *root, Store **ret, Error *e)
{
        return open_root(root, false, ret, e);
}

Store *store_close(Store *s)
{
        if (s) {
                fd_close(s->root_fd);
                zfs_done(s->zfs);
                free(s->root);
                free(s);
        }
        return NULL;
}

int store_failed(const Store *s, int code, Error *e, const char *doing, const char *name)
{
        if (code == -ENOSPC || code == -EDQUOT)
                return error_set(e, code, "cannot %s '%s': the file system of '%s' is full", doing, name, s->root);
        if (code == -EEXIST)
                return error_set(e, code, "cannot %s '%s': another command has just taken the name", doing, name);
        return error_sys(e, code, "cannot %s '%s'", doing, name);
}

static const char *kind_directory(StoreKind kind)
{
        return kind == STORE_IMAGE ? STORE_IMAGES : ".";
}

static int missing(Store *s, StoreKind kind, const char *name, Error *e)
{
        _cleanup_free_ char *nearest = NULL;

        if (kind == STORE_IMAGE)
                return error_set(e, -ENOENT, "image '%s' does not exist", name);
        nearest = name_nearest(s, name);
        if (nearest)
                return error_set(e, -ENOENT, "machine '%s' does not exist; did you mean '%s'?", name, nearest);
        return error_set(e, -ENOENT, "machine '%s' does not exist in '%s'", name, s->root);
}

int store_find(Store *s, StoreKind kind, const char *name, StoreImage *ret, Error *e)
{
        int r = kind == STORE_IMAGE ? name_check_image(name, e) : name_check_machine(name, e);

        if (r < 0)
                return r;
        r = image_load(s, kind_directory(kind), name, ret, e);
        return r == -ENOENT ? missing(s, kind, name, e) : r;
}

int store_list(Store *s, StoreKind kind, StoreImage **ret, size_t *ret_n, Error *e)
{
        _cleanup_strv_ char **names = NULL;
        struct {
                StoreImage *items;
                size_t n;
        } found = {0};
        int r = names_in(s, kind_directory(kind), &names);

        if (r < 0)
                return error_sys(e, r, "cannot read the store '%s'", s->root);
        STRV_FOREACH (name, names) {
                StoreImage image = {0};
                if (kind == STORE_MACHINE && name_check_machine(*name, NULL) < 0)
                        continue;
                /* What cannot be used (or has just been removed) shall not hide the others. */
                if (image_load(s, kind_directory(kind), *name, &image, NULL) == 0)
                        *vec_push(&found) = image;
        }
        *ret = found.items;
        *ret_n = found.n;
        return 0;
}
