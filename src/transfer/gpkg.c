/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/gpkg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define NAME_AT     0U
#define NAME_SIZE   100U
#define SIZE_AT     124U
#define SIZE_SIZE   12U
#define SUM_AT      148U
#define SUM_SIZE    8U
#define TYPE_AT     156U
#define MAGIC_AT    257U
#define PREFIX_AT   345U
#define PREFIX_SIZE 155U

void gpkg_scan_init(GpkgScan *s, uint64_t file_size)
{
        *s = (GpkgScan){.file_size = file_size};
}

/* ---- tar headers (POSIX.1-1988, ustar) ---- */

static int parse_octal(const char *p, size_t width, uint64_t *ret)
{
        uint64_t v = 0;
        size_t i = 0;

        while (i < width && p[i] == ' ')
                i++;
        size_t first = i;
        for (; i < width && p[i] >= '0' && p[i] <= '7'; i++)
                v = v * 8 + (uint64_t)(p[i] - '0');
        if (i == first || (i < width && p[i] != '\0' && p[i] != ' '))
                return -EINVAL;
        *ret = v;
        return 0;
}

/* GNU's way to write more than 8 GiB: the first bit set, then a big endian number. */
static int parse_size(const char *p, uint64_t *ret)
{
        if (!((unsigned char)p[0] & 0x80))
                return parse_octal(p, SIZE_SIZE, ret);
        uint64_t v = 0;
        for (size_t i = 1; i < SIZE_SIZE; i++) {
                if (v >> 55)
                        return -ERANGE;
                v = v << 8 | (unsigned char)p[i];
        }
        *ret = v;
        return (unsigned char)p[0] == 0x80 ? 0 : -ERANGE;
}

static bool checksum_is_right(const char *block)
{
        uint64_t stored, sum = 0;

        for (size_t i = 0; i < GPKG_BLOCK; i++)
                sum += i >= SUM_AT && i < SUM_AT + SUM_SIZE ? ' ' : (unsigned char)block[i];
        return parse_octal(block + SUM_AT, SUM_SIZE, &stored) == 0 && stored == sum;
}

static bool is_zero(const char *block)
{
        for (size_t i = 0; i < GPKG_BLOCK; i++)
                if (block[i])
                        return false;
        return true;
}

/* "DIR/NAME", from both fields of a header. */
static int copy_path(const char *block, char ret[static NAME_SIZE + PREFIX_SIZE + 2])
{
        size_t prefix = memcmp(block + MAGIC_AT, "ustar\0", 6) == 0 ? strnlen(block + PREFIX_AT, PREFIX_SIZE) : 0;
        int n = snprintf(ret, NAME_SIZE + PREFIX_SIZE + 2, "%.*s%s%.*s", (int)prefix, block + PREFIX_AT, prefix ? "/" : "",
                         (int)strnlen(block + NAME_AT, NAME_SIZE), block + NAME_AT);
        return n > 0 ? 0 : -EINVAL;
}

/* ---- members ---- */

static int take_name(GpkgScan *s, const char *path, GpkgMember *m, Error *e)
{
        const char *slash = strchr(path, '/');

        if (!slash || slash == path || !slash[1] || strchr(slash + 1, '/'))
                return error_set(e, -EBADMSG, "member '%s' is not in the package's one directory", path);
        size_t n = (size_t)(slash - path);
        if (n >= sizeof(s->directory) || strlen(slash + 1) >= sizeof(m->name))
                return error_set(e, -EBADMSG, "the name of member '%s' is too long", path);
        if (s->n == 0) {
                memcpy(s->directory, path, n);
                s->directory[n] = '\0';
        } else if (strlen(s->directory) != n || memcmp(s->directory, path, n) != 0)
                return error_set(e, -EBADMSG, "member '%s' is not in directory '%s' as the others are", path, s->directory);
        strcpy(m->name, slash + 1);
        if (gpkg_find(s, m->name))
                return error_set(e, -EBADMSG, "member '%s' is there twice", m->name);
        return 0;
}

