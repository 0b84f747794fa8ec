/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/unpack-contents.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "transfer/unpack-tree.h"

static char *file_line(WorkerImage *i, struct archive_entry *entry, const char *path, const Md5 *md5)
{
        Md5 end = *md5;
        uint8_t digest[MD5_SIZE];
        char hex[2 * MD5_SIZE + 1];

        md5_end(&end, digest);
        hash_hex(digest, MD5_SIZE, hex);
        struct ImageFile *f = vec_push(&i->files);
        f->path = xstrdup(path);
        f->rest = xasprintf(" %s %lld", hex, (long long)archive_entry_mtime(entry));
        return xasprintf("obj %s%s", path, f->rest);
}

static char *link_line(const WorkerImage *i, const char *target, const char *path)
{
        char to[PATH_MAX];

        if (tree_path(target, to, NULL) < 0)
                return NULL;
        for (size_t k = i->files.n; k-- > 0;)
                if (str_eq(i->files.items[k].path + 1, to))
                        return xasprintf("obj %s%s", path, i->files.items[k].rest);
        return NULL;
}

char *contents_line(WorkerImage *i, struct archive_entry *entry, const char *path, const Md5 *md5)
{
        if (!path[1])
                return NULL;
        if (archive_entry_hardlink(entry))
                return link_line(i, archive_entry_hardlink(entry), path);
        switch (archive_entry_filetype(entry)) {
        case AE_IFDIR:
                return xasprintf("dir %s", path);
        case AE_IFREG:
                return file_line(i, entry, path, md5);
        case AE_IFLNK:
                return xasprintf("sym %s -> %s %lld", path, archive_entry_symlink(entry), (long long)archive_entry_mtime(entry));
        case AE_IFIFO:
                return xasprintf("fif %s", path);
        default:
                return NULL;
        }
}

void contents_restrict_mode(struct archive_entry *entry)
{
        mode_t mode = archive_entry_perm(entry);

        if (archive_entry_filetype(entry) != AE_IFREG)
                return;
        if (mode & S_ISGID)
                mode &= ~(mode_t)S_IROTH;
        else if (mode & S_ISUID)
                mode &= ~(mode_t)(S_IRGRP | S_IROTH);
        archive_entry_set_perm(entry, mode);
}

void contents_done(WorkerImage *i)
{
        for (size_t k = 0; k < i->files.n; k++) {
                free(i->files.items[k].path);
                free(i->files.items[k].rest);
        }
        free(i->files.items);
        *i = (WorkerImage){0};
}
