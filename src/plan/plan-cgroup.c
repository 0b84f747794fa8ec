/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* linux.resources of an OCI bundle: which file of which hierarchy gets what. The specification speaks of cgroup v1's files; where a
 * controller is in cgroup2, its numbers are converted as crun does it. What neither of them has is refused by its name. */

#include "plan/build.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

typedef struct Limits {
        PlanBuild *b;
        const SpecResources *resources;
        Error *e;
        const char *group; /* the machine's, for v1: relative or absolute as the bundle has it; NULL: as in cgroup2 */
        int result;        /* the first failure */
} Limits;

typedef PlanPlace Place;

static void fail(Limits *l, const char *path, const char *fmt, ...) _printf_(3, 4);
static void fail(Limits *l, const char *path, const char *fmt, ...)
{
        va_list ap;

        if (l->result < 0)
                return;
        va_start(ap, fmt);
        _cleanup_free_ char *text = xvasprintf(fmt, ap);
        va_end(ap);
        l->result = error_set(l->e, -EOPNOTSUPP, "%s: linux.resources.%s: %s", l->b->spec->origin[SPEC_FIELD_BUNDLE], path, text);
}

/* ---- where a controller is ---- */

static const FactController *find_v1(const HostFacts *f, const char *name)
{
        for (size_t i = 0; i < f->n_controllers; i++)
                if (str_eq(f->controllers[i].name, name))
                        return &f->controllers[i];
        return NULL;
}

static char *v1_directory(const PlanBuild *b, const FactController *c)
{
        const char *group = b->spec->bundle ? b->spec->bundle->cgroup : NULL, *whole = b->plan->cgroup;

        if (group && path_is_absolute(group) && !b->spec->slice)
                return path_join(c->mount, group);
        _cleanup_free_ char *top = path_join(c->mount, str_eq(c->own, "/") ? "" : c->own);
        _cleanup_free_ char *name = whole ? xstrdup(whole + 1) : xasprintf("berth-%s", b->facts->machine_name);
        /* One level, as there is nobody here who clears what would be above it. */
        for (char *at = name; *at; at++)
                *at = *at == '/' ? '-' : *at;
        return path_simplify(path_join(top, name));
}

static const char *join_v1(const PlanBuild *b, const FactController *c)
{
        _cleanup_free_ char *directory = v1_directory(b, c);
        const MachinePlan *p = b->plan;

        for (size_t i = 0; i < p->n; i++)
                if (p->items[i].type == OP_CGROUP_JOIN && str_eq(p->items[i].path, directory))
                        return p->items[i].path;
        return plan_add(b->plan, PHASE_CGROUP, OP_CGROUP_JOIN, directory)->path;
}

static const char *unified_name(const char *controller)
{
        return str_eq(controller, "blkio") ? "io" : controller;
}

PlanPlace plan_cgroup_place(const PlanBuild *b, const char *controller)
{
        const FactController *v1 = find_v1(b->facts, controller);

        if (b->plan->cgroup && strv_contains(b->facts->cgroup2_controllers, unified_name(controller)))
                return (PlanPlace){.found = true, .unified = true};
        if (v1)
                return (PlanPlace){.found = true, .directory = join_v1(b, v1)};
        return (PlanPlace){};
}

/* A failure when it is in neither. */
static Place find_place(Limits *l, const char *controller, const char *path)
{
        if (l->result < 0)
                return (Place){};
        Place p = plan_cgroup_place(l->b, controller);
        if (!p.found)
                fail(l, path, "this host has no control group controller '%s' that a machine can have; leave it out",
                     unified_name(controller));
        return p;
}

/* ---- writing ---- */

static PlanOp *write_text(Limits *l, const Place *p, const char *file, const char *text)
{
        PlanOp *op = plan_add(l->b->plan, PHASE_CGROUP, OP_CGROUP_LIMIT, file);

        op->source = xstrdup(p->directory);
        op->text = xstrdup(text);
        return op;
}

static void write_number(Limits *l, const Place *p, const char *file, int64_t value)
{
        _cleanup_free_ char *text = value < 0 && p->unified ? xstrdup("max") : xasprintf("%" PRId64, value);

        (void)write_text(l, p, file, text);
}

