/*
 * Signs transfers ahead, as bodies of requests, and sends them to a node as fast as it takes them.
 *
 * usage: post make FILE COUNT EACH	so many transfers, EACH of them in one body; a body is a line of FILE. 1: an object,
 *					as a wallet sends it; more: an array
 *        post send PORT FILE CONNECTIONS	each body once, over so many connections to the node on this host, each with
 *					one request at a time
 *        post verify SECONDS	what a signature costs libsecp256k1, with all cores busy at it
 *
 * The senders are the people of bench/maker.h, in turn, from sequence 0: the transfers of one body belong to as many
 * senders. Every transfer has to be accepted, or the program fails. `send` and `verify` print one object of JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <secp256k1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "maker.h"
#include "util/clock.h"
#include "util/text.h"
#include "wire/views.h"

#define CONNECTIONS_MAX 1024
#define HEAD_MAX 256
#define REPLY_MAX (64u << 10)
#define PATIENCE_MS 30000

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0, "no clock");
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* make */

static void
make(const char *path, uint64_t count, uint64_t each)
{
	FILE *f = fopen(path, "w");
	static struct maker m;
	struct buf line;
	struct tx tx;

	must(f != NULL, "cannot write the bodies");
	maker_init(&m);
	buf_init(&line);
	for (uint64_t i = 0; i < count;) {
		struct jout j;

		buf_reset(&line);
		j = jout_to(&line);
		if (each > 1)
			jout_array(&j);
		for (uint64_t k = 0; k < each && i < count; k++, i++) {
			maker_sign(&m, &tx, (uint32_t)i);
			view_tx(&j, &tx, m.params.address_version);
		}
		if (each > 1)
			jout_array_end(&j);
		buf_puts(&line, "\n");
		must(fwrite(line.data, 1, line.len, f) == line.len, "cannot write the bodies");
	}
	must(fclose(f) == 0, "cannot write the bodies");
	buf_clear(&line);
	maker_clear(&m);
}

/* send */

struct bodies {
	const char *at, *end; /* what was not sent yet */
};

struct connection {
	int fd;
	struct buf request; /* head and body, so that they leave in one write */
	size_t sent;
	char reply[REPLY_MAX];
	size_t got;
};

struct sender {
	struct bodies bodies;
	int epoll;
	uint16_t port;
	uint64_t requests, accepted, waiting;
	uint32_t open;
	struct connection *connections;
};

static void
watch(const struct sender *s, struct connection *c, uint32_t what)
{
	struct epoll_event e = {.events = what, .data.ptr = c};

	must(epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &e) == 0, "cannot watch a connection");
}

/* Sends what is left of the request; a large one may take several turns. */
static void
go_on(const struct sender *s, struct connection *c)
{
	while (c->sent < c->request.len) {
		ssize_t n = write(c->fd, c->request.data + c->sent, c->request.len - c->sent);
		if (n < 0 && errno == EAGAIN) {
			watch(s, c, EPOLLIN | EPOLLOUT);
			return;
		}
		must(n > 0, "a connection broke");
		c->sent += (size_t)n;
	}
}

/* The next body on this connection; none is left: it is done. */
static void
next(struct sender *s, struct connection *c)
{
	struct bodies *b = &s->bodies;
	const char *line = b->at, *end;

	if (line == b->end) {
		must(close(c->fd) == 0, "cannot close a connection");
		c->fd = -1;
		s->open--;
		return;
	}
	end = memchr(line, '\n', (size_t)(b->end - line));
	must(end != NULL, "the bodies end within one");
	b->at = end + 1;
	buf_reset(&c->request);
	buf_printf(&c->request,
		   "POST /transactions HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n"
		   "Content-Length: %zu\r\n\r\n",
		   s->port, (size_t)(end - line));
	buf_append(&c->request, line, (size_t)(end - line));
	c->sent = c->got = 0;
	s->requests++;
	go_on(s, c);
}

static uint64_t
count_of(const char *text, const char *what)
{
	uint64_t count = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		count++;
	return count;
}

/* True: the reply is whole, and says that everything was accepted. */
static bool
is_answered(struct sender *s, struct connection *c)
{
	static const char length_is[] = "Content-Length: ";
	const char *body, *length;
	uint64_t waiting;

	c->reply[c->got] = '\0';
	body = strstr(c->reply, "\r\n\r\n");
	if (body == NULL)
		return false;
	body += 4;
	length = strstr(c->reply, length_is);
	must(length != NULL && length < body, "a reply without its length");
	if (c->got - (size_t)(body - c->reply) < strtoul(length + strlen(length_is), NULL, 10))
		return false;
	if (strncmp(c->reply, "HTTP/1.1 202 ", 13) != 0 || strstr(body, "\"error\"") != NULL) {
		fprintf(stderr, "bench: not accepted: %s\n", c->reply);
		exit(1);
	}
	waiting = count_of(body, "\"status\":\"waiting\"");
	s->waiting += waiting;
	s->accepted += waiting + count_of(body, "\"status\":\"pending\"");
	return true;
}

static void
hear(struct sender *s, struct connection *c)
{
	ssize_t n = read(c->fd, c->reply + c->got, sizeof(c->reply) - 1 - c->got);

	if (n < 0 && errno == EAGAIN)
		return;
	must(n > 0, "a connection ended, or its reply is too long");
	c->got += (size_t)n;
	if (is_answered(s, c))
		next(s, c);
}

