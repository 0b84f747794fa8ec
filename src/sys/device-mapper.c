/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/device-mapper.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"

#define CONTROL "/dev/mapper/control"

/* The kernel has the node made when the module is there; on demand it loads it. */
bool sys_dm_available(void)
{
        _cleanup_close_ int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

        return fd >= 0;
}

typedef struct Request {
        struct dm_ioctl head;
        struct dm_target_spec target; /* DM_TABLE_LOAD */
        char parameters[4096];
} Request;

static void request_init(Request *q, const char *name)
{
        memset(q, 0, sizeof(*q));
        q->head.version[0] = DM_VERSION_MAJOR;
        q->head.data_size = sizeof(*q);
        q->head.data_start = offsetof(Request, target);
        snprintf(q->head.name, sizeof(q->head.name), "%s", name);
}

static int request(int control, Request *q, unsigned long command)
{
        return ioctl(control, command, q) < 0 ? -errno : 0;
}

static int remove_deferred(int control, const char *name)
{
        Request q;

        request_init(&q, name);
        q.head.flags = DM_DEFERRED_REMOVE;
        return request(control, &q, DM_DEV_REMOVE);
}

int sys_dm_remove_deferred(const char *name, Error *e)
{
        _cleanup_close_ int control = open(CONTROL, O_RDWR | O_CLOEXEC);
        int r = control < 0 ? -errno : remove_deferred(control, name);

        return r < 0 ? error_sys(e, r, "cannot have the device '%s' removed after use", name) : 0;
}

/* ---- dm-verity ---- */

/* The header of the tree of hashes, in little-endian (cryptsetup's "verity superblock"). */
typedef struct VerityHeader {
        uint8_t signature[8];
        uint32_t version, hash_type;
        uint8_t uuid[16];
        char algorithm[32];
        uint32_t data_block_size, hash_block_size;
        uint64_t data_blocks;
        uint16_t salt_size;
        uint8_t padding[6];
        uint8_t salt[256];
} VerityHeader;

static bool block_size_is_valid(uint32_t n)
{
        return n >= 512 && n <= 524288 && (n & (n - 1)) == 0;
}

static int read_header(const char *device, VerityHeader *h, Error *e)
{
        _cleanup_close_ int fd = open(device, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || fd_read_full(fd, h, sizeof(*h)) != sizeof(*h))
                return error_sys(e, fd < 0 ? -errno : -EIO, "cannot read the verity hashes on '%s'", device);
        h->version = le32toh(h->version);
        h->hash_type = le32toh(h->hash_type);
        h->data_block_size = le32toh(h->data_block_size);
        h->hash_block_size = le32toh(h->hash_block_size);
        h->data_blocks = le64toh(h->data_blocks);
        h->salt_size = le16toh(h->salt_size);
        if (memcmp(h->signature, "verity\0\0", 8) != 0 || h->version != 1 || h->hash_type > 1 ||
            !block_size_is_valid(h->data_block_size) || !block_size_is_valid(h->hash_block_size) ||
            h->salt_size > sizeof(h->salt) || h->data_blocks == 0 || h->data_blocks > UINT64_MAX / h->data_block_size)
                return error_set(e, -EMEDIUMTYPE, "there are no verity hashes on '%s' (veritysetup format makes them)", device);
        for (size_t i = 0; i < sizeof(h->algorithm) && h->algorithm[i]; i++) /* a word of the table */
                if (h->algorithm[i] <= ' ' || h->algorithm[i] >= 0x7f || i + 1 == sizeof(h->algorithm))
                        return error_set(e, -EMEDIUMTYPE, "the verity hashes on '%s' have no valid algorithm", device);
        return 0;
}

/* "1 DATA HASHES 4096 4096 BLOCKS FIRST-HASH-BLOCK sha256 HASH SALT" (the kernel's admin-guide/device-mapper/verity.rst). */
static int table(Request *q, const SysVerity *v, const VerityHeader *h)
{
        char salt[sizeof(h->salt) * 2 + 1] = "-", options[256] = "";

        if (h->salt_size > 0)
                hash_hex(h->salt, h->salt_size, salt);
        if (v->key)
                snprintf(options, sizeof(options), " 2 root_hash_sig_key_desc %s", v->key);
        int n = snprintf(q->parameters, sizeof(q->parameters), "%u %s %s %u %u %llu %u %s %s %s%s", h->hash_type, v->data,
                         v->hashes, h->data_block_size, h->hash_block_size, (unsigned long long)h->data_blocks, 1U, h->algorithm,
                         v->root_hash, salt, options);
        q->head.target_count = 1;
        q->head.flags = DM_READONLY_FLAG;
        q->target.length = h->data_blocks * (h->data_block_size / 512);
        strcpy(q->target.target_type, "verity");
        return n < 0 || (size_t)n >= sizeof(q->parameters) ? -E2BIG : 0;
}

static int load(int control, const char *name, const SysVerity *v, const VerityHeader *h, Error *e)
{
        Request q;

        request_init(&q, name);
        int r = table(&q, v, h);
        if (r >= 0)
                r = request(control, &q, DM_TABLE_LOAD);
        if (r == -ENOKEY || r == -EKEYREJECTED || r == -EBADMSG)
                return error_set(e, r,
                                 "the kernel does not accept the signature of the root hash: it has no certificate that made it");
        if (r < 0)
                return error_sys(e, r, "cannot set up dm-verity over '%s' (does the root hash belong to it?)", v->data);
        request_init(&q, name); /* and go */
        r = request(control, &q, DM_DEV_SUSPEND);
        return r < 0 ? error_sys(e, r, "cannot activate dm-verity over '%s'", v->data) : 0;
}

/* The node is the kernel's own, in devtmpfs: no udev is waited for. */
static int open_node(uint64_t dev, SysDevicePath *ret, Error *e)
{
        struct stat st;

        snprintf(ret->s, sizeof(ret->s), "/dev/dm-%u", minor(dev));
        int fd = open(ret->s, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_sys(e, -errno, "cannot open the device '%s'", ret->s);
        if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || st.st_rdev != dev) {
                fd_close(fd);
                return error_set(e, -ENODEV, "'%s' is not the device that was just made; /dev must be a devtmpfs", ret->s);
        }
        return fd;
}

int sys_verity_open(const SysVerity *v, SysDevicePath *ret, Error *e)
{
        VerityHeader header;
        uint64_t random;
        char name[64];
        Request q;

        _cleanup_close_ int control = open(CONTROL, O_RDWR | O_CLOEXEC);
        if (control < 0)
                return error_sys(e, -errno, "dm-verity needs the device mapper; cannot open '%s'", CONTROL);
        int r = read_header(v->hashes, &header, e);
        if (r < 0)
                return r;
        hash_random(&random, sizeof(random));
        snprintf(name, sizeof(name), "berth-verity-%016llx", (unsigned long long)random);
        request_init(&q, name);
        r = request(control, &q, DM_DEV_CREATE);
        if (r < 0)
                return error_sys(e, r, "cannot make a device of the device mapper");
        dev_t dev = q.head.dev;
        r = load(control, name, v, &header, e);
        int fd = r < 0 ? r : open_node(dev, ret, e);
        /* Right away, so that nothing is left whoever is killed; while it is open it stays. */
        (void)remove_deferred(control, name);
        return fd;
}