int gpkg_scan_give(GpkgScan *s, const char *block, size_t len, Error *e)
{
        char path[NAME_SIZE + PREFIX_SIZE + 2];
        GpkgMember m = {.offset = s->pos + GPKG_BLOCK};

        if (len == 0 && s->n > 0) { /* tar's end mark is missing, which readers bear */
                s->done = true;
                return 0;
        }
        if (len < GPKG_BLOCK)
                return error_set(e, -EBADMSG, "it is truncated or damaged: it ends at byte %llu",
                                 (unsigned long long)s->pos + len);
        if (is_zero(block)) {
                s->done = true;
                return 0;
        }
        if (!checksum_is_right(block) || parse_size(block + SIZE_AT, &m.size) < 0 || copy_path(block, path) < 0)
                return error_set(e, -EBADMSG,
                                 s->n == 0 ? "it is no tar archive" : "it is truncated or damaged: a member's header is broken");
        if (block[TYPE_AT] != '0' && block[TYPE_AT] != '\0')
                return error_set(e, -EBADMSG, "member '%s' is no plain file", path);
        if (m.size > s->file_size || m.offset > s->file_size - m.size)
                return error_set(e, -EBADMSG, "it is truncated or damaged: member '%s' goes beyond the end of the file", path);
        if (s->n == GPKG_MEMBERS_MAX)
                return error_set(e, -EBADMSG, "it has more than %u members", GPKG_MEMBERS_MAX);
        int k = take_name(s, path, &m, e);
        if (k < 0)
                return k;
        s->members[s->n++] = m;
        s->pos = m.offset + (m.size + GPKG_BLOCK - 1) / GPKG_BLOCK * GPKG_BLOCK;
        return 0;
}

const GpkgMember *gpkg_find(const GpkgScan *s, const char *name)
{
        for (unsigned i = 0; i < s->n; i++)
                if (str_eq(s->members[i].name, name))
                        return &s->members[i];
        return NULL;
}

const GpkgMember *gpkg_find_archive(const GpkgScan *s, const char *stem)
{
        static const char *const suffixes[] = {"", ".gz", ".bz2", ".lz4", ".lz", ".lzo", ".xz", ".zst"};
        const GpkgMember *found = NULL;

        for (unsigned i = 0; i < s->n && !found; i++) {
                const char *rest = str_startswith(s->members[i].name, stem);
                for (size_t k = 0; rest && k < ELEMENTSOF(suffixes); k++)
                        if (str_eq(rest, suffixes[k]))
                                found = &s->members[i];
        }
        return found;
}

int gpkg_scan_fd(int fd, GpkgScan *ret, Error *e)
{
        static const char *const needed[] = {"gpkg-1", "Manifest"};
        char block[GPKG_BLOCK];
        struct stat st;
        GpkgScan s;

        if (fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot examine it");
        gpkg_scan_init(&s, st.st_size > 0 ? (uint64_t)st.st_size : 0);
        while (!s.done) {
                ssize_t n = pread(fd, block, sizeof(block), (off_t)s.pos);
                if (n < 0)
                        return error_sys(e, -errno, "cannot read it");
                int k = gpkg_scan_give(&s, block, (size_t)n, e);
                if (k < 0)
                        return k;
        }
        for (size_t i = 0; i < ELEMENTSOF(needed); i++)
                if (!gpkg_find(&s, needed[i]))
                        return error_set(e, -EBADMSG, "it has no member '%s', as a Gentoo binary package has in GPKG format",
                                         needed[i]);
        if (!gpkg_find_archive(&s, "metadata.tar") || !gpkg_find_archive(&s, "image.tar"))
                return error_set(e, -EBADMSG, "it has no member '%s'",
                                 gpkg_find_archive(&s, "image.tar") ? "metadata.tar" : "image.tar");
        *ret = s;
        return 0;
}
