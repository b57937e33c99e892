noinst_LIBRARIES += librensa_disk.a
librensa_disk_a_SOURCES = \
	include/disk/keyfile.h \
	src/disk/keyfile.c
