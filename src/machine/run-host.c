/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/machine.h"

static char *place(const char *variable, char *take_fallback)
{
        const char *v = getenv(variable);
        if (!v || !path_is_absolute(v))
                return take_fallback;
        free(take_fallback);
        return path_simplify(xstrdup(v));
}

static void init_root(MachineHost *h)
{
        h->machines_dir = place("BERTH_MACHINES", xstrdup("/var/lib/machines"));
        h->state_dir = place("BERTH_STATE", xstrdup("/var/lib/berth"));
        h->run_dir = place("BERTH_RUN", xstrdup("/run/berth"));
        h->cache_dir = place("BERTH_CACHE", xstrdup("/var/cache/berth"));
        h->log_dir = place("BERTH_LOG", getenv("BERTH_STATE") ? path_join(h->state_dir, "log") : xstrdup("/var/log/berth"));
        h->hosts_file = place("BERTH_HOSTS", getenv("BERTH_RUN") ? path_join(h->run_dir, "hosts") : xstrdup("/etc/hosts"));
        /* With a state elsewhere, too: what is written for a machine there must not be read for one of the same name here. */
        char *settings = place("BERTH_SETTINGS", getenv("BERTH_STATE") ? path_join(h->state_dir, "nspawn") : NULL);
        if (settings)
                strv_consume(&h->settings_dirs, settings);
        strv_push(&h->settings_dirs, "/etc/systemd/nspawn");
        strv_push(&h->settings_dirs, "/run/systemd/nspawn");
}

/* ---- an ordinary user's (XDG Base Directory Specification) ---- */

static char *home_directory(uid_t uid)
{
        _cleanup_fclose_ FILE *f = NULL;
        const struct passwd *p = NULL;
        const char *home = getenv("HOME");

        if (home && path_is_absolute(home))
                return path_simplify(xstrdup(home));
        f = fopen("/etc/passwd", "re");
        while (f && (p = fgetpwent(f)) && p->pw_uid != uid)
                ;
        return xstrdup(p && p->pw_dir && path_is_absolute(p->pw_dir) ? p->pw_dir : "/");
}

static bool is_own_directory(const char *path, uid_t uid)
{
        struct stat st;

        return lstat(path, &st) >= 0 && S_ISDIR(st.st_mode) && st.st_uid == uid && !(st.st_mode & 0022);
}

/* Gone with the user's last session; after su(1) the variable is another user's. NULL: there is none. */
static char *runtime_directory(uid_t uid)
{
        _cleanup_free_ char *usual = xasprintf("/run/user/%u", uid), *given = place("XDG_RUNTIME_DIR", NULL);

        if (given && is_own_directory(given, uid))
                return TAKE_PTR(given);
        return is_own_directory(usual, uid) ? TAKE_PTR(usual) : NULL;
}

/* Without a runtime directory the records are kept with the state: they say which boot of which host they are of, and unlike in /tmp
 * nobody else can lay out false ones. */
static void init_rootless(MachineHost *h)
{
        _cleanup_free_ char *home = home_directory(h->uid), *runtime = runtime_directory(h->uid);
        _cleanup_free_ char *state = place("XDG_STATE_HOME", path_join(home, ".local/state"));
        _cleanup_free_ char *cache = place("XDG_CACHE_HOME", path_join(home, ".cache"));
        _cleanup_free_ char *config = place("XDG_CONFIG_HOME", path_join(home, ".config"));

        h->machines_dir = place("BERTH_MACHINES", path_join(state, "machines"));
        h->state_dir = place("BERTH_STATE", path_join(state, "berth"));
        h->cache_dir = place("BERTH_CACHE", path_join(cache, "berth"));
        h->log_dir = place("BERTH_LOG", path_join(h->state_dir, "log"));
        h->run_dir = place("BERTH_RUN", runtime ? path_join(runtime, "berth") : path_join(state, "berth/run"));
        strv_consume(&h->settings_dirs, path_join(config, "systemd/nspawn"));
        if (runtime)
                strv_consume(&h->settings_dirs, path_join(runtime, "systemd/nspawn"));
        h->runtime_dir = TAKE_PTR(runtime);
}

void machine_host_init(MachineHost *h)
{
        *h = (MachineHost){.uid = geteuid(), .gid = getegid(), .cgroup_parent = place("BERTH_CGROUP", NULL)};
        h->rootless = h->uid != 0;
        if (h->rootless)
                init_rootless(h);
        else
                init_root(h);
}

void machine_host_done(MachineHost *h)
{
        free(h->machines_dir);
        free(h->state_dir);
        free(h->run_dir);
        free(h->cache_dir);
        free(h->log_dir);
        free(h->hosts_file);
        free(h->cgroup_parent);
        free(h->runtime_dir);
        strv_free(h->settings_dirs);
        *h = (MachineHost){0};
}
