/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/unpack-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "transfer/unpack-attr.h"

/* Another worker may create between our unlink and our create; more than a few times in a row is no coincidence. */
#define REPLACE_TRIES 16

/* Where an entry goes. */
typedef struct Place {
        const char *path; /* whole, for messages */
        const char *name; /* in the directory; "." for the top */
        int dirfd;
        bool setgid;
} Place;

int tree_path(const char *name, char ret[static PATH_MAX], Error *e)
{
        size_t len = 0;

        for (const char *p = name; *p;) {
                size_t n = strcspn(p, "/");

                if (n == 2 && p[0] == '.' && p[1] == '.')
                        return error_set(e, -EBADMSG, "entry '%s' climbs with '..', which is refused", name);
                if (n > 0 && !(n == 1 && p[0] == '.')) {
                        if (len + n + 2 > PATH_MAX)
                                return error_set(e, -EBADMSG, "entry '%.64s…' has a path longer than %d bytes", name, PATH_MAX);
                        if (len > 0)
                                ret[len++] = '/';
                        memcpy(ret + len, p, n);
                        len += n;
                }
                p += n;
                while (*p == '/')
                        p++;
        }
        ret[len] = '\0';
        return 0;
}

static int fail(int code, const char *what, const char *path, Error *e)
{
        if (code == -ENOSPC || code == -EDQUOT)
                return error_set(e, code,
                                 "no space left on the file system of the new root: free some or build on another file system");
        return error_sys(e, code, "cannot %s '/%s'", what, path);
}

/* ---- directories on the way ---- */

static uint32_t hash_path(const char *p, size_t len)
{
        uint32_t h = 2166136261U;

        for (size_t i = 0; i < len; i++)
                h = (h ^ (uint8_t)p[i]) * 16777619U;
        return h ^ h >> 16;
}

static void forget_dirs(Tree *t)
{
        for (size_t i = 0; i < TREE_DIRS; i++)
                if (t->dirs[i].path) {
                        free(t->dirs[i].path);
                        fd_close(t->dirs[i].fd);
                        t->dirs[i] = (TreeDir){0};
                }
}

/* Directories that no entry names: as mkdir -p makes them. */
static int make_dirs(Tree *t, const char *path, Error *e)
{
        char part[PATH_MAX];

        for (const char *p = path; p;) {
                p = strchr(p, '/');
                size_t n = p ? (size_t)(p - path) : strlen(path);
                memcpy(part, path, n);
                part[n] = '\0';
                if (mkdirat(t->root, part, 0755) < 0 && errno != EEXIST)
                        return fail(-errno, "make directory", part, e);
                if (p)
                        p++;
        }
        return 0;
}

