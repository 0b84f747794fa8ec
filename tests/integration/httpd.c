/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A web server for tests: one directory on 127.0.0.1, one child and one answer for each connection. Prints its port.
 *
 *   httpd DIRECTORY LOG [BEHAVIOUR…]
 *
 * LOG gets a line for each request: "PATH RANGE-START|- STATUS". Behaviours:
 *   fail=N      the first N requests get 503
 *   status=N    every request gets this status
 *   cut=N       the first answer with a file ends after N bytes of its body, though more were promised
 *   cut-always  with cut=N: every answer
 *   no-ranges   the whole file is sent whatever is asked for
 *   stall=N     after N bytes of the body nothing more comes
 *   delay=MS    before each answer
 *   grow        the body goes on past the promised length, without end: no Content-Length
 *   redirect=URL  every request goes there, with its path appended
 *   etag        answers have an ETag, and If-None-Match and If-Range are heard
 *   etag-deaf   the same, but If-Range is not heard
 *
 * It is also a proxy: asked for http://ANY/PATH it answers with its own PATH, and the log has the whole. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct Server {
        const char *directory, *redirect;
        int log;
        unsigned fail, status, delay;
        long cut, stall; /* -1: not */
        bool cut_always, no_ranges, grow, etag, etag_deaf;
        _Atomic unsigned *requests, *files; /* shared by the children: what they have answered */
} Server;

typedef struct Query {
        char path[1024];
        long start;                          /* of the range, -1: none */
        time_t since;                        /* 0: none */
        char none_match[256], if_range[256]; /* "" = none */
        unsigned number;                     /* counted from 0 */
} Query;

#define say(sock, ...)                                \
        do {                                          \
                if (dprintf((sock), __VA_ARGS__) < 0) \
                        _exit(0);                     \
        } while (0)

static void note(const Server *s, const Query *q, int status)
{
        char line[2048];
        int n = q->start >= 0 ? snprintf(line, sizeof(line), "%s %ld %d\n", q->path, q->start, status)
                              : snprintf(line, sizeof(line), "%s - %d\n", q->path, status);

        if (write(s->log, line, (size_t)n) < 0)
                _exit(1);
}

