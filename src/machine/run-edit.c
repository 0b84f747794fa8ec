/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-registry.h"
#include "machine/run-written.h"
#include "spec/nspawn.h"

static bool is_path(const char *name)
{
        return strchr(name, '/') != NULL;
}

int machine_settings_path(const MachineHost *h, const char *name, char **ret, Error *e)
{
        if (is_path(name)) {
                *ret = xstrdup(name);
                return 0;
        }
        _cleanup_free_ char *plain =
                        str_endswith(name, ".nspawn") ? xstrndup(name, strlen(name) - strlen(".nspawn")) : xstrdup(name);
        int r = machine_check_name(plain, e);
        for (size_t i = 0; r >= 0 && i <= strv_len(h->settings_dirs); i++) {
                _cleanup_free_ char *path = xasprintf(
                                "%s/%s.nspawn", i < strv_len(h->settings_dirs) ? h->settings_dirs[i] : h->machines_dir, plain);
                if (access(path, F_OK) < 0)
                        continue;
                *ret = TAKE_PTR(path);
                return 0;
        }
        *ret = NULL;
        return MIN(r, 0);
}

int machine_settings_new(const MachineHost *h, const char *name, char **ret, Error *e)
{
        _cleanup_free_ char *path = is_path(name) ? xstrdup(name) : NULL;

        if (!path)
                path = str_endswith(name, ".nspawn") ? path_join(h->settings_dirs[0], name) : written_path(h, name);
        _cleanup_free_ char *directory = path_dirname(path);
        int r = is_path(name) ? 0 : file_mkdir_p(directory, 0755);
        if (r < 0)
                return error_sys(e, r, "cannot make '%s'", directory);
        *ret = TAKE_PTR(path);
        return 0;
}

int machine_settings_check(const MachineHost *h, const char *path, const char *text, size_t len, Error *e)
{
        _cleanup_spec_ MachineSpec s;

        spec_init(&s);
        return spec_read_nspawn(
                        &s, &(SpecNspawnFile){.name = path, .text = text, .len = len, .trusted = true, .events = &h->events}, e);
}
