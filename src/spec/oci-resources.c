/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config.json: linux.resources. Numbers are kept as they are; what files they become is the plan's, which knows the host. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/oci-read.h"

#define AT(member) offsetof(SpecResources, member)
#define NUMBER(name, m)                                    \
        {                                                  \
                name, oci_number, AT(m), false, 0, 0, NULL \
        }
#define POSITIVE(name, m)                                          \
        {                                                          \
                name, oci_number, AT(m), false, 0, INT64_MAX, NULL \
        }
#define OR_NONE(name, m)                                            \
        {                                                           \
                name, oci_number, AT(m), false, -1, INT64_MAX, NULL \
        } /* -1: no limit */

/* ---- devices ---- */

static int read_rule_type(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"a", "c", "b", NULL};

        if (node->type == JSON_STRING && !*node->text)
                return 0;
        int k = oci_choice(node, names, e);
        if (k >= 0)
                *(char *)to = *node->text;
        return k;
}

static int read_access(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecDeviceRule *rule = to;
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0 || !*node->text)
                return k;
        if (strspn(node->text, "rwm") != strlen(node->text))
                return error_set(e, -EINVAL, "'%s' is not made of r, w and m", node->text);
        rule->read = strchr(node->text, 'r');
        rule->write = strchr(node->text, 'w');
        rule->mknod = strchr(node->text, 'm');
        return 0;
}

/* Negative ones are those that Go's writers mean "every" by. */
static int read_device_number(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecNumber *n = to;
        int k = oci_number(r, node, key, n, e);

        if (k >= 0 && n->value < 0)
                n->set = false;
        return k;
}

static const OciKey rule_keys[] = {
                {"allow", oci_bool, offsetof(SpecDeviceRule, allow), true, 0, 0, NULL},
                {"type", read_rule_type, offsetof(SpecDeviceRule, type), false, 0, 0, NULL},
                {"major", read_device_number, offsetof(SpecDeviceRule, major), false, -1, UINT32_MAX, NULL},
                {"minor", read_device_number, offsetof(SpecDeviceRule, minor), false, -1, UINT32_MAX, NULL},
                {"access", read_access, 0, false, 0, 0, NULL},
};

static int one_rule(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecDeviceRule *rule = vec_push(&((SpecResources *)to)->devices);

        rule->type = 'a';
        int k = oci_object(r, node, OCI_KEYS(rule_keys), rule, e);
        if (!rule->read && !rule->write && !rule->mknod)
                rule->read = rule->write = rule->mknod = true;
        return k;
}

static int read_devices(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_rule, key, to, e);
}

/* ---- memory, cpu, pids ---- */

static const OciKey memory_keys[] = {
                OR_NONE("limit", memory.limit),
                OR_NONE("reservation", memory.reservation),
                OR_NONE("swap", memory.swap),
                OR_NONE("kernel", memory.kernel),
                OR_NONE("kernelTCP", memory.kernel_tcp),
                {"swappiness", oci_number, AT(memory.swappiness), false, 0, 100, NULL},
                {"disableOOMKiller", oci_flag, AT(memory.disable_oom_killer), false, 0, 0, NULL},
                {"useHierarchy", oci_flag, AT(memory.use_hierarchy), false, 0, 0, NULL},
                {"checkBeforeUpdate", oci_bool, AT(memory.check_before_update), false, 0, 0, NULL},
};
static const OciKey cpu_keys[] = {
                POSITIVE("shares", cpu.shares),
                OR_NONE("quota", cpu.quota),
                POSITIVE("burst", cpu.burst),
                POSITIVE("period", cpu.period),
                OR_NONE("realtimeRuntime", cpu.realtime_runtime),
                POSITIVE("realtimePeriod", cpu.realtime_period),
                NUMBER("idle", cpu.idle),
                {"cpus", oci_string, AT(cpu.cpus), false, 0, 0, NULL},
                {"mems", oci_string, AT(cpu.mems), false, 0, 0, NULL},
};
static const OciKey pids_keys[] = {{"limit", oci_number, AT(pids), true, 0, 0, NULL}};

#define OBJECT(function, table)                                                                        \
        static int function(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e) \
        {                                                                                              \
                return oci_object(r, node, OCI_KEYS(table), to, e);                                    \
        }
OBJECT(read_memory, memory_keys)
OBJECT(read_cpu, cpu_keys)
OBJECT(read_pids, pids_keys)

/* ---- blockIO ---- */

#define LIMIT(name, m, top)                                                       \
        {                                                                         \
                name, oci_number, offsetof(SpecBlockLimit, m), true, 0, top, NULL \
        }
static const OciKey throttle_keys[] = {LIMIT("major", major, UINT32_MAX), LIMIT("minor", minor, UINT32_MAX),
                                       LIMIT("rate", value, INT64_MAX)};
static const OciKey weight_keys[] = {
                LIMIT("major", major, UINT32_MAX),
                LIMIT("minor", minor, UINT32_MAX),
                {"weight", oci_number, offsetof(SpecBlockLimit, value), false, 0, 1000, NULL},
                {"leafWeight", oci_number, offsetof(SpecBlockLimit, leaf), false, 0, 1000, NULL},
};

