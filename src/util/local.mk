noinst_LIBRARIES += librensa_util.a
librensa_util_a_SOURCES = \
	src/util/buf.c \
	src/util/bytes.c \
	src/util/clock.c \
	src/util/crc32c.c \
	src/util/crc32c_ways.h \
	src/util/err.c \
	src/util/failpoint.c \
	src/util/file.c \
	src/util/fileio.c \
	src/util/hex.c \
	src/util/inifile.c \
	src/util/log.c \
	src/util/mem.c \
	src/util/recall.c \
	src/util/text.c \
	include/util/attr.h \
	include/util/buf.h \
	include/util/bytes.h \
	include/util/clock.h \
	include/util/crc32c.h \
	include/util/err.h \
	include/util/failpoint.h \
	include/util/file.h \
	include/util/fileio.h \
	include/util/hex.h \
	include/util/inifile.h \
	include/util/log.h \
	include/util/mem.h \
	include/util/recall.h \
	include/util/text.h
