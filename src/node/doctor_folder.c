/*
 * Files and folders: the configuration, the data folder, secrets, the disk under them, and the journal. Whoever can write the
 * first two can replace the chain or the node, so what others may do there matters more than what we may.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk/contents.h"
#include "disk/netfile.h"
#include "doctor_checks.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/text.h"

#define DISK_LEAST (UINT64_C(64) << 20) /* some steps of the journal, which is taken in advance */
#define DISK_LITTLE (UINT64_C(1) << 30)
#define INODES_LEAST 64

enum disk_kind {
	DISK_SOUND,
	DISK_FLEETING, /* gone when the host is started again */
	DISK_LAYER,    /* gone with the container */
	DISK_REMOTE,   /* as good as a server and its settings */
	DISK_POOR      /* without permissions, or without space taken in advance */
};

static const struct {
	uint64_t magic;
	const char *name;
	enum disk_kind kind;
} disk_kinds[] = {
    {EXT4_SUPER_MAGIC, "ext4", DISK_SOUND},
    {0x58465342, "xfs", DISK_SOUND},
    {BTRFS_SUPER_MAGIC, "btrfs", DISK_SOUND},
    {F2FS_SUPER_MAGIC, "f2fs", DISK_SOUND},
    {0x2fc12fc1, "zfs", DISK_SOUND},
    {0xca451a4e, "bcachefs", DISK_SOUND},
    {TMPFS_MAGIC, "tmpfs", DISK_FLEETING},
    {RAMFS_MAGIC, "ramfs", DISK_FLEETING},
    {OVERLAYFS_SUPER_MAGIC, "overlay", DISK_LAYER},
    {0x61756673, "aufs", DISK_LAYER},
    {NFS_SUPER_MAGIC, "nfs", DISK_REMOTE},
    {0xff534d42, "cifs", DISK_REMOTE},
    {0xfe534d42, "smb", DISK_REMOTE},
    {V9FS_MAGIC, "9p", DISK_REMOTE},
    {0x65735546, "fuse", DISK_REMOTE},
    {0x00c36400, "ceph", DISK_REMOTE},
    {MSDOS_SUPER_MAGIC, "vfat", DISK_POOR},
    {0x2011bab0, "exfat", DISK_POOR},
};

static void
file_look(struct file_facts *file, const struct doctor *d, const char *path)
{
	struct stat st;

	*file = (struct file_facts){.asker = geteuid(), .e = OK};
	file->has_node = d->node > 0 && proc_owner(&file->node, d->node);
	if (stat(path, &st) != 0) {
		file->e = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : errno == EACCES ? ERR_PERM : ERR_IO;
		return;
	}
	file->is_folder = S_ISDIR(st.st_mode);
	file->mode = st.st_mode & 07777;
	file->owner = st.st_uid;
}

/* Is it somebody other than root, the node's user and whoever asks? */
static bool
is_strangers(const struct file_facts *file)
{
	return file->owner != 0 &&
	       (file->has_node ? file->owner != file->node : file->owner != file->asker && file->asker != 0);
}

void
judge_config(struct findings *f, const char *path, const struct file_facts *file)
{
	if (file->e == OK && (file->mode & S_IWOTH) != 0) {
		found(f, FOUND_PROBLEM, "%s is good, but everybody on this host may change it (mode %04o)", path,
		      (unsigned)file->mode);
		advise(f, "Take that away: chmod go-w %s", path);
	} else if (file->e == OK && (file->mode & S_IWGRP) != 0) {
		found(f, FOUND_NOTE, "%s is good; its group may change it (mode %04o)", path, (unsigned)file->mode);
	} else {
		found(f, FOUND_OK, "%s is good", path);
	}
}

