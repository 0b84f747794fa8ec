/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"

/* Ends that say what an entry of the store is, so that they cannot end a name. */
static const char *reserved_suffix(const char *name)
{
        static const char *const suffixes[] = {".mstack", ".raw", ".v", ".nspawn"};

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
                if (str_endswith(name, suffixes[i]))
                        return suffixes[i];
        return NULL;
}

int name_check_machine(const char *name, Error *e)
{
        if (!path_machine_name_is_valid(name))
                return error_set(e, -EINVAL,
                                 "'%s' is no machine name: letters, digits, '-' and '.' as in host names, at most 64 characters",
                                 name);
        if (reserved_suffix(name))
                return error_set(e, -EINVAL, "'%s' is no machine name: it must not end in '%s'", name, reserved_suffix(name));
        return 0;
}

int name_check_image(const char *name, Error *e)
{
        if (!path_snapshot_name_is_valid(name) || reserved_suffix(name))
                return error_set(e, -EINVAL, "'%s' is no image name", name);
        return 0;
}

int name_check_snapshot(const char *name, Error *e)
{
        if (!path_snapshot_name_is_valid(name))
                return error_set(e, -EINVAL,
                                 "'%s' is no snapshot name: letters, digits, '.', '_', ':' and '-', no dot in front, at most 128",
                                 name);
        if (reserved_suffix(name))
                return error_set(e, -EINVAL, "'%s' is no snapshot name: it must not end in '%s'", name, reserved_suffix(name));
        return 0;
}

int names_in(Store *s, const char *dir, char ***ret)
{
        _cleanup_close_ int fd = openat(s->root_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_strv_ char **entries = NULL, **names = NULL;

        *ret = NULL;
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        int r = dir_entries(fd, ".", &entries);
        STRV_FOREACH (entry, entries) {
                _cleanup_close_ int image = **entry == '.' ? -1 : openat(fd, *entry, O_PATH | O_CLOEXEC);
                _cleanup_free_ char *name = NULL;
                if (image >= 0 && driver_of_entry(s, dir, *entry, image, &name) && !strv_contains(names, name))
                        strv_push(&names, name);
        }
        strv_sort(names);
        *ret = TAKE_PTR(names);
        return r;
}

char *name_nearest(Store *s, const char *name)
{
        _cleanup_strv_ char **names = NULL;
        const char *best = NULL;
        size_t best_distance = 3;

        if (names_in(s, ".", &names) < 0)
                return NULL;
        STRV_FOREACH (n, names) {
                size_t d = name_check_machine(*n, NULL) < 0 ? best_distance : str_edit_distance(name, *n);
                if (d < best_distance && d < strlen(name)) {
                        best = *n;
                        best_distance = d;
                }
        }
        return xstrdup(best);
}
