noinst_LIBRARIES += librensa_peer.a
librensa_peer_a_SOURCES =
