"""Order intake that claims first: write the marker if there is none, then create the order."""

from __future__ import annotations

import uuid

from consumers.order_intake.common import Delivery, Intake


def handle(intake: Intake, delivery: Delivery) -> None:
    settings = intake.settings
    try:
        intake.dynamodb.put_item(
            TableName=settings.seen_table,
            Item={"order_id": {"S": delivery.order_id}},
            ConditionExpression="attribute_not_exists(order_id)",
        )
    except intake.dynamodb.exceptions.ConditionalCheckFailedException:
        intake.delete(delivery)
        return
    intake.dynamodb.put_item(
        TableName=settings.orders_table,
        Item={
            "row_id": {"S": str(uuid.uuid4())},
            "order_id": {"S": delivery.order_id},
            "created_by": {"S": settings.worker_name},
        },
    )
    intake.delete(delivery)


def main() -> None:
    intake = Intake()
    for delivery in intake.deliveries():
        handle(intake, delivery)


if __name__ == "__main__":
    main()
