noinst_LIBRARIES += librensa_store.a
librensa_store_a_SOURCES =
