"""Order intake with a business key: the orders table is keyed by order; creating one twice is no error."""

from __future__ import annotations

from contextlib import suppress

from consumers.order_intake.common import Delivery, Intake


def handle(intake: Intake, delivery: Delivery) -> None:
    with suppress(intake.dynamodb.exceptions.ConditionalCheckFailedException):
        intake.dynamodb.put_item(
            TableName=intake.settings.orders_table,
            Item={
                "order_id": {"S": delivery.order_id},
                "created_by": {"S": intake.settings.worker_name},
            },
            ConditionExpression="attribute_not_exists(order_id)",
        )
    intake.delete(delivery)


def main() -> None:
    intake = Intake()
    for delivery in intake.deliveries():
        handle(intake, delivery)


if __name__ == "__main__":
    main()
