/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/fetch-request.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "sys/lock.h"
#include "transfer/fetch-cache.h"
#include "transfer/fetch-retry.h"

#define CONNECT_TIMEOUT 20L
#define STALL_TIMEOUT   30L
#define LIMIT_UNKNOWN   (64ULL * 1024 * 1024)
#define BUFFER_SIZE     (256L * 1024)
#define REDIRECTS_MAX   10L

static uint64_t size_limit(const FetchItem *i)
{
        return i->size > 0 ? i->size : i->limit > 0 ? i->limit : LIMIT_UNKNOWN;
}

static int local_failure(const Request *r, int code, const char *what, Error *e)
{
        if (code == -ENOSPC || code == -EDQUOT)
                return error_set(e, code, "%s: no space left on the file system of the cache: free some", r->item->path);
        return error_sys(e, code, "cannot %s '%s'", what, r->item->path);
}

/* ---- the partial file ---- */

static char *part_name(const FetchItem *i)
{
        return xasprintf("%s.part", i->path);
}

static int part_restart(Request *r)
{
        r->have = r->resumed = 0;
        r->pieced = false;
        if (ftruncate(r->part, 0) < 0 || lseek(r->part, 0, SEEK_SET) < 0)
                return -errno;
        return digest_stream_open(&r->digest, r->item->digest.type);
}

/* What an earlier run has left is only worth keeping when the digest will tell whether it belongs to the rest. */
static int part_adopt(Request *r)
{
        struct stat st;

        if (fstat(r->part, &st) < 0)
                return -errno;
        uint64_t left = st.st_size > 0 ? (uint64_t)st.st_size : 0;
        if (left == 0 || left > size_limit(r->item) || r->item->digest.type == DIGEST_NONE ||
            str_startswith(r->item->url, "file:"))
                return part_restart(r);

        int rc = digest_stream_open(&r->digest, r->item->digest.type);
        if (rc >= 0)
                rc = digest_stream_feed_fd(&r->digest, r->part, left);
        if (rc < 0 || lseek(r->part, (off_t)left, SEEK_SET) < 0)
                return part_restart(r);
        r->have = left;
        return 0;
}

static int part_open(Request *r, int dirfd)
{
        _cleanup_free_ char *name = part_name(r->item);
        int fd = sys_lock_making_dirs_at(dirfd, name, false);

        if (fd < 0)
                return fd;
        r->part = fd;
        return part_adopt(r);
}

static void part_drop(Request *r, int dirfd)
{
        _cleanup_free_ char *name = part_name(r->item);

        (void)unlinkat(dirfd, name, 0); /* while the lock is held, so it is ours */
        r->part = fd_close(r->part);
        r->have = 0;
}

static int part_publish(Request *r, int dirfd, Error *e)
{
        _cleanup_free_ char *name = part_name(r->item);
        curl_off_t changed = -1;

        if (r->easy && curl_easy_getinfo(r->easy, CURLINFO_FILETIME_T, &changed) == CURLE_OK && changed >= 0) {
                struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = (time_t)changed}};
                (void)futimens(r->part, times); /* only makes the next fetch cheaper */
        }
        if (fchmod(r->part, 0644) < 0 || renameat(dirfd, name, dirfd, r->item->path) < 0)
                return local_failure(r, -errno, "put in place", e);
        r->part = fd_close(r->part);
        return 0;
}

/* ---- the transfer ---- */

static size_t on_data(char *data, size_t one, size_t len, void *ctx)
{
        Request *r = ctx;
        long status = 0;
        int rc = 0;

        if (!r->answered) {
                r->answered = true;
                (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
                if (r->resumed > 0 && status == 206)
                        r->pieced = true;
                else if (r->resumed > 0) /* the server sends the whole, from its beginning */
                        rc = part_restart(r);
        }
        if (rc >= 0 && len > size_limit(r->item) - r->have) {
                (void)error_set(&r->failure, -E2BIG,
                                "%s is larger than the %" PRIu64 " bytes that %s: try again or use another mirror", r->item->url,
                                size_limit(r->item), r->item->size > 0 ? "the index says" : "are allowed");
                return 0;
        }
        if (rc >= 0)
                rc = fd_write_all(r->part, data, len);
        if (rc >= 0)
                rc = digest_stream_feed(&r->digest, data, len);
        if (rc < 0) {
                (void)local_failure(r, rc, "write", &r->failure);
                return 0;
        }
        r->have += len;
        return len;
}

static void set_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
        curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
        curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_FILE));
        curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* Asks for the rest, or, for a file that cannot be verified here, only for what is newer than the one there. */
static void set_range(Request *r, const FetchOptions *o)
{
        struct stat st;
        char range[32];

        curl_easy_setopt(r->easy, CURLOPT_FILETIME, 1L);
        if (r->have > 0) {
                snprintf(range, sizeof(range), "%" PRIu64 "-", r->have);
                curl_easy_setopt(r->easy, CURLOPT_RANGE, range);
        } else if (r->item->digest.type == DIGEST_NONE && !o->no_cache && fstatat(o->dirfd, r->item->path, &st, 0) == 0) {
                curl_easy_setopt(r->easy, CURLOPT_TIMECONDITION, (long)CURL_TIMECOND_IFMODSINCE);
                curl_easy_setopt(r->easy, CURLOPT_TIMEVALUE_LARGE, (curl_off_t)st.st_mtime);
        }
}

