/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-target.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-disk.h"
#include "machine/run-network.h"
#include "machine/run-registry.h"
#include "machine/run-version.h"
#include "machine/run-wants.h"
#include "store/disk.h"

/* ---- open ---- */

/* A machine name from the last component of a path: what no host name may hold goes, as systemd-nspawn does. */
static char *name_of_path(const char *path)
{
        char *name = xstrdup(path_basename(path)), *to = name;
        for (const char *from = name; *from && to - name < 64; from++)
                if (isalnum((unsigned char)*from) ||
                    ((*from == '-' || *from == '.') && to > name && isalnum((unsigned char)to[-1])))
                        *to++ = *from;
        while (to > name && !isalnum((unsigned char)to[-1]))
                to--;
        *to = '\0';
        return name;
}

/* The host's own tree goes by its name. */
static const char *named_after(const char *path, char host[static 65])
{
        return str_eq(path, "/") && gethostname(host, 64) == 0 ? host : path;
}

static int open_stack(Target *t, const char *path, Error *e)
{
        char real[PATH_MAX];

        if (!realpath(path, real))
                return error_sys(e, -errno, "cannot open the stack '%s'", path);
        int r = store_stack_at(real, &t->image, e);
        if (r >= 0)
                t->name = spec_is_set(&t->spec, SPEC_FIELD_MACHINE) ? xstrdup(t->spec.machine) : name_of_path(t->image.name);
        return r;
}

static int open_directory(Target *t, Error *e)
{
        char real[PATH_MAX], host[65] = "";
        if (!realpath(t->spec.directory, real))
                return error_sys(e, -errno, "cannot open directory '%s'", t->spec.directory);
        if (str_endswith(real, ".mstack"))
                return open_stack(t, real, e);
        _cleanup_close_ int fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot open directory '%s'", t->spec.directory);
        const char *after = t->spec.oci_bundle ?: named_after(real, host); /* the roots of bundles are all called alike */
        t->name = spec_is_set(&t->spec, SPEC_FIELD_MACHINE) ? xstrdup(t->spec.machine) : name_of_path(after);
        t->image = (StoreImage){
                        .name = xstrdup(t->name),
                        .driver = STORE_DIRECTORY,
                        .path = xstrdup(real),
                        .directory = xstrdup(real),
                        .dev = st.st_dev,
                        .ino = st.st_ino,
        };
        return 0;
}

static int open_disk(Target *t, Error *e)
{
        char real[PATH_MAX];
        struct stat st;

        if (!realpath(t->spec.image, real) || stat(real, &st) < 0)
                return error_sys(e, -errno, "cannot open the disk image '%s'", t->spec.image);
        if (!store_is_disk(real))
                return error_set(e, -EINVAL, "'%s' is no disk image, neither a file nor a block device%s", t->spec.image,
                                 S_ISDIR(st.st_mode) ? "; use --directory" : "");
        _cleanup_free_ char *cut = xstrndup(real, strlen(real) - (str_endswith(real, ".raw") ? strlen(".raw") : 0));
        t->name = spec_is_set(&t->spec, SPEC_FIELD_MACHINE) ? xstrdup(t->spec.machine) : name_of_path(cut);
        t->image = (StoreImage){
                        .name = xstrdup(t->name),
                        .driver = STORE_RAW,
                        .path = xstrdup(real),
                        .disk = true,
                        .dev = st.st_dev,
                        .ino = st.st_ino,
        };
        return 0;
}

/* NAME@SNAPSHOT: an old state beside the machine as it is, under a name and with an identity of its own; its changes are thrown away. */
static int open_snapshot(Target *t, const char *at, Error *e)
{
        _cleanup_free_ char *name = xstrndup(t->spec.machine, (size_t)(at - t->spec.machine)), *part = name_of_path(at + 1);
        uint32_t random;
        int r = machine_check_name(name, e);

        if (r >= 0)
                r = store_open(t->host->machines_dir, &t->store, e);
        if (r >= 0)
                r = store_find_snapshot(t->store, name, at + 1, &t->image, e);
        if (r < 0)
                return r;
        if (!t->image.dataset && !store_can_carry_overlay(t->store))
                return error_set(e, -EOPNOTSUPP,
                                 "a snapshot of '%s' cannot be booted beside it: that takes an overlay; clone it instead", name);
        hash_random(&random, sizeof(random));
        t->name = xasprintf("%.32s-%.20s-%08x", name, part, random);
        t->snapshot_of = TAKE_PTR(name);
        t->image.read_only = false; /* by itself: what is written goes elsewhere */
        t->spec.ephemeral = true;
        spec_mark(&t->spec, SPEC_FIELD_EPHEMERAL, "NAME@SNAPSHOT");
        free(t->spec.machine);
        t->spec.machine = xstrdup(t->name);
        return 0;
}

