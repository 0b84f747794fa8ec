/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Archives into a tree: whatever the bytes, nothing but the tree changes. The tree has to be the root of who writes it, so a thread has a
 * root of its own; that takes root. */

#include <archive.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "transfer/reader.h"
#include "transfer/unpack-tree.h"

#define LIMIT (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char outside[] = "/tmp/berth-fuzz.XXXXXX"; /* has the tree and nothing else */
static int outside_fd = -1, archive_fd = -1;
static pthread_barrier_t begin, end;

static void remove_all(void)
{
        (void)file_remove_tree_at(AT_FDCWD, outside);
}

static void unpack(int root)
{
        _Atomic uint64_t used = 0;
        Tree t = {.root = root, .limit = LIMIT, .used = &used};
        struct archive_entry *entry;
        char path[PATH_MAX];
        Reader in = {};
        int r = reader_open(&in, READER_TAR, archive_fd, 0, UINT64_MAX, NULL);

        for (unsigned n = 0; r >= 0 && n < 200; n++) {
                r = reader_next(&in, &entry, NULL);
                if (r <= 0)
                        break;
                r = tree_path(reader_entry_name(entry), path, NULL);
                if (r >= 0)
                        r = tree_write_entry(&t, in.archive, entry, path, NULL, NULL);
        }
        if (r >= 0)
                (void)tree_finish(&t, NULL);
        tree_done(&t);
        reader_done(&in);
}

static void *work(void *arg)
{
        if (unshare(CLONE_FS) < 0 || fchdir(outside_fd) < 0 || chroot("tree") < 0 || chdir("/") < 0) {
                remove_all();
                fputs("fuzz-unpack: without root there is nothing to do\n", stderr);
                _exit(0);
        }
        umask(0);
        for (;;) {
                pthread_barrier_wait(&begin);
                int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
                unpack(root);
                close(root);
                pthread_barrier_wait(&end);
        }
        return NULL;
}

static void set_up(void)
{
        pthread_t thread;

        if (!mkdtemp(outside))
                abort();
        outside_fd = open(outside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (outside_fd < 0 || mkdirat(outside_fd, "tree", 0755) < 0)
                abort();
        pthread_barrier_init(&begin, NULL, 2);
        pthread_barrier_init(&end, NULL, 2);
        if (pthread_create(&thread, NULL, work, NULL) != 0)
                abort();
}

/* Empties the tree; the directory itself stays, as it is somebody's root. */
static void empty(int fd)
{
        _cleanup_closedir_ DIR *d = NULL;

        if (fd_opendir(fd, ".", &d) < 0)
                abort();
        for (struct dirent *entry; (entry = readdir(d));)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                    file_remove_tree_at(fd, entry->d_name) < 0)
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_closedir_ DIR *d = NULL;
        unsigned n = 0;

        if (outside_fd < 0) {
                set_up();
                atexit(remove_all);
        }
        archive_fd = memfd_create("archive", MFD_CLOEXEC);
        if (archive_fd < 0 || fd_write_all(archive_fd, data, size) < 0)
                abort();
        pthread_barrier_wait(&begin);
        pthread_barrier_wait(&end);
        archive_fd = fd_close(archive_fd);
        if (fd_opendir(outside_fd, ".", &d) < 0)
                abort();
        while (readdir(d))
                n++;
        if (n != 3) /* ".", "..", "tree" */
                abort();
        int tree = openat(outside_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree < 0)
                abort();
        empty(tree);
        close(tree);
        return 0;
}
