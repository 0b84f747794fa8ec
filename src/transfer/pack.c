/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/open.h"
#include "transfer/pack-entry.h"
#include "transfer/sparse.h"
#include "transfer/transfer.h"

/* Trees into tar, in pax interchange format: what tar(1), bsdtar(1) and libarchive read with all attributes. */

#define BUFFER_SIZE    (256 * 1024)
#define PROGRESS_EVERY 256 /* entries */

typedef struct Pack {
        const PackOptions *o;
        struct archive *out;
        struct archive *disk; /* reads attributes */
        struct archive_entry_linkresolver *links;
        uint8_t *buf;
        uint64_t bytes, entries, sockets;
        Buf path; /* of the entry at hand, relative, "" for the top */
} Pack;

static void pack_done(Pack *p)
{
        if (p->links)
                archive_entry_linkresolver_free(p->links);
        if (p->disk)
                archive_read_free(p->disk);
        if (p->out)
                archive_write_free(p->out);
        free(p->buf);
        buf_done(&p->path);
}

static const char *here(const Pack *p)
{
        return p->path.len ? p->path.data : ".";
}

static int fail(const Pack *p, int code, const char *what, Error *e)
{
        return error_sys(e, code, "cannot %s '/%s'", what, p->path.len ? p->path.data : "");
}

static int fail_out(const Pack *p, Error *e)
{
        int code = archive_errno(p->out);

        if (code == ENOSPC || code == EDQUOT)
                return error_set(e, -code, "no space left on the file system of the archive");
        if (code == EPIPE)
                return error_set(e, -EPIPE, "nobody reads the archive any more");
        return error_set(e, code > 0 ? -code : -EIO, "cannot write the archive: %s", archive_error_string(p->out));
}

/* ---- compression ---- */

static const struct {
        const char *name, *suffixes[3];
        int (*add)(struct archive *);
        const char *threads; /* the filter whose option "threads" there is */
} compressions[_PACK_COMPRESSION_MAX] = {
                [PACK_UNCOMPRESSED] = {"uncompressed", {".tar"}, archive_write_add_filter_none, NULL},
                [PACK_XZ] = {"xz", {".xz", ".txz"}, archive_write_add_filter_xz, "xz"},
                [PACK_GZIP] = {"gzip", {".gz", ".tgz"}, archive_write_add_filter_gzip, NULL},
                [PACK_BZIP2] = {"bzip2", {".bz2", ".tbz2"}, archive_write_add_filter_bzip2, NULL},
                [PACK_ZSTD] = {"zstd", {".zst", ".tzst"}, archive_write_add_filter_zstd, "zstd"},
};

int pack_compression_from_name(const char *name, PackCompression *ret, Error *e)
{
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(compressions); i++) {
                if (str_eq(compressions[i].name, name)) {
                        *ret = (PackCompression)i;
                        return 0;
                }
                strv_push(&names, compressions[i].name);
        }
        _cleanup_free_ char *list = strv_join(names, ", ");
        return error_set(e, -EINVAL, "there is no format '%s'; there are %s", name, list);
}

PackCompression pack_compression_of(const char *file)
{
        for (size_t i = 0; i < ELEMENTSOF(compressions); i++)
                for (size_t k = 0; k < ELEMENTSOF(compressions[i].suffixes) && compressions[i].suffixes[k]; k++)
                        if (str_endswith(file, compressions[i].suffixes[k]))
                                return (PackCompression)i;
        return PACK_UNCOMPRESSED;
}

