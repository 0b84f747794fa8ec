/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/bundle.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"
#include "base/strv.h"
#include "spec/value.h"

#define EACH(i, v) for (size_t i = 0; i < (v).n; i++)

static void named_done(SpecNamedLimits *v)
{
        EACH(i, *v)
        free(v->items[i].name);
        free(v->items);
}

static void resources_done(SpecResources *r)
{
        free(r->devices.items);
        free(r->cpu.cpus);
        free(r->cpu.mems);
        free(r->block.weight_devices.items);
        for (size_t i = 0; i < _SPEC_THROTTLE_MAX; i++)
                free(r->block.throttles[i].items);
        named_done(&r->hugepages);
        named_done(&r->network_priorities);
        named_done(&r->rdma);
        strv_free(r->unified);
}

static void seccomp_done(SpecSeccomp *s)
{
        strv_free(s->archs);
        free(s->listener);
        free(s->metadata);
        EACH(i, s->rules)
        {
                strv_free(s->rules.items[i].names);
                free(s->rules.items[i].args.items);
        }
        free(s->rules.items);
}

static void mounts_done(SpecBundle *b)
{
        EACH(i, b->mounts)
        {
                SpecBundleMount *m = &b->mounts.items[i];
                free(m->target);
                free(m->type);
                free(m->source);
                free(m->uids.items);
                free(m->gids.items);
                strv_free(m->options);
        }
        free(b->mounts.items);
}

static void hooks_done(SpecHooks *hooks)
{
        EACH(i, *hooks)
        {
                free(hooks->items[i].path);
                strv_free(hooks->items[i].args);
                strv_free(hooks->items[i].env);
        }
        free(hooks->items);
}

static void devices_done(SpecBundle *b)
{
        EACH(i, b->devices)
        free(b->devices.items[i].path);
        free(b->devices.items);
}

void spec_bundle_free(SpecBundle *b)
{
        if (!b)
                return;
        free(b->directory);
        free(b->version);
        strv_free(b->annotations);
        free(b->groups.items);
        free(b->apparmor);
        free(b->selinux);
        free(b->mount_label);
        free(b->domainname);
        mounts_done(b);
        for (size_t i = 0; i < _SPEC_HOOK_MAX; i++)
                hooks_done(&b->hooks[i]);
        for (size_t i = 0; i < _SPEC_NAMESPACE_MAX; i++)
                free(b->namespaces[i].path);
        free(b->uids.items);
        free(b->gids.items);
        devices_done(b);
        free(b->cgroup);
        resources_done(&b->resources);
        strv_free(b->sysctl);
        seccomp_done(&b->seccomp);
        strv_free(b->masked);
        strv_free(b->read_only);
        free(b);
}

/* ---- as a member of MachineSpec ---- */

/* Only spec_read_oci() fills it. */
static int bundle_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        return error_set(e, -EOPNOTSUPP, "a bundle is read from its config.json; use --oci-bundle=");
}

static void bundle_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret) {}

static void bundle_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->bundle = TAKE_PTR(from->bundle);
}

static void bundle_clear(MachineSpec *s, SpecField f)
{
        spec_bundle_free(TAKE_PTR(s->bundle));
}

const ValueType value_bundle = {bundle_parse, bundle_format, bundle_take, bundle_clear, NULL, false};
