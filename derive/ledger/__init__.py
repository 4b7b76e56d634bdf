"""The source document as data: what it states, what became of it, and code that shows it.

    from derive.ledger import LEDGER
    LEDGER[3].check()      # raises AssertionError where the verdict does not hold

Verdicts: ``proved``; ``assumption`` (it holds if ..., and the check shows a case where the assumption is
    dropped and the statement fails); ``corrected`` (the document leaves something out or is wrong; the note
    says what is right).
"""

from derive.ledger.row import Row, Verdict
from derive.ledger.rows import LEDGER

__all__ = ["LEDGER", "Row", "Verdict"]
