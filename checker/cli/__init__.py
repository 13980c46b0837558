"""The command ``quackcheck``: one module a verb."""
