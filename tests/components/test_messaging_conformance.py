"""The same calls on moto and on the model have the same observable outcome.

Each test drives both sides with one list of calls, and compares what they answer. Where moto differs
from what AWS documents, the tests at the end say so; the model follows AWS (docs/warts.md lists the
differences). moto has no visibility expiry without waiting, no leases, and runs no function without a
container, so that these parts of the components are compared with the documentation alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from checker.components import Delivery, FifoDelivery, ReceiptHandleExpired
from checker.dsl import Component, Model
from checker.dsl.index import sized
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.dsl.runtime import StepContext, step
from checker.dsl.structure import Instance
from checker.ir.program import Budgets

from .messaging_models import Archiving, Body, DeadLetters, Group, Grouped, Key, Streaming, Target

SIZES = {"Body": 3, "Group": 2, "Worker": 2, "Key": 2, "Shard": 2}
Clients = Callable[[str], Any]


@pytest.fixture
def aws() -> Iterator[Clients]:
    """Clients of an empty account."""
    with mock_aws():
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        yield lambda service: boto3.client(service, region_name="us-east-1", **keys)


class Live:
    """A model as a plain Python object: its components' operations are called one by one, by process 0."""

    def __init__(self, cls: type[Model]) -> None:
        self._lowered = lower(cls, {name: SIZES[name] for name in index_sets_of(cls)}, Budgets())
        with sized(self._lowered.sizes):
            instance = Instance(self._lowered.structure, self._lowered.table)
            instance.load(tuple(variable.initial for variable in self._lowered.program.variables))
        self.model: Any = instance.model

    def call(self, component: Component, name: str, *args: Any) -> Any:
        """What an operation, fault or action answers; of several outcomes it takes the first."""
        found = getattr(type(component), name)
        with sized(self._lowered.sizes), step(StepContext(caller=0)):
            return getattr(found, "function", found)(component, *args)


def received(sqs: Any, url: str, **settings: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, **settings).get("Messages", [])
    return messages


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def arn_of(sqs: Any, url: str) -> str:
    found: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return found


# SQS, standard


def queue_with_dlq(sqs: Any) -> tuple[str, str]:
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": "2"})
    return sqs.create_queue(QueueName="inbox", Attributes={"RedrivePolicy": policy})["QueueUrl"], dead


def test_a_message_is_hidden_released_and_deleted(aws: Clients) -> None:
    sqs, (url, _) = aws("sqs"), queue_with_dlq(aws("sqs"))
    live = Live(DeadLetters)
    inbox = live.model.inbox
    sqs.send_message(QueueUrl=url, MessageBody="0")
    live.call(inbox, "send", Body(0))
    (message,) = received(sqs, url)
    delivery = live.call(inbox, "receive")
    assert message["Body"] == str(delivery.body.position)
    assert received(sqs, url) == []
    assert len(inbox.visible) == 0
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    live.call(inbox, "release", delivery)
    (message,) = received(sqs, url)
    delivery = live.call(inbox, "receive")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    live.call(inbox, "delete", delivery)
    assert received(sqs, url) == []
    assert len(inbox.visible) + len(inbox.in_flight) + len(inbox.dead_letters) == 0


def test_two_receives_then_the_dead_letter_queue(aws: Clients) -> None:
    sqs, (url, dead) = aws("sqs"), queue_with_dlq(aws("sqs"))
    live = Live(DeadLetters)
    inbox = live.model.inbox
    sqs.send_message(QueueUrl=url, MessageBody="0")
    live.call(inbox, "send", Body(0))
    theirs, ours = [], []
    for _ in range(3):
        theirs.append(texts(received(sqs, url, VisibilityTimeout=0)))
        visible = len(inbox.visible) > 0
        ours.append(["0"] if visible else [])
        if visible:
            live.call(inbox, "release", live.call(inbox, "receive"))
    assert theirs == ours == [["0"], ["0"], []]
    assert texts(received(sqs, dead)) == [str(body.position) for body in inbox.dead_letters] == ["0"]


def test_deleting_again_succeeds(aws: Clients) -> None:
    sqs, (url, _) = aws("sqs"), queue_with_dlq(aws("sqs"))
    live = Live(DeadLetters)
    sqs.send_message(QueueUrl=url, MessageBody="0")
    live.call(live.model.inbox, "send", Body(0))
    (message,) = received(sqs, url)
    live.call(live.model.inbox, "receive")
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        live.call(live.model.inbox, "delete", Delivery(Body(0)))
    assert received(sqs, url) == []
    assert len(live.model.inbox.visible) == 0


# SQS, FIFO


