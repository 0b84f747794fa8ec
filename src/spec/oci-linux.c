/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config.json: linux, but for its resources and seccomp. */

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/oci-read.h"

/* ---- namespaces ---- */

static int read_namespace_type(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time", NULL};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                *(int32_t *)to = k;
        return k;
}

typedef struct NamespaceReference {
        int32_t type;
        char *path;
} NamespaceReference;

static const OciKey namespace_keys[] = {
                {"type", read_namespace_type, offsetof(NamespaceReference, type), true, 0, 0, NULL},
                {"path", oci_string, offsetof(NamespaceReference, path), false, 0, 0, NULL},
};

static int one_namespace(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        NamespaceReference n = {};
        int k = oci_object(r, node, OCI_KEYS(namespace_keys), &n, e);

        if (k >= 0 && n.path && *n.path && *n.path != '/')
                k = error_set(e, -EINVAL, "the path '%s' is not absolute", n.path);
        if (k >= 0 && r->bundle->namespaces[n.type].set)
                k = error_set(e, -EINVAL, "this namespace is given twice");
        if (k >= 0)
                r->bundle->namespaces[n.type] = (SpecNamespace){true, n.path && *n.path ? TAKE_PTR(n.path) : NULL};
        free(n.path);
        return k;
}

static int read_namespaces(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_namespace, key, to, e);
}

static const OciKey offset_keys[] = {
                {"secs", oci_i64, offsetof(SpecTimeOffset, secs), false, 0, 0, NULL},
                {"nanosecs", oci_u32, offsetof(SpecTimeOffset, nanosecs), false, 0, 999999999, NULL},
};

static int read_offset(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(offset_keys), to, e);
}

static const OciKey time_keys[] = {
                {"monotonic", read_offset, offsetof(SpecBundle, monotonic), false, 0, 0, NULL},
                {"boottime", read_offset, offsetof(SpecBundle, boottime), false, 0, 0, NULL},
};

static int read_time_offsets(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(time_keys), r->bundle, e);
}

/* ---- devices ---- */

static int read_device_type(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"c", "b", "u", "p", NULL};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                *(char *)to = *node->text == 'u' ? 'c' : *node->text; /* unbuffered ones are character devices, see mknod(1) */
        return k;
}

static int read_device_path(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        return k < 0 ? k : oci_inside_path(node->text, to, e);
}

static const OciKey device_keys[] = {
                {"type", read_device_type, offsetof(SpecDevice, type), true, 0, 0, NULL},
                {"path", read_device_path, offsetof(SpecDevice, path), true, 0, 0, NULL},
                {"major", oci_u32, offsetof(SpecDevice, major), false, 0, 4095, NULL},
                {"minor", oci_u32, offsetof(SpecDevice, minor), false, 0, 1048575, NULL},
                {"fileMode", oci_u32, offsetof(SpecDevice, mode), false, 0, UINT32_MAX, NULL},
                {"uid", oci_u32, offsetof(SpecDevice, uid), false, 0, UINT32_MAX - 1, NULL},
                {"gid", oci_u32, offsetof(SpecDevice, gid), false, 0, UINT32_MAX - 1, NULL},
};

static int one_device(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecDevice *d = vec_push(&r->bundle->devices);
        bool sized = json_tree_member(&r->tree, node, "major") && json_tree_member(&r->tree, node, "minor");

        d->mode = 0666;
        int k = oci_object(r, node, OCI_KEYS(device_keys), d, e);
        if (k >= 0 && d->type != 'p' && !sized)
                return error_set(e, -EINVAL, "a device needs major and minor");
        d->mode &= 07777; /* writers put the file type there as well */
        return k;
}

static int read_devices(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_device, key, to, e);
}

static const OciKey net_device_keys[] = {{"name", oci_string, 0, false, 0, 0, NULL}};

static int one_net_device(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        _cleanup_free_ char *name = NULL;
        int k = oci_object(r, node, OCI_KEYS(net_device_keys), &name, e);

        if (k < 0)
                return k;
        const char *both[] = {node->key, name && *name ? name : node->key};
        for (size_t i = 0; i < ELEMENTSOF(both); i++)
                if (!*both[i] || strlen(both[i]) > 15 || strpbrk(both[i], "/: \t\n=") || str_eq(both[i], ".") ||
                    str_eq(both[i], ".."))
                        return error_set(e, -EINVAL, "'%s' is no name of a network interface", both[i]);
        *vec_push(&r->spec->interfaces) = (SpecLink){xstrdup(both[0]), xstrdup(both[1])};
        spec_mark(r->spec, SPEC_FIELD_NETWORK_INTERFACE, r->file->name);
        return 0;
}

static int read_net_devices(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_OBJECT, one_net_device, key, to, e);
}

/* ---- other ---- */

static int one_inside_path(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        _cleanup_free_ char *path = NULL;
        int k = oci_expect(node, JSON_STRING, e);

        if (k >= 0 && *node->text != '/')
                return error_set(e, -EINVAL, "the path '%s' is not absolute", node->text);
        if (k >= 0)
                k = oci_inside_path(node->text, &path, e);
        if (k >= 0)
                strv_push(to, path);
        return k;
}

static int read_inside_paths(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_inside_path, key, to, e);
}

/* The kernel's MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE and MS_SHARED follow each other; with "r", of all mounts below too. */
static int read_propagation(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"unbindable", "private", "slave",   "shared", "runbindable",
                                            "rprivate",   "rslave",  "rshared", NULL};

        if (node->type == JSON_STRING && !*node->text)
                return 0;
        int k = oci_choice(node, names, e);
        if (k >= 0)
                ((uint64_t *)to)[k / 4] = UINT64_C(1) << (17 + k % 4);
        return k;
}

