/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/build.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>

#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

#define BIT(c) (UINT64_C(1) << (c))

PlanOption plan_option(const MachineSpec *s, SpecField f, const char *name)
{
        PlanOption o;

        if (spec_is_set(s, f))
                snprintf(o.s, sizeof(o.s), "%s (%s)", name, s->origin[f]);
        else
                snprintf(o.s, sizeof(o.s), "%s", name);
        return o;
}

typedef struct Conflict { /* two switches that exclude each other */
        SpecField a, b;
        const char *a_name, *b_name;
        bool (*both)(const MachineSpec *s);
} Conflict;

static bool both_boot_and_pid2(const MachineSpec *s)
{
        return s->boot && s->as_pid2;
}

static bool both_boot_and_ambient(const MachineSpec *s)
{
        return s->boot && s->ambient_capability;
}
static bool both_ephemeral_and_journal(const MachineSpec *s)
{
        return s->ephemeral && (s->link_journal == SPEC_LINK_JOURNAL_HOST || s->link_journal == SPEC_LINK_JOURNAL_GUEST);
}
static bool both_unit_and_slice(const MachineSpec *s)
{
        return s->keep_unit && s->slice;
}
static bool both_unit_and_property(const MachineSpec *s)
{
        return s->keep_unit && s->properties;
}
static bool both_template_and_ephemeral(const MachineSpec *s)
{
        return s->template && s->ephemeral && spec_is_set(s, SPEC_FIELD_DIRECTORY);
}
static bool both_volatile_and_old_root(const MachineSpec *s)
{
        return s->volatile_mode == SPEC_VOLATILE_YES && s->pivot_root_old;
}

static bool both_set(const MachineSpec *s, SpecField a, SpecField b)
{
        return spec_is_set(s, a) && spec_is_set(s, b);
}
static bool both_image_and_directory(const MachineSpec *s)
{
        return both_set(s, SPEC_FIELD_IMAGE, SPEC_FIELD_DIRECTORY);
}
static bool both_image_and_template(const MachineSpec *s)
{
        return both_set(s, SPEC_FIELD_IMAGE, SPEC_FIELD_TEMPLATE);
}
static bool both_image_and_mstack(const MachineSpec *s)
{
        return both_set(s, SPEC_FIELD_IMAGE, SPEC_FIELD_MSTACK);
}
static bool both_mstack_and_directory(const MachineSpec *s)
{
        return both_set(s, SPEC_FIELD_MSTACK, SPEC_FIELD_DIRECTORY);
}
static bool both_mstack_and_template(const MachineSpec *s)
{
        return both_set(s, SPEC_FIELD_MSTACK, SPEC_FIELD_TEMPLATE);
}

static bool both_bundle_and_boot(const MachineSpec *s)
{
        return s->bundle && s->boot;
}
static bool both_bundle_and_volatile(const MachineSpec *s)
{
        return s->bundle && s->volatile_mode != SPEC_VOLATILE_NO;
}
static bool both_bundle_and_pivot(const MachineSpec *s)
{
        return s->bundle && s->pivot_root;
}
static bool both_bundle_and_bind_user(const MachineSpec *s)
{
        return s->bundle && s->bind_users;
}
static bool both_bundle_and_credentials(const MachineSpec *s)
{
        return s->bundle && s->credentials.n > 0;
}
static bool both_bundle_and_notify(const MachineSpec *s)
{
        return s->bundle && s->notify_ready;
}

static bool both_bundle_and_resolv_conf(const MachineSpec *s)
{
        return s->bundle && s->resolv_conf != SPEC_RESOLV_CONF_OFF;
}
static bool both_bundle_and_timezone(const MachineSpec *s)
{
        return s->bundle && s->timezone != SPEC_TIMEZONE_OFF;
}
static bool both_bundle_and_journal(const MachineSpec *s)
{
        return s->bundle && s->link_journal != SPEC_LINK_JOURNAL_NO;
}
static bool both_bundle_and_forward(const MachineSpec *s)
{
        return s->bundle && s->forward_journal;
}
static bool both_bundle_and_machine_id(const MachineSpec *s)
{
        return s->bundle && s->machine_id;
}

static bool both_bundle_and_apifs(const MachineSpec *s)
{
        return s->bundle && s->selinux_apifs_context;
}