/* Most limits are one number in one file, of each version. */
typedef struct SimpleRow {
        const char *path; /* in config.json */
        size_t offset;    /* SpecNumber in SpecResources */
        const char *controller;
        const char *v1, *v2;  /* NULL: it has none */
        const char *harmless; /* a value that asks for nothing where there is no file */
} SimpleRow;

#define AT(m) offsetof(SpecResources, m)
static const SimpleRow simple[] = {
                {"memory.reservation", AT(memory.reservation), "memory", "memory.soft_limit_in_bytes", "memory.low", NULL},
                {"memory.kernel", AT(memory.kernel), "memory", "memory.kmem.limit_in_bytes", NULL, NULL},
                {"memory.kernelTCP", AT(memory.kernel_tcp), "memory", "memory.kmem.tcp.limit_in_bytes", NULL, NULL},
                {"memory.swappiness", AT(memory.swappiness), "memory", "memory.swappiness", NULL, NULL},
                {"memory.useHierarchy", AT(memory.use_hierarchy), "memory", "memory.use_hierarchy", NULL, "1"},
                {"memory.disableOOMKiller", AT(memory.disable_oom_killer), "memory", "memory.oom_control", NULL, "0"},
                {"cpu.burst", AT(cpu.burst), "cpu", "cpu.cfs_burst_us", "cpu.max.burst", NULL},
                {"cpu.realtimePeriod", AT(cpu.realtime_period), "cpu", "cpu.rt_period_us", NULL, NULL},
                {"cpu.realtimeRuntime", AT(cpu.realtime_runtime), "cpu", "cpu.rt_runtime_us", NULL, NULL},
                {"cpu.idle", AT(cpu.idle), "cpu", "cpu.idle", "cpu.idle", NULL},
                {"blockIO.leafWeight", AT(block.leaf_weight), "blkio", "blkio.leaf_weight", NULL, NULL},
                {"network.classID", AT(network_class), "net_cls", "net_cls.classid", NULL, NULL},
};

static void add_simple(Limits *l, const SimpleRow *row)
{
        const SpecNumber *n = (const SpecNumber *)((const char *)l->resources + row->offset);
        _cleanup_free_ char *text = xasprintf("%" PRId64, n->value);

        if (!n->set)
                return;
        Place p = find_place(l, row->controller, row->path);
        if (!p.found)
                return;
        const char *file = p.unified ? row->v2 : row->v1;
        if (file)
                write_number(l, &p, file, n->value);
        else if (!str_eq(text, row->harmless))
                fail(l, row->path, "cgroup v2 has no such limit; leave it out");
}

/* ---- memory ---- */

/* v1 counts memory and swap together, v2 swap alone. v1's joint limit cannot be below the other, so that one is first. */
static void add_memory(Limits *l)
{
        const SpecNumber *limit = &l->resources->memory.limit, *swap = &l->resources->memory.swap;

        if (!limit->set && !swap->set)
                return;
        Place p = find_place(l, "memory", "memory");
        if (!p.found)
                return;
        if (limit->set)
                write_number(l, &p, p.unified ? "memory.max" : "memory.limit_in_bytes", limit->value);
        if (!swap->set)
                return;
        if (!p.unified) {
                write_number(l, &p, "memory.memsw.limit_in_bytes", swap->value);
                return;
        }
        if (swap->value >= 0 && (!limit->set || limit->value < 0))
                fail(l, "memory.swap", "it is memory and swap together, and there is no memory.limit; add one");
        else if (swap->value >= 0 && swap->value < limit->value)
                fail(l, "memory.swap", "it is memory and swap together, and cannot be below memory.limit");
        else
                write_number(l, &p, "memory.swap.max", swap->value < 0 ? -1 : swap->value - limit->value);
}

/* ---- cpu ---- */

/* [2, 262144] with 1024 as the default to [1, 10000] with 100: the curve that fits these three, as crun has it. */
static int64_t weight_of_shares(int64_t shares)
{
        if (shares <= 2)
                return 1;
        if (shares >= 262144)
                return 10000;
        double log = log2((double)shares), exponent = (log * log + 125 * log) / 612.0 - 7.0 / 34.0;
        return (int64_t)ceil(pow(10, exponent));
}

