/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-eapi.h"

#include "base/macro.h"

/* clang-format off */
static const GentooEapi eapis[] = {
        {.name = "0", .empty_any_true = true, .root_slash = true, .bash = "3.2"},
        {.name = "1", .slot_deps = true, .empty_any_true = true, .root_slash = true, .bash = "3.2"},
        {.name = "2", .slot_deps = true, .use_deps = true, .strong_blocks = true, .empty_any_true = true, .root_slash = true,
         .bash = "3.2"},
        {.name = "3", .slot_deps = true, .use_deps = true, .strong_blocks = true, .empty_any_true = true, .root_slash = true,
         .bash = "3.2"},
        {.name = "4", .slot_deps = true, .use_deps = true, .strong_blocks = true, .use_defaults = true, .empty_any_true = true,
         .root_slash = true, .bash = "3.2"},
        {.name = "5", .slot_deps = true, .use_deps = true, .strong_blocks = true, .use_defaults = true, .slot_operators = true,
         .empty_any_true = true, .root_slash = true, .bash = "3.2"},
        {.name = "6", .slot_deps = true, .use_deps = true, .strong_blocks = true, .use_defaults = true, .slot_operators = true,
         .empty_any_true = true, .root_slash = true, .bash = "4.2"},
        {.name = "7", .slot_deps = true, .use_deps = true, .strong_blocks = true, .use_defaults = true, .slot_operators = true,
         .directories = true, .bash = "4.2"},
        {.name = "8", .slot_deps = true, .use_deps = true, .strong_blocks = true, .use_defaults = true, .slot_operators = true,
         .idepend = true, .directories = true, .bash = "5.0"},
};
/* clang-format on */

const GentooEapi *gentoo_eapi(Slice name)
{
        if (name.n == 0)
                return &eapis[0];
        for (size_t i = 0; i < ELEMENTSOF(eapis); i++)
                if (slice_eq_str(name, eapis[i].name))
                        return &eapis[i];
        return NULL;
}
