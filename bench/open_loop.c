/*
 * A client that asks at fixed times, whether or not earlier answers have come, and counts each answer's time from the moment
 * at which its request was due. A client that waits for an answer before it asks again leaves out just those requests that
 * would have met the stall which it waits for.
 *
 * usage: open_loop make FILE COUNT DIFFICULTY	signs so many transfers ahead, a line of JSON each
 *        open_loop run PORT FILE		asks the node on this host; reads commands, one a line, and answers each with an
 *						object of JSON on one line
 *
 *	closed SECONDS		so many requests at once as IN_FLIGHT says, the next as soon as one is answered: {"rate"}
 *	open RATE SECONDS	{"reads","admissions","refused"}, of which each kind is {"count","p50","p99","p999"} in ms
 *
 * Nine requests of ten read (the head, a block, an amount, in turn), the tenth hands in the next transfer of FILE. Each kind
 * has connections of its own, so that nobody waits behind the other kind. Those who pay are people of bench/maker.h from
 * PAYERS_FIRST on: the others pay in blocks.
 *
 * The client shares the cores with the node. Where it is allowed to it runs before everybody else, as a client on another
 * machine would.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "maker.h"
#include "precise.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/views.h"

#define IN_FLIGHT 64
#define ADMISSION_EVERY 10
#define PAYERS_FIRST 50
#define REQUEST_MAX 2048
#define REPLY_MAX (64u << 10)
#define SAMPLES_MAX (1u << 20)
#define PATIENCE_NS UINT64_C(30000000000)
#define EVENTS 64

enum kind { READ, ADMISSION, KINDS };

struct connection {
	int fd;
	enum kind kind;
	uint64_t due_ns; /* of the request under way */
	struct connection *next_free;
	size_t got;
	char reply[REPLY_MAX];
};

/* What is due and has found no free connection, oldest first. */
struct queue {
	uint64_t *due_ns;
	uint32_t first, end;
};

struct client {
	int poll;
	uint16_t port;
	struct connection *connections, *free[KINDS];
	struct queue queue[KINDS];
	double *ms[KINDS]; /* how long each answer took */
	uint32_t count[KINDS], in_flight;
	uint64_t asked, refused;
	const char *body, *bodies_end;
	char amounts[SENDERS][ADDRESS_TEXT_SIZE];
};

static const uint32_t connections_of[KINDS] = {[READ] = 64, [ADMISSION] = 256};

/* make */

static void
make(const char *path, uint64_t count, uint32_t difficulty)
{
	FILE *f = fopen(path, "w");
	static struct maker m;
	struct buf line;

	must(f != NULL, "cannot write the transfers");
	maker_init_at(&m, difficulty);
	buf_init(&line);
	for (uint64_t i = 0; i < count; i++) {
		struct jout j;
		struct tx tx;

		buf_reset(&line);
		j = jout_to(&line);
		maker_sign(&m, &tx, PAYERS_FIRST + (uint32_t)(i % (SENDERS - PAYERS_FIRST)));
		view_tx(&j, &tx, m.params.address_version);
		buf_puts(&line, "\n");
		must(fwrite(line.data, 1, line.len, f) == line.len, "cannot write the transfers");
	}
	must(fclose(f) == 0, "cannot write the transfers");
	buf_clear(&line);
	maker_clear(&m);
}

/* run */

static size_t
write_read(const struct client *c, char *to)
{
	uint64_t n = c->asked;

	switch (n % 3) {
	case 0:
		return (size_t)snprintf(to, REQUEST_MAX, "GET /chain/head HTTP/1.1\r\nHost: rensa\r\n\r\n");
	case 1:
		return (size_t)snprintf(to, REQUEST_MAX, "GET /blocks/%" PRIu64 " HTTP/1.1\r\nHost: rensa\r\n\r\n",
					n % SENDERS + 1);
	default:
		return (size_t)snprintf(to, REQUEST_MAX,
					"GET /amount?blockchain_address=%s HTTP/1.1\r\nHost: rensa\r\n\r\n",
					c->amounts[n % SENDERS]);
	}
}

static size_t
write_admission(struct client *c, char *to)
{
	const char *end = memchr(c->body, '\n', (size_t)(c->bodies_end - c->body));
	int size;

	must(end != NULL, "too few transfers were signed");
	size = snprintf(to, REQUEST_MAX,
			"POST /transactions HTTP/1.1\r\nHost: rensa\r\nContent-Type: application/json\r\n"
			"Content-Length: %zu\r\n\r\n%.*s",
			(size_t)(end - c->body), (int)(end - c->body), c->body);
	must(size > 0 && size < REQUEST_MAX, "a transfer is too long");
	c->body = end + 1;
	return (size_t)size;
}

