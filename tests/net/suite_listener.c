/* Listening sockets: shared among one node's workers, never silently with another node. */
#include <fcntl.h>
#include <sys/socket.h>

#include "net/listener.h"
#include "rig.h"
#include "suites.h"
#include "util/file.h"

START_TEST(opens_several_sockets_on_one_port)
{
	struct netaddr at;
	int first = rig_listen(&at);
	int second;
	ck_assert_int_eq(listener_open(&second, &at), OK);
	ck_assert_int_ne(fcntl(second, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(second, F_GETFD) & FD_CLOEXEC, 0);
	int is_listening = 0;
	socklen_t len = sizeof(is_listening);
	ck_assert_int_eq(getsockopt(second, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len), 0);
	ck_assert_int_eq(is_listening, 1);
	fd_close(&first);
	fd_close(&second);
}
END_TEST

START_TEST(sees_that_somebody_else_listens)
{
	struct netaddr at;
	int fd = rig_listen(&at);
	ck_assert_int_eq(listener_check(&at), ERR_BUSY);
	fd_close(&fd);
	ck_assert_int_eq(listener_check(&at), OK);
	ck_assert_int_eq(listener_check(&at), OK);
}
END_TEST

START_TEST(is_refused_by_a_listener_that_does_not_share)
{
	struct netaddr at = {.ip = {127, 0, 0, 1}};
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, &at);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(other, (const struct sockaddr *)&sa, len), 0);
	ck_assert_int_eq(listen(other, 1), 0);
	at = rig_address_of(other);
	int fd = -1;
	ck_assert_int_eq(listener_open(&fd, &at), ERR_BUSY);
	ck_assert_int_eq(fd, -1);
	fd_close(&other);
}
END_TEST

START_TEST(names_an_address_of_another_host)
{
	struct netaddr at = {.ip = {192, 0, 2, 1}, .port = 5000}; /* a documentation network: nobody's */
	int fd = -1;
	ck_assert_int_eq(listener_open(&fd, &at), ERR_NOT_FOUND);
	ck_assert_int_eq(listener_check(&at), ERR_NOT_FOUND);
	ck_assert_int_eq(fd, -1);
}
END_TEST

Suite *
suite_listener(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "listener", 30);
	tcase_add_test(tc, opens_several_sockets_on_one_port);
	tcase_add_test(tc, sees_that_somebody_else_listens);
	tcase_add_test(tc, is_refused_by_a_listener_that_does_not_share);
	tcase_add_test(tc, names_an_address_of_another_host);
	return suite;
}
