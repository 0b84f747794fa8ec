/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unit/test.h"

#include <string.h>

#include "base/strv.h"
#include "golden/presets.h"
#include "plan/plan.h"

/* A plan of a spec whose fields the caller marked, with the facts that `words` name. */
static inline int build_with(const MachineSpec *s, const char *words, MachinePlan *ret, Error *e)
{
        _cleanup_strv_ char **v = strv_split(words, " ");
        _cleanup_(facts_done) HostFacts f;

        assert_true(preset_facts(&f, v));
        return plan_build(s, &f, ret, e);
}

static inline const PlanOp *find_op(const MachinePlan *p, PlanOpType type)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->items[i].type == type)
                        return &p->items[i];
        return NULL;
}
