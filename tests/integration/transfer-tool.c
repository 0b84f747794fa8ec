/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transfer library from a shell, for transfer.bats.
 *
 *   transfer-tool fetch DIR   items on stdin, one a line: PATH SIZE SHA256|- LABEL URL; prints "done LABEL" as they complete
 *   transfer-tool unpack ROOT tar|deb|xpak|gpkg ID_BASE LIMIT FILE…    prints what each archive's report holds
 *   transfer-tool pull DIR ROOT                              fetches packages and unpacks them as they arrive
 *   transfer-tool clearsigned FILE KEYRING…                  prints the signed text
 *   transfer-tool detached FILE SIGNATURE KEYRING…
 *   transfer-tool gpkg FILE any|signed KEYRING…             prints "signed" or "not signed"
 *   transfer-tool decompress FILE LIMIT                      prints the content */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "transfer/gpkg.h"
#include "transfer/transfer.h"

static int fetched(void *ctx, const FetchItem *item, Error *e)
{
        printf("done %s\n", item->label);
        fflush(stdout);
        return 0;
}

static void show(void *ctx, const Event *event)
{
        if (event->kind == EVENT_PROGRESS)
                printf("progress %" PRIu64 " %" PRIu64 "\n", event->done, event->total);
        else
                printf("event %s\n", event->text);
        fflush(stdout);
}

static const Events *chosen_events(void)
{
        static const Events events = {.func = show};

        return getenv("EVENTS") ? &events : NULL;
}

static int read_items(FetchItem **ret, size_t *ret_n, Error *e)
{
        struct {
                FetchItem *items;
                size_t n;
        } v = {};
        char path[256], sha[256], label[256], url[1024];
        uint64_t size;

        while (scanf("%255s %" SCNu64 " %255s %255s %1023s", path, &size, sha, label, url) == 5) {
                FetchItem *i = vec_push(&v);
                *i = (FetchItem){.url = xstrdup(url), .path = xstrdup(path), .size = size, .label = xstrdup(label)};
                if (!str_eq(sha, "-") && digest_parse(DIGEST_SHA256, sha, &i->digest) < 0)
                        return error_set(e, -EINVAL, "bad digest '%s'", sha);
        }
        *ret = v.items;
        *ret_n = v.n;
        return 0;
}

static void free_items(FetchItem *items, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free((char *)items[i].url);
                free((char *)items[i].path);
                free((char *)items[i].label);
        }
        free(items);
}

