noinst_LIBRARIES += librensa_util.a
librensa_util_a_SOURCES = src/util/err.c \
	include/util/attr.h \
	include/util/buf.h \
	include/util/bytes.h \
	include/util/clock.h \
	include/util/err.h \
	include/util/failpoint.h \
	include/util/file.h \
	include/util/hex.h \
	include/util/inifile.h \
	include/util/log.h \
	include/util/mem.h \
	include/util/text.h
