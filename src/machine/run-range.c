/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/run-subid.h"
#include "sys/lock.h"

#define RANGE_MIN   UINT32_C(0x00080000) /* systemd-nspawn's, and systemd's documentation of UIDs and GIDs */
#define RANGE_MAX   UINT32_C(0x6FFF0000)
#define RANGE_TRIES 100 /* random ones, after the machine's own; systemd-nspawn gives up after as many */
#define LOCK_DIR    "/run/systemd/nspawn-uid"

/* Among IDs that are promised to others. */
static bool is_taken(const SpecIdRanges *taken, uint32_t base)
{
        for (size_t i = 0; i < taken->n; i++) {
                uint32_t first = taken->items[i].outside, last = first + (taken->items[i].count - 1);
                if (base <= last && base + (RANGE_COUNT - 1) >= first)
                        return true;
        }
        return false;
}

static bool is_range(uint32_t base)
{
        return base % RANGE_COUNT == 0 && base >= RANGE_MIN && base <= RANGE_MAX;
}

static int read_note(int dirfd, const char *name, uint32_t *ret)
{
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(dirfd, name, 64, &text, NULL);
        if (r < 0)
                return r;
        r = str_parse_u32(str_strip(text), ret);
        return r < 0 ? r : is_range(*ret) ? 0 : -EINVAL;
}

static void take_notes(SpecIdRanges *taken, int dirfd, const char *except)
{
        _cleanup_closedir_ DIR *dir = fdopendir(dup(dirfd));
        if (!dir)
                return;
        rewinddir(dir);
        for (struct dirent *d; (d = readdir(dir));) {
                uint32_t base;
                if (d->d_name[0] != '.' && !str_eq(d->d_name, except) && read_note(dirfd, d->d_name, &base) >= 0)
                        *vec_push(taken) = (SpecIdRange){.outside = base, .count = RANGE_COUNT};
        }
}

/* Users and groups of the host, and the ranges of rootless containers. */
static void take_accounts(SpecIdRanges *taken)
{
        machine_subids("/etc/subuid", NULL, 0, taken);
        machine_subids("/etc/subgid", NULL, 0, taken);
        machine_account_ids("/etc/passwd", taken);
        machine_account_ids("/etc/group", taken);
}

/* The same machine gets the same first candidate on each host. */
static uint32_t candidate(const char *name, unsigned attempt)
{
        static const uint8_t key[16] = {0xe2, 0x51, 0x0a, 0x8f, 0x7d, 0x37, 0x4b, 0x61,
                                        0x9c, 0x2e, 0x0d, 0x66, 0x1b, 0xf4, 0x83, 0xa5};
        uint64_t hash;
        if (attempt == 0)
                hash = hash_siphash24(name, strlen(name), key);
        else
                hash_random(&hash, sizeof(hash));
        return RANGE_MIN + (uint32_t)(hash % ((RANGE_MAX - RANGE_MIN) / RANGE_COUNT + 1)) * RANGE_COUNT;
}

static int lock_range(uint32_t base)
{
        _cleanup_free_ char *path = xasprintf(LOCK_DIR "/%u", base);
        return sys_lock_making_dirs_at(AT_FDCWD, path, false);
}

int machine_range_lock(uint32_t base, IdRange *ret, Error *e)
{
        int fd = lock_range(base);
        if (fd == -EAGAIN)
                return error_set(e, -EBUSY, "the user ID range %u is in use by another container", base);
        if (fd < 0)
                return error_sys(e, fd, "cannot lock the user ID range %u in " LOCK_DIR, base);
        *ret = (IdRange){base, fd};
        return 0;
}

void machine_range_release(IdRange *r)
{
        if (r->lock_fd < 0)
                return;
        _cleanup_free_ char *path = xasprintf(LOCK_DIR "/%u", r->base);
        (void)unlink(path); /* under the lock */
        r->lock_fd = fd_close(r->lock_fd);
}

static int ranges_dir(const MachineHost *h)
{
        _cleanup_free_ char *path = path_join(h->state_dir, "id-ranges");
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 || errno != ENOENT)
                return fd < 0 ? -errno : fd;
        int r = file_mkdir_p(path, 0755);
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int choose(const char *name, const SpecIdRanges *taken, IdRange *ret, Error *e)
{
        for (unsigned attempt = 0; attempt <= RANGE_TRIES; attempt++) {
                uint32_t base = candidate(name, attempt);
                if (is_taken(taken, base))
                        continue;
                int fd = lock_range(base);
                if (fd == -EAGAIN)
                        continue;
                if (fd < 0)
                        return error_sys(e, fd, "cannot lock a user ID range in " LOCK_DIR);
                *ret = (IdRange){base, fd};
                return 0;
        }
        return error_set(e, -EBUSY, "no free range of 65536 user IDs found for machine '%s' between %u and %u", name, RANGE_MIN,
                         RANGE_MAX);
}

int machine_range_take(const MachineHost *h, const char *name, bool keep, IdRange *ret, Error *e)
{
        _cleanup_close_ int dirfd = ranges_dir(h);
        if (dirfd < 0)
                return error_sys(e, dirfd, "cannot open '%s/id-ranges'", h->state_dir);

        uint32_t base;
        if (keep && read_note(dirfd, name, &base) >= 0) { /* the usual case costs one read and one lock */
                int fd = lock_range(base);
                if (fd >= 0) {
                        *ret = (IdRange){base, fd};
                        return 0;
                }
        }
        _cleanup_close_ int lock = sys_lock_at(dirfd, ".lock", true, true);
        if (lock < 0)
                return error_sys(e, lock, "cannot lock '%s/id-ranges'", h->state_dir);
        SpecIdRanges taken = {0};
        take_notes(&taken, dirfd, name);
        take_accounts(&taken);
        int r = choose(name, &taken, ret, e);
        free(taken.items);
        if (r < 0 || !keep)
                return r;
        char text[16];
        int len = snprintf(text, sizeof(text), "%u\n", ret->base);
        r = file_write_atomic_at(dirfd, name, text, (size_t)len, 0644, false);
        if (r < 0) {
                machine_range_release(ret);
                return error_sys(e, r, "cannot write '%s/id-ranges/%s'", h->state_dir, name);
        }
        return 0;
}

uint32_t machine_range_peek(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *path = xasprintf("%s/id-ranges/%s", h->state_dir, name);
        uint32_t base;
        return read_note(AT_FDCWD, path, &base) >= 0 ? base : candidate(name, 0);
}

void machine_range_rename(const MachineHost *h, const char *name, const char *new_name)
{
        _cleanup_free_ char *from = xasprintf("%s/id-ranges/%s", h->state_dir, name),
                            *to = xasprintf("%s/id-ranges/%s", h->state_dir, new_name);
        (void)rename(from, to); /* without it, the machine gets another one: its files do not tell the difference */
}

void machine_range_forget(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *path = xasprintf("%s/id-ranges/%s", h->state_dir, name);
        (void)unlink(path);
}
