/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/property.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/spelling.h"
#include "spec/value.h"

static const PropertyRow rows[] = {
                {"AllowedCPUs", PROPERTY_SET, NULL, "cpuset", "cpuset.cpus", "cpuset.cpus"},
                {"AllowedMemoryNodes", PROPERTY_SET, NULL, "cpuset", "cpuset.mems", "cpuset.mems"},
                {"CPUQuota", PROPERTY_QUOTA, "CPUQuotaPerSecUSec", "cpu", "cpu.max", "cpu.cfs_quota_us"},
                {"CPUWeight", PROPERTY_WEIGHT, NULL, "cpu", "cpu.weight", "cpu.shares"},
                {"IOWeight", PROPERTY_WEIGHT, NULL, "io", "io.bfq.weight", "blkio.weight"},
                {"MemoryHigh", PROPERTY_BYTES, NULL, "memory", "memory.high", NULL},
                {"MemoryLow", PROPERTY_BYTES, NULL, "memory", "memory.low", NULL},
                {"MemoryMax", PROPERTY_BYTES, NULL, "memory", "memory.max", "memory.limit_in_bytes"},
                {"MemoryMin", PROPERTY_BYTES, NULL, "memory", "memory.min", NULL},
                {"MemorySwapMax", PROPERTY_BYTES, NULL, "memory", "memory.swap.max", NULL},
                {"TasksMax", PROPERTY_COUNT, NULL, "pids", "pids.max", "pids.max"},
                /* the others are systemd's alone */
                {.name = "After", .kind = PROPERTY_UNITS},
                {.name = "Before", .kind = PROPERTY_UNITS},
                {.name = "BindsTo", .kind = PROPERTY_UNITS},
                {.name = "Conflicts", .kind = PROPERTY_UNITS},
                {.name = "PartOf", .kind = PROPERTY_UNITS},
                {.name = "Requires", .kind = PROPERTY_UNITS},
                {.name = "Wants", .kind = PROPERTY_UNITS},
                {.name = "CPUAccounting", .kind = PROPERTY_BOOL},
                {.name = "IOAccounting", .kind = PROPERTY_BOOL},
                {.name = "IPAccounting", .kind = PROPERTY_BOOL},
                {.name = "MemoryAccounting", .kind = PROPERTY_BOOL},
                {.name = "TasksAccounting", .kind = PROPERTY_BOOL},
                {.name = "SendSIGHUP", .kind = PROPERTY_BOOL},
                {.name = "SendSIGKILL", .kind = PROPERTY_BOOL},
                {.name = "Description", .kind = PROPERTY_TEXT},
                {.name = "DevicePolicy", .kind = PROPERTY_TEXT},
                {.name = "KillMode", .kind = PROPERTY_TEXT},
                {.name = "ManagedOOMMemoryPressure", .kind = PROPERTY_TEXT},
                {.name = "ManagedOOMSwap", .kind = PROPERTY_TEXT},
                {.name = "OOMPolicy", .kind = PROPERTY_TEXT},
                {.name = "Slice", .kind = PROPERTY_TEXT},
                {.name = "KillSignal", .kind = PROPERTY_SIGNAL},
                {.name = "RuntimeMaxSec", .kind = PROPERTY_SECONDS, .wire = "RuntimeMaxUSec"},
                {.name = "TimeoutStopSec", .kind = PROPERTY_SECONDS, .wire = "TimeoutStopUSec"},
                {.name = "DeviceAllow", .kind = PROPERTY_DEVICE},
                {.name = "IOReadBandwidthMax", .kind = PROPERTY_DEVICE_RATE},
                {.name = "IOReadIOPSMax", .kind = PROPERTY_DEVICE_RATE},
                {.name = "IOWriteBandwidthMax", .kind = PROPERTY_DEVICE_RATE},
                {.name = "IOWriteIOPSMax", .kind = PROPERTY_DEVICE_RATE},
                {.name = "IPAddressAllow", .kind = PROPERTY_ADDRESSES},
                {.name = "IPAddressDeny", .kind = PROPERTY_ADDRESSES},
};