static int transfer_open(Request *r, const FetchOptions *o)
{
        r->easy = curl_easy_init();
        if (!r->easy)
                return -ENOMEM;
        r->resumed = r->have;
        r->answered = false;
        r->detail[0] = '\0';
        curl_easy_setopt(r->easy, CURLOPT_URL, r->item->url);
        curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
        curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->detail);
        curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_data);
        curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
        curl_easy_setopt(r->easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
        curl_easy_setopt(r->easy, CURLOPT_USERAGENT, "berth");
        curl_easy_setopt(r->easy, CURLOPT_FAILONERROR, 1L);
        curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(r->easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
        curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
        curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_TIME, o->stall_timeout_s > 0 ? (long)o->stall_timeout_s : STALL_TIMEOUT);
        set_protocols(r->easy);
        set_range(r, o);
        return 0;
}

static int verify_and_publish(Request *r, const FetchOptions *o, Error *e);

int request_start(Request *r, const FetchOptions *o, Error *e)
{
        if (r->part < 0) {
                int rc = part_open(r, o->dirfd);
                if (rc == -EAGAIN) {
                        r->contended = true;
                        return -EAGAIN;
                }
                if (rc < 0)
                        return local_failure(r, rc, "open the partial file of", e);
        }
        if (r->contended && fetch_cache_has(o->dirfd, r->item) && fetch_cache_holds(o->dirfd, r->item)) {
                part_drop(r, o->dirfd);
                return 1;
        }
        if (r->item->size > 0 && r->have == r->item->size) {
                int rc = verify_and_publish(r, o, NULL);
                if (rc == -EBADMSG) /* it was all there, but wrong, and is gone now */
                        return request_start(r, o, e);
                return rc < 0 ? local_failure(r, rc, "put in place", e) : 1;
        }
        int rc = transfer_open(r, o);
        return rc < 0 ? error_set(e, rc, "out of memory") : 0;
}

/* ---- afterwards ---- */

static int differs(Request *r, const Digest *is, Error *e)
{
        char is_hex[DIGEST_HEX_MAX], said_hex[DIGEST_HEX_MAX];

        if (r->item->size > 0 && r->have != r->item->size)
                return error_set(e, -EBADMSG,
                                 "%s has %" PRIu64 " bytes, the index says %" PRIu64
                                 "; the mirror is being updated or has been tampered with: try again or use another mirror",
                                 r->item->url, r->have, r->item->size);
        return error_set(e, -EBADMSG,
                         "%s has %s %s, the index says %s; the mirror is being updated or has been tampered with: try again or "
                         "use another mirror",
                         r->item->url, digest_type_name(is->type), digest_hex(is, is_hex),
                         digest_hex(&r->item->digest, said_hex));
}

static int verify_and_publish(Request *r, const FetchOptions *o, Error *e)
{
        Digest is;
        int rc = digest_stream_end(&r->digest, &is);

        if (rc < 0)
                return local_failure(r, rc, "compute the digest of", e);
        if ((r->item->size > 0 && r->have != r->item->size) || !digest_eq(&is, &r->item->digest)) {
                rc = differs(r, &is, e);
                part_drop(r, o->dirfd);
                return rc;
        }
        return part_publish(r, o->dirfd, e);
}

static int again(Request *r, uint64_t pause)
{
        curl_easy_cleanup(r->easy);
        r->easy = NULL;
        r->not_before = clock_monotonic() + pause;
        r->state = REQUEST_WAITING;
        return 1;
}

static int finish_good(Request *r, const FetchOptions *o, Error *e)
{
        long unchanged = 0;
        bool pieced = r->pieced;

        if (curl_easy_getinfo(r->easy, CURLINFO_CONDITION_UNMET, &unchanged) == CURLE_OK && unchanged) {
                part_drop(r, o->dirfd);
                return 0;
        }
        int rc = verify_and_publish(r, o, e);
        if (rc != -EBADMSG || !pieced)
                return rc;
        /* The beginning was of another time: once more, the whole. The message of this try is void. */
        if (e)
                *e = (Error){};
        return again(r, 0);
}

static int finish_bad(Request *r, const FetchOptions *o, const FetchFailure *f, Error *e)
{
        curl_off_t retry_after = 0;

        if (f->status == 416 && r->resumed > 0) {
                part_drop(r, o->dirfd);
                return again(r, 0);
        }
        if (!fetch_failure_passes(f) || r->tries >= o->retries)
                return fetch_failure_explain(f, e);
        (void)curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_after);
        if (r->item->digest.type == DIGEST_NONE && part_restart(r) < 0)
                return local_failure(r, -EIO, "begin anew with", e);
        r->tries++;
        return again(r, fetch_pause(r->tries, retry_after));
}

int request_finish(Request *r, const FetchOptions *o, CURLcode code, bool reached, Error *e)
{
        FetchFailure f = {.code = code, .url = r->item->url, .detail = r->detail, .reached = reached};
        int rc;

        (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &f.status);
        if (r->failure.code < 0)
                rc = error_set(e, r->failure.code, "%s", r->failure.message);
        else
                rc = code == CURLE_OK ? finish_good(r, o, e) : finish_bad(r, o, &f, e);
        if (rc < 0 && r->part >= 0 && (r->have == 0 || rc == -E2BIG)) /* nothing that is worth keeping */
                part_drop(r, o->dirfd);
        if (rc < 0 && r->item->label)
                return error_prefix(e, rc, "%s", r->item->label);
        return rc;
}

void request_done(Request *r)
{
        if (r->easy)
                curl_easy_cleanup(r->easy);
        r->easy = NULL;
        r->part = fd_close(r->part);
        digest_stream_done(&r->digest);
}
