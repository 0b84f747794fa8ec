/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "transfer/fetch-cache.h"
#include "transfer/fetch-request.h"
#include "transfer/transfer.h"

#define PARALLEL_DEFAULT 8U
#define PROGRESS_EVERY   (USEC_PER_SEC / 10)
#define TICK_MS          100
#define CONTENDED_PAUSE  (USEC_PER_SEC / 5)

typedef struct Fetch {
        const FetchOptions *o;
        const FetchItem *items;
        Request *requests; /* same order as items */
        size_t n, n_done, n_running;
        size_t first_waiting; /* no request before it waits */
        CURLM *multi;         /* NULL until something must be fetched */
        FetchCache *cache;    /* NULL: nothing is there */
        bool reached;
        uint64_t total, settled; /* bytes: of all, of those done */
        uint64_t shown;          /* when progress was last reported */
} Fetch;

static void fetch_done(Fetch *f)
{
        for (size_t i = 0; i < f->n; i++) {
                if (f->multi && f->requests[i].easy && f->requests[i].state == REQUEST_RUNNING)
                        curl_multi_remove_handle(f->multi, f->requests[i].easy);
                request_done(&f->requests[i]);
        }
        if (f->multi) {
                curl_multi_cleanup(f->multi);
                curl_global_cleanup();
        }
        fetch_cache_close(f->cache);
        free(f->requests);
}

static int settle(Fetch *f, Request *r, Error *e)
{
        request_done(r);
        r->state = REQUEST_DONE;
        f->n_done++;
        f->settled += r->item->size;
        return f->o->done ? f->o->done(f->o->ctx, r->item, e) : 0;
}

static void wait_turn(Fetch *f, Request *r)
{
        r->state = REQUEST_WAITING;
        f->first_waiting = MIN(f->first_waiting, (size_t)(r - f->requests));
}

/* ---- what is there already ---- */

static int open_cache(Fetch *f, Error *e)
{
        const FetchItem **there = xnew(const FetchItem *, f->n + 1);
        size_t n = 0;

        for (size_t i = 0; i < f->n; i++) {
                bool cached = !f->o->no_cache && fetch_cache_has(f->o->dirfd, &f->items[i]);

                f->requests[i] = (Request){.item = &f->items[i], .part = -1, .state = cached ? REQUEST_CACHED : REQUEST_WAITING};
                f->total += f->items[i].size;
                if (cached)
                        there[n++] = &f->items[i];
        }
        if (n == 0) {
                free(there);
                return 0;
        }
        return fetch_cache_open(f->o->dirfd, there, n, &f->cache, e);
}

