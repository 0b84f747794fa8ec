/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tables of names: signals, capabilities, resource limits, personalities. */

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <strings.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

static const char *skip_prefix(const char *name, const char *prefix)
{
        size_t n = strlen(prefix);

        return strncasecmp(name, prefix, n) == 0 ? name + n : name;
}

/* ---- signals ---- */

#define SIGNAL(name) [SIG##name] = #name
static const char *const signal_names[] = {
                SIGNAL(HUP),    SIGNAL(INT),  SIGNAL(QUIT),  SIGNAL(ILL),  SIGNAL(TRAP), SIGNAL(ABRT), SIGNAL(BUS),  SIGNAL(FPE),
                SIGNAL(KILL),   SIGNAL(USR1), SIGNAL(SEGV),  SIGNAL(USR2), SIGNAL(PIPE), SIGNAL(ALRM), SIGNAL(TERM), SIGNAL(CHLD),
                SIGNAL(CONT),   SIGNAL(STOP), SIGNAL(TSTP),  SIGNAL(TTIN), SIGNAL(TTOU), SIGNAL(URG),  SIGNAL(XCPU), SIGNAL(XFSZ),
                SIGNAL(VTALRM), SIGNAL(PROF), SIGNAL(WINCH), SIGNAL(IO),   SIGNAL(PWR),  SIGNAL(SYS),
};

static int realtime_signal(const char *name)
{
        const char *low = skip_prefix(name, "RTMIN"), *high = skip_prefix(name, "RTMAX");
        const char *rest = low != name ? low : high;
        uint32_t offset = 0;

        if (rest == name)
                return -EINVAL;
        if (*rest && (*rest != (rest == low ? '+' : '-') || str_parse_u32(rest + 1, &offset) < 0))
                return -EINVAL;
        if (offset > (uint32_t)(SIGRTMAX - GNU_SIGRTMIN))
                return -EINVAL;
        return rest == low ? GNU_SIGRTMIN + (int)offset : SIGRTMAX - (int)offset;
}

int value_signal_from_name(const char *name)
{
        uint32_t number;

        if (str_parse_u32(name, &number) >= 0)
                return number > 0 && number <= (uint32_t)SIGRTMAX ? (int)number : -EINVAL;
        name = skip_prefix(name, "SIG");
        int r = value_find_name(signal_names, ELEMENTSOF(signal_names), name);
        return r >= 0 ? r : realtime_signal(name);
}

char *value_signal_to_name(int signal)
{
        if (signal > 0 && (size_t)signal < ELEMENTSOF(signal_names) && signal_names[signal])
                return xasprintf("SIG%s", signal_names[signal]);
        if (signal >= GNU_SIGRTMIN && signal <= SIGRTMAX)
                return signal == GNU_SIGRTMIN ? xstrdup("SIGRTMIN") : xasprintf("SIGRTMIN+%d", signal - GNU_SIGRTMIN);
        return xasprintf("%d", signal);
}

static int signal_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        int r = value_signal_from_name(text);

        if (r < 0)
                return error_set(e, -EINVAL, "'%s' is no signal; give a name as SIGTERM or SIGRTMIN+3, or a number", text);
        s->kill_signal = r;
        return 0;
}
static void signal_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        strv_consume(ret, value_signal_to_name(s->kill_signal));
}
static void signal_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->kill_signal = from->kill_signal;
        from->kill_signal = 0;
}
static void signal_clear(MachineSpec *s, SpecField f)
{
        s->kill_signal = 0;
}

static const char *const signal_choices[] = {"SIGTERM", "SIGINT",     "SIGHUP",     "SIGQUIT",    "SIGKILL", "SIGUSR1",
                                             "SIGUSR2", "SIGRTMIN+3", "SIGRTMIN+4", "SIGRTMIN+5", "SIGPWR",  NULL};
const ValueType value_signal = {signal_parse, signal_format, signal_take, signal_clear, signal_choices, false};

/* ---- capabilities ---- */

