"""Order intake that acknowledges first: delete the message, then create the order."""

from __future__ import annotations

import uuid

from consumers.order_intake.common import Delivery, Intake


def handle(intake: Intake, delivery: Delivery) -> None:
    intake.delete(delivery)
    intake.dynamodb.put_item(
        TableName=intake.settings.orders_table,
        Item={
            "row_id": {"S": str(uuid.uuid4())},
            "order_id": {"S": delivery.order_id},
            "created_by": {"S": intake.settings.worker_name},
        },
    )


def main() -> None:
    intake = Intake()
    for delivery in intake.deliveries():
        handle(intake, delivery)


if __name__ == "__main__":
    main()
