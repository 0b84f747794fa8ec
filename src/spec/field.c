/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/field.h"

#include <assert.h>
#include <sys/resource.h>

#include "base/macro.h"
#include "spec/value.h"

#define MEMBER(m)           offsetof(MachineSpec, m)
#define LIMIT(which, label) [SPEC_FIELD_RLIMIT + (which)] = {label, &value_rlimit, MEMBER(rlimit[which]), SPEC_GROUP_SINGLE, true}
#define FORWARD(which, label, type) \
        [SPEC_FIELD_FORWARD_LIMIT + (which)] = {label, &type, MEMBER(forward_limits[which]), SPEC_GROUP_SINGLE, true}

/* Trust as systemd.nspawn(5) gives it. Members that no .nspawn key reaches are marked too, should one ever come. */
static const FieldRow fields[] = {
                [SPEC_FIELD_SETTINGS] = {"settings", &value_settings, MEMBER(settings), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_OCI_BUNDLE] = {"oci_bundle", &value_path, MEMBER(oci_bundle), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_BUNDLE] = {"bundle", &value_bundle, MEMBER(bundle), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_DIRECTORY] = {"directory", &value_path, MEMBER(directory), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_IMAGE] = {"image", &value_path, MEMBER(image), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_IMAGE_POLICY] = {"image_policy", &value_image_policy, MEMBER(image_policy), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_MSTACK] = {"mstack", &value_path, MEMBER(mstack), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_ROOT_HASH] = {"root_hash", &value_root_hash, MEMBER(root_hash), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_ROOT_HASH_SIG] = {"root_hash_sig", &value_root_hash_sig, MEMBER(root_hash_sig), SPEC_GROUP_SINGLE,
                                              true},
                [SPEC_FIELD_VERITY_DATA] = {"verity_data", &value_path, MEMBER(verity_data), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_MACHINE] = {"machine", &value_machine, MEMBER(machine), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_TEMPLATE] = {"template", &value_path, MEMBER(template), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_EPHEMERAL] = {"ephemeral", &value_bool, MEMBER(ephemeral), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_VOLATILE] = {"volatile", &value_volatile, MEMBER(volatile_mode), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_PIVOT_ROOT] = {"pivot_root", &value_pivot_root, MEMBER(pivot_root), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_READ_ONLY] = {"read_only", &value_bool, MEMBER(read_only), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_BOOT] = {"boot", &value_bool, MEMBER(boot), SPEC_GROUP_START, false},
                [SPEC_FIELD_AS_PID2] = {"as_pid2", &value_bool, MEMBER(as_pid2), SPEC_GROUP_START, false},
                [SPEC_FIELD_PARAMETERS] = {"parameters", &value_strv, MEMBER(parameters), SPEC_GROUP_START, false},
                [SPEC_FIELD_ENVIRONMENT] = {"environment", &value_environment, MEMBER(environment), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_USER] = {"user", &value_user, MEMBER(user), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_CHDIR] = {"chdir", &value_path, MEMBER(chdir), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_KILL_SIGNAL] = {"kill_signal", &value_signal, MEMBER(kill_signal), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_NOTIFY_READY] = {"notify_ready", &value_bool, MEMBER(notify_ready), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_SUPPRESS_SYNC] = {"suppress_sync", &value_bool, MEMBER(suppress_sync), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_NO_NEW_PRIVILEGES] = {"no_new_privileges", &value_bool, MEMBER(no_new_privileges), SPEC_GROUP_SINGLE,
                                                  false},
                [SPEC_FIELD_HOSTNAME] = {"hostname", &value_hostname, MEMBER(hostname), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_MACHINE_ID] = {"machine_id", &value_uuid, MEMBER(machine_id), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_PERSONALITY] = {"personality", &value_personality, MEMBER(personality), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_SLICE] = {"slice", &value_slice, MEMBER(slice), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_PROPERTY] = {"property", &value_strv, MEMBER(properties), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_REGISTER] = {"register", &value_bool, MEMBER(register_machine), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_KEEP_UNIT] = {"keep_unit", &value_bool, MEMBER(keep_unit), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_USERS_MAP] = {"private_users_map", &value_users_map, MEMBER(users_map), SPEC_GROUP_USERS, true},
                [SPEC_FIELD_OWNERSHIP] = {"private_users_ownership", &value_ownership, MEMBER(ownership), SPEC_GROUP_USERS, true},
                [SPEC_FIELD_USERS] = {"private_users", &value_users, MEMBER(users), SPEC_GROUP_USERS, true},
                [SPEC_FIELD_NETWORK] = {"network", &value_network, MEMBER(network), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_NETWORK_INTERFACE] = {"network_interface", &value_links, MEMBER(interfaces), SPEC_GROUP_NETWORK,
                                                  true},
                [SPEC_FIELD_NETWORK_MACVLAN] = {"network_macvlan", &value_links, MEMBER(macvlans), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_NETWORK_IPVLAN] = {"network_ipvlan", &value_links, MEMBER(ipvlans), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_NETWORK_VETH] = {"network_veth", &value_bool, MEMBER(veth), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_NETWORK_VETH_EXTRA] = {"network_veth_extra", &value_links, MEMBER(veth_extras), SPEC_GROUP_NETWORK,
                                                   true},
                [SPEC_FIELD_NETWORK_BRIDGE] = {"network_bridge", &value_interface, MEMBER(bridge), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_NETWORK_ZONE] = {"network_zone", &value_zone, MEMBER(zone), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_NETWORK_NAMESPACE] = {"network_namespace_path", &value_path, MEMBER(network_namespace),
                                                  SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_PORT] = {"port", &value_ports, MEMBER(ports), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_ADDRESS] = {"address", &value_addresses, MEMBER(addresses), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_GATEWAY] = {"gateway", &value_addresses, MEMBER(gateways), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_MTU] = {"mtu", &value_mtu, MEMBER(mtu), SPEC_GROUP_NETWORK, true},
                [SPEC_FIELD_CAPABILITY] = {"capability", &value_capabilities, MEMBER(capability), SPEC_GROUP_CAPABILITY, true},
                [SPEC_FIELD_DROP_CAPABILITY] = {"drop_capability", &value_capabilities, MEMBER(drop_capability),
                                                SPEC_GROUP_CAPABILITY, false},
                [SPEC_FIELD_AMBIENT_CAPABILITY] = {"ambient_capability", &value_capabilities, MEMBER(ambient_capability),
                                                   SPEC_GROUP_CAPABILITY, true},
                /* From a file that is not trusted only what takes calls away: spec/nspawn.c. */
                [SPEC_FIELD_SYSTEM_CALL_FILTER] = {"system_call_filter", &value_filter, MEMBER(system_call_filter),
                                                   SPEC_GROUP_FILTER, false},
                [SPEC_FIELD_ADDRESS_FAMILIES] = {"restrict_address_families", &value_families, MEMBER(address_families),
                                                 SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_MANAGER] = {"manager", &value_path, MEMBER(manager), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_TMPFS_TMP] = {"tmpfs_tmp", &value_bool, MEMBER(tmpfs_tmp), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_SHARED_NAMESPACES] = {"shared_namespaces", &value_strv, MEMBER(shared_namespaces), SPEC_GROUP_SINGLE,
                                                  true},
                [SPEC_FIELD_API_WRITABLE] = {"api_writable", &value_bool, MEMBER(api_writable), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_NETWORK_MAC] = {"network_mac", &value_path, MEMBER(network_mac), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_SELINUX_CONTEXT] = {"selinux_context", &value_label, MEMBER(selinux_context), SPEC_GROUP_SINGLE,
                                                true},
                [SPEC_FIELD_SELINUX_APIFS_CONTEXT] = {"selinux_apifs_context", &value_label, MEMBER(selinux_apifs_context),
                                                      SPEC_GROUP_SINGLE, true},
                LIMIT(RLIMIT_CPU, "limit_cpu"),
                LIMIT(RLIMIT_FSIZE, "limit_fsize"),
                LIMIT(RLIMIT_DATA, "limit_data"),
                LIMIT(RLIMIT_STACK, "limit_stack"),
                LIMIT(RLIMIT_CORE, "limit_core"),
                LIMIT(RLIMIT_RSS, "limit_rss"),
                LIMIT(RLIMIT_NPROC, "limit_nproc"),
                LIMIT(RLIMIT_NOFILE, "limit_nofile"),
                LIMIT(RLIMIT_MEMLOCK, "limit_memlock"),
                LIMIT(RLIMIT_AS, "limit_as"),
                LIMIT(RLIMIT_LOCKS, "limit_locks"),
                LIMIT(RLIMIT_SIGPENDING, "limit_sigpending"),
                LIMIT(RLIMIT_MSGQUEUE, "limit_msgqueue"),
                LIMIT(RLIMIT_NICE, "limit_nice"),
                LIMIT(RLIMIT_RTPRIO, "limit_rtprio"),
                LIMIT(RLIMIT_RTTIME, "limit_rttime"),
                [SPEC_FIELD_OOM_SCORE_ADJUST] = {"oom_score_adjust", &value_oom_score, MEMBER(oom_score_adjust),
                                                 SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_CPU_AFFINITY] = {"cpu_affinity", &value_cpus, MEMBER(cpu_affinity), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_RESOLV_CONF] = {"resolv_conf", &value_resolv_conf, MEMBER(resolv_conf), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_TIMEZONE] = {"timezone", &value_timezone, MEMBER(timezone), SPEC_GROUP_SINGLE, false},
                [SPEC_FIELD_LINK_JOURNAL] = {"link_journal", &value_link_journal, MEMBER(link_journal), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_FORWARD_JOURNAL] = {"forward_journal", &value_path, MEMBER(forward_journal), SPEC_GROUP_SINGLE, true},
                FORWARD(SPEC_FORWARD_MAX_USE, "forward_journal_max_use", value_size),
                FORWARD(SPEC_FORWARD_KEEP_FREE, "forward_journal_keep_free", value_size),
                FORWARD(SPEC_FORWARD_MAX_FILE_SIZE, "forward_journal_max_file_size", value_size),
                FORWARD(SPEC_FORWARD_MAX_FILES, "forward_journal_max_files", value_count),
                [SPEC_FIELD_BIND_USER] = {"bind_user", &value_user_names, MEMBER(bind_users), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_BIND_USER_SHELL] = {"bind_user_shell", &value_user_shell, MEMBER(bind_user_shell), SPEC_GROUP_SINGLE,
                                                true},
                [SPEC_FIELD_BIND_USER_GROUP] = {"bind_user_group", &value_user_names, MEMBER(bind_user_groups), SPEC_GROUP_SINGLE,
                                                true},
                [SPEC_FIELD_CREDENTIALS] = {"credentials", &value_credentials, MEMBER(credentials), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_BACKGROUND] = {"background", &value_background, MEMBER(background), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_MOUNTS] = {"mounts", &value_mounts, MEMBER(mounts), SPEC_GROUP_MOUNTS, true},
                [SPEC_FIELD_CONSOLE] = {"console", &value_console, MEMBER(console), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_QUIET] = {"quiet", &value_bool, MEMBER(quiet), SPEC_GROUP_SINGLE, true},
                [SPEC_FIELD_STOP_TIMEOUT] = {"stop_timeout", &value_seconds, MEMBER(stop_timeout_usec), SPEC_GROUP_SINGLE, true},
};
static_assert(ELEMENTSOF(fields) == _SPEC_FIELD_MAX, "every field has a row");
static_assert(SPEC_FIELD_FORWARD_LIMIT_LAST - SPEC_FIELD_FORWARD_LIMIT + 1 == _SPEC_FORWARD_MAX, "and so does every limit");
static_assert(RLIMIT_NLIMITS == SPEC_RLIMITS, "every resource limit has a field");

const FieldRow *field_row(SpecField f)
{
        assert(f >= 0 && f < _SPEC_FIELD_MAX && fields[f].type);
        return &fields[f];
}
