/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-facts.h"

#define ACCOUNTS_MAX (4 * 1024 * 1024) /* passwd and group are the image's: outside data */
#define SMALL_FILE   65536
#define MARKS_MAX    (4 * 1024 * 1024)

static char *read_image(const StoreImage *image, const char *path, size_t limit)
{
        _cleanup_close_ int fd = store_image_open(image, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        char *text;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) /* a FIFO or device that the image puts there is not read */
                return NULL;
        return file_read_fd(fd, limit, &text, NULL) < 0 ? NULL : text;
}

static bool image_has(const StoreImage *image, const char *path)
{
        _cleanup_close_ int fd = store_image_open(image, path, O_PATH);
        return fd >= 0;
}

/* A link that leads nowhere counts, too. */
static bool image_has_node(const StoreImage *image, const char *path)
{
        _cleanup_close_ int fd = store_image_open(image, path, O_PATH | O_NOFOLLOW);
        return fd >= 0;
}

/* ---- os-release, machine-id ---- */

static char *read_os_release(const StoreImage *image)
{
        return read_image(image, "/etc/os-release", SMALL_FILE) ?: read_image(image, "/usr/lib/os-release", SMALL_FILE);
}

char *machine_image_text(const StoreImage *image, const char *path)
{
        return read_image(image, path, SMALL_FILE);
}

void machine_image_os(const StoreImage *image, ImageOs *ret)
{
        _cleanup_free_ char *text = read_os_release(image);
        *ret = (ImageOs){0};
        if (!text)
                return;
        ret->id = machine_os_value(text, "ID");
        ret->version = machine_os_value(text, "VERSION_ID");
        ret->pretty = machine_os_value(text, "PRETTY_NAME");
}

void machine_image_os_done(ImageOs *os)
{
        free(os->id);
        free(os->version);
        free(os->pretty);
        *os = (ImageOs){0};
}

static char *read_machine_id(const StoreImage *image)
{
        char *text = read_image(image, "/etc/machine-id", 256);
        if (text && str_is_hex(str_strip(text), 32)) {
                char *id = xstrndup(str_strip(text), 32);
                free(text);
                return id;
        }
        free(text); /* missing, empty, or "uninitialized" */
        return NULL;
}

/* ---- init ---- */

typedef struct InitMark {
        const char *text;
        InitKind kind;
} InitMark;

/* By the name of the program that /sbin/init leads to. */
static const InitMark init_names[] = {
                {"systemd", INIT_SYSTEMD},  {"busybox", INIT_BUSYBOX}, {"openrc-init", INIT_OPENRC},
                {"runit-init", INIT_RUNIT}, {"runit", INIT_RUNIT},     {"s6-linux-init", INIT_S6},
                {"s6-svscan", INIT_S6},     {"dinit", INIT_DINIT},     {"sysvinit", INIT_SYSVINIT},
};

/* By what is written in it, when it is a file of its own called init. OpenRC on sysvinit or BusyBox counts as the latter: signals go to
 * PID 1. */
static const InitMark init_contents[] = {
                {"BusyBox v", INIT_BUSYBOX},     {"/lib/systemd/", INIT_SYSTEMD},   {"s6-linux-init", INIT_S6},
                {"openrc-init", INIT_OPENRC},    {"/etc/runit/stopit", INIT_RUNIT}, {"dinitctl", INIT_DINIT},
                {"/etc/inittab", INIT_SYSVINIT},
};

static InitKind init_by_content(int fd, size_t size)
{
        size = MIN(size, (size_t)MARKS_MAX);
        void *map = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
        if (map == MAP_FAILED)
                return INIT_OTHER;
        InitKind kind = INIT_OTHER;
        for (size_t i = 0; i < ELEMENTSOF(init_contents) && kind == INIT_OTHER; i++)
                if (memmem(map, size, init_contents[i].text, strlen(init_contents[i].text)))
                        kind = init_contents[i].kind;
        (void)munmap(map, size);
        return kind;
}

static InitKind init_kind(int fd, size_t size)
{
        char target[4096];
        FdPath p = fd_path(fd);
        ssize_t n = readlink(p.s, target, sizeof(target) - 1);
        if (n > 0) { /* where the links led to */
                target[n] = '\0';
                for (size_t i = 0; i < ELEMENTSOF(init_names); i++)
                        if (str_eq(path_basename(target), init_names[i].text))
                                return init_names[i].kind;
        }
        return init_by_content(fd, size);
}

InitKind machine_image_init(const StoreImage *image, char **ret_path)
{
        static const char *const paths[] = {"/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init"};
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_close_ int fd = store_image_open(image, paths[i], O_RDONLY | O_NOCTTY | O_NONBLOCK);
                struct stat st;
                if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
                        continue;
                *ret_path = xstrdup(paths[i]);
                return init_kind(fd, (size_t)st.st_size);
        }
        *ret_path = NULL;
        return INIT_NONE;
}

/* ---- users ---- */

/* The next line of a passwd or group file with at least `n` fields; the fields are cut in place. */
static bool next_entry(char **text, char **fields, size_t n)
{
        for (char *line; (line = strsep(text, "\n"));) {
                size_t found = 0;
                for (char *word; found < n && (word = strsep(&line, ":")); found++)
                        fields[found] = word;
                if (found == n)
                        return true;
        }
        return false;
}

