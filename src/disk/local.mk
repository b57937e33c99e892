noinst_LIBRARIES += librensa_disk.a
librensa_disk_a_SOURCES = \
	include/disk/chainfile.h \
	include/disk/compact.h \
	include/disk/contents.h \
	include/disk/datadir.h \
	include/disk/framelog.h \
	include/disk/journal.h \
	include/disk/journal_writer.h \
	include/disk/keyfile.h \
	include/disk/netfile.h \
	include/disk/peerfile.h \
	include/disk/poollog.h \
	include/disk/sigcheck.h \
	src/disk/chainfile.c \
	src/disk/compact.c \
	src/disk/contents.c \
	src/disk/datadir.c \
	src/disk/framelog.c \
	src/disk/framelog_file.c \
	src/disk/framelog_file.h \
	src/disk/framelog_scan.c \
	src/disk/journal.c \
	src/disk/journal_writer.c \
	src/disk/keyfile.c \
	src/disk/netfile.c \
	src/disk/peerfile.c \
	src/disk/poollog.c \
	src/disk/sigcheck.c