static void take_header(const char *text, const char *name, char ret[static 256])
{
        const char *at = strcasestr(text, name);

        ret[0] = '\0';
        if (at)
                snprintf(ret, 256, "%.*s", (int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
}

static void read_query(int sock, Query *q)
{
        static char text[16384];
        size_t have = 0;

        while (have < sizeof(text) - 1 && !strstr(text, "\r\n\r\n")) {
                ssize_t n = read(sock, text + have, sizeof(text) - 1 - have);
                if (n <= 0)
                        _exit(0);
                have += (size_t)n;
        }
        q->start = -1;
        if (sscanf(text, "GET %1023s", q->path) != 1 || strstr(q->path, ".."))
                _exit(0);
        const char *range = strcasestr(text, "\r\nRange: bytes="), *since = strcasestr(text, "\r\nIf-Modified-Since: ");
        struct tm tm = {0};
        take_header(text, "\r\nIf-None-Match: ", q->none_match);
        take_header(text, "\r\nIf-Range: ", q->if_range);
        if (range)
                q->start = atol(range + 15);
        if (since && strptime(since + 21, "%a, %d %b %Y %H:%M:%S GMT", &tm))
                q->since = timegm(&tm);
}

static void answer_empty(const Server *s, int sock, const Query *q, int status)
{
        note(s, q, status);
        say(sock, "HTTP/1.1 %d Test\r\nContent-Length: 5\r\nConnection: close\r\n\r\nnope\n", status);
}

static void send_body(const Server *s, int sock, int fd, const Query *q)
{
        static char block[65536];
        long sent = 0, cut = s->cut >= 0 && (s->cut_always || atomic_fetch_add(s->files, 1) == 0) ? s->cut : -1;

        for (;;) {
                ssize_t n = read(fd, block, sizeof(block));
                if (n <= 0 && !s->grow)
                        return;
                if (n <= 0) {
                        memset(block, 'x', sizeof(block));
                        n = sizeof(block);
                }
                long stop = cut >= 0 ? cut : s->stall;
                if (stop >= 0 && sent + n > stop)
                        n = stop - sent;
                if (n > 0 && write(sock, block, (size_t)n) != n)
                        return;
                sent += n;
                if (cut >= 0 && sent >= cut)
                        return;
                if (s->stall >= 0 && sent >= s->stall)
                        pause();
        }
}

static const char *own_path(const Query *q)
{
        const char *host = strncmp(q->path, "http://", 7) == 0 ? strchr(q->path + 7, '/') : NULL;

        return host ? host : q->path;
}

static void answer_file(const Server *s, int sock, const Query *q)
{
        char path[4096], date[64], etag[64];
        struct stat st;

        snprintf(path, sizeof(path), "%s%s", s->directory, own_path(q));
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
                answer_empty(s, sock, q, 404);
                return;
        }
        snprintf(etag, sizeof(etag), "\"%lx-%lx-%lx\"", (long)st.st_size, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        if ((q->since && st.st_mtime <= q->since) || (s->etag && strcmp(q->none_match, etag) == 0)) {
                note(s, q, 304);
                say(sock, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
                return;
        }
        bool other = s->etag && !s->etag_deaf && *q->if_range && strcmp(q->if_range, etag) != 0;
        long from = s->no_ranges || q->start < 0 || other ? 0 : q->start, size = (long)st.st_size;
        if (from > 0 && from >= size) {
                answer_empty(s, sock, q, 416);
                return;
        }
        bool partial = from > 0;
        note(s, q, partial ? 206 : 200);
        strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&st.st_mtime));
        say(sock, "HTTP/1.1 %s\r\nConnection: close\r\n", partial ? "206 Partial Content" : "200 OK");
        if (s->etag)
                say(sock, "ETag: %s\r\n", etag);
        say(sock, "Last-Modified: %s\r\n", date);
        if (partial)
                say(sock, "Content-Range: bytes %ld-%ld/*\r\n", from, size - 1);
        if (!s->grow)
                say(sock, "Content-Length: %ld\r\n", size - from);
        say(sock, "\r\n");
        lseek(fd, from, SEEK_SET);
        send_body(s, sock, fd, q);
}

static void serve(const Server *s, int sock)
{
        Query q = {0};

        read_query(sock, &q);
        q.number = atomic_fetch_add(s->requests, 1);
        if (s->delay)
                usleep(s->delay * 1000);
        if (s->redirect) {
                char target[2048];
                snprintf(target, sizeof(target), "%s%s", s->redirect, q.path);
                note(s, &q, 302);
                say(sock, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", target);
        } else if (s->status || q.number < s->fail)
                answer_empty(s, sock, &q, s->status ? (int)s->status : 503);
        else
                answer_file(s, sock, &q);
        shutdown(sock, SHUT_WR);
        while (read(sock, q.path, sizeof(q.path)) > 0) /* so that no reset overtakes the answer */
                ;
}

static void behave(Server *s, const char *word)
{
        const char *value = strchr(word, '=');
        long n = value ? atol(value + 1) : 0;

        if (strncmp(word, "fail=", 5) == 0)
                s->fail = (unsigned)n;
        else if (strncmp(word, "status=", 7) == 0)
                s->status = (unsigned)n;
        else if (strncmp(word, "cut=", 4) == 0)
                s->cut = n;
        else if (strncmp(word, "stall=", 6) == 0)
                s->stall = n;
        else if (strncmp(word, "delay=", 6) == 0)
                s->delay = (unsigned)n;
        else if (strncmp(word, "redirect=", 9) == 0)
                s->redirect = value + 1;
        else if (strcmp(word, "cut-always") == 0)
                s->cut_always = true;
        else if (strcmp(word, "no-ranges") == 0)
                s->no_ranges = true;
        else if (strcmp(word, "etag") == 0)
                s->etag = true;
        else if (strcmp(word, "etag-deaf") == 0)
                s->etag = s->etag_deaf = true;
        else if (strcmp(word, "grow") == 0)
                s->grow = true;
        else
                exit(2);
}

static int listen_somewhere(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof(address);
        int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (sock < 0 || bind(sock, (struct sockaddr *)&address, len) < 0 || listen(sock, 128) < 0 ||
            getsockname(sock, (struct sockaddr *)&address, &len) < 0)
                exit(1);
        printf("%u\n", ntohs(address.sin_port));
        fclose(stdout);
        return sock;
}

int main(int argc, char **argv)
{
        Server s = {.cut = -1, .stall = -1};

        if (argc < 3)
                return 2;
        s.directory = argv[1];
        s.log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        for (int i = 3; i < argc; i++)
                behave(&s, argv[i]);
        s.requests = mmap(NULL, 2 * sizeof(*s.requests), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (s.log < 0 || s.requests == MAP_FAILED)
                return 1;
        s.files = s.requests + 1;
        signal(SIGCHLD, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);

        int server = listen_somewhere();
        for (;;) {
                int sock = accept(server, NULL, NULL);
                if (sock >= 0 && fork() == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        close(server);
                        serve(&s, sock);
                        _exit(0);
                }
                close(sock);
        }
}
