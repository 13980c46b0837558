"""What people and programs read: verdict tables, traces as text and lanes, JSON."""
