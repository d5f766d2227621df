"""Palettes, one stylesheet made from tokens, and icons."""