static int take_verdicts(Fetch *f, Error *e)
{
        const FetchItem *item;
        bool good;

        while (f->cache && fetch_cache_next(f->cache, &item, &good)) {
                Request *r = &f->requests[item - f->items];

                if (!good) {
                        wait_turn(f, r);
                        continue;
                }
                int rc = settle(f, r, e);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

/* ---- transfers ---- */

static int open_multi(Fetch *f, Error *e)
{
        if (f->multi)
                return 0;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return error_set(e, -ENOMEM, "cannot initialise libcurl");
        f->multi = curl_multi_init();
        if (!f->multi) {
                curl_global_cleanup();
                return error_set(e, -ENOMEM, "cannot initialise libcurl");
        }
        return 0;
}

static int start_one(Fetch *f, Request *r, Error *e)
{
        int rc = open_multi(f, e);

        if (rc < 0)
                return rc;
        rc = request_start(r, f->o, e);
        if (rc == -EAGAIN) {
                if (r->not_before == 0)
                        events_note(f->o->events, "waiting for another process that fetches %s", r->item->path);
                r->not_before = clock_monotonic() + CONTENDED_PAUSE;
                return 0;
        }
        if (rc < 0)
                return rc;
        if (rc > 0)
                return settle(f, r, e);
        if (curl_multi_add_handle(f->multi, r->easy) != CURLM_OK)
                return error_set(e, -ENOMEM, "cannot start a transfer");
        r->state = REQUEST_RUNNING;
        f->n_running++;
        return 0;
}

static int start_waiting(Fetch *f, Error *e)
{
        size_t parallel = f->o->parallel > 0 ? f->o->parallel : PARALLEL_DEFAULT, first = f->n;
        uint64_t now = clock_monotonic();

        for (size_t i = f->first_waiting; i < f->n; i++) {
                Request *r = &f->requests[i];

                if (r->state == REQUEST_WAITING && r->not_before <= now && f->n_running < parallel) {
                        int rc = start_one(f, r, e);
                        if (rc < 0)
                                return rc;
                }
                if (r->state == REQUEST_WAITING) {
                        first = MIN(first, i);
                        if (f->n_running >= parallel)
                                break;
                }
        }
        f->first_waiting = first;
        return 0;
}

static int take_message(Fetch *f, const CURLMsg *m, Error *e)
{
        Request *r = NULL;
        CURLcode code = m->data.result; /* the message is gone once the handle is */

        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
        curl_multi_remove_handle(f->multi, m->easy_handle);
        r->state = REQUEST_WAITING;
        f->n_running--;
        if (r->answered)
                f->reached = true;
        int rc = request_finish(r, f->o, code, f->reached, e);
        if (rc == 0)
                return settle(f, r, e);
        wait_turn(f, r);
        return rc < 0 ? rc : 0;
}

static int run_transfers(Fetch *f, Error *e)
{
        int running, left;

        if (!f->multi)
                return 0;
        CURLMcode code = curl_multi_perform(f->multi, &running);
        if (code != CURLM_OK)
                return error_set(e, -EIO, "libcurl: %s", curl_multi_strerror(code));
        for (const CURLMsg *m; (m = curl_multi_info_read(f->multi, &left));) {
                int rc = m->msg == CURLMSG_DONE ? take_message(f, m, e) : 0;
                if (rc < 0)
                        return rc;
        }
        return 0;
}

/* ---- the loop ---- */

static void show_progress(Fetch *f, bool last)
{
        uint64_t now = clock_monotonic(), moving = 0;

        if (!last && now - f->shown < PROGRESS_EVERY)
                return;
        f->shown = now;
        for (size_t i = 0; i < f->n; i++)
                if (f->requests[i].state == REQUEST_RUNNING || f->requests[i].state == REQUEST_WAITING)
                        moving += f->requests[i].have;
        events_progress(f->o->events, f->total > 0 ? MIN(f->settled + moving, f->total) : f->settled + moving, f->total);
}

static int wait_events(const Fetch *f, Error *e)
{
        bool watching = f->o->watch && f->o->watch_fd >= 0;
        struct curl_waitfd extra[2] = {};
        struct pollfd plain[2] = {};
        unsigned n = 0;

        if (f->cache)
                extra[n++] = (struct curl_waitfd){.fd = fetch_cache_fd(f->cache), .events = CURL_WAIT_POLLIN};
        if (watching)
                extra[n++] = (struct curl_waitfd){.fd = f->o->watch_fd, .events = CURL_WAIT_POLLIN};
        if (f->multi) {
                CURLMcode code = curl_multi_poll(f->multi, extra, n, TICK_MS, NULL);
                if (code != CURLM_OK)
                        return error_set(e, -EIO, "libcurl: %s", curl_multi_strerror(code));
        } else {
                for (unsigned i = 0; i < n; i++)
                        plain[i] = (struct pollfd){.fd = extra[i].fd, .events = POLLIN};
                if (poll(plain, n, TICK_MS) < 0 && errno != EINTR)
                        return error_sys(e, -errno, "cannot wait for the transfers");
        }
        return watching ? f->o->watch(f->o->ctx, e) : 0;
}

static int turn(Fetch *f, Error *e)
{
        int r = take_verdicts(f, e);

        if (r >= 0)
                r = run_transfers(f, e);
        if (r >= 0)
                r = start_waiting(f, e);
        show_progress(f, false);
        if (r >= 0 && f->n_done < f->n)
                r = wait_events(f, e);
        return r;
}

int fetch_all(const FetchItem *items, size_t n, const FetchOptions *o, Error *e)
{
        __attribute__((cleanup(fetch_done))) Fetch f = {.o = o, .items = items, .n = n, .requests = xnew(Request, n + 1)};
        int r = open_cache(&f, e);

        while (r >= 0 && f.n_done < n)
                r = turn(&f, e);
        if (r >= 0)
                show_progress(&f, true);
        return r;
}