static int open_dir(Tree *t, const char *path, Error *e)
{
        int fd = openat(t->root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 && errno == ENOENT) {
                int r = make_dirs(t, path, e);
                if (r < 0)
                        return r;
                fd = openat(t->root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
        return fd < 0 ? fail(-errno, "open directory", path, e) : fd;
}

static int find_place(Tree *t, const char *path, Place *ret, Error *e)
{
        const char *slash = strrchr(path, '/');

        *ret = (Place){.path = path, .name = slash ? slash + 1 : path, .dirfd = t->root};
        if (!*path)
                ret->name = ".";
        if (!slash)
                return 0;

        size_t len = (size_t)(slash - path);
        TreeDir *d = &t->dirs[hash_path(path, len) % TREE_DIRS];
        if (!d->path || strncmp(d->path, path, len) != 0 || d->path[len]) {
                _cleanup_free_ char *dir = xstrndup(path, len);
                struct stat st;

                int fd = open_dir(t, dir, e);
                if (fd < 0)
                        return fd;
                if (d->path) {
                        free(d->path);
                        fd_close(d->fd);
                }
                *d = (TreeDir){.path = TAKE_PTR(dir), .fd = fd, .setgid = fstat(fd, &st) == 0 && (st.st_mode & S_ISGID)};
        }
        ret->dirfd = d->fd;
        ret->setgid = d->setgid;
        return 0;
}

/* ---- replacing ---- */

typedef struct Creation {
        struct archive_entry *entry;
        Place place;
        int root;
        const char *target; /* of a hard link, below root */
        int fd;             /* of a regular file */
} Creation;

static int create_file(Creation *c)
{
        mode_t mode = archive_entry_perm(c->entry) & 0777;

        c->fd = openat(c->place.dirfd, c->place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        return c->fd < 0 ? -errno : 0;
}

static int create_symlink(Creation *c)
{
        return symlinkat(archive_entry_symlink(c->entry), c->place.dirfd, c->place.name) < 0 ? -errno : 0;
}

static int create_hardlink(Creation *c)
{
        return linkat(c->root, c->target, c->place.dirfd, c->place.name, 0) < 0 ? -errno : 0;
}

static int create_fifo(Creation *c)
{
        return mknodat(c->place.dirfd, c->place.name, S_IFIFO | (archive_entry_perm(c->entry) & 0777), 0) < 0 ? -errno : 0;
}

/* Makes the entry, after removing what stands there, which must not be a directory. */
static int create(Tree *t, Creation *c, int (*make)(Creation *), const char *what, Error *e)
{
        int r = make(c);

        for (unsigned i = 0; r == -EEXIST && i < REPLACE_TRIES; i++) {
                if (unlinkat(c->place.dirfd, c->place.name, 0) < 0 && errno != ENOENT) {
                        if (errno == EISDIR || errno == EPERM)
                                return error_set(e, -EISDIR, "'/%s' would replace a directory", c->place.path);
                        return fail(-errno, "replace", c->place.path, e);
                }
                t->stale = true;
                r = make(c);
        }
        return r < 0 ? fail(r, what, c->place.path, e) : 0;
}

/* ---- one function for each type ---- */

static int account(Tree *t, size_t len, Error *e)
{
        uint64_t limit = t->own_limit;

        t->bytes += len;
        if (limit == 0 || t->bytes <= limit) {
                limit = t->limit;
                if (limit == 0 || atomic_fetch_add_explicit(t->used, len, memory_order_relaxed) + len <= limit)
                        return 0;
        }
        return error_set(e, -E2BIG, "it unpacks to more than the limit of %llu bytes", (unsigned long long)limit);
}

static void feed_hole(Md5 *md5, la_int64_t from, la_int64_t to)
{
        static const char zeros[4096];

        for (; from < to; from += (la_int64_t)MIN(sizeof(zeros), (size_t)(to - from)))
                md5_feed(md5, zeros, MIN(sizeof(zeros), (size_t)(to - from)));
}

/* Blocks come in order; what lies between them is a hole. */
static int write_data(Tree *t, struct archive *a, const Creation *c, Md5 *md5, Error *e)
{
        const void *block;
        size_t len;
        la_int64_t offset;
        off_t pos = 0;

        for (;;) {
                int r = archive_read_data_block(a, &block, &len, &offset);
                if (r != ARCHIVE_OK && r != ARCHIVE_EOF && r != ARCHIVE_WARN)
                        return error_set(e, -EBADMSG, "it is truncated or damaged: %s", archive_error_string(a));
                if (r == ARCHIVE_EOF)
                        break;
                if (len == 0)
                        continue;
                if (offset != pos && lseek(c->fd, offset, SEEK_SET) < 0)
                        return fail(-errno, "write", c->place.path, e);
                r = account(t, len, e);
                if (r < 0)
                        return r;
                if (md5) {
                        feed_hole(md5, pos, offset);
                        md5_feed(md5, block, len);
                }
                r = fd_write_all(c->fd, block, len);
                if (r < 0)
                        return fail(r, "write", c->place.path, e);
                pos = offset + (off_t)len;
        }
        if (md5 && archive_entry_size_is_set(c->entry))
                feed_hole(md5, pos, archive_entry_size(c->entry));
        if (archive_entry_size_is_set(c->entry) && archive_entry_size(c->entry) > pos &&
            ftruncate(c->fd, archive_entry_size(c->entry)) < 0)
                return fail(-errno, "write", c->place.path, e);
        return 0;
}

static int write_file(Tree *t, struct archive *a, Creation *c, Md5 *md5, Error *e)
{
        int r = create(t, c, create_file, "create", e);
        if (r < 0)
                return r;

        _cleanup_close_ int fd = c->fd;
        r = write_data(t, a, c, md5, e);
        if (r < 0)
                return r;
        r = attr_apply_file(fd, c->entry, c->place.setgid);
        return r < 0 ? fail(r, "set the attributes of", c->place.path, e) : 0;
}

static int write_hardlink(Tree *t, struct archive *a, Creation *c, Md5 *md5, Error *e)
{
        char target[PATH_MAX];
        int r = tree_path(archive_entry_hardlink(c->entry), target, e);

        if (r < 0)
                return r;
        if (strcmp(target, c->place.path) == 0)
                return 0;
        c->target = target;
        return create(t, c, create_hardlink, "make hard link", e);
}

static int write_symlink(Tree *t, struct archive *a, Creation *c, Md5 *md5, Error *e)
{
        struct stat st;

        if (!archive_entry_symlink(c->entry))
                return error_set(e, -EBADMSG, "symbolic link '/%s' has no target", c->place.path);
        /* As dpkg: a link in place of a directory leaves the directory. */
        if (symlinkat(archive_entry_symlink(c->entry), c->place.dirfd, c->place.name) < 0) {
                if (fstatat(c->place.dirfd, c->place.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
                        return t->no_link_on_dir ? error_set(e, -EISDIR, "symbolic link '/%s' would replace a directory",
                                                             c->place.path)
                                                 : 0;
                int r = create(t, c, create_symlink, "make symbolic link", e);
                if (r < 0)
                        return r;
        }
        int r = attr_apply_name(c->place.dirfd, c->place.name, c->entry, c->place.setgid);
        return r < 0 ? fail(r, "set the attributes of", c->place.path, e) : 0;
}

static int write_fifo(Tree *t, struct archive *a, Creation *c, Md5 *md5, Error *e)
{
        int r = create(t, c, create_fifo, "make fifo", e);

        if (r >= 0) {
                r = attr_apply_name(c->place.dirfd, c->place.name, c->entry, c->place.setgid);
                if (r < 0)
                        return fail(r, "set the attributes of", c->place.path, e);
        }
        return r;
}

/* The machine's /dev is made when it starts; what an image has there is left out. The kernel would refuse device nodes anyhow. */
static int write_device(Tree *t, struct archive *a, Creation *c, Md5 *md5, Error *e)
{
        if (!t->package && strncmp(c->place.path, "dev/", 4) == 0)
                return 0;
        return error_set(e, -EBADMSG, "device node '/%s' is refused", c->place.path);
}

/* Directories that exist: an image's entry sets their attributes. Packages come in any order, from several workers, and
 * many list the same directory; so that the result does not depend on the order, one that is special (owner or mode)
 * wins over the plain ones. The top is always as the last package has it, because it was there before the first. */
static bool directory_wins(const Tree *t, const Creation *c)
{
        return !t->package || !*c->place.path || attr_is_special_directory(c->entry);
}

static int write_directory(Tree *t, struct archive *a, Creation *c, Md5 *md5, Error *e)
{
        const Place *p = &c->place;
        mode_t mode = archive_entry_perm(c->entry) & 0777;
        bool made = *p->path && mkdirat(p->dirfd, p->name, mode) == 0;
        struct stat st;

        if (!made && *p->path && errno != EEXIST)
                return fail(-errno, "make directory", p->path, e);
        if (!made && (fstatat(p->dirfd, p->name, &st, 0) < 0 || !S_ISDIR(st.st_mode)))
                return error_set(e, -ENOTDIR, "directory '/%s' would replace something that is not a directory", p->path);

        if (!t->package && archive_entry_mtime_is_set(c->entry)) {
                TreeTime *when = vec_push(&t->times);
                *when = (TreeTime){xstrdup(p->path), {archive_entry_mtime(c->entry), archive_entry_mtime_nsec(c->entry)}};
        }
        if (!made && !directory_wins(t, c))
                return 0;
        int r = attr_apply_directory(p->dirfd, p->name, c->entry, made && !p->setgid);
        return r < 0 ? fail(r, "set the attributes of", p->path, e) : 0;
}

typedef int (*WriteFunc)(Tree *t, struct archive *a, Creation *c, Md5 *md5, Error *e);

static WriteFunc writer_of(struct archive_entry *entry)
{
        if (archive_entry_hardlink(entry))
                return write_hardlink;
        switch (archive_entry_filetype(entry)) {
        case AE_IFREG:
                return write_file;
        case AE_IFDIR:
                return write_directory;
        case AE_IFLNK:
                return write_symlink;
        case AE_IFIFO:
                return write_fifo;
        case AE_IFCHR:
        case AE_IFBLK:
                return write_device;
        default:
                return NULL;
        }
}

int tree_write_entry(Tree *t, struct archive *a, struct archive_entry *entry, const char *path, Md5 *md5, Error *e)
{
        Creation c = {.entry = entry, .root = t->root, .fd = -1};
        WriteFunc write = writer_of(entry);

        if (!write)
                return error_set(e, -EBADMSG, "entry '/%s' is of an unknown type", path);
        if (!*path && write != write_directory)
                return error_set(e, -EBADMSG, "the archive's top is not a directory");
        if (t->package && strchr(path, '\n'))
                return error_set(e, -EBADMSG, "entry '/%s' has a newline in its name", path);

        if (!attr_owner_is_valid(entry))
                return error_set(e, -EBADMSG, "entry '/%s' has owner %lld:%lld, beyond the 65536 IDs of a tree", path,
                                 (long long)archive_entry_uid(entry), (long long)archive_entry_gid(entry));

        if (t->stale)
                forget_dirs(t);
        t->stale = false;
        int r = find_place(t, path, &c.place, e);
        return r < 0 ? r : write(t, a, &c, md5, e);
}

int tree_finish(Tree *t, Error *e)
{
        for (size_t i = t->times.n; i-- > 0;) {
                const TreeTime *d = &t->times.items[i];
                struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, d->mtime};

                /* A directory may be gone: a later entry of the image may have been a link in its place. */
                if (utimensat(t->root, *d->path ? d->path : ".", times, 0) < 0 && errno != ENOENT && errno != ENOTDIR)
                        return fail(-errno, "set the time of", d->path, e);
        }
        return 0;
}

void tree_done(Tree *t)
{
        forget_dirs(t);
        for (size_t i = 0; i < t->times.n; i++)
                free(t->times.items[i].path);
        free(t->times.items);
        t->times.items = NULL;
        t->times.n = 0;
}