/* False: all connections of the kind are busy. */
static bool
ask(struct client *c, enum kind kind, uint64_t due_ns)
{
	struct connection *k = c->free[kind];
	char request[REQUEST_MAX];
	size_t size;

	if (k == NULL)
		return false;
	c->free[kind] = k->next_free;
	size = kind == READ ? write_read(c, request) : write_admission(c, request);
	k->due_ns = due_ns;
	k->got = 0;
	c->asked++;
	must(send(k->fd, request, size, MSG_NOSIGNAL) == (ssize_t)size, "a request was not taken whole");
	return true;
}

static void
ask_or_queue(struct client *c, enum kind kind, uint64_t due_ns)
{
	struct queue *q = &c->queue[kind];

	c->in_flight++;
	if (ask(c, kind, due_ns))
		return;
	must(q->end < SAMPLES_MAX, "too many wait");
	q->due_ns[q->end++] = due_ns;
}

/* Whether the reply is there whole; then also its status. */
static bool
reply_whole(const struct connection *k, int *status)
{
	const char *body = memmem(k->reply, k->got, "\r\n\r\n", 4), *length;

	if (body == NULL)
		return false;
	length = memmem(k->reply, (size_t)(body - k->reply), "\r\nContent-Length: ", 18);
	must(length != NULL && k->got > 12, "a reply without length");
	*status = atoi(k->reply + 9);
	return k->got - (size_t)(body + 4 - k->reply) >= (size_t)atol(length + 18);
}

static void
answered(struct client *c, struct connection *k, int status)
{
	struct queue *q = &c->queue[k->kind];
	uint32_t *count = &c->count[k->kind];

	if (status != (k->kind == READ ? 200 : 202) && c->refused++ == 0)
		fprintf(stderr, "open_loop: refused: %.*s\n", (int)(k->got < 600 ? k->got : 600), k->reply);
	must(*count < SAMPLES_MAX, "too many answers");
	c->ms[k->kind][(*count)++] = (double)(now_ns() - k->due_ns) / 1e6;
	c->in_flight--;
	k->next_free = c->free[k->kind];
	c->free[k->kind] = k;
	if (q->first < q->end)
		must(ask(c, k->kind, q->due_ns[q->first++]), "a free connection is busy");
}

static void
hear(struct client *c, struct connection *k)
{
	ssize_t got = recv(k->fd, k->reply + k->got, sizeof(k->reply) - 1 - k->got, 0);
	int status;

	if (got < 0 && errno == EAGAIN)
		return;
	must(got > 0, "the node has closed a connection");
	k->got += (size_t)got;
	k->reply[k->got] = '\0';
	if (reply_whole(k, &status))
		answered(c, k, status);
	else
		must(k->got + 1 < sizeof(k->reply), "a reply is too long");
}

static void
wait_until(struct client *c, uint64_t until_ns)
{
	struct epoll_event events[EVENTS];
	uint64_t now = now_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec patience = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
	int count = epoll_pwait2(c->poll, events, EVENTS, &patience, NULL);

	must(count >= 0 || errno == EINTR, "epoll");
	for (int i = 0; i < count; i++)
		hear(c, events[i].data.ptr);
}

static enum kind
kind_of(uint64_t n)
{
	return n % ADMISSION_EVERY == ADMISSION_EVERY - 1 ? ADMISSION : READ;
}

static void
begin(struct client *c)
{
	c->refused = 0;
	for (int i = 0; i < KINDS; i++) {
		c->count[i] = 0;
		c->queue[i].first = c->queue[i].end = 0;
	}
}

static void
finish(struct client *c)
{
	uint64_t until = now_ns() + PATIENCE_NS;

	while (c->in_flight > 0 && now_ns() < until)
		wait_until(c, until);
	must(c->in_flight == 0, "some requests were never answered");
}

