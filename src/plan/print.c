/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plan as text and as JSON. Both go by one table: the name of each operation and the columns it owns. */

#include "plan/plan.h"

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

typedef enum Column {
        COLUMN_PATH,
        COLUMN_SLOT,
        COLUMN_FSTYPE,
        COLUMN_SOURCE,
        COLUMN_TEXT,
        COLUMN_LOWER,
        COLUMN_UPPER,
        COLUMN_WORK,
        COLUMN_OPTIONS,
        COLUMN_PARTS,
        COLUMN_ATTRS,
        COLUMN_ATTRS_CLEAR,
        COLUMN_IDMAP,
        COLUMN_DISK_BASE,
        COLUMN_OWNER,
        COLUMN_RECURSIVE,
        COLUMN_DISK,
        COLUMN_DISK_TYPE,
        COLUMN_DISK_OPTIONS,
        COLUMN_CHECK,
        COLUMN_UNLOCK,
        COLUMN_VERITY,
        COLUMN_NODE,
        COLUMN_MODE,
        COLUMN_TYPE,
        COLUMN_BYTES,
        COLUMN_KEEP_SYMLINK,
        COLUMN_LIMIT,
        COLUMN_SOFT,
        COLUMN_HARD,
        COLUMN_SCORE,
        COLUMN_CPUS,
        COLUMN_PERSONALITY,
        COLUMN_CAPABILITIES,
        COLUMN_UID,
        COLUMN_GID,
        COLUMN_GROUPS,
        COLUMN_BASE,
        COLUMN_ARGV,
        COLUMN_ALTERNATIVES,
        COLUMN_ENV,
        COLUMN_INTERFACE,
        COLUMN_ALTERNATIVE,
        COLUMN_MAC,
        COLUMN_INSIDE,
        COLUMN_MAC_INSIDE,
        COLUMN_BRIDGE,
        COLUMN_MTU,
        COLUMN_ADDRESSES,
        COLUMN_GATEWAYS,
        COLUMN_PROTOCOL,
        COLUMN_PORT,
        COLUMN_PORT_INSIDE,
        COLUMN_MAJOR,
        COLUMN_PROPAGATION,
        COLUMN_ALL_ATTRS,
        COLUMN_IF_EXISTS,
        COLUMN_MAP,
        COLUMN_TIMEOUT,
        COLUMN_EFFECTIVE,
        COLUMN_INHERITABLE,
        COLUMN_RULES,
        COLUMN_SCHEDULER,
        COLUMN_OPTIONAL,
        _COLUMN_MAX,
} Column;

static_assert(_COLUMN_MAX <= 64, "an operation's columns are bits of one word");
#define C(column) (UINT64_C(1) << COLUMN_##column)
#define DISK      (C(DISK) | C(DISK_TYPE) | C(DISK_OPTIONS) | C(CHECK) | C(UNLOCK) | C(VERITY))

typedef struct OpRow {
        const char *name;
        uint64_t columns;
} OpRow;

