/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/fetch-request.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/xattr.h>
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

/* The server's name for the version that a file is of (its ETag) is kept as an attribute of the file, whole or partial. */
#define ETAG_XATTR "user.berth.etag"

static void etag_load(int fd, char ret[static FETCH_ETAG_MAX])
{
        ssize_t n = fgetxattr(fd, ETAG_XATTR, ret, FETCH_ETAG_MAX - 1);

        ret[n > 0 ? n : 0] = '\0';
}

static void etag_store(int fd, const char *etag)
{
        if (*etag)
                (void)fsetxattr(fd, ETAG_XATTR, etag, strlen(etag), 0); /* only makes the next fetch cheaper */
        else
                (void)fremovexattr(fd, ETAG_XATTR);
}

/* A weak one is for what means the same: pieces of such files do not fit together. */
static bool etag_is_strong(const char *etag)
{
        return *etag == '"';
}

/* What an earlier run has left is only worth keeping when the digest will tell whether it belongs to the rest, or the server. */
static bool part_can_resume(const Request *r)
{
        char etag[FETCH_ETAG_MAX];

        if (r->item->digest.type != DIGEST_NONE)
                return true;
        etag_load(r->part, etag);
        return etag_is_strong(etag);
}

static int part_adopt(Request *r)
{
        struct stat st;

        if (fstat(r->part, &st) < 0)
                return -errno;
        uint64_t left = st.st_size > 0 ? (uint64_t)st.st_size : 0;
        if (left == 0 || left > size_limit(r->item) || !part_can_resume(r) || str_startswith(r->item->url, "file:"))
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

/* Each answer has its own, also those that lead elsewhere: the last one counts. */
static size_t on_header(char *data, size_t one, size_t len, void *ctx)
{
        static const char name[] = "etag:";
        Request *r = ctx;
        size_t skip = sizeof(name) - 1, end = len;

        if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
                r->etag[0] = '\0';
        if (len <= skip || strncasecmp(data, name, skip) != 0)
                return len;
        while (skip < end && (data[skip] == ' ' || data[skip] == '\t'))
                skip++;
        while (end > skip && (unsigned char)data[end - 1] <= ' ')
                end--;
        bool fits = end - skip < sizeof(r->etag);
        for (size_t i = skip; i < end && fits; i++)
                fits = (unsigned char)data[i] > ' ' && (unsigned char)data[i] < 127;
        snprintf(r->etag, sizeof(r->etag), "%.*s", fits ? (int)(end - skip) : 0, data + skip);
        return len;
}

/* Whether the rest belongs to what is there, or the server sends the whole, from its beginning. */
static int begin_answer(Request *r)
{
        char etag[FETCH_ETAG_MAX];
        long status = 0;

        r->answered = true;
        (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
        if (r->resumed > 0 && status == 206) {
                r->pieced = true;
                etag_load(r->part, etag);
                r->changed = r->item->digest.type == DIGEST_NONE && !str_eq(etag, r->etag);
                return r->changed ? -ESTALE : 0;
        }
        int rc = r->resumed > 0 ? part_restart(r) : 0;
        if (rc >= 0)
                etag_store(r->part, r->etag);
        return rc;
}

static size_t on_data(char *data, size_t one, size_t len, void *ctx)
{
        Request *r = ctx;
        int rc = r->answered ? 0 : begin_answer(r);

        if (r->changed)
                return 0;
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

static void add_header(Request *r, const char *name, const char *value)
{
        _cleanup_free_ char *line = xasprintf("%s: %s", name, value);
        struct curl_slist *longer = curl_slist_append(r->headers, line);

        if (longer)
                r->headers = longer;
        curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
}

/* The rest, if that is still of what the beginning is of. */
static void ask_for_rest(Request *r)
{
        char range[32], etag[FETCH_ETAG_MAX];

        snprintf(range, sizeof(range), "%" PRIu64 "-", r->have);
        curl_easy_setopt(r->easy, CURLOPT_RANGE, range);
        etag_load(r->part, etag);
        if (etag_is_strong(etag))
                add_header(r, "If-Range", etag);
}

/* Only what is of another version than the file there, or newer, where the server's versions have no names. */
static void ask_for_newer(Request *r, const FetchOptions *o)
{
        _cleanup_close_ int there = openat(o->dirfd, r->item->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        char etag[FETCH_ETAG_MAX];
        struct stat st;

        if (there < 0 || fstat(there, &st) < 0)
                return;
        etag_load(there, etag);
        if (*etag) {
                add_header(r, "If-None-Match", etag);
                return;
        }
        curl_easy_setopt(r->easy, CURLOPT_TIMECONDITION, (long)CURL_TIMECOND_IFMODSINCE);
        curl_easy_setopt(r->easy, CURLOPT_TIMEVALUE_LARGE, (curl_off_t)st.st_mtime);
}

static void set_range(Request *r, const FetchOptions *o)
{
        curl_easy_setopt(r->easy, CURLOPT_FILETIME, 1L);
        if (r->have > 0)
                ask_for_rest(r);
        else if (r->item->digest.type == DIGEST_NONE && !o->no_cache)
                ask_for_newer(r, o);
}

static int transfer_open(Request *r, const FetchOptions *o)
{
        r->easy = curl_easy_init();
        if (!r->easy)
                return -ENOMEM;
        r->resumed = r->have;
        r->answered = r->changed = false;
        r->etag[0] = '\0';
        r->detail[0] = '\0';
        curl_easy_setopt(r->easy, CURLOPT_URL, r->item->url);
        curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
        curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->detail);
        curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_data);
        curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
        curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
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

static void transfer_close(Request *r)
{
        if (r->easy)
                curl_easy_cleanup(r->easy);
        curl_slist_free_all(r->headers);
        r->easy = NULL;
        r->headers = NULL;
}

static int again(Request *r, uint64_t pause)
{
        transfer_close(r);
        r->not_before = clock_monotonic() + pause;
        r->state = REQUEST_WAITING;
        return 1;
}

static int finish_good(Request *r, const FetchOptions *o, Error *e)
{
        long unchanged = 0, status = 0;
        bool pieced = r->pieced;

        (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status == 304 || (curl_easy_getinfo(r->easy, CURLINFO_CONDITION_UNMET, &unchanged) == CURLE_OK && unchanged)) {
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

        if (r->changed || (f->status == 416 && r->resumed > 0)) {
                part_drop(r, o->dirfd);
                return again(r, 0);
        }
        if (!fetch_failure_passes(f) || r->tries >= o->retries)
                return fetch_failure_explain(f, e);
        (void)curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_after);
        if (!part_can_resume(r) && part_restart(r) < 0)
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
        transfer_close(r);
        r->part = fd_close(r->part);
        digest_stream_done(&r->digest);
}
