"""What becomes of each probe: it builds and agrees with PyTorch, unless it stands here."""

from __future__ import annotations

#: What the notation cannot express, or a definition that says something else than it seems to: the error names what is
#: missing and what to write in its place (a pattern, read with DOTALL).
REFUSED: dict[str, str] = {
    # ---- functions that there are not ------------------------------------------------------------------------------
    "reductions-prod_axis": r"prod is not a function.*write a recurrence: p\[-1",
    "messages-m_prod": r"prod is not a function.*write a recurrence: p\[-1",
    "matrix-log_det": r"det is not a function.*(pass|written out)",
    "matrix-solve": r"inverse is not a function.*pass",
    # ---- other syntax ----------------------------------------------------------------------------------------------
    "messages-m_chain": r"two comparisons.*0 <= i and i < 3",
    "messages-m_fixed": r"an axis has a name.*i = axis\(3\)",
    "messages-m_optional": r"b is a tensor, which has no default.*an option is",
    "messages-m_tuple_option": r"not a number.*write a number such as 3",
    "messages-m_return_expression": r"the return names results.*equation",
    "messages-m_loop": r"not an equation.*y\[\.\.\., i\] = expression",
    "messages-m_augmented": r"not an equation.*a name of its own",
    "losses-kl_div_batchmean": r"'batchmean'.*(sum|write)\b.*if reduction ==",
    # ---- calls -----------------------------------------------------------------------------------------------------
    "messages-m_softmax_in_expression": r"softmax is not a function.*write y = softmax\(z\) as a statement",
    "messages-m_call_of_call": r"not a tensor.*an equation of its own",
    "messages-m_call_of_sum": r"not a tensor.*an equation of its own",
    "messages-m_transposed_call": r"does not fit.*linear takes 2 axes",
    "traps-trap_leaky": r"its options by keyword.*leaky_relu\(x\[\.\.\., i\], alpha=",
    # ---- what is not as it seems -----------------------------------------------------------------------------------
    "matrix-quadratic_form_other": r"index j runs along j.*j = axis\(size\(i\)\)",
    "messages-m_redefined": r"given twice.*another name",
    "traps-trap_reassign": r"given twice.*another name",
    "traps-trap_log2": r"log takes a number.*log\(a\) / log\(b\)",
    "traps-trap_size_unknown": r"size of index k is not known.*k = axis",
    "traps-trap_choice": r"mode is never \"c\".*'a', 'b'",
    "traps-trap_shadow": r"i is an argument and an axis.*another name",
    "traps-trap_ends": r"before the beginning.*size\(i\) - 1",
}

#: What does not hold yet, and why. A row whose probe passes is an error, so the list only shrinks.
KNOWN: dict[str, str] = {}

#: Legs of the evidence that are red, by probe, and why.
RED: dict[str, dict[str, str]] = {
    "reproducers-r_top": dict.fromkeys(
        ("steps", "differences"),
        "numbers that are equal as one is the maximum: moved, they are not",
    ),
    "losses-ctc": {"generic": "the cotangent of what the last step does not read is 0, and 0 times NaN is NaN"},
    "recurrence-ctc": {
        "enclosure": "a logarithm of a sum of exponentials written out is not shifted: overflow in exp",
        "generic": "the cotangent of what the last step does not read is 0, and 0 times NaN is NaN",
    },
    "networks-info_nce": {"generic": "large cases in float16: a diagonal of a softmax"},
}
