/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/unpack-image.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "transfer/gpkg.h"
#include "transfer/reader.h"
#include "transfer/xpak.h"

static int add_metadata(UnpackReport *report, const char *name, const char *data, size_t len, Error *e)
{
        UnpackFile f = {.name = (char *)name, .data = (char *)data, .len = len, .mode = 0644};

        if (!*name || strchr(name, '/') ||
            name[0] == '.') /* Portage leaves out what would not be in the package's directory, too */
                return 0;
        if (report->n_control >= UNPACK_CONTROL_FILES_MAX || unpack_report_control(report, &f) < 0)
                return error_set(e, -E2BIG, "its metadata are too many or too large");
        return 0;
}

static int read_segment(UnpackReport *report, const char *segment, size_t size, Error *e)
{
        XpakMember m;
        size_t at = 0;
        int r;

        while ((r = xpak_next(segment, size, &at, &m, e)) > 0) {
                if (memchr(m.name, '\0', m.name_len))
                        return error_set(e, -EBADMSG, "one of its metadata has a name that cannot be read");
                _cleanup_free_ char *name = xstrndup(m.name, MIN(m.name_len, 256U));
                r = add_metadata(report, name, m.data, m.len, e);
                if (r < 0)
                        return r;
        }
        return r;
}

int image_read_xpak(int fd, UnpackReport *report, uint64_t *ret_size, Error *e)
{
        char tail[XPAK_TAIL_SIZE];
        struct stat st;
        uint64_t offset;
        size_t size;

        if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(tail) ||
            pread(fd, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail)) != (ssize_t)sizeof(tail))
                return error_set(e, -EBADMSG, "it is too short to be a Gentoo binary package");
        int r = xpak_find_segment(tail, (uint64_t)st.st_size, &offset, &size, e);
        if (r < 0)
                return r;
        _cleanup_free_ char *segment = malloc(size);
        if (!segment)
                return error_set(e, -ENOMEM, "out of memory");
        if (pread(fd, segment, size, (off_t)offset) != (ssize_t)size)
                return error_set(e, -EIO, "cannot read its metadata");
        *ret_size = offset;
        return read_segment(report, segment, size, e);
}

int image_strip(struct archive_entry *entry, const char *directory, const char **ret, Error *e)
{
        const char *name = reader_entry_name(entry);

        while (name[0] == '.' && name[1] == '/')
                name += 2;
        const char *rest = str_startswith(name, directory);
        if (!rest || (*rest && *rest != '/'))
                return error_set(e, -EBADMSG, "its entry '%s' is not below '%s/'", name, directory);
        while (*rest == '/')
                rest++;
        *ret = *rest ? rest : NULL;
        return 0;
}

static int read_metadata(UnpackReport *report, int fd, const GpkgMember *m, Error *e)
{
        _cleanup_reader_ Reader in = {};
        struct archive_entry *entry;
        const char *name;
        int r = reader_open(&in, READER_TAR, fd, m->offset, m->size, e);

        while (r >= 0 && (r = reader_next(&in, &entry, e)) > 0) {
                la_int64_t size = archive_entry_size(entry);
                r = image_strip(entry, "metadata", &name, e);
                if (r < 0 || !name || archive_entry_filetype(entry) != AE_IFREG)
                        continue;
                if (size < 0 || (uint64_t)size > UNPACK_CONTROL_MAX - report->control.len)
                        return error_set(e, -E2BIG, "its metadata are too large");
                _cleanup_free_ char *data = malloc((size_t)size + 1);
                if (!data)
                        return error_set(e, -ENOMEM, "out of memory");
                la_ssize_t n = archive_read_data(in.archive, data, (size_t)size);
                if (n < 0)
                        return reader_fail(&in, e);
                r = add_metadata(report, name, data, (size_t)n, e);
        }
        return r;
}

int image_read_gpkg(int fd, UnpackReport *report, uint64_t *ret_offset, uint64_t *ret_size, Error *e)
{
        GpkgScan scan;
        int r = gpkg_scan_fd(fd, &scan, e);

        if (r < 0)
                return r;
        const GpkgMember *image = gpkg_find_archive(&scan, "image.tar");
        *ret_offset = image->offset;
        *ret_size = image->size;
        return read_metadata(report, fd, gpkg_find_archive(&scan, "metadata.tar"), e);
}