static int open_out(Pack *p, int (*set_format)(struct archive *), Error *e)
{
        char threads[24];

        p->out = archive_write_new();
        if (!p->out || set_format(p->out) != ARCHIVE_OK)
                return error_set(e, -ENOMEM, "out of memory");
        /* libarchive's own spelling of attributes, besides, makes GNU tar complain; an older one has no such option. */
        (void)archive_write_set_format_option(p->out, "pax", "xattrheader", "SCHILY");
        if (compressions[p->o->compression].add(p->out) != ARCHIVE_OK) /* else it would run a program */
                return error_set(e, -EOPNOTSUPP, "libarchive here is built without %s; choose another --format",
                                 compressions[p->o->compression].name);
        snprintf(threads, sizeof(threads), "%ld", MAX(sysconf(_SC_NPROCESSORS_ONLN), 1));
        if (compressions[p->o->compression].threads) /* an older one has no such option, and one thread */
                (void)archive_write_set_filter_option(p->out, compressions[p->o->compression].threads, "threads", threads);
        if (set_format == archive_write_set_format_raw)
                (void)archive_write_set_bytes_in_last_block(p->out, 1); /* else a pipe would get zeros behind the end */
        return archive_write_open_fd(p->out, p->o->out_fd) == ARCHIVE_OK ? 0 : fail_out(p, e);
}

/* ---- one entry ---- */

static int write_zeros(Pack *p, uint64_t n, Error *e)
{
        memset(p->buf, 0, BUFFER_SIZE);
        while (n > 0) {
                size_t step = n < BUFFER_SIZE ? (size_t)n : BUFFER_SIZE;
                if (archive_write_data(p->out, p->buf, step) < 0)
                        return fail_out(p, e);
                n -= step;
        }
        return 0;
}

/* As many bytes as the header says, also of a file that was cut meanwhile. Holes are not read. */
static int write_data(Pack *p, int fd, uint64_t size, Error *e)
{
        uint64_t pos = 0;

        while (pos < size) {
                off_t data = lseek(fd, (off_t)pos, SEEK_DATA);
                uint64_t next = data < 0 ? (errno == ENXIO ? size : pos) : MIN((uint64_t)data, size);
                int r = write_zeros(p, next - pos, e);
                if (r < 0)
                        return r;
                pos = next;
                off_t hole = pos < size ? lseek(fd, (off_t)pos, SEEK_HOLE) : -1;
                uint64_t end = hole < 0 ? size : MIN((uint64_t)hole, size);
                while (pos < end) {
                        ssize_t n = pread(fd, p->buf, MIN(end - pos, (uint64_t)BUFFER_SIZE), (off_t)pos);
                        if (n < 0)
                                return fail(p, -errno, "read", e);
                        if (n == 0)
                                return write_zeros(p, size - pos, e);
                        if (archive_write_data(p->out, p->buf, (size_t)n) < 0)
                                return fail_out(p, e);
                        pos += (uint64_t)n;
                        p->bytes += (uint64_t)n;
                }
        }
        return 0;
}

static int write_entry(Pack *p, struct archive_entry *entry, int fd, Error *e)
{
        int r = archive_write_header(p->out, entry);

        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
                return fail_out(p, e);
        bool has_data = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);
        r = has_data ? write_data(p, fd, (uint64_t)archive_entry_size(entry), e) : 0;
        if (r >= 0 && archive_write_finish_entry(p->out) < ARCHIVE_WARN)
                return fail_out(p, e);
        return r;
}

static bool is_packed(Pack *p, const struct stat *st)
{
        if (S_ISSOCK(st->st_mode)) {
                p->sockets++; /* no tar has a place for them; who listens makes them anew */
                return false;
        }
        return !(S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0)); /* a whiteout without a layer below */
}

static bool is_wanted(const Pack *p, const struct stat *st)
{
        return !p->o->wants || p->o->wants(p->o->ctx, p->path.data, st);
}

