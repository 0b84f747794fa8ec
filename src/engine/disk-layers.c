/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/disk-layers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "sys/device-mapper.h"
#include "sys/superblock.h"

int disk_run(char *const *argv, int in)
{
        _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        pid_t pid = null < 0 ? -1 : fork();
        int status;

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                sigset_t none;
                sigemptyset(&none);
                (void)sigprocmask(SIG_SETMASK, &none, NULL);
                if (access("/run/udev/control", F_OK) < 0)
                        (void)setenv("DM_DISABLE_UDEV", "1", true); /* nobody would answer */
                if (dup2(in >= 0 ? in : null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(null, 2) >= 0)
                        (void)execv(argv[0], argv);
                _exit(127);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOEXEC : status;
}

int disk_type_of(int device, const char *path, char ret[static 32], Error *e)
{
        _cleanup_free_ uint8_t *head = xmalloc(SUPERBLOCK_BYTES);
        ssize_t n = pread(device, head, SUPERBLOCK_BYTES, 0);
        Superblock s = superblock_probe(head, n < 0 ? 0 : (size_t)n);

        if (n < 0)
                return error_sys(e, -errno, "cannot read the unlocked partition of '%s'", path);
        if (s.kind != SUPERBLOCK_FILE_SYSTEM)
                return error_set(e, -EMEDIUMTYPE, "an encrypted partition of '%s' has no file system that is known in it", path);
        snprintf(ret, 32, "%s", s.name);
        return 0;
}

/* ---- LUKS ---- */

/* The passphrase as a file that nobody else can read and that is gone with its descriptor. */
static int passphrase_file(const char *passphrase)
{
        _cleanup_close_ int fd = memfd_create("passphrase", MFD_CLOEXEC);

        if (fd < 0 || fd_write_all(fd, passphrase, strlen(passphrase)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* By /dev/dm-N, so that the node or link with the name may go at once where there is no udev to take it away. */
static int take_mapped(const char *name, SysDevicePath *ret, Error *e)
{
        _cleanup_free_ char *node = xasprintf("/dev/mapper/%s", name);
        struct stat st;
        int fd = open(node, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot open the unlocked device '%s'", node);
        snprintf(ret->s, sizeof(ret->s), "/dev/dm-%u", minor(st.st_rdev));
        if (access("/run/udev/control", F_OK) < 0)
                (void)unlink(node);
        return fd;
}

static int unlock(const char *path, const PlanDisk *disk, const char *device, SysDevicePath *ret, Error *e)
{
        uint64_t random;
        char name[64];

        if (!disk->passphrase)
                return error_set(e, -ENOKEY,
                                 "'%s' is encrypted, and there is no passphrase for it: none was asked for without a terminal, "
                                 "and the "
                                 "credential 'dissect.passphrase' is not there",
                                 path);
        hash_random(&random, sizeof(random));
        snprintf(name, sizeof(name), "berth-luks-%016llx", (unsigned long long)random);
        char *argv[] = {disk->unlock,
                        (char *)"open",
                        (char *)"--type",
                        (char *)"luks",
                        (char *)"--key-file=-",
                        (char *)"--tries=1",
                        (char *)device,
                        name,
                        disk->read_only ? (char *)"--readonly" : NULL,
                        NULL};
        _cleanup_close_ int key = passphrase_file(disk->passphrase);
        int status = key < 0 ? key : disk_run(argv, key);
        if (status < 0)
                return error_sys(e, status, "cannot run '%s'", disk->unlock);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
                return error_set(e, -EKEYREJECTED, "the passphrase does not open '%s'", path);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return error_set(e, -EIO, "'%s' cannot open '%s' (status %d)", disk->unlock, path, WEXITSTATUS(status));
        int fd = take_mapped(name, ret, e);
        int r = sys_dm_remove_deferred(name, fd < 0 ? NULL : e);
        if (fd >= 0 && r < 0) {
                fd_close(fd);
                return r;
        }
        return fd;
}

/* ---- dm-verity ---- */

static int decode_base64(const char *text, uint8_t *to, size_t max, size_t *ret)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        uint32_t bits = 0;
        size_t n = 0, have = 0;

        for (; *text && *text != '='; text++) {
                const char *digit = strchr(digits, *text);
                if (!digit)
                        return -EINVAL;
                bits = bits << 6 | (uint32_t)(digit - digits);
                have += 6;
                if (have < 8)
                        continue;
                have -= 8;
                if (n == max)
                        return -E2BIG;
                to[n++] = (uint8_t)(bits >> have);
        }
        *ret = n;
        return 0;
}

#define SIGNATURE_MAX 16384

static int read_signature(const char *signature, uint8_t *to, size_t *ret)
{
        const char *base64 = str_startswith(signature, "base64:");
        _cleanup_free_ char *data = NULL;

        if (base64)
                return decode_base64(base64, to, SIGNATURE_MAX, ret);
        int r = file_read_at(AT_FDCWD, signature, SIGNATURE_MAX, &data, ret);
        if (r >= 0)
                memcpy(to, data, *ret);
        return r;
}

/* The kernel looks the signature up as a key of the calling thread. */
static int add_signature(const char *signature, const char *description, Error *e)
{
        _cleanup_free_ uint8_t *data = xmalloc(SIGNATURE_MAX);
        size_t n;
        int r = read_signature(signature, data, &n);

        if (r < 0)
                return error_sys(e, r, "cannot read the signature '%s' of the root hash", signature);
        long key = syscall(SYS_add_key, "user", description, data, n, -1 /* KEY_SPEC_THREAD_KEYRING */);
        return key < 0 ? error_sys(e, -errno, "cannot hand the signature of the root hash to the kernel") : (int)key;
}

static int verify(const PlanDisk *disk, const char *data, SysDevicePath *ret, Error *e)
{
        SysDevicePath hashes;
        _cleanup_close_ int held = sys_loop_open(disk->hashes, disk->hashes_offset, disk->hashes_size, true, &hashes, e);
        char key[] = "berth-verity-signature";
        int id = 0;

        if (held < 0)
                return held;
        if (disk->signature) {
                id = add_signature(disk->signature, key, e);
                if (id < 0)
                        return id;
        }
        int fd = sys_verity_open(&(SysVerity){data, hashes.s, disk->root_hash, disk->signature ? key : NULL}, ret, e);
        if (disk->signature)
                (void)syscall(SYS_keyctl, 9 /* KEYCTL_UNLINK */, id, -1);
        return fd;
}

int disk_open(const char *path, const PlanDisk *disk, SysDevicePath *ret, Error *e)
{
        SysDevicePath loop;
        int held = sys_loop_open(path, disk->offset, disk->size, disk->read_only, &loop, e);

        if (held < 0)
                return held;
        *ret = loop;
        int top = held;
        if (disk->unlock)
                top = unlock(path, disk, loop.s, ret, e);
        else if (disk->root_hash)
                top = verify(disk, loop.s, ret, e);
        if (top != held)
                fd_close(held);
        return top;
}
