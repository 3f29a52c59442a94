"""Five failures, named by what we do next.

TrucError
├── SetupError            a person must fix settings, certificates or rights; stop
├── TransientError        nothing happened; try again later
├── OutcomeUnknownError   it may have happened; ask before sending again
├── RejectedError         the partner refused this message; a person decides
└── MalformedError        the message cannot be read; set it aside, go on with the rest

No message carries a body, a secret or personal data: these texts reach logs and screens.
"""


class TrucError(Exception):
    """The root of what this project raises; catch one of its five children instead.

    `reason` is a short, stable snake_case word for tables and metrics ("unknown_procedure");
    the text says what is wrong and how to mend it.
    """

    def __init__(self, text: str, *, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason or _snake(type(self).__name__)


class SetupError(TrucError):
    """A person must fix settings, certificates or rights; stop."""


class TransientError(TrucError):
    """Nothing happened; try again later, not before `retry_after_s` where the partner said so."""

    def __init__(self, text: str, *, reason: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(text, reason=reason)
        self.retry_after_s = retry_after_s


class OutcomeUnknownError(TrucError):
    """It may have happened; ask before sending again."""


class RejectedError(TrucError):
    """The partner refused this message; a person decides. `code` is the partner's own."""

    def __init__(self, text: str, *, reason: str = "", code: str = "") -> None:
        super().__init__(text, reason=reason)
        self.code = code


class MalformedError(TrucError):
    """The message cannot be read; set it aside, go on with the rest."""


def _snake(name: str) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.removeprefix("_").removesuffix("_error")
