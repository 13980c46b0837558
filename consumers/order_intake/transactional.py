"""Order intake with one transaction: the marker and the order are written together or not at all."""

from __future__ import annotations

import uuid
from typing import Any

from consumers.order_intake.common import Delivery, Intake


def already_taken(error: Any) -> bool:
    """Whether the transaction was cancelled by its condition, and by nothing else."""
    codes = {reason["Code"] for reason in error.response["CancellationReasons"]}
    return codes <= {"None", "ConditionalCheckFailed"}


def handle(intake: Intake, delivery: Delivery) -> None:
    settings = intake.settings
    marker = {
        "TableName": settings.seen_table,
        "Item": {"order_id": {"S": delivery.order_id}},
        "ConditionExpression": "attribute_not_exists(order_id)",
    }
    order = {
        "TableName": settings.orders_table,
        "Item": {
            "row_id": {"S": str(uuid.uuid4())},
            "order_id": {"S": delivery.order_id},
            "created_by": {"S": settings.worker_name},
        },
    }
    try:
        intake.dynamodb.transact_write_items(TransactItems=[{"Put": marker}, {"Put": order}])
    except intake.dynamodb.exceptions.TransactionCanceledException as error:
        if not already_taken(error):
            raise
    intake.delete(delivery)


def main() -> None:
    intake = Intake()
    for delivery in intake.deliveries():
        handle(intake, delivery)


if __name__ == "__main__":
    main()
