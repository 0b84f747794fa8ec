/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The store's verbs for store.bats, without the rest of berth: store-tool VERB ROOT [ARGUMENT…] */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"
#include "base/str.h"
#include "store/store.h"
#include "sys/copy.h"

static int find(Store *s, const char *name, StoreImage *ret, Error *e)
{
        const char *at = strchr(name, '@');
        char machine[128];

        if (str_startswith(name, "image:"))
                return store_find(s, STORE_IMAGE, name + strlen("image:"), ret, e);
        if (!at)
                return store_find(s, STORE_MACHINE, name, ret, e);
        snprintf(machine, sizeof(machine), "%.*s", (int)(at - name), name);
        return store_find_snapshot(s, machine, at + 1, ret, e);
}

/* ROOT NAME DRIVER TREE [replace]: NAME may be image:KEY; DRIVER may be "default" */
static int do_create(Store *s, char **args, Error *e)
{
        StoreKind kind = str_startswith(args[0], "image:") ? STORE_IMAGE : STORE_MACHINE;
        const char *name = kind == STORE_IMAGE ? args[0] + strlen("image:") : args[0];
        StoreDriverId driver = store_default_driver(s);
        StoreBuild b;
        int r = str_eq(args[1], "default") ? 0 : store_driver_from_name(args[1], &driver, e);

        if (r == 0)
                r = store_build_begin(s, kind, name, driver, &b, e);

        if (r < 0)
                return r;
        char *command = NULL;
        if (asprintf(&command, "cp -a '%s/.' '%s'", args[2], b.path) < 0)
                return -ENOMEM;
        r = system(command) == 0 ? 0 : error_set(e, -EIO, "cp failed");
        free(command);
        if (r == 0)
                r = store_build_commit(&b, str_eq(args[3], "replace"), e);
        store_build_abort(&b);
        return r;
}

/* Stands for a machine that writes: what it is told to stop is the process ctx points to. */
static int freeze(void *ctx, bool on, Error *e)
{
        pid_t pid = (pid_t)atoi(ctx);

        printf("%s\n", on ? "freeze" : "thaw");
        return pid > 0 && kill(pid, on ? SIGSTOP : SIGCONT) < 0 ? error_sys(e, -errno, "kill") : 0;
}

static void warn(void *ctx, const Event *event)
{
        if (event->kind == EVENT_WARNING)
                printf("warning: %s\n", event->text);
}

/* ROOT NAME NEW [running PID] */
static int copy(Store *s, char **args, bool snapshot, Error *e)
{
        StoreQuiesce q = {.running = str_eq(args[2], "running"), .freeze = freeze, .ctx = args[3]};
        Events events = {.func = warn};
        StoreImage i = {0};
        int r = find(s, args[0], &i, e);

        if (r == 0)
                r = snapshot ? store_snapshot(s, &i, args[1], &q, &events, e) : store_clone(s, &i, args[1], &q, NULL, &events, e);
        store_image_done(&i);
        return r;
}

static int do_clone(Store *s, char **args, Error *e)
{
        return copy(s, args, false, e);
}
static int do_snapshot(Store *s, char **args, Error *e)
{
        return copy(s, args, true, e);
}

static int do_rollback(Store *s, char **args, Error *e)
{
        StoreImage i = {0};
        int r = find(s, args[0], &i, e);

        if (r == 0)
                r = store_rollback(s, &i, args[1], e);
        store_image_done(&i);
        return r;
}

static int do_remove(Store *s, char **args, Error *e)
{
        char machine[128], *at = strchr(args[0], '@');
        StoreImage i = {0};

        if (at) {
                snprintf(machine, sizeof(machine), "%.*s", (int)(at - args[0]), args[0]);
                return store_snapshot_remove(s, machine, at + 1, e);
        }
        int r = find(s, args[0], &i, e);
        if (r == 0)
                r = store_remove(s, &i, e);
        store_image_done(&i);
        return r;
}

static int do_rename(Store *s, char **args, Error *e)
{
        StoreImage i = {0};
        int r = find(s, args[0], &i, e);

        if (r == 0)
                r = store_rename(s, &i, args[1], e);
        store_image_done(&i);
        return r;
}

