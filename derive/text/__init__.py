"""The second reader: what the text of a definition says, found without any of the code that derives kernels from it.

It parses a definition's source once more, evaluates it element by element with plain loops, and knows nothing of
``derive.notation``, ``derive.calculus``, ``derive.program`` or ``derive.targets``: what all of those misread alike, it
does not.
"""
