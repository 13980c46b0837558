"""Protocols of orders: one file for each way in which messages make trouble."""