static int one_throttle(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(throttle_keys), vec_push((SpecBlockLimits *)to), e);
}

static int one_weight(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(weight_keys), vec_push((SpecBlockLimits *)to), e);
}

static int read_throttles(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_throttle, key, to, e);
}

static int read_weights(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_weight, key, to, e);
}

#define THROTTLE(name, which)                                                       \
        {                                                                           \
                name, read_throttles, AT(block.throttles[which]), false, 0, 0, NULL \
        }
static const OciKey block_keys[] = {
                {"weight", oci_number, AT(block.weight), false, 0, 1000, NULL},
                {"leafWeight", oci_number, AT(block.leaf_weight), false, 0, 1000, NULL},
                {"weightDevice", read_weights, AT(block.weight_devices), false, 0, 0, NULL},
                THROTTLE("throttleReadBpsDevice", SPEC_THROTTLE_READ_BPS),
                THROTTLE("throttleWriteBpsDevice", SPEC_THROTTLE_WRITE_BPS),
                THROTTLE("throttleReadIOPSDevice", SPEC_THROTTLE_READ_IOPS),
                THROTTLE("throttleWriteIOPSDevice", SPEC_THROTTLE_WRITE_IOPS),
};
OBJECT(read_block, block_keys)

/* ---- huge pages, network, RDMA ---- */

static const OciKey hugepage_keys[] = {
                {"pageSize", oci_string, offsetof(SpecNamedLimit, name), true, 0, 0, NULL},
                {"limit", oci_number, offsetof(SpecNamedLimit, value), true, 0, INT64_MAX, NULL},
};
static const OciKey priority_keys[] = {
                {"name", oci_string, offsetof(SpecNamedLimit, name), true, 0, 0, NULL},
                {"priority", oci_number, offsetof(SpecNamedLimit, value), true, 0, UINT32_MAX, NULL},
};
static const OciKey rdma_keys[] = {
                {"hcaHandles", oci_number, offsetof(SpecNamedLimit, value), false, 0, UINT32_MAX, NULL},
                {"hcaObjects", oci_number, offsetof(SpecNamedLimit, value2), false, 0, UINT32_MAX, NULL},
};

static int one_hugepage(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecNamedLimit *l = vec_push((SpecNamedLimits *)to);
        int k = oci_object(r, node, OCI_KEYS(hugepage_keys), l, e);

        if (k < 0)
                return k;
        size_t digits = strspn(l->name, "0123456789");
        if (digits == 0 || *l->name == '0' || !l->name[digits] || !strchr("KMG", l->name[digits]) ||
            !str_eq(l->name + digits + 1, "B"))
                return error_set(e, -EINVAL, "'%s' is no size of pages like 2MB or 1GB", l->name);
        return 0;
}

static int one_priority(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(priority_keys), vec_push((SpecNamedLimits *)to), e);
}

static int one_rdma(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecNamedLimit *l = vec_push((SpecNamedLimits *)to);

        l->name = xstrdup(node->key);
        return oci_object(r, node, OCI_KEYS(rdma_keys), l, e);
}

static int read_hugepages(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_hugepage, key, to, e);
}

static int read_priorities(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_priority, key, to, e);
}

static int read_rdma(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_OBJECT, one_rdma, key, to, e);
}

static const OciKey network_keys[] = {
                {"classID", oci_number, AT(network_class), false, 0, UINT32_MAX, NULL},
                {"priorities", read_priorities, AT(network_priorities), false, 0, 0, NULL},
};
OBJECT(read_network, network_keys)

/* ---- unified ---- */

static int read_unified(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        char ***list = to;
        int k = oci_map(r, node, key, list, e);

        STRV_FOREACH (pair, k < 0 ? NULL : *list) {
                const char *equals = strchr(*pair, '='), *dot = strchr(*pair, '.');
                if (memchr(*pair, '/', (size_t)(equals - *pair)) || !dot || dot > equals || dot == *pair)
                        return error_set(e, -EINVAL, "'%.*s' is no file of a control group", (int)(equals - *pair), *pair);
        }
        return k;
}

static const OciKey keys[] = {
                {"devices", read_devices, 0, false, 0, 0, NULL},
                {"memory", read_memory, 0, false, 0, 0, NULL},
                {"cpu", read_cpu, 0, false, 0, 0, NULL},
                {"blockIO", read_block, 0, false, 0, 0, NULL},
                {"hugepageLimits", read_hugepages, AT(hugepages), false, 0, 0, NULL},
                {"network", read_network, 0, false, 0, 0, NULL},
                {"pids", read_pids, 0, false, 0, 0, NULL},
                {"rdma", read_rdma, AT(rdma), false, 0, 0, NULL},
                {"unified", read_unified, AT(unified), false, 0, 0, NULL},
};

int oci_resources(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecResources *resources = to;
        int k = oci_object(r, node, OCI_KEYS(keys), resources, e);

        resources->set = k >= 0;
        return k;
}
