/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/events.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"

__attribute__((format(printf, 3, 0))) static void send_text(const Events *ev, EventKind kind, const char *fmt, va_list ap)
{
        if (!ev || !ev->func)
                return;

        _cleanup_free_ char *text = xvasprintf(fmt, ap);
        ev->func(ev->ctx, &(Event){.kind = kind, .text = text});
}

void events_step(const Events *ev, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        send_text(ev, EVENT_STEP, fmt, ap);
        va_end(ap);
}

void events_note(const Events *ev, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        send_text(ev, EVENT_NOTE, fmt, ap);
        va_end(ap);
}

void events_warning(const Events *ev, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        send_text(ev, EVENT_WARNING, fmt, ap);
        va_end(ap);
}

void events_progress(const Events *ev, uint64_t done, uint64_t total)
{
        if (ev && ev->func)
                ev->func(ev->ctx, &(Event){.kind = EVENT_PROGRESS, .done = done, .total = total});
}
