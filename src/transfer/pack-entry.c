/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/pack-entry.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

/* File capabilities and what users set, as unpack-attr.c takes them. Labels of security modules, and the notes of overlayfs and of the
 * store (a tree's date), are this host's. */
static bool xattr_is_packed(const char *name)
{
        return str_eq(name, "security.capability") ||
               (str_startswith(name, "user.") && !str_startswith(name, "user.overlay.") && !str_eq(name, "user.crtime_usec"));
}

typedef struct Xattr {
        char *name;
        void *value;
        size_t size;
} Xattr;

static void keep_xattrs(struct archive_entry *entry)
{
        int n = archive_entry_xattr_reset(entry);
        Xattr *kept = xnew(Xattr, (size_t)n + 1);
        size_t n_kept = 0;
        const char *name;
        const void *value;
        size_t size;

        while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
                if (xattr_is_packed(name)) {
                        kept[n_kept] = (Xattr){xstrdup(name), xmalloc(size + 1), size};
                        memcpy(kept[n_kept++].value, value, size);
                }
        archive_entry_xattr_clear(entry);
        for (size_t i = 0; i < n_kept; i++) {
                archive_entry_xattr_add_entry(entry, kept[i].name, kept[i].value, kept[i].size);
                free(kept[i].name);
                free(kept[i].value);
        }
        free(kept);
}

static int fill_link(struct archive_entry *entry, const PackSource *s)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(s->root_dirfd, s->path, target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        archive_entry_copy_symlink(entry, target);
        return 0;
}

int pack_entry_fill(struct archive_entry *entry, const PackSource *s)
{
        _cleanup_free_ char *name =
                        str_eq(s->path, ".") ? xstrdup("./") : xasprintf("./%s%s", s->path, S_ISDIR(s->st->st_mode) ? "/" : "");
        int r = 0;

        archive_entry_copy_pathname(entry, name);
        if (s->fd >= 0) {
                archive_entry_copy_sourcepath(entry, fd_path(s->fd).s); /* default ACLs are not read by descriptor */
                if (archive_read_disk_entry_from_file(s->disk, entry, s->fd, s->st) < ARCHIVE_WARN)
                        return archive_errno(s->disk) > 0 ? -archive_errno(s->disk) : -EIO;
                keep_xattrs(entry);
        } else {
                archive_entry_copy_stat(entry, s->st);
                if (S_ISLNK(s->st->st_mode))
                        r = fill_link(entry, s);
        }
        archive_entry_unset_atime(entry);
        archive_entry_unset_ctime(entry);
        archive_entry_unset_birthtime(entry);
        return r;
}

void pack_entry_finish(struct archive_entry *entry)
{
        archive_entry_set_dev(entry, 0);
        archive_entry_set_ino(entry, 0);
        archive_entry_set_nlink(entry, 1);
}
