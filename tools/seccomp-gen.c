/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* seccomp-gen --names GROUPS CPU-FAMILY: writes the names of the calls and groups with their numbers, see write_names().
 * seccomp-gen GROUPS CPU-FAMILY: writes a C source with one table of system calls per architecture that programs on a CPU of that
 * family can use. Each row begins a range of numbers of one class; src/engine/filter.c makes the BPF program of them when a machine
 * starts, as only then its capabilities are known. Runs on the build machine, whose libseccomp knows the numbers of all architectures. */

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/filter.h"

#define NAMES_MAX   4096
#define GROUPS_MAX  64
#define NUMBERS_MAX 256

typedef struct Name {
        char name[48];
        int group; /* for members of a group; -1 in the policy */
        uint8_t class;
} Name;

typedef struct Policy {
        char groups[GROUPS_MAX][32];
        int n_groups;
        Name members[NAMES_MAX], rules[NAMES_MAX];
        int n_members, n_rules;
        struct {
                char name[48];
                unsigned nr;
        } numbers[NUMBERS_MAX];
        int n_numbers;
} Policy;

typedef struct Arch {
        const char *family, *name;
        uint32_t token; /* SCMP_ARCH_* is the kernel's AUDIT_ARCH_* but for x32 */
        uint32_t audit;
        uint32_t base; /* where the numbers begin */
} Arch;

#define X32_BIT 0x40000000U

static const Arch archs[] = {
                {"x86_64", "x86-64", SCMP_ARCH_X86_64, SCMP_ARCH_X86_64, 0},
                {"x86_64", "x32", SCMP_ARCH_X32, SCMP_ARCH_X86_64, X32_BIT},
                {"x86_64", "i386", SCMP_ARCH_X86, SCMP_ARCH_X86, 0},
                {"x86", "i386", SCMP_ARCH_X86, SCMP_ARCH_X86, 0},
                {"aarch64", "arm64", SCMP_ARCH_AARCH64, SCMP_ARCH_AARCH64, 0},
                {"aarch64", "arm", SCMP_ARCH_ARM, SCMP_ARCH_ARM, 0},
                {"arm", "arm", SCMP_ARCH_ARM, SCMP_ARCH_ARM, 0},
                {"riscv64", "riscv64", SCMP_ARCH_RISCV64, SCMP_ARCH_RISCV64, 0},
                {"ppc64", "ppc64le", SCMP_ARCH_PPC64LE, SCMP_ARCH_PPC64LE, 0},
                {"ppc64", "ppc64", SCMP_ARCH_PPC64, SCMP_ARCH_PPC64, 0},
                {"ppc64", "ppc", SCMP_ARCH_PPC, SCMP_ARCH_PPC, 0},
                {"ppc", "ppc", SCMP_ARCH_PPC, SCMP_ARCH_PPC, 0},
                {"s390x", "s390x", SCMP_ARCH_S390X, SCMP_ARCH_S390X, 0},
                {"s390x", "s390", SCMP_ARCH_S390, SCMP_ARCH_S390, 0},
                {"mips64", "mips64el", SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64, 5000},
                {"mips64", "mips64el-n32", SCMP_ARCH_MIPSEL64N32, SCMP_ARCH_MIPSEL64N32, 6000},
                {"mips64", "mipsel", SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL, 4000},
                {"mips", "mipsel", SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL, 4000},
#ifdef SCMP_ARCH_LOONGARCH64
                {"loongarch64", "loongarch64", SCMP_ARCH_LOONGARCH64, SCMP_ARCH_LOONGARCH64, 0},
#endif
};

static void fail(const char *what, const char *object)
{
        fprintf(stderr, "seccomp-gen: %s: %s\n", what, object);
        exit(EXIT_FAILURE);
}

static int find_group(Policy *p, const char *name)
{
        for (int i = 0; i < p->n_groups; i++)
                if (strcmp(p->groups[i], name) == 0)
                        return i;
        return -1;
}

static void add(Name *list, int *n, const char *name, int group, uint8_t class)
{
        if (*n >= NAMES_MAX || strlen(name) >= sizeof(list->name))
                fail("too much or too long", name);
        strcpy(list[*n].name, name);
        list[*n].group = group;
        list[(*n)++].class = class;
}

static void add_rule(Policy *p, const char *word, uint8_t class)
{
        if (word[0] != '@') {
                add(p->rules, &p->n_rules, word, -1, class);
                return;
        }
        int group = find_group(p, word + 1);
        if (group < 0)
                fail("no such group", word);
        for (int i = 0; i < p->n_members; i++)
                if (p->members[i].group == group)
                        add(p->rules, &p->n_rules, p->members[i].name, -1, class);
}

