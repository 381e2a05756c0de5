"""The policy document: what Breakwater may do, where, and how loudly. Without one the defaults apply everywhere.

Unknown keys are refused: in a document of ours a key that nobody reads is a typing error. Only who reads a document
imports this package, since pydantic costs a third of a cold start; the functions take values such as `AlertPolicy`,
from the compiled policy (`breakwater.compiled`).
"""

from breakwater.documents import load

from .compiling import compile_policy
from .document import Policy

__all__ = ["FILE", "Policy", "compile_policy", "read_policy"]

FILE = "policy.yaml"
"""What the document is called in its bucket and in messages."""


def read_policy(text: str, name: str = FILE) -> Policy:
    """Read a document. `DocumentError` has every mistake in it with line and path."""
    return load(text, Policy, name)
