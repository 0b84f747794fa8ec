/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "plan/plan.h"

static void name_machine(MachineSpec *s, const char *name)
{
        free(s->machine);
        s->machine = xstrdup(name);
        spec_mark(s, SPEC_FIELD_MACHINE, "argument");
}

static int print_plan(Cli *c, MachineVerb verb, MachineSpec *spec, Error *e)
{
        MachinePlan plan = {0};
        _cleanup_buf_ Buf b = {0};
        int r = machine_plan(&c->host, verb, spec, &plan, e);
        if (r < 0)
                return r;
        if (c->options.json != FORMAT_OFF) {
                Json j = {.pretty = c->options.json == FORMAT_PRETTY};
                plan_to_json(&plan, &j);
                buf_append(&b, j.out.data, j.out.len);
                buf_adds(&b, "\n");
                buf_done(&j.out);
        } else {
                _cleanup_free_ char *text = plan_to_text(&plan);
                buf_adds(&b, text);
        }
        plan_done(&plan);
        return cli_print(&b, e);
}

int cli_run(Cli *c, Error *e)
{
        MachineSpec *s = &c->spec;
        char **command = c->words;
        if (!spec_names_image(s)) {
                if (!command)
                        return error_set(e, -EINVAL, "no machine is named: give a NAME, or a tree with --directory=PATH");
                name_machine(s, *command++);
        }
        spec_set_parameters(s, command, "argument");
        if (c->options.plan)
                return print_plan(c, MACHINE_RUN, s, e);
        return machine_run(&c->host, MACHINE_RUN, s, &c->status, e);
}

typedef struct Sharing {
        const char *name;
        const char *shared[4]; /* of SPEC_FIELD_SHARED_NAMESPACES */
        bool when;             /* what the variable says then */
} Sharing;
static const Sharing sharing[] = {
                {"SYSTEMD_NSPAWN_SHARE_SYSTEM", {"ipc", "pid", "uts"}, true},
                {"SYSTEMD_NSPAWN_SHARE_NS_IPC", {"ipc"}, true},
                {"SYSTEMD_NSPAWN_SHARE_NS_PID", {"pid"}, true},
                {"SYSTEMD_NSPAWN_SHARE_NS_UTS", {"uts"}, true},
                {"SYSTEMD_NSPAWN_USE_CGNS", {"cgroup"}, false},
};

static int take_sharing(MachineSpec *s, Error *e)
{
        for (size_t i = 0; i < ELEMENTSOF(sharing); i++) {
                const char *value = getenv(sharing[i].name);
                int says = value ? str_parse_bool(value) : !sharing[i].when;
                if (says < 0)
                        return error_set(e, -EINVAL, "%s=%s in the environment is neither yes nor no", sharing[i].name, value);
                for (size_t k = 0; says == sharing[i].when && sharing[i].shared[k]; k++) {
                        strv_push(&s->shared_namespaces, sharing[i].shared[k]);
                        spec_mark(s, SPEC_FIELD_SHARED_NAMESPACES, sharing[i].name);
                }
        }
        return 0;
}

static int take_api(MachineSpec *s, Error *e)
{
        const char *value = getenv("SYSTEMD_NSPAWN_API_VFS_WRITABLE"), *mac = getenv("SYSTEMD_NSPAWN_NETWORK_MAC");
        uint8_t bytes[6];

        if (str_eq(value, "network")) {
                s->api_network = true;
                spec_mark(s, SPEC_FIELD_API_NETWORK, "SYSTEMD_NSPAWN_API_VFS_WRITABLE in the environment");
        } else if (value && str_parse_bool(value) < 0)
                return error_set(e, -EINVAL,
                                 "SYSTEMD_NSPAWN_API_VFS_WRITABLE=%s in the environment is neither yes, no nor network", value);
        else if (value && str_parse_bool(value) > 0) {
                s->api_writable = true;
                spec_mark(s, SPEC_FIELD_API_WRITABLE, "SYSTEMD_NSPAWN_API_VFS_WRITABLE in the environment");
        }
        if (mac && !plan_parse_mac(mac, bytes))
                return error_set(e, -EINVAL, "SYSTEMD_NSPAWN_NETWORK_MAC=%s in the environment is no address of an interface",
                                 mac);
        if (mac) {
                s->network_mac = xstrdup(mac);
                spec_mark(s, SPEC_FIELD_NETWORK_MAC, "SYSTEMD_NSPAWN_NETWORK_MAC in the environment");
        }
        return 0;
}

/* A machine gets the unified hierarchy wherever it runs. The other one is gone from systemd-nspawn, too, since 258. */
static int take_hierarchy(Error *e)
{
        static const char *const names[] = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "UNIFIED_CGROUP_HIERARCHY"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *value = getenv(names[i]);
                int says = value ? str_parse_bool(value) : true;
                if (says < 0)
                        return error_set(e, -EINVAL, "%s=%s in the environment is neither yes nor no", names[i], value);
                if (says == 0)
                        return error_set(e, -EOPNOTSUPP,
                                         "%s=%s in the environment asks for cgroup v1 inside, which is not offered, nor by "
                                         "systemd-nspawn since 258; unset it",
                                         names[i], value);
        }
        return 0;
}