/* "12.5%" in hundredths of a percent, up to max whole percents. */
static int parse_percent(const char *s, uint64_t max, uint64_t *ret)
{
        uint64_t whole = 0, part = 0;
        const char *end = str_endswith(s, "%");
        if (!end)
                return -EINVAL;
        _cleanup_free_ char *number = xstrndup(s, (size_t)(end - s));
        char *point = strchr(number, '.');

        if (point)
                *point++ = '\0';
        if (str_parse_u64(number, &whole) < 0 || whole > max || (point && (strlen(point) > 2 || str_parse_u64(point, &part) < 0)))
                return -EINVAL;
        *ret = whole * 100 + (point && strlen(point) == 1 ? part * 10 : part);
        return 0;
}

static int parse_limit(Property *p, const char *value)
{
        uint64_t hundredths;

        if (str_eq(value, "infinity")) {
                p->number = UINT64_MAX;
                return 0;
        }
        if (parse_percent(value, 100, &hundredths) >= 0 && hundredths <= 10000) {
                p->scaled = true;
                p->number = hundredths * UINT32_MAX / 10000;
                return 0;
        }
        return p->row->kind == PROPERTY_BYTES ? str_parse_size(value, &p->number) : str_parse_u64(value, &p->number);
}

static int parse_quota(Property *p, const char *value)
{
        int r = str_eq(value, "infinity") ? 0 : parse_percent(value, 1000000, &p->number);

        if (r >= 0)
                p->number = str_eq(value, "infinity") ? UINT64_MAX : p->number * 100;
        return r >= 0 && p->number == 0 ? -ERANGE : r;
}

static int parse_set(Property *p, const char *value)
{
        _cleanup_strv_ char **words = strv_split(value, ", ");

        STRV_FOREACH (w, words) {
                uint32_t first, last;
                char *dash = strchr(*w, '-');
                if (dash)
                        *dash++ = '\0';
                if (str_parse_u32(*w, &first) < 0 || str_parse_u32(dash ?: *w, &last) < 0 || last >= PROPERTY_SET_MAX ||
                    first > last)
                        return -EINVAL;
                for (uint32_t i = first; i <= last; i++)
                        p->bits[i / 8] |= (uint8_t)(1U << i % 8);
                p->n_bits = MAX(p->n_bits, last + 1);
        }
        return p->n_bits > 0 ? 0 : -EINVAL;
}

/* Rates count by thousands, other than memory. */
static int parse_rate(const char *s, uint64_t *ret)
{
        static const char suffixes[] = "KMGT";
        size_t n = strlen(s);
        const char *suffix = n > 0 && s[n - 1] ? strchr(suffixes, s[n - 1]) : NULL;
        _cleanup_free_ char *number = xstrndup(s, suffix ? n - 1 : n);
        uint64_t unit = 1;

        for (const char *u = suffixes; suffix && u <= suffix; u++)
                unit *= 1000;
        int r = str_parse_u64(number, ret);
        return r >= 0 && __builtin_mul_overflow(*ret, unit, ret) ? -ERANGE : r;
}

/* "/dev/sda 10M", "/dev/null rw", "char-pts rwm" */
static int parse_device(Property *p, const char *value)
{
        const bool rate = p->row->kind == PROPERTY_DEVICE_RATE;
        size_t n = strcspn(value, " \t");

        if (n == 0 || n >= sizeof(p->path))
                return -EINVAL;
        memcpy(p->path, value, n);
        p->path[n] = '\0';
        p->text = value + n + strspn(value + n, " \t");
        bool class = !rate && (str_startswith(p->path, "char-") || str_startswith(p->path, "block-"));
        if (!path_is_absolute(p->path) && !class)
                return -EINVAL;
        if (!rate)
                return p->text[strspn(p->text, "rwm")] == '\0' ? 0 : -EINVAL;
        if (str_eq(p->text, "infinity")) {
                p->number = UINT64_MAX;
                return 0;
        }
        return parse_rate(p->text, &p->number);
}

