/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/create-pull.h"

#define SUMS_MAX (4ULL * 1024 * 1024)

int pull_find_sum(const char *text, const char *file, bool alone, Digest *ret)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");

        STRV_FOREACH (line, lines) {
                _cleanup_free_ char *hex = xstrndup(*line, strcspn(*line, " \t\r"));
                const char *name = *line + strlen(hex);
                name += strspn(name, " \t");
                name += *name == '*';
                _cleanup_free_ char *trimmed = xstrndup(name, strcspn(name, "\r"));
                if ((str_eq(trimmed, file) || (alone && !*trimmed)) && digest_parse(DIGEST_SHA256, hex, ret) >= 0)
                        return 0;
        }
        return -ENOENT;
}

static char **default_keyrings(void)
{
        static const char *const paths[] = {"/etc/systemd/import-pubring.pgp", "/etc/systemd/import-pubring.gpg",
                                            "/usr/lib/systemd/import-pubring.pgp", "/usr/lib/systemd/import-pubring.gpg"};
        char **found = NULL;

        for (size_t i = 0; i < ELEMENTSOF(paths) && !found; i++)
                if (access(paths[i], R_OK) == 0)
                        strv_push(&found, paths[i]);
        return found;
}

static int check_signature(const Pull *p, Error *e)
{
        static const char *const names[] = {"SHA256SUMS.gpg", "SHA256SUMS.asc", "SHA256SUMS.sign"}; /* as servers call it */
        _cleanup_strv_ char **keyrings = p->request->keyrings ? strv_copy(p->request->keyrings) : default_keyrings();
        _cleanup_free_ char *sums = path_join(p->dir, "SHA256SUMS");

        if (!keyrings)
                return error_set(e, -ENOKEY,
                                 "there is no /etc/systemd/import-pubring.pgp with keys to trust; name a keyring with --keyring, "
                                 "or be "
                                 "content with --verify=checksum");
        int r = -ENOENT;
        for (size_t i = 0; i < ELEMENTSOF(names) && r == -ENOENT; i++) {
                _cleanup_free_ char *signature = path_join(p->dir, names[i]);
                r = pull_fetch_beside(p, names[i], SUMS_MAX, NULL, e);
                if (r >= 0)
                        return verify_detached(sums, signature, keyrings, e);
        }
        if (r == -ENOENT)
                return error_set(e, r,
                                 "%sSHA256SUMS.gpg is not there: nothing is signed; --verify=checksum takes the checksum alone",
                                 p->base);
        return r;
}

static int read_sum(Pull *p, const char *name, bool alone, Error *e)
{
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(p->dirfd, name, SUMS_MAX, &text, NULL);

        if (r < 0)
                return error_sys(e, r, "cannot read '%s'", name);
        if (pull_find_sum(text, p->file, alone, &p->digest) < 0)
                return error_set(e, -EBADMSG, "%s%s has no SHA-256 checksum of '%s'", p->base, name, p->file);
        if (!alone)
                p->sums = TAKE_PTR(text);
        return 0;
}

/* SHA256SUMS beside it; for a checksum alone NAME.sha256 will do. */
int pull_find_digest(Pull *p, Error *e)
{
        _cleanup_free_ char *single = xasprintf("%s.sha256", p->file);
        Error why = {0};

        if (p->request->verify == PULL_VERIFY_NO)
                return 0;
        events_step(&p->host->events, "Fetching checksums");
        int r = pull_fetch_beside(p, "SHA256SUMS", SUMS_MAX, NULL, &why);
        if (r >= 0 && p->request->verify == PULL_VERIFY_SIGNATURE)
                r = check_signature(p, &why);
        if (r >= 0)
                return read_sum(p, "SHA256SUMS", false, e);
        if (r == -ENOENT && p->request->verify == PULL_VERIFY_CHECKSUM && pull_fetch_beside(p, single, SUMS_MAX, NULL, NULL) >= 0)
                return read_sum(p, single, true, e);
        if (e)
                *e = why;
        if (r == -ENOENT && p->request->verify == PULL_VERIFY_CHECKSUM)
                return error_set(e, r, "neither %sSHA256SUMS nor %s is there; --verify=no takes what comes", p->base, single);
        return r;
}