void
judge_data_dir(struct findings *f, const char *path, const struct file_facts *file)
{
	char owner[DOCTOR_WHO_SIZE], other[DOCTOR_WHO_SIZE];

	if (file->e == ERR_NOT_FOUND) {
		found(f, FOUND_NOTE, "%s is not there yet: the first start makes it", path);
		return;
	}
	if (file->e != OK) {
		found(f, FOUND_NOTE, "%s cannot be looked at by %s", path, doctor_user(other, file->asker));
		advise(f, "Look as the node's user: sudo -u rensa rensa doctor");
		return;
	}
	doctor_user(owner, file->owner);
	if (!file->is_folder) {
		found(f, FOUND_PROBLEM, "%s is no folder", path);
		advise(f, "Move it away, or name another folder in [node] data_dir.");
	} else if ((file->mode & (S_IWGRP | S_IWOTH)) != 0) {
		found(f, FOUND_PROBLEM,
		      "others may write to %s (mode %04o), and whoever can do that can replace the chain", path,
		      (unsigned)file->mode);
		advise(f, "Take that away: chmod go-w %s", path);
	} else if (is_strangers(file) && file->has_node) {
		found(f, FOUND_PROBLEM, "%s belongs to %s, who can replace the chain, and the node runs as %s", path,
		      owner, doctor_user(other, file->node));
		advise(f, "Give it to the node's user: chown -R %s %s", other, path);
	} else if (is_strangers(file)) {
		found(f, FOUND_WARNING, "%s belongs to %s: a node that %s starts cannot use it", path, owner,
		      doctor_user(other, file->asker));
		advise(f, "Start the node as %s, or look as that user: sudo -u %s rensa doctor", owner, owner);
	} else {
		found(f, FOUND_OK, "%s belongs to %s (mode %04o)", path, owner, (unsigned)file->mode);
	}
}

void
judge_secret(struct findings *f, const char *path, const struct file_facts *file)
{
	char owner[DOCTOR_WHO_SIZE], other[DOCTOR_WHO_SIZE];

	if (file->e != OK) {
		found(f, FOUND_NOTE, "%s cannot be looked at by %s", path, doctor_user(other, file->asker));
		advise(f, "Look as the node's user: sudo -u rensa rensa doctor");
	} else if ((file->mode & S_IRWXO) != 0 || (file->mode & S_IWGRP) != 0) {
		found(f, FOUND_PROBLEM,
		      "others may %s %s (mode %04o), and whoever knows the secret in it may command the node",
		      (file->mode & S_IROTH) != 0 ? "read" : "change", path, (unsigned)file->mode);
		advise(f, "Take that away: chmod 0640 %s; then put another secret into it and start the node again.",
		       path);
	} else if (is_strangers(file)) {
		found(f, FOUND_WARNING, "%s belongs to %s, who may command the node with the secret in it", path,
		      doctor_user(owner, file->owner));
		advise(f, "If that is not meant, give it to the node's user or to root: chown root %s", path);
	} else {
		found(f, FOUND_OK, "%s is for %s%s alone (mode %04o)", path, doctor_user(owner, file->owner),
		      (file->mode & S_IRGRP) != 0 ? " and its group" : "", (unsigned)file->mode);
	}
}

static void
judge_kind(struct findings *f, const char *path, const struct disk_facts *k)
{
	const char *name = NULL;
	enum disk_kind kind = DISK_SOUND;

	for (size_t i = 0; i < ARRAY_LEN(disk_kinds); i++) {
		if (disk_kinds[i].magic != k->kind)
			continue;
		name = disk_kinds[i].name;
		kind = disk_kinds[i].kind;
	}
	if (name == NULL) {
		found(f, FOUND_NOTE, "%s lies on a file system of a kind that is not known here (%#" PRIx64 ")", path,
		      k->kind);
		advise(f,
		       "Make sure that it writes through to the disk at fdatasync(2), and that flock(2) works on it.");
		return;
	}
	switch (kind) {
	case DISK_FLEETING:
		found(f, FOUND_WARNING,
		      "%s lies on %s, which is memory: the chain is gone when this host is started again", path, name);
		advise(f, "Name a folder on a disk in [node] data_dir, unless this is a trial.");
		break;
	case DISK_LAYER:
		found(f, FOUND_WARNING,
		      "%s lies on %s, the writable layer of a container: the chain is gone with the container", path,
		      name);
		advise(f, "Mount a volume there: \"-v rensa:%s\" with docker run, volumes in compose.", path);
		break;
	case DISK_REMOTE:
		found(
		    f, FOUND_WARNING,
		    "%s lies on %s: what is synced there is as durable as the server makes it, and locks may not hold",
		    path, name);
		advise(f, "Name a folder on a disk of this host in [node] data_dir.");
		break;
	case DISK_POOR:
		found(f, FOUND_PROBLEM, "%s lies on %s, which knows no owners and takes no space in advance", path,
		      name);
		advise(f, "Name a folder on ext4, xfs or btrfs in [node] data_dir.");
		break;
	case DISK_SOUND:
		found(f, FOUND_OK, "%s lies on %s, which syncs and takes space in advance", path, name);
		break;
	}
}

