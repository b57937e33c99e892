noinst_LIBRARIES += librensa_api.a
librensa_api_a_SOURCES =
