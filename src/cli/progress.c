/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"
#include "base/str.h"

#define REDRAW_USEC 100000       /* ten times a second */
#define QUICK_USEC  USEC_PER_SEC /* what takes less needs no lines in a log */
#define BAR_WIDTH   24
#define COLUMNS     80 /* when the terminal does not say */

void progress_init(Progress *p)
{
        *p = (Progress){.terminal = isatty(STDERR_FILENO)};
}

void progress_clear(Progress *p)
{
        if (p->drawn)
                fputs("\r\033[K", stderr);
        p->drawn = false;
}

static unsigned columns(void)
{
        struct winsize w;
        return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : COLUMNS;
}

static void amounts(const Progress *p, const Event *event, char *ret, size_t size)
{
        char done[32], total[32], rate[32];
        uint64_t passed = clock_monotonic() - p->begun_usec;
        uint64_t fresh = event->done - MIN(event->done, p->first_done);
        str_format_bytes(done, sizeof(done), event->done);
        str_format_bytes(total, sizeof(total), event->total);
        str_format_bytes(rate, sizeof(rate), passed > 0 ? fresh * USEC_PER_SEC / passed : 0);
        snprintf(ret, size, "%s of %s, %s/s", done, event->total ? total : "?", rate);
}

static void draw(Progress *p, const Event *event, unsigned percent)
{
        char bar[BAR_WIDTH + 1], text[128], line[512];
        unsigned filled = percent * BAR_WIDTH / 100;
        memset(bar, ' ', BAR_WIDTH);
        memset(bar, '=', filled);
        if (filled < BAR_WIDTH)
                bar[filled] = '>';
        bar[BAR_WIDTH] = '\0';
        amounts(p, event, text, sizeof(text));
        snprintf(line, sizeof(line), "  [%s] %3u%%  %s", bar, percent, text);
        fprintf(stderr, "\r\033[K%.*s", (int)columns() - 1, line);
        fflush(stderr);
        p->drawn = true;
}

static void on_progress(Progress *p, const Event *event)
{
        uint64_t now = clock_monotonic();
        unsigned percent = event->total ? (unsigned)(MIN(event->done, event->total) * 100 / event->total) : 0;
        bool last = event->total && event->done >= event->total;
        if (p->begun_usec == 0) {
                p->begun_usec = now;
                p->first_done = event->done; /* what was in the cache already says nothing about speed */
        }
        if (p->terminal) {
                if (!last && now - p->drawn_usec < REDRAW_USEC)
                        return;
                p->drawn_usec = now;
                draw(p, event, percent);
                return;
        }
        unsigned tenths = percent / 10;
        if (now - p->begun_usec < QUICK_USEC || tenths <= p->printed_tenths ||
            tenths % 2 != 0) /* every 20 percent is enough for a log */
                return;
        p->printed_tenths = tenths;
        char text[128];
        amounts(p, event, text, sizeof(text));
        fprintf(stderr, "%s: %u%%, %s\n", p->step, percent, text);
}

static void on_event(void *ctx, const Event *event)
{
        Progress *p = ctx;
        switch (event->kind) {
        case EVENT_STEP:
                progress_clear(p);
                snprintf(p->step, sizeof(p->step), "%s", event->text);
                p->begun_usec = p->drawn_usec = 0;
                p->printed_tenths = 0;
                fprintf(stderr, "%s\n", event->text);
                break;
        case EVENT_PROGRESS:
                on_progress(p, event);
                break;
        case EVENT_NOTE:
                progress_clear(p);
                fprintf(stderr, "%s\n", event->text);
                break;
        case EVENT_WARNING:
                progress_clear(p);
                fprintf(stderr, "berth: warning: %s\n", event->text);
                break;
        case _EVENT_KIND_MAX:
                break;
        }
}

Events progress_events(Progress *p)
{
        return (Events){.func = on_event, .ctx = p};
}
