/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/chroot.h"
#include "machine/run-facts.h"
#include "machine/run-range.h"
#include "machine/run-registry.h"
#include "store/disk.h"

#define HOST_RESOLV_CONF "/etc/resolv.conf"

typedef struct Chroot {
        const MachineHost *host;
        const MachineChroot *request;
        Store *store; /* NULL: a tree somewhere */
        StoreImage image;
        StoreLock lock;
} Chroot;

/* ---- what is to be entered ---- */

static int open_path(Chroot *c, const char *path, Error *e)
{
        char real[PATH_MAX];
        struct stat st;

        if (!realpath(path, real) || stat(real, &st) < 0)
                return error_sys(e, -errno, "cannot open '%s'", path);
        if (S_ISDIR(st.st_mode) && str_endswith(real, ".mstack"))
                return store_stack_at(real, &c->image, e);
        if (!S_ISDIR(st.st_mode))
                return error_set(e, -ENOTDIR, "'%s' is no directory; mount it first, or run it with 'berth run --image=%s'", path,
                                 path);
        c->image = (StoreImage){.name = xstrdup(path),
                                .driver = STORE_DIRECTORY,
                                .path = xstrdup(real),
                                .directory = xstrdup(real),
                                .dev = st.st_dev,
                                .ino = st.st_ino};
        return 0;
}

static int open_machine(Chroot *c, const char *name, Error *e)
{
        Machine running = {0};
        int r = machine_check_name(name, e);
        if (r >= 0)
                r = store_open(c->host->machines_dir, &c->store, e);
        if (r >= 0)
                r = store_find(c->store, STORE_MACHINE, name, &c->image, e);
        if (r < 0)
                return r;
        bool runs = machine_find(c->host, name, &running, NULL) >= 0;
        machine_done(&running);
        if (runs && !c->request->read_only)
                return error_set(e, -EBUSY, "machine '%s' is running: use 'berth shell %s', or --read-only to look at its files",
                                 name, name);
        if (c->image.disk)
                return error_set(e, -EOPNOTSUPP,
                                 "machine '%s' is a disk image: mount it and name the directory, or run it with 'berth run %s'",
                                 name, name);
        return 0;
}

static int open_image(Chroot *c, Error *e)
{
        const char *what = c->request->what;
        bool path = strchr(what, '/') || str_eq(what, ".") || str_eq(what, "..");
        int r = path ? open_path(c, what, e) : open_machine(c, what, e);

        if (r < 0 || c->request->read_only) /* who only looks needs no lock, and disturbs nobody */
                return r;
        if (c->image.read_only)
                return error_set(e, -EROFS, "'%s' is marked read-only: add --read-only, or lift it with 'berth read-only %s no'",
                                 what, what);
        return store_lock(c->store, &c->image, true, &c->lock, e);
}

/* A tree that was shifted to the range of its machine. */
static uint32_t shift_of(const Chroot *c)
{
        struct stat st;

        if (!c->image.directory || stat(c->image.directory, &st) < 0 || st.st_uid < RANGE_COUNT)
                return 0;
        return st.st_uid & ~(RANGE_COUNT - 1);
}

/* ---- the command ---- */

static bool has(const Chroot *c, const char *path)
{
        _cleanup_close_ int fd = store_image_open(&c->image, path, O_PATH);
        return fd >= 0;
}

/* root's, as its passwd says; a shell that is not there is none. */
static char *root_shell(const Chroot *c)
{
        _cleanup_free_ char *passwd = machine_image_text(&c->image, "/etc/passwd");
        _cleanup_strv_ char **lines = passwd ? strv_split(passwd, "\n") : NULL;

        STRV_FOREACH (line, lines) {
                const char *shell = str_startswith(*line, "root:") ? strrchr(*line, ':') + 1 : NULL;
                if (shell && shell[0] == '/' && has(c, shell))
                        return xstrdup(shell);
        }
        return xstrdup(has(c, "/bin/bash") ? "/bin/bash" : "/bin/sh");
}

/* The profile may be bash's, as Gentoo's is. What cannot be executed is named by the shell itself. */
static char **with_profile(const Chroot *c, char *const *command, char **ret_program)
{
        char **argv = NULL;

        *ret_program = xstrdup(has(c, "/bin/bash") ? "/bin/bash" : "/bin/sh");
        strv_push(&argv, *ret_program);
        strv_push(&argv, "-c");
        strv_push(&argv, "[ ! -r /etc/profile ] || . /etc/profile; exec \"$@\"");
        strv_push(&argv, "berth");
        strv_extend(&argv, command);
        return argv;
}

static char **login_shell(const Chroot *c, char **ret_program)
{
        char **argv = NULL;

        *ret_program = root_shell(c);
        strv_pushf(&argv, "-%s", strrchr(*ret_program, '/') + 1);
        return argv;
}

static char **clean_environment(const char *shell)
{
        const char *term = getenv("TERM");
        char **env = NULL;

        strv_push(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        strv_push(&env, "HOME=/root");
        strv_push(&env, "USER=root");
        strv_push(&env, "LOGNAME=root");
        strv_pushf(&env, "SHELL=%s", shell);
        if (term)
                strv_pushf(&env, "TERM=%s", term);
        return env;
}

/* Nothing is written to the tree, so there must be something to mount the file on. */
static void check_resolv_conf(const Chroot *c)
{
        _cleanup_close_ int fd = store_image_open(&c->image, "/etc/resolv.conf", O_PATH | O_NOFOLLOW);

        if (fd < 0 && access(HOST_RESOLV_CONF, R_OK) == 0)
                events_warning(&c->host->events,
                               "'%s' has no /etc/resolv.conf that the host's could be mounted on: names are not resolved in it",
                               c->image.name);
}

static int run(const Chroot *c, int *ret_status, Error *e)
{
        const MachineChroot *q = c->request;
        _cleanup_free_ char *program = NULL;
        bool login = !q->command || !q->command[0];
        _cleanup_strv_ char **argv = login ? login_shell(c, &program) : with_profile(c, q->command, &program);
        _cleanup_strv_ char **env = clean_environment(program);
        char resolv_conf[PATH_MAX]; /* of the host: often a link */

        check_resolv_conf(c);
        return engine_chroot(
                        &(EngineChroot){
                                        .name = q->what,
                                        .directory = c->image.directory,
                                        .layers = c->image.layers,
                                        .upper = c->image.upper,
                                        .work = c->image.work,
                                        .shift = shift_of(c),
                                        .read_only = q->read_only,
                                        .boot = q->boot,
                                        .resolv_conf = realpath(HOST_RESOLV_CONF, resolv_conf),
                                        .home = login ? "/root" : NULL,
                                        .argv = argv,
                                        .env = env,
                                        .program = program,
                        },
                        ret_status, e);
}

int machine_chroot(const MachineHost *h, const MachineChroot *request, int *ret_status, Error *e)
{
        Chroot c = {.host = h, .request = request, .lock = STORE_LOCK_NONE};
        int r = open_image(&c, e);
        if (r >= 0)
                r = run(&c, ret_status, e);
        store_unlock(&c.lock);
        store_image_done(&c.image);
        store_close(c.store);
        return r;
}
