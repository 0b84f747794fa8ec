/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/macro.h"
#include "spec/spelling.h"

#define WORD_MAX 40

/* Levenshtein's distance; words too long to be a slip of the finger are far from everything. */
static size_t edit_distance(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b), row[WORD_MAX + 1];

        if (n > WORD_MAX || m > WORD_MAX)
                return SIZE_MAX;
        for (size_t j = 0; j <= m; j++)
                row[j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t diagonal = row[0];
                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        size_t replace = diagonal + (a[i - 1] != b[j - 1]);
                        diagonal = row[j];
                        size_t shift = MIN(row[j], row[j - 1]) + 1;
                        row[j] = MIN(shift, replace);
                }
        }
        return row[m];
}

void spec_nearest_offer(SpecNearest *n, const char *candidate)
{
        size_t limit = MIN(strlen(n->word) / 3 + 1, (size_t)4);
        size_t d = edit_distance(n->word, candidate);

        if (d <= limit && (!n->best || d < n->distance)) {
                n->best = candidate;
                n->distance = d;
        }
}