static const Conflict conflicts[] = {
                {SPEC_FIELD_IMAGE, SPEC_FIELD_DIRECTORY, "--image", "--directory", both_image_and_directory},
                {SPEC_FIELD_IMAGE, SPEC_FIELD_TEMPLATE, "--image", "--template", both_image_and_template},
                {SPEC_FIELD_IMAGE, SPEC_FIELD_MSTACK, "--image", "--mstack", both_image_and_mstack},
                {SPEC_FIELD_MSTACK, SPEC_FIELD_DIRECTORY, "--mstack", "--directory", both_mstack_and_directory},
                {SPEC_FIELD_MSTACK, SPEC_FIELD_TEMPLATE, "--mstack", "--template", both_mstack_and_template},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_SELINUX_APIFS_CONTEXT, "--oci-bundle", "--selinux-apifs-context",
                 both_bundle_and_apifs},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_RESOLV_CONF, "--oci-bundle", "--resolv-conf", both_bundle_and_resolv_conf},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_TIMEZONE, "--oci-bundle", "--timezone", both_bundle_and_timezone},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_LINK_JOURNAL, "--oci-bundle", "--link-journal", both_bundle_and_journal},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_FORWARD_JOURNAL, "--oci-bundle", "--forward-journal", both_bundle_and_forward},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_MACHINE_ID, "--oci-bundle", "--uuid", both_bundle_and_machine_id},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_BOOT, "--oci-bundle", "--boot", both_bundle_and_boot},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_VOLATILE, "--oci-bundle", "--volatile", both_bundle_and_volatile},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_PIVOT_ROOT, "--oci-bundle", "--pivot-root", both_bundle_and_pivot},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_BIND_USER, "--oci-bundle", "--bind-user", both_bundle_and_bind_user},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_CREDENTIALS, "--oci-bundle", "a credential", both_bundle_and_credentials},
                {SPEC_FIELD_OCI_BUNDLE, SPEC_FIELD_NOTIFY_READY, "--oci-bundle", "--notify-ready", both_bundle_and_notify},
                {SPEC_FIELD_BOOT, SPEC_FIELD_AS_PID2, "--boot", "--as-pid2", both_boot_and_pid2},
                {SPEC_FIELD_BOOT, SPEC_FIELD_AMBIENT_CAPABILITY, "--boot", "--ambient-capability", both_boot_and_ambient},
                {SPEC_FIELD_EPHEMERAL, SPEC_FIELD_LINK_JOURNAL, "--ephemeral", "--link-journal", both_ephemeral_and_journal},
                {SPEC_FIELD_KEEP_UNIT, SPEC_FIELD_SLICE, "--keep-unit", "--slice", both_unit_and_slice},
                {SPEC_FIELD_KEEP_UNIT, SPEC_FIELD_PROPERTY, "--keep-unit", "--property", both_unit_and_property},
                {SPEC_FIELD_TEMPLATE, SPEC_FIELD_EPHEMERAL, "--template", "--ephemeral", both_template_and_ephemeral},
                {SPEC_FIELD_VOLATILE, SPEC_FIELD_PIVOT_ROOT, "--volatile=yes", "--pivot-root=NEW:OLD",
                 both_volatile_and_old_root},
};

int plan_check_conflicts(const MachineSpec *s, Error *e)
{
        for (size_t i = 0; i < ELEMENTSOF(conflicts); i++) {
                const Conflict *c = &conflicts[i];
                if (c->both(s))
                        return error_set(e, -EINVAL, "%s and %s exclude each other; leave one of them out",
                                         plan_option(s, c->a, c->a_name).s, plan_option(s, c->b, c->b_name).s);
        }
        return 0;
}

static int check_root(const PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;

        bool kept = !s->ephemeral && s->volatile_mode != SPEC_VOLATILE_YES && s->volatile_mode != SPEC_VOLATILE_STATE;
        if (f->root_kind == ROOT_DIRECTORY && str_eq(f->root_directory, "/") && kept)
                return error_set(e, -EINVAL,
                                 "the host's own root directory cannot be a machine; give another one with --directory=, or use "
                                 "--ephemeral or --volatile=yes or state");
        if (s->volatile_mode == SPEC_VOLATILE_YES && (f->usr_unmerged || !f->has_usr))
                return error_set(e, -EINVAL,
                                 "%s: machine '%s' keeps programs outside of /usr (its /bin is no link into it); use "
                                 "--volatile=overlay",
                                 plan_option(s, SPEC_FIELD_VOLATILE, "--volatile=yes").s, f->machine_name);
        if (s->boot && !f->init_path)
                return error_set(e, -ENOENT,
                                 "machine '%s' has no init to boot (no /usr/lib/systemd/systemd, /lib/systemd/systemd or "
                                 "/sbin/init); run "
                                 "a single command in it with 'berth run'",
                                 f->machine_name);
        return 0;
}