def fifo(sqs: Any) -> str:
    url: str = sqs.create_queue(QueueName="queue.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    return url


def send_both(sqs: Any, url: str, live: Live, group: int, body: int) -> None:
    sqs.send_message(
        QueueUrl=url, MessageBody=str(body), MessageGroupId=str(group), MessageDeduplicationId=str(body)
    )
    live.call(live.model.queue, "send", Group(group), Body(body), Body(body))


@pytest.mark.parametrize(
    "sends",
    [
        [(0, 0), (0, 1), (0, 2)],
        [(0, 2), (0, 1), (0, 0)],
        [(0, 0), (0, 0), (0, 1)],
        [(0, 0), (1, 0)],
        [(1, 0), (0, 0), (1, 1)],
    ],
)
def test_fifo_order_and_deduplication(aws: Clients, sends: list[tuple[int, int]]) -> None:
    """Groups are drained one message after the other; repeated ids are ignored, whatever their group."""
    sqs, live = aws("sqs"), Live(Grouped)
    url, queue = fifo(sqs), live.model.queue
    for group, body in sends:
        send_both(sqs, url, live, group, body)
    theirs: dict[str, list[str]] = {"0": [], "1": []}
    while messages := received(sqs, url, AttributeNames=["MessageGroupId"], MaxNumberOfMessages=1):
        theirs[messages[0]["Attributes"]["MessageGroupId"]].append(messages[0]["Body"])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
    ours: dict[str, list[str]] = {"0": [], "1": []}
    while any(queue.size(group) for group in (Group(0), Group(1))):
        delivery = live.call(queue, "receive")
        ours[str(delivery.group.position)].append(str(delivery.body.position))
        live.call(queue, "delete", delivery)
    assert theirs == ours


def test_a_fifo_group_in_flight_is_blocked_and_its_head_comes_back_first(aws: Clients) -> None:
    sqs, live = aws("sqs"), Live(Grouped)
    url, queue = fifo(sqs), live.model.queue
    for body in (0, 1):
        send_both(sqs, url, live, 0, body)
    (message,) = received(sqs, url, MaxNumberOfMessages=1)
    delivery = live.call(queue, "receive")
    assert message["Body"] == str(delivery.body.position) == "0"
    assert received(sqs, url) == []
    assert Group(0) in queue.in_flight
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    live.call(queue, "release", delivery)
    again = received(sqs, url, MaxNumberOfMessages=1)
    assert texts(again) == [str(live.call(queue, "receive").body.position)] == ["0"]


# Kinesis


def shards(kinesis: Any) -> list[str]:
    found = kinesis.describe_stream(StreamName="stream")["StreamDescription"]["Shards"]
    return [shard["ShardId"] for shard in found]


def read(kinesis: Any, shard: str, kind: str, **after: str) -> list[dict[str, Any]]:
    iterator = kinesis.get_shard_iterator(
        StreamName="stream", ShardId=shard, ShardIteratorType=kind, **after
    )["ShardIterator"]
    records: list[dict[str, Any]] = kinesis.get_records(ShardIterator=iterator)["Records"]
    return records


def test_a_shard_keeps_its_order_and_a_repeated_put_is_a_second_record(aws: Clients) -> None:
    kinesis, live = aws("kinesis"), Live(Streaming)
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    (shard,) = shards(kinesis)
    for body in (1, 0, 0):
        kinesis.put_record(StreamName="stream", Data=str(body).encode(), PartitionKey="key")
        live.call(live.model.stream, "put", Key(0), Body(body))
    theirs = [record["Data"].decode() for record in read(kinesis, shard, "TRIM_HORIZON")]
    ours = []
    while not live.model.stream.is_drained():
        record = live.call(live.model.stream, "next_record")
        ours.append(str(record.data.position))
        live.call(live.model.stream, "checkpoint", record)
    assert theirs == ours == ["1", "0", "0"]


def test_reading_goes_on_behind_the_checkpoint(aws: Clients) -> None:
    kinesis, live = aws("kinesis"), Live(Streaming)
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    (shard,) = shards(kinesis)
    for body in (0, 1, 2):
        kinesis.put_record(StreamName="stream", Data=str(body).encode(), PartitionKey="key")
        live.call(live.model.stream, "put", Key(0), Body(body))
    first = read(kinesis, shard, "TRIM_HORIZON")[0]["SequenceNumber"]
    live.call(live.model.stream, "checkpoint", live.call(live.model.stream, "next_record"))
    (theirs, *_) = read(kinesis, shard, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=first)
    ours = live.call(live.model.stream, "next_record")
    assert theirs["Data"].decode() == str(ours.data.position) == "1"


# EventBridge


def bus_with_two_targets(aws: Clients) -> tuple[Any, dict[str, str], str]:
    """A bus with an archive and two rules, whose targets are queues."""
    events, sqs = aws("events"), aws("sqs")
    events.create_event_bus(Name="bus")
    urls = {}
    for name in ("BILLING", "SHIPPING"):
        urls[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
        events.put_rule(Name=name, EventBusName="bus", EventPattern=json.dumps({"source": ["shop"]}))
        target = {"Id": name, "Arn": arn_of(sqs, urls[name])}
        events.put_targets(Rule=name, EventBusName="bus", Targets=[target])
    source = events.describe_event_bus(Name="bus")["Arn"]
    archive = events.create_archive(ArchiveName="archive", EventSourceArn=source)["ArchiveArn"]
    return events, urls, archive


def entry(detail: str) -> dict[str, str]:
    return {"EventBusName": "bus", "Source": "shop", "DetailType": "placed", "Detail": detail}


def arrivals(sqs: Any, urls: dict[str, str]) -> dict[str, int]:
    """How many events each target gets now; they are deleted."""
    counts = {}
    for name, url in urls.items():
        messages = received(sqs, url, MaxNumberOfMessages=10)
        counts[name] = len(messages)
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return counts


def routed(live: Live) -> dict[str, int]:
    """The same in the model."""
    pending = live.model.bus.pending
    counts = {t.name: sum(1 for r in pending if r.target is t) for t in Target}
    for element in list(pending):
        pending.remove(element)
    return counts


def test_an_event_goes_to_every_target_and_a_replay_once_more(aws: Clients) -> None:
    events, urls, archive = bus_with_two_targets(aws)
    live = Live(Archiving)
    events.put_events(Entries=[entry('{"order": 0}')])
    live.call(live.model.bus, "put", Body(0))
    assert arrivals(aws("sqs"), urls) == routed(live) == {"BILLING": 1, "SHIPPING": 1}
    events.start_replay(
        ReplayName="replay",
        EventSourceArn=archive,
        EventStartTime=datetime(2020, 1, 1, tzinfo=UTC),
        EventEndTime=datetime(2100, 1, 1, tzinfo=UTC),
        Destination={"Arn": events.describe_event_bus(Name="bus")["Arn"]},
    )
    live.call(live.model.bus, "replay")
    assert arrivals(aws("sqs"), urls) == routed(live) == {"BILLING": 1, "SHIPPING": 1}


def test_put_events_refuses_an_entry_and_takes_the_others(aws: Clients) -> None:
    """moto refuses an entry that is malformed; the model refuses any, as a throttled bus does."""
    events, urls, _ = bus_with_two_targets(aws)
    answer = events.put_events(Entries=[entry('{"order": 0}'), entry("no JSON")])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["FailedEntryCount"] == 1
    assert arrivals(aws("sqs"), urls) == {"BILLING": 1, "SHIPPING": 1}
    live = Live(Archiving)
    live.call(live.model.bus, "refuse_entry")
    outcomes = set()
    for script in ((0, 0), (0, 1), (1, 0)):
        with sized({Body: 2}), step(StepContext(script=script)):
            refused = type(live.model.bus).put_all.function(live.model.bus, {Body(0), Body(1)})
            outcomes.add((len(refused), *routed(live).values()))
            live.model.bus.refusals = 1
    assert (1, 1, 1) in outcomes


# Where moto differs


def test_moto_deletes_with_a_late_fifo_handle(aws: Clients) -> None:
    """AWS refuses it, as the API reference of DeleteMessage says."""
    sqs, live = aws("sqs"), Live(Grouped)
    url, queue = fifo(sqs), live.model.queue
    send_both(sqs, url, live, 0, 0)
    (message,) = received(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    delivery = live.call(queue, "receive")
    live.call(queue, "release", delivery)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert received(sqs, url) == []
    assert isinstance(delivery, FifoDelivery)
    with pytest.raises(ReceiptHandleExpired):
        live.call(queue, "delete", delivery)


def test_moto_forgets_a_fifo_id_at_the_delete(aws: Clients) -> None:
    """In AWS the window of five minutes goes on after the delete."""
    sqs, live = aws("sqs"), Live(Grouped)
    url, queue = fifo(sqs), live.model.queue
    send_both(sqs, url, live, 0, 0)
    (message,) = received(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    live.call(queue, "delete", live.call(queue, "receive"))
    send_both(sqs, url, live, 0, 0)
    assert texts(received(sqs, url)) == ["0"]
    assert queue.size(Group(0)) == 0


def test_moto_puts_records_into_a_closed_shard(aws: Clients) -> None:
    """AWS closes the parent of a split at once; in the model the record goes to the child."""
    kinesis, live = aws("kinesis"), Live(Streaming)
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    (parent,) = shards(kinesis)
    kinesis.split_shard(StreamName="stream", ShardToSplit=parent, NewStartingHashKey=str(2**127))
    kinesis.put_record(StreamName="stream", Data=b"1", PartitionKey="key")
    assert len(read(kinesis, parent, "TRIM_HORIZON")) == 1
    live.call(live.model.stream, "put", Key(0), Body(0))
    live.call(live.model.stream, "reshard")
    live.call(live.model.stream, "put", Key(0), Body(1))
    assert [len(live.model.stream.records[shard]) for shard in live.model.stream.created] == [1, 1]
