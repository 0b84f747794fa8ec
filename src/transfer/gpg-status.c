/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/gpg-status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

#define PREFIX     "[GNUPG:] "
#define HASH_FIELD 8 /* of VALIDSIG, counted from the keyword */

typedef enum Verdict {
        VERDICT_GOOD,    /* a signature by a key of the keyring */
        VERDICT_WEAK,    /* good, but its digest algorithm proves nothing any more */
        VERDICT_UNKNOWN, /* the key is not in the keyring */
        VERDICT_OLD_KEY,
        VERDICT_OLD_SIGNATURE,
        VERDICT_REVOKED,
        VERDICT_FAILED,  /* could not be checked */
        VERDICT_BAD,     /* the text is not what was signed */
        VERDICT_NOTHING, /* no signature at all */
        _VERDICT_MAX,
} Verdict;

typedef struct Judgement {
        unsigned seen[_VERDICT_MAX];
        char key[_VERDICT_MAX][64]; /* the last key of each verdict, and its user */
} Judgement;

typedef struct StatusRow {
        const char *keyword;
        Verdict verdict;
} StatusRow;

static const StatusRow rows[] = {
                {"VALIDSIG", VERDICT_GOOD},        {"NO_PUBKEY", VERDICT_UNKNOWN}, {"EXPKEYSIG", VERDICT_OLD_KEY},
                {"EXPSIG", VERDICT_OLD_SIGNATURE}, {"REVKEYSIG", VERDICT_REVOKED}, {"ERRSIG", VERDICT_FAILED},
                {"BADSIG", VERDICT_BAD},           {"NODATA", VERDICT_NOTHING},
};

/* Hash algorithms of OpenPGP that no longer prove anything: MD5, SHA-1, RIPEMD-160. */
static bool is_weak(char *const *words)
{
        static const char *const weak[] = {"1", "2", "3"};

        if (strv_len(words) <= HASH_FIELD)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(weak); i++)
                if (str_eq(words[HASH_FIELD], weak[i]))
                        return true;
        return false;
}

/* VALIDSIG follows also EXPKEYSIG, REVKEYSIG and EXPSIG; only the one after GOODSIG counts. */
static void judge_line(Judgement *j, const char *line, bool *after_good)
{
        const char *text = str_startswith(line, PREFIX);
        _cleanup_strv_ char **words = text ? strv_split(text, " ") : NULL;

        if (strv_len(words) == 0)
                return;
        if (str_eq(words[0], "NEWSIG"))
                *after_good = false;
        if (str_eq(words[0], "GOODSIG"))
                *after_good = true;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Verdict v = rows[i].verdict;

                if (!str_eq(words[0], rows[i].keyword))
                        continue;
                if (v == VERDICT_GOOD && !*after_good)
                        continue;
                if (v == VERDICT_GOOD && is_weak(words))
                        v = VERDICT_WEAK;
                j->seen[v]++;
                snprintf(j->key[v], sizeof(j->key[v]), "%.40s", words[1] ? words[1] : "?");
        }
}

#define GET_KEYRING "install the distribution's current archive keyring, or name one with --keyring=FILE"

static int explain(const Judgement *j, const char *what, Error *e)
{
        if (j->seen[VERDICT_REVOKED])
                return error_set(e, -EKEYREVOKED, "%s: signed with key %s, which is revoked; " GET_KEYRING, what,
                                 j->key[VERDICT_REVOKED]);
        if (j->seen[VERDICT_OLD_KEY])
                return error_set(e, -EKEYEXPIRED, "%s: signed with key %s, which has expired; " GET_KEYRING, what,
                                 j->key[VERDICT_OLD_KEY]);
        if (j->seen[VERDICT_OLD_SIGNATURE])
                return error_set(e, -EKEYEXPIRED, "%s: its signature by key %s has expired", what, j->key[VERDICT_OLD_SIGNATURE]);
        if (j->seen[VERDICT_WEAK])
                return error_set(e, -EKEYREJECTED, "%s: its signature by key %s uses a digest that is too weak to be trusted",
                                 what, j->key[VERDICT_WEAK]);
        if (j->seen[VERDICT_UNKNOWN])
                return error_set(e, -ENOKEY, "%s: signed with key %s, which is not in the keyring; " GET_KEYRING, what,
                                 j->key[VERDICT_UNKNOWN]);
        if (j->seen[VERDICT_FAILED])
                return error_set(e, -EKEYREJECTED, "%s: its signature by key %s cannot be checked", what, j->key[VERDICT_FAILED]);
        return error_set(e, -EKEYREJECTED, "%s: it is not signed", what);
}

int gpg_status_judge(const char *status, const char *what, Error *e)
{
        _cleanup_strv_ char **lines = strv_split(status, "\n");
        Judgement j = {};
        bool after_good = false;

        STRV_FOREACH (line, lines)
                judge_line(&j, *line, &after_good);
        if (j.seen[VERDICT_BAD])
                return error_set(e, -EKEYREJECTED,
                                 "%s: the signature by key %s does not fit the text: it has been tampered with or is damaged; "
                                 "use another mirror",
                                 what, j.key[VERDICT_BAD]);
        return j.seen[VERDICT_GOOD] ? 0 : explain(&j, what, e);
}