/* One line that begins with a keyword; returns what its words, and those of the lines that follow, belong to. */
static char *keyword(Policy *p, char *line, int *group, int *class)
{
        char word[48];
        unsigned number;
        int end = 0;

        *group = *class = -1;
        if (sscanf(line, "group %31s%n", word, &end) == 1) {
                *group = p->n_groups++;
                if (*group >= GROUPS_MAX)
                        fail("too many groups", word);
                strcpy(p->groups[*group], word);
        } else if (sscanf(line, "capability %u %47s%n", &number, word, &end) == 2)
                *class = SECCOMP_CLASS_CAPABILITY + (int)number;
        else if (sscanf(line, "number %47s %u%n", word, &number, &end) == 2) {
                if (p->n_numbers >= NUMBERS_MAX)
                        fail("too many numbers", word);
                strcpy(p->numbers[p->n_numbers].name, word);
                p->numbers[p->n_numbers++].nr = number;
        } else if (strncmp(line, "allow", 5) == 0) {
                *class = SECCOMP_CLASS_ALLOW;
                end = 5;
        } else if (strncmp(line, "sync", 4) == 0) {
                *class = SECCOMP_CLASS_SYNC;
                end = 4;
        } else
                fail("not understood", line);
        return line + end;
}

static void read_policy(Policy *p, const char *path)
{
        FILE *f = fopen(path, "re");
        int group = -1, class = -1;
        char line[512];

        if (!f)
                fail("cannot open", path);
        while (fgets(line, sizeof(line), f)) {
                char *rest = line;

                if (line[0] == '#' || line[0] == '\n')
                        continue;
                if (line[0] != '\t')
                        rest = keyword(p, line, &group, &class);
                for (char *word = strtok(rest, " \t\n"); word; word = strtok(NULL, " \t\n"))
                        if (group >= 0)
                                add(p->members, &p->n_members, word, group, 0);
                        else if (class >= 0)
                                add_rule(p, word, (uint8_t) class);
                        else
                                fail("belongs to nothing", word);
        }
        fclose(f);
}

/* The calls whose arguments matter. */
static uint8_t special(const char *name, uint8_t class)
{
        static const struct {
                const char *name;
                uint8_t class;
        } calls[] = {
                        {"socket", SECCOMP_CLASS_SOCKET},
                        {"open", SECCOMP_CLASS_OPEN},
                        {"openat", SECCOMP_CLASS_OPENAT},
                        {"openat2", SECCOMP_CLASS_OPENAT2},
        };

        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
                if (class == SECCOMP_CLASS_ALLOW && strcmp(calls[i].name, name) == 0)
                        return calls[i].class;
        if (class == SECCOMP_CLASS_SYNC && strcmp(name, "sync") != 0 && strcmp(name, "msync") != 0)
                return SECCOMP_CLASS_SYNC_FILE;
        return class;
}

static uint8_t classify(const Policy *p, const char *name)
{
        uint8_t class = SECCOMP_CLASS_REFUSE;

        for (int i = 0; i < p->n_rules; i++) {
                if (strcmp(p->rules[i].name, name) != 0)
                        continue;
                /* "always" wins over "with a capability"; a call that synchronises is in both lists */
                if (class == SECCOMP_CLASS_REFUSE || p->rules[i].class == SECCOMP_CLASS_SYNC ||
                    (p->rules[i].class == SECCOMP_CLASS_ALLOW && class >= SECCOMP_CLASS_CAPABILITY))
                        class = p->rules[i].class;
        }
        return special(name, class);
}

static uint8_t classify_number(const Policy *p, const Arch *arch, uint32_t nr)
{
        char *name = seccomp_syscall_resolve_num_arch(arch->token, (int)nr);
        uint8_t class = SECCOMP_CLASS_UNKNOWN;

        if (name)
                class = classify(p, name);
        else
                for (int i = 0; i < p->n_numbers; i++)
                        if (p->numbers[i].nr + arch->base == nr)
                                class = classify(p, p->numbers[i].name);
        free(name);
        return class;
}

/* Where an architecture's numbers can be: from its base on, and ARM's private ones. */
static void write_arch(const Policy *p, const Arch *arch, uint8_t *last)
{
        static const struct {
                uint32_t from, n;
        } spans[] = {{0, 1024}, {0xf0000, 16}};

        printf("        /* %s */\n", arch->name);
        for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
                for (uint32_t nr = arch->base + spans[i].from; nr <= arch->base + spans[i].from + spans[i].n; nr++) {
                        uint8_t class = classify_number(p, arch, nr);

                        if (class != *last)
                                printf("        {0x%xU, %u},\n", nr, class);
                        *last = class;
                }
}

