/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of the host is shown inside: name servers, time zone, journal, credentials, users. Modes as in systemd-nspawn(1). */

#include "plan/build.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

#define QUIET       (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define RESOLV_CONF "/etc/resolv.conf"
#define LOCALTIME   "/etc/localtime"

static bool etc_is_writable(const PlanBuild *b)
{
        SpecVolatile v = b->spec->volatile_mode;

        return !b->read_only || v == SPEC_VOLATILE_YES || v == SPEC_VOLATILE_OVERLAY;
}

/* A file of the host, copied into the image. */
static void add_copy(PlanBuild *b, const char *source, const char *path, bool keep_symlink)
{
        PlanOp *op = plan_add_host_bind(b->plan, source, MOUNT_ATTR_RDONLY | QUIET, path, NODE_NONE);

        op->type = OP_COPY;
        op->mode = 0644;
        op->keep_symlink = keep_symlink;
}

static int check_writable(const PlanBuild *b, SpecField f, const char *option, Error *e)
{
        SpecField read_only = b->spec->read_only ? SPEC_FIELD_READ_ONLY : SPEC_FIELD_VOLATILE;

        if (etc_is_writable(b))
                return 0;
        return error_set(e, -EINVAL, "%s writes into the image, and %s forbids that; use a bind mode",
                         plan_option(b->spec, f, option).s,
                         plan_option(b->spec, read_only, b->spec->read_only ? "--read-only" : "--volatile").s);
}

/* ---- --resolv-conf= ---- */

static const char *const resolv_paths[_FACT_RESOLV_MAX] = {
                [FACT_RESOLV_HOST] = RESOLV_CONF,
                [FACT_RESOLV_STATIC] = "/usr/lib/systemd/resolv.conf",
                [FACT_RESOLV_UPLINK] = "/run/systemd/resolve/resolv.conf",
                [FACT_RESOLV_STUB] = "/run/systemd/resolve/stub-resolv.conf",
};

static void bind_resolv_conf(PlanBuild *b, FactResolvConf from, bool optional)
{
        plan_add_host_bind(b->plan, resolv_paths[from], MOUNT_ATTR_RDONLY | QUIET, RESOLV_CONF, NODE_FILE)->optional = optional;
}

/* Below /run, so that the image stays as it is; guests that ask a DHCP server may write there what that says. */
static void add_server(PlanBuild *b, const SpecAddress *server)
{
        _cleanup_free_ char *address = value_address_text(server, false);
        PlanOp *file = plan_add(b->plan, PHASE_ROOT, OP_FILE, "/run/host/resolv.conf");

        file->text = xasprintf("nameserver %s\n", address);
        file->mode = 0644;
        PlanOp *bind = plan_add(b->plan, PHASE_ROOT, OP_BIND, RESOLV_CONF);
        bind->source = xstrdup("/run/host/resolv.conf");
        bind->node = NODE_FILE;
        bind->optional = true;
}

static SpecResolvConf resolve_auto(const PlanBuild *b)
{
        const HostFacts *f = b->facts;
        bool copy = etc_is_writable(b);

        if (b->network != SPEC_NETWORK_HOST)
                return SPEC_RESOLV_CONF_OFF;
        if (f->resolv_conf[FACT_RESOLV_STUB] && f->resolved_listens)
                return copy ? SPEC_RESOLV_CONF_COPY_STUB : SPEC_RESOLV_CONF_BIND_STUB;
        if (f->resolv_conf[FACT_RESOLV_HOST])
                return copy ? SPEC_RESOLV_CONF_COPY_HOST : SPEC_RESOLV_CONF_BIND_HOST;
        if (f->resolv_conf[FACT_RESOLV_UPLINK])
                return copy ? SPEC_RESOLV_CONF_COPY_UPLINK : SPEC_RESOLV_CONF_BIND_UPLINK;
        return SPEC_RESOLV_CONF_OFF;
}

