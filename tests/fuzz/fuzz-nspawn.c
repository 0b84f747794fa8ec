/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a .nspawn file: nothing may crash, and what was read and written out again must read back to the same text. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "spec/nspawn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_spec_ MachineSpec first = {}, second = {};
        SpecNspawnFile file = {.name = "fuzz.nspawn", .text = (const char *)data, .len = size, .trusted = true};
        Error e = {};

        if (spec_read_nspawn(&first, &file, &e) < 0) {
                if (e.code >= 0 || !*e.message)
                        abort(); /* a failure without a reason */
                return 0;
        }
        _cleanup_free_ char *text = spec_to_nspawn(&first);
        file.text = text;
        file.len = strlen(text);
        if (spec_read_nspawn(&second, &file, &e) < 0)
                abort();
        _cleanup_free_ char *again = spec_to_nspawn(&second);
        if (!str_eq(text, again))
                abort();
        return 0;
}