static uint64_t default_capabilities(const PlanBuild *b)
{
        uint64_t c = plan_default_capabilities();

        if (b->network == SPEC_NETWORK_PRIVATE)
                c |= BIT(CAP_NET_ADMIN);
        else if (b->plan->user_namespace)
                c &= ~BIT(CAP_NET_BIND_SERVICE); /* it holds for the namespace's own network only */
        return c;
}

static int check_capabilities(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        /* A new user namespace starts with all of them, whatever the caller has. */
        uint64_t limit = b->plan->user_namespace ? UINT64_MAX : b->facts->capability_bounding;
        uint64_t missing = s->capability & ~limit;

        if (missing && s->capability != UINT64_MAX) {
                unsigned first = (unsigned)__builtin_ctzll(missing);
                return error_set(e, -EPERM, "%s: this process has no %s to pass on",
                                 plan_option(s, SPEC_FIELD_CAPABILITY, "--capability").s,
                                 value_capability_to_name(first) ?: "such capability");
        }
        b->capabilities = ((default_capabilities(b) | s->capability) & ~s->drop_capability) & limit;
        return 0;
}

static int check_ambient(PlanBuild *b, Error *e)
{
        uint64_t ambient = b->spec->ambient_capability, missing = ambient & ~b->capabilities;
        PlanOption option = plan_option(b->spec, SPEC_FIELD_AMBIENT_CAPABILITY, "--ambient-capability");

        if (ambient == UINT64_MAX)
                return error_set(e, -EINVAL, "%s: 'all' would give a command of any user all rights; name the ones it needs",
                                 option.s);
        if (missing && !b->spec->bundle) {
                const char *first = value_capability_to_name((unsigned)__builtin_ctzll(missing)) ?: "such a capability";
                return error_set(e, -EINVAL, "%s: the machine keeps no %s; add it with --capability=%s", option.s, first, first);
        }
        return 0;
}

/* Namespaces that are the host's, by variables of the environment, for who is called systemd-nspawn: an init would be none, or set
 * the host's name, and machined would take all of the host for the machine. */
static int check_start(const PlanBuild *b, Error *e)
{
        static const struct {
                const char *name, *variable;
        } shared[] = {{"pid", "SYSTEMD_NSPAWN_SHARE_NS_PID"}, {"uts", "SYSTEMD_NSPAWN_SHARE_NS_UTS"}};
        const MachineSpec *s = b->spec;
        const bool registers = spec_is_set(s, SPEC_FIELD_REGISTER) && s->register_machine;
        const PlanOption other = s->boot      ? plan_option(s, SPEC_FIELD_BOOT, "--boot")
                                 : s->as_pid2 ? plan_option(s, SPEC_FIELD_AS_PID2, "--as-pid2")
                                              : plan_option(s, SPEC_FIELD_REGISTER, "--register");

        for (size_t i = 0; i < ELEMENTSOF(shared); i++)
                if (strv_contains(s->shared_namespaces, shared[i].name) && (s->boot || s->as_pid2 || registers))
                        return error_set(e, -EINVAL,
                                         "%s=yes and %s exclude each other: it wants a machine that is apart from the host",
                                         shared[i].variable, other.s);
        if (s->keep_unit && registers && plan_is_session(b->facts->cgroup_own))
                return error_set(e, -EINVAL,
                                 "%s and %s exclude each other in a user's session, which would end with the machine; leave one "
                                 "of "
                                 "them out",
                                 plan_option(s, SPEC_FIELD_KEEP_UNIT, "--keep-unit").s, other.s);
        return 0;
}

static int check_shared(const PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const bool users = b->users != SPEC_USERS_NO, pid = strv_contains(s->shared_namespaces, "pid");
        const PlanOption option = plan_option(s, SPEC_FIELD_USERS, "--private-users");

        if (s->api_writable && users)
                return error_set(e, -EINVAL,
                                 "SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes and %s exclude each other: to a user namespace the "
                                 "host's settings are read-only",
                                 option.s);
        if (s->api_network && users && b->network == SPEC_NETWORK_HOST)
                return error_set(e, -EINVAL,
                                 "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network and %s exclude each other with the host's network: a "
                                 "user "
                                 "namespace has no right over it",
                                 option.s);
        if (pid && users)
                return error_set(e, -EINVAL,
                                 "SYSTEMD_NSPAWN_SHARE_NS_PID=yes and %s exclude each other: a user namespace may show "
                                 "only processes of its own",
                                 option.s);
        return 0;
}

