/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A table of texts for one field: what each is formatted as after parsing, NULL when it is refused. */

#include "unit/test.h"

#include "base/alloc.h"
#include "base/strv.h"
#include "spec/value.h"

typedef struct ValueCase {
        const char *text, *formatted;
} ValueCase;

static inline void check_values(SpecField f, ValueVariant variant, const ValueCase *cases, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_spec_ MachineSpec s = {};
                _cleanup_strv_ char **texts = NULL;
                Error e = {};
                int r = field_row(f)->type->parse(&s, f, variant, cases[i].text, &e);
                if (!cases[i].formatted) {
                        if (r >= 0)
                                fail_msg("'%s' was taken", cases[i].text);
                        assert_string_not_equal(e.message, "");
                        continue;
                }
                if (r < 0)
                        fail_msg("'%s' was refused: %s", cases[i].text, e.message);
                field_row(f)->type->format(&s, f, variant, &texts);
                _cleanup_free_ char *joined = strv_join(texts, "|");
                assert_string_equal(joined ?: "", cases[i].formatted);
        }
}
#define CHECK(field, variant, ...)                                                             \
        do {                                                                                   \
                static const ValueCase cases[] = {__VA_ARGS__};                                \
                check_values(SPEC_FIELD_##field, VARIANT_##variant, cases, ELEMENTSOF(cases)); \
        } while (0)
