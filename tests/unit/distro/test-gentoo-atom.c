/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "distro/gentoo-atom.h"
#include "distro/gentoo-index.h"

static Slice text(const char *s)
{
        return (Slice){s, strlen(s)};
}

static GentooAtom atom(const char *s, const char *eapi)
{
        GentooAtom a = {0};
        Error e = {0};

        if (gentoo_atom_parse(text(s), eapi ? gentoo_eapi(text(eapi)) : NULL, &a, &e) < 0)
                fail_msg("%s", e.message);
        return a;
}

static GentooPackage package(const char *cpv, const char *slot, const char *use, const char *iuse)
{
        GentooPackage p = {.slot = text(slot),
                           .subslot = text(slot),
                           .repository = SLICE("gentoo"),
                           .use = text(use),
                           .iuse = text(iuse)};
        const char *slash = strchr(slot, '/');

        if (slash) {
                p.slot.n = (size_t)(slash - slot);
                p.subslot = text(slash + 1);
        }
        if (!gentoo_package_set_cpv(&p, text(cpv)))
                fail_msg("'%s' is no package", cpv);
        return p;
}

static void parts(void **state)
{
        GentooAtom a = atom("!!>=dev-libs/open+ssl-3.0.1_p2-r4:0/3=::gentoo[asm,-bindist,x(+)?,!y=]", "8");

        assert_int_equal(a.block, GENTOO_BLOCK_STRONG);
        assert_int_equal(a.op, GENTOO_OP_GREATER_EQUAL);
        assert_true(slice_eq_str(a.category, "dev-libs"));
        assert_true(slice_eq_str(a.name, "open+ssl"));
        assert_true(slice_eq_str(a.version, "3.0.1_p2-r4"));
        assert_true(slice_eq_str(a.slot, "0"));
        assert_true(slice_eq_str(a.subslot, "3"));
        assert_int_equal(a.slot_operator, '=');
        assert_true(slice_eq_str(a.repository, "gentoo"));
        Slice rest = a.use;
        GentooUse u;
        assert_true(gentoo_use_next(&rest, &u) && slice_eq_str(u.flag, "asm") && !u.prefix && !u.suffix && !u.fallback);
        assert_true(gentoo_use_next(&rest, &u) && slice_eq_str(u.flag, "bindist") && u.prefix == '-');
        assert_true(gentoo_use_next(&rest, &u) && slice_eq_str(u.flag, "x") && u.fallback == '+' && u.suffix == '?');
        assert_true(gentoo_use_next(&rest, &u) && slice_eq_str(u.flag, "y") && u.prefix == '!' && u.suffix == '=');
        assert_false(gentoo_use_next(&rest, &u));
        assert_int_equal(rest.n, 0);
}

static void build_ids_are_told_from_versions(void **state)
{
        GentooAtom a = atom("=cat/pkg-1.0-2", NULL);
        assert_true(slice_eq_str(a.version, "1.0"));
        assert_true(slice_eq_str(a.build_id, "2"));
        a = atom("=cat/pkg-1.0-r2", NULL);
        assert_true(slice_eq_str(a.version, "1.0-r2"));
        assert_int_equal(a.build_id.n, 0);
}

static void each_eapi_has_its_own(void **state)
{
        static const struct {
                const char *atom, *last_without, *first_with;
        } cases[] = {{"cat/pkg:0", "0", "1"},   {"cat/pkg[x]", "1", "2"}, {"!!cat/pkg", "1", "2"}, {"cat/pkg[x(+)]", "3", "4"},
                     {"cat/pkg:0/1", "4", "5"}, {"cat/pkg:=", "4", "5"},  {"cat/pkg:*", "4", "5"}, {"cat/pkg:0=", "4", "5"}};
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                GentooAtom a;
                if (gentoo_atom_parse(text(cases[i].atom), gentoo_eapi(text(cases[i].last_without)), &a, NULL) >= 0)
                        fail_msg("EAPI %s takes %s", cases[i].last_without, cases[i].atom);
                if (gentoo_atom_parse(text(cases[i].atom), gentoo_eapi(text(cases[i].first_with)), &a, NULL) < 0)
                        fail_msg("EAPI %s refuses %s", cases[i].first_with, cases[i].atom);
        }
        for (const char *name = "012345678"; *name; name++)
                assert_non_null(gentoo_eapi((Slice){name, 1}));
        assert_null(gentoo_eapi(text("99")));
        assert_ptr_equal(gentoo_eapi(text("")), gentoo_eapi(text("0")));
}

static void what_is_no_atom(void **state)
{
        static const char *const bad[] = {"",
                                          "pkg",
                                          "cat/",
                                          "/pkg",
                                          "cat/pkg-1",
                                          "=cat/pkg",
                                          "=cat/pkg-*",
                                          "cat/pkg:",
                                          "cat/pkg[",
                                          "cat/pkg]",
                                          "cat/pkg[]",
                                          "cat/pkg[x,]",
                                          "cat/pkg[,x]",
                                          "cat/pkg[!x]",
                                          "cat/pkg[-x?]",
                                          "cat/pkg::",
                                          "cat/pkg:/1",
                                          "cat/pkg:0/",
                                          "!!!cat/pkg",
                                          "==cat/pkg-1",
                                          "~cat/pkg-1-r1",
                                          "cat/p kg",
                                          "cat/pkg[x y]",
                                          ">=cat/pkg-1*",
                                          "cat/pkg::-x",
                                          "cat/pkg:a b",
                                          "-cat/pkg",
                                          "cat/pkg-1.0-2"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                GentooAtom a;
                Error e = {0};
                if (gentoo_atom_parse(text(bad[i]), NULL, &a, &e) >= 0)
                        fail_msg("'%s' is accepted", bad[i]);
                assert_true(e.message[0]);
        }
}

