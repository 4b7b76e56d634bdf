"""The only place where mathematics is typed: one defining function a layer.

Modules are loaded in alphabetical order; one that uses another's layers imports it.
"""
