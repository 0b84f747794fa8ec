/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"

int cli_console(Cli *c, Error *e)
{
        return machine_console(&c->host, c->words[0], e);
}

int cli_log(Cli *c, Error *e)
{
        size_t lines = c->options.lines == UINT32_MAX ? SIZE_MAX : c->options.lines;

        return machine_log(&c->host, c->words[0], lines, c->options.follow, STDOUT_FILENO, e);
}

/* ---- top ---- */

#define TOP_USEC USEC_PER_SEC

typedef struct Sample {
        char *name;
        MachineUsage usage;
} Sample;

typedef struct Samples {
        Sample *items;
        size_t n;
        uint64_t usec;
} Samples;

static void samples_done(Samples *s)
{
        for (size_t i = 0; i < s->n; i++)
                free(s->items[i].name);
        free(s->items);
        *s = (Samples){0};
}

static int take_samples(Cli *c, Samples *ret, Error *e)
{
        Machine *v;
        size_t n;
        int r = machine_list(&c->host, false, &v, &n, e);
        if (r < 0)
                return r;
        *ret = (Samples){.usec = clock_monotonic()};
        for (size_t i = 0; i < n; i++) {
                Sample s = {0};
                if (machine_usage(v + i, &s.usage) < 0) /* it may have ended just now */
                        continue;
                s.name = xstrdup(v[i].name);
                *vec_push(ret) = s;
        }
        machine_list_free(v, n);
        return 0;
}

static const Sample *find_sample(const Samples *s, const char *name)
{
        for (size_t i = 0; i < s->n; i++)
                if (str_eq(s->items[i].name, name))
                        return s->items + i;
        return NULL;
}

static void add_number(Table *t, uint64_t number)
{
        _cleanup_free_ char *text = xasprintf("%" PRIu64, number);
        table_add(t, text);
}

/* In percent of one CPU. */
static uint64_t share(const Samples *before, const Samples *now, const Sample *s)
{
        const Sample *old = find_sample(before, s->name);
        uint64_t passed = now->usec - before->usec;

        return !old || passed == 0 || s->usage.cpu_usec < old->usage.cpu_usec
                               ? 0
                               : (s->usage.cpu_usec - old->usage.cpu_usec) * 100 / passed;
}

static int print_samples(Cli *c, const Samples *before, const Samples *now, Error *e)
{
        static const Column columns[] = {{"MACHINE", CELL_TEXT},  {"CPU%", CELL_NUMBER},      {"SECONDS", CELL_NUMBER},
                                         {"MEMORY", CELL_NUMBER}, {"PROCESSES", CELL_NUMBER}, {"TASKS", CELL_NUMBER}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "machines"};

        for (size_t i = 0; i < now->n; i++) {
                const MachineUsage *u = &now->items[i].usage;
                char bytes[64];
                table_add(&t, now->items[i].name);
                add_number(&t, share(before, now, now->items + i));
                add_number(&t, u->cpu_usec / USEC_PER_SEC);
                if (c->options.json != FORMAT_OFF)
                        add_number(&t, u->memory);
                else
                        table_add(&t, str_format_bytes(bytes, sizeof(bytes), u->memory));
                add_number(&t, u->processes);
                add_number(&t, u->tasks);
        }
        int r = table_print(&t, &c->options, e);
        table_done(&t);
        return r;
}

/* Until it is interrupted on a terminal, else once. */
int cli_top(Cli *c, Error *e)
{
        static const char clear[] = "\033[H\033[2J";
        bool screen = c->options.json == FORMAT_OFF && isatty(STDOUT_FILENO);
        uint32_t times = c->options.lines != UINT32_MAX ? c->options.lines : screen ? UINT32_MAX : 1;
        Samples before = {0}, now = {0};
        int r = take_samples(c, &before, e);

        for (uint32_t i = 0; r >= 0 && i < times; i++) {
                usleep(TOP_USEC);
                r = take_samples(c, &now, e);
                if (r >= 0 && screen && times > 1)
                        r = cli_print(&(Buf){.data = (char *)clear, .len = sizeof(clear) - 1}, e);
                if (r >= 0)
                        r = print_samples(c, &before, &now, e);
                samples_done(&before);
                before = now;
                now = (Samples){0};
        }
        samples_done(&before);
        return r;
}
