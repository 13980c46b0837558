"""KinesisStream against what AWS says of Kinesis Data Streams, and of the KCL.

| clause (developer guide, API reference, KCL)                         | test                              |
|----------------------------------------------------------------------|-----------------------------------|
| records of one shard come in order                                   | test_order_within_a_shard         |
| records of one key go to one shard, two keys to one or two           | test_keys_and_shards              |
| a put that is tried again is a second record                         | test_a_retried_put_is_two_records |
| one worker at a time has the lease of a shard                        | test_a_lease_keeps_others_out     |
| a crashed worker's records come again from the last checkpoint       | test_replay_from_the_checkpoint   |
| all records after it, also those that were done                      | test_replay_of_a_batch            |
| a stalled worker loses its lease, and works on                       | test_a_lost_lease                 |
| its checkpoint is refused                                            | test_a_lost_lease                 |
| GetRecords returns one record or more                                | test_a_batch_has_any_size         |
| a reshard closes the parent; its keys go on in a child               | test_reshard                      |
| the KCL opens a child only when all its ancestors are drained        | test_a_child_waits                |
| a reader of one's own need not                                       | test_a_reader_that_does_not_wait  |
| a checkpoint can be reset to TRIM_HORIZON                            | test_reset_to_start               |
| (model) a shard holds seven records                                  | test_a_full_shard_is_a_model_error|
"""

from __future__ import annotations

from checker.errors import ModelErrorKind
from checker.ir.values import FrozenMap, Value

from .messaging_models import ProducingRecords, Streaming, StreamingBatches, StreamingUnordered
from .stepping import Scene, scene

NEXT, WORK, CHECKPOINT, RESHARD = "stream.next_record", "elsewhere.get", "stream.checkpoint", "stream.reshard"


def streaming(budgets: dict[str, int] | None = None, workers: int = 1, shards: int = 3) -> Scene:
    return scene(Streaming, budgets, Body=3, Key=1, Shard=shards, Worker=workers)


def put(start: Scene, *bodies: int) -> Scene:
    """Records of the only key."""
    for body in bodies:
        start = start.after("put")[body]
    return start


def records(found: Scene) -> dict[int, Value]:
    """The records of shards that have some."""
    shards = found["stream.records"]
    assert isinstance(shards, FrozenMap)
    return {shard: kept for shard, kept in shards.items() if kept}


def test_order_within_a_shard() -> None:
    one_by_one = (NEXT, WORK, CHECKPOINT)
    assert put(streaming(), 1, 0, 2).do(*one_by_one, *one_by_one, *one_by_one)["done"] == (1, 0, 2)


def test_keys_and_shards() -> None:
    start = scene(Streaming, Body=1, Key=2, Shard=3)
    first = start.after("put")[0]
    second = [after for after in first.after("put") if len(after["stream.shard_of"]) == 2]
    assert [records(after) for after in second] == [{0: (0, 0)}, {0: (0,), 1: (0,)}]


def test_a_retried_put_is_two_records() -> None:
    start = scene(ProducingRecords, {"ambiguous": 1}, attempts=2, Body=1, Key=1, Shard=1)
    (lost,) = [s for s in start.after("stream.put") if sum(s.state.budgets) < sum(start.state.budgets)]
    assert records(lost) == {0: (0,)}
    assert records(lost.do("stream.put")) == {0: (0, 0)}


def test_a_lease_keeps_others_out() -> None:
    taken = put(streaming(workers=2), 0, 1).do((NEXT, 0))
    assert not taken.can(NEXT, 1)
    assert taken.do(WORK, CHECKPOINT).can(NEXT, 1)


def test_replay_from_the_checkpoint() -> None:
    """Done, and dead before the checkpoint: the record comes again, to any worker."""
    dead = put(streaming({"crash": 1}, workers=2), 0).do((NEXT, 0), WORK, "crash")
    assert dead["done"] == (0,)
    assert dead.do((NEXT, 1), WORK, CHECKPOINT)["done"] == (0, 0)


