/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "machine/create.h"

int cli_create(Cli *c, Error *e)
{
        const Options *o = &c->options;
        StoreDriverId driver = _STORE_DRIVER_INVALID;
        if (o->driver && store_driver_from_name(o->driver, &driver, e) < 0)
                return -EINVAL;
        const CreateRequest request = {
                        .name = c->words[0],
                        .source = c->words[1],
                        .distro =
                                        {
                                                        .arch = o->arch,
                                                        .variant = o->variant,
                                                        .include = o->include,
                                                        .exclude = o->exclude,
                                                        .components = o->components,
                                                        .mirrors = o->mirrors,
                                                        .keyrings = o->keyrings,
                                                        .allow_expired = o->allow_expired,
                                                        .verify = (DistroVerify)o->verify,
                                                        .profile = o->profile,
                                                        .repos = o->repos,
                                                        .make_conf = o->make_conf,
                                                        .seed = o->seed,
                                                        .portage_config = o->portage_config,
                                                        .respect_use = o->respect_use,
                                        },
                        .driver = driver,
                        .zfs_properties = o->zfs_properties,
                        .rebuild = o->rebuild,
                        .keep = o->keep,
                        .fixups = {.names = o->fixups,
                                   .root_password_file = o->root_password_file,
                                   .locale = o->locale,
                                   .timezone = o->timezone},
                        .shares = {.off = o->no_share, .asked = o->share, .names = o->shares, .from = o->share_from},
        };
        return machine_create(&c->host, &request, e);
}

int cli_clean(Cli *c, Error *e)
{
        if (c->options.cache && c->options.all)
                return error_set(e, -EINVAL, "--cache is about what nothing needs, --all about machines: give one of them");
        if (!c->options.cache)
                return machine_clean(&c->host, c->options.all, e);
        return machine_clean_cache(&c->host, e);
}