static int pack_leaf(Pack *p, const struct stat *st, Error *e)
{
        _cleanup_close_ int fd =
                        S_ISREG(st->st_mode) ? sys_open_in_root(p->o->root_dirfd, here(p), O_RDONLY | O_NOFOLLOW, 0) : -1;
        struct archive_entry *entry = archive_entry_new(), *spare = NULL;

        if (S_ISREG(st->st_mode) && fd < 0) {
                archive_entry_free(entry);
                return fail(p, fd, "read", e);
        }
        int r = pack_entry_fill(entry, &(PackSource){p->disk, p->o->root_dirfd, p->path.data, fd, st});
        if (r < 0)
                r = fail(p, r, "read the attributes of", e);
        else {
                archive_entry_linkify(p->links, &entry, &spare); /* never keeps an entry back in tar's strategy */
                pack_entry_finish(entry);
                r = write_entry(p, entry, fd, e);
        }
        archive_entry_free(entry);
        archive_entry_free(spare);
        return r;
}

static int pack_directory_itself(Pack *p, int fd, Error *e)
{
        struct stat st;
        int r = fstat(fd, &st) < 0 ? -errno : 0;

        if (r == 0 && !is_wanted(p, &st))
                return 0;
        struct archive_entry *entry = archive_entry_new();
        if (r == 0)
                r = pack_entry_fill(entry, &(PackSource){p->disk, p->o->root_dirfd, here(p), fd, &st});
        if (r == 0)
                pack_entry_finish(entry);
        r = r < 0 ? fail(p, r, "read the attributes of", e) : write_entry(p, entry, -1, e);
        archive_entry_free(entry);
        return r;
}

/* ---- the walk ---- */

static int names_of(int fd, char ***ret)
{
        _cleanup_closedir_ DIR *dir = NULL;
        int r = fd_opendir(fd, ".", &dir);

        if (r < 0)
                return r;
        for (;;) {
                errno = 0;
                const struct dirent *d = readdir(dir);
                if (!d) {
                        strv_sort(*ret);
                        return -errno;
                }
                if (!str_eq(d->d_name, ".") && !str_eq(d->d_name, ".."))
                        strv_push(ret, d->d_name);
        }
}

static int pack_directory(Pack *p, Error *e);

static int pack_child(Pack *p, const char *name, Error *e)
{
        size_t len = p->path.len;
        struct stat st;
        int r = 0;

        if (len + strlen(name) + 2 > PATH_MAX)
                return error_set(e, -ENAMETOOLONG, "'/%.64s…' has paths longer than %d bytes, which no tar reader takes", here(p),
                                 PATH_MAX);
        buf_addf(&p->path, len ? "/%s" : "%s", name);
        if (fstatat(p->o->root_dirfd, here(p), &st, AT_SYMLINK_NOFOLLOW) < 0)
                return fail(p, -errno, "read", e);
        if (++p->entries % PROGRESS_EVERY == 0)
                events_progress(p->o->events, p->bytes, p->o->total);
        if (S_ISDIR(st.st_mode))
                r = pack_directory(p, e);
        else if (is_packed(p, &st) && is_wanted(p, &st))
                r = pack_leaf(p, &st, e);
        p->path.len = len;
        p->path.data[len] = '\0';
        return r;
}

/* Names in order, so that the same tree gives the same archive. No descriptor stays open while its children are packed: trees
 * may be deeper than descriptors are many. */
static int pack_directory(Pack *p, Error *e)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_close_ int fd = sys_open_in_root(p->o->root_dirfd, here(p), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        int r = fd < 0 ? fd : names_of(fd, &names);

        if (r < 0)
                return fail(p, r, "read", e);
        r = pack_directory_itself(p, fd, e);
        fd = fd_close(fd);
        STRV_FOREACH (name, names) {
                if (r < 0)
                        break;
                r = pack_child(p, *name, e);
        }
        return r;
}

/* Names are UTF-8 to libarchive, as pax has them, whatever the caller's locale; what is not is marked as bytes. */
typedef struct Names {
        locale_t own, before;
} Names;

static Names names_as_utf8(void)
{
        Names n = {.own = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0)};

        if (n.own != (locale_t)0)
                n.before = uselocale(n.own);
        return n;
}

static void names_restore(Names *n)
{
        if (n->own == (locale_t)0)
                return;
        uselocale(n->before);
        freelocale(n->own);
}

