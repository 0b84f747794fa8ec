/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <stdio.h>

#include "base/events.h"

typedef struct Seen {
        int n;
        EventKind kind;
        char text[64];
        uint64_t done, total;
} Seen;

static void see(void *ctx, const Event *event)
{
        Seen *s = ctx;

        s->n++;
        s->kind = event->kind;
        s->done = event->done;
        s->total = event->total;
        snprintf(s->text, sizeof(s->text), "%s", event->text ? event->text : "");
}

static void texts_arrive_formatted(void **state)
{
        Seen s = {};
        Events ev = {see, &s};

        events_step(&ev, "Fetching %d packages", 3);
        assert_int_equal(s.kind, EVENT_STEP);
        assert_string_equal(s.text, "Fetching 3 packages");
        events_note(&ev, "n");
        assert_int_equal(s.kind, EVENT_NOTE);
        events_warning(&ev, "w");
        assert_int_equal(s.kind, EVENT_WARNING);
        assert_int_equal(s.n, 3);
}

static void progress_carries_numbers(void **state)
{
        Seen s = {};
        Events ev = {see, &s};

        events_progress(&ev, 5, 10);
        assert_int_equal(s.kind, EVENT_PROGRESS);
        assert_int_equal(s.done, 5);
        assert_int_equal(s.total, 10);
}

static void nobody_listening_is_fine(void **state)
{
        Events silent = {};

        events_step(NULL, "x");
        events_progress(&silent, 1, 2);
        events_note(&silent, "x");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(texts_arrive_formatted),
                        cmocka_unit_test(progress_carries_numbers),
                        cmocka_unit_test(nobody_listening_is_fine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
