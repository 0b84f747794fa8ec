/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/unpack-worker.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/process.h"
#include "transfer/deb.h"
#include "transfer/reader.h"
#include "transfer/unpack-confine.h"
#include "transfer/unpack-contents.h"
#include "transfer/unpack-image.h"
#include "transfer/unpack-result.h"
#include "transfer/unpack-tree.h"

typedef struct Worker {
        int sock;
        Tree tree;
        UnpackReport report;
        char **conffiles; /* of this package, "/etc/x" */
        WorkerImage image;
} Worker;

/* ---- the control member ---- */

/* "/etc/x" with each line; dpkg's flags ("remove-on-upgrade /etc/x") name files that this package does not bring. */
static void note_conffiles(Worker *w, const char *text)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");

        STRV_FOREACH (line, lines)
                if ((*line)[0] == '/')
                        strv_push(&w->conffiles, *line);
}

static int read_control_file(Worker *w, const Reader *in, struct archive_entry *entry, Error *e)
{
        char name[PATH_MAX];
        la_int64_t size = archive_entry_size(entry);
        int r = tree_path(reader_entry_name(entry), name, e);

        if (r < 0)
                return r;
        if (archive_entry_filetype(entry) != AE_IFREG || !*name || strchr(name, '/'))
                return 0; /* the top, or what dpkg does not know either */
        if (size < 0 || (uint64_t)size > UNPACK_CONTROL_MAX - w->report.control.len ||
            w->report.n_control >= UNPACK_CONTROL_FILES_MAX)
                return error_set(e, -E2BIG, "its control files are too many or too large");

        _cleanup_free_ char *data = malloc((size_t)size + 1);
        if (!data)
                return error_set(e, -ENOMEM, "out of memory");
        la_ssize_t n = archive_read_data(in->archive, data, (size_t)size);
        if (n < 0)
                return reader_fail(in, e);
        data[n] = '\0';
        if (str_eq(name, "conffiles"))
                note_conffiles(w, data);
        UnpackFile f = {.name = name, .data = data, .len = (size_t)n, .mode = archive_entry_perm(entry)};
        return unpack_report_control(&w->report, &f) < 0 ? error_set(e, -E2BIG, "its control files are too large") : 0;
}

static int read_control(Worker *w, int fd, DebMember m, Error *e)
{
        _cleanup_reader_ Reader in = {};
        struct archive_entry *entry;
        int r = reader_open(&in, READER_TAR, fd, m.offset, m.size, e);

        if (r < 0)
                return r;
        while ((r = reader_next(&in, &entry, e)) > 0) {
                r = read_control_file(w, &in, entry, e);
                if (r < 0)
                        return r;
        }
        return r;
}

/* ---- the tree ---- */

static int note_digest(Worker *w, const char *path, Md5 *md5)
{
        uint8_t digest[MD5_SIZE];
        char hex[2 * MD5_SIZE + 1];

        md5_end(md5, digest);
        hash_hex(digest, MD5_SIZE, hex);
        _cleanup_free_ char *line = xasprintf("%s %s", path, hex);
        return unpack_report_digest(&w->report, line);
}

static int note_contents(Worker *w, struct archive_entry *entry, const char *path, const Md5 *md5, Error *e)
{
        _cleanup_free_ char *line = contents_line(&w->image, entry, path, md5);
        int r = line ? unpack_report_contents(&w->report, line) : 0;
        return r < 0 ? error_set(e, r, "it has too many entries") : 0;
}

/* Where an entry goes: the directory around a GPKG's image is the top. */
static int entry_path(const Worker *w, struct archive_entry *entry, char ret[static PATH_MAX], Error *e)
{
        const char *name = reader_entry_name(entry), *target = archive_entry_hardlink(entry);
        int r = 0;

        if (w->image.below) {
                r = image_strip(entry, w->image.below, &name, e);
                if (r >= 0 && target) {
                        struct archive_entry *copy = archive_entry_new();
                        archive_entry_set_pathname(copy, target);
                        r = image_strip(copy, w->image.below, &target, e);
                        if (r >= 0)
                                archive_entry_set_hardlink(entry, target ?: ".");
                        archive_entry_free(copy);
                }
        }
        return r < 0 ? r : tree_path(name ?: ".", ret, e);
}

static int write_entry(Worker *w, const Reader *in, struct archive_entry *entry, Error *e)
{
        char path[PATH_MAX + 1] = "/";
        Md5 md5;
        int r = entry_path(w, entry, path + 1, e);

        if (r < 0)
                return r;
        bool file = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);
        bool conffile = file && strv_contains(w->conffiles, path);
        if (w->image.wanted)
                contents_restrict_mode(entry);
        md5_init(&md5);
        r = tree_write_entry(&w->tree, in->archive, entry, path + 1, conffile || (file && w->image.wanted) ? &md5 : NULL, e);
        if (r < 0)
                return r;
        if (w->image.wanted)
                return note_contents(w, entry, path, &md5, e);
        if (conffile)
                r = note_digest(w, path, &md5);
        if (r >= 0)
                r = unpack_report_path(&w->report, path[1] ? path : "/.");
        return r < 0 ? error_set(e, r, "it has too many entries") : 0;
}

