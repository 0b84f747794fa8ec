/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Libraries do not print: they report through one callback that the front end hands in. */

#include <stdint.h>

typedef enum EventKind {
        EVENT_STEP,     /* a new stage begins; text: "Fetching packages" */
        EVENT_PROGRESS, /* done and total, bytes or items, of the current stage */
        EVENT_NOTE,     /* one line worth reading that is not a failure */
        EVENT_WARNING,  /* something was left out or degraded; the text says what and why */
        _EVENT_KIND_MAX,
} EventKind;

typedef struct Event {
        EventKind kind;
        const char *text;     /* borrowed for the call */
        uint64_t done, total; /* EVENT_PROGRESS: bytes; total 0 = unknown */
} Event;

typedef struct Events {
        void (*func)(void *ctx, const Event *event); /* NULL: silent */
        void *ctx;
} Events;

void events_step(const Events *ev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void events_note(const Events *ev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void events_warning(const Events *ev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void events_progress(const Events *ev, uint64_t done, uint64_t total);
