/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/unpack-attr.h"

#include <archive.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"

#define ID_LIMIT 65536

static bool has_root_owner(struct archive_entry *entry)
{
        return archive_entry_uid(entry) == 0 && archive_entry_gid(entry) == 0;
}

/* -1 would mean "leave it" to chown(2). */
bool attr_owner_is_valid(struct archive_entry *entry)
{
        return archive_entry_uid(entry) >= 0 && archive_entry_uid(entry) < ID_LIMIT && archive_entry_gid(entry) >= 0 &&
               archive_entry_gid(entry) < ID_LIMIT;
}

static void entry_times(struct archive_entry *entry, struct timespec ret[static 2])
{
        ret[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
        ret[1] = archive_entry_mtime_is_set(entry)
                                 ? (struct timespec){archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)}
                                 : (struct timespec){.tv_nsec = UTIME_OMIT};
}

/* ---- ACLs: the kernel's form of them, linux/posix_acl_xattr.h ---- */

typedef struct AclTag {
        int tag;
        uint16_t kernel;
        bool named;
} AclTag;

static const AclTag acl_tags[] = {
                /* in the order that the kernel wants */
                {ARCHIVE_ENTRY_ACL_USER_OBJ, 0x01, false},  {ARCHIVE_ENTRY_ACL_USER, 0x02, true},
                {ARCHIVE_ENTRY_ACL_GROUP_OBJ, 0x04, false}, {ARCHIVE_ENTRY_ACL_GROUP, 0x08, true},
                {ARCHIVE_ENTRY_ACL_MASK, 0x10, false},      {ARCHIVE_ENTRY_ACL_OTHER, 0x20, false},
};

static void acl_append(Buf *b, const AclTag *row, int permset, uint32_t id)
{
        struct {
                uint16_t tag, perm;
                uint32_t id;
        } wire = {htole16(row->kernel), htole16((uint16_t)(permset & 7)), htole32(row->named ? id : UINT32_MAX)};

        buf_append(b, &wire, sizeof(wire));
}

/* GNU tar writes a number where star writes a name and then the number. A name alone is nobody's here: that entry is left out. */
static bool acl_id(const char *name, int id, uint32_t *ret)
{
        *ret = (uint32_t)id;
        return id >= 0 || (name && str_parse_u32(name, ret) >= 0);
}

/* Entries of one kind in the archive's order: tools write them sorted by ID, as the kernel does. */
static void acl_encode(struct archive_entry *entry, int type, Buf *ret)
{
        uint32_t version = htole32(2);

        buf_append(ret, &version, sizeof(version));
        for (size_t i = 0; i < ELEMENTSOF(acl_tags); i++) {
                int t, permset, tag, id;
                const char *name;
                uint32_t number;

                archive_entry_acl_reset(entry, type);
                while (archive_entry_acl_next(entry, type, &t, &permset, &tag, &id, &name) == ARCHIVE_OK)
                        if (tag == acl_tags[i].tag && (acl_id(name, id, &number) || !acl_tags[i].named))
                                acl_append(ret, &acl_tags[i], permset, number);
        }
}

static int apply_acl(int fd, struct archive_entry *entry, int type, const char *xattr)
{
        __attribute__((cleanup(buf_done))) Buf b = {0};

        /* Three or fewer of the access kind say no more than the mode. */
        int n = archive_entry_acl_count(entry, type);
        if (n == 0 || (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && n <= 3))
                return 0;
        acl_encode(entry, type, &b);
        return fsetxattr(fd, xattr, b.data, b.len, 0) < 0 && errno != EOPNOTSUPP ? -errno : 0;
}

/* ---- extended attributes ---- */

/* File capabilities and what users set. Left out: trusted.* and the labels of security modules, which belong to the host
 * that packed them. */
static bool xattr_is_wanted(const char *name)
{
        return str_eq(name, "security.capability") || str_startswith(name, "user.");
}

static int apply_xattrs(int fd, struct archive_entry *entry)
{
        const char *name;
        const void *value;
        size_t size;

        if (archive_entry_xattr_reset(entry) == 0)
                return 0;
        while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
                if (name && xattr_is_wanted(name) && fsetxattr(fd, name, value, size, 0) < 0) {
                        /* A file system without user attributes loses nothing that makes programs fail; capabilities do. */
                        if (errno != EOPNOTSUPP || str_eq(name, "security.capability"))
                                return -errno;
                }
        return 0;
}

static int apply_extras(int fd, struct archive_entry *entry)
{
        int r = 0;

        if (archive_entry_acl_types(entry) & ARCHIVE_ENTRY_ACL_TYPE_POSIX1E) {
                r = apply_acl(fd, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access");
                if (r >= 0)
                        r = apply_acl(fd, entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default");
        }
        return r < 0 ? r : apply_xattrs(fd, entry);
}

static bool has_extras(struct archive_entry *entry)
{
        return archive_entry_xattr_count(entry) > 0 || (archive_entry_acl_types(entry) & ARCHIVE_ENTRY_ACL_TYPE_POSIX1E);
}

/* ---- the three kinds ---- */

int attr_apply_file(int fd, struct archive_entry *entry, bool inherited)
{
        struct timespec times[2];
        mode_t mode = archive_entry_perm(entry) & 07777;
        bool owner = inherited || !has_root_owner(entry);

        /* chown(2) clears setuid, setgid and capabilities: owner first. */
        if (owner && fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) < 0)
                return -errno;
        if ((mode & ~0777U) && fchmod(fd, mode) < 0)
                return -errno;
        if (has_extras(entry)) {
                int r = apply_extras(fd, entry);
                if (r < 0)
                        return r;
        }
        entry_times(entry, times);
        return futimens(fd, times) < 0 ? -errno : 0;
}

int attr_apply_name(int dirfd, const char *name, struct archive_entry *entry, bool inherited)
{
        struct timespec times[2];

        if ((inherited || !has_root_owner(entry)) &&
            fchownat(dirfd, name, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry), AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        entry_times(entry, times);
        return utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

bool attr_is_special_directory(struct archive_entry *entry)
{
        return !has_root_owner(entry) || (archive_entry_perm(entry) & 07777) != 0755;
}

int attr_apply_directory(int dirfd, const char *name, struct archive_entry *entry, bool fresh)
{
        mode_t mode = archive_entry_perm(entry) & 07777;

        if (fresh && has_root_owner(entry) && !(mode & ~0777U) && !has_extras(entry))
                return 0;

        _cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) < 0 || fchmod(fd, mode) < 0)
                return -errno;
        return has_extras(entry) ? apply_extras(fd, entry) : 0;
}