static int write_tree(Worker *w, int fd, uint64_t offset, uint64_t size, Error *e)
{
        _cleanup_reader_ Reader in = {};
        struct archive_entry *entry;
        int r = reader_open(&in, READER_TAR, fd, offset, size, e);

        if (r < 0)
                return r;
        while ((r = reader_next(&in, &entry, e)) > 0) {
                r = write_entry(w, &in, entry, e);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : tree_finish(&w->tree, e);
}

static int unpack_tar(Worker *w, int fd, Error *e)
{
        return write_tree(w, fd, 0, UINT64_MAX, e);
}

static int unpack_deb(Worker *w, int fd, Error *e)
{
        DebScan scan;
        int r = deb_scan_fd(fd, &scan, e);

        if (r >= 0)
                r = read_control(w, fd, scan.control, e);
        if (r >= 0)
                r = write_tree(w, fd, scan.data.offset, scan.data.size, e);
        return r;
}

static int unpack_xpak(Worker *w, int fd, Error *e)
{
        uint64_t size;
        int r = image_read_xpak(fd, &w->report, &size, e);

        return r < 0 ? r : write_tree(w, fd, 0, size, e);
}

static int unpack_gpkg(Worker *w, int fd, Error *e)
{
        uint64_t offset, size;
        int r = image_read_gpkg(fd, &w->report, &offset, &size, e);

        w->image.below = "image";
        return r < 0 ? r : write_tree(w, fd, offset, size, e);
}

/* ---- orders ---- */

static int reply(Worker *w, const Error *e, int report)
{
        WorkerReply answer = {.error = *e};

        return sys_send_fds(w->sock, &answer, sizeof(answer), &report, report >= 0 ? 1 : 0);
}

static int run_job(Worker *w, WorkerOrder order, uint64_t limit, int fd)
{
        _cleanup_close_ int report = -1;
        Error e = {};
        int r;

        static int (*const unpack[_WORKER_ORDER_MAX])(Worker * w, int fd, Error *e) = {[WORKER_TAR] = unpack_tar,
                                                                                       [WORKER_DEB] = unpack_deb,
                                                                                       [WORKER_XPAK] = unpack_xpak,
                                                                                       [WORKER_GPKG] = unpack_gpkg};
        w->image = (WorkerImage){.wanted = order == WORKER_XPAK || order == WORKER_GPKG};
        w->tree.package = order != WORKER_TAR;
        w->tree.no_link_on_dir = w->image.wanted;
        w->tree.bytes = 0;
        w->tree.own_limit = limit;
        r = unpack[order](w, fd, &e);
        tree_done(&w->tree);
        contents_done(&w->image);
        if (r >= 0) {
                w->report.bytes = w->tree.bytes;
                report = memfd_create("unpack-report", MFD_CLOEXEC);
                r = report < 0 ? -errno : unpack_report_write(&w->report, report);
                if (r < 0)
                        (void)error_sys(&e, r, "unpack worker: cannot report");
        }
        unpack_report_done(&w->report);
        w->conffiles = strv_free(w->conffiles);
        return reply(w, &e, r < 0 ? -1 : report);
}

static int enter(Worker *w, int mount)
{
        Error e = {};
        int r = unpack_confine(mount, &e);

        if (r >= 0) {
                w->tree.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (w->tree.root < 0)
                        r = error_sys(&e, -errno, "unpack worker: cannot open the new root");
        }
        int sent = reply(w, &e, -1);
        return r < 0 ? r : sent;
}

static int obey(Worker *w)
{
        WorkerRequest request;
        int fd = -1;
        size_t n_fds = 0;
        ssize_t n = sys_recv_fds(w->sock, &request, sizeof(request), &fd, 1, &n_fds);

        _cleanup_close_ int owned = n_fds > 0 ? fd : -1;
        if (n != sizeof(request) || owned < 0 || request.order >= _WORKER_ORDER_MAX)
                return n == 0 ? -EPIPE : -EBADMSG;
        return request.order == WORKER_ENTER ? enter(w, owned) : run_job(w, request.order, request.limit, owned);
}

/* Nothing of the parent's stays: no descriptor but the socket, no handler. As PID 1 of its namespace it is deaf to the
 * terminal's signals. */
static int forget_parent(int *sock)
{
        for (int sig = 1; sig < SIGRTMIN; sig++)
                (void)signal(sig, SIG_DFL);
        if (*sock <= STDERR_FILENO)
                *sock = fcntl(*sock, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (*sock < 0)
                return -errno;

        /* Taken, so that no file of the tree gets these numbers and libc's last words. */
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0)
                return -errno;
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fd != null && dup2(null, fd) < 0)
                        return -errno;
        return sys_close_all_fds(STDERR_FILENO + 1, sock, 1);
}

void unpack_worker_main(int sock, WorkerShared *shared, uint64_t limit)
{
        Worker w = {.sock = sock, .tree = {.root = -1, .limit = limit, .used = &shared->used}};

        if (forget_parent(&w.sock) >= 0)
                while (obey(&w) >= 0)
                        ;
        _exit(0);
}
