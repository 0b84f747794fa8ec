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

/* Beside the notes, from each range a link to the name of its machine: whether one is promised is not asked of a thousand files. */
typedef struct LinkName {
        char s[16];
} LinkName;

static LinkName link_name(uint32_t base)
{
        LinkName link;
        snprintf(link.s, sizeof(link.s), "@%u", base); /* no machine's name begins so */
        return link;
}

static bool is_noted(int dirfd, uint32_t base, const char *except)
{
        char name[128];
        uint32_t noted;
        ssize_t n = readlinkat(dirfd, link_name(base).s, name, sizeof(name) - 1);
        if (n < 0)
                return false;
        name[n] = '\0';
        return !str_eq(name, except) && read_note(dirfd, name, &noted) >= 0 && noted == base;
}

static int write_note(int dirfd, const char *name, uint32_t base)
{
        char text[16];
        int len = snprintf(text, sizeof(text), "%u\n", base);
        uint32_t before;

        if (read_note(dirfd, name, &before) >= 0)
                (void)unlinkat(dirfd, link_name(before).s, 0);
        (void)unlinkat(dirfd, link_name(base).s, 0); /* of a machine that was removed by hand */
        if (symlinkat(name, dirfd, link_name(base).s) < 0)
                return -errno;
        return file_write_atomic_at(dirfd, name, text, (size_t)len, 0644, false);
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

static int choose(int dirfd, const char *name, const SpecIdRanges *taken, IdRange *ret, Error *e)
{
        for (unsigned attempt = 0; attempt <= RANGE_TRIES; attempt++) {
                uint32_t base = candidate(name, attempt);
                if (is_taken(taken, base) || is_noted(dirfd, base, name))
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
                        (void)symlinkat(name, dirfd, link_name(base).s); /* as a rule it is there */
                        *ret = (IdRange){base, fd};
                        return 0;
                }
        }
        /* One that is not kept is safe by its own lock: nobody notes it for another without having that. */
        _cleanup_close_ int lock = keep ? sys_lock_at(dirfd, ".lock", true, true) : -1;
        if (keep && lock < 0)
                return error_sys(e, lock, "cannot lock '%s/id-ranges'", h->state_dir);
        SpecIdRanges taken = {0};
        take_accounts(&taken);
        int r = choose(dirfd, name, &taken, ret, e);
        free(taken.items);
        if (r < 0 || !keep)
                return r;
        r = write_note(dirfd, name, ret->base);
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

char *machine_range_delegated(const char *name, uint32_t index)
{
        return xasprintf("%s+%u", name, index + 1); /* no machine's name has a "+" */
}

static void rename_note(int dirfd, const char *name, const char *new_name)
{
        uint32_t base;

        if (renameat(dirfd, name, dirfd, new_name) < 0)
                return; /* without it, the machine gets another one: its files do not tell the difference */
        if (read_note(dirfd, new_name, &base) >= 0) {
                (void)unlinkat(dirfd, link_name(base).s, 0);
                (void)symlinkat(new_name, dirfd, link_name(base).s);
        }
}

static void forget_note(int dirfd, const char *name)
{
        uint32_t base;

        if (read_note(dirfd, name, &base) >= 0)
                (void)unlinkat(dirfd, link_name(base).s, 0);
        (void)unlinkat(dirfd, name, 0);
}

void machine_range_rename(const MachineHost *h, const char *name, const char *new_name)
{
        _cleanup_free_ char *path = path_join(h->state_dir, "id-ranges");
        _cleanup_close_ int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (dirfd < 0)
                return;
        rename_note(dirfd, name, new_name);
        for (uint32_t i = 0; i < SPEC_DELEGATE_MAX; i++) {
                _cleanup_free_ char *from = machine_range_delegated(name, i), *to = machine_range_delegated(new_name, i);
                rename_note(dirfd, from, to);
        }
}

void machine_range_forget(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *path = path_join(h->state_dir, "id-ranges");
        _cleanup_close_ int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (dirfd < 0)
                return;
        forget_note(dirfd, name);
        for (uint32_t i = 0; i < SPEC_DELEGATE_MAX; i++) {
                _cleanup_free_ char *delegated = machine_range_delegated(name, i);
                forget_note(dirfd, delegated);
        }
}
