/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --forward-journal=: systemd-journal-remote on the host listens on a socket that is shown inside, and a credential tells the
 * systemd-journald of the machine (256 and later) to write what it logs there, too. Both are as systemd-nspawn 262 has them. Which
 * systemd-journal-remote there is on the host decides how it is told its limits: 253 reads them from a file, 261 as options. */

#include "plan/build.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

static const struct {
        const char *option, *key;
} limits[_SPEC_FORWARD_MAX] = {
                [SPEC_FORWARD_MAX_USE] = {"max-use", "MaxUse"},
                [SPEC_FORWARD_KEEP_FREE] = {"keep-free", "KeepFree"},
                [SPEC_FORWARD_MAX_FILE_SIZE] = {"max-file-size", "MaxFileSize"},
                [SPEC_FORWARD_MAX_FILES] = {"max-files", "MaxFiles"},
};

static PlanOption limit_option(const MachineSpec *s, SpecForward which)
{
        _cleanup_free_ char *name = xasprintf("--forward-journal-%s", limits[which].option);

        return plan_option(s, SPEC_FIELD_FORWARD_LIMIT + (SpecField)which, name);
}

static int add_limits(PlanBuild *b, PlanJournal *j, Error *e)
{
        const MachineSpec *s = b->spec;

        for (SpecForward i = 0; i < _SPEC_FORWARD_MAX; i++) {
                unsigned long long value = s->forward_limits[i];
                if (!spec_is_set(s, SPEC_FIELD_FORWARD_LIMIT + (SpecField)i))
                        continue;
                switch (b->facts->journal_limits) {
                case FACT_JOURNAL_NO_LIMITS:
                        return error_set(e, -EOPNOTSUPP,
                                         "%s needs systemd-journal-remote of systemd 253 or later, and '%s' is older; leave it "
                                         "out",
                                         limit_option(s, i).s, b->facts->journal_remote);
                case FACT_JOURNAL_CONFIG:
                        if (!j->config)
                                strv_push(&j->config, "[Remote]");
                        strv_pushf(&j->config, "%s=%llu", limits[i].key, value);
                        break;
                case FACT_JOURNAL_OPTIONS:
                        strv_pushf(&j->argv, "--%s=%llu", limits[i].option, value);
                        break;
                }
        }
        return 0;
}

static int check(const PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const PlanOption option = plan_option(s, SPEC_FIELD_FORWARD_JOURNAL, "--forward-journal");

        for (SpecForward i = 0; !s->forward_journal && i < _SPEC_FORWARD_MAX; i++)
                if (spec_is_set(s, SPEC_FIELD_FORWARD_LIMIT + (SpecField)i))
                        return error_set(e, -EINVAL, "%s needs --forward-journal: without it there is no journal to limit",
                                         limit_option(s, i).s);
        if (!s->forward_journal)
                return 0;
        for (size_t i = 0; i < b->facts->n_credentials; i++)
                if (str_eq(b->facts->credentials[i].id, PLAN_JOURNAL_CREDENTIAL))
                        return error_set(e, -EINVAL, "%s and %s exclude each other: both say where the journal goes", option.s,
                                         plan_option(s, SPEC_FIELD_CREDENTIALS, "the credential " PLAN_JOURNAL_CREDENTIAL).s);
        if (!b->facts->journal_remote)
                return error_set(e, -ENOENT,
                                 "%s needs systemd-journal-remote, which this host does not have; install the package "
                                 "systemd-journal-remote, or use --link-journal=host",
                                 option.s);
        return 0;
}

int plan_journal(PlanBuild *b, Error *e)
{
        const char *output = b->spec->forward_journal;
        const bool file = output && str_endswith(output, ".journal");
        PlanJournal *j = &b->plan->journal;
        int r = check(b, e);

        if (r < 0 || !output)
                return r;
        strv_push(&j->argv, b->facts->journal_remote);
        strv_pushf(&j->argv, "--output=%s", output);
        strv_push(&j->argv, file ? "--split-mode=none" : "--split-mode=host");
        r = add_limits(b, j, e);
        if (r < 0)
                return r;
        j->socket = xstrdup(b->facts->journal_socket);
        j->output = file ? xstrndup(output, (size_t)(strrchr(output, '/') - output)) : xstrdup(output);
        if (!b->plan->rootless) /* there it is the caller's, who is root inside */
                (void)(plan_id_outside(b->plan, false, 0, &j->uid) + plan_id_outside(b->plan, true, 0, &j->gid));
        /* Read-only is about the socket's owner and mode; connecting to it is none of that. */
        plan_add_host_bind(b->plan, j->socket, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                           PLAN_JOURNAL_SOCKET, NODE_FILE);
        return 0;
}
