"""What commerce holds of a member: export it, erase it."""