int property_parse_address(const char *word, PropertyAddress ret[static 2])
{
        static const struct {
                const char *word, *v4, *v6;
        } known[] = {
                        {"any", "0.0.0.0/0", "::/0"},
                        {"localhost", "127.0.0.0/8", "::1/128"},
                        {"link-local", "169.254.0.0/16", "fe80::/64"},
                        {"multicast", "224.0.0.0/4", "ff00::/8"},
        };
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (str_eq(word, known[i].word)) {
                        PropertyAddress one[2];
                        (void)property_parse_address(known[i].v4, one);
                        ret[0] = one[0];
                        (void)property_parse_address(known[i].v6, one);
                        ret[1] = one[0];
                        return 2;
                }
        const char *slash = strchr(word, '/');
        _cleanup_free_ char *address = slash ? xstrndup(word, (size_t)(slash - word)) : xstrdup(word);
        *ret = (PropertyAddress){.family = strchr(address, ':') ? AF_INET6 : AF_INET};
        uint32_t most = ret->family == AF_INET ? 32 : 128;
        ret->prefix = most;
        if (inet_pton(ret->family, address, ret->bytes) != 1 ||
            (slash && (str_parse_u32(slash + 1, &ret->prefix) < 0 || ret->prefix > most)))
                return -EINVAL;
        return 1;
}

static int check_addresses(const char *value)
{
        _cleanup_strv_ char **words = strv_split(value, " \t");
        PropertyAddress addresses[2];

        STRV_FOREACH (w, words)
                if (property_parse_address(*w, addresses) < 0)
                        return -EINVAL;
        return 0;
}

static int parse_value(Property *p, const char *value)
{
        int r;

        p->text = value;
        switch (p->row->kind) {
        case PROPERTY_BYTES:
        case PROPERTY_COUNT:
                return parse_limit(p, value);
        case PROPERTY_QUOTA:
                return parse_quota(p, value);
        case PROPERTY_WEIGHT:
                r = str_parse_u64(value, &p->number);
                return r >= 0 && (p->number < 1 || p->number > 10000) ? -ERANGE : r;
        case PROPERTY_BOOL:
                r = str_parse_bool(value);
                p->number = r > 0;
                return r;
        case PROPERTY_SECONDS:
                return str_parse_seconds(value, &p->number);
        case PROPERTY_SIGNAL:
                r = value_signal_from_name(value);
                p->number = r < 0 ? 0 : (uint64_t)r;
                return r;
        case PROPERTY_TEXT:
        case PROPERTY_UNITS:
                return *value ? 0 : -EINVAL;
        case PROPERTY_SET:
                return parse_set(p, value);
        case PROPERTY_DEVICE_RATE:
        case PROPERTY_DEVICE:
                return parse_device(p, value);
        case PROPERTY_ADDRESSES:
                return check_addresses(value);
        }
        return -EINVAL;
}

int property_parse(const char *setting, const char *option, Property *ret, Error *e)
{
        const char *equals = strchr(setting, '=');
        if (!equals)
                return error_set(e, -EINVAL, "%s: '%s' is not NAME=VALUE", option, setting);
        _cleanup_free_ char *name = xstrndup(setting, (size_t)(equals - setting));
        SpecNearest nearest = {.word = name};

        *ret = (Property){};
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (str_eq(rows[i].name, name))
                        ret->row = &rows[i];
                spec_nearest_offer(&nearest, rows[i].name);
        }
        if (!ret->row)
                return error_set(e, -EOPNOTSUPP, "%s: '%s' is no property that can be set%s%s%s", option, name,
                                 nearest.best ? "; did you mean '" : "", nearest.best ?: "", nearest.best ? "'?" : "");
        if (parse_value(ret, equals + 1) < 0)
                return error_set(e, -EINVAL, "%s: '%s' is no value of property %s", option, equals + 1, name);
        return 0;
}
