/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/option.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

void options_init(Options *o)
{
        *o = (Options){.timeout_usec = USEC_INFINITY, .lines = UINT32_MAX, .max_addresses = UINT32_MAX};
}

void options_done(Options *o)
{
        free(o->variant);
        free(o->arch);
        free(o->driver);
        free(o->profile);
        free(o->boot);
        free(o->share_from);
        free(o->uplink);
        free(o->type);
        free(o->vlans);
        strv_free(o->addresses);
        strv_free(o->gateways);
        free(o->seed);
        free(o->portage_config);
        free(o->root_password_file);
        free(o->locale);
        free(o->timezone);
        strv_free(o->fixups);
        strv_free(o->repos);
        strv_free(o->make_conf);
        free(o->format);
        free(o->set);
        free(o->ignored);
        strv_free(o->properties);
        strv_free(o->after);
        free(o->from);
        free(o->keep_rule);
        strv_free(o->shares);
        strv_free(o->include);
        strv_free(o->exclude);
        strv_free(o->components);
        strv_free(o->mirrors);
        strv_free(o->keyrings);
        strv_free(o->zfs_properties);
        *o = (Options){0};
}

/* ---- how a value gets into its member ---- */

static void *member(Options *o, size_t offset)
{
        return (char *)o + offset;
}

static int take_true(Options *o, size_t offset, const char *value)
{
        *(bool *)member(o, offset) = true;
        return 0;
}

static int take_string(Options *o, size_t offset, const char *value)
{
        char **p = member(o, offset);
        if (!*value)
                return -EINVAL;
        free(*p);
        *p = xstrdup(value);
        return 0;
}

static int take_type(Options *o, size_t offset, const char *value)
{
        return str_eq(value, "bridge") || str_eq(value, "macvlan") ? take_string(o, offset, value) : -EINVAL;
}

static int take_list(Options *o, size_t offset, const char *value) /* words with commas between, may be given several times */
{
        _cleanup_strv_ char **words = strv_split(value, ",");
        strv_extend(member(o, offset), words);
        return words ? 0 : -EINVAL;
}

static int take_item(Options *o, size_t offset, const char *value)
{
        strv_push(member(o, offset), value);
        return *value ? 0 : -EINVAL;
}

static int take_shares(Options *o, size_t offset, const char *value)
{
        o->share = true;
        return value ? take_list(o, offset, value) : 0;
}

static int take_seconds(Options *o, size_t offset, const char *value)
{
        return str_parse_seconds(value, member(o, offset));
}

static int take_size(Options *o, size_t offset, const char *value)
{
        uint64_t *p = member(o, offset);
        int r = str_parse_size(value, p);
        return r < 0 || *p == 0 ? -EINVAL : 0;
}

static int take_keep_download(Options *o, size_t offset, const char *value)
{
        int keep = str_parse_bool(value);
        o->no_keep_download = keep == 0;
        return keep < 0 ? keep : 0;
}

static int take_nothing(Options *o, size_t offset, const char *value)
{
        return 0;
}

static int take_class(Options *o, size_t offset, const char *value) /* there is only one */
{
        return str_eq(value, "machine") ? 0 : -EINVAL;
}

