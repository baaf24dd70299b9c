"""Which transaction message goes out next?

A station keeps StartTransaction, MeterValues of a transaction and StopTransaction until each is answered, in
order, whatever happens to the connection (OCPP 1.6, 3.7.1). A retry carries the same message id and the
same bytes. Real stations may give up after `TransactionMessageAttempts` errors; ours never does, so every
loss in a test is the CSMS's.
"""

from collections import deque
from dataclasses import dataclass, field

import msgspec

from stationmaster.simulator.messages import Payload
from stationmaster.simulator.model import Transaction


@dataclass(slots=True)
class TransactionMessage:
    """One message; its bytes are fixed when it is first sent, because they may need the transaction's id."""

    message_id: str
    action: str
    body: Payload
    transaction: Transaction
    needs_transaction_id: bool = True
    attempts: int = 0
    not_before: float = 0.0
    _bytes: bytes | None = None

    def payload(self) -> bytes:
        """The bytes to send, the same at every attempt."""
        if self._bytes is None:
            body = self.body
            if self.needs_transaction_id:
                assert self.transaction.id is not None, "the start before it in the queue was answered"
                body = {**body, "transactionId": self.transaction.id}
            self._bytes = msgspec.json.encode(body)
        return self._bytes


@dataclass(slots=True)
class TransactionQueue:
    """First in, first out; the head stays until it is answered."""

    retry_s: float = 5.0
    retry_max_s: float = 60.0
    _messages: deque[TransactionMessage] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: TransactionMessage) -> None:
        self._messages.append(message)

    def due(self, now: float) -> TransactionMessage | None:
        """The head, when it may be sent now."""
        head = self._messages[0] if self._messages else None
        return head if head is not None and head.not_before <= now else None

    def answered(self, message: TransactionMessage) -> None:
        """It is safe with the CSMS."""
        assert self._messages[0] is message
        self._messages.popleft()

    def failed(self, message: TransactionMessage, now: float) -> None:
        """An error, or no answer in time: again later, each time a little later (OCPP 1.6, 9.1.29)."""
        message.attempts += 1
        message.not_before = now + min(self.retry_max_s, self.retry_s * message.attempts)

    def reconnected(self) -> None:
        """Being offline is not an attempt: the head may go at once."""
        if self._messages:
            self._messages[0].not_before = 0.0
