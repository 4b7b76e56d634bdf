"""The formulas of pages that are no layer's: the home page, the ledger, chapters.

Every formula of such a page is read from the built HTML and executed. A page `docs/NAME.md` with formulas has a
module `tests/page/prose/NAME.py` (`-` and `/` as `_`; the home page's is `home.py`) with an object PAGE that says what
the symbols are and what the sentences say of them:

    PAGE = Prose(ranges={"l": (1, 2), "i": range(1, 4), "j": range(1, 4)})      # index letters

    @PAGE.names()                                   # or @PAGE.names("section-id"), a regular expression
    def network(rng):                               # drawn anew, at two seeds
        W = {1: rng.normal(size=(3, 2)), 2: rng.normal(size=(2, 3))}
        ...
        return {
            "W": W,                                 # one for each layer: a dictionary, W^{(l)}, W^{(l)}_{ij}, d_l
            "x": rng.normal(size=(2, 1)),           # a vector is a column; x_i is an element, from 1
            r"\\sigma": np.tanh, r"\\sigma'": lambda z: 1 - np.tanh(z) ** 2,       # functions
            "L": 2,
            r"\\partial L / \\partial W": {...},      # derivatives: by difference(objective, array), never by a formula
            "the error": delta,                     # what sentences speak of: from a kernel, a count, a difference
        }

    PAGE.says("section-id", "the error signal ⟦⟧ is", "the error")

* A formula with a relation (=, \\approx, <, \\le, \\in, \\leftarrow) is executed by itself: both sides in the names,
  for all values of open indices. \\approx holds to half a unit of the last digit printed. Declare the left side's value
  from a kernel or a difference, or the equation says only that a definition is a definition.
* Any other formula (a symbol in a sentence, an expression) needs the words around it, with ⟦⟧ for each formula: what is
  wanted is a name (its value), TRUE (a relation), or a function of the value and the names, which says what is wrong
  or is true or false.
* `W \\in \\mathbb{R}^{m \\times n}` is a statement about a shape. Juxtaposition is the product of matrices, \\odot that
  of elements; one-dimensional arrays are many numbers at once. `a / b c` is refused: write brackets or \\frac.

A formula that none of these checks fails `mkdocs build --strict` and is named, and so is one that two claims speak of.
`python -m tests.page.prose SITE` reads a built site's pages and executes them; with `--misprints` it tries them all.
"""
