/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/copy-private.h"

#include <stdlib.h>

#include "base/alloc.h"

struct CopyLink {
        uint64_t dev, ino;
        char *path; /* NULL: free */
};

static struct CopyLink *slot(const CopyLinks *links, uint64_t dev, uint64_t ino)
{
        size_t i = (size_t)((ino ^ dev << 32) * 0x9e3779b97f4a7c15ULL >> 20) & (links->cap - 1);

        while (links->items[i].path && (links->items[i].dev != dev || links->items[i].ino != ino))
                i = (i + 1) & (links->cap - 1);
        return &links->items[i];
}

const char *copy_links_get(const CopyLinks *links, uint64_t dev, uint64_t ino)
{
        return links->cap ? slot(links, dev, ino)->path : NULL;
}

void copy_links_put(CopyLinks *links, uint64_t dev, uint64_t ino, const char *path)
{
        if (2 * (links->n + 1) > links->cap) {
                CopyLinks bigger = {.n = links->n, .cap = links->cap ? links->cap * 2 : 64};
                bigger.items = xcalloc(bigger.cap, sizeof(*bigger.items));
                for (size_t i = 0; i < links->cap; i++)
                        if (links->items[i].path)
                                *slot(&bigger, links->items[i].dev, links->items[i].ino) = links->items[i];
                free(links->items);
                *links = bigger;
        }

        struct CopyLink *l = slot(links, dev, ino);
        if (l->path)
                free(l->path);
        else
                links->n++;
        *l = (struct CopyLink){.dev = dev, .ino = ino, .path = xstrdup(path)};
}

void copy_links_done(CopyLinks *links)
{
        for (size_t i = 0; i < links->cap; i++)
                free(links->items[i].path);
        free(links->items);
        *links = (CopyLinks){};
}