static void versions_match(void **state)
{
        static const struct {
                const char *atom, *version;
                bool match;
        } cases[] = {
                        {"c/p", "1", true},
                        {"=c/p-1.00", "1.0", true},
                        {"=c/p-1", "1-r0", true},
                        {"=c/p-1", "1-r1", false},
                        {"~c/p-1", "1-r1", true},
                        {"~c/p-1", "1.0", false},
                        {"~c/p-1.0", "1.00-r1", false}, /* the same version, written otherwise */
                        {"<c/p-2", "1.9-r5", true},
                        {"<c/p-2", "2", false},
                        {"<=c/p-2", "2-r0", true},
                        {"<=c/p-2", "2-r1", false},
                        {">=c/p-2", "2_rc1", false},
                        {">=c/p-2", "2_p1", true},
                        {">c/p-2", "2-r1", true},
                        {"=c/p-1*", "1", true},
                        {"=c/p-1*", "1.2", true},
                        {"=c/p-1*", "1a", true},
                        {"=c/p-1*", "1_p", true},
                        {"=c/p-1*", "1-r3", true},
                        {"=c/p-1*", "10", false},
                        {"=c/p-1.1*", "1.10", false},
                        {"=c/p-01*", "1.2", true},
                        {"=c/p-1*", "01.2", true},
                        {"=c/p-0.1*", "0.1.2", true},
                        {"=c/p-1_p*", "1_p2", true},
                        {"=c/p-1_p*", "1_pre2", false},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char cpv[64];
                snprintf(cpv, sizeof(cpv), "c/p-%s", cases[i].version);
                GentooAtom a = atom(cases[i].atom, NULL);
                GentooPackage p = package(cpv, "0", "", "");
                if (gentoo_atom_matches(&a, &p, NULL) != cases[i].match)
                        fail_msg("%s and %s", cases[i].atom, cpv);
        }
}

static void slots_and_repositories_match(void **state)
{
        static const struct {
                const char *atom;
                bool match;
        } cases[] = {{"c/p:0", true},
                     {"c/p:1", false},
                     {"c/p:0/3", true},
                     {"c/p:0/4", false},
                     {"c/p:0/3=", true},
                     {"c/p:0/2=", false},
                     {"c/p:*", true},
                     {"c/p:=", true},
                     {"c/p:0=", true},
                     {"c/p:1=", false},
                     {"c/p::gentoo", true},
                     {"c/p::other", false},
                     {"c/p:0::gentoo[x]", true},
                     {"c/q", false},
                     {"d/p", false}};
        GentooPackage p = package("c/p-1", "0/3", "x", "x");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                GentooAtom a = atom(cases[i].atom, NULL);
                if (gentoo_atom_matches(&a, &p, NULL) != cases[i].match)
                        fail_msg("%s", cases[i].atom);
        }
}

static void flags_match(void **state)
{
        char *implicit[] = {(char *)"amd64", (char *)"elibc_glibc", NULL};
        static const struct {
                const char *atom;
                bool match;
        } cases[] =
                        {
                                        {"c/p[on]", true},        {"c/p[-on]", false},
                                        {"c/p[off]", false},      {"c/p[-off]", true},
                                        {"c/p[on,-off]", true},   {"c/p[on,off]", false},
                                        {"c/p[gone]", false}, /* unknown and without a fallback: never, whichever way */
                                        {"c/p[-gone]", false},    {"c/p[gone(+)]", true},
                                        {"c/p[-gone(+)]", false}, {"c/p[gone(-)]", false},
                                        {"c/p[-gone(-)]", true},  {"c/p[on(-)]", true}, /* known: the fallback is of no matter */
                                        {"c/p[-on(-)]", false},   {"c/p[elibc_glibc]", true},
                                        {"c/p[-amd64]", true},    {"c/p[amd64]", false},
                        };
        GentooPackage p = package("c/p-1", "0", "elibc_glibc on", "+on -off");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                GentooAtom a = atom(cases[i].atom, NULL);
                if (gentoo_atom_matches(&a, &p, implicit) != cases[i].match)
                        fail_msg("%s", cases[i].atom);
        }
}

/* The table of the four conditional forms, with the flag on and off in the package that depends. */
static void conditions_follow_the_parent(void **state)
{
        static const struct {
                const char *atom, *on, *off;
        } cases[] = {{"c/p[x]", "c/p[x]", "c/p[x]"},
                     {"c/p[-x]", "c/p[-x]", "c/p[-x]"},
                     {"c/p[x?]", "c/p[x]", "c/p"},
                     {"c/p[!x?]", "c/p", "c/p[-x]"},
                     {"c/p[x=]", "c/p[x]", "c/p[-x]"},
                     {"c/p[!x=]", "c/p[-x]", "c/p[x]"},
                     {"c/p:0[x(+)?,y]", "c/p:0[x(+),y]", "c/p:0[y]"}};
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (int on = 0; on < 2; on++) {
                        GentooAtom a = atom(cases[i].atom, NULL);
                        Buf b = {0};
                        gentoo_atom_evaluate(&a, on ? SLICE("w x z") : SLICE("w z"), &b);
                        assert_string_equal(b.data, on ? cases[i].on : cases[i].off);
                        buf_done(&b);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(parts),
                        cmocka_unit_test(build_ids_are_told_from_versions),
                        cmocka_unit_test(each_eapi_has_its_own),
                        cmocka_unit_test(what_is_no_atom),
                        cmocka_unit_test(versions_match),
                        cmocka_unit_test(slots_and_repositories_match),
                        cmocka_unit_test(flags_match),
                        cmocka_unit_test(conditions_follow_the_parent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
