"""Order intake: five ways to turn an ``OrderPlaced`` message into one row of the orders table."""
