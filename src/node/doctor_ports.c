/*
 * The addresses to listen at: are they this host's, and who has them? A bind that is undone at once answers the first
 * question, the kernel's table of sockets the second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_checks.h"
#include "net/listener.h"

#define STATE_LISTEN 0x0a

void
judge_port(struct findings *f, const struct port_facts *p)
{
	char at[NETADDR_TEXT_SIZE], owner[DOCTOR_WHO_SIZE];

	netaddr_format(at, &p->at);
	if (p->is_ours) {
		found(f, FOUND_OK, "%s: the node listens at %s", p->key, at);
	} else if (p->bind == ERR_NOT_FOUND) {
		found(f, FOUND_PROBLEM, "%s: this host has no address %s", p->key, at);
		advise(f, "\"ip address\" shows the addresses that it has; 0.0.0.0 stands for all of them.");
	} else if (p->is_held && p->holder > 0) {
		found(f, FOUND_PROBLEM, "%s: %s is taken by process %d (%s)", p->key, at, (int)p->holder, p->title);
		advise(f, "Stop that program, or choose another port.");
	} else if (p->is_held || p->bind == ERR_BUSY) {
		found(f, FOUND_PROBLEM, "%s: %s is taken by a program%s%s", p->key, at, p->is_held ? " of " : "",
		      p->is_held ? doctor_user(owner, p->owner) : "");
		advise(f, "\"sudo ss -ltnp\" names it: stop it, or choose another port.");
	} else if (p->bind == ERR_PERM && p->at.port < p->privileged) {
		found(f, FOUND_WARNING, "%s: %s is a port that needs a privilege, which whoever asks here has not",
		      p->key, at);
		advise(f,
		       "Choose a port from %u on, or give the node the privilege: "
		       "AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit.",
		       p->privileged);
	} else if (p->bind != OK) {
		found(f, FOUND_PROBLEM, "%s: %s cannot be listened at: %s", p->key, at, err_text(p->bind));
		advise(f, "Choose another address or port.");
	} else if (p->has_node) {
		found(f, FOUND_WARNING, "%s: the node that runs does not listen at %s", p->key, at);
		advise(f, "It was started with another configuration: start it again, or \"rensa reload\".");
	} else if (p->at.port >= p->local_first && p->at.port <= p->local_last) {
		found(f, FOUND_NOTE,
		      "%s: %s is free, but the kernel gives such ports to outgoing connections, so that it may be "
		      "taken when the "
		      "node starts",
		      p->key, at);
		advise(f, "Choose a port outside %u to %u, or reserve it: sysctl net.ipv4.ip_local_reserved_ports=%u",
		       p->local_first, p->local_last, p->at.port);
	} else {
		found(f, FOUND_OK, "%s: %s is free", p->key, at);
	}
}

/* "0100007F:1388", in words of the machine's own order. */
static bool
parse_local(struct netaddr *out, const char *text)
{
	size_t digits = strcspn(text, ":"), words = digits / 8;

	if (text[digits] != ':' || (digits != 8 && digits != 32))
		return false;
	*out = (struct netaddr){.is_v6 = digits == 32, .port = (uint16_t)strtoul(text + digits + 1, NULL, 16)};
	for (size_t i = 0; i < words; i++) {
		char word[9];
		memcpy(word, text + 8 * i, 8);
		word[8] = '\0';
		uint32_t value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(out->ip + 4 * i, &value, 4);
	}
	return true;
}

/* Would a listener at b be in the way of one at a? */
static bool
is_in_the_way(const struct netaddr *a, const struct netaddr *b)
{
	return a->port == b->port && a->is_v6 == b->is_v6 &&
	       (netaddr_same_ip(a, b) || netaddr_is_any(a) || netaddr_is_any(b));
}

/* Who listens there. Of several, our node goes before others. */
static void
look_up_holder(struct port_facts *p, pid_t node)
{
	FILE *table = fopen(p->at.is_v6 ? "/proc/net/tcp6" : "/proc/net/tcp", "re");
	char line[512], local[64];
	unsigned state;
	unsigned long owner;
	uint64_t inode;
	uid_t node_owner;

	while (table != NULL && !p->is_ours && fgets(line, sizeof(line), table) != NULL) {
		struct netaddr at;

		if (sscanf(line, "%*s %63s %*s %x %*s %*s %*s %lu %*s %" SCNu64, local, &state, &owner, &inode) != 4 ||
		    state != STATE_LISTEN || !parse_local(&at, local) || !is_in_the_way(&p->at, &at))
			continue;
		p->is_held = true;
		p->owner = (uid_t)owner;
		p->holder = proc_find_socket(0, inode);
		proc_title(p->title, p->holder);
		if (node <= 0)
			continue;
		/* Whoever may not look into the node's descriptors goes by the user. */
		p->is_ours = proc_find_socket(node, inode) > 0 ||
			     (p->holder == 0 && proc_owner(&node_owner, node) && node_owner == p->owner);
	}
	if (table != NULL)
		fclose(table);
}

static void
check_port(struct findings *f, const struct doctor *d, const char *key, const struct netaddr *at)
{
	struct port_facts p = {.key = key, .at = *at, .has_node = d->node > 0, .bind = listener_check(at)};
	FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned first, last;

	p.privileged = (uint16_t)proc_number("/proc/sys/net/ipv4/ip_unprivileged_port_start", 1024);
	if (range != NULL && fscanf(range, "%5u %5u", &first, &last) == 2) {
		p.local_first = (uint16_t)first;
		p.local_last = (uint16_t)last;
	}
	if (range != NULL)
		fclose(range);
	look_up_holder(&p, d->node);
	judge_port(f, &p);
}

void
check_ports(struct findings *f, const struct doctor *d)
{
	check_port(f, d, "[http] listen", &d->config->http.listen);
	if (d->config->peers.listen.port != 0)
		check_port(f, d, "[peers] listen", &d->config->peers.listen);
}
