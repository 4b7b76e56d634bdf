"""Markdown pages as HTML: what the book's site and a page that stands by itself have in common, and the latter."""
