# tests of the peer layer