static void
connect_all(struct sender *s, uint32_t count)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static const int on = 1;

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->connections = calloc(count, sizeof(*s->connections));
	must(s->epoll >= 0 && s->connections != NULL, "no room for connections");
	for (; s->open < count; s->open++) {
		struct connection *c = &s->connections[s->open];
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

		c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		must(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0, "cannot connect");
		must(setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
			 fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0 && epoll_ctl(s->epoll, EPOLL_CTL_ADD, c->fd, &e) == 0,
		     "cannot watch a connection");
		buf_init(&c->request);
	}
}

static void
send_all(struct sender *s, uint32_t count)
{
	struct epoll_event events[64];

	for (uint32_t i = 0; i < count; i++)
		next(s, &s->connections[i]);
	while (s->open > 0) {
		int n = epoll_wait(s->epoll, events, 64, PATIENCE_MS);

		must(n > 0, "the node does not answer");
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (events[i].events & EPOLLOUT) {
				watch(s, c, EPOLLIN);
				go_on(s, c);
			}
			if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
				hear(s, c);
		}
	}
}

static void
send_file(uint16_t port, const char *path, uint32_t connections)
{
	struct sender s = {.port = port};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t since_us, took_us, cpu;
	struct stat st;
	void *text;

	must(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0, "cannot read the bodies");
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	must(text != MAP_FAILED, "cannot read the bodies");
	close(fd);
	s.bodies = (struct bodies){text, (const char *)text + st.st_size};
	connect_all(&s, connections);
	cpu = cpu_ns();
	since_us = clock_mono_us();
	send_all(&s, connections);
	took_us = clock_mono_us() - since_us;
	cpu = cpu_ns() - cpu;
	printf("{\"requests\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"waiting\":%" PRIu64
	       ",\"seconds\":%.6f,\"cpu_ns\":%" PRIu64 "}\n",
	       s.requests, s.accepted, s.waiting, (double)took_us / 1e6, cpu);
	for (uint32_t i = 0; i < connections; i++)
		buf_clear(&s.connections[i].request);
	free(s.connections);
	close(s.epoll);
	munmap(text, (size_t)st.st_size);
}

/* verify */

struct signed_id {
	uint8_t key[PUBKEY_SIZE], signature[SIGNATURE_SIZE], id[32];
};

/* Straight from the library's own functions: a key and a signature read, one verified against the other. */
static void
check(const secp256k1_context *ctx, const struct signed_id *s)
{
	secp256k1_ecdsa_signature signature;
	secp256k1_pubkey key;

	must(secp256k1_ecdsa_signature_parse_compact(ctx, &signature, s->signature) == 1 &&
		 secp256k1_ec_pubkey_parse(ctx, &key, s->key, sizeof(s->key)) == 1 &&
		 secp256k1_ecdsa_verify(ctx, &signature, s->id, &key) == 1,
	     "bad signature");
}

static void
verify(uint64_t seconds)
{
	struct total {
		_Atomic uint64_t checked, cpu_ns;
	} *all = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	static struct signed_id ids[SENDERS];
	static struct maker m;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t until;

	must(all != MAP_FAILED && ctx != NULL, "no memory");
	maker_init(&m);
	for (uint32_t i = 0; i < SENDERS; i++) {
		struct hash256 id;
		struct tx tx;

		maker_sign(&m, &tx, i);
		id = tx_id(&tx);
		memcpy(ids[i].key, tx.sender_key.b, sizeof(ids[i].key));
		memcpy(ids[i].signature, tx.signature.b, sizeof(ids[i].signature));
		memcpy(ids[i].id, id.b, sizeof(ids[i].id));
	}
	maker_clear(&m);
	until = clock_mono_ms() + seconds * 1000;
	for (long core = 0; core < cores; core++)
		if (fork() == 0) {
			uint64_t since = cpu_ns(), checked = 0;
			for (; clock_mono_ms() < until; checked += SENDERS)
				for (int i = 0; i < SENDERS; i++)
					check(ctx, &ids[i]);
			all->checked += checked;
			all->cpu_ns += cpu_ns() - since;
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	must(all->checked > 0, "nothing was verified");
	printf("{\"signatures\":%" PRIu64 ",\"cpu_ns\":%" PRIu64 ",\"cores\":%ld}\n", all->checked, all->cpu_ns, cores);
	secp256k1_context_destroy(ctx);
}

int
main(int argc, char **argv)
{
	uint64_t a, b;

	if (argc == 5 && strcmp(argv[1], "make") == 0 && text_u64(&a, argv[3], 10000000) == OK &&
	    text_u64(&b, argv[4], 1000) == OK && b > 0)
		make(argv[2], a, b);
	else if (argc == 5 && strcmp(argv[1], "send") == 0 && text_u64(&a, argv[2], UINT16_MAX) == OK &&
		 text_u64(&b, argv[4], CONNECTIONS_MAX) == OK && b > 0)
		send_file((uint16_t)a, argv[3], (uint32_t)b);
	else if (argc == 3 && strcmp(argv[1], "verify") == 0 && text_u64(&a, argv[2], 60) == OK && a > 0)
		verify(a);
	else {
		fprintf(stderr, "usage: post make FILE COUNT EACH | post send PORT FILE CONNECTIONS | post verify "
				"SECONDS\n");
		return 2;
	}
	return 0;
}
