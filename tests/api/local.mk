# tests of the api layer