static int open_machine(Target *t, Error *e)
{
        const char *at = spec_is_set(&t->spec, SPEC_FIELD_MACHINE) ? strchr(t->spec.machine, '@') : NULL;
        if (at)
                return open_snapshot(t, at, e);
        if (!spec_is_set(&t->spec, SPEC_FIELD_MACHINE))
                return error_set(e, -EINVAL, "no machine is named: give a NAME, or a tree with --directory=PATH");
        t->name = xstrdup(t->spec.machine);
        int r = machine_check_name(t->name, e);
        if (r >= 0)
                r = store_open(t->host->machines_dir, &t->store, e);
        if (r < 0)
                return r;
        r = store_find(t->store, STORE_MACHINE, t->name, &t->image, e);
        return r < 0 ? r : store_ready(t->store, &t->image, isatty(STDIN_FILENO), e);
}

/* Of a machine that is made at its start: for its plan, the template stands for it. */
static int open_template(Target *t, Error *e)
{
        const MachineSpec *s = &t->spec;
        char *directory = t->spec.directory;
        _cleanup_free_ char *name = s->machine ? xstrdup(s->machine) : name_of_path(s->directory);

        t->spec.directory = s->template;
        int r = open_directory(t, e);
        t->spec.directory = directory;
        free(t->name);
        t->name = TAKE_PTR(name);
        return r;
}

/* Throw-away copies of one tree have names of their own, as systemd-nspawn gives them. */
static void add_suffix(Target *t)
{
        uint64_t random;
        hash_random(&random, sizeof(random));
        char *name = xasprintf("%.47s-%016llx", t->name, (unsigned long long)random);
        free(t->name);
        t->name = name;
}

static int pick(Target *t, char **path, Error *e)
{
        char *newest, *name;
        int r = *path ? version_pick(*path, &newest, &name, e) : 0;

        if (r <= 0)
                return r;
        free(*path);
        *path = newest;
        if (!spec_is_set(&t->spec, SPEC_FIELD_MACHINE) && !t->versions_of)
                t->versions_of = name;
        else
                free(name);
        return 0;
}

/* A machine may be versions too: NAME.v, NAME.raw.v or NAME.mstack.v in the store. */
static void find_versions(Target *t)
{
        static const struct {
                const char *suffix;
                SpecField field;
        } kinds[] = {{".v", SPEC_FIELD_DIRECTORY}, {".raw.v", SPEC_FIELD_IMAGE}, {".mstack.v", SPEC_FIELD_MSTACK}};

        for (size_t i = 0; t->spec.machine && i < ELEMENTSOF(kinds); i++) {
                _cleanup_free_ char *path = xasprintf("%s/%s%s", t->host->machines_dir, t->spec.machine, kinds[i].suffix);
                if (access(path, F_OK) < 0)
                        continue;
                char **member = kinds[i].field == SPEC_FIELD_DIRECTORY ? &t->spec.directory
                                : kinds[i].field == SPEC_FIELD_IMAGE   ? &t->spec.image
                                                                       : &t->spec.mstack;
                *member = TAKE_PTR(path);
                spec_mark(&t->spec, kinds[i].field, "the machine's versions");
                return;
        }
}

static int pick_versions(Target *t, Error *e)
{
        MachineSpec *s = &t->spec;

        if (!s->directory && !s->image && !s->mstack)
                find_versions(t);
        int r = pick(t, &s->directory, e);
        if (r >= 0)
                r = pick(t, &s->image, e);
        return r < 0 ? r : pick(t, &s->mstack, e);
}

