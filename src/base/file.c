/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"

int file_read_fd(int fd, size_t limit, char **ret, size_t *ret_len)
{
        _cleanup_free_ char *data = NULL;
        size_t cap = 0, len = 0;

        for (;;) {
                cap = MIN(cap ? cap * 4 : (size_t)4096, limit + 1); /* one more than the limit shows that it was passed */
                char *grown = realloc(data, cap + 1);
                if (!grown)
                        return -ENOMEM;
                data = grown;
                ssize_t n = fd_read_full(fd, data + len, cap - len);
                if (n < 0)
                        return (int)n;
                len += (size_t)n;
                if (len > limit)
                        return -E2BIG;
                if (len < cap)
                        break;
        }
        data[len] = '\0';
        *ret = TAKE_PTR(data);
        if (ret_len)
                *ret_len = len;
        return 0;
}

int file_read_at(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_len)
{
        _cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return -errno;
        return file_read_fd(fd, limit, ret, ret_len);
}

int file_write_at(int dirfd, const char *path, const char *data, mode_t mode)
{
        int create = mode ? O_CREAT : 0; /* O_CREAT would turn a missing file of /proc into EACCES */
        _cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY | create, mode);

        if (fd < 0)
                return -errno;
        return fd_write_all(fd, data, strlen(data));
}

/* The directory part with its slash, ".#", the name as far as it fits, and 64 random bits. */
static char *temporary_name(const char *path)
{
        const char *name = path_basename(path);
        uint8_t random[8];
        char hex[2 * sizeof(random) + 1];

        hash_random(random, sizeof(random));
        hash_hex(random, sizeof(random), hex);
        return xasprintf("%.*s.#%.200s%s", (int)(name - path), path, name, hex);
}

static int sync_parent(int dirfd, const char *path)
{
        _cleanup_free_ char *dir = path_dirname(path);
        _cleanup_close_ int fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_new(int dirfd, const char *path, const void *data, size_t len, mode_t mode, bool sync)
{
        _cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

        if (fd < 0)
                return -errno;
        int r = fd_write_all(fd, data, len);
        if (r < 0)
                return r;
        if (fchmod(fd, mode) < 0 || (sync && fsync(fd) < 0)) /* fchmod: the umask took bits away */
                return -errno;
        return 0;
}

int file_write_atomic_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode, bool sync)
{
        _cleanup_free_ char *temporary = temporary_name(path);
        int r = write_new(dirfd, temporary, data, len, mode, sync);

        if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
                r = -errno;
        if (r < 0) {
                if (r != -EEXIST)
                        (void)unlinkat(dirfd, temporary, 0); /* the first failure is what is reported */
                return r;
        }
        return sync ? sync_parent(dirfd, path) : 0;
}

static int is_directory(int dirfd, const char *path)
{
        struct stat st;

        if (fstatat(dirfd, path, &st, 0) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_mkdir_p_at(int dirfd, const char *path, mode_t mode)
{
        if (mkdirat(dirfd, path, mode) == 0)
                return 0;
        if (errno == EEXIST)
                return is_directory(dirfd, path);
        if (errno != ENOENT || !*path)
                return -errno;

        _cleanup_free_ char *prefix = xstrdup(path);
        for (char *p = prefix + strspn(prefix, "/"); *p;) {
                p += strcspn(p, "/");
                char saved = *p;
                *p = '\0';
                if (mkdirat(dirfd, prefix, mode) < 0 && errno != EEXIST)
                        return -errno;
                *p = saved;
                p += strspn(p, "/");
        }
        return is_directory(dirfd, path);
}

int file_mkdir_p(const char *path, mode_t mode)
{
        return file_mkdir_p_at(AT_FDCWD, path, mode);
}

int file_dir_is_empty_at(int dirfd, const char *name)
{
        _cleanup_closedir_ DIR *dir = NULL;
        int r = fd_opendir(dirfd, name, &dir);

        if (r < 0)
                return r;
        for (;;) {
                errno = 0;
                const struct dirent *d = readdir(dir);
                if (!d)
                        return errno ? -errno : 1;
                if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
                        return 0;
        }
}