static int fetch(char **argv, Error *e)
{
        const char *retries = getenv("RETRIES"), *stall = getenv("STALL");
        FetchItem *items = NULL;
        size_t n = 0;
        _cleanup_close_ int dir = open(argv[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = dir < 0 ? error_sys(e, -errno, "%s", argv[0]) : read_items(&items, &n, e);
        FetchOptions o = {.dirfd = dir,
                          .retries = retries ? (unsigned)atoi(retries) : 3,
                          .stall_timeout_s = stall ? (unsigned)atoi(stall) : 0,
                          .no_cache = getenv("NO_CACHE") != NULL,
                          .events = chosen_events(),
                          .watch_fd = -1,
                          .done = fetched};

        if (r >= 0)
                r = fetch_all(items, n, &o, e);
        free_items(items, n);
        return r;
}

static int unpacked(void *ctx, const UnpackJob *job, UnpackResult *result, Error *e)
{
        if (getenv("QUIET"))
                return 0;
        printf("archive %s bytes %" PRIu64 "\n", job->label, result->bytes);
        for (size_t i = 0; i < result->n_control; i++)
                printf("control %s %04o %zu\n", result->control[i].name, (unsigned)result->control[i].mode,
                       result->control[i].len);
        STRV_FOREACH (p, result->paths)
                printf("path %s\n", *p);
        STRV_FOREACH (d, result->conffile_digests)
                printf("conffile %s\n", *d);
        STRV_FOREACH (line, result->contents)
                printf("contents %s\n", *line);
        fflush(stdout);
        return 0;
}

static int unpack_files(Unpack *u, UnpackFormat format, char **files, Error *e)
{
        STRV_FOREACH (f, files) {
                int fd = str_eq(*f, "-") ? 0 : open(*f, O_RDONLY | O_CLOEXEC); /* open until the process ends, as the job wants */
                if (fd < 0)
                        return error_sys(e, -errno, "%s", *f);
                const char *slash = strrchr(*f, '/');
                UnpackJob job = {.format = format, .fd = fd, .label = slash ? slash + 1 : *f};
                int r = unpack_submit(u, &job, e);
                if (r < 0)
                        return r;
        }
        return unpack_finish(u, e);
}

static int unpack(char **argv, Error *e)
{
        _cleanup_close_ int root = open(argv[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
        __attribute__((cleanup(unpack_closep))) Unpack *u = NULL;
        UnpackOptions o = {.root_dirfd = root,
                           .id_base = (uint32_t)strtoul(argv[2], NULL, 10),
                           .limit_bytes = strtoull(argv[3], NULL, 10),
                           .done = unpacked};
        int r = root < 0 ? error_sys(e, -errno, "%s", argv[0]) : unpack_open(&o, &u, e);

        static const char *const formats[] = {
                        [UNPACK_TAR] = "tar", [UNPACK_DEB] = "deb", [UNPACK_XPAK] = "xpak", [UNPACK_GPKG] = "gpkg"};
        for (UnpackFormat f = 0; r >= 0 && f < _UNPACK_FORMAT_MAX; f++)
                if (str_eq(argv[1], formats[f]))
                        return unpack_files(u, f, argv + 4, e);
        return r < 0 ? r : error_set(e, -EINVAL, "unknown format '%s'", argv[1]);
}

typedef struct Pull {
        int dir;
        Unpack *unpack;
} Pull;

static int pull_fetched(void *ctx, const FetchItem *item, Error *e)
{
        Pull *p = ctx;
        UnpackJob job = {.format = UNPACK_DEB, .fd = -1, .dirfd = p->dir, .path = item->path, .label = item->label};

        printf("done %s\n", item->label);
        fflush(stdout);
        return unpack_submit(p->unpack, &job, e);
}

static int pull_watch(void *ctx, Error *e)
{
        return unpack_dispatch(((Pull *)ctx)->unpack, e);
}

static int pull_unpacked(void *ctx, const UnpackJob *job, UnpackResult *result, Error *e)
{
        printf("unpacked %s\n", job->label);
        fflush(stdout);
        return 0;
}

static int pull(char **argv, Error *e)
{
        _cleanup_close_ int dir = open(argv[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int root = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
        __attribute__((cleanup(unpack_closep))) Unpack *u = NULL;
        FetchItem *items = NULL;
        size_t n = 0;
        UnpackOptions uo = {.root_dirfd = root, .id_base = 1000000, .done = pull_unpacked};
        int r = unpack_open(&uo, &u, e);

        if (r >= 0)
                r = read_items(&items, &n, e);
        if (r >= 0) {
                Pull p = {.dir = dir, .unpack = u};
                FetchOptions fo = {.dirfd = dir,
                                   .parallel = 1,
                                   .done = pull_fetched,
                                   .watch_fd = unpack_fd(u),
                                   .watch = pull_watch,
                                   .ctx = &p};
                r = fetch_all(items, n, &fo, e);
        }
        if (r >= 0)
                r = unpack_finish(u, e);
        free_items(items, n);
        return r;
}

static int clearsigned(char **argv, Error *e)
{
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r = verify_clearsigned(argv[0], argv + 1, &text, &len, e);

        if (r >= 0)
                fwrite(text, 1, len, stdout);
        return r;
}

static int detached(char **argv, Error *e)
{
        return verify_detached(argv[0], argv[1], argv + 2, e);
}

static int decompress(char **argv, Error *e)
{
        _cleanup_close_ int fd = open(argv[0], O_RDONLY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r = fd < 0 ? error_sys(e, -errno, "%s", argv[0]) : decompress_file(fd, strtoull(argv[1], NULL, 10), &text, &len, e);

        if (r >= 0)
                fwrite(text, 1, len, stdout);
        return r;
}

static int gpkg(char **argv, Error *e)
{
        _cleanup_close_ int fd = open(argv[0], O_RDONLY | O_CLOEXEC);
        bool is_signed;
        int r = fd < 0 ? error_sys(e, -errno, "%s", argv[0])
                       : gpkg_verify(fd, argv + 2, str_eq(argv[1], "signed"), &is_signed, e);

        if (r >= 0)
                puts(is_signed ? "signed" : "not signed");
        return r;
}

typedef struct Verb {
        const char *name;
        int min_args;
        int (*run)(char **argv, Error *e);
} Verb;

static const Verb verbs[] = {
                {"fetch", 1, fetch},       {"unpack", 4, unpack},         {"pull", 2, pull}, {"clearsigned", 1, clearsigned},
                {"detached", 2, detached}, {"decompress", 2, decompress}, {"gpkg", 2, gpkg},
};

int main(int argc, char **argv)
{
        Error e = {};

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (argc >= 2 + verbs[i].min_args && str_eq(argv[1], verbs[i].name)) {
                        int r = verbs[i].run(argv + 2, &e);
                        if (r < 0)
                                fprintf(stderr, "%s\n", e.message);
                        return r < 0 ? 1 : 0;
                }
        fprintf(stderr, "usage: see the top of transfer-tool.c\n");
        return 2;
}
