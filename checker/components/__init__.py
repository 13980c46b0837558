"""AWS services as components: state, operations and faults, in the DSL that models are written in."""

from checker.components.dynamo_table import (
    Change,
    CounterTable,
    DynamoTable,
    ExpiringTable,
    StreamTable,
    TokenTable,
)
from checker.components.event_bus import ArchivedEventBus, CrossRegionBus, EventBus
from checker.components.global_table import GlobalTable
from checker.components.kinesis_stream import KinesisStream, LeaseLost, StreamRecord
from checker.components.lambda_mapping import LambdaMapping, LambdaStreamMapping
from checker.components.provider import Charged, NotifyingProvider, Provider
from checker.components.regions import Epoch, Lease, Region, Regions, RegionUnavailable
from checker.components.sqs_fifo_queue import FifoDelivery, ReceiptHandleExpired, SqsFifoQueue
from checker.components.sqs_queue import Delivery, SqsQueue, SqsQueueWithDlq
from checker.components.strong_global_table import ReplicatedWriteConflict, StrongGlobalTable

__all__ = [
    "ArchivedEventBus",
    "Change",
    "Charged",
    "CounterTable",
    "CrossRegionBus",
    "Delivery",
    "DynamoTable",
    "Epoch",
    "EventBus",
    "ExpiringTable",
    "FifoDelivery",
    "GlobalTable",
    "KinesisStream",
    "LambdaMapping",
    "LambdaStreamMapping",
    "Lease",
    "LeaseLost",
    "NotifyingProvider",
    "Provider",
    "ReceiptHandleExpired",
    "Region",
    "RegionUnavailable",
    "Regions",
    "ReplicatedWriteConflict",
    "SqsFifoQueue",
    "SqsQueue",
    "SqsQueueWithDlq",
    "StreamRecord",
    "StreamTable",
    "StrongGlobalTable",
    "TokenTable",
]
