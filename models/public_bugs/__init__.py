"""Bugs that others reported in public, as regression models: each file names the reports that it follows."""
