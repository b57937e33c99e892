#include "logkit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/failpoint.h"
#include "util/scratch.h"

static char top[64], folder[80];

static void
make_top(void)
{
	const char *tmp = getenv("TMPDIR");

	/* In memory where there is such a folder: what is tested is the order of syncs, and there are thousands of them. */
	if (access("/dev/shm", W_OK) == 0)
		tmp = "/dev/shm";
	snprintf(top, sizeof(top), "%.40s/framelog-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(top) == NULL) {
		perror(top);
		exit(EXIT_FAILURE);
	}
	snprintf(folder, sizeof(folder), "%s/log", top);
}

static void
remove_top(void)
{
	scratch_remove_tree(top);
}

void
kit_use(TCase *tc)
{
	/* In the parent of the test processes, so that a test that dies leaves nothing behind. */
	tcase_add_unchecked_fixture(tc, make_top, remove_top);
}

void
kit_clear(void)
{
	failpoint_clear();
	scratch_remove_tree(folder);
}

const char *
kit_folder(void)
{
	return folder;
}

const char *
kit_path(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % ARRAY_LEN(paths)];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

bool
kit_has(const char *name)
{
	return access(kit_path(name), F_OK) == 0;
}

static bool
next_name(DIR *dir, const char **name)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.') {
			*name = entry->d_name;
			return true;
		}
	return false;
}

size_t
kit_count(void)
{
	DIR *dir = opendir(folder);
	const char *name;
	size_t count = 0;

	if (dir == NULL)
		return 0;
	while (next_name(dir, &name))
		count++;
	closedir(dir);
	return count;
}

struct framelog_options
kit_options(void)
{
	struct framelog_options o = {.folder = folder, .kind = LOG_JOURNAL, .step = KIT_STEP};

	for (size_t i = 0; i < HASH_SIZE; i++)
		o.genesis.b[i] = (uint8_t)(0x10 + i);
	return o;
}

struct framelog *
kit_open(uint64_t room)
{
	struct framelog_options o = kit_options();

	o.file_max = room == 0 ? 0 : FRAMELOG_HEADER_SIZE + room + KIT_RESERVE;
	return framelog_new(&o);
}

const uint8_t *
kit_payload(char name, size_t size)
{
	static uint8_t *bytes;
	static size_t room;

	if (size > room) {
		room = size;
		bytes = realloc(bytes, room);
		ck_assert_ptr_nonnull(bytes);
	}
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(1 + ((size_t)name * 37 + i * 11 + i / 255) % 255);
	if (size > 0)
		bytes[0] = (uint8_t)name;
	return bytes;
}

enum err
kit_try(struct framelog *l, struct log_place *place, char name, size_t size, bool is_vital)
{
	static struct frame f;
	const uint8_t *bytes = kit_payload(name, size);

	frame_begin(&f);
	/* In three parts, so that the borders between them lie anywhere. */
	ck_assert(frame_add(&f, bytes, size / 3));
	ck_assert(frame_add(&f, bytes + size / 3, size / 2 - size / 3));
	ck_assert(frame_add(&f, bytes + size / 2, size - size / 2));
	return framelog_append(l, place, &f, is_vital);
}

uint64_t
kit_put(struct framelog *l, struct log_place *place, char name, size_t size)
{
	uint64_t before = place->position;

	ck_assert_int_eq(kit_try(l, place, name, size, false), OK);
	return place->position - before;
}

void
kit_put_all(struct framelog *l, struct log_place *place, const char *names, size_t size)
{
	for (; *names != '\0'; names++)
		kit_put(l, place, *names, size);
}

static enum err
note(void *ctx, const struct frame_at *where, const uint8_t *payload, size_t size, struct buf *why)
{
	struct kit_scan *s = ctx;
	size_t n = strlen(s->names);
	char name = size > 0 ? (char)payload[0] : '0';

	(void)why;
	ck_assert_uint_lt(n, KIT_FRAMES_MAX);
	s->names[n] = size == 0 || memcmp(payload, kit_payload(name, size), size) == 0 ? name : '?';
	s->names[n + 1] = '\0';
	s->at[n] = *where;
	s->sizes[n] = size;
	return OK;
}

const struct kit_scan *
kit_scan_by(struct framelog *l, bool may_mend)
{
	static struct kit_scan s;
	struct buf why;

	memset(&s, 0, sizeof(s));
	buf_init(&why);
	s.e = framelog_scan(l, &s.out, may_mend, note, &s, &why);
	snprintf(s.why, sizeof(s.why), "%s", why.data != NULL ? why.data : "");
	buf_clear(&why);
	/* Who refuses says why, who does not has nothing to say. */
	ck_assert_msg((s.e == OK) == (s.why[0] == '\0'), "%d: %s", s.e, s.why);
	if (s.e == OK) {
		ck_assert_uint_eq(s.out.frames, strlen(s.names));
		ck_assert_uint_eq(s.out.bytes, s.out.place.position - s.out.start);
	}
	return &s;
}

