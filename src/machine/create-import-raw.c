/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "machine/create-import.h"
#include "store/disk.h"
#include "transfer/transfer.h"

#define SECTOR 512

/* What is no disk at all is refused; what this host could only not start is said. */
static int check_disk(const MachineHost *h, int fd, const char *label, Error *e)
{
        _cleanup_(store_disk_done) StoreDisk disk = {};
        Error why = {0};
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot read '%s'", label);
        int r = store_disk_read(fd, label, NULL, &disk, &why);
        if (r == -ENOENT || r == -ENOTUNIQ) {
                events_warning(&h->events, "%s; it can be kept, but not started", why.message);
                r = 0;
        }
        if (r < 0)
                return error_set(e, r, "%s", why.message);
        if (st.st_size % SECTOR != 0)
                return error_set(e, -EMEDIUMTYPE, "'%s' is no disk image: its %llu bytes are not whole sectors; is it truncated?",
                                 label, (unsigned long long)st.st_size);
        return 0;
}

/* For a moment it has a name in the transaction's directory. */
static int open_spool(int dirfd)
{
        int fd = openat(dirfd, ".spool", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        (void)unlinkat(dirfd, ".spool", 0);
        return fd;
}

int import_disk(const MachineHost *h, int fd, const char *label, uint64_t limit, const StoreBuild *b, Error *e)
{
        _cleanup_close_ int out = openat(b->dirfd, STORE_DISK, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        _cleanup_close_ int spool = open_spool(b->dirfd);

        if (out < 0 || spool < 0)
                return error_sys(e, out < 0 ? -errno : spool, "cannot make '%s'", b->name);
        const DiskImport d = {.fd = fd,
                              .out_fd = out,
                              .spool_fd = spool,
                              .limit_bytes = limit > 0 ? limit : import_default_limit(b->dirfd),
                              .limit_size = limit,
                              .events = &h->events};
        events_step(&h->events, "Reading %s", label);
        int r = disk_import(&d, e);
        return r < 0 ? error_prefix(e, r, "%s", label) : check_disk(h, out, label, e);
}