/* ROOT NAME DRIVER [without] */
static int do_convert(Store *s, char **args, Error *e)
{
        Events events = {.func = warn};
        StoreDriverId driver;
        StoreImage i = {0};
        int r = store_driver_from_name(args[1], &driver, e);

        if (r == 0)
                r = find(s, args[0], &i, e);
        if (r == 0)
                r = store_convert(s, &i, driver, !args[2], &events, e);
        store_image_done(&i);
        return r;
}

/* ROOT NAME NEW DRIVER */
static int do_copy(Store *s, char **args, Error *e)
{
        StoreDriverId driver;
        StoreImage i = {0};
        int r = store_driver_from_name(args[2], &driver, e);

        if (r == 0)
                r = find(s, args[0], &i, e);
        if (r == 0)
                r = store_copy(s, &i, args[1], driver, NULL, NULL, NULL, e);
        store_image_done(&i);
        return r;
}

static int do_flatten(Store *s, char **args, Error *e)
{
        StoreImage i = {0};
        int r = find(s, args[0], &i, e);

        if (r == 0)
                r = store_flatten(s, &i, NULL, e);
        store_image_done(&i);
        return r;
}

/* ROOT NAME yes|no */
static int do_read_only(Store *s, char **args, Error *e)
{
        StoreImage i = {0};
        int r = find(s, args[0], &i, e);

        if (r == 0)
                r = store_read_only(s, &i, str_eq(args[1], "yes"), e);
        store_image_done(&i);
        return r;
}

/* ROOT NAME BYTES|none; prints used, exclusive and limit without an argument */
static int do_limit(Store *s, char **args, Error *e)
{
        StoreImage i = {0};
        StoreUsage u;
        int r = find(s, args[0], &i, e);

        if (r == 0 && args[1])
                r = store_set_limit(s, &i, str_eq(args[1], "none") ? STORE_UNKNOWN : strtoull(args[1], NULL, 10), e);
        else if (r == 0) {
                store_usage(s, &i, &u);
                printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", (int64_t)u.used, (int64_t)u.exclusive, (int64_t)u.limit);
        }
        store_image_done(&i);
        return r;
}

static int do_list(Store *s, char **args, Error *e)
{
        StoreImage *v = NULL;
        size_t n = 0;
        int r = store_list(s, str_eq(args[0], "images") ? STORE_IMAGE : STORE_MACHINE, &v, &n, e);

        for (size_t i = 0; r == 0 && i < n; i++)
                printf("%s %s %s\n", v[i].name, store_driver_name(v[i].driver), v[i].read_only ? "ro" : "rw");
        store_images_free(v, n);
        return r;
}

static int do_snapshots(Store *s, char **args, Error *e)
{
        StoreSnapshot *v = NULL;
        size_t n = 0;
        int r = store_snapshots(s, args[0], &v, &n, e);

        for (size_t i = 0; r == 0 && i < n; i++)
                printf("%s%s", v[i].name, i + 1 < n ? " " : "\n");
        store_snapshots_free(v, n);
        return r;
}

/* Shell assignments, for mounting it by hand. */
static int do_show(Store *s, char **args, Error *e)
{
        StoreImage i = {0};
        int r = find(s, args[0], &i, e);

        if (r < 0)
                return r;
        printf("driver=%s\npath=%s\ncreated=%" PRIu64 "\nupper=%s\nwork=%s\nlower=", store_driver_name(i.driver), i.path,
               i.created_usec, i.upper ? i.upper : "", i.work ? i.work : "");
        for (char **l = i.layers; l && *l; l++)
                printf("%s%s", l == i.layers ? "" : ":", *l);
        printf("\n");
        store_image_done(&i);
        return 0;
}

/* ROOT NAME PATH: the file as the image shows it */
static int do_cat(Store *s, char **args, Error *e)
{
        char buf[65536];
        ssize_t n;
        StoreImage i = {0};
        int r = find(s, args[0], &i, e);

        if (r < 0)
                return r;
        _cleanup_close_ int fd = store_image_open(&i, args[1], O_RDONLY);
        store_image_done(&i);
        if (fd < 0)
                return error_sys(e, fd, "open '%s'", args[1]);
        while ((n = read(fd, buf, sizeof(buf))) > 0)
                fwrite(buf, 1, (size_t)n, stdout);
        return n < 0 ? error_sys(e, -errno, "read '%s'", args[1]) : 0;
}

