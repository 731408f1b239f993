"""The golden files: for each operation its success and each of its errors, as v1 requests and answers.

`<Operation>/<case>.json` is what goes over the wire. The cases are data, in a module `cases_<group>.py` for each group
of operations: how the world is set up, and what is asked of it then. `python -m tests.rest.golden --write` writes the
files. What cannot be known before is masked (references, tokens, request ids), with the check of its shape.
"""