void
judge_disk(struct findings *f, const char *path, const struct disk_facts *k)
{
	char size[DOCTOR_SIZE_TEXT], free_text[DOCTOR_SIZE_TEXT];

	if (k->e != OK) {
		found(f, FOUND_NOTE, "the disk under %s cannot be looked at", path);
		advise(f, "Look as the node's user: sudo -u rensa rensa doctor");
		return;
	}
	doctor_size(size, k->size);
	doctor_size(free_text, k->free);
	if (k->is_read_only) {
		found(f, FOUND_PROBLEM, "%s lies on a file system that is mounted read-only", path);
		advise(f, "Mount it for writing. If the kernel made it so by itself, its log (dmesg) says what is "
			  "wrong with the disk.");
	} else if (k->free < DISK_LEAST) {
		found(f, FOUND_PROBLEM,
		      "the disk under %s is full: %s free of %s; new blocks and transfers are refused", path, free_text,
		      size);
		advise(f, "Free some, or move the data folder to a larger disk; the node goes on by itself once there "
			  "is room.");
	} else if (k->inodes > 0 && k->inodes_free < INODES_LEAST) {
		found(f, FOUND_PROBLEM, "the disk under %s has no room for more files: %" PRIu64 " free of %" PRIu64,
		      path, k->inodes_free, k->inodes);
		advise(f, "Remove files that nobody needs; \"df -i\" and \"du --inodes\" show where they are.");
	} else if (k->free < DISK_LITTLE) {
		found(f, FOUND_WARNING, "the disk under %s has %s free of %s", path, free_text, size);
		advise(f, "Free some before it is full and the node answers writes with 507.");
	} else {
		found(f, FOUND_OK, "the disk under %s has %s free of %s", path, free_text, size);
	}
	judge_kind(f, path, k);
}

void
judge_journal(struct findings *f, const char *path, const struct journal_facts *j)
{
	char bytes[DOCTOR_SIZE_TEXT];
	uint64_t minutes = j->age_ms / 60000;

	if (j->e == ERR_PERM) {
		found(f, FOUND_NOTE, "what is in %s can be seen by the node's user alone", path);
		advise(f, "Look as that user: sudo -u rensa rensa doctor");
	} else if (j->e != OK) {
		found(f, FOUND_PROBLEM, "%s", j->why);
		advise(f, "\"rensa verify --data %s\" tells what is wrong with it.", path);
	} else if (j->difference != NULL) {
		found(f, FOUND_PROBLEM,
		      "%s holds a chain of another network: [network] %s differs from the configured one", path,
		      j->difference);
		advise(f,
		       "Set [network] as it was when the folder was made, or name another folder in [node] data_dir.");
	} else if (j->files == 0) {
		found(f, FOUND_OK, "%s holds no chain yet", path);
	} else {
		found(f, FOUND_OK, "%s holds %s in %" PRIu64 " file%s of this network, last written %" PRIu64 " %s ago",
		      path, doctor_size(bytes, j->bytes), j->files, j->files == 1 ? "" : "s",
		      minutes < 120 ? minutes : minutes / 60, minutes < 120 ? "min" : "h");
	}
}

