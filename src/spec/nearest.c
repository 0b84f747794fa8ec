/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/macro.h"
#include "base/str.h"
#include "spec/spelling.h"

#define WORD_MAX 40 /* bytes; what is longer is no slip of the finger */

void spec_nearest_offer(SpecNearest *n, const char *candidate)
{
        size_t limit = MIN(strlen(n->word) / 3 + 1, (size_t)4);
        bool far = strlen(n->word) > WORD_MAX || strlen(candidate) > WORD_MAX;
        size_t d = far ? SIZE_MAX : str_edit_distance(n->word, candidate);

        if (d <= limit && (!n->best || d < n->distance)) {
                n->best = candidate;
                n->distance = d;
        }
}