static void find_user(const StoreImage *image, const char *user, HostFacts *f)
{
        _cleanup_free_ char *text = read_image(image, "/etc/passwd", ACCOUNTS_MAX);
        uint32_t wanted = 0;
        bool by_number = str_parse_u32(user, &wanted) >= 0;
        char *rest = text, *p[7];
        while (next_entry(&rest, p, ELEMENTSOF(p))) {
                uint32_t uid, gid;
                if (str_parse_u32(p[2], &uid) < 0 || str_parse_u32(p[3], &gid) < 0 ||
                    !(by_number ? uid == wanted : str_eq(p[0], user)))
                        continue;
                f->user_found = true;
                f->user_uid = uid;
                f->user_gid = gid;
                f->user_name = xstrdup(p[0]);
                f->user_home = xstrdup(p[5]);
                f->user_shell = *p[6] ? xstrdup(p[6]) : NULL;
                return;
        }
        if (by_number) {
                f->user_uid = f->user_gid = wanted;
        }
}

static void find_groups(const StoreImage *image, HostFacts *f)
{
        _cleanup_free_ char *text = read_image(image, "/etc/group", ACCOUNTS_MAX);
        struct {
                uint32_t *items;
                size_t n;
        } groups = {0};
        char *rest = text, *g[4];
        while (f->user_name && next_entry(&rest, g, ELEMENTSOF(g))) {
                uint32_t gid;
                _cleanup_strv_ char **members = strv_split(g[3], ",");
                if (strv_contains(members, f->user_name) && str_parse_u32(g[2], &gid) >= 0 && gid != f->user_gid &&
                    groups.n < 65536)
                        *vec_push(&groups) = gid;
        }
        f->user_groups = groups.items;
        f->n_user_groups = groups.n;
}

/* What an image that is nothing but a /usr lacks (systemd's base-filesystem.c). */
static void find_missing(const StoreImage *image, HostFacts *f)
{
        static const char *const links[] = {"bin", "sbin", "lib", "lib64"}, *const directories[] = {"root", "var", "etc"};

        for (size_t i = 0; f->has_usr && i < ELEMENTSOF(links); i++) {
                _cleanup_free_ char *path = xasprintf("/%s", links[i]), *target = xasprintf("/usr/%s", links[i]);
                if (image_has_node(image, path) || !image_has(image, target))
                        continue;
                strv_pushf(&f->missing_links, "%s=usr/%s", links[i], links[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = xasprintf("/%s", directories[i]);
                if (!image_has_node(image, path))
                        strv_push(&f->missing_directories, directories[i]);
        }
}

/* With --pivot-root=, whose files count; of a directory only, as a layer may have any part of it. A link that leads out of the image
 * counts for nothing. */
static char *pivoted_directory(const StoreImage *image, const MachineSpec *spec, int *ret_fd)
{
        char real[PATH_MAX];

        if (spec->pivot_root && image->disk) { /* whose root has no path on the host */
                *ret_fd = store_image_open(image, spec->pivot_root, O_PATH | O_DIRECTORY);
                return *ret_fd < 0 ? NULL : xstrdup(fd_path(*ret_fd).s);
        }
        _cleanup_free_ char *joined = spec->pivot_root && image->directory ? path_join(image->directory, spec->pivot_root) : NULL;

        return joined && realpath(joined, real) && path_has_prefix(real, image->directory) ? xstrdup(real) : NULL;
}

int machine_facts_image(const StoreImage *image, const MachineSpec *spec, HostFacts *f, Error *e)
{
        _cleanup_close_ int pivoted_fd = -1;
        _cleanup_free_ char *pivoted = pivoted_directory(image, spec, &pivoted_fd);
        if (pivoted) {
                StoreImage inner = *image; /* borrowed members */
                MachineSpec plain = *spec;
                inner.directory = pivoted;
                plain.pivot_root = NULL;
                int r = machine_facts_image(&inner, &plain, f, e);
                free(f->root_directory);
                f->root_directory = xstrdup(image->directory);
                return r;
        }
        _cleanup_close_ int root = store_image_open(image, "/", O_PATH | O_DIRECTORY);
        struct stat st;
        if (root < 0)
                return error_sys(e, root, "cannot open the root directory of image '%s' (%s)", image->name, image->path);
        if (fstat(root, &st) < 0)
                return error_sys(e, -errno, "cannot read the root directory of image '%s'", image->name);
        f->root_owner = st.st_uid;
        f->root_kind = image->disk ? ROOT_DISK : image->driver == STORE_OVERLAY ? ROOT_OVERLAY : ROOT_DIRECTORY;
        f->root_directory = xstrdup(image->directory);
        f->layers = strv_copy(image->layers);
        f->upper = xstrdup(image->upper);
        f->work = xstrdup(image->work);
        f->root_read_only = image->read_only;
        f->has_usr = image_has(image, "/usr");
        find_missing(image, f);
        f->machine_id = read_machine_id(image);
        if (spec->boot)
                f->init_kind = machine_image_init(image, &f->init_path);
        _cleanup_free_ char *number = spec->bundle && !spec->user ? xasprintf("%u", spec->bundle->uid) : NULL;
        find_user(image, spec->user ?: number ?: "root", f);
        if (!str_eq(f->user_name, "root"))
                find_groups(image, f);
        return 0;
}
