/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Repositories and the profiles in them: what @system is, which flags there are, what is masked. Source: Package Manager Specification,
 * chapter 5, and Portage's extensions ("repo:path" parents, profile sets). */

#include <stdbool.h>

#include "base/error.h"
#include "distro/gentoo-package.h"

typedef struct GentooRepo {
        char *name, *path; /* path: its directory on this host */
        char *url;         /* where git fetched it from; NULL: it is a directory of this host's */
        char **aliases;
        bool repo_parents; /* profile-formats = portage-2: parents may be "repo:path" */
        bool profile_set;  /* profile-set: unstarred lines of `packages` are @profile */
        bool directories;  /* portage-1, portage-2: files of a profile may be directories whatever its EAPI */
        char *eapi;        /* of profiles without a file `eapi` */
} GentooRepo;

typedef struct GentooRepos {
        GentooRepo *items;
        size_t n;
} GentooRepos;

/* Adds the repository in a directory: its name from profiles/repo_name or metadata/layout.conf; the given one (NULL: none) has to be the
 * same. -ENOENT where the directory is no repository. */
int gentoo_repos_add(GentooRepos *r, const char *name, const char *path, Error *e);
/* What --repo= says: "NAME=PATH", "PATH", "NAME=URL". The name has to be checked where it becomes a part of a path. */
typedef struct GentooRepoWord {
        char *name, *path; /* the caller's; name NULL: not given; path: of a URL where its work tree is to be */
        const char *url;   /* in the word; NULL: a directory */
} GentooRepoWord;
void gentoo_repo_word(const char *word, const char *repos_dir, GentooRepoWord *ret);
const GentooRepo *gentoo_repos_find(const GentooRepos *r, Slice name); /* by name or alias */
void gentoo_repos_done(GentooRepos *r);

typedef struct GentooProfile {
        char *name;                                          /* "gentoo:default/linux/amd64/23.0/systemd" */
        char **nodes;                                        /* directories, parents first */
        char **system;                                       /* atoms of @system */
        char **profile;                                      /* atoms of @profile */
        char **mask, **unmask;                               /* atoms of package.mask and package.unmask */
        char **build;                                        /* atoms of packages.build: what everything else is built with */
        char **force;                                        /* flags of use.force */
        char **use_mask;                                     /* and of use.mask */
        char **package_use, **package_force, **package_mask; /* lines of package.use, package.use.force and .mask: "ATOM FLAG…" */
        char **keywords;                                     /* lines of package.accept_keywords, of settings only */
        char *use;                                           /* the words of USE, with those that take others away */
        char **provided;                                     /* cpvs of package.provided */
        char **variables;                                    /* NAME=VALUE of make.defaults; incremental ones are settled */
} GentooProfile;

/* name: "repo:path below profiles/", or such a path in the first repository that has it, or a directory's absolute path inside one of the
 * repositories. Messages name the file and line, and the profiles that come close. */
int gentoo_profile_read(const GentooRepos *repos, const char *name, GentooProfile *ret, Error *e);
/* Of a directory like /etc/portage: its own files into `user`, its directory profile as the last node of the profile. */
int gentoo_settings_read(const char *dir, GentooProfile *profile, GentooProfile *user, Error *e);
extern const char *const gentoo_setting_files[];         /* the names of those that count, NULL at the end */
char *gentoo_setting(const char *dir, const char *name); /* the text of one, also where it is a directory; NULL: there is none */
/* All of these files' text, for keys. */
char *gentoo_settings_text(const char *dir);
void gentoo_profile_done(GentooProfile *p);
const char *gentoo_profile_get(const GentooProfile *p, const char *variable); /* "" where it is not set */

/* The flags that every package knows, by variables of make.defaults or of an index's header: IUSE_IMPLICIT, and the values of the
 * variables that USE_EXPAND_IMPLICIT lists, with or without prefix. Appends to *flags, each once. */
void gentoo_implicit_flags(const char *(*get)(const void *from, const char *variable), const void *from, char ***flags);
