"""Order intake that looks before it writes: skip an order that has a marker, else create it and mark it."""

from __future__ import annotations

import uuid

from consumers.order_intake.common import Delivery, Intake


def handle(intake: Intake, delivery: Delivery) -> None:
    settings = intake.settings
    order_key = {"order_id": {"S": delivery.order_id}}
    marker = intake.dynamodb.get_item(TableName=settings.seen_table, Key=order_key, ConsistentRead=True)
    if "Item" not in marker:
        intake.dynamodb.put_item(
            TableName=settings.orders_table,
            Item={
                "row_id": {"S": str(uuid.uuid4())},
                "order_id": {"S": delivery.order_id},
                "created_by": {"S": settings.worker_name},
            },
        )
        intake.dynamodb.put_item(TableName=settings.seen_table, Item=order_key)
    intake.delete(delivery)


def main() -> None:
    intake = Intake()
    for delivery in intake.deliveries():
        handle(intake, delivery)


if __name__ == "__main__":
    main()