/* What a service manager would have to do. */
static int check_unit(const PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;

        if (spec_is_set(s, SPEC_FIELD_REGISTER) && s->register_machine && !b->facts->has_systemd)
                return error_set(e, -EOPNOTSUPP,
                                 "%s: this host has no systemd-machined that would answer; use --register=no, 'berth list' shows "
                                 "the "
                                 "machine all the same",
                                 plan_option(s, SPEC_FIELD_REGISTER, "--register").s);
        int r = check_shared(b, e);
        if (r < 0)
                return r;
        if (s->bind_users && b->users == SPEC_USERS_NO)
                return error_set(e, -EINVAL, "%s needs a user namespace, and %s gives none; use --private-users=pick",
                                 plan_option(s, SPEC_FIELD_BIND_USER, "--bind-user").s,
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users=no").s);
        return 0;
}

static int check_seccomp(const PlanBuild *b, Error *e)
{
        if (b->spec->suppress_sync && !b->facts->has_seccomp)
                return error_set(e, -EOPNOTSUPP, "%s needs seccomp, which this kernel does not offer",
                                 plan_option(b->spec, SPEC_FIELD_SUPPRESS_SYNC, "--suppress-sync").s);
        if ((b->spec->system_call_filter || b->spec->address_families) && !b->facts->has_seccomp)
                return error_set(
                                e, -EOPNOTSUPP, "%s needs seccomp, which this kernel does not offer",
                                b->spec->system_call_filter
                                                ? plan_option(b->spec, SPEC_FIELD_SYSTEM_CALL_FILTER, "--system-call-filter").s
                                                : plan_option(b->spec, SPEC_FIELD_ADDRESS_FAMILIES, "--restrict-address-families")
                                                                  .s);
        return 0;
}

static int check_selinux(const PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        SpecField f = s->selinux_context ? SPEC_FIELD_SELINUX_CONTEXT : SPEC_FIELD_SELINUX_APIFS_CONTEXT;

        if (b->facts->has_selinux || (!s->selinux_context && !s->selinux_apifs_context))
                return 0;
        return error_set(e, -EOPNOTSUPP, "%s needs SELinux, which is not active on this host; leave it out",
                         plan_option(s, f, s->selinux_context ? "--selinux-context" : "--selinux-apifs-context").s);
}

static int check_chdir(const PlanBuild *b, Error *e)
{
        static const char *const api[] = {"/proc", "/sys", "/dev"};

        if (!b->spec->chdir || b->spec->bundle)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(api); i++)
                if (path_has_prefix(b->spec->chdir, api[i]))
                        return error_set(e, -EINVAL, "%s: '%s' is below %s, no place to work in",
                                         plan_option(b->spec, SPEC_FIELD_CHDIR, "--chdir").s, b->spec->chdir, api[i]);
        return 0;
}

int plan_check(PlanBuild *b, Error *e)
{
        static int (*const checks[])(PlanBuild *, Error *) = {plan_disk_check,    plan_users_resolve, plan_users_check,
                                                              check_capabilities, check_ambient,      plan_identity,
                                                              plan_bundle_check};
        static int (*const pure[])(const PlanBuild *, Error *) = {check_start, check_root, check_seccomp, check_selinux,
                                                                  check_chdir};
        int r = plan_check_conflicts(b->spec, e);

        if (r >= 0)
                r = plan_network_resolve(b, e);
        b->read_only = b->spec->read_only || b->facts->root_read_only || b->spec->volatile_mode == SPEC_VOLATILE_STATE ||
                       b->spec->volatile_mode == SPEC_VOLATILE_YES;
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(pure); i++)
                r = pure[i](b, e);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(checks); i++)
                r = checks[i](b, e);
        return r < 0 ? r : check_unit(b, e);
}

int plan_check_enter(PlanBuild *b, Error *e)
{
        b->network = spec_is_set(b->spec, SPEC_FIELD_NETWORK) ? b->spec->network : SPEC_NETWORK_PRIVATE;
        int r = plan_users_resolve(b, e);
        if (r < 0)
                return r;
        plan_users_range(b);
        r = check_capabilities(b, e);
        if (r < 0)
                return r;
        if (b->facts->leader_known) /* what the machine was started with, not what it would be started with by default */
                b->capabilities = b->facts->leader_bounding & ~b->spec->drop_capability;
        r = check_seccomp(b, e);
        return r < 0 ? r : plan_identity(b, e);
}
