/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/print.h"

#include <assert.h>
#include <linux/mount.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

static_assert(_COLUMN_MAX <= 64, "an operation's columns are bits of one word");
#define C(column) (UINT64_C(1) << COLUMN_##column)
#define DISK      (C(DISK) | C(DISK_TYPE) | C(DISK_OPTIONS) | C(CHECK) | C(UNLOCK) | C(VERITY))

const OpRow print_ops[_OP_TYPE_MAX] = {
                [OP_CGROUP_JOIN] = {"cgroup-join", C(PATH)},
                [OP_CGROUP_LIMIT] = {"cgroup-limit", C(PATH) | C(SOURCE) | C(TEXT) | C(ALTERNATIVES)},
                [OP_CGROUP_DEVICES] = {"cgroup-devices", C(RULES)},
                [OP_DEVICE] = {"device", C(PATH) | C(TYPE) | C(MAJOR) | C(MODE) | C(UID) | C(GID)},
                [OP_COVER] = {"cover", C(PATH)},
                [OP_PROPAGATION] = {"propagation", C(PATH) | C(PROPAGATION) | C(RECURSIVE)},
                [OP_SYSCTL] = {"sysctl", C(PATH) | C(TEXT)},
                [OP_HOOK] = {"hook", C(PATH) | C(TEXT) | C(TIMEOUT) | C(SOURCE) | C(ARGV) | C(ENV)},
                [OP_RUNTIME_HOOKS] = {"runtime-hooks", 0},
                [OP_DOMAINNAME] = {"domainname", C(TEXT)},
                [OP_CAPABILITY_SETS] = {"capability-sets", C(CAPABILITIES) | C(EFFECTIVE) | C(INHERITABLE)},
                [OP_SCHEDULER] = {"scheduler", C(SCHEDULER)},
                [OP_IO_PRIORITY] = {"io-priority", C(SCHEDULER)},
                [OP_MEMORY_POLICY] = {"memory-policy", C(SCHEDULER) | C(CPUS)},
                [OP_UMASK] = {"umask", C(MODE)},
                [OP_LABEL] = {"label", C(PATH) | C(TEXT)},
                [OP_FILTER] = {"filter", C(PATH) | C(TEXT) | C(RULES)},
                [OP_TREE_BIND] = {"tree-bind", C(PATH) | C(SLOT) | C(SOURCE) | C(RECURSIVE) | C(ATTRS) | C(ATTRS_CLEAR) |
                                                               C(ALL_ATTRS) | C(IDMAP) | C(DISK_BASE) | C(OWNER) | C(MAP) |
                                                               C(IF_EXISTS)},
                [OP_TREE_DISK] = {"tree-disk", C(PATH) | C(SLOT) | DISK | C(ATTRS) | C(IDMAP) | C(DISK_BASE)},
                [OP_TREE_OVERLAY] = {"tree-overlay", C(PATH) | DISK | C(SLOT) | C(LOWER) | C(FSTYPE) | C(OPTIONS) | C(UPPER) |
                                                                     C(WORK) | C(ATTRS) | C(IDMAP) | C(DISK_BASE)},
                [OP_TREE_DEVICES] = {"tree-devices", C(SLOT) | C(PARTS) | C(OPTIONS) | C(ATTRS)},
                [OP_CHOWN] = {"chown", C(PATH) | C(BASE)},
                [OP_NET_ZONE] = {"net-zone", C(INTERFACE) | C(MAC) | C(ADDRESSES)},
                [OP_NET_VETH] = {"net-veth", C(INTERFACE) | C(ALTERNATIVE) | C(MAC) | C(INSIDE) | C(MAC_INSIDE) | C(MTU)},
                [OP_NET_JOIN] = {"net-join", C(INTERFACE) | C(BRIDGE)},
                [OP_NET_UP] = {"net-up", C(INTERFACE) | C(ADDRESSES)},
                [OP_NET_MACVLAN] = {"net-macvlan", C(INTERFACE) | C(INSIDE) | C(MAC_INSIDE) | C(MTU)},
                [OP_NET_IPVLAN] = {"net-ipvlan", C(INTERFACE) | C(INSIDE) | C(MTU)},
                [OP_NET_MOVE] = {"net-move", C(INTERFACE) | C(INSIDE) | C(MTU) | C(OPTIONS)},
                [OP_NET_CONFIGURE] = {"net-configure", C(INTERFACE) | C(ADDRESSES) | C(GATEWAYS)},
                [OP_NET_MASQUERADE] = {"net-masquerade", C(PATH) | C(ADDRESSES)},
                [OP_NET_RATE] = {"net-rate", C(INTERFACE) | C(OPTIONS)},
                [OP_NET_SERVE] = {"net-serve", C(INTERFACE) | C(ADDRESSES)},
                [OP_NET_PORT] = {"net-port", C(INTERFACE) | C(PROTOCOL) | C(PORT) | C(PORT_INSIDE)},
                [OP_ROOT_TMPFS] = {"root-tmpfs", C(SOURCE) | C(OPTIONS)},
                [OP_SUB_ROOT] = {"sub-root", C(PATH) | C(SOURCE)},
                [OP_OVERLAY] = {"overlay", C(PATH) | C(LOWER) | C(FSTYPE) | C(OPTIONS) | C(UPPER) | C(WORK) | C(ATTRS) | C(NODE)},
                [OP_COPY] = {"copy", C(PATH) | C(SLOT) | C(MODE) | C(KEEP_SYMLINK)},
                [OP_ATTACH_ROOT] = {"attach-root", C(PATH) | C(SLOT)},
                [OP_ATTACH] = {"attach", C(PATH) | C(SLOT) | C(NODE) | C(IF_EXISTS)},
                [OP_MOUNT] = {"mount", C(PATH) | C(FSTYPE) | C(OPTIONS) | C(ATTRS) | C(ALL_ATTRS) | C(NODE) | C(IF_EXISTS)},
                [OP_MOUNT_PARTS] = {"mount-parts", C(PATH) | C(FSTYPE) | C(PARTS) | C(ATTRS)},
                [OP_BIND] = {"bind", C(PATH) | C(SOURCE) | C(RECURSIVE) | C(ATTRS) | C(NODE)},
                [OP_SETATTR] = {"setattr", C(PATH) | C(RECURSIVE) | C(ATTRS) | C(ATTRS_CLEAR) | C(IF_EXISTS)},
                [OP_MKDIR] = {"mkdir", C(PATH) | C(MODE)},
                [OP_SYMLINK] = {"symlink", C(PATH) | C(SOURCE)},
                [OP_FILE] = {"file", C(PATH) | C(TEXT) | C(BYTES) | C(MODE)},
                [OP_MKNOD] = {"mknod", C(PATH) | C(TYPE) | C(MODE)},
                [OP_MASK] = {"mask", C(PATH)},
                [OP_NOTIFY_SOCKET] = {"notify-socket", C(PATH)},
                [OP_CONSOLE] = {"console", C(PATH)},
                [OP_REMOVE] = {"remove", C(PATH)},
                [OP_KMSG_FIFO] = {"kmsg-fifo", C(PATH)},
                [OP_PIVOT] = {"pivot", C(PROPAGATION) | C(RECURSIVE)},
                [OP_HOSTNAME] = {"hostname", C(TEXT)},
                [OP_LINK_UP] = {"link-up", C(TEXT)},
                [OP_WRITE] = {"write", C(PATH) | C(TEXT)},
                [OP_KEYRING] = {"keyring", 0},
                [OP_SESSION] = {"session", C(UID) | C(GID)},
                [OP_RLIMIT] = {"rlimit", C(LIMIT) | C(SOFT) | C(HARD)},
                [OP_OOM_SCORE] = {"oom-score", C(SCORE)},
                [OP_AFFINITY] = {"affinity", C(CPUS)},
                [OP_PERSONALITY] = {"personality", C(PERSONALITY)},
                [OP_SECCOMP] = {"seccomp", C(TEXT) | C(OPTIONS)},
                [OP_ADDRESS_FAMILIES] = {"address-families", C(OPTIONS)},
                [OP_BOUNDING] = {"bounding", C(CAPABILITIES)},
                [OP_USER] = {"user", C(UID) | C(GID) | C(GROUPS)},
                [OP_CAPABILITIES] = {"capabilities", C(CAPABILITIES)},
                [OP_AMBIENT] = {"ambient", C(CAPABILITIES)},
                [OP_NO_NEW_PRIVS] = {"no-new-privs", 0},
                [OP_CHDIR] = {"chdir", C(PATH)},
                [OP_STUB_INIT] = {"stub-init", 0},
                [OP_EXEC] = {"exec", C(PATH) | C(ARGV) | C(ALTERNATIVES) | C(ENV)},
};