def batches(budgets: dict[str, int] | None = None) -> Scene:
    return scene(StreamingBatches, budgets, Body=3, Key=1, Shard=1)


def test_a_batch_has_any_size() -> None:
    """One to three of three records: so many calls are made before the checkpoint."""
    sizes = []
    for read in put(batches(), 0, 1, 2).after("stream.next_batch"):
        worked, count = read, 0
        while worked.can(WORK):
            worked, count = worked.do(WORK), count + 1
        sizes.append(count)
        assert worked.do(CHECKPOINT)["stream.checkpoints"] == FrozenMap({0: count})
    assert sizes == [1, 2, 3]


def test_replay_of_a_batch() -> None:
    dead = put(batches({"crash": 1}), 0, 1).after("stream.next_batch")[1].do(WORK, "crash")
    assert dead["done"] == (0,)
    again = dead.after("stream.next_batch")[1].do(WORK, WORK, CHECKPOINT)
    assert again["done"] == (0, 0, 1)
    assert not again.can("stream.next_batch")


def test_a_lost_lease() -> None:
    """Worker 1 takes the shard over, and both work; the checkpoint of worker 0 is refused."""
    taken = put(streaming({"stream.lease_lost": 1}, workers=2), 0).do((NEXT, 0))
    lost = taken.do("stream.lease_lost", (NEXT, 1), (WORK, 0))
    refused = lost.do((CHECKPOINT, 0))
    assert refused["refused"] is True
    assert refused["stream.checkpoints"] == lost["stream.checkpoints"]
    after = refused.do((WORK, 1), (CHECKPOINT, 1))
    assert after["stream.checkpoints"] == FrozenMap({0: 1, 1: 0, 2: 0})
    assert after["done"] == (0, 0)


def test_only_a_worker_at_work_loses_its_lease_at_a_budget() -> None:
    done = put(streaming({"stream.lease_lost": 1}), 0, 1).do(NEXT, WORK, CHECKPOINT)
    assert not done.can("stream.lease_lost")


def test_reshard() -> None:
    split = put(put(streaming({RESHARD: 1}), 0).do(RESHARD), 1)
    assert records(split) == {0: (0,), 1: (1,)}
    assert split["stream.parents"] == FrozenMap({1: 0})


def test_a_child_waits() -> None:
    split = put(put(streaming({RESHARD: 1}, workers=2), 0).do(RESHARD), 1)
    reading = split.do((NEXT, 0))
    assert not reading.can(NEXT, 1)
    assert reading.do(WORK, CHECKPOINT, NEXT, WORK, CHECKPOINT)["done"] == (0, 1)


def test_a_child_waits_for_its_grandparent() -> None:
    """The parent never had a record: it is drained from the beginning, its own parent is not."""
    split = put(put(streaming({RESHARD: 2}, workers=2), 0).do(RESHARD).do(RESHARD), 1)
    assert records(split) == {0: (0,), 2: (1,)}
    assert not split.do((NEXT, 0)).can(NEXT, 1)


def test_a_reshard_needs_a_shard_that_is_left() -> None:
    assert not put(streaming({RESHARD: 1}, shards=1), 0).can(RESHARD)


def test_a_reader_that_does_not_wait() -> None:
    start = scene(StreamingUnordered, {RESHARD: 1}, Body=2, Key=1, Shard=2)
    split = put(put(start, 0).do(RESHARD), 1)
    assert {after["done"] for after in split.after("stream.next_record_of_any_shard")} == {(0,), (1,)}


def test_reset_to_start() -> None:
    done = put(streaming({"stream.reset_to_start": 1}), 0, 1).do(NEXT, WORK, CHECKPOINT)
    again = done.do("stream.reset_to_start", NEXT, WORK, CHECKPOINT)
    assert again["done"] == (0, 0)


def test_a_full_shard_is_a_model_error() -> None:
    start = scene(ProducingRecords, Body=1, Key=1, Shard=1)
    for _ in range(7):
        start = start.do("stream.put")
    assert len(records(start)[0]) == 7
    (error,) = start.errors()
    assert error.kind is ModelErrorKind.ASSERTION
