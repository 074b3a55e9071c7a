"""What a run leaves: its folder and records, told truly whatever ended it, and how long they stay."""
