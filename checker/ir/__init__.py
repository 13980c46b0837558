"""The typed intermediate representation (IR) that every engine works from."""