static void dump_files(const StoreImage *i, char **files)
{
        for (char **f = files; *f; f++) {
                char text[64];
                _cleanup_close_ int fd = store_image_open(i, *f, O_RDONLY);
                ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
                printf(" %s=%.*s", *f, n < 0 ? 1 : (int)strcspn(text, "\n"), n < 0 ? "-" : text);
        }
        printf("\n");
}

static int dump_snapshots(Store *s, const char *name, char **files, Error *e)
{
        StoreSnapshot *v = NULL;
        size_t n = 0;
        int r = store_snapshots(s, name, &v, &n, e);

        for (size_t k = 0; r == 0 && k < n; k++) {
                StoreImage i = {0};
                r = store_find_snapshot(s, name, v[k].name, &i, e);
                if (r < 0)
                        break;
                printf("%s %s", i.name, store_driver_name(i.driver));
                dump_files(&i, files);
                store_image_done(&i);
        }
        store_snapshots_free(v, n);
        return r;
}

/* ROOT FILE…: one line for every machine, image and snapshot, with the first line of each file as it shows it */
static int do_dump(Store *s, char **args, Error *e)
{
        int r = 0;

        for (StoreKind kind = STORE_MACHINE; r == 0 && kind <= STORE_IMAGE; kind++) {
                StoreImage *v = NULL;
                size_t n = 0;
                r = store_list(s, kind, &v, &n, e);
                for (size_t i = 0; r == 0 && i < n; i++) {
                        printf("%s%s %s", kind == STORE_IMAGE ? "image:" : "", v[i].name, store_driver_name(v[i].driver));
                        dump_files(&v[i], args);
                        if (kind == STORE_MACHINE)
                                r = dump_snapshots(s, v[i].name, args, e);
                }
                store_images_free(v, n);
        }
        return r;
}

/* ROOT NAME [shared]: prints "locked" and keeps the lock until stdin ends */
static int do_lock(Store *s, char **args, Error *e)
{
        StoreImage i = {0};
        StoreLock lock = STORE_LOCK_NONE;
        char c;
        int r = find(s, args[0], &i, e);

        if (r == 0)
                r = store_lock(s, &i, !str_eq(args[1], "shared"), &lock, e);
        store_image_done(&i);
        if (r < 0)
                return r;
        printf("locked\n");
        fflush(stdout);
        while (read(STDIN_FILENO, &c, 1) > 0)
                ;
        store_unlock(&lock);
        return 0;
}

static int do_default(Store *s, char **args, Error *e)
{
        printf("%s\n", store_driver_name(store_default_driver(s)));
        return 0;
}

static const struct {
        const char *name;
        int (*run)(Store *s, char **args, Error *e);
        int args;
} verbs[] = {
                {"create", do_create, 3},       {"clone", do_clone, 2},         {"snapshot", do_snapshot, 2},
                {"rollback", do_rollback, 2},   {"remove", do_remove, 1},       {"list", do_list, 0},
                {"snapshots", do_snapshots, 1}, {"show", do_show, 1},           {"cat", do_cat, 2},
                {"lock", do_lock, 1},           {"default", do_default, 0},     {"dump", do_dump, 0},
                {"convert", do_convert, 2},     {"copy", do_copy, 3},           {"flatten", do_flatten, 1},
                {"rename", do_rename, 2},       {"read-only", do_read_only, 2}, {"limit", do_limit, 1},
};

int main(int argc, char **argv)
{
        char *args[8] = {0};
        Store *s = NULL;
        Error e = {0};

        for (int i = 3; i < argc && i - 3 < (int)ELEMENTSOF(args) - 1; i++)
                args[i - 3] = argv[i];
        for (size_t i = 0; argc >= 3 && i < ELEMENTSOF(verbs); i++) {
                if (!str_eq(argv[1], verbs[i].name) || argc - 3 < verbs[i].args)
                        continue;
                int r = store_open(argv[2], &s, &e);
                if (r == 0)
                        r = verbs[i].run(s, args, &e);
                store_close(s);
                if (r < 0)
                        fprintf(stderr, "%s\n", e.message);
                return r < 0;
        }
        fprintf(stderr, "usage: store-tool VERB ROOT [ARGUMENT...]\n");
        return 2;
}