static int take_lock(MachineSpec *s, Error *e)
{
        const char *value = getenv("SYSTEMD_NSPAWN_LOCK");
        int says = value ? str_parse_bool(value) : true;

        if (says < 0)
                return error_set(e, -EINVAL, "SYSTEMD_NSPAWN_LOCK=%s in the environment is neither yes nor no", value);
        if (says == 0) {
                s->unlocked = true;
                spec_mark(s, SPEC_FIELD_UNLOCKED, "SYSTEMD_NSPAWN_LOCK in the environment");
        }
        return 0;
}

static int take_steering(MachineSpec *s, Error *e)
{
        const char *sync = getenv("SYSTEMD_SUPPRESS_SYNC"), *tmp = getenv("SYSTEMD_NSPAWN_TMPFS_TMP"),
                   *service = getenv("SYSTEMD_NSPAWN_CONTAINER_SERVICE");

        int r = take_hierarchy(e);
        if (r >= 0)
                r = take_lock(s, e);
        if (r >= 0)
                r = take_sharing(s, e);
        if (r >= 0)
                r = take_api(s, e);
        if (r < 0)
                return r;
        if (sync && str_parse_bool(sync) < 0)
                return error_set(e, -EINVAL, "SYSTEMD_SUPPRESS_SYNC=%s in the environment is neither yes nor no", sync);
        if (sync && !spec_is_set(s, SPEC_FIELD_SUPPRESS_SYNC) && str_parse_bool(sync) > 0) {
                s->suppress_sync = true;
                spec_mark(s, SPEC_FIELD_SUPPRESS_SYNC, "SYSTEMD_SUPPRESS_SYNC in the environment");
        }
        if (tmp && str_parse_bool(tmp) < 0)
                return error_set(e, -EINVAL, "SYSTEMD_NSPAWN_TMPFS_TMP=%s in the environment is neither yes nor no", tmp);
        if (tmp) {
                s->tmpfs_tmp = str_parse_bool(tmp) > 0;
                spec_mark(s, SPEC_FIELD_TMPFS_TMP, "SYSTEMD_NSPAWN_TMPFS_TMP in the environment");
        }
        if (service && *service) {
                s->manager = xstrdup(service);
                spec_mark(s, SPEC_FIELD_MANAGER, "SYSTEMD_NSPAWN_CONTAINER_SERVICE in the environment");
        }
        return 0;
}

/* --cleanup, of 262: the record, control group and locks of a machine whose supervisor was killed. Looking for it clears them. */
static int clean_up(Cli *c, Error *e)
{
        Machine running = {0};

        if (!spec_is_set(&c->spec, SPEC_FIELD_MACHINE))
                return error_set(e, -EINVAL, "--cleanup needs --machine=NAME: which machine's remains are meant");
        int r = machine_find(&c->host, c->spec.machine, &running, e);
        machine_done(&running);
        if (r >= 0)
                return error_set(e, -EBUSY, "machine '%s' is running: stop it first with 'berth poweroff %s'", c->spec.machine,
                                 c->spec.machine);
        if (r != -ENOENT)
                return r;
        *e = (Error){};
        return 0;
}

/* The command line of systemd-nspawn(1): no verb, and the current directory when no tree is named. */
int cli_nspawn(Cli *c, Error *e)
{
        MachineSpec *s = &c->spec;
        char cwd[PATH_MAX];
        int r = take_steering(s, e);

        if (r < 0)
                return r;
        if (c->options.cleanup)
                return clean_up(c, e);
        if (!spec_names_image(s) && !s->template) {
                if (!getcwd(cwd, sizeof(cwd)))
                        return error_sys(e, -errno, "cannot tell the current directory; name one with --directory=");
                s->directory = xstrdup(cwd);
                spec_mark(s, SPEC_FIELD_DIRECTORY, "the current directory");
        }
        spec_set_parameters(s, c->words, "argument");
        if (c->options.plan)
                return print_plan(c, MACHINE_NSPAWN, s, e);
        return machine_run(&c->host, MACHINE_NSPAWN, s, &c->status, e);
}

static int start_one(Cli *c, const char *name, Error *e)
{
        MachineSpec s;
        spec_init(&s);
        int r = cli_read_settings(c, &s, e);
        name_machine(&s, name);
        if (r >= 0)
                r = c->options.plan ? print_plan(c, MACHINE_START, &s, e)
                                    : machine_start(&c->host, &s, c->options.timeout_usec, e);
        spec_done(&s);
        return r;
}

int cli_start(Cli *c, Error *e)
{
        return cli_each(c, start_one);
}
