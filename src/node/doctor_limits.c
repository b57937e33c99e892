/*
 * How much the system lets the node have: shared memory, memory, open files, sizes of files. Of a node that runs the limits
 * are its own; before a start they are those of whoever asks, and a service may have others, which the advice says.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include "doctor_checks.h"
#include "node/roles.h"
#include "outfit.h"
#include "store/store.h"

#define SHM_FOLDER "/dev/shm"
#define DOCKER_SHM (UINT64_C(64) << 20)
#define MEMORY_APART (UINT64_C(256) << 20) /* what the processes need beside the shared memory */
#define FILES_RESERVED 32		   /* of a worker, for all but connections */
#define FILES_FEW 512

static const char *
whose(const struct limit_facts *l)
{
	return l->is_of_node ? "the running node" : "this shell";
}

void
judge_files(struct findings *f, const struct config *c, const struct limit_facts *l)
{
	uint64_t wanted = (uint64_t)c->http.max_connections + FILES_RESERVED;

	if (l->files == DOCTOR_NO_LIMIT || l->files >= wanted) {
		found(f, FOUND_OK, "%s may have files enough open for %" PRIu32 " connections a worker", whose(l),
		      c->http.max_connections);
		return;
	}
	found(f, l->files < FILES_FEW ? FOUND_WARNING : FOUND_NOTE,
	      "%s may have %" PRIu64 " files open, which is fewer than [http] max_connections (%" PRIu32
	      ") needs: each worker takes about %" PRIu64 " connections at a time",
	      whose(l), l->files, c->http.max_connections, l->files > FILES_RESERVED ? l->files - FILES_RESERVED : 1);
	advise(f,
	       "If that is too few, raise the limit to %" PRIu64
	       ": LimitNOFILE= in the systemd unit, ulimits in compose, or \"ulimit -n\" in the shell that starts the "
	       "node.",
	       wanted);
}

void
judge_file_size(struct findings *f, const struct config *c, const struct limit_facts *l)
{
	char limit[DOCTOR_SIZE_TEXT], wanted[DOCTOR_SIZE_TEXT];

	if (l->file_size == DOCTOR_NO_LIMIT || l->file_size / 2 > c->node.shm_max) {
		found(f, FOUND_OK, "the size of files is limited for %s %s", whose(l),
		      l->file_size == DOCTOR_NO_LIMIT ? "in no way" : "far above what it needs");
		return;
	}
	found(f, FOUND_PROBLEM,
	      "%s may make no file of more than %s, and the shared memory of %s is a file: the node cannot start",
	      whose(l), doctor_size(limit, l->file_size), doctor_size(wanted, c->node.shm_max));
	advise(f, "Take the limit away: LimitFSIZE=infinity in the systemd unit, or \"ulimit -f unlimited\" in the "
		  "shell that "
		  "starts the node.");
}

void
judge_memory(struct findings *f, const struct config *c, const struct limit_facts *l)
{
	uint64_t wanted = c->node.shm_max + c->http.chain_cache + MEMORY_APART;
	char has[DOCTOR_SIZE_TEXT], wants[DOCTOR_SIZE_TEXT], shm[DOCTOR_SIZE_TEXT];

	doctor_size(wants, wanted);
	doctor_size(shm, c->node.shm_max);
	if (l->memory_max < wanted) {
		found(f, FOUND_WARNING,
		      "the control group of %s grants %s of memory, and a full node takes up to %s (shm_max is %s): "
		      "the kernel "
		      "would end its processes before the node can say that it is full",
		      whose(l), doctor_size(has, l->memory_max), wants, shm);
		advise(f,
		       "Raise the limit to %s (MemoryMax= in systemd, mem_limit in compose), or lower [node] shm_max.",
		       wants);
	} else if (l->ram < wanted) {
		found(f, FOUND_WARNING, "this host has %s of memory, and a full node takes up to %s (shm_max is %s)",
		      doctor_size(has, l->ram), wants, shm);
		advise(f, "Lower [node] shm_max to what this host can spare; until the chain is that large, nothing is "
			  "lost by it.");
	} else {
		found(f, FOUND_OK, "there is memory enough for a full node (%s)", wants);
	}
	if (l->overcommit == 2) {
		found(f, FOUND_NOTE, "the kernel promises no more memory than it has (vm.overcommit_memory is 2)");
		advise(f, "If the node says that it cannot map its memory, raise vm.overcommit_ratio.");
	}
}

