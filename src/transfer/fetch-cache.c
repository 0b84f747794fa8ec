/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/fetch-cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

struct FetchCache {
        int dirfd, event;
        const FetchItem **items;
        bool *good;
        size_t n, taken;
        atomic_size_t checked; /* items before it have their verdict in good */
        atomic_bool stop;
        pthread_t thread;
        bool started;
};

bool fetch_cache_has(int dirfd, const FetchItem *item)
{
        struct stat st;

        return item->digest.type != DIGEST_NONE && fstatat(dirfd, item->path, &st, 0) == 0 && S_ISREG(st.st_mode) &&
               (item->size == 0 || (uint64_t)st.st_size == item->size);
}

bool fetch_cache_holds(int dirfd, const FetchItem *item)
{
        _cleanup_close_ int fd = openat(dirfd, item->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        Digest d;

        return fd >= 0 && digest_of_fd(fd, item->digest.type, &d) >= 0 && digest_eq(&d, &item->digest);
}

static void *check_all(void *arg)
{
        FetchCache *c = arg;

        for (size_t i = 0; i < c->n && !atomic_load(&c->stop); i++) {
                uint64_t one = 1;

                c->good[i] = fetch_cache_holds(c->dirfd, c->items[i]);
                atomic_store(&c->checked, i + 1);
                (void)fd_write_all(c->event, &one, sizeof(one)); /* wakes fetch_cache_fd(); cannot fail before 2^64 - 1 items */
        }
        return NULL;
}

/* The thread takes no signals: they are for the one that has set up to handle them. */
static int start(FetchCache *c)
{
        sigset_t all, old;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        int r = pthread_create(&c->thread, NULL, check_all, c);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        c->started = r == 0;
        return -r;
}

int fetch_cache_open(int dirfd, const FetchItem **items, size_t n, FetchCache **ret, Error *e)
{
        __attribute__((cleanup(fetch_cache_closep))) FetchCache *c = xnew(FetchCache, 1);

        *c = (FetchCache){.dirfd = dirfd, .items = items, .n = n, .good = xnew(bool, n + 1)};
        c->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->event < 0)
                return error_sys(e, -errno, "cannot make an event descriptor");
        int r = start(c);
        if (r < 0)
                return error_sys(e, r, "cannot start a thread");
        *ret = TAKE_PTR(c);
        return 0;
}

int fetch_cache_fd(const FetchCache *c)
{
        return c->event;
}

bool fetch_cache_next(FetchCache *c, const FetchItem **ret, bool *ret_good)
{
        uint64_t count;

        if (c->taken == atomic_load(&c->checked)) {
                /* Emptied, then looked at again: a verdict that came in between is not slept over. */
                (void)read(c->event, &count, sizeof(count));
                if (c->taken == atomic_load(&c->checked))
                        return false;
        }
        *ret = c->items[c->taken];
        *ret_good = c->good[c->taken];
        c->taken++;
        return true;
}

FetchCache *fetch_cache_close(FetchCache *c)
{
        if (!c)
                return NULL;
        atomic_store(&c->stop, true);
        if (c->started)
                pthread_join(c->thread, NULL);
        fd_close(c->event);
        free(c->items);
        free(c->good);
        free(c);
        return NULL;
}
