/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --property= where berth makes the control groups: each is a limit of one of them, or is refused by its name. */

#include "plan/build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "plan/property.h"

#define QUOTA_PERIOD 100000 /* µs, the kernel's own and systemd's */

static char *set_text(const Property *p)
{
        _cleanup_strv_ char **words = NULL;

        for (unsigned i = 0; i < p->n_bits; i++)
                if (p->bits[i / 8] & (1U << i % 8))
                        strv_pushf(&words, "%u", i);
        return strv_join(words, ",");
}

/* systemd's conversions for cgroup v1: 100 is 1024 shares, and 500 of 10 to 1000 for block devices. */
static char *weight_text(const Property *p, bool unified)
{
        bool io = str_eq(p->row->controller, "io");
        const uint64_t of_blkio = p->number < 2 ? 10 : p->number > 200 ? 1000 : p->number * 5;

        if (unified && io) /* of the BFQ scheduler: 1 to 1000 */
                return xasprintf("%" PRIu64, p->number <= 100 ? p->number : 100 + (p->number - 100) * 900 / 9900);
        return xasprintf("%" PRIu64, unified ? p->number : io ? of_blkio : MAX(p->number * 1024 / 100, UINT64_C(2)));
}

static char *limit_text(const Property *p, bool unified)
{
        if (p->number != UINT64_MAX)
                return xasprintf("%" PRIu64, p->number);
        return xstrdup(unified || p->row->kind == PROPERTY_COUNT ? "max" : "-1");
}

static char *quota_text(const Property *p, bool unified)
{
        const char *period = unified ? " 100000" : "";

        if (p->number == UINT64_MAX)
                return xasprintf("%s%s", unified ? "max" : "-1", period);
        return xasprintf("%" PRIu64 "%s", MAX(p->number * QUOTA_PERIOD / 1000000, UINT64_C(1000)), period);
}

static char *property_text(const Property *p, bool unified)
{
        switch ((int)p->row->kind) {
        case PROPERTY_SET:
                return set_text(p);
        case PROPERTY_WEIGHT:
                return weight_text(p, unified);
        case PROPERTY_QUOTA:
                return quota_text(p, unified);
        default:
                return limit_text(p, unified);
        }
}

static int add_limit(PlanBuild *b, const Property *p, const char *option, Error *e)
{
        const PropertyRow *row = p->row;
        if (!row->controller)
                return error_set(e, -EOPNOTSUPP,
                                 "%s: property %s is systemd's to keep, and it does not manage this host; leave it out", option,
                                 row->name);
        if (p->scaled)
                return error_set(e, -EOPNOTSUPP, "%s: property %s is a share of what systemd would measure; give it as a number",
                                 option, row->name);
        PlanPlace place = plan_cgroup_place(b, str_eq(row->controller, "io") ? "blkio" : row->controller);
        if (!place.found)
                return error_set(e, -EOPNOTSUPP,
                                 "%s: property %s needs the control group controller '%s', which this host has none of that a "
                                 "machine can "
                                 "have; leave it out",
                                 option, row->name, row->controller);
        if (!(place.unified ? row->v2 : row->v1))
                return error_set(e, -EOPNOTSUPP,
                                 "%s: property %s does not exist in cgroup v1, where this host has '%s'; leave it out", option,
                                 row->name, row->controller);
        PlanOp *op = plan_add(b->plan, PHASE_CGROUP, OP_CGROUP_LIMIT, place.unified ? row->v2 : row->v1);
        op->source = xstrdup(place.directory);
        op->text = property_text(p, place.unified);
        if (str_eq(row->controller, "io") && place.unified)
                strv_pushf(&op->alternatives, "io.weight=%" PRIu64, p->number);
        else if (str_eq(row->controller, "io"))
                strv_pushf(&op->alternatives, "blkio.bfq.weight=%s", op->text);
        return 0;
}

int plan_properties(PlanBuild *b, Error *e)
{
        const PlanOption option = plan_option(b->spec, SPEC_FIELD_PROPERTY, "--property");

        STRV_FOREACH (setting, b->spec->properties) {
                Property p;
                int r = property_parse(*setting, option.s, &p, e);
                if (r >= 0 && !b->facts->has_systemd)
                        r = add_limit(b, &p, option.s, e);
                if (r < 0)
                        return r;
        }
        return 0;
}