static int read_domain(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"LINUX", "LINUX32", NULL};
        int k = oci_choice(node, names, e);

        if (k < 0)
                return k;
        r->spec->personality = k == 0 ? PER_LINUX : PER_LINUX32;
        spec_mark(r->spec, SPEC_FIELD_PERSONALITY, r->file->name);
        return 0;
}

static const OciKey personality_keys[] = {
                {"domain", read_domain, 0, true, 0, 0, NULL},
                {"flags", oci_refuse, 0, false, 0, 0, NULL}, /* "currently no flag values are supported" */
};

static int read_personality(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_object(r, node, OCI_KEYS(personality_keys), to, e);
}

/* ---- memoryPolicy ---- */

static int read_mode(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {
                        "MPOL_DEFAULT",        "MPOL_PREFERRED",           "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL",
                        "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE", NULL};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                *(uint32_t *)to |= (uint32_t)k; /* in the kernel's order */
        return k;
}

static int one_mode_flag(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        static const char *const names[] = {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES", NULL};
        int k = oci_choice(node, names, e);

        if (k >= 0)
                *(uint32_t *)to |= UINT32_C(1) << (13 + k);
        return k;
}

static int read_mode_flags(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_mode_flag, key, to, e);
}

/* "0-3,7" */
static int read_nodes(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        uint64_t *bits = to;
        int k = oci_expect(node, JSON_STRING, e);
        if (k < 0)
                return k;
        _cleanup_strv_ char **parts = strv_split(node->text, ", ");

        STRV_FOREACH (part, parts) {
                uint32_t first, last;
                char *dash = strchr(*part, '-');
                if (dash)
                        *dash = '\0';
                if (str_parse_u32(*part, &first) < 0 || str_parse_u32(dash ? dash + 1 : *part, &last) < 0 || last < first ||
                    last >= 1024)
                        return error_set(e, -EINVAL, "'%s' is no list of nodes below 1024", node->text);
                for (uint32_t i = first; i <= last; i++)
                        bits[i / 64] |= UINT64_C(1) << (i % 64);
        }
        return 0;
}

static const OciKey memory_policy_keys[] = {
                {"mode", read_mode, offsetof(SpecMemoryPolicy, mode), true, 0, 0, NULL},
                {"flags", read_mode_flags, offsetof(SpecMemoryPolicy, mode), false, 0, 0, NULL},
                {"nodes", read_nodes, offsetof(SpecMemoryPolicy, nodes), false, 0, 0, NULL},
};

static int read_memory_policy(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecMemoryPolicy *p = to;
        int k = oci_object(r, node, OCI_KEYS(memory_policy_keys), p, e);

        p->set = k >= 0;
        return k;
}

/* ---- linux ---- */

static const OciKey keys[] = {
                {"namespaces", read_namespaces, 0, false, 0, 0, NULL},
                {"timeOffsets", read_time_offsets, 0, false, 0, 0, NULL},
                {"uidMappings", oci_ranges, offsetof(SpecBundle, uids), false, 0, 0, NULL},
                {"gidMappings", oci_ranges, offsetof(SpecBundle, gids), false, 0, 0, NULL},
                {"devices", read_devices, 0, false, 0, 0, NULL},
                {"netDevices", read_net_devices, 0, false, 0, 0, NULL},
                {"cgroupsPath", oci_string, offsetof(SpecBundle, cgroup), false, 0, 0, NULL},
                {"resources", oci_resources, offsetof(SpecBundle, resources), false, 0, 0, NULL},
                {"intelRdt", oci_refuse, 0, false, 0, 0, NULL},
                {"memoryPolicy", read_memory_policy, offsetof(SpecBundle, memory_policy), false, 0, 0, NULL},
                {"sysctl", oci_map, offsetof(SpecBundle, sysctl), false, 0, 0, NULL},
                {"seccomp", oci_seccomp, offsetof(SpecBundle, seccomp), false, 0, 0, NULL},
                {"rootfsPropagation", read_propagation, offsetof(SpecBundle, root_propagation), false, 0, 0, NULL},
                {"maskedPaths", read_inside_paths, offsetof(SpecBundle, masked), false, 0, 0, NULL},
                {"readonlyPaths", read_inside_paths, offsetof(SpecBundle, read_only), false, 0, 0, NULL},
                {"mountLabel", oci_string, offsetof(SpecBundle, mount_label), false, 0, 0, NULL},
                {"personality", read_personality, 0, false, 0, 0, NULL},
};

static int check_namespaces(const SpecBundle *b, Error *e)
{
        const SpecNamespace *user = &b->namespaces[SPEC_NAMESPACE_USER];
        bool mapped = b->uids.n > 0 || b->gids.n > 0;

        if (mapped && (!user->set || user->path))
                return error_set(e, -EINVAL, "uidMappings and gidMappings are of a new user namespace, and namespaces has none");
        if (user->set && !user->path && (b->uids.n == 0 || b->gids.n == 0))
                return error_set(e, -EINVAL, "a new user namespace needs uidMappings and gidMappings");
        if ((b->monotonic.secs || b->monotonic.nanosecs || b->boottime.secs || b->boottime.nanosecs) &&
            (!b->namespaces[SPEC_NAMESPACE_TIME].set || b->namespaces[SPEC_NAMESPACE_TIME].path))
                return error_set(e, -EINVAL, "timeOffsets are of a new time namespace, and namespaces has none");
        return 0;
}

int oci_linux(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_object(r, node, OCI_KEYS(keys), r->bundle, e);

        if (k >= 0 && r->spec->interfaces.n > 0 && !r->bundle->namespaces[SPEC_NAMESPACE_NETWORK].set)
                return error_set(e, -EINVAL, "netDevices are moved into a network namespace, and namespaces has none");
        return k < 0 ? k : check_namespaces(r->bundle, e);
}
