/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

#define BLOCK 512

typedef struct Header {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2],
                        user[32], group[32], major[8], minor[8], prefix[155], pad[12];
} Header;

_Static_assert(sizeof(Header) == BLOCK, "a tar header is one block");

static void octal(char *field, size_t size, uint64_t value)
{
        char digits[24];

        snprintf(digits, sizeof(digits), "%0*llo", (int)size - 1, (unsigned long long)value);
        memcpy(field, digits, size);
}

/* A long path is cut at a slash. */
static int put_name(Header *h, const char *path)
{
        size_t n = strlen(path);
        const char *cut = path;

        if (n > sizeof(h->name)) {
                cut = strchr(path + n - sizeof(h->name) - 1, '/');
                if (!cut || (size_t)(cut - path) > sizeof(h->prefix))
                        return -ENAMETOOLONG;
                memcpy(h->prefix, path, (size_t)(cut - path));
                cut++;
        }
        memcpy(h->name, cut, strlen(cut));
        return 0;
}

static void put_header(Tar *t, const char *path, char type, mode_t mode, uint64_t size, const char *target)
{
        Header h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
        unsigned sum = 0;

        if (put_name(&h, path) < 0 || (target && strlen(target) > sizeof(h.link))) {
                t->error = -ENAMETOOLONG;
                return;
        }
        octal(h.mode, sizeof(h.mode), mode);
        octal(h.uid, sizeof(h.uid), 0);
        octal(h.gid, sizeof(h.gid), 0);
        octal(h.size, sizeof(h.size), size);
        octal(h.mtime, sizeof(h.mtime), (uint64_t)t->mtime);
        if (target)
                memcpy(h.link, target, strlen(target));
        memset(h.checksum, ' ', sizeof(h.checksum));
        for (size_t i = 0; i < sizeof(h); i++)
                sum += ((const unsigned char *)&h)[i];
        octal(h.checksum, sizeof(h.checksum) - 1, sum);
        h.checksum[7] = ' ';
        buf_append(&t->out, &h, sizeof(h));
}

void tar_directory(Tar *t, const char *path, mode_t mode)
{
        put_header(t, path, '5', mode, 0, NULL);
}

void tar_symlink(Tar *t, const char *path, const char *target)
{
        put_header(t, path, '2', 0777, 0, target);
}

void tar_file(Tar *t, const char *path, const void *data, size_t len, mode_t mode)
{
        static const char zeros[BLOCK];

        put_header(t, path, '0', mode, len, NULL);
        if (t->error < 0)
                return;
        buf_append(&t->out, data, len);
        if (len % BLOCK > 0)
                buf_append(&t->out, zeros, BLOCK - len % BLOCK);
}

int tar_take_fd(Tar *t, Error *e)
{
        static const char end[2 * BLOCK];
        _cleanup_close_ int fd = memfd_create("berth-tar", MFD_CLOEXEC);
        int k = t->error;

        if (fd < 0)
                return error_sys(e, -errno, "cannot create a memory file");
        buf_append(&t->out, end, sizeof(end));
        if (k >= 0)
                k = fd_write_all(fd, t->out.data, t->out.len);
        if (k >= 0 && lseek(fd, 0, SEEK_SET) < 0)
                k = -errno;
        tar_done(t);
        return k < 0 ? error_sys(e, k, "cannot write an archive in memory") : TAKE_FD(fd);
}

void tar_done(Tar *t)
{
        buf_done(&t->out);
}
