/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs' own options, as rows: what describes no machine (src/spec has those). Parsing, --help, completions and the man page come
 * from them. */

#include "base/error.h"
#include "spec/argv.h"

typedef enum Format { FORMAT_OFF, FORMAT_SHORT, FORMAT_PRETTY } Format; /* --json= */

typedef struct Options {
        bool help, version, no_pager, no_ask_password, system, cleanup, no_legend, all, plan, restart, rebuild, same, cache,
                        allow_expired, force, read_only, share, no_share, respect_use, without_snapshots, dhcp, take_over,
                        accept_ra;
        unsigned verify;   /* DistroVerify */
        unsigned wait_for; /* MachineWait */
        bool kill_leader, mkdir, follow, now;
        char **after; /* of enable */
        uint64_t delay_usec;
        int signal; /* 0: not given */
        bool value_only;
        char **properties;      /* of show: these alone */
        uint32_t lines;         /* of the console; UINT32_MAX: not given */
        uint32_t max_addresses; /* of each machine; UINT32_MAX: all */
        char *ignored;          /* what was read by the name of machinectl, and is looked at there */
        Format json;
        uint64_t timeout_usec; /* USEC_INFINITY: not given */
        uint64_t limit;        /* bytes; 0: not given */
        char *variant, *arch, *driver, *profile, *boot, *format, *set, *keep_rule, *from;
        char **include, **exclude, **components, **mirrors, **keyrings, **repos, **make_conf, **zfs_properties;
        bool no_keep_download;
        bool repair;
        bool keep;                                              /* what a failed create leaves */
        char *uplink, *type, *vlans, **addresses, **gateways;   /* of networks */
        char *share_from, *seed, *portage_config, **shares;     /* of Gentoo machines */
        char *root_password_file, *locale, *timezone, **fixups; /* of new machines */
} Options;
void options_init(Options *o);
void options_done(Options *o);

typedef enum OptionId {
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_NO_PAGER,
        OPTION_NO_ASK_PASSWORD,
        OPTION_SYSTEM,
        OPTION_CLEANUP,
        OPTION_JSON,
        OPTION_JSON_SHORT, /* -j */
        OPTION_NO_LEGEND,
        OPTION_ALL,
        OPTION_PLAN,
        OPTION_TIMEOUT,
        OPTION_START_TIMEOUT,
        OPTION_KILL_WHOM,
        OPTION_SIGNAL,
        OPTION_WAIT_FOR,
        OPTION_WAIT_TIMEOUT,
        OPTION_BIND_READ_ONLY,
        OPTION_MKDIR,
        OPTION_COPY_FORCE,
        OPTION_QUIET,
        OPTION_FULL,
        OPTION_SHOW_PROPERTY,
        OPTION_SHOW_VALUE,
        OPTION_SHOW_ONE, /* -P */
        OPTION_LINES,
        OPTION_ENABLE_NOW,
        OPTION_DISABLE_NOW,
        OPTION_AFTER,
        OPTION_DELAY,
        OPTION_FOLLOW,
        OPTION_TIMES,
        OPTION_MAX_ADDRESSES,
        OPTION_COMPAT_OUTPUT, /* those of machinectl alone */
        OPTION_COMPAT_HOST,
        OPTION_COMPAT_MACHINE,
        OPTION_COMPAT_RUNNER,
        OPTION_RESTART,
        OPTION_SAME,
        OPTION_CACHE,
        OPTION_BOOT,
        OPTION_READ_ONLY,
        OPTION_VARIANT,
        OPTION_INCLUDE,
        OPTION_EXCLUDE,
        OPTION_COMPONENTS,
        OPTION_MIRROR,
        OPTION_ARCH,
        OPTION_KEYRING,
        OPTION_DRIVER,
        OPTION_ZFS_PROPERTY,
        OPTION_OTHER_DRIVER,
        OPTION_WITHOUT_SNAPSHOTS,
        OPTION_REPAIR,
        OPTION_REBUILD,
        OPTION_KEEP,
        OPTION_ALLOW_EXPIRED,
        OPTION_VERIFY,
        OPTION_BINHOST,
        OPTION_PACKAGE,
        OPTION_PROFILE,
        OPTION_REPO,
        OPTION_SEED,
        OPTION_PORTAGE_CONFIG,
        OPTION_RESPECT_USE,
        OPTION_MAKE_CONF,
        OPTION_SET,
        OPTION_ROLLBACK_SET,
        OPTION_REMOVE_SET,
        OPTION_KEEP_RULE,
        OPTION_FORCE,
        OPTION_MARK_READ_ONLY,
        OPTION_FORMAT,
        OPTION_LIMIT,
        OPTION_CLASS,
        OPTION_CLASS_MACHINE,
        OPTION_KEEP_DOWNLOAD,
        OPTION_NO_KEEP_DOWNLOAD,
        OPTION_FROM,
        OPTION_GIVE_UP,
        OPTION_CLEAN_ALL,
        OPTION_SHARE,
        OPTION_NO_SHARE,
        OPTION_FIXUP,
        OPTION_ROOT_PASSWORD_FILE,
        OPTION_LOCALE,
        OPTION_TIMEZONE,
        OPTION_SHARE_FROM,
        OPTION_UPLINK,
        OPTION_TYPE,
        OPTION_NETWORK_ADDRESS,
        OPTION_NETWORK_GATEWAY,
        OPTION_DHCP,
        OPTION_TAKE_OVER,
        OPTION_ACCEPT_RA,
        OPTION_VLAN,
        _OPTION_MAX,
} OptionId;

typedef struct OptionRow {
        SpecOption option;
        int (*take)(Options *o, size_t offset, const char *value); /* -EINVAL: not a value of this option */
        size_t offset;
        const char *const *choices; /* NULL-terminated, for messages and completion; NULL: free text */
        bool is_file;               /* completion offers files */
} OptionRow;

extern const OptionRow option_rows[_OPTION_MAX];
int option_take(Options *o, OptionId id, const char *value, Error *e);
