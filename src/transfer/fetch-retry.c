/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/fetch-retry.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"

#define PAUSE_FIRST     (USEC_PER_SEC / 2)
#define PAUSE_MAX       (10 * USEC_PER_SEC)
#define PAUSE_ASKED_MAX 30

static const long passing_status[] = {408, 425, 429, 500, 502, 503, 504};

/* The connection broke or stalled. */
static const CURLcode passing_codes[] = {CURLE_OPERATION_TIMEDOUT, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR,  CURLE_SEND_ERROR,
                                         CURLE_GOT_NOTHING,        CURLE_HTTP2,        CURLE_HTTP2_STREAM};

/* At first a wrong mirror or no network; later a hiccup. */
static const CURLcode reaching_codes[] = {CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY,
                                          CURLE_SSL_CONNECT_ERROR};

static bool has_code(const CURLcode *codes, size_t n, CURLcode code)
{
        for (size_t i = 0; i < n; i++)
                if (codes[i] == code)
                        return true;
        return false;
}

bool fetch_failure_passes(const FetchFailure *f)
{
        if (f->code == CURLE_HTTP_RETURNED_ERROR) {
                for (size_t i = 0; i < ELEMENTSOF(passing_status); i++)
                        if (passing_status[i] == f->status)
                                return true;
                return false;
        }
        return has_code(passing_codes, ELEMENTSOF(passing_codes), f->code) ||
               (f->reached && has_code(reaching_codes, ELEMENTSOF(reaching_codes), f->code));
}

uint64_t fetch_pause(unsigned attempt, int64_t retry_after)
{
        uint64_t pause = attempt <= 5 ? PAUSE_FIRST << (attempt > 0 ? attempt - 1 : 0) : PAUSE_MAX;
        uint64_t bounded = MIN(pause, PAUSE_MAX);
        uint64_t asked = retry_after > 0 ? (uint64_t)MIN(retry_after, PAUSE_ASKED_MAX) * USEC_PER_SEC : 0;

        return MAX(bounded, asked);
}

/* ---- words ---- */

static void host_of(const char *url, char *ret, size_t size)
{
        const char *p = strstr(url, "://");
        const char *host = p ? p + 3 : url;
        size_t n = strcspn(host, "/?#");
        const char *at = memchr(host, '@', n);

        if (at) {
                n -= (size_t)(at + 1 - host);
                host = at + 1;
        }
        n = MIN(n, size - 1);
        memcpy(ret, host, n);
        ret[n] = '\0';
}

static const char *status_text(long status)
{
        static const struct {
                long status;
                const char *text;
        } rows[] = {
                        {401, "the server wants a password"},
                        {403, "the server forbids it"},
                        {404, "not found"},
                        {410, "gone"},
                        {429, "the server is asked too often"},
                        {500, "the server has an internal error"},
                        {502, "bad gateway"},
                        {503, "the server is unavailable"},
                        {504, "gateway timed out"},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].status == status)
                        return rows[i].text;
        return "the server refuses it";
}

#define TRY_ELSEWHERE "check the network or give another mirror with --mirror=URL"

int fetch_failure_explain(const FetchFailure *f, Error *e)
{
        const char *detail = f->detail && *f->detail ? f->detail : curl_easy_strerror(f->code);
        char host[256];

        host_of(f->url, host, sizeof(host));
        switch ((int)f->code) {
        case CURLE_COULDNT_RESOLVE_HOST:
                return error_set(e, -EHOSTUNREACH, "cannot reach mirror host '%s': could not resolve its name; " TRY_ELSEWHERE,
                                 host);
        case CURLE_COULDNT_RESOLVE_PROXY:
                return error_set(e, -EHOSTUNREACH, "cannot reach the proxy for '%s': %s; check http_proxy", f->url, detail);
        case CURLE_COULDNT_CONNECT:
                return error_set(e, -EHOSTUNREACH, "cannot reach mirror host '%s': %s; " TRY_ELSEWHERE, host, detail);
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
                return error_set(e, -EACCES,
                                 "the certificate of mirror host '%s' is not accepted: %s; install ca-certificates or check the "
                                 "clock",
                                 host, detail);
        case CURLE_HTTP_RETURNED_ERROR:
                return error_set(e,
                                 f->status == 404 || f->status == 410   ? -ENOENT
                                 : f->status == 401 || f->status == 403 ? -EACCES
                                                                        : -EIO,
                                 "%s: %ld %s", f->url, f->status, status_text(f->status));
        case CURLE_FILE_COULDNT_READ_FILE:
                return error_set(e, -ENOENT, "%s: no such file", f->url);
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
                return error_set(e, -EINVAL, "'%s' is not an address of http, https or file", f->url);
        case CURLE_OPERATION_TIMEDOUT:
                return error_set(e, -ETIMEDOUT, "%s: mirror host '%s' does not answer any more; " TRY_ELSEWHERE, f->url, host);
        case CURLE_TOO_MANY_REDIRECTS:
                return error_set(e, -ELOOP, "%s: redirected in circles; give another mirror with --mirror=URL", f->url);
        default:
                return error_set(e, -EIO, "%s: %s; " TRY_ELSEWHERE, f->url, detail);
        }
}
