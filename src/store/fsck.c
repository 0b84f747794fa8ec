/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"
#include "store/layers.h"
#include "store/names.h"
#include "sys/lock.h"
#include "sys/mount.h"
#include "sys/subvolume.h"

/* What should not be in a store. Most of it every command clears up by itself; here it is told before. Nothing that somebody may want is
 * ever removed: what has content and no name to be found by is only reported. */

typedef struct Fsck {
        Store *store;
        bool repair;
        StoreProblems *found;
} Fsck;

static void note(Fsck *f, const char *what, const char *name, bool repaired, const char *format, ...) _printf_(5, 6);
static void note(Fsck *f, const char *what, const char *name, bool repaired, const char *format, ...)
{
        StoreProblem *p = vec_push(f->found);
        va_list ap;

        *p = (StoreProblem){.what = what, .name = xstrdup(name), .repaired = repaired};
        va_start(ap, format);
        if (vasprintf(&p->detail, format, ap) < 0)
                p->detail = xstrdup(what);
        va_end(ap);
}

void store_problems_done(StoreProblems *p)
{
        for (size_t i = 0; i < p->n; i++) {
                free(p->items[i].name);
                free(p->items[i].detail);
        }
        free(p->items);
        *p = (StoreProblems){0};
}

/* ---- what killed commands left ---- */

/* ".#web.0123456789abcdef" is web's. */
static char *machine_of_work(const char *entry)
{
        const char *name = str_startswith(entry, ".#") ?: entry, *dot = strrchr(name, '.');

        return dot ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
}

static bool is_dead(const Store *s, const char *entry)
{
        _cleanup_free_ char *path = path_join(STORE_WORK, entry);
        _cleanup_close_ int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void unmount_below(const Fsck *f, const char *dir)
{
        _cleanup_free_ char *text = NULL, *prefix = xasprintf("%s/%s/", f->store->root, dir);
        _cleanup_strv_ char **lines = NULL;

        if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", 64 * 1024 * 1024, &text, NULL) < 0)
                return;
        lines = strv_split(text, "\n");
        for (size_t n = strv_len(lines); n-- > 0;) {
                _cleanup_strv_ char **words = strv_split(lines[n], " ");
                if (strv_len(words) > 8 && str_startswith(words[4], prefix) && !strstr(lines[n], " zfs ") &&
                    !strstr(lines[n], "fuse.zfs"))
                        note((Fsck *)f, "mount", path_basename(words[4]), f->repair && sys_umount(words[4]) == 0,
                             "something is mounted at '%s'", words[4]);
        }
}

static void check_work(Fsck *f)
{
        _cleanup_strv_ char **names = NULL, **dead = NULL;

        if (dir_entries(f->store->root_fd, STORE_WORK, &names) < 0)
                return;
        STRV_FOREACH (name, names)
                if (is_dead(f->store, *name))
                        strv_push(&dead, *name);
        if (f->repair && dead)
                work_clear_debris(f->store);
        STRV_FOREACH (name, dead) {
                _cleanup_free_ char *path = path_join(STORE_WORK, *name), *machine = machine_of_work(*name);
                bool gone = faccessat(f->store->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
                note(f, "work", machine, gone, "a command that was killed left '%s/%s'", f->store->root, path);
        }
}

static void check_locks(Fsck *f)
{
        _cleanup_strv_ char **names = NULL;

        (void)dir_entries(f->store->root_fd, ".", &names);
        STRV_FOREACH (name, names) {
                const char *end = str_endswith(*name, ".lck"), *begin = str_startswith(*name, ".#");
                if (!end || !begin || end <= begin)
                        continue;
                _cleanup_free_ char *image = xstrndup(begin, (size_t)(end - begin)), *machine = entry_name(image);
                _cleanup_close_ int fd = sys_lock_at(f->store->root_fd, *name, true, false);
                if (fd >= 0)
                        note(f, "lock", machine, f->repair && unlinkat(f->store->root_fd, *name, 0) == 0,
                             "the lock '%s/%s' is held by nobody", f->store->root, *name);
        }
}

/* ---- layers ---- */

static void check_layers(Fsck *f)
{
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_strv_ char **unused = NULL;
        _cleanup_close_ int hold = -1;

        if (f->repair) {
                hold = store_hold(f->store, NULL);
                if (hold >= 0)
                        (void)work_begin(f->store, "fsck", &w, NULL);
        }
        if (layers_unused(f->store, &unused) < 0)
                return;
        bool collected = unused && w.path && layers_collect(f->store, &w) == 0;
        STRV_FOREACH (id, unused)
                note(f, "layer", *id, collected, "no machine, snapshot or image uses the layer '%s/" STORE_LAYERS "/%s'",
                     f->store->root, *id);
        hold = fd_close(hold);
}

static void check_stack(Fsck *f, const StoreImage *i)
{
        STRV_FOREACH (layer, i->layers)
                if (access(*layer, F_OK) < 0)
                        note(f, "layer", i->name, false, "'%s' lacks its layer '%s': what was only there is lost", i->name,
                             *layer);
}

/* ---- machines, images, snapshots ---- */

static void check_mounted(Fsck *f, StoreImage *i)
{
        if (i->driver != STORE_ZFS || i->directory || i->locked || strchr(i->dataset, '@'))
                return;
        note(f, "mount", i->name, f->repair && store_ready(f->store, i, false, NULL) == 0, "the dataset '%s' is not mounted",
             i->dataset);
}

static void check_writable_snapshot(Fsck *f, const StoreImage *i)
{
        if (i->driver != STORE_BTRFS)
                return;
        SysSubvolume v;
        _cleanup_close_ int fd = open(i->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && sys_subvolume_info(fd, &v) == 0 && !v.read_only)
                note(f, "snapshot", i->name, f->repair && sys_subvolume_set_read_only(fd, true) == 0,
                     "the snapshot '%s' is not marked read-only", i->name);
}

/* Of a name that can be one. */
static void check_entry(Fsck *f, const char *dir, const char *entry, bool snapshot)
{
        _cleanup_(store_image_done) StoreImage i = {0};
        _cleanup_free_ char *name = entry_name(entry);
        Error e = {0};
        int r = image_load(f->store, dir, name, &i, &e);

        if (r < 0) {
                note(f, "image", name, false, "'%s/%s/%s' cannot be used: %s", f->store->root, dir, entry,
                     r == -ENOENT ? "it is no image of any driver" : e.message);
                return;
        }
        if (!str_eq(path_basename(i.path), entry)) {
                note(f, "image", name, false, "'%s/%s' is hidden by '%s', which has the same name", f->store->root, entry,
                     i.path);
                return;
        }
        check_stack(f, &i);
        check_mounted(f, &i);
        if (snapshot)
                check_writable_snapshot(f, &i);
}

static void check_directory(Fsck *f, const char *dir, bool snapshots)
{
        _cleanup_strv_ char **names = NULL;
        struct stat st;

        (void)dir_entries(f->store->root_fd, dir, &names);
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *path = path_join(dir, *name), *bare = entry_name(*name);
                bool sensible = str_eq(dir, ".") ? name_check_machine(bare, NULL) == 0 : **name != '.';
                if (sensible && fstatat(f->store->root_fd, path, &st, 0) == 0 &&
                    (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && str_endswith(*name, ".raw"))))
                        check_entry(f, dir, *name, snapshots);
        }
}

