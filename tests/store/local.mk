# tests of the store layer