static void add_bandwidth(Limits *l, const Place *p)
{
        const SpecNumber *quota = &l->resources->cpu.quota, *period = &l->resources->cpu.period;

        if (!p->unified) {
                if (period->set && period->value > 0)
                        write_number(l, p, "cpu.cfs_period_us", period->value);
                if (quota->set)
                        write_number(l, p, "cpu.cfs_quota_us", quota->value);
                return;
        }
        if (!quota->set && !period->set)
                return;
        _cleanup_free_ char *most = quota->set && quota->value > 0 ? xasprintf("%" PRId64, quota->value) : xstrdup("max");
        _cleanup_free_ char *text = xasprintf("%s %" PRId64, most, period->set && period->value > 0 ? period->value : 100000);
        (void)write_text(l, p, "cpu.max", text);
}

static void add_cpu(Limits *l)
{
        const SpecResources *r = l->resources;
        bool cpu = (r->cpu.shares.set && r->cpu.shares.value > 0) || r->cpu.quota.set || r->cpu.period.set;
        bool cpuset = (r->cpu.cpus && *r->cpu.cpus) || (r->cpu.mems && *r->cpu.mems);

        if (cpu) {
                Place p = find_place(l, "cpu", "cpu");
                if (p.found && r->cpu.shares.set && r->cpu.shares.value > 0)
                        write_number(l, &p, p.unified ? "cpu.weight" : "cpu.shares",
                                     p.unified ? weight_of_shares(r->cpu.shares.value) : r->cpu.shares.value);
                if (p.found)
                        add_bandwidth(l, &p);
        }
        if (cpuset) {
                Place p = find_place(l, "cpuset", "cpu.cpus");
                if (p.found && r->cpu.cpus && *r->cpu.cpus)
                        (void)write_text(l, &p, "cpuset.cpus", r->cpu.cpus);
                if (p.found && r->cpu.mems && *r->cpu.mems)
                        (void)write_text(l, &p, "cpuset.mems", r->cpu.mems);
        }
}

/* ---- block devices ---- */

typedef struct ThrottleRow {
        const char *path, *v1, *v2;
} ThrottleRow;

static const ThrottleRow throttle_rows[_SPEC_THROTTLE_MAX] = {
                [SPEC_THROTTLE_READ_BPS] = {"blockIO.throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps"},
                [SPEC_THROTTLE_WRITE_BPS] = {"blockIO.throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps"},
                [SPEC_THROTTLE_READ_IOPS] = {"blockIO.throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops"},
                [SPEC_THROTTLE_WRITE_IOPS] = {"blockIO.throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops"},
};

static void add_throttles(Limits *l, SpecThrottle which)
{
        const SpecBlockLimits *limits = &l->resources->block.throttles[which];
        const ThrottleRow *row = &throttle_rows[which];

        for (size_t i = 0; i < limits->n; i++) {
                const SpecBlockLimit *d = &limits->items[i];
                Place p = find_place(l, "blkio", row->path);
                if (!p.found)
                        return;
                /* No rate is no limit. */
                _cleanup_free_ char *rate =
                                p.unified && d->value.value == 0 ? xstrdup("max") : xasprintf("%" PRId64, d->value.value);
                _cleanup_free_ char *text = xasprintf("%" PRId64 ":%" PRId64 " %s%s%s", d->major.value, d->minor.value,
                                                      p.unified ? row->v2 : "", p.unified ? "=" : "", rate);
                (void)write_text(l, &p, p.unified ? "io.max" : row->v1, text);
        }
}

/* The weights are the BFQ scheduler's, or of whoever else has that file. */
static void add_weight(Limits *l)
{
        const SpecNumber *weight = &l->resources->block.weight;

        if (!weight->set || weight->value == 0)
                return;
        Place p = find_place(l, "blkio", "blockIO.weight");
        if (!p.found)
                return;
        _cleanup_free_ char *text = xasprintf("%" PRId64, weight->value);
        PlanOp *op = write_text(l, &p, p.unified ? "io.bfq.weight" : "blkio.weight", text);
        if (p.unified)
                strv_pushf(&op->alternatives, "io.weight=%" PRId64, 1 + (MAX(weight->value, INT64_C(10)) - 10) * 9999 / 990);
        else
                strv_pushf(&op->alternatives, "blkio.bfq.weight=%s", text);
}

