/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/attrs.h"

#include <errno.h>
#include <linux/limits.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

static int xattr_names(int fd, char ***ret)
{
        _cleanup_free_ char *list = xmalloc(XATTR_LIST_MAX);
        _cleanup_strv_ char **names = NULL;
        ssize_t n = flistxattr(fd, list, XATTR_LIST_MAX);

        if (n < 0 && errno != ENOTSUP)
                return -errno;
        for (const char *p = list; n > 0 && p < list + n; p += strlen(p) + 1)
                if (!str_startswith(p, "trusted.overlay."))
                        strv_push(&names, p);
        *ret = TAKE_PTR(names);
        return 0;
}

static ssize_t xattr_value(int fd, const char *name, char **ret)
{
        _cleanup_free_ char *value = xmalloc(XATTR_SIZE_MAX);
        ssize_t n = fgetxattr(fd, name, value, XATTR_SIZE_MAX);

        if (n < 0)
                return -errno;
        *ret = TAKE_PTR(value);
        return n;
}

static int xattr_copy(int from_fd, int to_fd, const char *name)
{
        _cleanup_free_ char *value = NULL;
        ssize_t n = xattr_value(from_fd, name, &value);

        if (n < 0)
                return n == -ENODATA ? 0 : (int)n;
        return fsetxattr(to_fd, name, value, (size_t)n, 0) < 0 && errno != ENOTSUP ? -errno : 0;
}

int attrs_copy(int from_fd, int to_fd)
{
        _cleanup_strv_ char **names = NULL;
        struct stat st;

        if (fstat(from_fd, &st) < 0 || fchown(to_fd, st.st_uid, st.st_gid) < 0)
                return -errno;
        int r = xattr_names(from_fd, &names);
        STRV_FOREACH (name, names) {
                if (r == 0)
                        r = xattr_copy(from_fd, to_fd, *name);
        }
        if (r < 0)
                return r;
        /* After the ACL, whose mask is the group's part of the mode. */
        if (fchmod(to_fd, st.st_mode & 07777) < 0 || futimens(to_fd, (struct timespec[]){st.st_atim, st.st_mtim}) < 0)
                return -errno;
        return 0;
}

static bool xattr_equal(int a_fd, int b_fd, const char *name)
{
        _cleanup_free_ char *a = NULL, *b = NULL;
        ssize_t na = xattr_value(a_fd, name, &a), nb = xattr_value(b_fd, name, &b);

        return na >= 0 && na == nb && memcmp(a, b, (size_t)na) == 0;
}

int attrs_equal(int a_fd, int b_fd)
{
        _cleanup_strv_ char **a_names = NULL, **b_names = NULL;
        struct stat a, b;

        if (fstat(a_fd, &a) < 0 || fstat(b_fd, &b) < 0)
                return -errno;
        if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid)
                return 0;
        int r = xattr_names(a_fd, &a_names);
        if (r == 0)
                r = xattr_names(b_fd, &b_names);
        if (r < 0)
                return r;
        if (strv_len(a_names) != strv_len(b_names))
                return 0;
        STRV_FOREACH (name, a_names) {
                if (!xattr_equal(a_fd, b_fd, *name))
                        return 0;
        }
        return 1;
}