int pack_tar(const PackOptions *o, Error *e)
{
        _cleanup_(names_restore) Names utf8 = names_as_utf8();
        _cleanup_(pack_done) Pack p = {.o = o, .buf = malloc(BUFFER_SIZE)};

        p.disk = archive_read_disk_new();
        p.links = archive_entry_linkresolver_new();
        (void)utf8;
        if (!p.disk || !p.links || !p.buf)
                return error_set(e, -ENOMEM, "out of memory");
        archive_entry_linkresolver_set_strategy(p.links, ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE);
        (void)archive_read_disk_set_behavior(p.disk, ARCHIVE_READDISK_NO_FFLAGS);
        buf_adds(&p.path, "");
        int r = open_out(&p, archive_write_set_format_pax, e);
        if (r >= 0)
                r = pack_directory(&p, e);
        if (r >= 0 && archive_write_close(p.out) != ARCHIVE_OK)
                r = fail_out(&p, e);
        if (r >= 0 && p.sockets > 0)
                events_note(o->events, "%llu sockets were left out, which tar has no place for", (unsigned long long)p.sockets);
        return r;
}

/* ---- a disk image ---- */

/* Into a file it goes as a file, with its holes. */
static int copy_sparse(const PackOptions *o, uint64_t size, Error *e)
{
        Sparse out = {.fd = o->out_fd};
        _cleanup_free_ uint8_t *buf = malloc(BUFFER_SIZE);
        int r = buf ? 0 : error_set(e, -ENOMEM, "out of memory");

        if (ioctl(o->out_fd, FICLONE, o->root_dirfd) == 0)
                return 0;
        while (r >= 0 && out.pos < size) {
                off_t data = lseek(o->root_dirfd, (off_t)out.pos, SEEK_DATA);
                if (data < 0 && errno == ENXIO)
                        data = (off_t)size;
                if (data > (off_t)out.pos) {
                        r = sparse_skip(&out, MIN((uint64_t)data, size) - out.pos, e);
                        continue;
                }
                ssize_t n = pread(o->root_dirfd, buf, (size_t)MIN((uint64_t)BUFFER_SIZE, size - out.pos), (off_t)out.pos);
                if (n <= 0)
                        return error_sys(e, n < 0 ? -errno : -EIO, "cannot read the image");
                r = sparse_write(&out, buf, (size_t)n, e);
                events_progress(o->events, out.pos, size);
        }
        return r < 0 ? r : sparse_finish(&out, e);
}

static int pack_image(Pack *p, uint64_t size, Error *e)
{
        int r = open_out(p, archive_write_set_format_raw, e);
        struct archive_entry *entry = archive_entry_new();

        archive_entry_set_pathname(entry, "image");
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_size(entry, (la_int64_t)size);
        if (r >= 0 && archive_write_header(p->out, entry) != ARCHIVE_OK)
                r = fail_out(p, e);
        archive_entry_free(entry);
        if (r >= 0)
                r = write_data(p, p->o->root_dirfd, size, e);
        if (r >= 0 && archive_write_close(p->out) != ARCHIVE_OK)
                r = fail_out(p, e);
        return r;
}

int pack_raw(const PackOptions *o, Error *e)
{
        _cleanup_(pack_done) Pack p = {.o = o, .buf = malloc(BUFFER_SIZE)};
        struct stat image, out;

        if (!p.buf)
                return error_set(e, -ENOMEM, "out of memory");
        if (fstat(o->root_dirfd, &image) < 0 || fstat(o->out_fd, &out) < 0)
                return error_sys(e, -errno, "cannot read the image");
        buf_adds(&p.path, "");
        if (o->compression == PACK_UNCOMPRESSED && S_ISREG(out.st_mode) && lseek(o->out_fd, 0, SEEK_CUR) == 0 && out.st_size == 0)
                return copy_sparse(o, (uint64_t)image.st_size, e);
        return pack_image(&p, (uint64_t)image.st_size, e);
}
