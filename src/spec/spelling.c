/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/spelling.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/str.h"

#define MACHINE (SPEC_USE_RUN | SPEC_USE_START)
#define RUN     SPEC_USE_RUN
#define EVERY   (SPEC_USE_RUN | SPEC_USE_START | SPEC_USE_SHELL)

/* A row of only a key: one for each resource limit. */
#define LIMIT(which, name)                                                                                                \
        {                                                                                                                 \
                .field = SPEC_FIELD_RLIMIT + (which), .section = "Exec", .key = name, .argument = SPEC_ARGUMENT_REQUIRED, \
                .heading = SPEC_HEADING_RESOURCES                                                                         \
        }
#define FORWARD(which, option, unit, words)                                                                           \
        {                                                                                                             \
                .field = SPEC_FIELD_FORWARD_LIMIT + (which), .long_name = option, .argument = SPEC_ARGUMENT_REQUIRED, \
                .metavar = unit, .help = words, .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE                  \
        }

/* clang-format off */
static const SpecSpelling spellings[] = {
        {.field = SPEC_FIELD_DIRECTORY, .short_name = 'D', .long_name = "directory", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "PATH", .help = "Use this directory tree as the root", .heading = SPEC_HEADING_IMAGE, .uses = RUN},
        {.field = SPEC_FIELD_IMAGE, .short_name = 'i', .long_name = "image", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "PATH", .help = "Use the file systems of this disk image or block device", .heading = SPEC_HEADING_IMAGE,
         .uses = RUN},
        {.field = SPEC_FIELD_IMAGE_POLICY, .long_name = "image-policy", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "POLICY", .help = "Which partitions of it may be used, and how protected", .heading = SPEC_HEADING_IMAGE,
         .uses = MACHINE},
        {.field = SPEC_FIELD_MSTACK, .long_name = "mstack", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "PATH",
         .help = "Use this stack of overlay layers as the root", .heading = SPEC_HEADING_IMAGE, .uses = RUN},
        {.field = SPEC_FIELD_ROOT_HASH, .long_name = "root-hash", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "HASH",
         .help = "Check every block of the image against this dm-verity hash", .heading = SPEC_HEADING_IMAGE, .uses = MACHINE},
        {.field = SPEC_FIELD_ROOT_HASH_SIG, .long_name = "root-hash-sig", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "PATH|base64:TEXT", .help = "PKCS#7 signature of the hash, which the kernel checks",
         .heading = SPEC_HEADING_IMAGE, .uses = MACHINE},
        {.field = SPEC_FIELD_VERITY_DATA, .long_name = "verity-data", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "PATH",
         .help = "Where the dm-verity hashes of an image without partitions are", .heading = SPEC_HEADING_IMAGE,
         .uses = MACHINE},
        {.field = SPEC_FIELD_OCI_BUNDLE, .long_name = "oci-bundle", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "DIR",
         .help = "Run what the config.json of this OCI bundle describes", .heading = SPEC_HEADING_IMAGE, .uses = RUN},
        {.field = SPEC_FIELD_TEMPLATE, .long_name = "template", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "PATH",
         .help = "Copy the machine from this tree when it does not exist yet", .heading = SPEC_HEADING_IMAGE, .uses = RUN},
        {.field = SPEC_FIELD_EPHEMERAL, .short_name = 'x', .long_name = "ephemeral", .argument = SPEC_ARGUMENT_NONE,
         .fixed = "yes", .section = "Exec", .key = "Ephemeral", .help = "Throw all changes away at the end",
         .heading = SPEC_HEADING_IMAGE, .uses = RUN},
        {.field = SPEC_FIELD_READ_ONLY, .long_name = "read-only", .argument = SPEC_ARGUMENT_NONE, .fixed = "yes",
         .section = "Files", .key = "ReadOnly", .help = "Mount the root read-only", .heading = SPEC_HEADING_IMAGE,
         .uses = MACHINE},
        {.field = SPEC_FIELD_VOLATILE, .long_name = "volatile", .argument = SPEC_ARGUMENT_OPTIONAL, .fixed = "yes",
         .section = "Files", .key = "Volatile", .metavar = "no|yes|state|overlay",
         .help = "Keep only /usr, all but /var, or all, and no change", .heading = SPEC_HEADING_IMAGE, .uses = MACHINE},
        {.field = SPEC_FIELD_PIVOT_ROOT, .long_name = "pivot-root", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "PivotRoot", .metavar = "NEW[:OLD]", .help = "Make a directory of the tree the root, and put the old one there",
         .heading = SPEC_HEADING_IMAGE, .uses = MACHINE},
        {.field = SPEC_FIELD_SETTINGS, .long_name = "settings", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "no|yes|override|trusted", .help = "Whether the .nspawn file is read, wins, and is trusted",
         .heading = SPEC_HEADING_IMAGE, .uses = MACHINE},

        {.field = SPEC_FIELD_AS_PID2, .short_name = 'a', .long_name = "as-pid2", .argument = SPEC_ARGUMENT_NONE,
         .fixed = "yes", .section = "Exec", .key = "ProcessTwo", .help = "Run a small init, and the command as its child",
         .heading = SPEC_HEADING_EXECUTION, .uses = RUN},
        {.field = SPEC_FIELD_BOOT, .short_name = 'b', .long_name = "boot", .argument = SPEC_ARGUMENT_NONE, .fixed = "yes",
         .section = "Exec", .key = "Boot", .help = "Boot the machine's own init", .heading = SPEC_HEADING_EXECUTION,
         .uses = RUN},
        {.field = SPEC_FIELD_PARAMETERS, .variant = VARIANT_WORDS, .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "Parameters", .heading = SPEC_HEADING_EXECUTION},
        {.field = SPEC_FIELD_CHDIR, .long_name = "chdir", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "WorkingDirectory", .metavar = "PATH", .help = "Working directory inside", .heading = SPEC_HEADING_EXECUTION,
         .uses = EVERY},
        {.field = SPEC_FIELD_ENVIRONMENT, .short_name = 'E', .long_name = "setenv", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "NAME[=VALUE]", .help = "Set an environment variable (without VALUE: pass the caller's)",
         .heading = SPEC_HEADING_EXECUTION, .uses = EVERY},
        {.field = SPEC_FIELD_ENVIRONMENT, .variant = VARIANT_WORDS, .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "Environment", .heading = SPEC_HEADING_EXECUTION},
        {.field = SPEC_FIELD_USER, .short_name = 'u', .long_name = "user", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Exec", .key = "User", .metavar = "USER", .help = "Run as this user of the machine",
         .heading = SPEC_HEADING_EXECUTION, .uses = EVERY},
        {.field = SPEC_FIELD_USER, .long_name = "uid", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "USER",
         .help = "The same", .heading = SPEC_HEADING_EXECUTION, .uses = EVERY},
        {.field = SPEC_FIELD_KILL_SIGNAL, .long_name = "kill-signal", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "KillSignal", .metavar = "SIGNAL",
         .help = "Signal that asks the machine to power off (default: its init's own)", .heading = SPEC_HEADING_EXECUTION,
         .uses = MACHINE},
        {.field = SPEC_FIELD_NOTIFY_READY, .long_name = "notify-ready", .argument = SPEC_ARGUMENT_OPTIONAL, .fixed = "yes",
         .section = "Exec", .key = "NotifyReady", .metavar = "BOOL",
         .help = "Count as up only when the machine's init says so", .heading = SPEC_HEADING_EXECUTION, .uses = MACHINE},
        {.field = SPEC_FIELD_SUPPRESS_SYNC, .long_name = "suppress-sync", .argument = SPEC_ARGUMENT_OPTIONAL, .fixed = "yes",
         .section = "Exec", .key = "SuppressSync", .metavar = "BOOL", .help = "Make sync() and its like do nothing",
         .heading = SPEC_HEADING_EXECUTION, .uses = MACHINE},

        {.field = SPEC_FIELD_MACHINE, .short_name = 'M', .long_name = "machine", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "NAME", .help = "Name of the machine, and the image it runs unless --directory= is given",
         .heading = SPEC_HEADING_IDENTITY, .uses = RUN},
        {.field = SPEC_FIELD_HOSTNAME, .long_name = "hostname", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "Hostname", .metavar = "NAME", .help = "Host name inside (default: the machine's name)",
         .heading = SPEC_HEADING_IDENTITY, .uses = MACHINE},
        {.field = SPEC_FIELD_MACHINE_ID, .long_name = "uuid", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "MachineID", .metavar = "UUID", .help = "Machine ID for an image that has none",
         .heading = SPEC_HEADING_IDENTITY, .uses = MACHINE},

        {.field = SPEC_FIELD_SLICE, .short_name = 'S', .long_name = "slice", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "SLICE", .help = "Slice of the machine's control group (default: machine.slice)",
         .heading = SPEC_HEADING_IDENTITY, .uses = MACHINE},
        {.field = SPEC_FIELD_PROPERTY, .long_name = "property", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "NAME=VALUE",
         .help = "Set a property of the machine's scope or control group", .heading = SPEC_HEADING_IDENTITY, .uses = MACHINE},
        {.field = SPEC_FIELD_REGISTER, .long_name = "register", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "BOOL",
         .help = "Register with systemd-machined (berth lists its machines without)", .heading = SPEC_HEADING_IDENTITY,
         .uses = MACHINE},
        {.field = SPEC_FIELD_KEEP_UNIT, .long_name = "keep-unit", .argument = SPEC_ARGUMENT_NONE, .fixed = "yes",
         .help = "Stay in the caller's control group; a reboot ends with status 133", .heading = SPEC_HEADING_IDENTITY,
         .uses = RUN},

        {.field = SPEC_FIELD_USERS, .long_name = "private-users", .argument = SPEC_ARGUMENT_OPTIONAL, .fixed = "yes",
         .section = "Exec", .key = "PrivateUsers", .metavar = "no|yes|pick|identity|BASE[:COUNT]",
         .help = "User namespace and its range of IDs (default: pick)", .heading = SPEC_HEADING_USERS, .uses = MACHINE},
        {.field = SPEC_FIELD_USERS, .short_name = 'U', .argument = SPEC_ARGUMENT_NONE, .fixed = "pick",
         .help = "Same as --private-users=pick", .heading = SPEC_HEADING_USERS, .uses = MACHINE},

        {.field = SPEC_FIELD_USERS_MAP, .long_name = "private-users-map", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "PrivateUsersMap", .metavar = "INSIDE:OUTSIDE:COUNT", .help = "Map these IDs, instead of one range; repeatable",
         .heading = SPEC_HEADING_USERS, .uses = MACHINE},
        {.field = SPEC_FIELD_USERS_DELEGATE, .long_name = "private-users-delegate", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Exec", .key = "PrivateUsersDelegate", .metavar = "N",
         .help = "This many more ranges of IDs, for machines inside it", .heading = SPEC_HEADING_USERS, .uses = MACHINE},
        {.field = SPEC_FIELD_OWNERSHIP, .long_name = "private-users-ownership", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Files", .key = "PrivateUsersOwnership", .metavar = "off|map|chown|auto",
         .help = "How files get owners of the machine's range", .heading = SPEC_HEADING_USERS, .uses = MACHINE},
        {.field = SPEC_FIELD_OWNERSHIP, .variant = VARIANT_CHOWN, .long_name = "private-users-chown",
         .argument = SPEC_ARGUMENT_NONE, .fixed = "yes", .section = "Files", .key = "PrivateUsersChown",
         .help = "Same as --private-users-ownership=auto", .heading = SPEC_HEADING_USERS, .uses = MACHINE},

        {.field = SPEC_FIELD_NETWORK, .long_name = "network", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "private|host",
         .help = "An own network with only loopback, or the host's (default: private)", .heading = SPEC_HEADING_NETWORK,
         .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK, .variant = VARIANT_PRIVATE, .long_name = "private-network",
         .argument = SPEC_ARGUMENT_NONE, .fixed = "yes", .section = "Network", .key = "Private",
         .help = "Same as --network=private", .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK_VETH, .short_name = 'n', .long_name = "network-veth", .argument = SPEC_ARGUMENT_NONE,
         .fixed = "yes", .section = "Network", .key = "VirtualEthernet", .help = "A link to the host: ve-NAME there, host0 inside",
         .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK_ZONE, .long_name = "network-zone", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Network",
         .key = "Zone", .metavar = "ZONE", .help = "A network shared by the machines of this zone, made on demand",
         .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK_BRIDGE, .long_name = "network-bridge", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Network", .key = "Bridge", .metavar = "BRIDGE", .help = "A link into this bridge of the host",
         .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK_INTERFACE, .long_name = "network-interface", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Network", .key = "Interface", .metavar = "HOST[:INSIDE]",
         .help = "Move this interface of the host in; it comes back at the end", .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK_MACVLAN, .long_name = "network-macvlan", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Network", .key = "MACVLAN", .metavar = "HOST[:INSIDE]",
         .help = "An interface with a MAC address of its own on this one of the host", .heading = SPEC_HEADING_NETWORK,
         .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK_IPVLAN, .long_name = "network-ipvlan", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Network", .key = "IPVLAN", .metavar = "HOST[:INSIDE]",
         .help = "An interface that shares the MAC address of this one of the host", .heading = SPEC_HEADING_NETWORK,
         .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK_VETH_EXTRA, .long_name = "network-veth-extra", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Network", .key = "VirtualEthernetExtra", .metavar = "HOST[:INSIDE]",
         .help = "One more link to the host, with these names", .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_NETWORK_NAMESPACE, .long_name = "network-namespace-path", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Network", .key = "NamespacePath", .metavar = "PATH", .help = "Use this network namespace, as from ip-netns(8)",
         .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_PORT, .short_name = 'p', .long_name = "port", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Network", .key = "Port", .metavar = "[tcp|udp:]HOST[:INSIDE]",
         .help = "Hand what comes for this port of the host to the machine", .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_ADDRESS, .long_name = "address", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Network",
         .key = "Address", .metavar = "ADDRESS/PREFIX", .help = "Address of the machine, set from outside; repeatable",
         .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_GATEWAY, .long_name = "gateway", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Network",
         .key = "Gateway", .metavar = "ADDRESS", .help = "Where the machine sends what is not for its own network",
         .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_RECEIVE_RATE, .long_name = "network-receive-rate", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Network", .key = "ReceiveRate", .metavar = "BITS",
         .help = "Most that the machine gets over its link: bits a second; K, M, G behind",
         .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},
        {.field = SPEC_FIELD_MTU, .long_name = "mtu", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Network", .key = "MTU",
         .metavar = "BYTES", .help = "Largest packet of the machine's links", .heading = SPEC_HEADING_NETWORK, .uses = MACHINE},

        {.field = SPEC_FIELD_CAPABILITY, .long_name = "capability", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "Capability", .metavar = "LIST|all", .help = "Keep these capabilities too", .heading = SPEC_HEADING_SECURITY,
         .uses = MACHINE},
        {.field = SPEC_FIELD_DROP_CAPABILITY, .long_name = "drop-capability", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Exec", .key = "DropCapability", .metavar = "LIST|all", .help = "Do not keep these capabilities",
         .heading = SPEC_HEADING_SECURITY, .uses = MACHINE},
        {.field = SPEC_FIELD_AMBIENT_CAPABILITY, .long_name = "ambient-capability", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Exec", .key = "AmbientCapability", .metavar = "LIST", .help = "The command keeps these whoever runs it",
         .heading = SPEC_HEADING_SECURITY, .uses = MACHINE},
        {.field = SPEC_FIELD_SYSTEM_CALL_FILTER, .long_name = "system-call-filter", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Exec", .key = "SystemCallFilter", .metavar = "LIST|~LIST",
         .help = "Let these system calls and @groups through too, or not", .heading = SPEC_HEADING_SECURITY, .uses = MACHINE},
        {.field = SPEC_FIELD_ADDRESS_FAMILIES, .long_name = "restrict-address-families", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Exec", .key = "RestrictAddressFamilies", .metavar = "LIST|~LIST|none",
         .help = "Families that sockets may be of, or not", .heading = SPEC_HEADING_SECURITY, .uses = MACHINE},
        {.field = SPEC_FIELD_NO_NEW_PRIVILEGES, .long_name = "no-new-privileges", .argument = SPEC_ARGUMENT_OPTIONAL,
         .fixed = "yes", .section = "Exec", .key = "NoNewPrivileges", .metavar = "BOOL",
         .help = "Set-user-ID programs give no rights", .heading = SPEC_HEADING_SECURITY, .uses = MACHINE},

        {.field = SPEC_FIELD_SELINUX_CONTEXT, .short_name = 'Z', .long_name = "selinux-context",
         .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "LABEL", .help = "SELinux label of the machine's processes",
         .heading = SPEC_HEADING_SECURITY, .uses = MACHINE},
        {.field = SPEC_FIELD_SELINUX_APIFS_CONTEXT, .short_name = 'L', .long_name = "selinux-apifs-context",
         .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "LABEL", .help = "SELinux label of its /dev, /run and /tmp",
         .heading = SPEC_HEADING_SECURITY, .uses = MACHINE},

        {.field = SPEC_FIELD_RLIMIT, .named_rlimit = true, .long_name = "rlimit", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "NAME=SOFT[:HARD]", .help = "Set a resource limit", .heading = SPEC_HEADING_RESOURCES, .uses = MACHINE},
        LIMIT(RLIMIT_CPU, "LimitCPU"),
        LIMIT(RLIMIT_FSIZE, "LimitFSIZE"),
        LIMIT(RLIMIT_DATA, "LimitDATA"),
        LIMIT(RLIMIT_STACK, "LimitSTACK"),
        LIMIT(RLIMIT_CORE, "LimitCORE"),
        LIMIT(RLIMIT_RSS, "LimitRSS"),
        LIMIT(RLIMIT_NOFILE, "LimitNOFILE"),
        LIMIT(RLIMIT_AS, "LimitAS"),
        LIMIT(RLIMIT_NPROC, "LimitNPROC"),
        LIMIT(RLIMIT_MEMLOCK, "LimitMEMLOCK"),
        LIMIT(RLIMIT_LOCKS, "LimitLOCKS"),
        LIMIT(RLIMIT_SIGPENDING, "LimitSIGPENDING"),
        LIMIT(RLIMIT_MSGQUEUE, "LimitMSGQUEUE"),
        LIMIT(RLIMIT_NICE, "LimitNICE"),
        LIMIT(RLIMIT_RTPRIO, "LimitRTPRIO"),
        LIMIT(RLIMIT_RTTIME, "LimitRTTIME"),
        {.field = SPEC_FIELD_OOM_SCORE_ADJUST, .long_name = "oom-score-adjust", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Exec", .key = "OOMScoreAdjust", .metavar = "N",
         .help = "How eagerly the kernel kills when memory runs out, -1000 to 1000", .heading = SPEC_HEADING_RESOURCES,
         .uses = MACHINE},
        {.field = SPEC_FIELD_CPU_AFFINITY, .long_name = "cpu-affinity", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Exec", .key = "CPUAffinity", .metavar = "LIST", .help = "Run on these CPUs only, as 0-3,5",
         .heading = SPEC_HEADING_RESOURCES, .uses = MACHINE},
        {.field = SPEC_FIELD_PERSONALITY, .long_name = "personality", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "Personality", .metavar = "ARCH", .help = "Architecture that uname(2) shows",
         .heading = SPEC_HEADING_RESOURCES, .uses = MACHINE},

        {.field = SPEC_FIELD_RESOLV_CONF, .long_name = "resolv-conf", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "ResolvConf", .metavar = "MODE", .help = "How /etc/resolv.conf is made: bind-host, copy-stub, off, auto…",
         .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE},
        {.field = SPEC_FIELD_TIMEZONE, .long_name = "timezone", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "Timezone", .metavar = "MODE", .help = "How /etc/localtime is made: off, copy, bind, symlink, delete, auto",
         .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE},
        {.field = SPEC_FIELD_LINK_JOURNAL, .long_name = "link-journal", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Exec",
         .key = "LinkJournal", .metavar = "MODE", .help = "Show the journal on the host: no, host, guest, try-…, auto",
         .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE},
        {.field = SPEC_FIELD_LINK_JOURNAL, .short_name = 'j', .argument = SPEC_ARGUMENT_NONE, .fixed = "try-guest",
         .help = "Same as --link-journal=try-guest", .heading = SPEC_HEADING_INTEGRATION, .uses = SPEC_USE_NSPAWN},
        {.field = SPEC_FIELD_FORWARD_JOURNAL, .long_name = "forward-journal", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "FILE|DIR", .help = "Write the machine's journal to the host, as it goes",
         .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE},
        FORWARD(SPEC_FORWARD_MAX_USE, "forward-journal-max-use", "BYTES", "Most space that it may take there"),
        FORWARD(SPEC_FORWARD_KEEP_FREE, "forward-journal-keep-free", "BYTES", "Space that it leaves free there"),
        FORWARD(SPEC_FORWARD_MAX_FILE_SIZE, "forward-journal-max-file-size", "BYTES", "Largest file of it"),
        FORWARD(SPEC_FORWARD_MAX_FILES, "forward-journal-max-files", "N", "How many files it may have"),
        {.field = SPEC_FIELD_BIND_USER, .long_name = "bind-user", .argument = SPEC_ARGUMENT_REQUIRED, .section = "Files",
         .key = "BindUser", .metavar = "USER", .help = "Make a user of the host known inside, home included",
         .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE},
        {.field = SPEC_FIELD_BIND_USER_SHELL, .long_name = "bind-user-shell", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Files", .key = "BindUserShell", .metavar = "BOOL|PATH", .help = "The shell of these users (default: no)",
         .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE},
        {.field = SPEC_FIELD_BIND_USER_GROUP, .long_name = "bind-user-group", .argument = SPEC_ARGUMENT_REQUIRED,
         .metavar = "GROUP", .help = "A group of the machine that these users are in", .heading = SPEC_HEADING_INTEGRATION,
         .uses = MACHINE},
        {.field = SPEC_FIELD_CREDENTIALS, .variant = VARIANT_SET, .long_name = "set-credential",
         .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "ID:VALUE", .help = "Hand a credential in",
         .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE},
        {.field = SPEC_FIELD_CREDENTIALS, .variant = VARIANT_LOAD, .long_name = "load-credential",
         .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "ID:PATH", .help = "Hand in the content of a file",
         .heading = SPEC_HEADING_INTEGRATION, .uses = MACHINE},

        {.field = SPEC_FIELD_MOUNTS, .variant = VARIANT_BIND, .long_name = "bind", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Files", .key = "Bind", .metavar = "PATH[:PATH[:OPTIONS]]",
         .help = "Mount a file or directory of the host inside", .heading = SPEC_HEADING_MOUNTS, .uses = MACHINE},
        {.field = SPEC_FIELD_MOUNTS, .variant = VARIANT_BIND_READ_ONLY, .long_name = "bind-ro",
         .argument = SPEC_ARGUMENT_REQUIRED, .section = "Files", .key = "BindReadOnly", .metavar = "PATH[:PATH[:OPTIONS]]",
         .help = "The same, read-only", .heading = SPEC_HEADING_MOUNTS, .uses = MACHINE},
        {.field = SPEC_FIELD_MOUNTS, .variant = VARIANT_TMPFS, .long_name = "tmpfs", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Files", .key = "TemporaryFileSystem", .metavar = "PATH[:OPTIONS]", .help = "Mount a tmpfs inside",
         .heading = SPEC_HEADING_MOUNTS, .uses = MACHINE},
        {.field = SPEC_FIELD_MOUNTS, .variant = VARIANT_OVERLAY, .long_name = "overlay", .argument = SPEC_ARGUMENT_REQUIRED,
         .section = "Files", .key = "Overlay", .metavar = "LOWER[:…]:UPPER[:PATH]", .help = "Mount layers over each other inside",
         .heading = SPEC_HEADING_MOUNTS, .uses = MACHINE},
        {.field = SPEC_FIELD_MOUNTS, .variant = VARIANT_OVERLAY_READ_ONLY, .long_name = "overlay-ro",
         .argument = SPEC_ARGUMENT_REQUIRED, .section = "Files", .key = "OverlayReadOnly", .metavar = "LOWER:LOWER[:…]:PATH",
         .help = "The same, read-only", .heading = SPEC_HEADING_MOUNTS, .uses = MACHINE},
        {.field = SPEC_FIELD_MOUNTS, .variant = VARIANT_INACCESSIBLE, .long_name = "inaccessible",
         .argument = SPEC_ARGUMENT_REQUIRED, .section = "Files", .key = "Inaccessible", .metavar = "PATH",
         .help = "Cover a file or directory so that it cannot be used", .heading = SPEC_HEADING_MOUNTS, .uses = MACHINE},

        {.field = SPEC_FIELD_CONSOLE, .long_name = "console", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "MODE",
         .help = "interactive, read-only, passive, pipe or autopipe", .heading = SPEC_HEADING_IO, .uses = RUN},
        {.field = SPEC_FIELD_CONSOLE, .short_name = 'P', .long_name = "pipe", .argument = SPEC_ARGUMENT_NONE,
         .fixed = "pipe", .help = "Same as --console=pipe", .heading = SPEC_HEADING_IO, .uses = RUN},
        {.field = SPEC_FIELD_BACKGROUND, .long_name = "background", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "COLOR",
         .help = "Background of the terminal meanwhile, as 44 or 48;2;0;0;64", .heading = SPEC_HEADING_IO, .uses = RUN},
        {.field = SPEC_FIELD_QUIET, .short_name = 'q', .long_name = "quiet", .argument = SPEC_ARGUMENT_NONE, .fixed = "yes",
         .help = "Show nothing but the payload's own output", .heading = SPEC_HEADING_IO, .uses = MACHINE},
        {.field = SPEC_FIELD_STOP_TIMEOUT, .long_name = "timeout", .argument = SPEC_ARGUMENT_REQUIRED, .metavar = "TIME",
         .help = "Time to power off before the machine is killed (default: 90s)", .heading = SPEC_HEADING_IO,
         .uses = MACHINE},
};
/* clang-format on */

