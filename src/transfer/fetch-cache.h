/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Checks files that are there already against their digests, in a thread of its own, in the order given: the first ones
 * are ready long before the last one is read. */

#include "transfer/transfer.h"

typedef struct FetchCache FetchCache;

/* Whether the file may be what the item wants, as far as its size tells. */
bool fetch_cache_has(int dirfd, const FetchItem *item);
/* Whether it is, as its digest tells. */
bool fetch_cache_holds(int dirfd, const FetchItem *item);

/* `items` (n pointers) is taken over; what they point to must stay. */
int fetch_cache_open(int dirfd, const FetchItem **items, size_t n, FetchCache **ret, Error *e);
int fetch_cache_fd(const FetchCache *c); /* readable when a verdict waits */
/* The next verdict, false when there is none yet. */
bool fetch_cache_next(FetchCache *c, const FetchItem **ret, bool *ret_good);
FetchCache *fetch_cache_close(FetchCache *c); /* after the file in hand */
static inline void fetch_cache_closep(FetchCache **c)
{
        fetch_cache_close(*c);
}