const struct kit_scan *
kit_scan(bool may_mend)
{
	struct framelog *l = kit_open(0);
	const struct kit_scan *s = kit_scan_by(l, may_mend);

	framelog_free(l);
	return s;
}

const struct kit_scan *
kit_expect(bool may_mend, const char *names)
{
	const struct kit_scan *s = kit_scan(may_mend);

	ck_assert_msg(s->e == OK, "%s", s->why);
	ck_assert_str_eq(s->names, names);
	return s;
}

void
kit_expect_goes_on(const char *names)
{
	struct framelog *l = kit_open(0);
	char longer[KIT_FRAMES_MAX + 3];
	const struct kit_scan *s;
	struct log_place place;

	kit_expect(false, names);
	place = kit_expect(true, names)->out.place;
	kit_put(l, &place, '1', 5);
	kit_put(l, &place, '2', 300);
	framelog_free(l);
	snprintf(longer, sizeof(longer), "%s12", names);
	s = kit_expect(true, longer);
	ck_assert_uint_eq(s->out.torn_bytes, 0);
	ck_assert_mem_eq(&s->out.place, &place, sizeof(place));
}

void
kit_save(struct kit_image *image)
{
	DIR *dir = opendir(folder);
	const char *name;

	image->count = 0;
	ck_assert_ptr_nonnull(dir);
	while (next_name(dir, &name)) {
		FILE *file = fopen(kit_path(name), "re");
		size_t n = image->count++;
		ck_assert(file != NULL && n < ARRAY_LEN(image->files));
		snprintf(image->files[n].name, sizeof(image->files[n].name), "%s", name);
		ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
		image->files[n].size = (size_t)ftell(file);
		image->files[n].bytes = malloc(image->files[n].size + 1);
		rewind(file);
		ck_assert_uint_eq(fread(image->files[n].bytes, 1, image->files[n].size, file), image->files[n].size);
		fclose(file);
	}
	closedir(dir);
}

void
kit_restore(const struct kit_image *image)
{
	kit_clear();
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	for (size_t i = 0; i < image->count; i++) {
		int fd = open(kit_path(image->files[i].name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		ck_assert_int_ne(fd, -1);
		ck_assert_int_eq(write(fd, image->files[i].bytes, image->files[i].size), (ssize_t)image->files[i].size);
		close(fd);
	}
}

void
kit_image_clear(struct kit_image *image)
{
	for (size_t i = 0; i < image->count; i++)
		free(image->files[i].bytes);
	image->count = 0;
}

static const char *
path_of(uint64_t file)
{
	char name[FRAMELOG_NAME_SIZE];

	framelog_name(name, file);
	return kit_path(name);
}

uint8_t *
kit_file(struct kit_image *image, uint64_t file, size_t *size)
{
	char name[FRAMELOG_NAME_SIZE];

	framelog_name(name, file);
	for (size_t i = 0; i < image->count; i++)
		if (strcmp(image->files[i].name, name) == 0) {
			*size = image->files[i].size;
			return image->files[i].bytes;
		}
	ck_abort_msg("no file %s", name);
	return NULL;
}

static int
open_file(uint64_t file)
{
	int fd = open(path_of(file), O_RDWR | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	return fd;
}

void
kit_write(uint64_t file, uint64_t offset, const void *bytes, size_t size)
{
	int fd = open_file(file);

	ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

void
kit_read(uint64_t file, uint64_t offset, void *bytes, size_t size)
{
	int fd = open_file(file);

	ck_assert_int_eq(pread(fd, bytes, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

void
kit_flip(uint64_t file, uint64_t offset, uint8_t bits)
{
	uint8_t byte;

	kit_read(file, offset, &byte, 1);
	byte ^= bits;
	kit_write(file, offset, &byte, 1);
}

void
kit_cut(uint64_t file, uint64_t size)
{
	ck_assert_int_eq(truncate(path_of(file), (off_t)size), 0);
}

uint64_t
kit_size(uint64_t file)
{
	struct stat st;

	ck_assert_int_eq(stat(path_of(file), &st), 0);
	return (uint64_t)st.st_size;
}

uint64_t
kit_written(uint64_t file)
{
	int fd = open(path_of(file), O_RDONLY | O_CLOEXEC);
	off_t hole;

	ck_assert_int_ge(fd, 0);
	hole = lseek(fd, 0, SEEK_HOLE);
	ck_assert_int_ge(hole, 0);
	close(fd);
	return (uint64_t)hole;
}

bool
kit_fired(const char *failpoint)
{
	/* One that did not act yet still counts down. */
	for (int i = 0; i < 100000; i++)
		if (failpoint_hit(failpoint))
			return false;
	return true;
}

bool
kit_dies(const char *failpoint, unsigned pass, void (*act)(void *ctx), void *ctx)
{
	pid_t pid = fork(), got;
	int status = 0;

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		failpoint_arm(failpoint, FAILPOINT_KILL, pass);
		act(ctx);
		_exit(0);
	}
	do
		got = waitpid(pid, &status, 0);
	while (got == -1 && errno == EINTR);
	ck_assert_int_eq(got, pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
	return false;
}