static void add_device_weights(Limits *l)
{
        const SpecBlockLimits *limits = &l->resources->block.weight_devices;

        for (size_t i = 0; i < limits->n; i++) {
                const SpecBlockLimit *d = &limits->items[i];
                Place p = find_place(l, "blkio", "blockIO.weightDevice");
                if (!p.found)
                        return;
                if (d->leaf.set && d->leaf.value > 0 && p.unified)
                        fail(l, "blockIO.weightDevice", "cgroup v2 has no leafWeight; leave it out");
                _cleanup_free_ char *device = xasprintf("%" PRId64 ":%" PRId64, d->major.value, d->minor.value);
                _cleanup_free_ char *text = xasprintf("%s %" PRId64, device, d->value.value),
                                    *leaf = xasprintf("%s %" PRId64, device, d->leaf.value);
                if (d->value.set) {
                        PlanOp *op = write_text(l, &p, p.unified ? "io.bfq.weight" : "blkio.weight_device", text);
                        if (!p.unified)
                                strv_pushf(&op->alternatives, "blkio.bfq.weight_device=%s", text);
                }
                if (d->leaf.set && d->leaf.value > 0)
                        strv_pushf(&write_text(l, &p, "blkio.leaf_weight_device", leaf)->alternatives,
                                   "blkio.bfq.leaf_weight_device=%s", leaf);
        }
}

/* ---- named ones ---- */

static void add_hugepages(Limits *l)
{
        for (size_t i = 0; i < l->resources->hugepages.n; i++) {
                const SpecNamedLimit *h = &l->resources->hugepages.items[i];
                Place p = find_place(l, "hugetlb", "hugepageLimits");
                if (!p.found)
                        return;
                _cleanup_free_ char *file = xasprintf("hugetlb.%s.%s", h->name, p.unified ? "max" : "limit_in_bytes");
                write_number(l, &p, file, h->value.value);
        }
}

static void add_priorities(Limits *l)
{
        for (size_t i = 0; i < l->resources->network_priorities.n; i++) {
                const SpecNamedLimit *n = &l->resources->network_priorities.items[i];
                Place p = find_place(l, "net_prio", "network.priorities");
                if (!p.found)
                        return;
                _cleanup_free_ char *text = xasprintf("%s %" PRId64, n->name, n->value.value);
                (void)write_text(l, &p, "net_prio.ifpriomap", text);
        }
}

static void add_rdma(Limits *l)
{
        for (size_t i = 0; i < l->resources->rdma.n; i++) {
                const SpecNamedLimit *d = &l->resources->rdma.items[i];
                Place p = find_place(l, "rdma", "rdma");
                if (!p.found)
                        return;
                _cleanup_free_ char *text = xstrdup(d->name);
                const struct {
                        const char *key;
                        const SpecNumber *value;
                } parts[] = {{"hca_handle", &d->value}, {"hca_object", &d->value2}};
                for (size_t k = 0; k < ELEMENTSOF(parts); k++)
                        if (parts[k].value->set) {
                                char *longer = xasprintf("%s %s=%" PRId64, text, parts[k].key, parts[k].value->value);
                                free(text);
                                text = longer;
                        }
                (void)write_text(l, &p, "rdma.max", text);
        }
}

static void add_pids(Limits *l)
{
        const SpecNumber *pids = &l->resources->pids;

        if (!pids->set)
                return;
        Place p = find_place(l, "pids", "pids.limit");
        _cleanup_free_ char *text = pids->value > 0 ? xasprintf("%" PRId64, pids->value) : xstrdup("max");
        if (p.found)
                (void)write_text(l, &p, "pids.max", text);
}

/* ---- cgroup2's own files ---- */