static void write_tables(const Policy *p, const char *family)
{
        const size_t n = sizeof(archs) / sizeof(archs[0]);

        for (size_t i = 0; i < n; i++) {
                uint8_t last = SECCOMP_CLASS_UNKNOWN;

                if (strcmp(archs[i].family, family) != 0)
                        continue;
                printf("static const SeccompRow rows_%zu[] = {\n        {0, %u},\n", i, SECCOMP_CLASS_UNKNOWN);
                write_arch(p, &archs[i], &last);
                /* x32 is told from its x86-64 only by the numbers */
                for (; i + 1 < n && strcmp(archs[i + 1].family, family) == 0 && archs[i + 1].audit == archs[i].audit; i++)
                        write_arch(p, &archs[i + 1], &last);
                printf("};\n\n");
        }
        printf("const SeccompArch seccomp_archs[] = {\n");
        for (size_t i = 0; i < n; i++)
                if (strcmp(archs[i].family, family) == 0) {
                        printf("        {0x%xU, rows_%zu, ELEMENTSOF(rows_%zu)},\n", archs[i].audit, i, i);
                        for (; i + 1 < n && strcmp(archs[i + 1].family, family) == 0 && archs[i + 1].audit == archs[i].audit; i++)
                                ;
                }
        printf("        {0, NULL, 0},\n};\n");
}

/* ---- names ---- */

#define CALLS_MAX 2048
#define ARCHS_MAX 4

typedef struct Call {
        char name[48];
        long numbers[ARCHS_MAX]; /* -1: not on that architecture */
} Call;

typedef struct Calls {
        Call items[CALLS_MAX];
        int n;
} Calls;

static void add_call(Calls *calls, const char *name, int arch, uint32_t nr)
{
        Call *c = NULL;

        for (int i = 0; i < calls->n && !c; i++)
                if (strcmp(calls->items[i].name, name) == 0)
                        c = &calls->items[i];
        if (!c) {
                if (calls->n >= CALLS_MAX || strlen(name) >= sizeof(c->name))
                        fail("too many calls, or too long a name", name);
                c = &calls->items[calls->n++];
                strcpy(c->name, name);
                for (int i = 0; i < ARCHS_MAX; i++)
                        c->numbers[i] = -1;
        }
        c->numbers[arch] = (long)nr;
}

static void add_calls(const Policy *p, Calls *calls, const Arch *arch, int column)
{
        static const uint32_t from[] = {0, 0xf0000};

        for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++)
                for (uint32_t nr = arch->base + from[i]; nr < arch->base + from[i] + 1024; nr++) {
                        char *name = seccomp_syscall_resolve_num_arch(arch->token, (int)nr);
                        if (name)
                                add_call(calls, name, column, nr);
                        for (int k = 0; !name && k < p->n_numbers; k++)
                                if (p->numbers[k].nr + arch->base == nr)
                                        add_call(calls, p->numbers[k].name, column, nr);
                        free(name);
                }
}

static void write_groups(const Policy *p)
{
        for (int g = 0; g < p->n_groups; g++) {
                printf("        \"@%s", p->groups[g]);
                for (int i = 0; i < p->n_members; i++)
                        if (p->members[i].group == g)
                                printf(" %s", p->members[i].name);
                printf("\\n\"\n");
        }
}

/* One text, so that a program that never looks at it has nothing to relocate: the architectures' AUDIT_ARCH_*, then a line for each
 * call with its number on each of them or "-", then a line for each group. */
static void write_names(const Policy *p, const char *family)
{
        static Calls calls;
        int columns = 0;

        printf("const char plan_system_call_names[] =\n        \"\"\n        \"archs");
        for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
                if (strcmp(archs[i].family, family) == 0) {
                        printf(" %u", archs[i].audit);
                        add_calls(p, &calls, &archs[i], columns++);
                }
        printf("\\n\"\n");
        for (int i = 0; i < calls.n; i++) {
                printf("        \"%s", calls.items[i].name);
                for (int k = 0; k < columns; k++)
                        if (calls.items[i].numbers[k] < 0)
                                printf(" -");
                        else
                                printf(" %ld", calls.items[i].numbers[k]);
                printf("\\n\"\n");
        }
        write_groups(p);
        printf("        ;\n");
}

int main(int argc, char **argv)
{
        static Policy policy;
        bool names = argc == 4 && strcmp(argv[1], "--names") == 0;

        if (names) {
                read_policy(&policy, argv[2]);
                printf("/* SPDX-License-Identifier: LGPL-2.1-or-later */\n/* Written by tools/seccomp-gen. */\n"
                       "#include \"plan/syscall.h\"\n\n");
                write_names(&policy, argv[3]);
                return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        if (argc != 3)
                fail("usage", "seccomp-gen [--names] GROUPS CPU-FAMILY");
        read_policy(&policy, argv[1]);
        printf("/* SPDX-License-Identifier: LGPL-2.1-or-later */\n/* Written by tools/seccomp-gen. */\n"
               "#include <stddef.h>\n\n#include \"base/macro.h\"\n#include \"engine/filter.h\"\n\n");
        write_tables(&policy, argv[2]);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