const char *plan_op_name(PlanOpType type)
{
        assert(type >= 0 && type < _OP_TYPE_MAX);
        return print_ops[type].name;
}

typedef struct AttrName {
        uint64_t bit;
        const char *name;
} AttrName;
static const AttrName attr_names[] = {
                {MOUNT_ATTR_RDONLY, "ro"},
                {MOUNT_ATTR_NOSUID, "nosuid"},
                {MOUNT_ATTR_NODEV, "nodev"},
                {MOUNT_ATTR_NOEXEC, "noexec"},
                {MOUNT_ATTR_NOATIME, "noatime"},
                {MOUNT_ATTR_STRICTATIME, "strictatime"},
                {MOUNT_ATTR_NODIRATIME, "nodiratime"},
                {MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"},
};
static const AttrName namespace_names[] = {
                {CLONE_NEWUSER, "user"},     {CLONE_NEWPID, "pid"}, {CLONE_NEWNS, "mount"},
                {CLONE_NEWIPC, "ipc"},       {CLONE_NEWUTS, "uts"}, {CLONE_NEWNET, "net"},
                {CLONE_NEWCGROUP, "cgroup"}, {0x00000080, "time"}, /* CLONE_NEWTIME */
};

static char **bit_words(const AttrName *table, size_t n, uint64_t bits)
{
        char **words = NULL;

        for (size_t i = 0; i < n; i++)
                if (bits & table[i].bit)
                        strv_push(&words, table[i].name);
        return words;
}

static char **capability_words(uint64_t bits)
{
        char **words = NULL;

        for (unsigned i = 0; i < 64 && value_capability_to_name(i); i++)
                if (bits & (UINT64_C(1) << i))
                        strv_push(&words, value_capability_to_name(i) + strlen("CAP_"));
        return words;
}

static char **cpu_words(const uint64_t *bits)
{
        char **words = NULL;

        for (unsigned i = 0; bits && i < SPEC_CPU_WORDS * 64; i++)
                if (bits[i / 64] & (UINT64_C(1) << (i % 64)))
                        strv_pushf(&words, "%u", i);
        return words;
}

static char **group_words(const PlanOp *op)
{
        char **words = NULL;

        for (size_t i = 0; i < op->value; i++)
                strv_pushf(&words, "%u", op->groups[i]);
        return words;
}

static const AttrName node_types[] = {
                {S_IFREG, "file"},         {S_IFIFO, "fifo"}, {S_IFSOCK, "socket"}, {S_IFCHR, "character-device"},
                {S_IFBLK, "block-device"},
};

static const char *node_type(mode_t mode)
{
        for (size_t i = 0; i < ELEMENTSOF(node_types); i++)
                if (node_types[i].bit == (mode & S_IFMT))
                        return node_types[i].name;
        return NULL;
}

static const char *const node_names[] = {
                [NODE_NONE] = NULL, [NODE_DIRECTORY] = "directory", [NODE_FILE] = "file", [NODE_SAME] = "same"};

static char *limit_text(uint64_t v)
{
        return v == UINT64_MAX ? xstrdup("infinity") : xasprintf("%llu", (unsigned long long)v);
}

static const AttrName propagation_names[] = {
                {UINT64_C(1) << 17, "unbindable"}, {UINT64_C(1) << 18, "private"},  {UINT64_C(1) << 19, "slave"},
                {UINT64_C(1) << 20, "shared"},     {PLAN_PROPAGATION_KEEP, "keep"},
};

static const char *propagation_name(const PlanOp *op)
{
        for (size_t i = 0; i < ELEMENTSOF(propagation_names); i++)
                if (propagation_names[i].bit == op->value)
                        return propagation_names[i].name;
        return NULL;
}

static char **device_words(const PlanOp *op)
{
        char **words = NULL;

        for (size_t i = 0; i < op->n_devices; i++) {
                const SpecDeviceRule *d = &op->devices[i];
                _cleanup_free_ char *major = d->major.set ? limit_text((uint64_t)d->major.value) : xstrdup("*"),
                                    *minor = d->minor.set ? limit_text((uint64_t)d->minor.value) : xstrdup("*");
                strv_pushf(&words, "%s %c %s:%s %s%s%s", d->allow ? "allow" : "deny", d->type, major, minor, d->read ? "r" : "",
                           d->write ? "w" : "", d->mknod ? "m" : "");
        }
        return words;
}

/* Attributes of all mounts below, too; with a dash those that are cleared. */
static char **all_words(const PlanOp *op)
{
        char **words = bit_words(attr_names, ELEMENTSOF(attr_names), op->all_attrs);
        _cleanup_strv_ char **cleared = bit_words(attr_names, ELEMENTSOF(attr_names), op->all_attrs_clear);

        STRV_FOREACH (w, cleared)
                strv_pushf(&words, "-%s", *w);
        return words;
}

static char **how_words(const PlanOp *op)
{
        const struct {
                bool on;
                const char *word;
        } flags[] = {{op->copy_up, "copy-up"}, {op->no_follow, "no-follow"}, {op->if_exists, "if-exists"}};
        char **words = NULL;

        for (size_t i = 0; i < ELEMENTSOF(flags); i++)
                if (flags[i].on)
                        strv_push(&words, flags[i].word);
        return words;
}

static char **map_words(const PlanOp *op)
{
        char **words = NULL;

        for (int gids = 0; gids < 2; gids++) {
                const SpecIdRanges *map = gids ? &op->gids : &op->uids;
                for (size_t i = 0; i < map->n; i++)
                        strv_pushf(&words, "%c:%u:%u:%u", gids ? 'g' : 'u', map->items[i].inside, map->items[i].outside,
                                   map->items[i].count);
        }
        return words;
}

static char *scheduler_text(const SpecScheduler *s)
{
        return xasprintf("policy:%u/flags:%llu/nice:%d/priority:%d/runtime:%llu/deadline:%llu/period:%llu", s->policy,
                         (unsigned long long)s->flags, s->nice, s->priority, (unsigned long long)s->runtime,
                         (unsigned long long)s->deadline, (unsigned long long)s->period);
}

static Cell cell_list(char **take_words)
{
        return (Cell){.words = take_words, .is_list = take_words != NULL};
}
static Cell cell_text(const char *s)
{
        return (Cell){.text = xstrdup(s)};
}
static Cell cell_flag(bool on)
{
        return (Cell){.is_flag = on};
}

static Cell cell_u64(uint64_t v)
{
        return (Cell){.text = limit_text(v)};
}
static Cell cell_i64(int64_t v)
{
        return (Cell){.text = xasprintf("%lld", (long long)v)};
}

static char *owner_text(const PlanOp *op)
{
        return op->idmap == SPEC_IDMAP_OWNER ? xasprintf("%lld:%lld", (long long)op->number, (long long)op->number2) : NULL;
}

/* "1048576+4096", from where on and how long. */
static char *disk_text(const PlanDisk *d)
{
        return d ? xasprintf("%llu+%llu", (unsigned long long)d->offset, (unsigned long long)d->size) : NULL;
}

static char *verity_text(const PlanDisk *d)
{
        if (!d || !d->root_hash)
                return NULL;
        return xasprintf("%s@%s:%llu+%llu%s", d->root_hash, d->hashes, (unsigned long long)d->hashes_offset,
                         (unsigned long long)d->hashes_size, d->signature ? ",signed" : "");
}

/* The words of a disk's mount that are not its file system's own. */
static char **disk_options(const PlanOp *op)
{
        char **words = strv_copy(op->disk_options);

        if (op->disk && op->disk->grow)
                strv_push(&words, "x-grow");
        return words;
}

static char *mac_text(const uint8_t mac[static 6])
{
        static const uint8_t none[6];

        return memcmp(mac, none, sizeof(none)) == 0
                               ? NULL
                               : xasprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static char **address_words(const SpecAddresses *list, bool with_prefix)
{
        char **words = NULL;

        for (size_t i = 0; i < list->n; i++)
                strv_consume(&words, value_address_text(&list->items[i], with_prefix));
        return words;
}

#define GETTER(name, expression)                 \
        static Cell get_##name(const PlanOp *op) \
        {                                        \
                return expression;               \
        }
GETTER(path, cell_text(op->path))
GETTER(slot, cell_i64(op->slot))
GETTER(fstype, cell_text(op->fstype))
GETTER(source, cell_text(op->source))
GETTER(text, cell_text(op->type == OP_FILE && op->value > 0 ? NULL : op->text))
GETTER(bytes, ((Cell){.text = op->value > 0 ? limit_text(op->value) : NULL}))
GETTER(keep_symlink, cell_flag(op->keep_symlink))
GETTER(base, cell_i64(op->number))
GETTER(disk_base, ((Cell){.text = op->idmap == SPEC_IDMAP_FULL && op->number > 0 ? limit_text((uint64_t)op->number) : NULL}))
GETTER(lower, cell_list(strv_copy(op->lower)))
GETTER(upper, cell_text(op->upper))
GETTER(work, cell_text(op->work))
GETTER(options, cell_list(strv_copy(op->options)))
GETTER(parts, cell_list(strv_copy(op->parts)))
GETTER(attrs, cell_list(bit_words(attr_names, ELEMENTSOF(attr_names), op->attrs)))
GETTER(attrs_clear, cell_list(bit_words(attr_names, ELEMENTSOF(attr_names), op->attrs_clear)))
GETTER(idmap, cell_text(op->idmap == SPEC_IDMAP_NONE ? NULL : value_idmap_to_name(op->idmap)))
GETTER(owner, ((Cell){.text = owner_text(op)}))
GETTER(disk, ((Cell){.text = disk_text(op->disk)}))
GETTER(disk_type, cell_text(op->disk_type))
GETTER(disk_options, cell_list(disk_options(op)))
GETTER(check, cell_text(op->disk ? op->disk->check : NULL))
GETTER(unlock, cell_text(op->disk ? op->disk->unlock : NULL))
GETTER(verity, ((Cell){.text = verity_text(op->disk)}))
GETTER(recursive, cell_flag(op->recursive))
GETTER(node, cell_text(node_names[op->node]))
GETTER(mode, ((Cell){.text = xasprintf("%04o", (unsigned)(op->mode & 07777))}))
GETTER(type, cell_text(node_type(op->mode)))
GETTER(limit, cell_text(value_rlimit_to_name((unsigned)op->number)))
GETTER(value, cell_u64(op->value))
GETTER(value2, cell_u64(op->value2))
GETTER(number, cell_i64(op->number))
GETTER(number2, cell_i64(op->number2))
GETTER(cpus, cell_list(cpu_words(op->bits)))
GETTER(capabilities, ((Cell){.words = capability_words(op->value), .is_list = true}))
GETTER(groups, cell_list(group_words(op)))
GETTER(argv, cell_list(strv_copy(op->argv)))
GETTER(alternatives, cell_list(strv_copy(op->alternatives)))
GETTER(env, cell_list(strv_copy(op->env)))
GETTER(alternative, cell_text(op->alias))
GETTER(mac, ((Cell){.text = mac_text(op->mac)}))
GETTER(mac_inside, ((Cell){.text = mac_text(op->mac2)}))
GETTER(mtu, ((Cell){.text = op->value > 0 ? limit_text(op->value) : NULL}))
GETTER(addresses, cell_list(address_words(&op->addresses, true)))
GETTER(gateways, cell_list(address_words(&op->gateways, false)))
GETTER(protocol, cell_text(op->number == IPPROTO_UDP ? "udp" : "tcp"))
GETTER(optional, cell_flag(op->optional))
GETTER(all_attrs, cell_list(all_words(op)))
GETTER(how, cell_list(how_words(op)))
GETTER(device_number, ((Cell){.text = xasprintf("%u:%u", (unsigned)op->value, (unsigned)op->value2)}))
GETTER(timeout, ((Cell){.text = op->value > 0 ? limit_text(op->value) : NULL}))
GETTER(effective, ((Cell){.words = capability_words(op->value2), .is_list = true}))
GETTER(inheritable, ((Cell){.words = capability_words(op->value3), .is_list = true}))
GETTER(rules, cell_list(op->filter ? strv_copy(op->filter->words) : device_words(op)))
GETTER(scheduler, ((Cell){.text = op->scheduler ? scheduler_text(op->scheduler) : limit_text(op->value)}))
GETTER(propagation, cell_text(propagation_name(op)))
GETTER(map, cell_list(map_words(op)))

const ColumnRow print_columns[_COLUMN_MAX] = {
                [COLUMN_PATH] = {"path", get_path},
                [COLUMN_SLOT] = {"slot", get_slot},
                [COLUMN_FSTYPE] = {"fstype", get_fstype},
                [COLUMN_SOURCE] = {"source", get_source},
                [COLUMN_TEXT] = {"text", get_text},
                [COLUMN_LOWER] = {"lower", get_lower},
                [COLUMN_UPPER] = {"upper", get_upper},
                [COLUMN_WORK] = {"work", get_work},
                [COLUMN_OPTIONS] = {"options", get_options},
                [COLUMN_PARTS] = {"parts", get_parts},
                [COLUMN_ATTRS] = {"attrs", get_attrs},
                [COLUMN_ATTRS_CLEAR] = {"clear", get_attrs_clear},
                [COLUMN_IDMAP] = {"idmap", get_idmap},
                [COLUMN_DISK_BASE] = {"disk-base", get_disk_base},
                [COLUMN_OWNER] = {"owner", get_owner},
                [COLUMN_BYTES] = {"bytes", get_bytes},
                [COLUMN_KEEP_SYMLINK] = {"keep-symlink", get_keep_symlink},
                [COLUMN_BASE] = {"base", get_base},
                [COLUMN_DISK] = {"part", get_disk},
                [COLUMN_DISK_TYPE] = {"type", get_disk_type},
                [COLUMN_DISK_OPTIONS] = {"mount", get_disk_options},
                [COLUMN_CHECK] = {"check", get_check},
                [COLUMN_UNLOCK] = {"unlock", get_unlock},
                [COLUMN_VERITY] = {"verity", get_verity},
                [COLUMN_RECURSIVE] = {"recursive", get_recursive},
                [COLUMN_NODE] = {"node", get_node},
                [COLUMN_MODE] = {"mode", get_mode},
                [COLUMN_TYPE] = {"type", get_type},
                [COLUMN_LIMIT] = {"limit", get_limit},
                [COLUMN_SOFT] = {"soft", get_value},
                [COLUMN_HARD] = {"hard", get_value2},
                [COLUMN_SCORE] = {"score", get_number},
                [COLUMN_CPUS] = {"cpus", get_cpus},
                [COLUMN_PERSONALITY] = {"personality", get_value},
                [COLUMN_CAPABILITIES] = {"set", get_capabilities},
                [COLUMN_UID] = {"uid", get_number},
                [COLUMN_GID] = {"gid", get_number2},
                [COLUMN_GROUPS] = {"groups", get_groups},
                [COLUMN_ARGV] = {"argv", get_argv},
                [COLUMN_ALTERNATIVES] = {"alternatives", get_alternatives},
                [COLUMN_ENV] = {"env", get_env},
                [COLUMN_INTERFACE] = {"interface", get_text},
                [COLUMN_ALTERNATIVE] = {"alternative", get_alternative},
                [COLUMN_MAC] = {"mac", get_mac},
                [COLUMN_INSIDE] = {"inside", get_source},
                [COLUMN_MAC_INSIDE] = {"mac-inside", get_mac_inside},
                [COLUMN_BRIDGE] = {"bridge", get_source},
                [COLUMN_MTU] = {"mtu", get_mtu},
                [COLUMN_ADDRESSES] = {"addresses", get_addresses},
                [COLUMN_GATEWAYS] = {"gateways", get_gateways},
                [COLUMN_PROTOCOL] = {"protocol", get_protocol},
                [COLUMN_PORT] = {"port", get_value},
                [COLUMN_PORT_INSIDE] = {"port-inside", get_value2},
                [COLUMN_MAJOR] = {"number", get_device_number},
                [COLUMN_PROPAGATION] = {"propagation", get_propagation},
                [COLUMN_ALL_ATTRS] = {"all-attrs", get_all_attrs},
                [COLUMN_IF_EXISTS] = {"how", get_how},
                [COLUMN_MAP] = {"map", get_map},
                [COLUMN_TIMEOUT] = {"timeout", get_timeout},
                [COLUMN_EFFECTIVE] = {"effective", get_effective},
                [COLUMN_INHERITABLE] = {"inheritable", get_inheritable},
                [COLUMN_RULES] = {"rule", get_rules},
                [COLUMN_SCHEDULER] = {"parameters", get_scheduler},
                [COLUMN_OPTIONAL] = {"optional", get_optional},
};

/* Every operation can be optional; the other columns are its own. */
bool print_has_column(const PlanOp *op, Column c)
{
        return c == COLUMN_OPTIONAL || (print_ops[op->type].columns & (UINT64_C(1) << c));
}

/* The namespaces of CLONE_* bits, by name. */
char **print_namespaces(uint64_t bits)
{
        return bit_words(namespace_names, ELEMENTSOF(namespace_names), bits);
}

void print_cell_done(Cell *c)
{
        strv_free(c->words);
        free(c->text);
}

const char *const print_phases[_PHASE_MAX] = {
                [PHASE_CGROUP] = "cgroup",   [PHASE_TREES] = "trees",     [PHASE_NETWORK] = "network",
                [PHASE_ROOT] = "root",       [PHASE_INSIDE] = "inside",   [PHASE_PROCESS] = "process",
                [PHASE_RUNTIME] = "runtime", [PHASE_STARTED] = "started", [PHASE_STOPPED] = "stopped",
};
