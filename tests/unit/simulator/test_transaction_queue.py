"""Transaction messages wait for their answers, in order."""

import json
from datetime import UTC, datetime

import pytest

from stationmaster.simulator.model import Transaction
from stationmaster.simulator.transaction_queue import TransactionMessage, TransactionQueue


def a_message(
    message_id: str, transaction: Transaction, *, needs_transaction_id: bool = True
) -> TransactionMessage:
    return TransactionMessage(
        message_id, "MeterValues", {"connectorId": 1}, transaction, needs_transaction_id
    )


@pytest.fixture
def transaction() -> Transaction:
    return Transaction("CP1", 1, "CARD", 0, datetime(2026, 1, 1, tzinfo=UTC), is_remote=False, id=7)


def test_the_head_stays_until_it_is_answered(transaction: Transaction) -> None:
    queue = TransactionQueue()
    first, second = a_message("1", transaction), a_message("2", transaction)
    queue.add(first)
    queue.add(second)
    assert queue.due(0.0) is queue.due(0.0) is first
    queue.answered(first)
    assert queue.due(0.0) is second


def test_a_failure_delays_the_head_and_with_it_the_rest(transaction: Transaction) -> None:
    queue = TransactionQueue(retry_s=5.0, retry_max_s=12.0)
    first = a_message("1", transaction)
    queue.add(first)
    queue.add(a_message("2", transaction))
    waits = []
    for _ in range(4):
        queue.failed(first, now=100.0)
        waits.append(first.not_before - 100.0)
    assert waits == [5.0, 10.0, 12.0, 12.0]
    assert queue.due(111.9) is None
    assert queue.due(112.0) is first


def test_a_new_connection_is_no_reason_to_wait(transaction: Transaction) -> None:
    queue = TransactionQueue()
    message = a_message("1", transaction)
    queue.add(message)
    queue.failed(message, now=0.0)
    queue.reconnected()
    assert queue.due(0.0) is message


def test_the_bytes_are_fixed_when_first_sent(transaction: Transaction) -> None:
    message = a_message("1", transaction)
    assert json.loads(message.payload()) == {"connectorId": 1, "transactionId": 7}
    transaction.id = 8
    assert json.loads(message.payload())["transactionId"] == 7


def test_a_start_needs_no_transaction_id(transaction: Transaction) -> None:
    transaction.id = None
    assert json.loads(a_message("1", transaction, needs_transaction_id=False).payload()) == {"connectorId": 1}
    with pytest.raises(AssertionError):
        a_message("2", transaction).payload()
