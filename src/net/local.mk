noinst_LIBRARIES += librensa_net.a
librensa_net_a_SOURCES = \
	src/net/http_status.c \
	src/net/httpc.c \
	src/net/httpd.c \
	src/net/httpd_conn.c \
	src/net/httpd_conn.h \
	src/net/httpd_date.c \
	src/net/httpd_date.h \
	src/net/httpd_head.c \
	src/net/httpd_head.h \
	src/net/httpd_req.c \
	src/net/httpd_stream.c \
	src/net/httpd_target.c \
	src/net/httpd_target.h \
	src/net/listener.c \
	src/net/loop.c \
	src/net/loop_base.h \
	src/net/netaddr.c \
	src/net/netrange.c \
	src/net/onlink.c \
	src/net/probe.c \
	include/net/httpc.h \
	include/net/httpd.h \
	include/net/listener.h \
	include/net/loop.h \
	include/net/netaddr.h \
	include/net/onlink.h \
	include/net/probe.h
