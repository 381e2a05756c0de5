"""What a cause means and what to do next, in plain words. The words are data, in `causes_table` and `exit_codes`."""

from dataclasses import dataclass

from breakwater.model import Category, Cause


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cause for a tired engineer: what it is called, what it means, what to look at, in order."""

    title: str
    meaning: str
    next_steps: tuple[str, ...]


def explanation(cause: Cause, category: Category | None = None) -> Explanation | None:
    """Return the explanation of a cause, the one for this category if it differs; `None` if it never alerts."""
    from .causes_table import BY_CATEGORY, EXPLANATIONS  # only who explains pays for the words

    special = BY_CATEGORY.get((category, cause)) if category else None
    return special or EXPLANATIONS.get(cause)


def exit_code_note(code: int | None) -> str | None:
    """Say what an exit code usually means, or `None` where it means what the application says."""
    from .exit_codes import EXIT_CODES

    if code is None:
        return None
    return next((note for low, high, note in EXIT_CODES if low <= code <= high), None)