void
check_config(struct findings *f, const struct doctor *d)
{
	struct file_facts file;

	file_look(&file, d, d->path);
	judge_config(f, d->path, &file);
}

void
check_data_dir(struct findings *f, const struct doctor *d)
{
	struct file_facts file;

	file_look(&file, d, d->config->node.data_dir);
	judge_data_dir(f, d->config->node.data_dir, &file);
}

void
check_secrets(struct findings *f, const struct doctor *d)
{
	const char *path = d->config->http.admin_token_file;
	struct file_facts file;

	if (path[0] == '\0') {
		found(f, FOUND_OK, "no secrets are set: only this host and [http] admin_allow may command the node");
		return;
	}
	file_look(&file, d, path);
	judge_secret(f, path, &file);
}

/* The folder, or what is there of the path to it. */
static void
disk_look(struct disk_facts *k, const char *folder)
{
	char path[CONFIG_PATH_MAX + 1];
	struct statvfs vfs;
	struct statfs fs;

	*k = (struct disk_facts){.e = ERR_PERM};
	text_copy(path, sizeof(path), folder);
	while (statvfs(path, &vfs) != 0) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT || slash == NULL || slash == path)
			return;
		*slash = '\0';
	}
	if (statfs(path, &fs) != 0)
		return;
	/* The type is signed on some machines. */
	k->kind = (uint64_t)fs.f_type & UINT32_MAX;
	k->size = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	k->free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	k->inodes = vfs.f_files;
	k->inodes_free = vfs.f_favail;
	k->is_read_only = (vfs.f_flag & ST_RDONLY) != 0;
	k->e = OK;
}

void
check_disk(struct findings *f, const struct doctor *d)
{
	struct disk_facts k;

	disk_look(&k, d->config->node.data_dir);
	judge_disk(f, d->config->node.data_dir, &k);
}

/* How much there is, and when any of it was written last. */
static void
contents_look(struct journal_facts *j, const struct contents *c, const char *folder)
{
	uint64_t newest_ms = 0, now_ms = clock_wall_ms();

	for (size_t i = 0; i < c->count; i++) {
		char path[CONFIG_PATH_MAX + CONTENTS_NAME_SIZE + 2];
		struct stat st;

		j->files++;
		j->bytes += c->items[i].size;
		snprintf(path, sizeof(path), "%s/%s", folder, c->items[i].name);
		if (stat(path, &st) == 0 && (uint64_t)st.st_mtim.tv_sec * 1000 > newest_ms)
			newest_ms = (uint64_t)st.st_mtim.tv_sec * 1000;
	}
	j->age_ms = now_ms > newest_ms ? now_ms - newest_ms : 0;
}

static void
journal_look(struct journal_facts *j, const struct params *configured, const char *folder)
{
	struct contents contents = {0};
	struct params params;
	struct buf why;

	*j = (struct journal_facts){.e = OK};
	buf_init(&why);
	if (access(folder, R_OK | X_OK) != 0) {
		j->e = errno == EACCES ? ERR_PERM : OK;
		goto out;
	}
	enum err e = netfile_read(&params, folder, &why);
	j->has_network = e == OK;
	if (e == OK)
		j->difference = params_difference(configured, &params);
	if (e == OK || e == ERR_NOT_FOUND) {
		buf_reset(&why);
		e = contents_list(&contents, folder, &why);
	}
	j->e = e;
	contents_look(j, &contents, folder);
out:
	text_copy(j->why, sizeof(j->why), why.data == NULL ? "the data folder cannot be read" : why.data);
	contents_clear(&contents);
	buf_clear(&why);
}

void
check_journal(struct findings *f, const struct doctor *d)
{
	struct journal_facts j;

	journal_look(&j, &d->config->network, d->config->node.data_dir);
	judge_journal(f, d->config->node.data_dir, &j);
}
