/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/path.h"
#include "machine/machine.h"

static char *place(const char *variable, const char *fallback)
{
        const char *v = getenv(variable);
        return v && path_is_absolute(v) ? path_simplify(xstrdup(v)) : xstrdup(fallback);
}

void machine_host_init(MachineHost *h)
{
        *h = (MachineHost){
                        .machines_dir = place("BERTH_MACHINES", "/var/lib/machines"),
                        .state_dir = place("BERTH_STATE", "/var/lib/berth"),
                        .run_dir = place("BERTH_RUN", "/run/berth"),
                        .cache_dir = place("BERTH_CACHE", "/var/cache/berth"),
                        .cgroup_parent = place("BERTH_CGROUP", NULL),
        };
}

void machine_host_done(MachineHost *h)
{
        free(h->machines_dir);
        free(h->state_dir);
        free(h->run_dir);
        free(h->cache_dir);
        free(h->cgroup_parent);
        *h = (MachineHost){0};
}