const SpecSpelling *spec_spellings(size_t *ret_n)
{
        *ret_n = ELEMENTSOF(spellings);
        return spellings;
}

const char *const *spec_spelling_choices(const SpecSpelling *sp)
{
        return sp->argument == SPEC_ARGUMENT_NONE ? NULL : field_row(sp->field)->type->choices;
}

static void add_line(Buf *out, const char *word)
{
        if (word)
                buf_addf(out, "%s\n", word);
}

bool spec_spelling_list(const SpecSpelling *sp, Buf *out)
{
        const ValueType *type = field_row(sp->field)->type;

        if (sp->argument == SPEC_ARGUMENT_NONE || type == &value_bool || (!sp->named_rlimit && type == &value_rlimit))
                return false;
        if (sp->named_rlimit)
                for (unsigned i = 0; i < SPEC_RLIMITS; i++)
                        add_line(out, value_rlimit_to_name(i));
        else if (type == &value_capabilities)
                for (unsigned i = 0; i < 64; i++)
                        add_line(out, value_capability_to_name(i));
        else if (type == &value_signal)
                for (int i = 1; i <= SIGRTMAX; i++) {
                        _cleanup_free_ char *name = value_signal_to_name(i);
                        add_line(out, *name == 'S' ? name : NULL);
                }
        else
                for (const char *const *word = type->choices; word && *word; word++)
                        add_line(out, *word);
        return out->len > 0;
}