#define CAPABILITY(name) [CAP_##name] = "CAP_" #name
static const char *const capability_names[] = {
                CAPABILITY(CHOWN),
                CAPABILITY(DAC_OVERRIDE),
                CAPABILITY(DAC_READ_SEARCH),
                CAPABILITY(FOWNER),
                CAPABILITY(FSETID),
                CAPABILITY(KILL),
                CAPABILITY(SETGID),
                CAPABILITY(SETUID),
                CAPABILITY(SETPCAP),
                CAPABILITY(LINUX_IMMUTABLE),
                CAPABILITY(NET_BIND_SERVICE),
                CAPABILITY(NET_BROADCAST),
                CAPABILITY(NET_ADMIN),
                CAPABILITY(NET_RAW),
                CAPABILITY(IPC_LOCK),
                CAPABILITY(IPC_OWNER),
                CAPABILITY(SYS_MODULE),
                CAPABILITY(SYS_RAWIO),
                CAPABILITY(SYS_CHROOT),
                CAPABILITY(SYS_PTRACE),
                CAPABILITY(SYS_PACCT),
                CAPABILITY(SYS_ADMIN),
                CAPABILITY(SYS_BOOT),
                CAPABILITY(SYS_NICE),
                CAPABILITY(SYS_RESOURCE),
                CAPABILITY(SYS_TIME),
                CAPABILITY(SYS_TTY_CONFIG),
                CAPABILITY(MKNOD),
                CAPABILITY(LEASE),
                CAPABILITY(AUDIT_WRITE),
                CAPABILITY(AUDIT_CONTROL),
                CAPABILITY(SETFCAP),
                CAPABILITY(MAC_OVERRIDE),
                CAPABILITY(MAC_ADMIN),
                CAPABILITY(SYSLOG),
                CAPABILITY(WAKE_ALARM),
                CAPABILITY(BLOCK_SUSPEND),
                CAPABILITY(AUDIT_READ),
                CAPABILITY(PERFMON),
                CAPABILITY(BPF),
                CAPABILITY(CHECKPOINT_RESTORE),
                NULL,
};
static_assert(ELEMENTSOF(capability_names) - 1 == CAP_LAST_CAP + 1, "every capability has a name");

int value_capability_from_name(const char *name)
{
        uint32_t number;

        if (str_parse_u32(name, &number) >= 0)
                return number < 64 ? (int)number : -EINVAL;
        int r = value_find_name(capability_names, ELEMENTSOF(capability_names), name);
        if (r >= 0)
                return r;
        _cleanup_free_ char *full = xasprintf("CAP_%s", name);
        return value_find_name(capability_names, ELEMENTSOF(capability_names), full);
}

const char *value_capability_to_name(unsigned capability)
{
        return capability < ELEMENTSOF(capability_names) ? capability_names[capability] : NULL;
}

int value_capability_list(const char *text, uint64_t *ret, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, ", \t\n");
        uint64_t set = 0;

        STRV_FOREACH (w, words) {
                if (str_eq(*w, "all")) {
                        set = UINT64_MAX;
                        continue;
                }
                int r = value_capability_from_name(*w);
                if (r < 0)
                        return error_set(e, -EINVAL, "'%s' is no capability; capabilities(7) lists them", *w);
                set |= UINT64_C(1) << r;
        }
        *ret = set;
        return 0;
}

static uint64_t *capability_member(const MachineSpec *s, SpecField f)
{
        return (uint64_t *)((char *)s + field_row(f)->offset); /* constness is the caller's */
}
static int capability_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        uint64_t set = 0;
        int r = value_capability_list(text, &set, e);

        *capability_member(s, f) |= set;
        return r;
}
static void capability_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        uint64_t set = *capability_member(s, f);
        _cleanup_strv_ char **words = NULL;

        for (unsigned i = 0; i < 64 && set != UINT64_MAX; i++) {
                if (!(set & (UINT64_C(1) << i)))
                        continue;
                if (value_capability_to_name(i))
                        strv_push(&words, value_capability_to_name(i));
                else
                        strv_pushf(&words, "%u", i);
        }
        strv_consume(ret, set == UINT64_MAX ? xstrdup("all") : strv_join(words, " "));
}
static void capability_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *capability_member(to, f) = *capability_member(from, f);
        *capability_member(from, f) = 0;
}
static void capability_clear(MachineSpec *s, SpecField f)
{
        *capability_member(s, f) = 0;
}
const ValueType value_capabilities = {capability_parse, capability_format, capability_take,
                                      capability_clear, capability_names,  true};

