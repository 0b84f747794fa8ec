/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-configure.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

/* The whole program is one function, so that the shell has read it to the end when the first script runs, and the scripts read
 * nothing from it.
 *
 * Daemons must not start: invoke-rc.d asks policy-rc.d, and what calls start-stop-daemon by itself gets one that does nothing.
 * Nor is there an init to talk to: ischroot says so, else libc6 waits a second for it. */
static const char head[] =
                "berth_main() {\n"
                "umask 022\n"
                "cd /\n"
                "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d\n"
                "chmod 755 /usr/sbin/policy-rc.d\n"
                "s=/sbin/start-stop-daemon\n"
                "if [ -f $s ]; then\n"
                "  mv $s $s.REAL\n"
                "  printf '#!/bin/sh\\necho \"start-stop-daemon: nothing is started while a root is built\" >&2\\n' >$s\n"
                "  chmod 755 $s\n"
                "fi\n"
                "c=/usr/bin/ischroot\n"
                "if [ -f $c ]; then\n"
                "  mv $c $c.REAL\n"
                "  printf '#!/bin/sh\\n' >$c\n"
                "  chmod 755 $c\n"
                "fi\n"
                "preinst() {\n"
                "  DPKG_MAINTSCRIPT_PACKAGE=$1 DPKG_MAINTSCRIPT_ARCH=$2 DPKG_MAINTSCRIPT_NAME=preinst "
                "DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 \\\n"
                "  DPKG_MAINTSCRIPT_DEBUG=0 DPKG_ROOT= DPKG_ADMINDIR=/var/lib/dpkg DPKG_RUNNING_VERSION=\"$version\" \\\n"
                "  \"/var/lib/dpkg/info/$3.preinst\" install && return\n"
                "  echo \"berth: error: the preinst script of package '$1' failed with status $?\"\n"
                "  exit 1\n"
                "}\n";

/* Logs, caches and identities are nothing that two machines of one image should share. */
static const char tail[] = "dpkg --force-unsafe-io --configure -a || exit\n"
                           "[ ! -f $s.REAL ] || mv -f $s.REAL $s\n"
                           "[ ! -f $c.REAL ] || mv -f $c.REAL $c\n"
                           "rm -rf /usr/sbin/policy-rc.d /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log \\\n"
                           "  /var/log/apt/history.log /var/log/apt/term.log /var/log/apt/eipp.log.xz \\\n"
                           "  /var/cache/ldconfig/aux-cache /var/lib/dbus/machine-id /var/cache/apt/*.bin\n"
                           "if [ -e /etc/machine-id ]; then rm /etc/machine-id; : >/etc/machine-id; fi\n"
                           "for f in /run/* /run/.[!.]* /tmp/* /tmp/.[!.]*; do\n"
                           "  case $f in /run/lock|'/run/*'|'/run/.[!.]*'|'/tmp/*'|'/tmp/.[!.]*') ;; *) rm -rf --one-file-system "
                           "\"$f\" ;; esac\n"
                           "done\n"
                           "for d in /var/lib/apt/lists/partial /var/cache/apt/archives/partial; do\n"
                           "  if [ -d $d ]; then chown _apt:root $d; chmod 700 $d; fi\n"
                           "done\n"
                           ":\n"
                           "}\n"
                           "berth_main </dev/null 2>&1\n";

static void add_preinsts(Buf *b, const DebConfigure *c, DebStage stage)
{
        for (size_t i = 0; i < c->n; i++) {
                const DebUnpacked *u = c->preinsts[i].package;
                if (c->preinsts[i].stage == stage)
                        buf_addf(b, "preinst '%s' '%s' '%s'\n", u->name, u->arch, u->info);
        }
}

static void add_names(Buf *b, char *const *names)
{
        _cleanup_free_ char *list = strv_join(names, " ");

        if (names && *names)
                buf_addf(b, "dpkg --force-unsafe-io --configure %s || exit\n", list);
}

/* In the order given, in which what is needed comes first. */
static void add_deferred(Buf *b, char *const *names)
{
        if (!names || !*names)
                return;
        buf_adds(b, "dpkg --force-unsafe-io --unpack");
        STRV_FOREACH (name, names)
                buf_addf(b, " '%s/%s.deb'", DEB_DEFERRED_DIR, *name);
        buf_adds(b, " || exit\nrm -r " DEB_DEFERRED_DIR "\n");
}

void deb_configure_script(const DebConfigure *c, Buf *ret)
{
        buf_adds(ret, head);
        buf_addf(ret, "version='%s'\n", c->dpkg_version);
        add_preinsts(ret, c, DEB_STAGE_BASE);
        add_names(ret, c->base);
        add_preinsts(ret, c, DEB_STAGE_REST);
        add_names(ret, c->settle);
        add_preinsts(ret, c, DEB_STAGE_LATE);
        add_deferred(ret, c->deferred);
        buf_adds(ret, tail);
}

char *deb_configure_reason(const char *output)
{
        static const struct {
                const char *mark, *shown;
        } marks[] = {
                        {"berth: error: ", ""},
                        {"dpkg: error processing package ", "package "},
                        {"dpkg: error processing archive ", "package "},
                        {"dpkg: unrecoverable fatal error, aborting:", "dpkg:"},
                        {"dpkg: error: ", ""},
        };
        _cleanup_strv_ char **lines = strv_split(output ?: "", "\n");

        for (size_t m = 0; m < ELEMENTSOF(marks); m++)
                STRV_FOREACH (line, lines) {
                        const char *rest = str_startswith(*line, marks[m].mark);
                        if (!rest)
                                continue;
                        /* dpkg says on the next line, indented, why. */
                        const char *next = line[1] && line[1][0] == ' ' ? str_strip(line[1]) : NULL;
                        return xasprintf("%s%s%s%s", marks[m].shown, rest, next ? " " : "", next ?: "");
                }
        size_t n = strv_len(lines);
        return xstrdup(n > 0 ? lines[n - 1] : "it said nothing");
}

int deb_configure(const DebConfigure *c, const DistroRunner *runner, Error *e)
{
        static const char *const argv[] = {"/bin/sh", "-s", NULL};
        static const char *const env[] = {
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "HOME=/root",
                        "LC_ALL=C.UTF-8",
                        "DEBIAN_FRONTEND=noninteractive",
                        "DEBCONF_NONINTERACTIVE_SEEN=true",
                        NULL,
        };
        _cleanup_buf_ Buf script = {0};
        _cleanup_free_ char *output = NULL;
        int status = 0;

        deb_configure_script(c, &script);
        DistroCommand command = {.argv = (char *const *)argv, .env = (char *const *)env, .stdin_text = script.data};
        int k = runner->run(runner->ctx, &command, &status, &output, e);
        if (k < 0)
                return error_prefix(e, k, "configuring the packages");
        if (status == 0)
                return 0;
        _cleanup_free_ char *reason = deb_configure_reason(output);
        return error_set(e, -EREMOTEIO, "the packages cannot be configured: %s", reason);
}
