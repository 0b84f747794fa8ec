/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a config.json: nothing may crash, and what is refused is refused with a reason. The JSON reader is below it; a document that
 * it takes, and that is about nothing of ours, is refused by the first key that is missing. */

#include <stdint.h>
#include <stdlib.h>

#include "base/json-tree.h"
#include "spec/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_spec_ MachineSpec spec = {};
        const SpecOciFile file = {.name = "fuzz", .text = (const char *)data, .len = size, .directory = "/bundle"};
        JsonTree tree = {};
        Error e = {}, json = {};
        int is_json = json_tree_read((const char *)data, size, &tree, &json), r = spec_read_oci(&spec, &file, &e);

        json_tree_done(&tree);
        if ((r < 0 && (e.code >= 0 || !*e.message)) || (is_json < 0 && (r >= 0 || !*json.message)))
                abort();
        return 0;
}
