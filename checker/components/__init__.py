"""AWS services as components: state, operations and faults, in the DSL that models are written in."""

from checker.components.dynamo_table import DynamoTable
from checker.components.sqs_queue import Delivery, SqsQueue

__all__ = ["Delivery", "DynamoTable", "SqsQueue"]
