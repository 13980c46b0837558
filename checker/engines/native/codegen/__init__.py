"""From a program to the C source of its transition system."""
