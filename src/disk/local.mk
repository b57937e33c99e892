noinst_LIBRARIES += librensa_disk.a
librensa_disk_a_SOURCES = \
	include/disk/datadir.h \
	include/disk/keyfile.h \
	src/disk/datadir.c \
	src/disk/keyfile.c
