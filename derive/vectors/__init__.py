"""Test vectors for any language: ``gradbook vectors LAYER -o DIR``, and the checker of what others made of them.

files    arrays in ``.npz`` and safetensors, those of strangers read within what is expected of them
claims   what is claimed of each element of a case: the truth, the error allowed, the convention it depends on
made     the cases of a layer as vectors
folder   a folder of vectors: written without a loss of what is there, and read
check    results beside the vectors
"""
