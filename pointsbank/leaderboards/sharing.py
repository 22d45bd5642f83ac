"""Answers that cost much and that many ask for at once."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Question(Generic[V]):
    turn: threading.Lock = field(default_factory=threading.Lock)
    asked: int = 0
    started: int = 0
    answer: V | None = None


class Shared(Generic[K, V]):
    """One answer at a time to each question, for all who asked before it was begun.

    So nobody gets an answer that is older than the question, and however many ask, at most two are being
    answered or waited for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._questions: dict[K, _Question[V]] = {}

    def get(self, key: K, find: Callable[[], V]) -> V:
        """Raises what `find` raises, each for itself."""
        with self._lock:
            question = self._questions.setdefault(key, _Question())
            question.asked += 1
            begun = question.started
        try:
            with question.turn:
                if question.started > begun and question.answer is not None:
                    return question.answer
                question.answer = None
                question.started += 1
                question.answer = find()
                return question.answer
        finally:
            with self._lock:
                question.asked -= 1
                if not question.asked:
                    self._questions.pop(key, None)
