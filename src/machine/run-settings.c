/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-target.h"
#include "spec/nspawn.h"

#define SETTINGS_MAX (1024 * 1024)

/* The first file that exists is the only one, as with systemd-nspawn: no merging, no drop-ins. 1 when read, 0 when there is none. */
static int read_one(const MachineHost *h, const char *path, bool trusted, MachineSpec *s, Error *e)
{
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r = file_read_at(AT_FDCWD, path, SETTINGS_MAX, &text, &len);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0)
                return error_sys(e, r, "cannot read '%s'", path);
        r = spec_read_nspawn(s,
                             &(SpecNspawnFile){.name = path, .text = text, .len = len, .trusted = trusted, .events = &h->events},
                             e);
        return r < 0 ? r : 1;
}

int target_read_settings(const MachineHost *h, const char *name, const char *image_path, bool trusted, MachineSpec *s, Error *e)
{
        _cleanup_free_ char *beside = path_dirname(image_path);
        size_t n = strv_len(h->settings_dirs);

        for (size_t i = 0; i <= n; i++) {
                _cleanup_free_ char *path = xasprintf("%s/%s.nspawn", i < n ? h->settings_dirs[i] : beside, name);
                int r = read_one(h, path, i < n || trusted, s, e);
                if (r != 0)
                        return MIN(r, 0);
        }
        return 0;
}

/* What the unit systemd-nspawn@.service has for its machines. */
static void start_defaults(bool rootless, MachineSpec *s)
{
        static const char origin[] = "default of berth start";

        s->boot = true;
        spec_mark(s, SPEC_FIELD_BOOT, origin);
        if (!rootless) { /* an ordinary user has nothing to choose from */
                s->users = SPEC_USERS_PICK;
                spec_mark(s, SPEC_FIELD_USERS, origin);
        }
        s->network = SPEC_NETWORK_PRIVATE;
        spec_mark(s, SPEC_FIELD_NETWORK, origin);
}

static void nspawn_defaults(bool rootless, MachineSpec *s)
{
        static const char origin[] = "default of systemd-nspawn";

        if (!rootless) {
                s->users = SPEC_USERS_NO;
                spec_mark(s, SPEC_FIELD_USERS, origin);
        }
        s->network = SPEC_NETWORK_HOST;
        spec_mark(s, SPEC_FIELD_NETWORK, origin);
        s->resolv_conf = SPEC_RESOLV_CONF_AUTO;
        spec_mark(s, SPEC_FIELD_RESOLV_CONF, origin);
        s->timezone = SPEC_TIMEZONE_AUTO;
        spec_mark(s, SPEC_FIELD_TIMEZONE, origin);
        s->link_journal = SPEC_LINK_JOURNAL_AUTO;
        spec_mark(s, SPEC_FIELD_LINK_JOURNAL, origin);
        s->console = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? SPEC_CONSOLE_INTERACTIVE : SPEC_CONSOLE_READ_ONLY;
        spec_mark(s, SPEC_FIELD_CONSOLE, origin);
}

void target_defaults(MachineVerb verb, bool rootless, MachineSpec *s)
{
        if (verb == MACHINE_START)
                start_defaults(rootless, s);
        else if (verb == MACHINE_NSPAWN)
                nspawn_defaults(rootless, s);
}

int target_merge_settings(Target *t, Error *e)
{
        SpecSettings mode = spec_is_set(&t->spec, SPEC_FIELD_SETTINGS) ? t->spec.settings : SPEC_SETTINGS_YES;
        _cleanup_spec_ MachineSpec file;
        MachineSpec layers;
        int r = 0;

        spec_init(&layers);
        spec_init(&file);
        target_defaults(t->verb, t->host->rootless, &layers);
        if (mode != SPEC_SETTINGS_NO)
                r = target_read_settings(t->host, t->name, t->image.path, mode == SPEC_SETTINGS_TRUSTED, &file, e);
        _cleanup_strv_ char **hidden = mode != SPEC_SETTINGS_OVERRIDE ? spec_hidden(&file, &t->spec) : NULL;
        STRV_FOREACH (w, hidden)
                events_warning(&t->host->events, "%s", *w);
        if (mode != SPEC_SETTINGS_OVERRIDE)
                spec_merge(&layers, &file);
        spec_merge(&layers, &t->spec);
        spec_merge(&layers, &file); /* empty by now, or it overrides */
        spec_done(&t->spec);
        t->spec = layers;
        return r;
}

int machine_settings(const MachineHost *h, const char *name, MachineSpec *ret, Error *e)
{
        Target t;
        MachineSpec none;
        spec_init(&none);
        none.machine = xstrdup(name);
        spec_mark(&none, SPEC_FIELD_MACHINE, "argument");
        int r = target_open(h, MACHINE_START, &none, &t, e);
        spec_done(&none);
        if (r < 0)
                return r;
        spec_init(ret);
        spec_merge(ret, &t.spec);
        target_release(&t);
        return 0;
}