static void check_snapshots(Fsck *f)
{
        _cleanup_strv_ char **machines = NULL;

        (void)dir_entries(f->store->root_fd, STORE_SNAPSHOTS, &machines);
        STRV_FOREACH (name, machines) {
                _cleanup_free_ char *dir = path_join(STORE_SNAPSHOTS, *name);
                _cleanup_(store_image_done) StoreImage i = {0};
                check_directory(f, dir, true);
                if (image_load(f->store, ".", *name, &i, NULL) != -ENOENT)
                        continue;
                if (file_dir_is_empty_at(f->store->root_fd, dir) == 1) {
                        note(f, "snapshot", *name, f->repair && unlinkat(f->store->root_fd, dir, AT_REMOVEDIR) == 0,
                             "'%s/%s' is left of a machine that is gone", f->store->root, dir);
                        continue;
                }
                note(f, "snapshot", *name, false,
                     "'%s/%s' has snapshots of a machine that is gone; a new machine of this name would drop them: copy what you "
                     "need, "
                     "and remove it",
                     f->store->root, dir);
        }
}

int store_fsck(Store *s, bool repair, StoreProblems *ret, Error *e)
{
        Fsck f = {.store = s, .repair = repair, .found = ret};

        *ret = (StoreProblems){0};
        unmount_below(&f, STORE_WORK);
        check_locks(&f);
        check_layers(&f);
        check_work(&f); /* last of these, as its repair clears them, too */
        check_directory(&f, ".", false);
        check_directory(&f, STORE_IMAGES, false);
        check_snapshots(&f);
        return 0;
}