static const OpRow rows[_OP_TYPE_MAX] = {
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
                [OP_FILTER] = {"filter", C(TEXT) | C(RULES)},
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
                [OP_NET_MOVE] = {"net-move", C(INTERFACE) | C(INSIDE) | C(MTU)},
                [OP_NET_CONFIGURE] = {"net-configure", C(INTERFACE) | C(ADDRESSES) | C(GATEWAYS)},
                [OP_NET_MASQUERADE] = {"net-masquerade", C(PATH) | C(ADDRESSES)},
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
        return rows[type].name;
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

typedef struct Cell { /* what a column shows of an operation: words, one text, or a mere "yes"; nothing when it has the usual value */
        char **words;
        char *text;
        bool is_list, is_flag;
} Cell;

static void cell_done(Cell *c)
{
        strv_free(c->words);
        free(c->text);
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

typedef struct ColumnRow {
        const char *name;
        Cell (*get)(const PlanOp *op);
} ColumnRow;

static const ColumnRow columns[_COLUMN_MAX] = {
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
static bool has_column(const PlanOp *op, Column c)
{
        return c == COLUMN_OPTIONAL || (rows[op->type].columns & (UINT64_C(1) << c));
}

static const char *const phase_names[_PHASE_MAX] = {
                [PHASE_CGROUP] = "cgroup",   [PHASE_TREES] = "trees",     [PHASE_NETWORK] = "network",
                [PHASE_ROOT] = "root",       [PHASE_INSIDE] = "inside",   [PHASE_PROCESS] = "process",
                [PHASE_RUNTIME] = "runtime", [PHASE_STARTED] = "started", [PHASE_STOPPED] = "stopped",
};

/* ---- text ---- */

/* As a shell would take it, so that blanks and control characters stay visible. */
static void text_word(Buf *out, const char *s)
{
        bool plain = *s != '\0';

        for (const char *c = s; *c; c++)
                plain = plain &&
                        ((*c >= '+' && *c <= ':') || (*c >= '@' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || strchr("_=%", *c));
        if (plain) {
                buf_adds(out, s);
                return;
        }
        buf_adds(out, "\"");
        for (const unsigned char *c = (const unsigned char *)s; *c; c++) {
                if (*c == '\n')
                        buf_adds(out, "\\n");
                else if (*c < ' ' || *c == 0x7f)
                        buf_addf(out, "\\x%02x", *c);
                else
                        buf_addf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        }
        buf_adds(out, "\"");
}

static void text_cell(Buf *out, Column column, const Cell *cell)
{
        bool lines = column == COLUMN_ENV || column == COLUMN_RULES; /* long words: one a line */
        const char *separator = "";

        if (column == COLUMN_PATH) {
                buf_adds(out, " ");
                text_word(out, cell->text);
                return;
        }
        if (!lines)
                buf_addf(out, " %s", columns[column].name);
        if (cell->is_flag)
                return;
        if (!lines)
                buf_adds(out, column == COLUMN_ARGV ? "=[" : "=");
        if (cell->text)
                text_word(out, cell->text);
        STRV_FOREACH (w, cell->words) {
                if (lines)
                        buf_addf(out, "\n    %s ", columns[column].name);
                else
                        buf_adds(out, separator);
                text_word(out, *w);
                separator = column == COLUMN_ARGV ? " " : ",";
        }
        if (column == COLUMN_ARGV)
                buf_adds(out, "]");
}

static void text_op(Buf *out, const PlanOp *op)
{
        buf_addf(out, "  %s", rows[op->type].name);
        for (Column c = 0; c < _COLUMN_MAX; c++) {
                if (!has_column(op, c))
                        continue;
                _cleanup_(cell_done) Cell cell = columns[c].get(op);
                if (cell.text || cell.is_list || cell.is_flag)
                        text_cell(out, c, &cell);
        }
        buf_adds(out, "\n");
}

static void text_signal(Buf *out, const char *name, int signal)
{
        _cleanup_free_ char *text = signal > 0 ? value_signal_to_name(signal) : xstrdup("none");

        buf_addf(out, "  %s %s\n", name, text);
}

static void text_map(Buf *out, const char *name, const SpecIdRanges *map)
{
        for (size_t i = 0; i < map->n; i++)
                buf_addf(out, "  %s %u:%u:%u\n", name, map->items[i].inside, map->items[i].outside, map->items[i].count);
}

static void text_head(Buf *out, const MachinePlan *p)
{
        _cleanup_strv_ char **namespaces = bit_words(namespace_names, ELEMENTSOF(namespace_names), p->namespaces);
        _cleanup_free_ char *joined = strv_join(namespaces, ",");

        buf_addf(out, "machine %s\n  namespaces %s\n", p->name, joined);
        if (p->rootless)
                buf_adds(out, "  rootless\n");
        for (size_t i = 0; i < p->joins.n; i++) {
                _cleanup_strv_ char **type = bit_words(namespace_names, ELEMENTSOF(namespace_names), p->joins.items[i].type);
                buf_addf(out, "  join %s %s\n", type ? *type : "", p->joins.items[i].path);
        }
        STRV_FOREACH (line, p->time_offsets)
                buf_addf(out, "  time-offset %s\n", *line);
        if (p->user_namespace && p->uids.n == 0)
                buf_addf(out, "  ids 0:%u:%u\n", p->id_base, p->id_count);
        text_map(out, "uids", &p->uids);
        text_map(out, "gids", &p->gids);
        if (p->network_namespace)
                buf_addf(out, "  network-namespace %s\n", p->network_namespace);
        if (p->cgroup)
                buf_addf(out, "  cgroup %s\n", p->cgroup);
        buf_addf(out, "  console %s\n", value_console_to_name(p->console));
        if (p->boot)
                buf_addf(out, "  init %s\n", plan_init_name(p->init_kind));
        text_signal(out, "stop-signal", p->stop_signal);
        text_signal(out, "reboot-signal", p->reboot_signal);
        if (p->stop_timeout_usec == UINT64_MAX)
                buf_adds(out, "  stop-timeout infinity\n");
        else
                buf_addf(out, "  stop-timeout %llums\n", (unsigned long long)(p->stop_timeout_usec / 1000));
        if (p->notify_ready)
                buf_adds(out, "  notify-ready\n");
        if (p->restart_outside)
                buf_adds(out, "  restart-outside\n");
        if (p->rows)
                buf_addf(out, "  console-size %ux%u\n", p->columns, p->rows);
        STRV_FOREACH (w, p->warnings)
                buf_addf(out, "  warning %s\n", *w);
        if (p->background)
                buf_addf(out, "  background %s\n", p->background);
        if (p->quiet)
                buf_adds(out, "  quiet\n");
}

char *plan_to_text(const MachinePlan *p)
{
        Buf out = {};

        if (p->namespaces)
                text_head(&out, p);
        for (PlanPhase phase = 0; phase < _PHASE_MAX; phase++) {
                bool headed = false;
                for (size_t i = 0; i < p->n; i++) {
                        if (p->items[i].phase != phase)
                                continue;
                        if (!headed)
                                buf_addf(&out, "%s\n", phase_names[phase]);
                        headed = true;
                        text_op(&out, &p->items[i]);
                }
        }
        return buf_take(&out);
}

/* ---- JSON ---- */

static bool is_numeric(Column c)
{
        return c == COLUMN_SLOT || c == COLUMN_SCORE || c == COLUMN_UID || c == COLUMN_GID || c == COLUMN_PERSONALITY ||
               c == COLUMN_BASE || c == COLUMN_TIMEOUT || c == COLUMN_BYTES || c == COLUMN_DISK_BASE || c == COLUMN_MTU ||
               c == COLUMN_PORT || c == COLUMN_PORT_INSIDE;
}

static void json_op(Json *j, const PlanOp *op)
{
        json_open(j, '{');
        json_field_str(j, "phase", phase_names[op->phase]);
        json_field_str(j, "op", rows[op->type].name);
        for (Column c = 0; c < _COLUMN_MAX; c++) {
                if (!has_column(op, c))
                        continue;
                _cleanup_(cell_done) Cell cell = columns[c].get(op);
                if (cell.is_list)
                        json_field_strv(j, columns[c].name, cell.words);
                else if (cell.is_flag)
                        json_field_bool(j, columns[c].name, true);
                else if (cell.text && is_numeric(c))
                        json_field_int(j, columns[c].name, strtoll(cell.text, NULL, 10));
                else if (cell.text)
                        json_field_str(j, columns[c].name, cell.text);
        }
        json_close(j, '}');
}

static void json_signal(Json *j, const char *name, int signal)
{
        _cleanup_free_ char *text = signal > 0 ? value_signal_to_name(signal) : NULL;

        json_field_str(j, name, text);
}

static void json_map(Json *j, const char *name, const SpecIdRanges *map)
{
        if (map->n == 0)
                return;
        json_key(j, name);
        json_open(j, '[');
        for (size_t i = 0; i < map->n; i++) {
                json_open(j, '{');
                json_field_uint(j, "inside", map->items[i].inside);
                json_field_uint(j, "outside", map->items[i].outside);
                json_field_uint(j, "count", map->items[i].count);
                json_close(j, '}');
        }
        json_close(j, ']');
}

void plan_to_json(const MachinePlan *p, Json *j)
{
        _cleanup_strv_ char **namespaces = bit_words(namespace_names, ELEMENTSOF(namespace_names), p->namespaces);

        json_open(j, '{');
        json_field_str(j, "machine", p->name);
        json_field_strv(j, "namespaces", namespaces);
        json_field_bool(j, "user_namespace", p->user_namespace);
        if (p->rootless)
                json_field_bool(j, "rootless", true);
        if (p->user_namespace) {
                json_field_uint(j, "id_base", p->id_base);
                json_field_uint(j, "id_count", p->id_count);
        }
        if (p->joins.n > 0) {
                json_key(j, "joins");
                json_open(j, '{');
                for (size_t i = 0; i < p->joins.n; i++) {
                        _cleanup_strv_ char **type =
                                        bit_words(namespace_names, ELEMENTSOF(namespace_names), p->joins.items[i].type);
                        json_field_str(j, type ? *type : "", p->joins.items[i].path);
                }
                json_close(j, '}');
        }
        if (p->time_offsets)
                json_field_strv(j, "time_offsets", p->time_offsets);
        if (p->rows) {
                json_field_uint(j, "console_rows", p->rows);
                json_field_uint(j, "console_columns", p->columns);
        }
        if (p->warnings)
                json_field_strv(j, "warnings", p->warnings);
        json_map(j, "uids", &p->uids);
        json_map(j, "gids", &p->gids);
        if (p->network_namespace)
                json_field_str(j, "network_namespace", p->network_namespace);
        json_field_str(j, "cgroup", p->cgroup);
        json_field_str(j, "console", value_console_to_name(p->console));
        json_field_bool(j, "boot", p->boot);
        json_field_str(j, "init", plan_init_name(p->init_kind));
        json_signal(j, "stop_signal", p->stop_signal);
        json_signal(j, "reboot_signal", p->reboot_signal);
        json_field_uint(j, "stop_timeout_usec", p->stop_timeout_usec);
        json_field_bool(j, "notify_ready", p->notify_ready);
        json_field_bool(j, "quiet", p->quiet);
        if (p->restart_outside)
                json_field_bool(j, "restart_outside", true);
        if (p->background)
                json_field_str(j, "background", p->background);
        json_key(j, "operations");
        json_open(j, '[');
        for (size_t i = 0; i < p->n; i++)
                json_op(j, &p->items[i]);
        json_close(j, ']');
        json_close(j, '}');
}
