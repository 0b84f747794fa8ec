/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/facts.h"

#include <stdlib.h>

#include "base/strv.h"

void facts_done(HostFacts *f)
{
        free(f->cgroup_parent);
        free(f->host_os_release);
        strv_free(f->host_os_fields);
        free(f->term);
        free(f->host_name);
        free(f->machine_name);
        free(f->runtime_dir);
        free(f->root_directory);
        strv_free(f->layers);
        free(f->upper);
        free(f->work);
        free(f->init_path);
        free(f->machine_id);
        free(f->user_name);
        free(f->user_home);
        free(f->user_shell);
        free(f->user_groups);
        *f = (HostFacts){};
}
