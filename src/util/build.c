#include "util/build.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "util/hex.h"

#define SHOWN 4 /* bytes of the identity */

/* The rest is in whole words. */
static size_t
padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* Looks for the identity in a segment of notes. */
static int
find_in_notes(uint8_t id[SHOWN], const char *at, size_t left)
{
	ElfW(Nhdr) note;

	while (left >= sizeof(note)) {
		memcpy(&note, at, sizeof(note));
		size_t name = padded(note.n_namesz), size = sizeof(note) + name + padded(note.n_descsz);
		if (size > left)
			break;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    memcmp(at + sizeof(note), ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 && note.n_descsz >= SHOWN) {
			memcpy(id, at + sizeof(note) + name, SHOWN);
			return 1;
		}
		at += size;
		left -= size;
	}
	return 0;
}

/* The first object that is told of is the program itself; no other is looked at. */
static int
find_identity(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uint8_t id[SHOWN];

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + segment->p_vaddr;
		if (segment->p_type == PT_NOTE && find_in_notes(id, (const char *)at, segment->p_memsz)) {
			hex_encode(ctx, id, SHOWN);
			break;
		}
	}
	return 1;
}

const char *
build_name(void)
{
	static char name[BUILD_NAME_MAX + 1];
	char id[2 * SHOWN + 1] = "";

	if (name[0] != '\0')
		return name;
	dl_iterate_phdr(find_identity, id);
	if (id[0] != '\0')
		snprintf(name, sizeof(name), PACKAGE_VERSION " (build %s)", id);
	else
		snprintf(name, sizeof(name), PACKAGE_VERSION);
	return name;
}
