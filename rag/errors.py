"""Errors a user can mend. Each message says what is wrong, with which value, and what to do.

RagError
├── SettingsError      a setting has an unknown name or a value out of range
├── QuestionError      a question is empty or too long
├── ModelError         a model is missing, or its weights are not the ones named
├── LanguageModelError a language model cannot be reached, refuses, or breaks off
├── ParseError         a file cannot be read as a document
├── ConversationError  what should be a saved conversation is none (rag/page/conversation.py)
├── UploadError        uploaded files are too many, too large, or none (ingest/page/shelf.py)
└── StoreError
    ├── StoreBusy         another process is using the store
    ├── StoreMismatch     the store was built with other settings
    ├── StoreDamaged      the store cannot be read
    ├── StoreUnwritable   the disk is full, or the store may not be written to
    └── StoreUnavailable  the Chroma server does not answer

Commands print the message alone and exit with `exit_code`; anything that is not a RagError is a bug and keeps its
traceback.
"""


class RagError(Exception):
    """An expected failure. Its text is fit to be shown to a user as it is."""

    exit_code = 2


class SettingsError(RagError):
    """A setting has an unknown name or a value that is not allowed."""


class QuestionError(RagError):
    """A question (or query) is empty or too long to be asked."""


class ModelError(RagError):
    """A model is not there, or is not the one that was named."""


class LanguageModelError(RagError):
    """A language model cannot be reached, refuses to answer, or breaks off in the middle."""


class ParseError(RagError):
    """A file cannot be read as a document. `code` names the kind of failure."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StoreError(RagError):
    """The store cannot do what was asked."""


class StoreBusy(StoreError):
    """Another process is using the store."""

    exit_code = 3


class StoreMismatch(StoreError):
    """The store was built with other settings than the ones given."""


class StoreDamaged(StoreError):
    """The store cannot be read and must be repaired."""

    exit_code = 4


class StoreUnwritable(StoreError):
    """The store cannot be written to: its disk is full, or its files may not be changed. What it holds is unharmed."""

    exit_code = 4


class StoreUnavailable(StoreError):
    """The Chroma server that holds the vectors does not answer."""

    exit_code = 4