/* ---- resource limits: names ---- */

#define LIMIT(name) [RLIMIT_##name] = #name
static const char *const rlimit_names[] = {
                LIMIT(CPU),      LIMIT(FSIZE),  LIMIT(DATA),    LIMIT(STACK),  LIMIT(CORE),  LIMIT(RSS),
                LIMIT(NPROC),    LIMIT(NOFILE), LIMIT(MEMLOCK), LIMIT(AS),     LIMIT(LOCKS), LIMIT(SIGPENDING),
                LIMIT(MSGQUEUE), LIMIT(NICE),   LIMIT(RTPRIO),  LIMIT(RTTIME),
};
static_assert(ELEMENTSOF(rlimit_names) == SPEC_RLIMITS, "every limit has a name");

int value_rlimit_from_name(const char *name)
{
        return value_find_name(rlimit_names, ELEMENTSOF(rlimit_names), skip_prefix(name, "RLIMIT_"));
}

const char *value_rlimit_to_name(unsigned limit)
{
        assert(limit < ELEMENTSOF(rlimit_names));
        return rlimit_names[limit];
}

/* ---- personality ---- */

typedef struct PersonalityName {
        const char *name;
        unsigned long value;
} PersonalityName;
/* The native architecture and the 32-bit one that the kernel can show in its place. */
static const PersonalityName personality_names[] = {
#if defined(__x86_64__)
                {"x86-64", PER_LINUX},
                {"x86", PER_LINUX32},
#elif defined(__i386__)
                {"x86", PER_LINUX},
#elif defined(__aarch64__)
                {"arm64", PER_LINUX},
                {"arm", PER_LINUX32},
#elif defined(__arm__)
                {"arm", PER_LINUX},
#elif defined(__s390x__)
                {"s390x", PER_LINUX},
                {"s390", PER_LINUX32},
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                {"ppc64-le", PER_LINUX},
                {"ppc-le", PER_LINUX32},
#elif defined(__powerpc64__)
                {"ppc64", PER_LINUX},
                {"ppc", PER_LINUX32},
#elif defined(__riscv) && __riscv_xlen == 64
                {"riscv64", PER_LINUX},
                {"riscv32", PER_LINUX32},
#elif defined(__loongarch64)
                {"loongarch64", PER_LINUX},
#elif defined(__mips64)
                {"mips64-le", PER_LINUX},
                {"mips-le", PER_LINUX32},
#endif
                {"linux", PER_LINUX},
                {"linux32", PER_LINUX32}, /* setarch(8)'s names, on every architecture */
};

static int personality_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        for (size_t i = 0; i < ELEMENTSOF(personality_names); i++)
                if (strcasecmp(personality_names[i].name, text) == 0) {
                        s->personality = personality_names[i].value;
                        return 0;
                }
        return error_set(e, -EINVAL, "personality '%s' is not one of this machine's; it offers '%s' and '%s'", text,
                         personality_names[0].name, personality_names[1].name);
}
static void personality_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        for (size_t i = 0; i < ELEMENTSOF(personality_names); i++)
                if (personality_names[i].value == s->personality) {
                        strv_push(ret, personality_names[i].name);
                        return;
                }
}
static void personality_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->personality = from->personality;
        from->personality = 0;
}
static void personality_clear(MachineSpec *s, SpecField f)
{
        s->personality = 0;
}
static const char *const personality_choices[] = {"linux", "linux32", NULL};
const ValueType value_personality = {personality_parse, personality_format,  personality_take,
                                     personality_clear, personality_choices, false};