void
judge_shm(struct findings *f, const struct config *c, const struct shm_facts *s)
{
	char size[DOCTOR_SIZE_TEXT], free_text[DOCTOR_SIZE_TEXT], max[DOCTOR_SIZE_TEXT], first[DOCTOR_SIZE_TEXT];
	const char *enlarge =
	    "\"mount -o remount,size=2G /dev/shm\" on a host (and in /etc/fstab), shm_size in compose, "
	    "--shm-size with docker run";
	uint64_t within_reach = s->free + s->held;

	if (!s->is_there) {
		found(f, FOUND_PROBLEM,
		      "there is no memory file system at " SHM_FOLDER ", where the chain is kept while the node runs");
		advise(f, "Mount it: \"mount -t tmpfs tmpfs " SHM_FOLDER "\".");
		return;
	}
	doctor_size(size, s->size);
	doctor_size(free_text, s->free);
	doctor_size(max, c->node.shm_max);
	doctor_size(first, s->first);
	if (s->held == 0 && s->free < s->first) {
		found(f, FOUND_PROBLEM,
		      SHM_FOLDER " has %s free of %s, and a start needs %s at once: the node cannot start", free_text,
		      size, first);
		advise(f, "Enlarge it: %s. Or lower [node] pool_max, or remove what else lies there.", enlarge);
	} else if (s->size == DOCKER_SHM && within_reach < c->node.shm_max) {
		found(f, FOUND_WARNING,
		      SHM_FOLDER " has 64 MiB, which is what a container gets by default, and [node] shm_max allows %s",
		      max);
		advise(f, "Enlarge it before the chain fills it and the node answers writes with 507: shm_size in "
			  "compose, --shm-size "
			  "with docker run.");
	} else if (within_reach < c->node.shm_max) {
		found(f, FOUND_WARNING, SHM_FOLDER " has %s free of %s, and [node] shm_max allows the node %s%s",
		      free_text, size, max, s->held > 0 ? ", of which it holds a part already" : "");
		advise(f, "Once it is full the node answers writes with 507. Enlarge it: %s. Or lower shm_max.",
		       enlarge);
	} else {
		found(f, FOUND_OK, SHM_FOLDER " has %s free of %s, the node may take %s", free_text, size, max);
	}
}

static void
limits_look(struct limit_facts *l, const struct doctor *d)
{
	struct sysinfo info;

	*l = (struct limit_facts){.files = DOCTOR_NO_LIMIT, .file_size = DOCTOR_NO_LIMIT, .ram = DOCTOR_NO_LIMIT};
	l->is_of_node = d->node > 0 && proc_limit(&l->files, d->node, "Max open files");
	pid_t pid = l->is_of_node ? d->node : 0;
	(void)proc_limit(&l->files, pid, "Max open files");
	(void)proc_limit(&l->file_size, pid, "Max file size");
	l->memory_max = proc_memory_max(pid);
	if (sysinfo(&info) == 0)
		l->ram = (uint64_t)info.totalram * info.mem_unit;
	l->overcommit = proc_number("/proc/sys/vm/overcommit_memory", 0);
}

static void
shm_look(struct shm_facts *s, const struct doctor *d)
{
	const struct config *c = d->config;
	uint32_t workers = outfit_workers(c);
	struct store_options o = {.name = c->node.name,
				  .size_max = c->node.shm_max,
				  .roles = STORE_ROLES_MAX,
				  .rings = 2 * workers < STORE_RINGS_MAX ? 2 * workers : STORE_RINGS_MAX,
				  .pool_max = c->node.pool_max,
				  .params = c->network};
	char folder[PATH_MAX], path[STORE_NAME_SIZE + sizeof(SHM_FOLDER)], name[STORE_NAME_SIZE];
	struct statvfs vfs;
	struct stat st;

	*s = (struct shm_facts){.is_there = statvfs(SHM_FOLDER, &vfs) == 0};
	if (!s->is_there)
		return;
	s->size = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	s->free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	o.data_dir = realpath(c->node.data_dir, folder) != NULL ? folder : c->node.data_dir;
	s->first = store_first_size(&o);
	store_name(name, o.name, o.data_dir);
	snprintf(path, sizeof(path), SHM_FOLDER "%s", name);
	if (d->node > 0 && stat(path, &st) == 0)
		s->held = (uint64_t)st.st_blocks * 512;
}

void
check_files(struct findings *f, const struct doctor *d)
{
	struct limit_facts l;

	limits_look(&l, d);
	judge_files(f, d->config, &l);
}

void
check_file_size(struct findings *f, const struct doctor *d)
{
	struct limit_facts l;

	limits_look(&l, d);
	judge_file_size(f, d->config, &l);
}

void
check_memory(struct findings *f, const struct doctor *d)
{
	struct limit_facts l;

	limits_look(&l, d);
	judge_memory(f, d->config, &l);
}

void
check_shm(struct findings *f, const struct doctor *d)
{
	struct shm_facts s;

	shm_look(&s, d);
	judge_shm(f, d->config, &s);
}
