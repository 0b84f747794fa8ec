/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

static void users_done(FactUser *v, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(v[i].name);
                free(v[i].real_name);
                free(v[i].home);
                free(v[i].shell);
                if (v[i].password)
                        explicit_bzero(v[i].password, strlen(v[i].password));
                free(v[i].password);
        }
        free(v);
}

static void credentials_done(FactCredential *v, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(v[i].id);
                if (v[i].data)
                        explicit_bzero(v[i].data, v[i].len);
                free(v[i].data);
        }
        free(v);
}

void fact_disk_done(FactDisk *d)
{
        for (size_t i = 0; i < d->n_partitions; i++)
                free(d->partitions[i].fstype);
        free(d->partitions);
        free(d->path);
        free(d->root_hash);
        free(d->signature);
        free(d->hashes);
        strv_free(d->programs);
        if (d->passphrase)
                explicit_bzero(d->passphrase, strlen(d->passphrase));
        free(d->passphrase);
        *d = (FactDisk){};
}

static void network_done(FactNetwork *n)
{
        for (size_t i = 0; i < n->n_links; i++) {
                free(n->links[i].wanted);
                free(n->links[i].name);
        }
        free(n->links);
        free(n->routes);
        free(n->taken);
}

static void controllers_done(FactController *v, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(v[i].name);
                free(v[i].mount);
                free(v[i].own);
        }
        free(v);
}

void facts_done(HostFacts *f)
{
        fact_disk_done(&f->disk);
        network_done(&f->network);
        controllers_done(f->controllers, f->n_controllers);
        strv_free(f->cgroup2_controllers);
        users_done(f->bind_users, f->n_bind_users);
        free(f->journal_remote);
        free(f->journal_socket);
        credentials_done(f->credentials, f->n_credentials);
        free(f->timezone);
        free(f->host_machine_id);
        free(f->image_uids);
        free(f->mount_owners);
        strv_free(f->usr_links);
        strv_free(f->missing_links);
        strv_free(f->missing_directories);
        free(f->scratch);
        free(f->cgroup_own);
        free(f->uids.items);
        free(f->gids.items);
        free(f->cgroup_parent);
        free(f->host_os_release);
        strv_free(f->host_os_fields);
        free(f->term);
        free(f->machine_name);
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