static const char *const headings[_SPEC_HEADING_MAX] = {
                [SPEC_HEADING_IMAGE] = "Image:",
                [SPEC_HEADING_EXECUTION] = "Execution:",
                [SPEC_HEADING_IDENTITY] = "Identity:",
                [SPEC_HEADING_USERS] = "User namespace:",
                [SPEC_HEADING_NETWORK] = "Network:",
                [SPEC_HEADING_SECURITY] = "Security:",
                [SPEC_HEADING_RESOURCES] = "Resources:",
                [SPEC_HEADING_MOUNTS] = "Mounts:",
                [SPEC_HEADING_INTEGRATION] = "Integration:",
                [SPEC_HEADING_IO] = "Console and output:",
};

const char *spec_heading_title(SpecHeading heading)
{
        assert(heading >= 0 && heading < _SPEC_HEADING_MAX);
        return headings[heading];
}

/* ---- help ---- */

#define HELP_COLUMN 34

void spec_help_option(Buf *out, const SpecOption *o)
{
        size_t start = out->len;

        if (o->short_name)
                buf_addf(out, "  -%c", o->short_name);
        else
                buf_adds(out, "    ");
        if (o->long_name)
                buf_addf(out, " --%s", o->long_name);
        if (o->argument == SPEC_ARGUMENT_OPTIONAL)
                buf_addf(out, "[=%s]", o->metavar);
        else if (o->argument == SPEC_ARGUMENT_REQUIRED)
                buf_addf(out, o->long_name ? "=%s" : " %s", o->metavar);

        size_t width = out->len - start;
        if (width + 1 > HELP_COLUMN) {
                buf_adds(out, "\n");
                width = 0;
        }
        buf_addf(out, "%*s%s\n", (int)(HELP_COLUMN - width), "", o->help);
}