static int take_json(Options *o, size_t offset, const char *value)
{
        static const char *const names[] = {[FORMAT_OFF] = "off", [FORMAT_SHORT] = "short", [FORMAT_PRETTY] = "pretty"};
        Format *p = member(o, offset);
        if (!value) { /* as journalctl and systemctl: readable for people, short for programs */
                *p = isatty(STDOUT_FILENO) ? FORMAT_PRETTY : FORMAT_SHORT;
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (str_eq(names[i], value)) {
                        *p = (Format)i;
                        return 0;
                }
        return -EINVAL;
}

/* DistroVerify by name; yes and no as everywhere. */
static int take_verify(Options *o, size_t offset, const char *value)
{
        static const char *const names[] = {"signature", "checksum", "no"};
        unsigned *p = member(o, offset);

        for (unsigned i = 0; i < ELEMENTSOF(names); i++)
                if (str_eq(names[i], value)) {
                        *p = i;
                        return 0;
                }
        int r = str_parse_bool(value);
        *p = r == 0 ? 2 : 0;
        return r < 0 ? r : 0;
}

static int take_choice(const char *const *choices, const char *value)
{
        for (int i = 0; choices[i]; i++)
                if (str_eq(choices[i], value))
                        return i;
        return -EINVAL;
}

static const char *const whom_choices[] = {"all", "leader", NULL};
static int take_whom(Options *o, size_t offset, const char *value)
{
        int which = take_choice(whom_choices, value);
        *(bool *)member(o, offset) = which > 0;
        return which;
}

static const char *const wait_choices[] = {"running", "ready", "exit", NULL}; /* MachineWait */
static int take_wait(Options *o, size_t offset, const char *value)
{
        int which = take_choice(wait_choices, value);
        *(unsigned *)member(o, offset) = (unsigned)which;
        return which;
}

static int take_signal(Options *o, size_t offset, const char *value)
{
        int signal = value_signal_from_name(value);
        *(int *)member(o, offset) = signal;
        return signal <= 0 ? -EINVAL : 0;
}

static int take_count(Options *o, size_t offset, const char *value)
{
        uint32_t *p = member(o, offset);

        *p = UINT32_MAX;
        return str_eq(value, "all") ? 0 : str_parse_u32(value, p);
}

static int take_number(Options *o, size_t offset, const char *value)
{
        return str_parse_u32(value, member(o, offset));
}

static int take_one_property(Options *o, size_t offset, const char *value)
{
        o->value_only = true;
        return take_list(o, offset, value);
}

/* ---- the rows ---- */

static const char *const json_choices[] = {"short", "pretty", "off", NULL};
static const char *const variant_choices[] = {"minbase", "standard", "boot", NULL};
static const char *const driver_choices[] = {"overlay", "zfs", "btrfs", "directory", NULL};
static const char *const verify_choices[] = {"signature", "checksum", "no", NULL};
static const char *const type_choices[] = {"bridge", "macvlan", NULL};
static const char *const format_choices[] = {"uncompressed", "xz", "gzip", "bzip2", "zstd", NULL};
static const char *const class_choices[] = {"machine", NULL};
static const char *const bool_choices[] = {"yes", "no", NULL};

#define NONE     SPEC_ARGUMENT_NONE
#define REQUIRED SPEC_ARGUMENT_REQUIRED
#define AT(m)    .offset = offsetof(Options, m)

/* clang-format off: one row an option */
const OptionRow option_rows[_OPTION_MAX] = {
                [OPTION_HELP] = {{'h', "help", NONE, NULL, "Show this help"}, take_true, AT(help)},
                [OPTION_VERSION] = {{0, "version", NONE, NULL, "Show the version"}, take_true, AT(version)},
                [OPTION_NO_PAGER] = {{0, "no-pager", NONE, NULL, "Nothing goes through a pager, with or without this"},
                                     take_true,
                                     AT(no_pager)},
                [OPTION_NO_ASK_PASSWORD] = {{0, "no-ask-password", NONE, NULL, "No password is asked for, with or without this"},
                                            take_true,
                                            AT(no_ask_password)},
                [OPTION_SYSTEM] = {{0, "system", NONE, NULL, "The machines of the system, with or without this"},
                                   take_true,
                                   AT(system)},
                [OPTION_CLEANUP] = {{0, "cleanup", NONE, NULL, "Clear what a machine left that was killed, and run nothing"},
                                    take_true,
                                    AT(cleanup)},
                [OPTION_JSON] = {{0, "json", SPEC_ARGUMENT_OPTIONAL, "short|pretty|off", "Print JSON"},
                                 take_json,
                                 AT(json),
                                 json_choices},
                [OPTION_JSON_SHORT] = {{'j', NULL, NONE, NULL, "Same as --json, pretty on a terminal"}, take_json, AT(json)},
                [OPTION_NO_LEGEND] = {{0, "no-legend", NONE, NULL, "Leave out column titles and the closing count"},
                                      take_true,
                                      AT(no_legend)},
                [OPTION_ALL] = {{'a', "all", NONE, NULL, "Also the finished images that create clones from"}, take_true, AT(all)},
                [OPTION_PLAN] = {{0, "plan", NONE, NULL, "Print what would be done, instead of doing it"}, take_true, AT(plan)},
                [OPTION_TIMEOUT] = {{0, "timeout", REQUIRED, "TIME",
                                     "When to kill what is not down yet (default: as the machine was started)"},
                                    take_seconds,
                                    AT(timeout_usec)},
                [OPTION_START_TIMEOUT] = {{0, "start-timeout", REQUIRED, "TIME",
                                           "When to give up a machine that is not up yet (default: never)"},
                                          take_seconds,
                                          AT(timeout_usec)},
                [OPTION_KILL_WHOM] = {{0, "kill-whom", REQUIRED, "all|leader", "Which processes (default: all)"},
                                      take_whom,
                                      AT(kill_leader),
                                      whom_choices},
                [OPTION_SIGNAL] = {{'s', "signal", REQUIRED, "SIGNAL", "Which signal, by name or number (default: SIGTERM)"},
                                   take_signal,
                                   AT(signal)},
                [OPTION_WAIT_FOR] = {{0, "for", REQUIRED, "running|ready|exit", "What to wait for (default: running)"},
                                     take_wait,
                                     AT(wait_for),
                                     wait_choices},
                [OPTION_WAIT_TIMEOUT] = {{0, "timeout", REQUIRED, "TIME", "When to give up (default: never)"},
                                         take_seconds,
                                         AT(timeout_usec)},
                [OPTION_BIND_READ_ONLY] = {{0, "read-only", NONE, NULL, "Nothing can be changed by it"},
                                           take_true,
                                           AT(read_only)},
                [OPTION_MKDIR] = {{0, "mkdir", NONE, NULL, "Make the place in the machine"}, take_true, AT(mkdir)},
                [OPTION_COPY_FORCE] = {{0, "force", NONE, NULL, "Replace files that are there"}, take_true, AT(force)},
                [OPTION_QUIET] = {{'q', "quiet", NONE, NULL, "Nothing is said that need not be, with or without this"},
                                  take_true,
                                  AT(no_pager)},
                [OPTION_FULL] = {{'l', "full", NONE, NULL, "Nothing is shortened, with or without this"},
                                 take_true,
                                 AT(no_pager)},
                [OPTION_SHOW_PROPERTY] = {{'p', "property", REQUIRED, "NAME,…", "Show these properties alone"},
                                          take_list,
                                          AT(properties)},
                [OPTION_SHOW_VALUE] = {{0, "value", NONE, NULL, "Show values without their names"}, take_true, AT(value_only)},
                [OPTION_SHOW_ONE] = {{'P', NULL, REQUIRED, "NAME,…", "Same as --value --property=NAME"},
                                     take_one_property,
                                     AT(properties)},
                [OPTION_LINES] = {{'n', "lines", REQUIRED, "COUNT", "How many lines of the console, from its end"},
                                  take_number,
                                  AT(lines)},
                [OPTION_FOLLOW] = {{'f', "follow", NONE, NULL, "Go on with what comes, until the machine ends"},
                                   take_true,
                                   AT(follow)},
                [OPTION_TIMES] = {{'n', "times", REQUIRED, "COUNT", "How often"}, take_number, AT(lines)},
                [OPTION_ENABLE_NOW] = {{0, "now", NONE, NULL, "Start them at once, too"}, take_true, AT(now)},
                [OPTION_DISABLE_NOW] = {{0, "now", NONE, NULL, "Power them off at once, too"}, take_true, AT(now)},
                [OPTION_AFTER] = {{0, "after", REQUIRED, "NAME,…", "When these are ready; not on hosts with systemd"},
                                  take_list,
                                  AT(after)},
                [OPTION_DELAY] = {{0, "delay", REQUIRED, "TIME", "So much later; not on hosts with systemd"},
                                  take_seconds,
                                  AT(delay_usec)},
                [OPTION_MAX_ADDRESSES] = {{0, "max-addresses", REQUIRED, "COUNT|all", "How many addresses of each machine"},
                                          take_count,
                                          AT(max_addresses)},
                [OPTION_COMPAT_OUTPUT] = {{'o', "output", REQUIRED, "MODE", "short, or for tables and show: json, json-pretty"},
                                          take_string,
                                          AT(ignored)},
                [OPTION_COMPAT_HOST] = {{'H', "host", REQUIRED, "[USER@]HOST", "Is refused: use ssh"}, take_string, AT(ignored)},
                [OPTION_COMPAT_MACHINE] = {{'M', "machine", REQUIRED, ".host", "The machines of this host"},
                                           take_string,
                                           AT(ignored)},
                [OPTION_COMPAT_RUNNER] = {{0, "runner", REQUIRED, "nspawn", "What runs machines: containers"},
                                          take_string,
                                          AT(ignored)},
                [OPTION_RESTART] = {{0, "restart", NONE, NULL, "Power a running machine off before, start it afterwards"},
                                    take_true,
                                    AT(restart)},
                [OPTION_SAME] = {{0, "same", NONE, NULL, "Keep the identity of the first machine: name, machine-id, keys, seed"},
                                 take_true,
                                 AT(same)},
                [OPTION_CACHE] = {{0, "cache", NONE, NULL, "Clean the caches of packages and of finished images"},
                                  take_true,
                                  AT(cache)},
                [OPTION_BOOT] = {{0, "boot", REQUIRED, "DEVICE",
                                  "Mount this on /boot: a block device, or the image of a file system"},
                                 take_string,
                                 AT(boot),
                                 .is_file = true},
                [OPTION_READ_ONLY] = {{0, "read-only", NONE, NULL, "Change nothing; the machine may then run, too"},
                                      take_true,
                                      AT(read_only)},
                [OPTION_VARIANT] = {{0, "variant", REQUIRED, "VARIANT",
                                     "What the base system is: minbase, standard or boot (default)"},
                                    take_string,
                                    AT(variant),
                                    variant_choices},
                [OPTION_INCLUDE] = {{0, "include", REQUIRED, "PACKAGE,…", "Install these packages, too"}, take_list, AT(include)},
                [OPTION_EXCLUDE] = {{0, "exclude", REQUIRED, "PACKAGE,…", "Leave these packages out"}, take_list, AT(exclude)},
                [OPTION_COMPONENTS] = {{0, "components", REQUIRED, "NAME,…", "Archive components (default: main)"},
                                       take_list,
                                       AT(components)},
                [OPTION_MIRROR] = {{0, "mirror", REQUIRED, "URL", "Where the packages come from; may be given several times"},
                                   take_item,
                                   AT(mirrors)},
                [OPTION_ARCH] = {{0, "arch", REQUIRED, "ARCH",
                                  "Architecture, as the distribution calls it (default: the host's)"},
                                 take_string,
                                 AT(arch)},
                [OPTION_KEYRING] = {{0, "keyring", REQUIRED, "FILE",
                                     "Keys that the index must be signed with (default: the host's)"},
                                    take_item,
                                    AT(keyrings),
                                    .is_file = true},
                [OPTION_DRIVER] = {{0, "driver", REQUIRED, "DRIVER",
                                    "How it is stored: overlay, zfs, btrfs or directory (default: the best of the store)"},
                                   take_string,
                                   AT(driver),
                                   driver_choices},
                [OPTION_ZFS_PROPERTY] = {{0, "zfs-property", REQUIRED, "PROPERTY=VALUE,…",
                                          "Of the dataset, as zfs create -o has it: encryption=on,keyformat=passphrase"},
                                         take_list,
                                         AT(zfs_properties)},
                [OPTION_OTHER_DRIVER] = {{0, "driver", REQUIRED, "DRIVER",
                                          "Stored by this one: overlay, zfs, btrfs or directory; another one takes a copy"},
                                         take_string,
                                         AT(driver),
                                         driver_choices},
                [OPTION_REPAIR] = {{0, "repair", NONE, NULL, "Put in order what can be without losing anything"},
                                   take_true,
                                   AT(repair)},
                [OPTION_WITHOUT_SNAPSHOTS] = {{0, "without-snapshots", NONE, NULL, "Drop its snapshots"},
                                              take_true,
                                              AT(without_snapshots)},
                [OPTION_REBUILD] = {{0, "rebuild", NONE, NULL, "Build anew, even if there is a finished image of this source"},
                                    take_true,
                                    AT(rebuild)},
                [OPTION_KEEP] = {{0, "keep", NONE, NULL, "Keep what there is of a machine whose making fails, as NAME-failed"},
                                 take_true,
                                 AT(keep)},
                [OPTION_ALLOW_EXPIRED] = {{0, "allow-expired", NONE, NULL, "Take an index that is past its Valid-Until date"},
                                          take_true,
                                          AT(allow_expired)},
                [OPTION_VERIFY] = {{0, "verify", REQUIRED, "signature|checksum|no",
                                    "What vouches for what is fetched (default: signature)"},
                                   take_verify,
                                   AT(verify),
                                   verify_choices},
                [OPTION_BINHOST] = {{0, "binhost", REQUIRED, "URL",
                                     "Gentoo: a host of binary packages; may be given several times, the preferred one first"},
                                    take_item,
                                    AT(mirrors)},
                [OPTION_PACKAGE] = {{0, "package", REQUIRED, "ATOM", "Gentoo: install this, too; may be given several times"},
                                    take_item,
                                    AT(include)},
                [OPTION_PROFILE] = {{0, "profile", REQUIRED, "[REPO:]PATH", "Gentoo: the profile, which says what the system is"},
                                    take_string,
                                    AT(profile)},
                [OPTION_REPO] = {{0, "repo", REQUIRED, "[NAME=]PATH|URL",
                                  "Gentoo: a repository that profiles are in; of a URL git fetches it; repeatable"},
                                 take_item,
                                 AT(repos),
                                 .is_file = true},
                [OPTION_SEED] = {{0, "seed", REQUIRED, "MACHINE|SOURCE|host",
                                  "gentoo:emerge: the system with Portage that it is built in"},
                                 take_string,
                                 AT(seed)},
                [OPTION_PORTAGE_CONFIG] =
                                {{0, "portage-config", REQUIRED, "DIRECTORY",
                                  "Gentoo: package.use, package.mask and their kin, as in /etc/portage; the machine gets them"},
                                 take_string,
                                 AT(portage_config),
                                 .is_file = true},
                [OPTION_RESPECT_USE] = {{0, "binpkg-respect-use", NONE, NULL,
                                         "Gentoo: take no binary package that was built with other flags than are wanted"},
                                        take_true,
                                        AT(respect_use)},
                [OPTION_MAKE_CONF] = {{0, "make-conf", REQUIRED, "KEY=VALUE",
                                       "Gentoo: a setting of the machine's make.conf; repeatable"},
                                      take_item,
                                      AT(make_conf)},
                [OPTION_SET] = {{0, "set", REQUIRED, "SET", "All words are machines: snapshots of this name at one instant"},
                                take_string,
                                AT(set)},
                [OPTION_ROLLBACK_SET] = {{0, "set", REQUIRED, "SET", "Roll back all machines of a set of snapshots"},
                                         take_string,
                                         AT(set)},
                [OPTION_REMOVE_SET] = {{0, "set", REQUIRED, "SET", "The snapshots of a set"}, take_string, AT(set)},
                [OPTION_KEEP_RULE] = {{0, "keep", REQUIRED, "RULE",
                                       "All words are machines: snapshots named by the time, older ones kept by "
                                       "hourly=N,daily=N,weekly=N,"
                                       "monthly=N,yearly=N"},
                                      take_string,
                                      AT(keep_rule)},
                [OPTION_FORCE] = {{0, "force", NONE, NULL, "Replace what is there"}, take_true, AT(force)},
                [OPTION_MARK_READ_ONLY] = {{0, "read-only", NONE, NULL, "Mark the machine read-only"}, take_true, AT(read_only)},
                [OPTION_FORMAT] = {{0, "format", REQUIRED, "FORMAT",
                                    "uncompressed, xz, gzip, bzip2 or zstd (default: by the end of the file's name)"},
                                   take_string,
                                   AT(format),
                                   format_choices},
                [OPTION_LIMIT] = {{0, "limit", REQUIRED, "BYTES",
                                   "Refuse what unpacks to more; K, M, G, T behind (default: most of what is free)"},
                                  take_size,
                                  AT(limit)},
                [OPTION_CLASS] = {{0, "class", REQUIRED, "machine", "As importctl has it; there are only machines"},
                                  take_class,
                                  0,
                                  class_choices},
                [OPTION_CLASS_MACHINE] = {{'m', NULL, NONE, NULL, "The same as --class=machine"}, take_nothing, 0},
                [OPTION_KEEP_DOWNLOAD] = {{0, "keep-download", REQUIRED, "yes|no",
                                           "Keep what was fetched as an image that machines are clones of (default: yes)"},
                                          take_keep_download,
                                          0,
                                          bool_choices},
                [OPTION_NO_KEEP_DOWNLOAD] = {{'N', NULL, NONE, NULL, "The same as --keep-download=no"},
                                             take_true,
                                             AT(no_keep_download)},
                [OPTION_FROM] = {{0, "from", REQUIRED, "SNAPSHOT", "Only what changed since this snapshot"},
                                 take_string,
                                 AT(from)},
                [OPTION_GIVE_UP] = {{0, "force", NONE, NULL,
                                     "Give up what was changed since the snapshot that a stream goes on from"},
                                    take_true,
                                    AT(force)},
                [OPTION_CLEAN_ALL] = {{'a', "all", NONE, NULL, "Remove all machines that do not run, too"}, take_true, AT(all)},
                [OPTION_SHARE] = {{0, "share", SPEC_ARGUMENT_OPTIONAL, "NAME,…",
                                   "Gentoo: share repos, distfiles, binpkgs with the other machines (default: all of them)"},
                                  take_shares,
                                  AT(shares)},
                [OPTION_FIXUP] = {{0, "fixup", REQUIRED, "NAME,…|none",
                                   "Only these of mtab, fstab, securetty, console, network, resolv-conf "
                                   "(default: what it needs of them)"},
                                  take_list,
                                  AT(fixups)},
                [OPTION_ROOT_PASSWORD_FILE] =
                                {{0, "root-password-file", REQUIRED, "FILE",
                                  "root's password is the first line of this, in plain text or as a hash of crypt(5)"},
                                 take_string,
                                 AT(root_password_file),
                                 .is_file = true},
                [OPTION_LOCALE] = {{0, "locale", REQUIRED, "LOCALE", "The locale of the new system, as LANG"},
                                   take_string,
                                   AT(locale)},
                [OPTION_TIMEZONE] = {{0, "timezone", REQUIRED, "ZONE", "The time zone of the new system"},
                                     take_string,
                                     AT(timezone)},
                [OPTION_NO_SHARE] = {{0, "no-share", NONE, NULL, "Gentoo: share nothing"}, take_true, AT(no_share)},
                [OPTION_SHARE_FROM] =
                                {{0, "share-from", REQUIRED, "DIRECTORY",
                                  "Gentoo: where the shares are (default: the host's own, else /var/lib/berth/shares/gentoo)"},
                                 take_string,
                                 AT(share_from),
                                 .is_file = true},
                [OPTION_UPLINK] = {{0, "uplink", REQUIRED, "INTERFACE", "The host's interface that leads to the LAN"},
                                   take_string,
                                   AT(uplink)},
                [OPTION_TYPE] = {{0, "type", REQUIRED, "bridge|macvlan",
                                  "A bridge that the uplink is a port of (default), or a macvlan of the uplink"},
                                 take_type,
                                 AT(type),
                                 type_choices},
                [OPTION_NETWORK_ADDRESS] = {{0, "address", REQUIRED, "ADDRESS/PREFIX",
                                             "An address of the host there; may be given several times"},
                                            take_item,
                                            AT(addresses)},
                [OPTION_NETWORK_GATEWAY] = {{0, "gateway", REQUIRED, "ADDRESS", "The host's default route leads there"},
                                            take_item,
                                            AT(gateways)},
                [OPTION_DHCP] = {{0, "dhcp", NONE, NULL,
                                  "The host asks the LAN's server for an address there (by systemd-networkd)"},
                                 take_true,
                                 AT(dhcp)},
                [OPTION_TAKE_OVER] = {{0, "take-over", NONE, NULL, "The uplink's addresses and routes become the network's"},
                                      take_true,
                                      AT(take_over)},
                [OPTION_ACCEPT_RA] = {{0, "accept-ra", NONE, NULL, "The host listens to IPv6 routers there"},
                                      take_true,
                                      AT(accept_ra)},
                [OPTION_VLAN] = {{0, "vlan", REQUIRED, "ID|FIRST-LAST,…",
                                  "The bridge knows VLANs, and these come and go over the uplink with their tags"},
                                 take_string,
                                 AT(vlans)},
};
/* clang-format on */

int option_take(Options *o, OptionId id, const char *value, Error *e)
{
        const OptionRow *row = option_rows + id;
        int r = row->take(o, row->offset, value);
        if (r >= 0)
                return 0;
        if (!row->choices)
                return error_set(e, -EINVAL, "'%s' is no value for --%s=%s", value, row->option.long_name, row->option.metavar);
        _cleanup_strv_ char **choices = strv_copy((char *const *)row->choices);
        _cleanup_free_ char *list = strv_join(choices, ", ");
        return error_set(e, -EINVAL, "'%s' is no value for --%s: there are %s", value, row->option.long_name, list);
}