static void
run_closed(struct client *c, double seconds)
{
	uint64_t since = now_ns(), until = since + (uint64_t)(seconds * 1e9), n = 0, answers;

	begin(c);
	while (now_ns() < until) {
		while (c->in_flight < IN_FLIGHT)
			ask_or_queue(c, kind_of(n++), now_ns());
		wait_until(c, until);
	}
	answers = n - c->in_flight;
	finish(c);
	printf("{\"rate\":%.0f,\"refused\":%" PRIu64 "}\n", (double)answers / seconds, c->refused);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
print_kind(struct client *c, const char *name, enum kind kind)
{
	double *ms = c->ms[kind];
	uint32_t n = c->count[kind];

	must(n > 0, "no answers");
	qsort(ms, n, sizeof(*ms), compare);
	printf("\"%s\":{\"count\":%" PRIu32 ",\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f}", name, n, ms[n / 2],
	       ms[(uint64_t)n * 99 / 100], ms[(uint64_t)n * 999 / 1000]);
}

static void
run_open(struct client *c, double rate, double seconds)
{
	uint64_t since = now_ns(), count = (uint64_t)(rate * seconds);

	begin(c);
	for (uint64_t n = 0; n < count;) {
		uint64_t now = now_ns(), due = since + (uint64_t)((double)n * 1e9 / rate);

		if (due <= now) {
			ask_or_queue(c, kind_of(n), due);
			n++;
		}
		/* A glance also when much is due: answers should not wait for questions. */
		if (due > now || n % 16 == 0)
			wait_until(c, due > now ? due : now);
	}
	finish(c);
	printf("{");
	print_kind(c, "reads", READ);
	printf(",");
	print_kind(c, "admissions", ADMISSION);
	printf(",\"refused\":%" PRIu64 "}\n", c->refused);
}

static void
connect_one(struct client *c, struct connection *k, enum kind kind)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(c->port)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = k};
	int on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	k->kind = kind;
	k->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(k->fd >= 0 && connect(k->fd, (struct sockaddr *)&to, sizeof(to)) == 0, "cannot connect");
	must(setsockopt(k->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, "no TCP_NODELAY");
	must(fcntl(k->fd, F_SETFL, O_NONBLOCK) == 0, "no non-blocking socket");
	must(epoll_ctl(c->poll, EPOLL_CTL_ADD, k->fd, &event) == 0, "epoll");
	k->next_free = c->free[kind];
	c->free[kind] = k;
}

static void
client_init(struct client *c, uint16_t port, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct connection *k;
	static struct maker m;
	struct stat st;

	must(fd >= 0 && fstat(fd, &st) == 0, "cannot open the transfers");
	c->body = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	must(c->body != MAP_FAILED, "cannot map the transfers");
	c->bodies_end = c->body + st.st_size;
	close(fd);
	maker_init_at(&m, 0);
	for (int i = 0; i < SENDERS; i++)
		address_format(c->amounts[i], &m.people[i].address, m.params.address_version);
	maker_clear(&m);

	c->port = port;
	c->poll = epoll_create1(EPOLL_CLOEXEC);
	must(c->poll >= 0, "no epoll");
	k = c->connections = xcalloc(connections_of[READ] + connections_of[ADMISSION], sizeof(*c->connections));
	for (enum kind kind = 0; kind < KINDS; kind++) {
		c->ms[kind] = xcalloc(SAMPLES_MAX, sizeof(*c->ms[kind]));
		c->queue[kind].due_ns = xcalloc(SAMPLES_MAX, sizeof(uint64_t));
		for (uint32_t i = 0; i < connections_of[kind]; i++)
			connect_one(c, k++, kind);
	}
}

static void
run(uint16_t port, const char *path)
{
	static struct client c;
	double rate, seconds;
	char line[128];

	client_init(&c, port, path);
	go_first("open_loop");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "closed %lf", &seconds) == 1)
			run_closed(&c, seconds);
		else if (sscanf(line, "open %lf %lf", &rate, &seconds) == 2)
			run_open(&c, rate, seconds);
		else
			must(false, "no such command");
		fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	uint64_t count, difficulty, port;

	if (argc == 5 && strcmp(argv[1], "make") == 0 && text_u64(&count, argv[3], 10000000) == OK &&
	    text_u64(&difficulty, argv[4], 64) == OK) {
		make(argv[2], count, (uint32_t)difficulty);
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "run") == 0 && text_u64(&port, argv[2], UINT16_MAX) == OK) {
		run((uint16_t)port, argv[3]);
		return 0;
	}
	fprintf(stderr, "usage: open_loop make FILE COUNT DIFFICULTY | open_loop run PORT FILE\n");
	return 2;
}