static int open_target(Target *t, MachineSpec *spec, Error *e)
{
        spec_merge(&t->spec, spec); /* the command line alone, to know what is meant */
        int r = plan_check_conflicts(&t->spec, e);
        if (r >= 0)
                r = target_read_bundle(t, e);
        if (r >= 0 && t->spec.template && !t->spec.directory && !t->spec.machine)
                r = error_set(e, -EINVAL, "--template needs --directory or --machine: what is made from it");
        if (r >= 0)
                r = pick_versions(t, e);
        if (r >= 0)
                r = target_is_missing(t->host, &t->spec)          ? open_template(t, e)
                    : spec_is_set(&t->spec, SPEC_FIELD_IMAGE)     ? open_disk(t, e)
                    : spec_is_set(&t->spec, SPEC_FIELD_MSTACK)    ? open_stack(t, t->spec.mstack, e)
                    : spec_is_set(&t->spec, SPEC_FIELD_DIRECTORY) ? open_directory(t, e)
                                                                  : open_machine(t, e);
        if (r < 0)
                return r;
        if (t->versions_of) {
                free(t->name);
                t->name = name_of_path(t->versions_of);
        }
        if (!path_machine_name_is_valid(t->name))
                return error_set(e, -EINVAL, "no machine name can be made of '%s'; give one with --machine=NAME",
                                 t->spec.directory ?: t->spec.image ?: t->spec.mstack ?: t->name);

        r = spec_is_set(&t->spec, SPEC_FIELD_BUNDLE) ? 0
                                                     : target_merge_settings(t, e); /* no settings file, no defaults of ours */
        if (t->spec.ephemeral && !spec_is_set(&t->spec, SPEC_FIELD_MACHINE))
                add_suffix(t);
        if (t->verb == MACHINE_START) { /* nobody looks at it: the console goes to the log */
                t->spec.console = SPEC_CONSOLE_PASSIVE;
                spec_mark(&t->spec, SPEC_FIELD_CONSOLE, "berth start");
        }
        if (!t->image.disk) /* a disk is looked into when nobody else can have it */
                machine_image_os(&t->image, &t->os);
        return r;
}

int target_open(const MachineHost *h, MachineVerb verb, MachineSpec *spec, Target *ret, Error *e)
{
        *ret = (Target)TARGET_NONE;
        ret->host = h;
        ret->verb = verb;
        spec_init(&ret->spec);
        int r = open_target(ret, spec, e);
        if (r < 0)
                target_release(ret);
        return r;
}

/* ---- plan ---- */

static void know_delegated(const Target *t, HostFacts *f)
{
        for (uint32_t i = 0; i < t->spec.users_delegate; i++) {
                _cleanup_free_ char *name = machine_range_delegated(t->name, i);
                f->delegated[i] = i < t->n_delegated ? t->delegated[i].base : machine_range_peek(t->host, name);
        }
}

static int plan_once(Target *t, MachinePlan *ret, Error *e)
{
        HostFacts f = {0};
        machine_facts_host(t->host, &f);
        int r = target_disk_open(t, e);
        if (r >= 0)
                r = machine_facts_image(&t->image, &t->spec, &f, e);
        if (r >= 0)
                r = machine_facts_wanted(t, &f, e);
        if (r >= 0 && t->record_lock >= 0)
                r = target_link_journal(t, &f, e);
        if (r >= 0) {
                f.machine_name = xstrdup(t->name);
                know_delegated(t, &f);
                f.id_base = t->range.base ?: machine_range_peek(t->host, t->name);
                if (t->verb == MACHINE_START && t->spec.boot && !spec_is_set(&t->spec, SPEC_FIELD_NOTIFY_READY)) {
                        t->spec.notify_ready =
                                        f.init_kind == INIT_SYSTEMD; /* it says when it is up; others are up once executed */
                        spec_mark(&t->spec, SPEC_FIELD_NOTIFY_READY, "default of berth start");
                }
                f.disk = t->disk;
                t->disk = (FactDisk){0};
                r = plan_build(&t->spec, &f, ret, e);
        }
        facts_done(&f);
        target_disk_close(t); /* before the machine itself mounts it */
        STRV_FOREACH (w, r >= 0 ? ret->warnings : NULL)
                events_warning(&t->host->events, "%s", *w);
        return r;
}

int target_plan(Target *t, MachinePlan *ret, Error *e)
{
        for (unsigned tries = 0;; tries++) {
                int r = plan_once(t, ret, e);
                if (r >= 0 && t->record_lock >= 0)
                        r = machine_network_reserve(t->host, ret, e);
                else
                        return r;
                if (r == 0)
                        return 0;
                plan_done(ret);
                if (r != -EEXIST || tries >= 16) /* another machine was faster: the next address */
                        return r;
        }
}

int machine_plan(const MachineHost *h, MachineVerb verb, MachineSpec *spec, MachinePlan *ret, Error *e)
{
        Target t;
        int r = target_open(h, verb, spec, &t, e);
        if (r < 0)
                return r;
        r = target_plan(&t, ret, e);
        target_release(&t);
        return r;
}
