/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-environ.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

/* Patterns of names. The first lines are of the phase that runs, then bash's, then those of the host that built the package. */
static const char *const foreign[] = {
                "D",
                "ED",
                "EPREFIX",
                "EROOT",
                "ROOT",
                "SYSROOT",
                "ESYSROOT",
                "BROOT",
                "T",
                "TMP",
                "TEMP",
                "TMPDIR",
                "WORKDIR",
                "S",
                "HOME",
                "FILESDIR",
                "DISTDIR",
                "MERGE_TYPE",
                "EMERGE_FROM",
                "EBUILD",
                "EBUILD_*",
                "PORTAGE_*",
                "CATEGORY",
                "P",
                "PN",
                "PV",
                "PR",
                "PVR",
                "PF",
                "REPLACING_VERSIONS",
                "REPLACED_BY_VERSION",
                "PATH",
                "PWD",
                "OLDPWD",
                "FEATURES",
                "BASH",
                "BASH_*",
                "BASHOPTS",
                "BASHPID",
                "COMP_*",
                "COPROC",
                "DIRSTACK",
                "EPOCHREALTIME",
                "EPOCHSECONDS",
                "EUID",
                "FUNCNAME",
                "GROUPS",
                "HIST*",
                "HOSTNAME",
                "HOSTTYPE",
                "IFS",
                "LINENO",
                "MACHTYPE",
                "MAILCHECK",
                "OPTARG",
                "OPTERR",
                "OPTIND",
                "OSTYPE",
                "PIPESTATUS",
                "POSIXLY_CORRECT",
                "PPID",
                "PS[0-4]",
                "RANDOM",
                "READLINE_*",
                "REPLY",
                "SECONDS",
                "SHELL",
                "SHELLOPTS",
                "SHLVL",
                "SRANDOM",
                "TERM",
                "UID",
                "_",
                "___*",
                "LANG",
                "LANGUAGE",
                "LC_*",
                "MAKEOPTS",
                "GNUMAKEFLAGS",
                "SANDBOX_*",
                "LD_PRELOAD",
                "LD_LIBRARY_PATH",
                "USER",
                "LOGNAME",
                "DISPLAY",
                "XDG_*",
                "DBUS_*",
                "SSH_*",
                "berth_*",
};

static bool is_foreign(Slice name)
{
        char text[128];

        if (name.n >= sizeof(text))
                return false;
        memcpy(text, name.s, name.n);
        text[name.n] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(foreign); i++)
                if (fnmatch(foreign[i], text, 0) == 0)
                        return true;
        return false;
}

static Slice rest_of(Slice s, size_t n)
{
        return (Slice){s.s + n, s.n - n};
}

static bool starts_with(Slice s, const char *prefix)
{
        size_t n = strlen(prefix);
        return s.n >= n && memcmp(s.s, prefix, n) == 0;
}

/* The name in "declare -x NAME=…", "declare NAME", "NAME=…"; empty where a line is none of them. */
static Slice variable_of(Slice line)
{
        size_t n = 0;

        if (starts_with(line, "export "))
                line = rest_of(line, strlen("export "));
        else if (starts_with(line, "declare ")) {
                line = rest_of(line, strlen("declare "));
                while (line.n > 0 && line.s[0] == '-') { /* "-x", "--" */
                        while (line.n > 0 && line.s[0] != ' ')
                                line = rest_of(line, 1);
                        while (line.n > 0 && line.s[0] == ' ')
                                line = rest_of(line, 1);
                }
                while (n < line.n && (isalnum((unsigned char)line.s[n]) || line.s[n] == '_'))
                        n++;
                return (Slice){line.s, n};
        }
        while (n < line.n && (isalnum((unsigned char)line.s[n]) || line.s[n] == '_'))
                n++;
        return n < line.n && line.s[n] == '=' ? (Slice){line.s, n} : (Slice){line.s, 0};
}

/* Where the shell word list of an assignment ends: at a newline that is in no quotes and in no parentheses. */
static size_t assignment_size(Slice s)
{
        unsigned depth = 0;
        size_t i = 0;

        for (char quote = 0; i < s.n; i++) {
                char c = s.s[i];
                if (quote == '\'') /* nothing means anything in it */
                        quote = c == '\'' ? 0 : quote;
                else if (c == '\\')
                        i++;
                else if (quote)
                        quote = (c == '"' && quote == '"') || (c == '\'' && quote == '$') ? 0 : quote;
                else if (c == '\'')
                        quote = i > 0 && s.s[i - 1] == '$' ? '$' : '\'';
                else if (c == '"')
                        quote = '"';
                else if (c == '(')
                        depth++;
                else if (c == ')' && depth > 0)
                        depth--;
                else if (c == '\n' && depth == 0)
                        return i + 1;
        }
        return s.n;
}

/* "name () " */
static bool is_function(Slice line)
{
        line = slice_strip(line);
        return line.n > 2 && line.s[line.n - 1] == ')' && line.s[line.n - 2] == '(' && !memchr(line.s, '=', line.n) &&
               !memchr(line.s, '"', line.n);
}

/* A body as bash prints it ends with the first line that is "}" alone, except within a here-document, whose delimiter bash prints at the
 * end of the line that starts it. */
static size_t function_size(Slice s)
{
        Slice rest = s, line, here = {NULL, 0};

        while (slice_line(&rest, &line)) {
                if (here.s) {
                        size_t tabs = 0;
                        while (tabs < line.n && line.s[tabs] == '\t')
                                tabs++;
                        Slice text = rest_of(line, tabs);
                        if (slice_eq(text, here) ||
                            (text.n == here.n + 1 && memcmp(text.s, here.s, here.n) == 0 && strchr(";)", text.s[here.n])))
                                here = (Slice){NULL, 0};
                        continue;
                }
                if (slice_eq_str(line, "}"))
                        break;
                for (size_t i = 0; i + 2 < line.n; i++) {
                        if (line.s[i] != '<' || line.s[i + 1] != '<' || (i > 0 && line.s[i - 1] == '<') || line.s[i + 2] == '<')
                                continue;
                        Slice word = rest_of(line, i + 2);
                        if (word.n > 0 && word.s[0] == '-')
                                word = rest_of(word, 1);
                        while (word.n > 0 && strchr(" '\"\\", word.s[0]))
                                word = rest_of(word, 1);
                        size_t n = 0;
                        while (n < word.n && (isalnum((unsigned char)word.s[n]) || strchr("_-", word.s[n])))
                                n++;
                        if (n > 0 && !isdigit((unsigned char)word.s[0])) /* 1 << 2 is arithmetic */
                                here = (Slice){word.s, n};
                        break;
                }
        }
        return (size_t)(rest.s - s.s);
}

void gentoo_environ_filter(Slice environment, Buf *ret)
{
        while (environment.n > 0) {
                Slice rest = environment, line;
                (void)slice_line(&rest, &line);
                size_t n = (size_t)(rest.s - environment.s);
                Slice name = variable_of(line);
                if (name.n > 0)
                        n = assignment_size(environment);
                else if (is_function(line))
                        n = function_size(environment);
                if (name.n == 0 || !is_foreign(name))
                        buf_append(ret, environment.s, n);
                environment = rest_of(environment, n);
        }
}