static void add_unified(Limits *l)
{
        STRV_FOREACH (pair, l->resources->unified) {
                const char *equals = strchr(*pair, '=');
                _cleanup_free_ char *file = xstrndup(*pair, (size_t)(equals - *pair)),
                                    *controller = xstrndup(file, strcspn(file, ".")), *path = xasprintf("unified.%s", file);
                if (!l->b->plan->cgroup)
                        fail(l, path, "this host has no cgroup v2; leave it out");
                else if (!str_eq(controller, "cgroup") && !strv_contains(l->b->facts->cgroup2_controllers, controller))
                        fail(l, path, "controller '%s' is not in this host's cgroup v2; leave it out", controller);
                else
                        (void)write_text(l, &(Place){.found = true, .unified = true}, file, equals + 1);
        }
}

/* ---- devices ---- */

/* What every container may use, whatever the rules: its default devices, and terminals of its own. */
static const SpecDeviceRule always[] = {
#define RULE(t, maj, min, r, w, m)                                     \
        {                                                              \
                true, t, {(maj) >= 0, maj}, {(min) >= 0, min}, r, w, m \
        }
                RULE('c', -1, -1, false, false, true), RULE('b', -1, -1, false, false, true), RULE('c', 1, 3, true, true, true),
                RULE('c', 1, 5, true, true, true),     RULE('c', 1, 7, true, true, true),     RULE('c', 1, 8, true, true, true),
                RULE('c', 1, 9, true, true, true),     RULE('c', 5, 0, true, true, true),     RULE('c', 5, 2, true, true, true),
                RULE('c', 136, -1, true, true, true),
#undef RULE
};

static char *number_or_all(const SpecNumber *n)
{
        return n->set ? xasprintf("%" PRId64, n->value) : xstrdup("*");
}

static void write_rule(Limits *l, const Place *p, const SpecDeviceRule *rule)
{
        _cleanup_free_ char *major = number_or_all(&rule->major), *minor = number_or_all(&rule->minor);
        _cleanup_free_ char *text = xasprintf("%c %s:%s %s%s%s", rule->type, major, minor, rule->read ? "r" : "",
                                              rule->write ? "w" : "", rule->mknod ? "m" : "");

        (void)write_text(l, p, rule->allow ? "devices.allow" : "devices.deny", text);
}

/* A device that the bundle makes is one to be used. */
static SpecDeviceRule device_rule(const SpecDevice *d)
{
        return (SpecDeviceRule){true, d->type, {true, d->major}, {true, d->minor}, true, true, true};
}

static void add_devices(Limits *l)
{
        const SpecResources *r = l->resources;
        const SpecBundle *u = l->b->spec->bundle;
        struct {
                SpecDeviceRule *items;
                size_t n;
        } all = {};

        if (r->devices.n == 0)
                return;
        for (size_t i = 0; i < r->devices.n; i++)
                *vec_push(&all) = r->devices.items[i];
        for (size_t i = 0; i < ELEMENTSOF(always); i++)
                *vec_push(&all) = always[i];
        for (size_t i = 0; i < u->devices.n; i++)
                if (u->devices.items[i].type != 'p')
                        *vec_push(&all) = device_rule(&u->devices.items[i]);
        if (l->b->plan->cgroup) { /* no controller there, but a program */
                PlanOp *op = plan_add(l->b->plan, PHASE_CGROUP, OP_CGROUP_DEVICES, NULL);
                op->devices = all.items;
                op->n_devices = all.n;
                return;
        }
        Place p = find_place(l, "devices", "devices");
        for (size_t i = 0; p.found && i < all.n; i++)
                write_rule(l, &p, &all.items[i]);
        free(all.items);
}

int plan_limits_cgroup(PlanBuild *b, Error *e)
{
        Limits l = {.b = b, .resources = &b->spec->bundle->resources, .e = e};

        if (!l.resources->set)
                return 0;
        add_devices(&l);
        add_memory(&l);
        add_cpu(&l);
        for (size_t i = 0; i < ELEMENTSOF(simple); i++)
                add_simple(&l, &simple[i]);
        add_weight(&l);
        add_device_weights(&l);
        for (SpecThrottle t = 0; t < _SPEC_THROTTLE_MAX; t++)
                add_throttles(&l, t);
        add_hugepages(&l);
        add_priorities(&l);
        add_rdma(&l);
        add_pids(&l);
        add_unified(&l);
        return l.result;
}
