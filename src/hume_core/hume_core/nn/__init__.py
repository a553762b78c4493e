"""Transformer parts shared by both systems (torch)."""
