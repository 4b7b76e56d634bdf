"""The evidence: every claim of a derivation and of a kernel, checked against an independent reading.

``verify.verify(variants)`` runs the legs of one layer; each is driven by the definition alone.
"""
