/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --oci-bundle=: the bundle is read, and what of the host its resources need to know. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json-tree.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-target.h"
#include "machine/run-wants.h"
#include "spec/oci.h"
#include "sys/cgroup.h"

/* What says where the root is, which the bundle does. */
static int check_sources(const MachineSpec *s, Error *e)
{
        static const struct {
                SpecField field;
                const char *name;
        } sources[] = {{SPEC_FIELD_DIRECTORY, "--directory"},
                       {SPEC_FIELD_TEMPLATE, "--template"},
                       {SPEC_FIELD_IMAGE, "--image"},
                       {SPEC_FIELD_MSTACK, "--mstack"},
                       {SPEC_FIELD_ROOT_HASH, "--root-hash"}};

        for (size_t i = 0; i < ELEMENTSOF(sources); i++)
                if (spec_is_set(s, sources[i].field))
                        return error_set(e, -EINVAL, "--oci-bundle (%s) and %s (%s) exclude each other; leave one of them out",
                                         s->origin[SPEC_FIELD_OCI_BUNDLE], sources[i].name, s->origin[sources[i].field]);
        return 0;
}

int target_read_bundle(Target *t, Error *e)
{
        if (!spec_is_set(&t->spec, SPEC_FIELD_OCI_BUNDLE))
                return 0;
        if (t->host->rootless)
                return error_set(e, -EPERM, "--oci-bundle needs root: run it with sudo");
        int r = check_sources(&t->spec, e);
        if (r < 0)
                return r;
        _cleanup_free_ char *directory = realpath(t->spec.oci_bundle, NULL), *text = NULL;
        if (!directory)
                return error_sys(e, -errno, "cannot open bundle '%s'", t->spec.oci_bundle);
        _cleanup_free_ char *name = path_join(directory, "config.json");
        MachineSpec layers;
        size_t len;
        r = file_read_at(AT_FDCWD, name, JSON_TREE_BYTES, &text, &len);
        if (r < 0)
                return error_sys(e, r, "cannot read '%s'", name);
        spec_init(&layers);
        const SpecOciFile file = {.name = name, .text = text, .len = len, .directory = directory, .events = &t->host->events};
        r = spec_read_oci(&layers, &file, e);
        if (r >= 0 && !spec_is_set(&t->spec, SPEC_FIELD_PARAMETERS)) /* --as-pid2 alone would hide the command with its group */
                spec_set_parameters(&t->spec, layers.parameters, name);
        if (r >= 0)
                spec_merge(&layers, &t->spec);
        spec_done(r >= 0 ? &t->spec : &layers);
        if (r >= 0)
                t->spec = layers;
        return r;
}

/* ---- facts ---- */

/* "9:memory:/user.slice" of /proc/self/cgroup; the caller's group in a v1 hierarchy. */
static char *own_group(const char *text, const char *controller)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");

        STRV_FOREACH (line, lines) {
                char *names = strchr(*line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
                if (!path)
                        continue;
                *path++ = '\0';
                _cleanup_strv_ char **list = strv_split(names + 1, ",");
                if (strv_contains(list, controller))
                        return xstrdup(path);
        }
        return NULL;
}

static bool is_controller(const char *word)
{
        static const char *const known[] = {"cpu",  "cpuacct", "cpuset",  "memory",   "devices", "blkio",
                                            "pids", "hugetlb", "net_cls", "net_prio", "rdma"};

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (str_eq(known[i], word))
                        return true;
        return false;
}

static void add_hierarchy(HostFacts *f, const char *mount, const char *options, const char *groups)
{
        _cleanup_strv_ char **words = strv_split(options, ",");

        STRV_FOREACH (w, words) {
                if (!is_controller(*w))
                        continue;
                FactController *all = xreallocarray(f->controllers, f->n_controllers + 1, sizeof(*all));
                f->controllers = all;
                all[f->n_controllers++] = (FactController){
                                .name = xstrdup(*w),
                                .mount = xstrdup(mount),
                                .own = own_group(groups, *w) ?: xstrdup("/"),
                };
        }
}

static void find_hierarchies(HostFacts *f)
{
        _cleanup_fclose_ FILE *mounts = fopen("/proc/self/mounts", "re");
        _cleanup_free_ char *groups = NULL;
        char line[4096], mount[1024], type[64], options[1024];

        if (!mounts || file_read_at(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &groups, NULL) < 0)
                return;
        while (fgets(line, sizeof(line), mounts))
                if (sscanf(line, "%*s %1023s %63s %1023s", mount, type, options) == 3 && str_eq(type, "cgroup"))
                        add_hierarchy(f, mount, options, groups);
}

/* Those that the group has in which machines get theirs, or that it would get from the root. */
static void find_cgroup2(HostFacts *f)
{
        _cleanup_free_ char *text = NULL,
                            *parent = f->cgroup_parent ? path_join(sys_cgroup_mountpoint() ?: "", f->cgroup_parent) : NULL,
                            *file = parent ? path_join(parent, "cgroup.controllers") : NULL,
                            *top = path_join(sys_cgroup_mountpoint() ?: "", "cgroup.controllers");

        if (!f->has_cgroup2)
                return;
        bool own = file && !str_eq(f->cgroup_parent, "/machine.slice") && access(file, F_OK) == 0;
        if (file_read_at(AT_FDCWD, own ? file : top, 4096, &text, NULL) >= 0)
                f->cgroup2_controllers = strv_split(text, " \n");
}

static bool file_says(const char *path, char first)
{
        _cleanup_free_ char *text = NULL;

        return file_read_at(AT_FDCWD, path, 64, &text, NULL) >= 0 && *text == first;
}

void machine_facts_controllers(HostFacts *f)
{
        find_hierarchies(f);
        find_cgroup2(f);
}

void machine_facts_bundle(HostFacts *f)
{
        machine_facts_controllers(f);
        f->has_apparmor = file_says("/sys/module/apparmor/parameters/enabled", 'Y');
        f->has_kcore = access("/proc/kcore", F_OK) == 0;
}
