/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/chown-tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

#define LOW_BITS    0xffffU
#define BUSY_BASE   UINT32_C(0xfffe0000)
#define ACL_SIZE    (64 * 1024)
#define ACL_VERSION 2
#define ACL_USER    0x02
#define ACL_GROUP   0x08

typedef struct AclEntry { /* posix_acl_xattr_entry of the kernel, little endian */
        uint16_t tag, perm;
        uint32_t id;
} AclEntry;

static uint32_t shifted(uint32_t id, uint32_t base)
{
        return base | (id & LOW_BITS);
}

static uint32_t le32(uint32_t v)
{
        return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap32(v);
}
static uint16_t le16(uint16_t v)
{
        return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap16(v);
}

/* Users and groups that an access control list names. */
static int shift_acl(const char *path, const char *name, uint32_t base)
{
        _cleanup_free_ char *acl = xmalloc(ACL_SIZE);
        ssize_t n = getxattr(path, name, acl, ACL_SIZE);
        uint32_t version;
        bool changed = false;

        if (n < 0)
                return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
        if ((size_t)n < sizeof(version))
                return 0;
        memcpy(&version, acl, sizeof(version));
        if (le32(version) != ACL_VERSION)
                return -EBADMSG;
        for (size_t at = sizeof(version); at + sizeof(AclEntry) <= (size_t)n; at += sizeof(AclEntry)) {
                AclEntry entry;
                memcpy(&entry, acl + at, sizeof(entry));
                if (le16(entry.tag) != ACL_USER && le16(entry.tag) != ACL_GROUP)
                        continue;
                entry.id = le32(shifted(le32(entry.id), base));
                memcpy(acl + at, &entry, sizeof(entry));
                changed = true;
        }
        return changed && setxattr(path, name, acl, (size_t)n, 0) < 0 ? -errno : 0;
}

/* File capabilities, which a change of owner takes away; they are those of the range's root then. */
static int restore_capability(const char *path, const struct vfs_ns_cap_data *old, ssize_t n, uint32_t base)
{
        struct vfs_ns_cap_data caps = *old;

        if (n < (ssize_t)XATTR_CAPS_SZ_2)
                return 0;
        caps.magic_etc = le32((le32(caps.magic_etc) & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_3);
        caps.rootid = le32(base);
        return setxattr(path, "security.capability", &caps, XATTR_CAPS_SZ_3, 0) < 0 && errno != EOPNOTSUPP ? -errno : 0;
}

/* fd is an O_PATH descriptor. */
static int shift_node(int fd, const struct stat *st, uint32_t base, uint32_t mark)
{
        struct vfs_ns_cap_data caps = {0};
        FdPath path = fd_path(fd);
        bool link = S_ISLNK(st->st_mode);
        ssize_t n = S_ISREG(st->st_mode) ? getxattr(path.s, "security.capability", &caps, sizeof(caps)) : -1;

        if (fchownat(fd, "", shifted(st->st_uid, mark), shifted(st->st_gid, mark), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (link)
                return 0;
        if (chmod(path.s, st->st_mode & 07777) < 0) /* a change of owner takes set-ID bits away */
                return -errno;
        int r = restore_capability(path.s, &caps, n, base);
        if (r >= 0)
                r = shift_acl(path.s, "system.posix_acl_access", base);
        if (r >= 0 && S_ISDIR(st->st_mode))
                r = shift_acl(path.s, "system.posix_acl_default", base);
        return r;
}

typedef struct Walk {
        DIR **items;
        size_t n;
        uint32_t base;
        dev_t dev;
} Walk;

static int walk_push(Walk *w, int fd)
{
        int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = own < 0 ? NULL : fdopendir(own);

        if (!dir) {
                int r = -errno;
                fd_close(own);
                return r;
        }
        *vec_push(w) = dir;
        return 0;
}

static int walk_entry(Walk *w, const char *name)
{
        _cleanup_close_ int fd = openat(dirfd(w->items[w->n - 1]), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (st.st_dev != w->dev) /* another file system is not the image's */
                return 0;
        int r = shift_node(fd, &st, w->base, w->base);
        return r >= 0 && S_ISDIR(st.st_mode) ? walk_push(w, fd) : r;
}

static int walk(Walk *w)
{
        while (w->n > 0) {
                errno = 0;
                const struct dirent *d = readdir(w->items[w->n - 1]);
                if (!d) {
                        if (errno != 0)
                                return -errno;
                        closedir(w->items[--w->n]);
                        continue;
                }
                int r = str_eq(d->d_name, ".") || str_eq(d->d_name, "..") ? 0 : walk_entry(w, d->d_name);
                if (r < 0)
                        return r;
        }
        return 0;
}

int sys_chown_tree(const char *path, uint32_t base, Error *e)
{
        _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot open '%s'", path);
        Walk w = {.base = base, .dev = st.st_dev};
        int r = shift_node(fd, &st, base, BUSY_BASE);
        if (r == -EINVAL)
                return error_set(e, r,
                                 "the file system of '%s' knows no user IDs as large as are needed here; use --private-users=no",
                                 path);
        if (r >= 0)
                r = walk_push(&w, fd);
        if (r >= 0)
                r = walk(&w);
        while (w.n > 0)
                closedir(w.items[--w.n]);
        free(w.items);
        if (r >= 0 && fchownat(fd, "", shifted(st.st_uid, base), shifted(st.st_gid, base), AT_EMPTY_PATH) < 0)
                r = -errno;
        if (r >= 0 && chmod(fd_path(fd).s, st.st_mode & 07777) < 0)
                r = -errno;
        return r < 0 ? error_sys(e, r, "cannot change the owners of the files below '%s'", path) : 0;
}