static int add_resolv_conf(PlanBuild *b, Error *e)
{
        SpecResolvConf mode = b->spec->resolv_conf;

        if (!spec_is_set(b->spec, SPEC_FIELD_RESOLV_CONF)) {
                /* With the host's network its name servers are the right ones. Bound, so that the image stays as it is; a symbolic
                 * link into what the guest makes itself stays, too. */
                if (b->network == SPEC_NETWORK_HOST && b->facts->has_resolv_conf)
                        bind_resolv_conf(b, FACT_RESOLV_HOST, true);
                const SpecAddress server = plan_network_server(b);
                if (server.family != 0)
                        add_server(b, &server);
                return 0;
        }
        if (mode == SPEC_RESOLV_CONF_AUTO)
                mode = resolve_auto(b);
        if (mode == SPEC_RESOLV_CONF_OFF)
                return 0;

        int r = mode < SPEC_RESOLV_CONF_BIND_HOST || mode == SPEC_RESOLV_CONF_DELETE
                                ? check_writable(b, SPEC_FIELD_RESOLV_CONF, "--resolv-conf", e)
                                : 0;
        if (r < 0)
                return r;
        if (mode == SPEC_RESOLV_CONF_DELETE) {
                plan_add(b->plan, PHASE_ROOT, OP_REMOVE, RESOLV_CONF);
                return 0;
        }
        FactResolvConf from = (FactResolvConf)((mode - SPEC_RESOLV_CONF_COPY_HOST) % _FACT_RESOLV_MAX);
        if (!b->facts->resolv_conf[from])
                return error_set(e, -ENOENT, "%s: the host has no '%s'",
                                 plan_option(b->spec, SPEC_FIELD_RESOLV_CONF, "--resolv-conf").s, resolv_paths[from]);
        if (mode >= SPEC_RESOLV_CONF_BIND_HOST)
                bind_resolv_conf(b, from, false);
        else
                add_copy(b, resolv_paths[from], RESOLV_CONF, mode < SPEC_RESOLV_CONF_REPLACE_HOST);
        return 0;
}

/* ---- --timezone= ---- */

static SpecTimezone timezone_auto(const PlanBuild *b)
{
        const HostFacts *f = b->facts;

        if (!f->has_localtime)
                return etc_is_writable(b) ? SPEC_TIMEZONE_DELETE : SPEC_TIMEZONE_OFF;
        if (f->timezone && f->image_has_timezone && etc_is_writable(b))
                return SPEC_TIMEZONE_SYMLINK;
        /* A zone that the image does not know is only shown, so that it follows the host's. */
        return etc_is_writable(b) && !f->timezone ? SPEC_TIMEZONE_COPY : SPEC_TIMEZONE_BIND;
}

static int check_timezone(const PlanBuild *b, SpecTimezone mode, Error *e)
{
        const HostFacts *f = b->facts;
        PlanOption option = plan_option(b->spec, SPEC_FIELD_TIMEZONE, "--timezone");

        if (mode != SPEC_TIMEZONE_DELETE && !f->has_localtime)
                return error_set(e, -ENOENT, "%s: the host has no " LOCALTIME, option.s);
        if (mode == SPEC_TIMEZONE_SYMLINK && !f->timezone)
                return error_set(e, -EINVAL, "%s: the host's " LOCALTIME " is no link to a time zone; use copy or bind",
                                 option.s);
        if (mode == SPEC_TIMEZONE_SYMLINK && !f->image_has_timezone)
                return error_set(e, -ENOENT, "%s: machine '%s' does not know the time zone '%s'; use copy or bind", option.s,
                                 f->machine_name, f->timezone);
        return mode == SPEC_TIMEZONE_BIND ? 0 : check_writable(b, SPEC_FIELD_TIMEZONE, "--timezone", e);
}

static int add_timezone(PlanBuild *b, Error *e)
{
        SpecTimezone mode = b->spec->timezone;

        if (!spec_is_set(b->spec, SPEC_FIELD_TIMEZONE))
                return 0;
        if (mode == SPEC_TIMEZONE_AUTO)
                mode = timezone_auto(b);
        if (mode == SPEC_TIMEZONE_OFF)
                return 0;
        int r = check_timezone(b, mode, e);
        if (r < 0)
                return r;
        if (mode == SPEC_TIMEZONE_BIND) {
                plan_add_host_bind(b->plan, LOCALTIME, MOUNT_ATTR_RDONLY | QUIET, LOCALTIME, NODE_FILE);
                return 0;
        }
        plan_add(b->plan, PHASE_ROOT, OP_REMOVE, LOCALTIME);
        if (mode == SPEC_TIMEZONE_COPY)
                add_copy(b, LOCALTIME, LOCALTIME, false);
        if (mode == SPEC_TIMEZONE_SYMLINK)
                plan_add(b->plan, PHASE_ROOT, OP_SYMLINK, LOCALTIME)->source =
                                xasprintf("../usr/share/zoneinfo/%s", b->facts->timezone);
        return 0;
}

/* ---- --link-journal= ---- */

static int no_journal(const PlanBuild *b, const char *why, Error *e)
{
        SpecLinkJournal mode = b->spec->link_journal;

        if (mode != SPEC_LINK_JOURNAL_HOST && mode != SPEC_LINK_JOURNAL_GUEST)
                return 0;
        return error_set(e, -ENOENT, "%s: %s; use --link-journal=try-host or try-guest to go without",
                         plan_option(b->spec, SPEC_FIELD_LINK_JOURNAL, "--link-journal").s, why);
}