void spec_help(Buf *out, unsigned uses)
{
        for (SpecHeading h = 0; h < _SPEC_HEADING_MAX; h++) {
                bool headed = false;
                for (size_t i = 0; i < ELEMENTSOF(spellings); i++) {
                        const SpecSpelling *sp = &spellings[i];
                        if (sp->heading != h || !(sp->uses & uses) || !sp->help)
                                continue;
                        if (!headed)
                                buf_addf(out, "%s%s\n", out->len > 0 ? "\n" : "", headings[h]);
                        headed = true;
                        spec_help_option(out, &(SpecOption){sp->short_name, sp->long_name, sp->argument, sp->metavar, sp->help});
                }
        }
}

/* ---- applying ---- */

/* NAME=VALUE: the name picks the field. */
static int split_rlimit(const char **text, SpecField *ret, Error *e)
{
        const char *equals = strchr(*text, '=');
        _cleanup_free_ char *name = equals ? xstrndup(*text, (size_t)(equals - *text)) : NULL;
        int which = name ? value_rlimit_from_name(name) : -EINVAL;

        if (!name)
                return error_set(e, -EINVAL, "'%s' is no limit; write NAME=SOFT[:HARD]", *text);
        if (which < 0)
                return error_set(e, -EINVAL, "'%s' is no resource limit; setrlimit(2) lists them", name);
        *ret = SPEC_FIELD_RLIMIT + (SpecField)which;
        *text = equals + 1;
        return 0;
}

int spec_apply(MachineSpec *s, const SpecSpelling *sp, const char *text, const char *origin, Error *e)
{
        SpecField f = sp->field;
        int r = 0;

        if (sp->named_rlimit)
                r = split_rlimit(&text, &f, e);
        if (r >= 0)
                r = field_row(f)->type->parse(s, f, sp->variant, text, e);
        if (r < 0)
                return r;
        spec_mark(s, f, origin);
        return 0;
}