/* The host's side, a directory or a symbolic link below /var/log/journal, is made when the machine is claimed. */
static int add_journal(PlanBuild *b, Error *e)
{
        const HostFacts *f = b->facts;
        SpecLinkJournal mode = b->spec->link_journal;

        if (mode == SPEC_LINK_JOURNAL_NO || b->spec->ephemeral)
                return 0;
        if (!f->machine_id)
                return no_journal(b, "the image has no machine ID yet, by which its journal is called", e);
        if (str_eq(f->machine_id, f->host_machine_id))
                return no_journal(b, "the image has the machine ID of the host", e);

        _cleanup_free_ char *path = xasprintf("/var/log/journal/%s", f->machine_id);
        if (mode == SPEC_LINK_JOURNAL_GUEST || mode == SPEC_LINK_JOURNAL_TRY_GUEST) {
                if (etc_is_writable(b))
                        plan_add(b->plan, PHASE_ROOT, OP_MKDIR, path)->mode = 0755;
                return 0;
        }
        if (mode == SPEC_LINK_JOURNAL_AUTO && !f->has_machine_journal)
                return 0;
        if (!f->has_journal && mode != SPEC_LINK_JOURNAL_HOST)
                return 0;
        PlanOp *attach = plan_add_host_bind(b->plan, path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, path,
                                            NODE_DIRECTORY);
        if (b->plan->user_namespace && b->root_idmap != SPEC_IDMAP_NONE)
                (attach - 1)->idmap = SPEC_IDMAP_FULL;
        return 0;
}

/* ---- credentials ---- */

static void add_credential(PlanBuild *b, const char *id, const void *data, size_t len, mode_t mode)
{
        _cleanup_free_ char *path = xasprintf("/run/host/credentials/%s", id);
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_FILE, path);

        op->text = xmalloc(len + 1);
        memcpy(op->text, data, len);
        op->text[len] = '\0';
        op->value = len;
        op->mode = mode;
}

static void add_credentials(PlanBuild *b)
{
        const HostFacts *f = b->facts;
        /* A single command that runs as another user, and gets no rights by execve(2), is the only one that could read them. */
        bool open = b->uid != 0 && b->spec->no_new_privileges && !b->spec->boot && !b->spec->as_pid2;

        if (f->n_credentials == 0 && !b->spec->forward_journal)
                return;
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_MOUNT, "/run/host/credentials");
        op->fstype = xstrdup("ramfs"); /* never swapped out */
        op->source = xstrdup("ramfs");
        strv_push(&op->options, open ? "mode=0555" : "mode=0500");
        op->attrs = QUIET;
        op->node = NODE_DIRECTORY;
        for (size_t i = 0; i < f->n_credentials; i++)
                add_credential(b, f->credentials[i].id, f->credentials[i].data, f->credentials[i].len, open ? 0444 : 0400);
        if (b->spec->forward_journal)
                add_credential(b, PLAN_JOURNAL_CREDENTIAL, PLAN_JOURNAL_SOCKET, strlen(PLAN_JOURNAL_SOCKET), open ? 0444 : 0400);
        plan_add(b->plan, PHASE_ROOT, OP_SETATTR, "/run/host/credentials")->attrs = MOUNT_ATTR_RDONLY;
}

/* What nobody asked for in so many words must not keep a machine from starting: an image may have no place for it. */
static void make_optional(PlanBuild *b, size_t first)
{
        for (size_t i = first; i < b->plan->n; i++)
                b->plan->items[i].optional = true;
}

int plan_integration(PlanBuild *b, Error *e)
{
        size_t first = b->plan->n;
        int r = add_resolv_conf(b, e);

        if (b->spec->resolv_conf == SPEC_RESOLV_CONF_AUTO)
                make_optional(b, first);
        first = b->plan->n;
        if (r >= 0)
                r = add_timezone(b, e);
        if (b->spec->timezone == SPEC_TIMEZONE_AUTO)
                make_optional(b, first);
        first = b->plan->n;
        if (r >= 0)
                r = add_journal(b, e);
        if (b->spec->link_journal != SPEC_LINK_JOURNAL_HOST && b->spec->link_journal != SPEC_LINK_JOURNAL_GUEST)
                make_optional(b, first);
        if (r >= 0)
                r = plan_journal(b, e);
        if (r < 0)
                return r;
        add_credentials(b);
        plan_bind_users(b);
        return 0;
}
